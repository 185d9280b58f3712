"""The tasks of a run, classified one after the other here, or by the workers of a cluster; and how it went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mtcs.classifiers.classify import Reader, classify, known_calibration, save_reader, work
from mtcs.classifiers.mixture import beside, choose, fit_mixture, held_out_errors
from mtcs.config.classifiers import ClassifierSpec, Mixture
from mtcs.data.splits import held_out_rows
from mtcs.data.task import Task, read_task
from mtcs.errors import InputError
from mtcs.evaluation.cluster import on_cluster
from mtcs.evaluation.representations import Representations, representations_of
from mtcs.evaluation.scores import score
from mtcs.files import atomic_write, digest
from mtcs.layout import Layout, Run
from mtcs.progress import progress


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    representations: digest of the file that was read.
    predicted, head: classes (n,) of the test series by the classifier, and by the trained head where there is one.
    decisions: how many, of left-out series, calibrate probabilities; 0 of a classifier without any.
    weight: of the kernel of representations, of a mixture; weighing: digest of the file that it was chosen with.
    """

    representations: str
    predicted: np.ndarray
    head: np.ndarray | None
    decisions: int
    weight: float | None = None
    weighing: str | None = None


def classify_here(run: Run, spec: ClassifierSpec, tasks: Sequence[Task], threads: int) -> list[Outcome]:
    """One task after the other; progress is counted in fits, or in series searched."""
    amounts, unit = [work(spec, len(task.test))[0] for task in tasks], work(spec, 0)[1]
    outcomes = []
    with progress(f"classify {run.suite}", sum(amounts), unit) as advance:
        for i, task in enumerate(tasks):

            def show(done: int, of: int, after: int = sum(amounts[: i + 1]), name: str = task.name) -> None:
                advance(after + done - of, name)

            advance(sum(amounts[:i]), task.name)
            outcomes.append(classify_task(run, spec, task, threads, show))
    return outcomes


def classify_on_cluster(
    address: str, run: Run, spec: ClassifierSpec, tasks: Sequence[Task], threads: int
) -> list[Outcome]:
    """Every task by a worker of Dask, which sees this workspace under the same path."""
    there = replace(run, layout=Layout(run.layout.root.absolute()))
    pieces = ((there, spec, task.name, threads) for task in tasks)
    with progress(f"classify {run.suite}", len(tasks), "tasks") as advance:
        return on_cluster(address, _read_and_classify, pieces, lambda done: advance(done, ""))


def _read_and_classify(run: Run, spec: ClassifierSpec, name: str, threads: int) -> Outcome:
    """`classify_task` for a worker, which reads the series from the workspace, not from the scheduler."""
    return classify_task(run, spec, read_task(run.layout.normalized(run.suite, name)), threads)


def classify_task(
    run: Run, spec: ClassifierSpec, task: Task, threads: int, show: Callable[[int, int], None] | None = None
) -> Outcome:
    """Read a task's representations, write its predictions and what was fitted.

    Raises:
        InputError: if the representations are missing, broken, not finite, or not one a series.
    """
    representations, read = _read(run, task, finite=not spec.reads_series)
    reader, predicted = classify(
        spec,
        representations.train,
        task.train.labels,
        representations.test,
        threads,
        show,
        run.unfinished_search,
        run.seed,
    )
    _write(run, task, reader, predicted)
    decisions = 0 if known_calibration(reader, 0) is None else len(task.train)
    return Outcome(read, predicted, representations.head_predictions(), decisions)


def classify_mixtures(run: Run, spec: Mixture, tasks: Sequence[Task], threads: int) -> list[Outcome]:
    """One task after the other, twice: how well each weight does on held-out series, then with what was chosen.

    A weight is chosen with the run's own encoder, which did not see the held-out series. What is fitted then reads its
    representations beside those of the encoder that saw all series.
    """
    errors, weighing, outcomes = [], [], []
    with progress(f"classify {run.suite}", 2 * len(tasks), "tasks") as advance:
        for task in tasks:
            advance(len(errors), f"weights of {task.name}")
            representations, read = _read(run, task)
            held = held_out_rows(task.train.labels, run.held_out, run.seed)
            series, labels = task.train.series, task.train.labels
            errors.append(held_out_errors(spec, representations.train, series, labels, held, run.seed, threads))
            weighing.append(read)
        for task, choice in zip(tasks, choose(spec, errors), strict=True):
            advance(len(tasks) + len(outcomes), task.name)
            (first, read), (second, _) = (_read(one, task) for one in run.encoders)
            train, test = (
                beside(parts, task.channels) for parts in ((first.train, second.train), (first.test, second.test))
            )
            reader = fit_mixture(spec, train, task.train.series, task.train.labels, choice, run.seed, threads)
            predicted = reader.predict_by_both(test, task.test.series, threads)
            _write(run, task, reader, predicted)
            head = first.head_predictions()
            decisions = choice.decisions or len(task.train)
            outcomes.append(Outcome(read, predicted, head, decisions, choice.weight, weighing[len(outcomes)]))
        advance(2 * len(tasks), "")
    return outcomes


def _read(run: Run, task: Task, finite: bool = True) -> tuple[Representations, str]:
    """The representations of a task, and the digest of their file."""
    path = run.representation(task.name)
    read = digest(path) if path.exists() else ""
    representations = representations_of(run, task)
    for rows, what in ((representations.train, "training"), (representations.test, "test")):
        if finite and not (known := np.isfinite(rows).all(1)).all():
            raise InputError(
                f"{path} has no finite representation of {what} series {known.argmin()}; {run.remedy('represent')}."
            )
    return representations, read


def _write(run: Run, task: Task, reader: Reader, predicted: np.ndarray) -> None:
    """Write a task's predictions and what was fitted."""
    classes = np.array(task.classes)
    table = pd.DataFrame({"label": classes[task.test.labels], "predicted": classes[predicted]})
    with atomic_write(run.prediction(task.name)) as part:
        table.to_csv(part, index=False)
    save_reader(run.classifier(task.name), reader)


def outcome_text(classifier: str, tasks: Sequence[Task], outcomes: Sequence[Outcome]) -> str:
    """Each task's accuracy, beside always saying its most frequent label; and labels that were never predicted.

    Args:
        classifier: what it is called.
        tasks: of the suite.
        outcomes: one a task.
    """
    pairs = list(zip(tasks, outcomes, strict=True))
    scores = [score(task, outcome.predicted) for task, outcome in pairs]
    columns: dict[str, list[float | None]] = {
        "accuracy": [one.accuracy for one in scores],
        "balanced": [one.balanced_accuracy for one in scores],
        "majority": [one.majority for one in scores],
        "weight": [outcome.weight for outcome in outcomes],
        "trained head": [None if o.head is None else (o.head == task.test.labels).mean() for task, o in pairs],
    }
    table = pd.DataFrame(columns, index=[task.name for task in tasks], dtype=np.float64).dropna(axis=1, how="all")
    table.loc["mean"] = table.mean()
    lines = [f"accuracy of the {classifier}", table.to_string(float_format="%.4f")]
    for task, one in zip(tasks, scores, strict=True):
        if one.never_predicted:
            lines.append(f"{task.name}: no series was given the label {', '.join(one.never_predicted)}.")
    return "\n".join(lines)
