"""Means over seeds and tasks, ranks, marks, and the paper beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mtcs.reports.analysis import accuracy

UCR12 = (
    *("Crop", "ElectricDevices", "Wafer", "TwoPatterns", "ECG5000", "FordA", "FordB", "ChlorineConcentration"),
    *(f"UWaveGestureLibrary{axis}" for axis in ("All", "X", "Y", "Z")),
)


def test_mean_and_standard_deviation_over_seeds(report_of) -> None:
    table = report_of({"mtcs": {"A": [0.5, 0.7, 0.9], "B": [0.4, 0.4, 0.7]}}).table
    cell = table.rows[0].cells["mtcs"]
    assert (cell.mean, cell.std, cell.seeds) == (pytest.approx(0.7), pytest.approx(0.2), 3)
    assert table.mean["mtcs"].mean == pytest.approx(0.6)
    assert table.mean["mtcs"].std == pytest.approx(np.std([0.45, 0.55, 0.8], ddof=1))


def test_one_seed_has_no_spread(report_of) -> None:
    table = report_of({"mtcs": {"A": [0.5]}}).table
    assert np.isnan(table.mean["mtcs"].std)
    assert "accuracy_std" not in accuracy.summary(table, [])["mtcs"]


def test_equal_accuracies_share_a_rank_and_ranks_are_of_all_digits(report_of) -> None:
    table = report_of({"mtcs": {"A": [0.3, 0.9]}, "mtl": {"A": [0.6, 0.6]}, "dtw": {"A": [0.1, 0.1]}}).table
    assert table.rank == {"mtcs": 1.5, "mtl": 1.5, "dtw": 3}
    table = report_of({"mtcs": {"A": [0.95874]}, "mtl": {"A": [0.95851]}, "dtw": {"A": [0.95849]}}).table
    assert table.rank == {"mtcs": 1, "mtl": 2, "dtw": 3}


def test_the_paper_is_compared_over_the_tasks_it_reports(report_of) -> None:
    cells = {method: {task: [0.861, 0.863] for task in UCR12} for method in ("mtcs", "mtl")}
    table = report_of(cells).table
    assert table.mean["mtcs"].published == pytest.approx(0.862, abs=5e-4)
    assert table.mean["mtl"].published == pytest.approx(0.855, abs=5e-4)
    more = report_of({method: {**tasks, "Mine": [0.1, 0.1]} for method, tasks in cells.items()}).table
    assert more.mean["mtcs"].published == table.mean["mtcs"].published
    assert more.mean["mtcs"].difference == pytest.approx(table.mean["mtcs"].difference)
    assert more.mean["mtcs"].mean < 0.81
    assert len(more.compared["mtcs"]) == 12


def test_doubtful_cells_are_replaced_in_the_corrected_mean(report_of) -> None:
    table = report_of({"dtw": {task: [0.8] for task in UCR12}}).table
    assert table.mean["dtw"].corrected == pytest.approx(0.754 - (0.892 - 0.658) / 12 + 0.095 / 12, abs=5e-4)


def test_the_second_table_of_the_paper_is_known() -> None:
    assert accuracy.published(["HouseTwenty"])["accuracy"].tolist() == [0.933, 0.916, 0.916]


def test_long_form_has_a_row_for_each_task_and_run(result) -> None:
    frame = accuracy.long_form([result("mtcs", 0, {"A": 0.5, "B": 0.6}), result("dtw", 0, {"A": 0.7, "B": 0.8})])
    assert list(frame.columns) == ["suite", "method", "seed", "task", "n_test", "accuracy", "head_accuracy"]
    assert frame["accuracy"].tolist() == [0.5, 0.6, 0.7, 0.8]
    assert frame["head_accuracy"].isna().tolist() == [False, False, True, True]


def test_summary_is_the_metric_by_method(report_of) -> None:
    report = report_of({"mtcs": {"A": [0.5, 0.7], "B": [0.4, 0.4]}, "mtl": {"A": [0.5, 0.7], "B": [0.6, 0.4]}})
    summary = accuracy.summary(report.table, report.comparisons)
    assert summary["mtcs"] == {"accuracy": 0.5, "accuracy_std": 0.070711, "rank": 1.75, "seeds": 2}
    assert {name: summary["mtl"][name] for name in ("wins", "ties", "losses")} == {"wins": 1, "ties": 1, "losses": 0}


def test_scores_are_rounded_so_that_equal_shares_are_equal(report_of) -> None:
    scores = report_of({"mtcs": {"A": [0.1 + 0.2]}, "dtw": {"A": [0.3]}}).table.scores
    assert isinstance(scores, pd.DataFrame)
    assert scores.loc["A", "mtcs"] == scores.loc["A", "dtw"]
