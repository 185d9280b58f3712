"""Measure a finished run: accuracy, task similarity, label affinity, costs and training curves, from what it left.

Each stage's record names, by digest, what it read and wrote. What does not match is refused: a number must be of these
data, this model, these representations and these predictions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mtcs.data.task import Task, fingerprint
from mtcs.errors import InputError
from mtcs.evaluation.affinity import label_affinity, task_similarity
from mtcs.evaluation.records import (
    ClassifierRecord,
    RepresentationRecord,
    RepresentationSources,
    TrainingRecord,
    read_record,
)
from mtcs.evaluation.representations import Representations, channel_mean, representations_of
from mtcs.evaluation.results import Curve, RunResult, TaskResult, Triangle, digits
from mtcs.evaluation.scores import score
from mtcs.files import digest, regular
from mtcs.layout import Run

MAX_LABELS = 500
"""Of all tasks, up to which a result keeps the affinity of every pair: of 700 it is three megabytes in git."""
CURVE_POINTS = 60
"""Points of a training curve that are kept, each the mean over a stretch of the run."""

CURVE_COLUMNS = ("step", "task", "loss", "sharing_loss", "relevant_share")


def measure_run(run: Run, tasks: Sequence[Task], few_labels: tuple[int, int] | None = None) -> RunResult:
    """The result of a run that has been trained, represented and classified.

    Args:
        run: whose files are read.
        tasks: those of its suite, in its order.
        few_labels: how many training series of each label its data keep, and by which draw; None for all.

    Raises:
        InputError: if a file is missing, does not hold what it should, or disagrees with another.
    """
    mixture, run = run if run.held_out else None, run.reading
    joint = run.record().exists() or not run.record(tasks[0].name).exists()
    scopes = (None,) if joint else tuple(task.name for task in tasks)
    trained = read_trained(run, scopes)
    represented = read_record(run.representation_cost, RepresentationRecord, run, "represent")
    sources = read_record(run.represented, RepresentationSources, run, "represent")
    classified = read_record(run.classified, ClassifierRecord, run, "classify")
    _check_chain(run, trained, sources, classified, tasks)
    parameters = {**(trained[0].settings or {}), "classifier": classified.classifier}
    if mixture is not None:  # its own models add to the cost, and a report shows nothing else of them
        own_trained = read_trained(mixture, scopes)
        own_cost = read_record(mixture.representation_cost, RepresentationRecord, mixture, "represent")
        own_sources = read_record(mixture.represented, RepresentationSources, mixture, "represent")
        by_own = {"weights": classified.held_out_weights, "representations": classified.weighing}
        _check_chain(mixture, own_trained, own_sources, classified.model_copy(update=by_own), tasks)
        check_encoders(mixture, trained, own_trained, classified.held_out)
        trained += own_trained
        represented = own_cost.model_copy(update={"seconds": own_cost.seconds + represented.seconds})
        parameters |= {"held_out": classified.held_out}
    representations = {task.name: representations_of(run, task) for task in tasks}
    series = {task.name: channel_mean(representations[task.name].train, task.channels) for task in tasks}
    heads = {name: one.head for name, one in representations.items() if one.head is not None}
    own = run.reads is None  # what a reading has not made itself is in the result of the method that it reads
    compared = own and joint
    paired = compared and sum(task.n_classes for task in tasks) <= MAX_LABELS
    return RunResult(
        suite=run.suite,
        method=run.method,
        seed=run.seed,
        parameters=parameters,
        joint=joint,
        few_labels=few_labels,
        tasks=tuple(
            _task_result(run, task, representations[task.name], classified.mixing.get(task.name)) for task in tasks
        ),
        trained=tuple(trained) if own or mixture else (),
        represented=represented if own or mixture else None,
        similarity=Triangle.of(task_similarity(series)) if compared else None,
        centered=Triangle.of(task_similarity(series, centered=True)) if compared else None,
        label_affinity=Triangle.of(label_affinity(series, heads)) if paired and len(heads) == len(tasks) else None,
        curves=tuple(curve for scope in scopes if own for curve in _read_curves(run.curves(scope), run)),
    )


def read_trained(run: Run, scopes: Sequence[str | None]) -> list[TrainingRecord]:
    """What training said of each of a run's models.

    Raises:
        InputError: if there is no record, or it does not hold what it should.
    """
    return [read_record(run.record(scope), TrainingRecord, run, "train") for scope in scopes]


def _task_result(run: Run, task: Task, representations: Representations, weight: float | None) -> TaskResult:
    path, classes = run.prediction(task.name), np.array(task.classes)
    predictions = read_predictions(path, run)
    if list(predictions["label"]) != list(classes[task.test.labels]):
        raise InputError(f"{path} has other labels than the test series of {task.name}; {run.remedy('classify')}.")
    if unknown := sorted(set(predictions["predicted"]) - set(task.classes)):
        raise InputError(f"{path} predicts {unknown[0]!r:.60}, no label of {task.name}; {run.remedy('classify')}.")
    index = {name: c for c, name in enumerate(task.classes)}
    answers = np.array([index[name] for name in predictions["predicted"]])
    predicted = score(task, answers)
    head = representations.head_predictions()
    return TaskResult(
        task=task.name,
        train=len(task.train),
        test=len(task.test),
        length=task.length,
        classes=task.classes,
        fingerprint=fingerprint(task),
        accuracy=predicted.accuracy,
        weight=weight,
        head_accuracy=None if head is None else float((head == task.test.labels).mean()),
        balanced_accuracy=predicted.balanced_accuracy,
        majority=predicted.majority,
        never_predicted=predicted.never_predicted,
        test_in_train=task.repeated(),
        wrong=_wrong(task, answers),
    )


def _wrong(task: Task, predicted: np.ndarray) -> dict[str, dict[str, tuple[int, ...]]]:
    """Which test series are wrong, by label and by the predicted class (n,), both by name."""
    wrong: dict[str, dict[str, tuple[int, ...]]] = {}
    for label, answer in np.unique(np.stack([task.test.labels, predicted], 1), axis=0):
        if label != answer:
            series = np.flatnonzero((task.test.labels == label) & (predicted == answer))
            wrong.setdefault(task.classes[label], {})[task.classes[answer]] = tuple(series.tolist())
    return wrong


def read_predictions(path: Path, run: Run) -> pd.DataFrame:
    """One row a test series: `label` and `predicted`, both the task's label strings ("1" and "1.0" differ).

    Raises:
        InputError: if the file does not hold these two columns and at least one row.
    """
    remedy = run.remedy("classify")
    try:
        frame = pd.read_csv(regular(path), dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {remedy}.") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{path} does not hold predictions ({error}); {remedy}.") from error
    if list(frame.columns) != ["label", "predicted"] or frame.empty:
        raise InputError(
            f"{path} has {len(frame)} rows and the columns {','.join(frame.columns):.80}, expected label,predicted and "
            f"at least one row; {remedy}."
        )
    return frame


def _check_chain(
    run: Run,
    trained: Sequence[TrainingRecord],
    represented: RepresentationSources,
    classified: ClassifierRecord,
    tasks: Sequence[Task],
) -> None:
    """Refuse what does not belong together, as after stages by hand of which one was left out, or a changed file."""
    settings = [record.settings for record in trained]
    if any(one is None or one != settings[0] for one in settings):
        raise InputError(f"The models of {run} were trained with different parameters; {run.remedy('train')}.")
    for record in trained:
        scope = record.task or "joint"
        check_file(run.curves(record.task), record.curves, f"than training wrote; {run.remedy('train')}")
        if represented.weights.get(scope) != record.weights:
            raise InputError(
                f"The representations of {run} are of other weights of {scope} than were trained last; "
                f"{run.remedy('represent', 'classify')}."
            )
    if classified.weights != represented.weights:
        raise InputError(f"{run} was classified by other models than were represented; {run.remedy('classify')}.")
    fingerprints = {name: one for record in trained for name, one in (record.tasks or {}).items()}
    for task in tasks:
        now = fingerprint(task)
        for then, what in (
            (fingerprints, "trained"),
            (represented.tasks, "represented"),
            (classified.tasks, "classified"),
        ):
            if then.get(task.name) != now:
                raise InputError(
                    f"{task.name} has other series or labels now than when it was {what}; "
                    f"{run.remedy('train', 'represent', 'classify')}."
                )
        path, remedy = run.representation(task.name), run.remedy("represent", "classify")
        check_file(path, represented.representations.get(task.name), f"than were written; {remedy}")
        if classified.representations.get(task.name) != represented.representations.get(task.name):
            raise InputError(
                f"{task.name} was classified by other representations than there are now; {run.remedy('classify')}."
            )
        predictions = classified.predictions.get(task.name)
        check_file(run.prediction(task.name), predictions, f"than were written; {run.remedy('classify')}")


def check_encoders(
    mixture: Run, trained: Sequence[TrainingRecord], own: Sequence[TrainingRecord], held_out: float
) -> None:
    """Refuse encoders that a mixture cannot read together.

    Args:
        mixture: the run.
        trained: records of the models that it reads, which saw all series.
        own: records of its own, which did not.
        held_out: share of the training series on which weights are chosen.

    Raises:
        InputError: if their parameters differ, or its own were trained without another share.
    """
    for one, other in zip(trained, own, strict=True):
        if one.settings != other.settings:
            raise InputError(
                f"The two encoders of {mixture} were trained with different parameters; run "
                f"'{mixture.reading.command('train')}' and '{mixture.command('train')}', then represent both and "
                "classify."
            )
        if other.held_out not in (None, held_out):  # of an earlier version it is not known
            raise InputError(
                f"{mixture} chooses weights on a share of {held_out:g} of the training series, and its encoder was "
                f"trained without {other.held_out:g}; {mixture.remedy('train', 'represent', 'classify')}."
            )


def check_file(path: Path, expected: str | None, remedy: str) -> None:
    """Raises InputError if the digest of a file is not the expected one; "FILE holds other content" and the remedy."""
    try:
        actual = digest(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {remedy.split('; ')[-1]}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it readable.") from error
    if actual != expected:
        raise InputError(f"{path} holds other content {remedy}.")


def _read_curves(path: Path, run: Run) -> Iterator[Curve]:
    """The training curves of a model, a task at a time, each in up to `CURVE_POINTS` stretches of the whole run."""
    try:
        as_text = {"task": str}  # one may be named NA
        frame = pd.read_csv(regular(path), usecols=list(CURVE_COLUMNS), converters=as_text)
    except (ValueError, OSError) as error:
        raise InputError(f"{path} does not hold training curves ({error}); {run.remedy('train')}.") from error
    tasks = frame.pop("task").to_numpy()
    values = frame[["step", "loss", "sharing_loss", "relevant_share"]].to_numpy(np.float64)
    stretch = np.arange(len(values)) * CURVE_POINTS // max(1, len(values))
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
