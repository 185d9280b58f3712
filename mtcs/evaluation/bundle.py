"""A bundle: one trained encoder with a fitted classifier for each task, all that turns new series into labels.

Made of the functions that the stages call, in their order: z-normalisation, training, representations, classifier.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mtcs.config.classifiers import READERS_OF_SERIES, ClassifierSpec, Mixture, NearestNeighbor
from mtcs.config.machine import PrecisionName
from mtcs.config.methods import MethodSpec, SeriesSpec, Spec, TstSpec
from mtcs.config.packaged import display_name
from mtcs.data.arrays import as_labels, as_series, check_rows
from mtcs.data.doubts import SwappedAxes, swapped_axes
from mtcs.data.normalize import scaled, z_normalize
from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.splits import held_out_rows, without_held_out
from mtcs.data.task import Task, TaskInfo
from mtcs.errors import InputError
from mtcs.evaluation.calibration import Calibration
from mtcs.evaluation.classify import Reader, calibrate, check_labels, decisions, fit_reader, predict
from mtcs.evaluation.mixture import Choice, HeldOut, choose, fit_mixture, held_out_errors
from mtcs.evaluation.prediction import check_channels
from mtcs.evaluation.represent import represent
from mtcs.evaluation.representations import Encoded, channel_mean
from mtcs.evaluation.side_by_side import joined
from mtcs.methods.base import Method
from mtcs.training.hardware import Hardware
from mtcs.training.model import Model

HELD_OUT = 0.25
"""Share of a task's series on which a mixture chooses its weights, as of `mtcs_rocket` in params.yaml."""

MOST_OF_MIXTURE = 50
"""Members of its method: a file holds an ensemble of up to 100."""


@dataclass(frozen=True)
class TaskClassifier:
    """What a bundle knows of one task.

    info: labels as text, and the scale of its series.
    labels: (C,) as the user gave them.
    reader: reads the representations of its series.
    calibration: of its probabilities; None where it has none.
    lengths: (shortest, longest) training series; n_series: how many there were, 0 where that is not known.
    channel_names: of several channels, in their order; empty where they have none.
    """

    info: TaskInfo
    labels: np.ndarray
    reader: Reader
    n_series: int
    lengths: tuple[int, int]
    calibration: Calibration | None = None
    channel_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bundle:
    """A trained model and the classifiers of its tasks, those of tasks that were added later among them.

    similarity: (K, K) covariance similarity of the tasks that were learned together, in the model's order.
    affinity: (S, S) Equation 4 of all labels of those tasks; None for a method that trains without labels.
    classifier: parameters of the classifiers; precision: asked for when the model was fitted.
    scores: of cross-validation, one mapping a task, where it was done.
    versions: of the packages that trained the model.
    """

    model: Model
    tasks: Mapping[str, TaskClassifier]
    similarity: np.ndarray
    affinity: np.ndarray | None
    classifier: ClassifierSpec
    precision: PrecisionName = "auto"
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def trained_with(self) -> Spec:
        """The method's parameters as they were given: a mixture's model has each encoder twice.

        Not so one that was fitted before mixtures read both: as a rule that has one encoder, and one is given back.
        """
        spec = self.model.spec
        if not isinstance(self.classifier, Mixture) or spec.members % 2:
            return spec
        return spec.model_copy(update={"members": spec.members // 2})

    def task(self, name: str) -> TaskClassifier:
        """Raises InputError, with the known names, if there is no such task."""
        if name not in self.tasks:
            raise InputError(f"Unknown task {name!r:.80}; the model has {', '.join(self.tasks)}.")
        return self.tasks[name]

    def encode(self, task: str, X: Any, hardware: Hardware, names: Sequence[str] = ()) -> Encoded:
        """N new series in the units of the task's training series, and their representations.

        Args:
            task: whose series they are.
            X: series, see `as_series`.
            hardware: where, and in which precision.
            names: of the series, for messages; their numbers if there are none.

        Raises:
            InputError: if there is no such task, series have other channels than it, or values are too large to scale.
        """
        info = self.task(task).info
        series = as_series(X, task, info.missing)
        check_channels(task, series, info, names)
        rows = scaled(series, info.mean, info.std)
        if (beyond := np.isinf(rows).reshape(len(rows), -1).any(1)).any():
            raise InputError(f"{task}: series {beyond.argmax()} has values beyond any of its training series.")
        return Encoded(represent(self.model.method, rows, hardware, task), rows)

    def predict(self, task: str, encoded: Encoded, workers: int = -1) -> np.ndarray:
        """Labels (n,) of n series, as the user gave them."""
        known = self.task(task)
        return known.labels[predict(known.reader, encoded, workers)]

    def predict_proba(self, task: str, encoded: Encoded, workers: int = -1) -> np.ndarray:
        """Probabilities (n, C) of n series, a column for each of the task's labels.

        Raises:
            InputError: if the classifier has none.
        """
        known = self.task(task)
        values = decisions(known.reader, encoded, workers)
        if values is None or known.calibration is None:
            raise InputError(
                f"{task}: its classifier gives no probabilities; ridge, svm and random kernels of 'mtcs fit' do."
            )
        return known.calibration(values)


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
    from mtcs.evaluation.measure import label_affinity, task_similarity  # pandas: whoever predicts does without
    from mtcs.provenance import versions
    from mtcs.training.loop import train_method

    if not data:
        raise InputError("There is no task, expected at least one; give {task: (X, y)}.")
    _check_reads(spec, classifier)
    if isinstance(classifier, Mixture) and spec.members > MOST_OF_MIXTURE:
        raise InputError(
            f"members is {spec.members}, and a mixture trains as many encoders once more; take at most "
            f"{MOST_OF_MIXTURE}."
        )
    given = {name: _task(name, X, y, classifier, missing) for name, X, y in series_and_labels(data)}
    tasks = [task for task, _, _ in given.values()]
    _warn_of_swapped_axes(tasks)
    method, _ = train_method(spec, tasks, seed, hardware)
    model = Model(method.eval(), spec, tuple(task.info for task in tasks), seed)
    choices: list[Choice | None] = [None] * len(tasks)
    if isinstance(classifier, Mixture):
        unseen, _ = train_method(spec, [without_held_out(task, HELD_OUT, seed) for task in tasks], seed, hardware)
        errors = [_held_out_errors(classifier, unseen, task, seed, hardware, workers) for task in tasks]
        choices = [*choose(classifier, errors)]
        model = joined([model, replace(model, method=unseen.eval())])
        method = model.method
    known, pooled, heads = {}, {}, {}
    for (name, (task, labels, lengths)), choice in zip(given.items(), choices, strict=True):
        representations = represent(method, task.train.series, hardware, name)
        reader = fit_task(
            classifier, Encoded(representations, task.train.series), task.train.labels, choice, seed, workers
        )
        calibration = calibrate(classifier, reader, representations, task.train.labels, workers)
        known[name] = TaskClassifier(task.info, labels, reader, len(task.train), lengths, calibration)
        pooled[name] = channel_mean(representations, task.channels)
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
    task, labels, lengths = _task(name, X, y, classifier, missing)
    _warn_of_swapped_axes([task])
    seed, choice = bundle.model.seed, None
    if isinstance(classifier, Mixture):  # an encoder that has seen none of these labels can tell what they are worth
        [choice] = choose(
            classifier, [_held_out_errors(classifier, bundle.model.method, task, seed, hardware, workers)]
        )
    representations = represent(bundle.model.method, task.train.series, hardware, name)
    reader = fit_task(classifier, Encoded(representations, task.train.series), task.train.labels, choice, seed, workers)
    calibration = calibrate(classifier, reader, representations, task.train.labels, workers)
    added = TaskClassifier(task.info, labels, reader, len(task.train), lengths, calibration)
    return replace(bundle, tasks={**bundle.tasks, name: added})


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
    if isinstance(spec, SeriesSpec) != (classifier.kind in READERS_OF_SERIES):
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
    held = held_out_rows(task.train.labels, HELD_OUT, seed)
    return held_out_errors(classifier, representations, task.train.series, task.train.labels, held, seed, workers)


def with_channel_names(bundle: Bundle, names: Mapping[str, tuple[str, ...]]) -> Bundle:
    """The bundle, whose tasks know what their channels are called."""
    tasks = {name: replace(task, channel_names=names.get(name, ())) for name, task in bundle.tasks.items()}
    return replace(bundle, tasks=tasks)


def check_task_name(name: Any) -> None:
    """Raises InputError if a task cannot be named so: names stand in messages, files and options."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise InputError(f"Task {name!r:.80}: expected a name of visible characters; rename the task or its file.")


def series_and_labels(data: Mapping[str, tuple[Any, Any]]) -> Iterator[tuple[str, Any, Any]]:
    """Name, X and y of each task.

    Raises:
        InputError: if something else than two is given for a task.
    """
    for name, given in data.items():
        try:
            X, y = given
        except (TypeError, ValueError) as error:
            raise InputError(
                f"Task {name!r:.80} is no pair ({error}); give {{task: (X, y)}}, and groups to cross_validate."
            ) from error
        yield name, X, y


def _warn_of_swapped_axes(tasks: Sequence[Task]) -> None:
    """For a function that a method of an estimator calls, on whose caller's line the warning is then."""
    for task in tasks:
        if sentence := swapped_axes(task.name, task.channels, task.length):
            warnings.warn(sentence, SwappedAxes, stacklevel=4)


def _task(
    name: str, X: Any, y: Any, classifier: ClassifierSpec, missing: Sequence[float]
) -> tuple[Task, np.ndarray, tuple[int, int]]:
    """A task of given series, its labels as they were given, and the lengths of its shortest and longest series."""
    check_task_name(name)
    check_rows(X, y, name)
    if not np.isfinite(np.asarray(missing, dtype=np.float64)).all():
        raise InputError(f"missing is {list(missing)}, expected finite values; NaN is a missing one as it is.")
    series = as_series(X, name, missing)
    if series[0].ndim > 1 and classifier.kind in READERS_OF_SERIES:
        has = f"{name} has {len(series[0])} channels"
        raise InputError(
            f"{has}, and what reads series without an encoder reads one; leave it out, or take another method."
        )
    labels, indices = as_labels(y, len(series), name)
    if len(labels) < 2 and not isinstance(classifier, NearestNeighbor):
        raise InputError(
            f"{name}: all {len(series)} series are of one class ({labels[0]!s:.40}), expected two or more; leave the "
            "task out."
        )
    texts = [str(label) for label in labels]
    split = RawSplit(series, [str(c) for c in indices])
    raw = RawTask(name, split, split, tuple(map(str, range(len(labels)))), tuple(map(float, missing)))
    lengths = [row.shape[-1] for row in series]
    task = replace(z_normalize(raw), classes=tuple(texts))
    check_labels(classifier, name, task.train.labels)
    return task, labels, (min(lengths), max(lengths))
