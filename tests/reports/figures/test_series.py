"""Small pictures of series: what is drawn is what there is."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mtcs.reports.figures.series import HEIGHT, WIDTH, picture


def points(svg: str) -> list[list[tuple[float, float]]]:
    """The strokes of all paths, each a list of points."""
    strokes = [stroke for path in re.findall(r' d="([^"]*)"', svg) for stroke in path.split("M")[1:]]
    return [[tuple(map(float, point.split("h")[0].split())) for point in stroke.split("L")] for stroke in strokes]


def test_a_series_spans_its_picture():
    ((start, *_, end),) = points(picture(np.linspace(-3, 5, 50)))
    assert start == (1, HEIGHT - 1)
    assert end == (WIDTH - 1, 1)


def test_missing_values_break_the_line_and_keep_their_place():
    values = np.arange(10.0)
    values[[4, 5]] = np.nan
    first, second = points(picture(values))
    assert len(first) == len(second) == 4
    assert second[0][0] == pytest.approx(1 + (WIDTH - 2) * 6 / 9, abs=0.05)


def test_peaks_of_a_long_series_stay():
    values = np.zeros(100_000)
    values[777] = 1
    svg = picture(values)
    assert len(svg) < 10_000
    assert min(y for _, y in points(svg)[0]) == 1


def test_channels_share_one_scale():
    svg = picture(np.stack([np.zeros(5), np.full(5, 10.0)]))
    low, high = points(svg)
    assert {y for _, y in low} == {HEIGHT - 1}
    assert {y for _, y in high} == {1}
    assert len(set(re.findall(r'stroke="([^"]*)"', svg))) == 2


def test_what_it_is_compared_with_is_behind_it_on_the_same_scale():
    svg = picture(np.zeros(5), (np.full(3, -5.0), np.full(8, 5.0)))
    assert [{y for _, y in stroke} for stroke in points(svg)] == [{HEIGHT - 1}, {1}, {HEIGHT / 2}]
    assert svg.count('class="behind"') == 2 and svg.count("stroke-dasharray") == 1


@pytest.mark.parametrize("values", [np.array([2.0]), np.full(9, 3.0), np.array([np.nan, 1.0, np.nan])])
def test_what_has_no_extent_is_drawn_too(values):
    assert re.search(r' d="M[\d. ]+', picture(values))
