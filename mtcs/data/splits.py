"""A validation split: part of the training series stands in for the test series, which stay unseen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtcs.data.task import Split, Task
from mtcs.errors import InputError


def hold_out(task: Task, share: float, seed: int = 0) -> Task:
    """The task with `share` of its training series, stratified by class, as test series and the rest as training.

    Every class keeps at least one training series, so a class with a single one is not held out.

    Raises:
        InputError: if that leaves nothing to hold out.
    """
    generator = np.random.default_rng(seed)
    held = []
    for label in range(task.n_classes):
        rows = generator.permutation(np.flatnonzero(task.train.labels == label))
        held.append(rows[: min(round(share * len(rows)), len(rows) - 1)])
    if np.bincount(task.train.labels).max() == 1:
        raise InputError(
            f"{task.name} has one training series in each of its {task.n_classes} classes, and none can be held "
            "out; take the task out of the suite."
        )
    if not any(len(rows) for rows in held):
        raise InputError(
            f"{task.name} has too few training series ({len(task.train)} of {task.n_classes} classes) to hold out a "
            f"share of {share:g}; take a larger one, up to 0.5, or the task out of the suite."
        )
    mask = np.zeros(len(task.train), dtype=bool)
    mask[np.concatenate(held)] = True
    kept, held_out = (Split(task.train.series[part], task.train.labels[part]) for part in (~mask, mask))
    return replace(task, train=kept, test=held_out)
