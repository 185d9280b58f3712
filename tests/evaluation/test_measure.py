"""What a run amounts to, measured on what its stages left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtcs.data.task import Split, Task, fingerprint, read_task, write_task
from mtcs.errors import InputError
from mtcs.evaluation import measure as module
from mtcs.evaluation.affinity import label_affinity, task_similarity
from mtcs.evaluation.measure import measure_run, read_predictions
from mtcs.evaluation.records import (
    ClassifierRecord,
    RepresentationRecord,
    RepresentationSources,
    TrainingRecord,
    write_record,
)
from mtcs.evaluation.representations import Representations, write_representations
from mtcs.evaluation.results import RunResult
from mtcs.files import atomic_write, digest
from mtcs.layout import Layout, Run

TASKS = {"Two": 2, "Three": 3}
TRAINING = {
    "device": "cpu: x, 2 threads",
    "precision": "fp32",
    "seconds": 12.5,
    "steps": 100,
    "series_per_second": 9.0,
    "peak_memory_mb": 300.0,
    "parameters": 1000,
    "versions": {"mtcs": "0.1.0"},
    "settings": {"kind": "multitask"},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A workspace with one finished run of two tasks, jointly trained."""
    run = Run("tiny", "mtcs", 0, Layout(tmp_path))
    rng = np.random.default_rng(0)
    for name, count in TASKS.items():
        labels = np.arange(12, dtype=np.int64) % count
        splits = [Split(rng.normal(size=(12, 8)).astype(np.float32), labels) for _ in range(2)]
        path = run.layout.normalized("tiny", name)
        write_task(path, Task(name, *splits, tuple(f"label {c}" for c in range(count))))
        head = np.eye(count, 5, dtype=np.float32)
        arrays = [(5 * head[labels] + rng.normal(size=(12, 5))).astype(np.float32) for _ in range(2)]
        write_representations(run.representation(name), Representations(*arrays, head))
        predicted = np.where(np.arange(12) < 9, labels, (labels + 1) % count)
        frame = pd.DataFrame({"label": labels, "predicted": predicted}).map(lambda c: f"label {c}")
        write(run.prediction(name), frame.to_csv(index=False))
    steps = np.arange(100)
    curves = {
        "step": steps + 1,
        "epoch": 1,
        "task": np.where(steps % 4 == 0, "Two", "Three"),
        "loss": steps * 1.0,
        "sharing_loss": np.nan,
        "relevant_share": 0.5,
    }
    write(run.curves(), pd.DataFrame(curves).to_csv(index=False))
    recorded(run)
    return run


def recorded(run: Run, joint: bool = True) -> None:
    """What the stages say of the files that are there now."""
    fingerprints = {task.name: fingerprint(task) for task in tasks(run)}
    for scope in (None,) if joint else TASKS:
        record = TrainingRecord(
            task=scope, **TRAINING, tasks=fingerprints, weights=f"of {scope}", curves=digest(run.curves(scope))
        )
        write_record(run.record(scope), record)
    weights = {"joint": "of None"} if joint else {name: f"of {name}" for name in TASKS}
    representations = {name: digest(run.representation(name)) for name in TASKS}
    sources = RepresentationSources(weights=weights, tasks=fingerprints, representations=representations)
    write_record(run.represented, sources)
    cost = RepresentationRecord(series=48, seconds=2.0, device="cpu: x, 2 threads", precision="fp32")
    write_record(run.representation_cost, cost)
    classified = ClassifierRecord(
        classifier={"kind": "svm"},
        tasks=fingerprints,
        weights=weights,
        representations=representations,
        fitted={},
        predictions={name: digest(run.prediction(name)) for name in TASKS},
    )
    write_record(run.classified, classified)


def tasks(run: Run) -> list[Task]:
    return [read_task(run.layout.normalized("tiny", name)) for name in TASKS]


def write(path: Path, text: str) -> None:
    with atomic_write(path) as part:
        part.write_text(text)


def measured(run: Run) -> RunResult:
    return measure_run(run, tasks(run))


def test_accuracies_and_sizes(run: Run) -> None:
    result = measured(run)
    assert [task.accuracy for task in result.tasks] == [0.75, 0.75]
    assert [task.head_accuracy for task in result.tasks] == [1.0, 1.0]
    assert result.tasks[1].classes == ("label 0", "label 1", "label 2")
    assert (result.tasks[0].train, result.tasks[0].test, result.tasks[0].length) == (12, 12, 8)
    assert (result.suite, result.method, result.seed) == ("tiny", "mtcs", 0)
    assert result.trained[0].seconds == 12.5
    assert result.represented is not None
    assert result.represented.series == 48


def test_wrong_series_are_named_with_what_was_predicted(run: Run) -> None:
    two, three = measured(run).tasks
    assert two.wrong == {"label 0": {"label 1": (10,)}, "label 1": {"label 0": (9, 11)}}
    assert three.wrong == {"label 0": {"label 1": (9,)}, "label 1": {"label 2": (10,)}, "label 2": {"label 0": (11,)}}


def test_similarity_and_affinity_are_of_all_training_series(run: Run) -> None:
    result = measured(run)
    arrays = {task: np.load(run.representation(task)) for task in TASKS}
    series = {task: actual["train"] for task, actual in arrays.items()}
    assert result.similarity is not None
    assert result.similarity.square() == pytest.approx(task_similarity(series), rel=1e-5)
    assert result.centered is not None
    assert result.centered.square() == pytest.approx(task_similarity(series, centered=True), rel=1e-5)
    assert result.label_affinity is not None
    heads = {task: actual["head"] for task, actual in arrays.items()}
    assert result.label_affinity.square() == pytest.approx(label_affinity(series, heads), rel=1e-5)


def test_of_very_many_labels_the_affinity_of_pairs_is_left_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LABELS", 5)
    assert measured(run).label_affinity is not None
    monkeypatch.setattr(module, "MAX_LABELS", 4)
    result = measured(run)
    assert result.label_affinity is None and result.similarity is not None


def test_a_reading_has_what_it_made_itself(run: Run) -> None:
    reading = replace(run, method="mtcs_ridge", reads="mtcs")
    for name in TASKS:
        write(reading.prediction(name), run.prediction(name).read_text())
    write(reading.classified, run.classified.read_text())
    complete, result = measured(run), measured(reading)
    assert result.tasks == complete.tasks
    assert result.method == "mtcs_ridge"
    assert (result.trained, result.represented, result.curves) == ((), None, ())
    assert (result.similarity, result.centered, result.label_affinity) == (None, None, None)


def test_models_of_single_tasks_are_not_compared(run: Run) -> None:
    for task in TASKS:
        write(run.curves(task), run.curves().read_text())
    run.record().unlink()
    recorded(run, joint=False)
    result = measured(run)
    assert result.similarity is result.centered is result.label_affinity is None
    assert len(result.trained) == 2


def test_curves_are_means_over_stretches(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CURVE_POINTS", 2)
    two, three = measured(run).curves
    assert (two.task, three.task) == ("Two", "Three")
    assert two.steps == (13, 12)
    assert three.steps == (37, 38)
    assert two.loss == (np.mean(range(0, 50, 4)), np.mean(range(52, 100, 4)))
    assert two.step == (np.mean(range(1, 51, 4)), np.mean(range(53, 101, 4)))
    assert two.sharing_loss == (None, None)
    assert three.relevant_share == (0.5, 0.5)


def test_a_task_may_be_called_na(run: Run) -> None:
    path = run.curves()
    write(path, path.read_text().replace("Two", "NA"))
    recorded(run)
    assert {curve.task for curve in measured(run).curves} == {"NA", "Three"}


def test_a_rare_label_that_is_never_predicted_shows(run: Run) -> None:
    """Always saying the most frequent label is right for most series, and for one label in two."""
    path = run.layout.normalized("tiny", "Two")
    labels = np.array([0] * 11 + [1])
    one = read_task(path)
    write_task(path, replace(one, train=Split(one.train.series, labels), test=Split(one.test.series, labels)))
    frame = pd.DataFrame({"label": [f"label {c}" for c in labels], "predicted": "label 0"})
    write(run.prediction("Two"), frame.to_csv(index=False))
    recorded(run)
    task = measured(run).tasks[0]
    assert (task.accuracy, task.majority) == (pytest.approx(11 / 12), pytest.approx(11 / 12))
    assert task.balanced_accuracy == 0.5
    assert task.never_predicted == ("label 1",)
    assert task.test_in_train == 0


def test_a_result_says_what_was_trained_and_classified(run: Run) -> None:
    result = measured(run)
    assert result.parameters == {"kind": "multitask", "classifier": {"kind": "svm"}}
    assert {"settings", "tasks", "weights", "curves"}.isdisjoint(result.model_dump()["trained"][0])


# What does not belong together is refused


def changed(path: Path, **values: object) -> None:
    """As a stage would have written it, without the digest of its values."""
    kept = {name: value for name, value in json.loads(path.read_text()).items() if name != "digest"}
    write(path, json.dumps(kept | values))


def other_series(run: Run) -> None:
    path = run.layout.normalized("tiny", "Three")
    task = read_task(path)
    write_task(path, replace(task, train=Split(task.train.series + 1, task.train.labels)))


def cut(path: Path) -> None:
    write(path, path.read_text()[: len(path.read_text()) // 2])


def digit(path: Path) -> None:
    write(path, path.read_text().replace("label 0,label 0", "label 0,label 1", 1))


def number(path: Path, name: str) -> None:
    values = json.loads(path.read_text())
    write(path, json.dumps(values | {name: values[name] + 1}))


MISMATCHES = {
    "a number of the training's record": (
        lambda run: number(run.record(), "seconds"),
        "joint.json does not hold a record (its content is not what was written); run 'mtcs train",
    ),
    "a number of the costs": (
        lambda run: number(run.representation_cost, "series"),
        "seed0.json does not hold a record (its content is not what was written); run 'mtcs represent",
    ),
    "a parameter of the classifier": (
        lambda run: write(run.classified, run.classified.read_text().replace('"svm"', '"svn"')),
        "classifier.json does not hold a record (its content is not what was written); run 'mtcs classify",
    ),
    "models of different parameters": (
        lambda run: changed(run.record(), settings=None),
        "The models of mtcs on tiny, seed 0 were trained with different parameters; run 'mtcs train",
    ),
    "another training since": (
        lambda run: changed(run.record(), weights="newer"),
        "The representations of mtcs on tiny, seed 0 are of other weights of joint than were trained last; run",
    ),
    "other models represented since": (
        lambda run: changed(run.classified, weights={"joint": "older"}),
        "mtcs on tiny, seed 0 was classified by other models than were represented; run 'mtcs classify",
    ),
    "other series": (other_series, "Three has other series or labels now than when it was trained; run 'mtcs train"),
    "half of the curves": (
        lambda run: cut(run.curves()),
        "joint.csv holds other content than training wrote; run 'mtcs t",
    ),
    "another task's representations": (
        lambda run: run.representation("Two").write_bytes(run.representation("Three").read_bytes()),
        "Two.npz holds other content than were written; run 'mtcs represent",
    ),
    "older representations classified": (
        lambda run: changed(run.classified, representations={"Two": "a", "Three": "b"}),
        "Two was classified by other representations than there are now; run 'mtcs classify",
    ),
    "a digit of a prediction": (
        lambda run: digit(run.prediction("Two")),
        "Two.csv holds other content than were written; run 'mtcs classify",
    ),
}


@pytest.mark.parametrize(("change", "message"), MISMATCHES.values(), ids=MISMATCHES)
def test_what_does_not_belong_together_is_refused(run: Run, change, message: str) -> None:
    measured(run)
    change(run)
    with pytest.raises(InputError) as error:
        measured(run)
    assert message in str(error.value)


def test_predictions_of_other_labels_are_refused(run: Run) -> None:
    path = run.prediction("Two")
    rows = path.read_text().splitlines()
    write(path, "\n".join([rows[0], *rows[:0:-1], ""]))
    recorded(run)
    with pytest.raises(InputError, match=r"Two\.csv has other labels than the test series of Two; run 'mtcs classify"):
        measured(run)
    write(path, "\n".join([rows[0], rows[1].replace(",label 0", ",label 7"), *rows[2:], ""]))
    recorded(run)
    with pytest.raises(InputError, match=r"Two\.csv predicts 'label 7', no label of Two; run 'mtcs classify"):
        measured(run)


def test_labels_of_predictions_are_text(run: Run) -> None:
    """Neither numbers nor missing values, whatever they look like."""
    write(run.prediction("Two"), "label,predicted\n007,7\n1.0,1\nNA,nan\ntrue,\n")
    frame = read_predictions(run.prediction("Two"), run)
    assert frame.to_numpy().tolist() == [["007", "7"], ["1.0", "1"], ["NA", "nan"], ["true", ""]]


def test_a_fingerprint_changes_with_series_labels_and_classes() -> None:
    def task(value: float = 0, label: int = 0, names: tuple[str, ...] = ("a", "b")) -> Task:
        split = Split(np.full((2, 3), value, np.float32), np.array([label, 1]))
        return Task("T", split, Split(np.zeros((1, 3), np.float32), np.array([0])), names)

    actual = [fingerprint(one) for one in (task(), task(1), task(label=1), task(names=("a", "c")))]
    assert len(set(actual)) == 4
    assert fingerprint(task()) == actual[0]


# What is wrong with a file is said in one line


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (
            lambda run: run.prediction("Two"),
            "label,predicted\n1,1\n",
            r"has other labels than .* of Two; run 'mtcs class",
        ),
        (lambda run: run.prediction("Two"), "", r"Two\.csv does not hold predictions .*; run 'mtcs classify mtcs tiny"),
        (
            lambda run: run.prediction("Two"),
            "a,b\n1,2\n",
            r"Two\.csv has 1 rows and the columns a,b, expected label,pred",
        ),
        (
            lambda run: run.representation("Two"),
            "nothing",
            r"Two\.npz does not hold representations .*; run 'mtcs repres",
        ),
        (lambda run: run.curves(), "step,loss\n1,2\n", r"joint\.csv does not hold training curves .*run 'mtcs train"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(run: Run, path, text: str, message: str) -> None:
    path(run).write_text(text)
    recorded(run)
    with pytest.raises(InputError, match=message):
        measured(run)


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (
            lambda run: run.prediction("Two"),
            None,
            r"Two\.csv does not exist; run 'mtcs classify mtcs tiny --seed 0'\.$",
        ),
        (lambda run: run.representation("Two"), None, r"Two\.npz does not exist; run 'mtcs represent mtcs tiny --seed"),
        (lambda run: run.curves(), None, r"joint\.csv does not exist; run 'mtcs train mtcs tiny --seed 0'\.$"),
        (
            lambda run: run.record(),
            "{",
            r"joint\.json does not hold a record \(Invalid JSON.*run 'mtcs train mtcs tiny",
        ),
        (
            lambda run: run.record(),
            '{"device": "cpu"}',
            r"joint\.json does not hold a record \(precision: Field required",
        ),
        (
            lambda run: run.representation_cost,
            "[]",
            r"seed0\.json does not hold a record .*run 'mtcs represent mtcs tin",
        ),
        (
            lambda run: run.representation_cost,
            None,
            r"seed0\.json does not exist; run 'mtcs represent mtcs tiny --seed",
        ),
        (
            lambda run: run.represented,
            None,
            r"sources\.json does not exist; run 'mtcs represent mtcs tiny --seed 0'\.$",
        ),
        (lambda run: run.classified, "", r"classifier\.json does not hold a record .*run 'mtcs classify mtcs tiny"),
    ],
)
def test_a_missing_file_or_a_broken_record_is_told(run: Run, path, text: str | None, message: str) -> None:
    if text is None:
        path(run).unlink()
    else:
        path(run).write_text(text)
    with pytest.raises(InputError, match=message):
        measured(run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": np.eye(3, 5)}, "a head of 3 classes, expected the 2 of Two; run 'mtcs represent mtcs tiny --seed 0'"),
        ({"test": np.ones((7, 5))}, "has 7 test representations, expected 12; run 'mtcs represent mtcs tiny"),
    ],
)
def test_representations_of_other_series_are_refused(run: Run, changes: dict, message: str) -> None:
    path = run.representation("Two")
    arrays = dict(np.load(path)) | changes
    write_representations(path, Representations(arrays["train"], arrays["test"], arrays["head"]))
    recorded(run)
    with pytest.raises(InputError, match=message):
        measured(run)
