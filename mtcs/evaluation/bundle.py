"""A bundle: one trained encoder with a fitted classifier for each task, all that turns new series into labels.

Made of the functions that the stages call, in their order: z-normalisation, training, representations, classifier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mtcs.config.classifiers import ClassifierSpec, NearestNeighbor, Quant, RandomKernels
from mtcs.config.machine import PrecisionName
from mtcs.config.methods import MethodSpec, SeriesSpec
from mtcs.data.arrays import as_labels, as_series
from mtcs.data.normalize import scaled, z_normalize
from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.task import Task, TaskInfo
from mtcs.errors import InputError
from mtcs.evaluation.calibration import Calibration
from mtcs.evaluation.classify import Reader, calibrate, check_labels, decisions, fit_reader
from mtcs.evaluation.prediction import check_channels
from mtcs.evaluation.representations import channel_mean, represent
from mtcs.training.hardware import Hardware
from mtcs.training.model import Model


@dataclass(frozen=True)
class TaskClassifier:
    """What a bundle knows of one task.

    info: labels as text, and the scale of its series.
    labels: (C,) as the user gave them.
    reader: reads the representations of its series.
    calibration: of its probabilities; None where it has none.
    lengths: (shortest, longest) training series; n_series: how many there were, 0 where that is not known.
    """

    info: TaskInfo
    labels: np.ndarray
    reader: Reader
    n_series: int
    lengths: tuple[int, int]
    calibration: Calibration | None = None


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

    def task(self, name: str) -> TaskClassifier:
        """Raises InputError, with the known names, if there is no such task."""
        if name not in self.tasks:
            raise InputError(f"Unknown task {name}; the model has {', '.join(self.tasks)}.")
        return self.tasks[name]

    def represent(self, task: str, X: Any, hardware: Hardware, names: Sequence[str] = ()) -> np.ndarray:
        """Representations (n, D) of n new series, in the units of the task's training series.

        Of several channels, (n, channels * D).

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
        return represent(self.model.method, rows, hardware, task)

    def predict(self, task: str, representations: np.ndarray, workers: int = -1) -> np.ndarray:
        """Labels (n,) of representations (n, D), as the user gave them."""
        known = self.task(task)
        return known.labels[known.reader.predict(representations, workers)]

    def predict_proba(self, task: str, representations: np.ndarray, workers: int = -1) -> np.ndarray:
        """Probabilities (n, C) of representations (n, D), a column for each of the task's labels.

        Raises:
            InputError: if the classifier has none.
        """
        known = self.task(task)
        values = decisions(known.reader, representations, workers)
        if values is None or known.calibration is None:
            raise InputError(f"{task}: its classifier gives no probabilities; fit with classifier 'ridge'.")
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
    if isinstance(classifier, RandomKernels | Quant):
        raise InputError(
            f"Classifiers of kind {classifier.kind} are for suites alone; choose 'ridge', 'svm', or 'nearest' with dtw."
        )
    if isinstance(spec, SeriesSpec) != isinstance(classifier, NearestNeighbor):
        raise InputError("Method dtw and classifier nearest go together only; choose both, or neither.")
    given = {name: _task(name, X, y, classifier, missing) for name, (X, y) in data.items()}
    tasks = [task for task, _, _ in given.values()]
    method, _ = train_method(spec, tasks, seed, hardware)
    model = Model(method.eval(), spec, tuple(task.info for task in tasks), seed)
    known, pooled, heads = {}, {}, {}
    for name, (task, labels, lengths) in given.items():
        representations = represent(method, task.train.series, hardware, name)
        reader = fit_reader(classifier, representations, task.train.labels, workers)
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
    hardware: Hardware,
    workers: int = -1,
    missing: Sequence[float] = (),
) -> Bundle:
    """The bundle with one more task: its encoder as it is, and a classifier fitted to the representations of `X`.

    Raises:
        InputError: if the task is known, the encoder has a part for each task, or data cannot be learned from.
    """
    if name in bundle.tasks:
        raise InputError(f"The model already has a task {name}; choose another name.")
    if getattr(bundle.model.spec, "experts", 1) > 1:
        raise InputError("A mixture of experts has a gate for each task, so none can be added; fit all tasks together.")
    task, labels, lengths = _task(name, X, y, bundle.classifier, missing)
    series = represent(bundle.model.method, task.train.series, hardware, name)
    reader = fit_reader(bundle.classifier, series, task.train.labels, workers)
    calibration = calibrate(bundle.classifier, reader, series, task.train.labels, workers)
    added = TaskClassifier(task.info, labels, reader, len(task.train), lengths, calibration)
    return replace(bundle, tasks={**bundle.tasks, name: added})


def check_task_name(name: Any) -> None:
    """Raises InputError if a task cannot be named so: names stand in messages, files and options."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise InputError(f"Task {name!r:.80}: expected a name of visible characters; rename the task or its file.")


def _task(
    name: str, X: Any, y: Any, classifier: ClassifierSpec, missing: Sequence[float]
) -> tuple[Task, np.ndarray, tuple[int, int]]:
    """A task of given series, its labels as they were given, and the lengths of its shortest and longest series."""
    check_task_name(name)
    series = as_series(X, name, missing)
    if series[0].ndim > 1 and isinstance(classifier, NearestNeighbor):
        has = f"{name} has {len(series[0])} channels"
        raise InputError(f"{has}, and dtw compares series of one; leave it out, or take another method.")
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
