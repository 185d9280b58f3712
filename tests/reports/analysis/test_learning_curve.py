"""Accuracy by the number of labelled series: which results a point is the mean of, and how a report shows it."""

from __future__ import annotations

import math
import re

import pytest

from mtcs.reports import tables
from mtcs.reports.figures.learning_curve import learning_curve as figure
from mtcs.reports.page import write_report
from mtcs.reports.words import sentences
from mtcs.reports.writing import DASH

TASKS = ("A", "B")
FEWER = {"tiny_20": 20, "tiny_5": 5, "tiny_5_1": 5}


@pytest.fixture
def learned(report_of, write, result):
    """Two methods with all labels and two with five; MTL has another draw, DTW only all labels, `mtcs` once twenty."""

    def make(**changes):
        known = [
            *(("tiny", "mtcs", 0, 0.8), ("tiny", "mtcs", 1, 0.9), ("tiny", "mtl", 0, 0.7), ("tiny", "dtw", 0, 0.6)),
            *(("tiny_5", "mtcs", 0, 0.5), ("tiny_5", "mtl", 0, 0.4)),
            *(("tiny_5_1", "mtl", 0, 0.2), ("tiny_20", "mtcs", 0, 0.6)),
            *changes.pop("more", ()),
        ]
        for suite, method, seed, accuracy in known:
            made = result(method, seed, {"A": accuracy - 0.1, "B": accuracy + 0.1}, n_classes=2)
            tasks = tuple(task.model_copy(update={"train": 10}) for task in made.tasks)
            write(made.model_copy(update={"suite": suite, "tasks": tasks}))
        arguments = {
            "parameters": {"mtcs": {}, "mtl": {}, "dtw": {}},
            "tasks": TASKS,
            "seeds": 2,
            "fewer_labels": FEWER,
        }
        return report_of({}, **(arguments | changes))

    return make


def test_a_point_is_the_mean_over_draws_that_all_its_methods_have(learned):
    few, more, whole = learned().learning_curve
    assert (few.labels, few.draws) == (5, 1)
    assert math.isnan(few.accuracy["mtl"][1])
    assert {m: round(a, 6) for m, (a, _) in few.accuracy.items()} == {"mtcs": 0.5, "mtl": 0.4}
    assert {m: round(a, 6) for m, (a, _) in few.heads.items()} == {"mtcs": 0.49, "mtl": 0.39}
    assert (more.labels, list(more.accuracy)) == (20, ["mtcs"])
    assert (whole.labels, whole.name) == (None, "all")
    assert list(whole.heads) == ["mtcs", "mtl"], "of those methods alone"
    assert {m: round(a, 6) for m, (a, _) in whole.accuracy.items()} == {"mtcs": 0.85, "mtl": 0.7}, "DTW has no curve"
    both = learned(more=[("tiny_5_1", "mtcs", 0, 0.3)]).learning_curve[0]
    assert both.draws == 2
    assert both.accuracy["mtl"] == (pytest.approx(0.3), pytest.approx(0.1 * math.sqrt(2)))


def test_without_results_of_fewer_labels_there_is_none(learned):
    report = learned(fewer_labels={"tiny_9": 9})
    assert report.learning_curve == []
    assert figure(report) is None
    assert tables.learning_curve(report).empty


def test_a_reading_has_no_heads_of_its_own(learned):
    more = [("tiny", "mtcs_ridge", 0, 0.8), ("tiny_5", "mtcs_ridge", 0, 0.6)]
    first = learned(more=more, fewer_labels={"tiny_5": 5}, readings={"mtcs_ridge": "mtcs"}).learning_curve[0]
    assert (list(first.accuracy), list(first.heads)) == (["mtcs", "mtl", "mtcs_ridge"], ["mtcs", "mtl"])


def test_a_number_without_a_common_draw_is_left_out(learned):
    report = learned(fewer_labels={"tiny_20": 20, "tiny_5_1": 20})
    assert report.learning_curve == [], "MTCS has the one draw of 20, MTL the other"


def test_results_that_do_not_count_are_named_with_their_suite(learned):
    report = learned(fewer_labels={"tiny_5": 4})
    assert sentences(report)["not_counted"].startswith(
        "Not counted: MTCS on tiny_5, seed 0; MTL on tiny_5, seed 0, which has 10 training series of A, more than"
    )
    assert report.learning_curve == []


def test_the_report_has_a_table_a_figure_and_a_section(learned, tmp_path):
    report = learned(more=[("tiny_5_1", "mtcs", 0, 0.3)])
    frame = tables.learning_curve(report)
    assert list(frame.columns) == ["5 (2 draws)", "20 (1 draw)", "all"]
    assert frame.loc["MTL"].tolist() == ["0.300 ± 0.141", DASH, "0.700"]
    assert frame.loc["MTCS, heads"].tolist() == ["0.390 ± 0.141", "0.590", "0.840"]
    drawing = figure(report)
    assert drawing is not None
    texts = re.findall(r">([^<>]+)</text>", drawing.svg)
    assert {"MTCS", "MTL", "5", "20", "all", "of trained heads"} <= set(texts) and "DTW" not in texts
    write_report(report, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert '<section id="learning-curve">' in page
    assert "With fewer labels" in page
    assert (tmp_path / "out" / "learning-curve.md").read_text().startswith("# Fewer labels on tiny\n")
    write_report(learned(fewer_labels={}), tmp_path / "out")
    assert not list((tmp_path / "out").glob("learning-curve*")), "of an earlier report, which had one"
