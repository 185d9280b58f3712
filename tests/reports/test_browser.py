"""The page in a browser, narrow and wide, light and dark: nothing overflows, is cut without a cue, or lacks a name.

The top of the page is also compared with pictures in `screenshots/`; `make screenshots` takes these anew.
"""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from time import monotonic, sleep

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from mtcs.evaluation.results import write_result
from mtcs.layout import Layout, Run
from mtcs.reports.analysis.contents import analyze
from mtcs.reports.page import write_report
from tests.browser import Browser, needs_chromium, opened

METHODS = ("mtcs", "mtl", "mmoe", "ts2vec_joint", "ts2vec", "t_loss", "tnc", "ts_tcc", "tst", "dtw")
RIVALS = ("multirocket_hydra", "minirocket", "hydra", "quant", "mtcs_rocket", "mtcs_difference")
MANY = (
    *("Adiac", "ArrowHead", "Beef", "CBF", "Car", "Chinatown", "Coffee", "Computers", "CricketX", "Crop", "ECG200"),
    *("Earthquakes", "EthanolLevel", "FaceAll", "FordA", "Fungi", "GestureMidAirD1", "GunPointOldVersusYoung", "Ham"),
    *("NonInvasiveFetalECGThorax1", "PigArtPressure", "PowerCons", "Wafer", "a_task_of_the_user"),
)
TASKS = (
    *("Lightning2", "Lightning7", "EOGHorizontalSignal", "EOGVerticalSignal", "Chinatown", "MelbournePedestrian"),
    *("SmallKitchenAppliances", "LargeKitchenAppliances", "a_task_of_the_user_with_a_long_name"),
)
WIDTHS = (390, 768, 1280, 1920)
SCREENSHOTS = Path(__file__).parent / "screenshots"
HEIGHT = 3000
"""Pixels of the page that are compared, from its top."""
SHRUNK = 8
"""So many pixels of the page, each way, are one of a picture: edges of letters differ between machines."""
DIFFERENT, SHARE = 24, 0.02
"""Levels, of 255, from which on a pixel differs, and the share of pixels that may."""

LOOK = """
(() => {
  document.querySelectorAll('details').forEach(one => one.open = true);
  const {clientWidth: width, scrollWidth} = document.documentElement, problems = [];
  if (scrollWidth > width) problems.push('the page is ' + scrollWidth);
  const seen = one => one.offsetParent !== null || one.getClientRects().length;
  const inside = one => one.closest('.wide');
  for (const one of document.querySelectorAll('h1, h2, p, li, nav, summary, figcaption, .wide')) {
    const box = one.getBoundingClientRect();
    if (seen(one) && !(inside(one) && inside(one) !== one) && (box.right > width + 1 || box.left < -1))
      problems.push(one.tagName + ' ' + one.className + ' leaves the page');
  }
  for (const one of document.querySelectorAll('.wide')) {
    if (!seen(one)) continue;
    const scrolls = one.scrollWidth > one.clientWidth, cue = one.querySelector('.cue').offsetWidth;
    if (cue !== (scrolls ? one.clientWidth : 0)) problems.push(one.ariaLabel + ' has a cue of ' + cue);
    if (scrolls && one.tabIndex !== 0) problems.push(one.ariaLabel + ' scrolls without a key');
    if (one.scrollHeight > one.clientHeight) problems.push(one.ariaLabel + ' scrolls down');
  }
  for (const text of document.querySelectorAll('svg text')) {
    if (!seen(text.ownerSVGElement.parentElement)) continue;
    const box = text.getBoundingClientRect(), all = text.ownerSVGElement.getBoundingClientRect();
    if (box.right > all.right + 2 || box.left < all.left - 2 || box.bottom > all.bottom + 2 || box.top < all.top - 2)
      problems.push('cut in a figure: ' + text.textContent);
    if (box.height && box.height < 8 && text.textContent) problems.push('too small: ' + text.textContent);
  }
  return JSON.stringify(problems.slice(0, 20));
})()
"""

CONTRAST = """
(() => {
  const light = value => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const of = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const luminance = c => 0.2126 * light(c[0]) + 0.7152 * light(c[1]) + 0.0722 * light(c[2]);
  const page = luminance(of(getComputedStyle(document.body).backgroundColor));
  const low = [];
  for (const one of document.querySelectorAll('p, td, th, li, summary, figcaption, a, h1, h2, svg text')) {
    const style = getComputedStyle(one);
    const own = luminance(of(one.tagName === 'text' ? style.fill : style.color));
    const ratio = (Math.max(own, page) + 0.05) / (Math.min(own, page) + 0.05);
    if (ratio < 4.5) low.push(one.tagName + ' ' + ratio.toFixed(2) + ' ' + one.textContent.slice(0, 20));
  }
  return JSON.stringify(low.slice(0, 10));
})()
"""

AXE = """
axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}).then(done =>
  JSON.stringify(done.violations.map(one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.html).join(' | '))))
"""

NAMES = """
(() => {
  const without = [];
  for (const one of document.querySelectorAll('[role=img]:not([aria-label])'))
    if (!(one.getAttribute('aria-labelledby') || '').split(' ').every(id => document.getElementById(id)?.textContent))
      without.push('img');
  for (const one of document.querySelectorAll('[role=region], nav')) if (!one.ariaLabel) without.push(one.tagName);
  for (const one of document.querySelectorAll('th')) if (!one.getAttribute('scope')) without.push('th');
  const levels = [...document.querySelectorAll('h1, h2, h3, h4')].map(one => Number(one.tagName[1]));
  if (levels.filter(level => level === 1).length !== 1) without.push('one h1');
  levels.forEach((level, i) => { if (i && level > levels[i - 1] + 1) without.push('a heading level'); });
  if (!document.documentElement.lang || !document.title) without.push('language or title');
  return JSON.stringify(without);
})()
"""

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened(tmp_path_factory.mktemp("browser")) as one:
        yield one


def show(browser: Browser, page: Path, width: int, scheme: str = "light") -> None:
    browser.size(width, 900)
    browser.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.do("Page.navigate", url=page.as_uri())
    end = monotonic() + 60
    while not browser.value("document.readyState === 'complete' && !!document.querySelector('footer')"):
        assert monotonic() < end
        sleep(0.05)


def make_page(folder: Path, experiment, result, tasks: tuple[str, ...], methods: tuple[str, ...]) -> Path:
    layout = Layout(folder)
    for m, method in enumerate(methods):
        for seed in (0, 1):
            accuracies = {task: 0.5 + (7 * m + 13 * t + 3 * seed) % 40 / 100 for t, task in enumerate(tasks)}
            made = result(method, seed, accuracies, balanced_accuracy=0.5, majority=0.4, wrong={"a": {"b": (3, 98)}})
            write_result(Run("tiny", method, seed, layout).result, made)
    write_report(analyze(layout, experiment(methods, tasks, 2), "tiny", methods), layout.report("tiny"))
    return layout.report("tiny") / "report.html"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, experiment, result) -> Path:
    return make_page(tmp_path_factory.mktemp("usual"), experiment, result, TASKS, METHODS)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, experiment, result) -> Path:
    """A page of more methods and tasks than one panel or screen holds."""
    return make_page(tmp_path_factory.mktemp("large"), experiment, result, MANY, METHODS + RIVALS)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["page", "large", "own_page"])
def test_nothing_overflows_and_nothing_is_cut_without_a_cue(
    browser: Browser, request: pytest.FixtureRequest, kind: str, width: int
) -> None:
    show(browser, request.getfixturevalue(kind), width)
    assert json.loads(browser.value(LOOK)) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["page", "own_page"])
def test_text_stands_out_from_the_page(
    browser: Browser, request: pytest.FixtureRequest, kind: str, scheme: str
) -> None:
    show(browser, request.getfixturevalue(kind), 1280, scheme)
    assert json.loads(browser.value(CONTRAST)) == []


@pytest.mark.parametrize("kind", ["page", "own_page"])
def test_everything_has_a_name(browser: Browser, request: pytest.FixtureRequest, kind: str) -> None:
    show(browser, request.getfixturevalue(kind), 1280)
    assert json.loads(browser.value(NAMES)) == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kind", "width", "scheme"),
    [
        *(("page", width, scheme) for width in (390, 1280) for scheme in ("light", "dark")),
        *(("own_page", width, "light") for width in (390, 1280)),
        ("large", 1280, "light"),
    ],
)
def test_axe_finds_no_violation(
    browser: Browser, request: pytest.FixtureRequest, kind: str, width: int, scheme: str
) -> None:
    show(browser, request.getfixturevalue(kind), width, scheme)
    browser.value("document.querySelectorAll('details').forEach(one => one.open = true)")
    browser.value(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
    assert json.loads(browser.value(AXE)) == []


def test_a_reader_chooses_the_order_of_many_tasks(browser: Browser, large: Path) -> None:
    show(browser, large, 1280)
    rows = """JSON.stringify([...document.querySelectorAll('.ordered tbody tr')]
      .map(one => [one.getBoundingClientRect().top, one.firstChild.textContent])
      .sort((a, b) => a[0] - b[0]).map(one => one[1]))"""
    choices = browser.value("[...document.querySelectorAll('.orders label')].map(one => one.textContent.trim())")
    assert json.loads(browser.value(rows)) == list(MANY)
    browser.value(f"document.getElementById('order-{choices.index('easy for MTCS first')}').click()")
    accuracy = {task: 0.5 + (13 * t) % 40 / 100 + 0.5 + (13 * t + 3) % 40 / 100 for t, task in enumerate(MANY)}
    assert json.loads(browser.value(rows)) == sorted(MANY, key=lambda task: -round(accuracy[task], 9))


def test_a_phone_gets_panels_and_a_wide_screen_text_beside_figures(browser: Browser, page: Path) -> None:
    shown = "[...document.querySelectorAll('.desk, .phone')].map(one => one.offsetParent !== null)"
    show(browser, page, 390)
    assert browser.value(shown) == [False, True]
    show(browser, page, 1280)
    assert browser.value(shown) == [True, False]
    columns = "getComputedStyle(document.querySelector('#accuracy')).gridTemplateColumns.split(' ').length"
    assert browser.value(columns) == 2


def screenshot(browser: Browser, page: Path, width: int, scheme: str, style: str = "") -> np.ndarray:
    """The top of the page (rows, columns, 3), shrunk, in a font of matplotlib's, which is the same everywhere."""
    font = base64.b64encode((Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf").read_bytes()).decode()
    face = f"@font-face {{ font-family: Fixed; src: url(data:font/ttf;base64,{font}); }}"
    show(browser, page, width, scheme)
    browser.value(f"""(async () => {{
      const style = document.createElement('style');
      style.textContent = `{face} * {{ font-family: Fixed !important; }} {style}`;
      document.head.append(style);
      await document.fonts.load('16px Fixed');
      await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    }})()""")
    clip = {"x": 0, "y": 0, "width": width, "height": HEIGHT, "scale": 1}
    taken = browser.photograph(format="png", captureBeyondViewport=True, clip=clip)
    return np.asarray(Image.open(io.BytesIO(taken)).convert("RGB").reduce(SHRUNK))


def share_that_differs(a: np.ndarray, b: np.ndarray) -> float:
    """Of the pixels of two pictures; all of them where the sizes are not the same."""
    return float((np.abs(a.astype(int) - b).max(axis=2) > DIFFERENT).mean()) if a.shape == b.shape else 1.0


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_looks_as_before(browser: Browser, page: Path, tmp_path: Path, width: int, scheme: str) -> None:
    path, taken = SCREENSHOTS / f"{width}-{scheme}.png", screenshot(browser, page, width, scheme)
    if os.environ.get("RENEW_SCREENSHOTS"):
        SCREENSHOTS.mkdir(exist_ok=True)
        Image.fromarray(taken).quantize(64).save(path, optimize=True)
    Image.fromarray(taken).save(tmp_path / path.name)
    share = share_that_differs(taken, np.asarray(Image.open(path).convert("RGB")))
    assert share <= SHARE, f"{share:.1%} of {tmp_path / path.name} differ from {path}"


@pytest.mark.parametrize(
    "style",
    ["table { display: none; }", ".top { display: block; }", "p { max-width: 30rem; }", ":root { --page: #ffd; }"],
)
def test_a_page_that_looks_otherwise_is_told(browser: Browser, page: Path, style: str) -> None:
    before = np.asarray(Image.open(SCREENSHOTS / "1280-light.png").convert("RGB"))
    assert share_that_differs(screenshot(browser, page, 1280, "light", style), before) > SHARE
