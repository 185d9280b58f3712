"""A validation split: part of the training series stands in for the test series, which stay unseen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtcs.data.task import Split, Task
from mtcs.errors import InputError


def held_out_rows(labels: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """Which of the series with labels (n,) are held out, (n,) bool: `share` of every class, but never all of it."""
    generator = np.random.default_rng(seed)
    mask = np.zeros(len(labels), dtype=bool)
    for label in range(labels.max() + 1):
        rows = generator.permutation(np.flatnonzero(labels == label))
        mask[rows[: max(0, min(round(share * len(rows)), len(rows) - 1))]] = True
    return mask


def without_held_out(task: Task, share: float, seed: int = 0) -> Task:
    """The task less the training series that `held_out_rows` names."""
    kept = ~held_out_rows(task.train.labels, share, seed)
    return replace(task, train=Split(task.train.series[kept], task.train.labels[kept]))


def hold_out(task: Task, share: float, seed: int = 0) -> Task:
    """The task with `share` of its training series, stratified by class, as test series and the rest as training.

    Every class keeps at least one training series, so a class with a single one is not held out.

    Raises:
        InputError: if that leaves nothing to hold out.
    """
    mask = held_out_rows(task.train.labels, share, seed)
    if np.bincount(task.train.labels).max() == 1:
        raise InputError(
            f"{task.name} has one training series in each of its {task.n_classes} classes, and none can be held "
            "out; take the task out of the suite."
        )
    if not mask.any():
        raise InputError(
            f"{task.name} has too few training series ({len(task.train)} of {task.n_classes} classes) to hold out a "
            f"share of {share:g}; take a larger one, up to 0.5, or the task out of the suite."
        )
    kept, held_out = (Split(task.train.series[part], task.train.labels[part]) for part in (~mask, mask))
    return replace(task, train=kept, test=held_out)
