"""What accuracy hides of rare labels."""

from __future__ import annotations

import pytest

from mtcs.reports.analysis.balance import balance


def test_balanced_accuracies_are_means_and_labels_never_predicted_are_those_of_no_seed(result) -> None:
    runs = [
        result("mtcs", 0, {"A": 0.95}, balanced_accuracy=0.5, majority=0.95, never_predicted=("b", "c")),
        result("mtcs", 1, {"A": 0.95}, balanced_accuracy=0.6, majority=0.95, never_predicted=("c",)),
        result("mtl", 0, {"A": 0.97}, balanced_accuracy=0.9, majority=0.95, never_predicted=()),
    ]
    (actual,) = balance(runs, ["A"], ["mtcs", "mtl"])
    assert (actual.task, actual.majority) == ("A", 0.95)
    assert actual.accuracy == {"mtcs": pytest.approx(0.55), "mtl": 0.9}
    assert actual.never == {"mtcs": ("c",)}


def test_results_of_earlier_versions_say_nothing_of_it(result) -> None:
    assert balance([result("mtcs", 0, {"A": 0.95})], ["A"], ["mtcs"]) == []
