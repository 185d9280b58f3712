"""Prefect's own page in a browser: the run, its tasks by DVC's names, the table and the picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.flow import reproduce
from tests.browser import Browser, needs_chromium, opened

BUILD = Path(__file__).parents[2] / "build"
PICTURE = "[...document.images].some(one => one.src.startsWith('data:image/svg') && one.naturalWidth > 0)"
TASK_RUNS = """
    (tab => tab ? (tab.click(), true) : false)
    ([...document.querySelectorAll('*')].find(one => !one.children.length && one.textContent.trim() === 'Task Runs'))
"""
REPORT_LINK = "[...document.querySelectorAll('a')].find(one => one.textContent.trim() === 'The whole report').href"
WIDTHS = {"desktop": (1440, 1000), "phone": (390, 844)}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning"),  # DVC's, of pygtrie
    needs_chromium,
]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with opened(tmp_path / "browser") as one:
        yield one


def text(browser: Browser) -> str:
    return str(browser.value("document.body ? document.body.innerText : ''"))


def test_the_run_is_shown(workspace, server, browser, until):
    state = reproduce(suites=["one"], return_state=True)
    run = state.state_details.flow_run_id
    wanted = {"artifacts": {"flow_run_id": {"any_": [str(run)]}}}
    made = {one["key"]: one["id"] for one in httpx.post(f"{server}/artifacts/filter", json=wanted).json()}
    page = server.removesuffix("/api")
    BUILD.mkdir(exist_ok=True)
    for name, size in WIDTHS.items():
        browser.size(*size)
        browser.do("Page.navigate", url=f"{page}/runs/flow-run/{run}")
        until(lambda: "Completed" in text(browser), 90)
        if name == "desktop":  # on a phone the tabs are a menu
            until(lambda: "> mtcs download one" in text(browser), 90)
            (BUILD / f"prefect-run-{name}.png").write_bytes(browser.photograph())
            until(lambda: browser.value(TASK_RUNS), 90)
            until(lambda: {"download@one", "report@one"} <= set(text(browser).split()), 90)
        (BUILD / f"prefect-tasks-{name}.png").write_bytes(browser.photograph())
        browser.do("Page.navigate", url=f"{page}/artifacts/artifact/{made['accuracy-one']}")
        until(lambda: "The whole report" in text(browser) and browser.value(PICTURE), 90)
        (BUILD / f"prefect-table-{name}.png").write_bytes(browser.photograph())
        browser.do("Page.navigate", url=browser.value(REPORT_LINK))
        until(lambda: "Report of one" in text(browser) and browser.value(PICTURE), 90)
        (BUILD / f"prefect-report-{name}.png").write_bytes(browser.photograph())
