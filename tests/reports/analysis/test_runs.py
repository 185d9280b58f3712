"""Which results count, and which are set aside."""

from __future__ import annotations

import numpy as np
import pytest

from mtcs.data.task import Split, Task, fingerprint, write_task
from mtcs.errors import InputError
from mtcs.layout import Layout
from mtcs.reports.analysis.runs import Runs, data_table, read_runs, repeated

ACCURACIES = {"A": 0.5, "B": 0.6}


@pytest.fixture
def read(layout: Layout, experiment):
    """What is read of these methods, with arguments of `experiment`."""

    def make(methods, tasks=ACCURACIES, **changes) -> Runs:
        return read_runs(layout, experiment(methods, tasks, **changes), "tiny", methods)

    return make


def with_data(result, task: str, digest: str):
    """The result as it were of other data of a task."""
    tasks = [one.model_copy(update={"fingerprint": digest}) if one.task == task else one for one in result.tasks]
    return result.model_copy(update={"tasks": tuple(tasks)})


def test_results_of_other_parameters_are_set_aside_and_named(read, write, result) -> None:
    write(result("mtcs", 0, ACCURACIES, {"threshold": 1.0}))
    write(result("mtl", 0, ACCURACIES, {"sharing_weight": 0.0}))
    runs = read({"mtcs": {"threshold": 1.0}, "mtl": {"sharing_weight": 0.5}})
    assert [one.method for one in runs.results] == ["mtcs"]
    assert [(one.run.method, one.why) for one in runs.set_aside] == [("mtl", "has sharing_weight 0.0 instead of 0.5")]


@pytest.mark.parametrize(("tasks", "why"), [(["A"], "has more tasks (B)"), (["A", "C"], "has other tasks (B, C)")])
def test_results_of_other_tasks_are_set_aside(read, write, result, tasks, why) -> None:
    write(result("mtcs", 0, ACCURACIES))
    assert [one.why for one in read(["mtcs"], tasks).set_aside] == [why]


def test_results_of_more_labels_than_the_suite_keeps_are_set_aside(read, write, result) -> None:
    """As after an edit of params.yaml alone: the report would say that they had few."""
    write(result("mtcs", 0, ACCURACIES))  # of 40 series and three labels
    assert not read(["mtcs"], labels_per_class=14).set_aside
    (one,) = read(["mtcs"], labels_per_class=13).set_aside
    assert one.why == "has 40 training series of A, more than labels_per_class 13 keeps"


@pytest.mark.parametrize(
    ("kept", "planned", "why"),
    [
        ((3, 0), 8, "labels_per_class 3, draw 0 instead of labels_per_class 8, draw 0"),
        ((8, 1), 8, "labels_per_class 8, draw 1 instead of labels_per_class 8, draw 0"),
        ((8, 0), None, "labels_per_class 8, draw 0 instead of all training series"),
    ],
)
def test_results_of_another_draw_or_number_of_labels_are_set_aside(read, write, result, kept, planned, why) -> None:
    write(result("mtcs", 0, ACCURACIES).model_copy(update={"few_labels": kept}))
    assert [one.why for one in read(["mtcs"], labels_per_class=planned).set_aside] == [f"has {why}"]
    assert not read(["mtcs"], labels_per_class=kept[0]).set_aside or kept[1]


def test_results_of_two_versions_of_the_data_are_not_ranked_together(read, write, result) -> None:
    others = [("mtcs", 1), ("mtl", 0)]
    for method, seed in others:
        write(result(method, seed, ACCURACIES))
    write(with_data(result("mtcs", 0, ACCURACIES), "B", "0" * 12))
    runs = read(["mtcs", "mtl"], seeds=2)
    assert [(one.method, one.seed) for one in runs.results] == others
    assert [(one.run.seed, one.why) for one in runs.set_aside] == [(0, "saw other data of B than most runs")]


def test_the_normalized_data_count_before_the_data_of_most_runs(layout: Layout, read, write, result) -> None:
    labels = np.array([0, 1, 2, 0])
    split = Split(np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32), labels)
    digests = {}
    for name in ACCURACIES:
        task = Task(name, split, split, ("a", "b", "c"))
        write_task(layout.normalized("tiny", name), task)
        digests[name] = fingerprint(task)
    ours = result("mtl", 0, ACCURACIES)
    for name, digest in digests.items():
        ours = with_data(ours, name, digest)
    write(ours)
    for seed in (0, 1):
        write(result("mtcs", seed, ACCURACIES))
    runs = read(["mtcs", "mtl"], seeds=2)
    assert [one.method for one in runs.results] == ["mtl"]
    assert {one.why for one in runs.set_aside} == {"saw other data of A, B than the normalised data"}


def test_without_any_result_the_way_out_is_named(report_of, write, result) -> None:
    def report() -> None:
        report_of({}, ACCURACIES, {"mtcs": {"threshold": 1.0}, "mtl": {}})

    with pytest.raises(
        InputError, match=r"^tiny has no results of mtcs, mtl; run 'mtcs measure mtcs tiny --seed 0'\.$"
    ):
        report()
    write(result("mtcs", 0, ACCURACIES, {"threshold": 2.0}))
    with pytest.raises(
        InputError,
        match=r"^tiny has no results that count: mtcs, seed 0, has threshold 2\.0 instead of 1\.0; run 'dvc repro",
    ):
        report()


def test_the_data_table_leaves_out_what_no_result_carries(result) -> None:
    plain = data_table([result("mtcs", 0, ACCURACIES)], ["A", "B"])
    assert list(plain.columns) == ["training series", "test series", "length", "labels", "SHA-256"]
    message = data_table([result("mtcs", 0, ACCURACIES, balanced_accuracy=0.4, majority=0.8, test_in_train=7)], ["A"])
    assert message.loc["A", ["most frequent label", "test series also in training"]].tolist() == ["80.0%", "7"]


def test_test_series_in_the_training_part_are_counted(result) -> None:
    assert repeated([result("mtcs", 0, {"A": 0.5}, test_in_train=7)]) == {"A": (7, 100)}
    assert repeated([result("mtcs", 0, {"A": 0.5}, test_in_train=0), result("mtl", 0, {"A": 0.5})]) == {}
