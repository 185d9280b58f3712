"""New series of a task, read and scaled as the task's training series were."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtcs.data.formats import read_series
from mtcs.data.normalize import scaled
from mtcs.data.task import TaskInfo
from mtcs.data.tsv import tidy_label
from mtcs.errors import InputError


def read_new(path: Path, task: TaskInfo) -> tuple[np.ndarray, list[str | None]]:
    """Series of a file, scaled as the task's training series were: (n, T) float32 padded with NaN, and their labels.

    Raises:
        InputError: if the file does not hold series, a value is too large to scale, or a label is none of the task's.
    """
    series, given_labels = read_series(path, task.missing, task.length)
    labels = [None if label is None else _class_of(label, task) for label in given_labels]
    for i, (label, known) in enumerate(zip(given_labels, labels, strict=True)):
        if label is not None and known is None:
            raise InputError(
                f"{path}: series {i} has label {label}, expected one of {task.name}'s ({', '.join(task.classes)}) or "
                "'?'."
            )
    new = scaled(series, np.float64(task.mean), np.float64(task.std))
    if not (finite := ~np.isinf(new).any(1)).all():
        raise InputError(
            f"{path}: series {finite.argmin()} has values beyond any of {task.name}'s training series; repair the file."
        )
    return new, labels


def _class_of(label: str, task: TaskInfo) -> str | None:
    """The task's name of a label, which is the label itself or the same number written in another way."""
    same = [name for name in task.classes if tidy_label(name) == tidy_label(label)]
    return label if label in task.classes else same[0] if len(same) == 1 else None
