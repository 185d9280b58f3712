"""Colours and shapes of methods, and how figures are written."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from mtcs.reports.figures.accuracy import by_task, critical_difference, overview
from mtcs.reports.figures.drawing import DARK, LIGHT, SHAPES, THEME, Drawing, point

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
VISION = {
    "usual": np.eye(3),
    "protanopia": np.array([[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]),
    "deuteranopia": np.array([[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9690]]),
}


def linear(color: str) -> np.ndarray:
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Björn Ottosson's OKLab, in which equal distances look about equally large; one hundredth is just visible."""
    to_cones = [[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]]
    to_lab = [[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]]
    return np.array(to_lab) @ np.cbrt(np.clip(np.array(to_cones) @ rgb, 0, None))


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_any_two_colors_are_told_apart(palette: tuple[str, ...], vision: str) -> None:
    seen = [oklab(np.clip(VISION[vision] @ linear(color), 0, 1)) for color in palette]
    assert len(palette) == 12
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 0.05


@pytest.mark.parametrize(("palette", "page"), [(LIGHT, "#fbfaf7"), (DARK, "#14181b")], ids=["light", "dark"])
def test_colors_stand_out_from_the_page(palette: tuple[str, ...], page: str) -> None:
    def luminance(color: str) -> float:
        return float(np.dot([0.2126, 0.7152, 0.0722], linear(color)))

    for color in palette:
        low, high = sorted((luminance(color), luminance(page)))
        assert (high + 0.05) / (low + 0.05) >= 3


def test_no_two_methods_look_alike() -> None:
    assert len(set(SHAPES)) == len(SHAPES)
    points = [(point(i)["color"], point(i)["marker"]) for i in range(132)]
    assert len(set(points)) == 132
    assert not [i for i in range(1, 132) if point(i)["color"] == point(0)["color"]]
    for i, j in combinations(range(12), 2):
        assert point(i)["marker"] != point(j)["marker"]
        assert point(i)["color"] != point(j)["color"]


@pytest.fixture
def ranks(report_of):
    base = np.random.default_rng(1).uniform(0.8, 0.9, 12)
    methods = ("tst", "mtcs", "dtw", "markup")
    return report_of(
        {m: {f"T{t:02}": [base[t] - i * (0.03 + 0.001 * t)] for t in range(12)} for i, m in enumerate(methods)}
    )


def test_a_drawing_is_titled_and_takes_the_colours_of_a_page(ranks) -> None:
    drawing = critical_difference(ranks)
    assert drawing is not None
    text = drawing.svg
    root = ElementTree.fromstring(text)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"].startswith(f"{drawing.title}. Average ranks: TST 1.00, MTCS 2.00, ")
    assert "var(--" not in text and "<dc:date>" not in text and "&lt;b&gt;" in text
    assert "fill: var(--ink, #1d2327)" in drawing.inline
    assert not re.search(f": ({'|'.join(THEME)})", drawing.inline)


@pytest.mark.parametrize("figure", [critical_difference, by_task, overview])
def test_pdfs_are_the_same_bytes(ranks, tmp_path: Path, figure) -> None:
    pages = []
    for name in ("a.pdf", "b.pdf"):
        figure(ranks).save_pdf(tmp_path / name)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]
    assert pages[0].startswith(b"%PDF")


def test_names_of_the_user_stay_as_they_are() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().set_title("#000001 & $x$")
    assert "#000001 &amp; $x$" in Drawing(figure, "name", "title", "what").svg
