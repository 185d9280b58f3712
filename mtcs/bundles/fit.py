"""Fit a bundle: train an encoder on given tasks, and fit a classifier of its representations to each.

The functions are those that the stages call, in their order: z-normalisation, training, representations, classifier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from mtcs.bundles.bundle import Bundle, TaskClassifier
from mtcs.bundles.given_tasks import GivenTask, given_task, series_and_labels, warn_of_swapped_axes
from mtcs.classifiers.classify import Encoded, Reader, calibrate, fit_reader, known_calibration
from mtcs.classifiers.mixture import Choice, HeldOut, choose, fit_mixture, held_out_errors
from mtcs.config.classifiers import ClassifierSpec, Mixture
from mtcs.config.methods import MethodSpec, SeriesSpec, Spec, TstSpec
from mtcs.config.packaged import display_name, packaged_experiment
from mtcs.data.splits import held_out_rows, without_held_out
from mtcs.data.task import Task
from mtcs.errors import InputError
from mtcs.evaluation.affinity import label_affinity, task_similarity
from mtcs.evaluation.represent import represent
from mtcs.evaluation.representations import channel_mean
from mtcs.evaluation.side_by_side import joined
from mtcs.methods.base import Method
from mtcs.progress import progress
from mtcs.provenance import versions
from mtcs.training.hardware import Hardware
from mtcs.training.loop import train_method
from mtcs.training.model import Model

MOST_OF_MIXTURE = 50
"""Members of its method: a file holds an ensemble of up to 100."""

MANY = 500
"""Series of a task, of which a classifier can take seconds."""

Result = TypeVar("Result")


def fit_bundle(
    spec: MethodSpec,
    classifier: ClassifierSpec,
    data: Mapping[str, tuple[Any, Any]],
    seed: int,
    hardware: Hardware,
    workers: int = -1,
    missing: Sequence[float] = (),
) -> Bundle:
    """Train an encoder on all tasks together, and fit a classifier of its representations to each.

    Args:
        spec: of the method; it trains one encoder for all tasks.
        classifier: its parameters.
        data: series and labels by task, see `mtcs.data.arrays`.
        seed: of weights and order.
        hardware: where, and in which precision.
        workers: threads; -1 is one for every core.
        missing: values that stand for missing ones, in new series, too.

    Raises:
        InputError: if data cannot be learned from.
        WorkError: if a loss is not finite.
    """
    _check_reads(spec, classifier)
    if isinstance(classifier, Mixture) and spec.members > MOST_OF_MIXTURE:
        raise InputError(
            f"members is {spec.members}, and a mixture trains as many encoders once more; take at most "
            f"{MOST_OF_MIXTURE}."
        )
    given = [given_task(name, X, y, classifier, missing) for name, X, y in series_and_labels(data)]
    tasks = [one.task for one in given]
    warn_of_swapped_axes(tasks)
    method, _ = train_method(spec, tasks, seed, hardware)
    model = Model(method.eval(), spec, tuple(task.info for task in tasks), seed)
    choices: list[Choice | None] = [None] * len(tasks)
    if isinstance(classifier, Mixture):
        unseen, _ = train_method(spec, [without_held_out(task, _held_out(), seed) for task in tasks], seed, hardware)
        errors = _by_task(
            "choose weights", tasks, lambda i: _held_out_errors(classifier, unseen, tasks[i], seed, hardware, workers)
        )
        choices = [*choose(classifier, errors)]
        model = joined([model, replace(model, method=unseen.eval())])
        method = model.method
    known, pooled, heads = {}, {}, {}
    classified = _by_task(
        "fit classifiers",
        tasks,
        lambda i: _classified(given[i], method, classifier, choices[i], seed, hardware, workers),
    )
    for task, (fitted, representations) in zip(tasks, classified, strict=True):
        name = task.name
        known[name], pooled[name] = fitted, channel_mean(representations, task.channels)
        if (head := method.head(name)) is not None:
            heads[name] = head.detach().float().cpu().numpy()
    no_vectors = isinstance(spec, SeriesSpec)
    similar = np.full((len(tasks), len(tasks)), np.nan) if no_vectors else task_similarity(pooled)
    return Bundle(
        model, known, similar, label_affinity(pooled, heads) if heads else None, classifier, versions=versions()
    )


def add_task(
    bundle: Bundle,
    name: str,
    X: Any,
    y: Any,
    classifier: ClassifierSpec,
    hardware: Hardware,
    workers: int = -1,
    missing: Sequence[float] = (),
) -> Bundle:
    """The bundle with one more task: its encoder as it is, and a classifier fitted to what it makes of `X`.

    The first task of an encoder without any decides what the bundle says of its classifiers, and later ones take.

    Raises:
        InputError: if the task is known, the encoder depends on its tasks, or data cannot be learned from.
    """
    if name in bundle.tasks:
        raise InputError(f"The model already has a task {name}; choose another name.")
    if getattr(bundle.model.spec, "experts", 1) > 1:
        raise InputError("A mixture of experts has a gate for each task, so none can be added; fit all tasks together.")
    if isinstance(bundle.model.spec, TstSpec):
        raise InputError("TST reads a task at the scale of its length, so none can be added; fit all tasks together.")
    _check_reads(bundle.model.spec, classifier)
    given = given_task(name, X, y, classifier, missing)
    warn_of_swapped_axes([given.task])
    method, seed, choice = bundle.model.method, bundle.model.seed, None
    if isinstance(classifier, Mixture):  # an encoder that has seen none of these labels can tell what they are worth
        [choice] = choose(classifier, [_held_out_errors(classifier, method, given.task, seed, hardware, workers)])
    added, _ = _classified(given, method, classifier, choice, seed, hardware, workers)
    usual = bundle.classifier if bundle.tasks else classifier
    return replace(bundle, tasks={**bundle.tasks, name: added}, classifier=usual)


def _by_task(what: str, tasks: Sequence[Task], work: Callable[[int], Result]) -> list[Result]:
    """Results of `work` on each task by its index, with progress where that takes seconds."""
    patience = 0.0 if any(len(task.train) >= MANY for task in tasks) else 2.0
    results = []
    with progress(what, len(tasks), "tasks", patience=patience) as advance:
        for done, task in enumerate(tasks):
            advance(done, task.name)
            results.append(work(done))
        advance(len(tasks), "")
    return results


def _classified(
    given: GivenTask,
    method: Method,
    classifier: ClassifierSpec,
    choice: Choice | None,
    seed: int,
    hardware: Hardware,
    workers: int,
) -> tuple[TaskClassifier, np.ndarray]:
    """A task's fitted and calibrated classifier, and the representations (n, D) of its series."""
    task = given.task
    representations = represent(method, task.train.series, hardware, task.name)
    reader = fit_task(classifier, Encoded(representations, task.train.series), task.train.labels, choice, seed, workers)
    if choice is not None and choice.decisions:
        calibration = known_calibration(reader, choice.decisions)
    else:
        calibration = calibrate(classifier, reader, representations, task.train.labels, workers)
    known = TaskClassifier(
        task.info, given.labels, reader, len(task.train), given.lengths, calibration, columns=given.columns
    )
    return known, representations


def fit_task(
    classifier: ClassifierSpec,
    encoded: Encoded,
    labels: np.ndarray,
    choice: Choice | None = None,
    seed: int = 0,
    workers: int = -1,
) -> Reader:
    """Fit a classifier to a task's n training series.

    Args:
        classifier: its parameters.
        encoded: the series.
        labels: (n,) classes as integers.
        choice: what was chosen for the task, of a mixture.
        seed: of classifiers that draw something at random.
        workers: threads; -1 is one for every core.
    """
    if isinstance(classifier, Mixture):
        assert choice is not None
        return fit_mixture(classifier, encoded.representations, encoded.series, labels, choice, seed, workers)
    return fit_reader(classifier, encoded.representations, labels, workers, seed=seed)


def _check_reads(spec: Spec, classifier: ClassifierSpec) -> None:
    """Raises InputError if a classifier reads series where there are representations, or the other way round."""
    if isinstance(spec, SeriesSpec) != classifier.reads_series:
        way_out = (
            "representations, and this method makes none; leave the classifier out"
            if isinstance(spec, SeriesSpec)
            else "series, not representations; name it as the method, which needs no encoder"
        )
        raise InputError(f"Classifier {display_name(classifier)} reads {way_out}, or take another.")


def _held_out_errors(
    classifier: Mixture, method: Method, task: Task, seed: int, hardware: Hardware, workers: int
) -> HeldOut:
    """By an encoder that was trained without the series that are held out, or without the task."""
    representations = represent(method, task.train.series, hardware, task.name)
    held = held_out_rows(task.train.labels, _held_out(), seed)
    return held_out_errors(classifier, representations, task.train.series, task.train.labels, held, seed, workers)


def _held_out() -> float:
    """Share of a task's series on which a mixture chooses its weights."""
    return packaged_experiment().readings["mtcs_rocket"].held_out
