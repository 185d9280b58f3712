"""Measure a finished run: accuracy, task similarity, label affinity, costs and training curves, from what it left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, ValidationError

from mtcs.config.parameters import differences
from mtcs.data.task import Task, fingerprint, read_task
from mtcs.errors import InputError, fault
from mtcs.evaluation.representations import Representations, read_representations
from mtcs.evaluation.results import (
    ClassifierRecord,
    Curve,
    RepresentationRecord,
    RunResult,
    TaskResult,
    TrainingRecord,
    Triangle,
    digits,
)
from mtcs.layout import Layout, digest
from mtcs.similarity import factor, factor_similarity

STRETCHES = 60
"""Points of a training curve that are kept, each the mean over a stretch of the run."""

CURVE_COLUMNS = ("step", "task", "loss", "sharing_loss", "relevant_share")


def measure(
    layout: Layout,
    suite: str,
    method: str,
    seed: int,
    tasks: Sequence[str],
    parameters: Mapping[str, object],
    joint: bool,
) -> RunResult:
    """The result of a run that has been trained, represented and classified.

    Args:
        layout: where everything lies.
        suite: the run's suite.
        method: its method.
        seed: its seed.
        tasks: those of the suite, in its order.
        parameters: of the method and its classifier, as plain values.
        joint: whether one model serves all tasks, so that their representations can be compared.

    Raises:
        InputError: if a file is missing, does not hold what it should, or disagrees with another.
    """
    run = (suite, method, seed)
    names = (None,) if joint else tuple(tasks)
    data = [read_task(layout.normalized(suite, task)) for task in tasks]
    found = [_read_representations(layout, run, task) for task in data]
    heads = {task.name: one.head for task, one in zip(data, found, strict=True) if one.head is not None}
    series = {task.name: one.train for task, one in zip(data, found, strict=True)}
    curves = [curve for name in names for curve in _read_curves(layout.curves(*run, name), run)]
    trained = [_read(layout.record(*run, name), TrainingRecord, "train", run) for name in names]
    represented = _read(layout.representation_cost(*run), RepresentationRecord, "represent", run)
    _check_records(layout, run, trained, represented, parameters, data)
    return RunResult(
        suite=suite,
        method=method,
        seed=seed,
        parameters=dict(parameters),
        joint=joint,
        tasks=tuple(_task_result(layout, run, task, one) for task, one in zip(data, found, strict=True)),
        trained=tuple(trained),
        represented=represented,
        similarity=Triangle.of(task_similarity(series)) if joint else None,
        centred=Triangle.of(task_similarity(series, centered=True)) if joint else None,
        label_affinity=Triangle.of(label_affinity(series, heads)) if joint and len(heads) == len(tasks) else None,
        curves=tuple(curves),
    )


def _task_result(layout: Layout, run: tuple[str, str, int], task: Task, found: Representations) -> TaskResult:
    path = layout.prediction(*run, task.name)
    predictions = read_predictions(path, run)
    if len(predictions) != len(task.test):
        raise InputError(
            f"{path} has {len(predictions)} rows, expected {len(task.test)}, one for each test series of {task.name}; "
            f"{_remedy('classify', run)}."
        )
    head = found.head_predictions()
    return TaskResult(
        task=task.name,
        train=len(task.train),
        test=len(task.test),
        length=task.length,
        classes=task.classes,
        fingerprint=fingerprint(task),
        accuracy=float((predictions["label"] == predictions["predicted"]).mean()),
        head_accuracy=None if head is None else float((head == task.test.labels).mean()),
    )


def read_predictions(path: Path, run: tuple[str, str, int]) -> pd.DataFrame:
    """One row a test series: `label` and `predicted`, both the archive's label strings ("1" and "1.0" differ).

    Raises:
        InputError: if the file does not hold these two columns and at least one row.
    """
    remedy = _remedy("classify", run)
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {remedy}.") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{path} does not hold predictions ({error}); {remedy}.") from error
    if list(frame.columns) != ["label", "predicted"] or frame.empty:
        raise InputError(
            f"{path} has {len(frame)} rows and the columns {','.join(frame.columns)}, expected label,predicted and "
            f"at least one row; {remedy}."
        )
    return frame


def _read_representations(layout: Layout, run: tuple[str, str, int], task: Task) -> Representations:
    path = layout.representation(*run, task.name)
    found = read_representations(path)
    for part, expected in (("train", len(task.train)), ("test", len(task.test))):
        if len(getattr(found, part)) != expected:
            raise InputError(
                f"{path} has {len(getattr(found, part))} {part} representations, expected {expected}; "
                f"{_remedy('represent', run)}."
            )
    if found.head is not None and len(found.head) != task.n_classes:
        raise InputError(
            f"{path}: a head of {len(found.head)} classes, expected the {task.n_classes} of {task.name}; "
            f"{_remedy('represent', run)}."
        )
    return found


def _check_records(
    layout: Layout,
    run: tuple[str, str, int],
    trained: Sequence[TrainingRecord],
    represented: RepresentationRecord,
    parameters: Mapping[str, object],
    tasks: Sequence[Task],
) -> None:
    """Refuse to call a run one of these parameters and tasks if its records, where they say so, have others.

    The same goes for representations of other weights and predictions from other representations than there are now,
    as there are after stages by hand of which one was left out.
    """
    now = {name: value for name, value in parameters.items() if name != "classifier"}
    for record in trained:
        if record.settings is not None and (words := differences(record.settings, now)):
            raise InputError(f"{run[1]} was trained with {words} of params.yaml; {_remedy('train', run)}.")
        for task in tasks if record.task is None else [task for task in tasks if task.name == record.task]:
            if record.tasks is not None:
                _check_fingerprint(record.tasks, task, run, "the model was trained")
        of = represented.weights
        if of is not None and record.weights is not None and of.get(record.task or "joint") != record.weights:
            raise InputError(
                f"The representations of {run[0]} are of other weights of {run[1]} than were trained last; "
                f"{_remedy('represent', run)}, then classify."
            )
    if found := read_classified(layout, run):
        if words := differences({"classifier": found.classifier}, {"classifier": parameters.get("classifier", {})}):
            raise InputError(f"{run[1]} was classified with {words} of params.yaml; {_remedy('classify', run)}.")
        for task in tasks:
            check_classified(found, task, run)
            of = found.representations
            if of is not None and of.get(task.name) != digest(layout.representation(*run, task.name)):
                raise InputError(
                    f"{task.name} was classified by other representations than there are now; "
                    f"{_remedy('classify', run)}."
                )


def read_classified(layout: Layout, run: tuple[str, str, int]) -> ClassifierRecord | None:
    """What `mtcs classify` says of its classifiers; None for runs of earlier versions.

    Raises:
        InputError: if the file does not hold that.
    """
    path = layout.classified(*run)
    return _read(path, ClassifierRecord, "classify", run) if path.exists() else None


def check_classified(found: ClassifierRecord, task: Task, run: tuple[str, str, int]) -> None:
    """Raises InputError if a task's series or labels are not those that its classifier was fitted on."""
    _check_fingerprint(found.tasks, task, run, "it was classified")


def _check_fingerprint(then: Mapping[str, str], task: Task, run: tuple[str, str, int], when: str) -> None:
    if then.get(task.name) != fingerprint(task):
        raise InputError(
            f"{task.name} has other series or labels now than when {when}; {_remedy('train', run)}, then represent and "
            "classify."
        )


_Record = TypeVar("_Record", bound=BaseModel)


def _read(path: Path, kind: type[_Record], stage: str, run: tuple[str, str, int]) -> _Record:
    """A record that a stage left."""
    remedy = _remedy(stage, run)
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {remedy}.") from None
    except (ValidationError, OSError) as error:
        raise InputError(f"{path} does not hold a record ({fault(error)}); {remedy}.") from error


def _read_curves(path: Path, run: tuple[str, str, int]) -> Iterator[Curve]:
    """The training curves of a model, a task at a time, each in up to `STRETCHES` stretches of the whole run."""
    try:
        frame = pd.read_csv(path, usecols=list(CURVE_COLUMNS), converters={"task": str})  # a task may be named NA
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {_remedy('train', run)}.") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{path} does not hold training curves ({error}); {_remedy('train', run)}.") from error
    tasks = frame.pop("task").to_numpy()
    values = frame[["step", "loss", "sharing_loss", "relevant_share"]].to_numpy(np.float64)
    stretch = np.arange(len(values)) * STRETCHES // max(1, len(values))
    for task in dict.fromkeys(tasks.tolist()):
        rows = np.flatnonzero(tasks == task)
        _, starts, counts = np.unique(stretch[rows], return_index=True, return_counts=True)
        step, loss, sharing_loss, relevant_share = np.add.reduceat(values[rows], starts).T / counts
        yield Curve(
            task=task,
            step=tuple(step.round(1).tolist()),
            steps=tuple(counts.tolist()),
            loss=digits(loss),
            sharing_loss=digits(sharing_loss),
            relevant_share=digits(relevant_share),
        )


def _remedy(stage: str, run: tuple[str, str, int]) -> str:
    suite, method, seed = run
    return f"run 'mtcs {stage} {method} {suite} --seed {seed}'"


def task_similarity(series: Mapping[str, np.ndarray], centered: bool = False) -> np.ndarray:
    """Covariance similarity of every pair of tasks.

    Args:
        series: (n, D) representations by task.
        centered: subtract each task's mean representation first; the paper does not.

    Returns:
        (K, K) float64, in the order of `series`.
    """
    factors = [factor(x, centered) for x in series.values()]
    similarity = np.empty((len(factors), len(factors)))
    for i, a in enumerate(factors):
        for j, b in enumerate(factors[: i + 1]):
            similarity[i, j] = similarity[j, i] = factor_similarity(a, b)
    return similarity


def label_affinity(series: Mapping[str, np.ndarray], heads: Mapping[str, np.ndarray]) -> np.ndarray:
    """Equation 4 over all heads at once: mean outer product of two tasks' class probabilities.

    Training estimates A of tasks k and j on one batch; here it is estimated on the training series of k and of j,
    each task with half the weight, which makes it symmetric.

    Args:
        series: (n, D) representations by task.
        heads: (C, D) weights by task, in the same order.

    Returns:
        (S, S) float64, S the sum of C, in the order of `heads`.
    """
    weights = np.concatenate([heads[task] for task in series]).astype(np.float64)  # (S, D)
    starts = np.cumsum([0, *(len(heads[task]) for task in series)])
    own = np.empty((len(weights), len(weights)))
    for k, x in enumerate(series.values()):
        probabilities = _softmax_by_task(x @ weights.T, starts[:-1])  # (n, S)
        rows = slice(starts[k], starts[k + 1])
        own[rows] = probabilities[:, rows].T @ probabilities / len(x)  # (C, S): A of task k with all, on its series
    return (own + own.T) / 2


def _softmax_by_task(logits: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Softmax over each head's columns (Equation 1); head k begins at column `starts[k]`. (n, S) -> (n, S)."""
    sizes = np.diff([*starts, logits.shape[1]])
    exponentials = np.exp(logits - np.repeat(np.maximum.reduceat(logits, starts, axis=1), sizes, axis=1))
    return exponentials / np.repeat(np.add.reduceat(exponentials, starts, axis=1), sizes, axis=1)
