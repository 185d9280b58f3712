"""Tasks as somebody gives them, {name: (X, y)}, checked and normalised for training."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtcs.classifiers.classify import check_fittable
from mtcs.config.classifiers import ClassifierSpec, NearestNeighbor
from mtcs.data.arrays import as_labels, as_series, check_rows, column_names
from mtcs.data.doubts import SwappedAxes, swapped_axes
from mtcs.data.normalize import z_normalize
from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.task import Task
from mtcs.errors import InputError


@dataclass(frozen=True)
class GivenTask:
    """A task of given series.

    task: normalised, its labels as text.
    labels: (C,) as they were given.
    lengths: of its shortest and its longest series.
    columns: names of its time steps, where X is a frame.
    """

    task: Task
    labels: np.ndarray
    lengths: tuple[int, int]
    columns: tuple[str, ...]


def series_and_labels(data: Mapping[str, tuple[Any, Any]]) -> Iterator[tuple[str, Any, Any]]:
    """Name, X and y of each task.

    Raises:
        InputError: if it is no mapping or empty, or something else than two is given for a task.
    """
    if not isinstance(data, Mapping):
        raise InputError(f"data is a {type(data).__name__}, expected {{task: (X, y)}}; MTCSClassifier takes X and y.")
    if not data:
        raise InputError("There is no task, expected at least one; give {task: (X, y)}.")
    for name, given in data.items():
        try:
            X, y = given
        except (TypeError, ValueError) as error:
            raise InputError(
                f"Task {name!r:.80} is no pair ({error}); give {{task: (X, y)}}, and groups to cross_validate."
            ) from error
        yield name, X, y


def given_task(name: str, X: Any, y: Any, classifier: ClassifierSpec, missing: Sequence[float] = ()) -> GivenTask:
    """Check and normalise a task.

    Args:
        name: what it is called.
        X: n series, see `as_series`.
        y: n labels, see `as_labels`.
        classifier: what is to be fitted to it.
        missing: values that stand for missing ones.

    Raises:
        InputError: if it cannot be learned from.
    """
    check_task_name(name)
    check_rows(X, y, name)
    fills = _fills(missing)
    series = as_series(X, name, fills)
    if series[0].ndim > 1 and classifier.reads_series:
        has = f"{name} has {len(series[0])} channels"
        raise InputError(
            f"{has}, and what reads series without an encoder reads one; leave it out, or take another method."
        )
    labels, indices = as_labels(y, len(series), name)
    check_classes(name, labels, len(series), classifier)
    split = RawSplit(series, [str(index) for index in indices])
    raw = RawTask(name, split, split, tuple(map(str, range(len(labels)))), fills)
    task = replace(z_normalize(raw), classes=tuple(map(str, labels)))
    check_fittable(classifier, name, task.train.labels)
    lengths = [row.shape[-1] for row in series]
    return GivenTask(task, labels, (min(lengths), max(lengths)), column_names(X))


def check_task_name(name: Any) -> None:
    """Raises InputError if a task cannot be named so: names stand in messages, files and options."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise InputError(f"Task {name!r:.80}: expected a name of visible characters; rename the task or its file.")


def check_classes(name: str, labels: np.ndarray, n: int, classifier: ClassifierSpec) -> None:
    """Look at the labels (C,) of a task of n series.

    Raises:
        InputError: if they are fractions, one for most series; or if there is only one, unless the classifier looks for
            the nearest series.
    """
    if labels.dtype.kind == "f" and 2 * len(labels) > n and (labels != np.round(labels)).any():
        raise InputError(
            f"{name}: labels are {len(labels)} different numbers of {n} series, as {labels[-1]:.4g}; give classes."
        )
    if len(labels) < 2 and not isinstance(classifier, NearestNeighbor):
        raise InputError(
            f"{name}: all {n} series are of one class ({labels[0]!s:.40}), expected two or more; leave the task out."
        )


def _fills(missing: Any) -> tuple[float, ...]:
    """Values that stand for missing ones, as numbers."""
    try:
        fills = tuple(float(value) for value in missing)
    except (TypeError, ValueError):
        fills = (np.nan,)
    if isinstance(missing, str) or not np.isfinite(fills).all():
        raise InputError(f"missing is {missing!r:.60}, expected finite numbers, as (-9999,); NaN is missing as it is.")
    return fills


def warn_of_swapped_axes(tasks: Sequence[Task]) -> None:
    """Warn, on the line that called an estimator's method; the method calls the function that calls this one."""
    for task in tasks:
        if sentence := swapped_axes(task.name, task.channels, task.length):
            warnings.warn(sentence, SwappedAxes, stacklevel=4)
