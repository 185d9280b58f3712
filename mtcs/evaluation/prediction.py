"""New series of a task, read and scaled as the task's training series were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mtcs.data.formats import read_series
from mtcs.data.normalize import scaled
from mtcs.data.recordings import n_channels
from mtcs.data.task import TaskInfo
from mtcs.data.text import counted
from mtcs.data.tsv import tidy_label
from mtcs.errors import InputError


def read_new(path: Path, task: TaskInfo) -> tuple[np.ndarray, list[str | None]]:
    """Series of a file, scaled as the task's training series were, and their labels.

    Series are (n, T) float32, or (n, channels, T), padded with NaN.

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
    check_channels(str(path), series, task)
    new = scaled(series, task.mean, task.std)
    if (beyond := np.isinf(new).reshape(len(new), -1).any(1)).any():
        raise InputError(
            f"{path}: series {beyond.argmax()} has values beyond any of {task.name}'s training series; repair the file."
        )
    return new, labels


def check_channels(where: str, series: Sequence[np.ndarray], task: TaskInfo, names: Sequence[str] = ()) -> None:
    """Raises InputError, with the first by its name or number, if series have other channels than the task's."""
    for i, values in enumerate(series):
        if n_channels(values) != task.channels:
            name = names[i] if names else str(i)
            raise InputError(
                f"{where}: series {name:.60} has {counted(n_channels(values), 'channel')}, expected {task.channels} as "
                f"{task.name:.60} was trained on; give it the same channels."
            )


def _class_of(label: str, task: TaskInfo) -> str | None:
    """The task's name of a label, which is the label itself or the same number written in another way."""
    same = [name for name in task.classes if tidy_label(name) == tidy_label(label)]
    return label if label in task.classes else same[0] if len(same) == 1 else None
