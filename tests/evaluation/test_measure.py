"""What a run amounts to, measured on what its stages left."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtcs.data.task import Split, Task, fingerprint, read_task, write_task
from mtcs.errors import InputError
from mtcs.evaluation import measure as module
from mtcs.evaluation.measure import label_affinity, measure, task_similarity
from mtcs.evaluation.representations import Representations, write_representations
from mtcs.evaluation.results import RunResult
from mtcs.layout import Layout, atomic_write, digest

RUN = ("tiny", "mtcs", 0)
TASKS = {"Two": 2, "Three": 3}
RECORD = {
    "method": "mtcs",
    "device": "cpu: x, 2 threads",
    "precision": "fp32",
    "seconds": 12.5,
    "steps": 100,
    "series_per_second": 9.0,
    "peak_memory_mb": 300.0,
    "parameters": 1000,
    "versions": {"mtcs": "0.1.0"},
    "commit": None,
}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A workspace with one finished run of two tasks, jointly trained."""
    made = Layout(tmp_path)
    rng = np.random.default_rng(0)
    for name, count in TASKS.items():
        labels = np.arange(12, dtype=np.int64) % count
        splits = [Split(rng.normal(size=(12, 8)).astype(np.float32), labels) for _ in range(2)]
        write_task(made.normalized("tiny", name), Task(name, *splits, tuple(f"label {c}" for c in range(count))))
        head = np.eye(count, 5, dtype=np.float32)
        arrays = [(5 * head[labels] + rng.normal(size=(12, 5))).astype(np.float32) for _ in range(2)]
        write_representations(made.representation(*RUN, name), Representations(*arrays, head))
        predicted = np.where(np.arange(12) < 9, labels, (labels + 1) % count)
        frame = pd.DataFrame({"label": labels, "predicted": predicted}).map(lambda c: f"label {c}")
        write(made.prediction(*RUN, name), frame.to_csv(index=False))
    steps = np.arange(100)
    curves = {
        "step": steps + 1,
        "epoch": 1,
        "task": np.where(steps % 4 == 0, "Two", "Three"),
        "loss": steps * 1.0,
        "sharing_loss": np.nan,
        "relevant_share": 0.5,
    }
    write(made.curves(*RUN), pd.DataFrame(curves).to_csv(index=False))
    write(made.record(*RUN), json.dumps(RECORD))
    cost = {"series": 48, "seconds": 2.0, "device": "cpu: x, 2 threads", "precision": "fp32"}
    write(made.representation_cost(*RUN), json.dumps(cost))
    return made


def write(path: Path, text: str) -> None:
    with atomic_write(path) as part:
        part.write_text(text)


def measured(layout: Layout, joint: bool = True) -> RunResult:
    return measure(layout, *RUN, list(TASKS), {"kind": "multitask"}, joint)


def test_accuracies_and_sizes(layout: Layout) -> None:
    result = measured(layout)
    assert [task.accuracy for task in result.tasks] == [0.75, 0.75]
    assert [task.head_accuracy for task in result.tasks] == [1.0, 1.0]
    assert result.tasks[1].classes == ("label 0", "label 1", "label 2")
    assert (result.tasks[0].train, result.tasks[0].test, result.tasks[0].length) == (12, 12, 8)
    assert (result.suite, result.method, result.seed) == RUN
    assert result.trained[0].seconds == 12.5
    assert result.represented is not None
    assert result.represented.series == 48


def test_similarity_and_affinity_are_of_all_training_series(layout: Layout) -> None:
    result = measured(layout)
    arrays = {task: np.load(layout.representation(*RUN, task)) for task in TASKS}
    series = {task: found["train"] for task, found in arrays.items()}
    assert result.similarity is not None
    assert result.similarity.square() == pytest.approx(task_similarity(series), rel=1e-5)
    assert result.centred is not None
    assert result.centred.square() == pytest.approx(task_similarity(series, centered=True), rel=1e-5)
    assert result.label_affinity is not None
    heads = {task: found["head"] for task, found in arrays.items()}
    assert result.label_affinity.square() == pytest.approx(label_affinity(series, heads), rel=1e-5)


def test_models_of_single_tasks_are_not_compared(layout: Layout) -> None:
    for task in TASKS:
        for path in (layout.record, layout.curves):
            write(path(*RUN, task), path(*RUN).read_text())
    result = measured(layout, joint=False)
    assert result.similarity is result.centred is result.label_affinity is None
    assert len(result.trained) == 2


def test_curves_are_means_over_stretches(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STRETCHES", 2)
    two, three = measured(layout).curves
    assert (two.task, three.task) == ("Two", "Three")
    assert two.steps == (13, 12)
    assert three.steps == (37, 38)
    assert two.loss == (np.mean(range(0, 50, 4)), np.mean(range(52, 100, 4)))
    assert two.step == (np.mean(range(1, 51, 4)), np.mean(range(53, 101, 4)))
    assert two.sharing_loss == (None, None)
    assert three.relevant_share == (0.5, 0.5)


def test_a_task_may_be_called_na(layout: Layout) -> None:
    path = layout.curves(*RUN)
    write(path, path.read_text().replace("Two", "NA"))
    assert {curve.task for curve in measured(layout).curves} == {"NA", "Three"}


@pytest.mark.parametrize(
    ("settings", "classifier", "message"),
    [
        ({"kind": "multitask"}, {"kind": "svm"}, None),
        ({"kind": "multitask", "width": 8}, {"kind": "svm"}, "mtcs was trained with width 8 added"),
        ({"kind": "multitask"}, {"kind": "svm", "folds": 3}, "mtcs was classified with classifier.folds 3 added"),
    ],
)
def test_a_run_of_other_parameters_is_refused(
    layout: Layout, settings: dict, classifier: dict, message: str | None
) -> None:
    write(layout.record(*RUN), json.dumps({**RECORD, "settings": settings}))
    fingerprints = {name: fingerprint(read_task(layout.normalized("tiny", name))) for name in TASKS}
    write(layout.classified(*RUN), json.dumps({"classifier": classifier, "tasks": fingerprints}))
    now = {"kind": "multitask", "classifier": {"kind": "svm"}}
    if message is None:
        assert "settings" not in measure(layout, *RUN, list(TASKS), now, True).model_dump()["trained"][0]
        return
    with pytest.raises(InputError, match=message):
        measure(layout, *RUN, list(TASKS), now, True)


def test_a_run_whose_files_do_not_belong_together_is_refused(layout: Layout) -> None:
    fingerprints = {name: fingerprint(read_task(layout.normalized("tiny", name))) for name in TASKS}
    representations = {name: digest(layout.representation(*RUN, name)) for name in TASKS}
    cost = json.loads(layout.representation_cost(*RUN).read_text())

    def leave(trained_on: dict = fingerprints, weights: str = "new", read: dict = representations) -> None:
        write(layout.record(*RUN), json.dumps({**RECORD, "tasks": trained_on, "weights": weights}))
        write(layout.representation_cost(*RUN), json.dumps({**cost, "weights": {"joint": "new"}}))
        classified = {"classifier": {}, "tasks": fingerprints, "representations": read}
        write(layout.classified(*RUN), json.dumps(classified))

    leave()
    written = measured(layout).model_dump()
    assert {"tasks", "weights"}.isdisjoint({*written["trained"][0], *written["represented"]})
    for fault, message in (
        (
            {"trained_on": {**fingerprints, "Three": "another"}},
            "Three has other series or labels now than when the mod",
        ),
        ({"weights": "newer"}, "The representations of tiny are of other weights of mtcs than were trained last; run"),
        ({"read": {**representations, "Two": "another"}}, "Two was classified by other representations than there are"),
    ):
        leave(**fault)
        with pytest.raises(InputError, match=f"^{message}"):
            measured(layout)


def test_predictions_of_other_labels_are_refused(layout: Layout) -> None:
    write(layout.classified(*RUN), json.dumps({"classifier": {}, "tasks": dict.fromkeys(TASKS, "another")}))
    with pytest.raises(InputError, match=r"^Two has other series or labels now than when it was classified; run"):
        measured(layout)


def test_a_fingerprint_changes_with_series_labels_and_classes() -> None:
    def task(value: float = 0, label: int = 0, names: tuple[str, ...] = ("a", "b")) -> Task:
        split = Split(np.full((2, 3), value, np.float32), np.array([label, 1]))
        return Task("T", split, Split(np.zeros((1, 3), np.float32), np.array([0])), names)

    found = [fingerprint(one) for one in (task(), task(1), task(label=1), task(names=("a", "c")))]
    assert len(set(found)) == 4
    assert fingerprint(task()) == found[0]


# What is wrong with a file is said in one line


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (Layout.prediction, "label,predicted\n1,1\n", r"has 1 rows, expected 12, .* of Two; run 'mtcs classify mtcs t"),
        (Layout.prediction, "", r"Two\.csv does not hold predictions .*; run 'mtcs classify mtcs tiny --seed 0'\.$"),
        (Layout.prediction, "a,b\n1,2\n", r"Two\.csv has 1 rows and the columns a,b, expected label,predicted and"),
        (Layout.prediction, None, r"Two\.csv does not exist; run 'mtcs classify mtcs tiny --seed 0'\.$"),
        (Layout.representation, "nothing", r"Two\.npz does not hold representations .*; run 'mtcs represent mtcs"),
        (Layout.representation, None, r"Two\.npz does not exist; run 'mtcs represent mtcs tiny --seed 0'\.$"),
    ],
)
def test_a_wrong_file_of_a_task_is_refused(layout: Layout, path, text: str | None, message: str) -> None:
    spoil(path(layout, *RUN, "Two"), text)
    with pytest.raises(InputError, match=message):
        measured(layout)


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (Layout.curves, "step,loss\n1,2\n", r"joint\.csv does not hold training curves .*run 'mtcs train mtcs tiny"),
        (Layout.curves, None, r"joint\.csv does not exist; run 'mtcs train mtcs tiny --seed 0'\.$"),
        (Layout.record, "{", r"joint\.json does not hold a record \(Invalid JSON.*run 'mtcs train mtcs tiny --seed 0'"),
        (Layout.record, '{"device": "cpu"}', r"joint\.json does not hold a record \(precision: Field required\)"),
        (Layout.record, None, r"joint\.json does not exist; run 'mtcs train mtcs tiny --seed 0'\.$"),
        (Layout.representation_cost, "[]", r"seed0\.json does not hold a record .*run 'mtcs represent mtcs tiny"),
        (Layout.representation_cost, None, r"seed0\.json does not exist; run 'mtcs represent mtcs tiny --seed 0'\.$"),
    ],
)
def test_a_wrong_file_of_a_run_is_refused(layout: Layout, path, text: str | None, message: str) -> None:
    spoil(path(layout, *RUN), text)
    with pytest.raises(InputError, match=message):
        measured(layout)


def spoil(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
    else:
        path.write_text(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": np.eye(3, 5)}, "a head of 3 classes, expected the 2 of Two; run 'mtcs represent mtcs tiny --seed 0'"),
        ({"test": np.ones((7, 5))}, "has 7 test representations, expected 12; run 'mtcs represent mtcs tiny"),
    ],
)
def test_representations_of_other_series_are_refused(layout: Layout, changes: dict, message: str) -> None:
    path = layout.representation(*RUN, "Two")
    arrays = dict(np.load(path)) | changes
    write_representations(path, Representations(arrays["train"], arrays["test"], arrays["head"]))
    with pytest.raises(InputError, match=message):
        measured(layout)
