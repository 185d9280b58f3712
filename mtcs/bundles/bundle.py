"""A bundle: one trained encoder with a fitted classifier for each task, all that turns new series into labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mtcs.classifiers.calibration import Calibration
from mtcs.classifiers.classify import Encoded, Reader, decisions, kind_of, predict
from mtcs.config.classifiers import ClassifierSpec, Mixture
from mtcs.config.device_names import PrecisionName
from mtcs.config.methods import SeriesSpec, Spec
from mtcs.data.arrays import as_series, column_names
from mtcs.data.folder import FolderData
from mtcs.data.normalize import scaled
from mtcs.data.recordings import n_channels, other_order
from mtcs.data.task import TaskInfo
from mtcs.errors import InputError, WorkError, counted, listed
from mtcs.evaluation.represent import represent
from mtcs.progress import progress
from mtcs.training.hardware import Hardware
from mtcs.training.model import Model


@dataclass(frozen=True)
class TaskClassifier:
    """What a bundle knows of one task.

    info: labels as text, and the scale of its series.
    labels: (C,) as the user gave them.
    reader: reads the representations of its series.
    calibration: of its probabilities; None where it has none.
    n_series: how many training series there were, 0 where that is not known.
    lengths: of the shortest and the longest of them; from 1 where their number is not known.
    channel_names: of its channels, in their order; empty where they have none.
    columns: names of its time steps, where its series were rows of a table or a frame.
    """

    info: TaskInfo
    labels: np.ndarray
    reader: Reader
    n_series: int
    lengths: tuple[int, int]
    calibration: Calibration | None = None
    channel_names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def label_names(self) -> list[str]:
        """The labels as text, in their order."""
        return [str(label) for label in self.labels.tolist()]


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
        if not self.tasks:
            raise InputError("The model has no task yet; learn one with add_task().")
        if not isinstance(name, str) or name not in self.tasks:
            raise InputError(f"Unknown task {name!r:.80}; the model has {listed(self.tasks)}.")
        return self.tasks[name]

    def encode(self, task: str, X: Any, hardware: Hardware, names: Sequence[str] = ()) -> Encoded:
        """N new series in the units of the task's training series, and their representations.

        Args:
            task: whose series they are.
            X: series, see `as_series`.
            hardware: where, and in which precision.
            names: of the series, for messages; their numbers if there are none.

        Raises:
            InputError: if there is no such task, series have other channels than it or its columns in another order, or
                values are too large to scale.
            WorkError: if the encoder's values are not finite.
        """
        info = self.task(task).info
        if other := other_order(column_names(X), self.task(task).columns):
            raise InputError(f"{task}: X {other} as it was trained on; give these columns in that order.")
        series = as_series(X, task, info.missing)
        _check_channels(info, series, names)
        rows = scaled(series, info.mean, info.std)
        if (beyond := np.isinf(rows).reshape(len(rows), -1).any(1)).any():
            i = int(beyond.argmax())
            raise InputError(
                f"{task}: series {names[i] if names else i!s:.60} has values beyond any of its training series; check "
                "its unit, and name what stands for missing values when fitting (missing)."
            )
        with progress("represent", len(rows) * info.channels, "series", patience=2.0) as advance:
            encoded = represent(self.model.method, rows, hardware, task, advance)
        finite = np.isfinite(encoded).all(axis=1)
        if not finite.all() and not isinstance(self.model.spec, SeriesSpec):  # which hands on padding, too
            raise WorkError(f"{task}: the encoder has no finite values for series {finite.argmin()}; train it again.")
        return Encoded(encoded, rows)

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
                f"{task}: its classifier, the SVM of a run, gives no probabilities; take a reading of the same "
                "representations by kernel ridge, as mtcs_ridge is of mtcs."
                if kind_of(known.reader) == "svm"  # 'mtcs fit' and add_task calibrate theirs
                else f"{task}: its classifier gives no probabilities; ridge, svm and random kernels of 'mtcs fit' do."
            )
        return known.calibration(values)


def with_names(bundle: Bundle, data: FolderData) -> Bundle:
    """The bundle, whose tasks know what their channels and columns are called."""
    tasks = {
        name: replace(task, channel_names=data.channels.get(name, ()), columns=data.columns.get(name, task.columns))
        for name, task in bundle.tasks.items()
    }
    return replace(bundle, tasks=tasks)


def _check_channels(task: TaskInfo, series: Sequence[np.ndarray], names: Sequence[str]) -> None:
    """Raises InputError, with the first by its name or number, if series have other channels than the task's."""
    for i, values in enumerate(series):
        if n_channels(values) != task.channels:
            name = names[i] if names else str(i)
            raise InputError(
                f"{task.name}: series {name:.60} has {counted(n_channels(values), 'channel')}, expected "
                f"{task.channels} as {task.name:.60} was trained on; give it the same channels."
            )
