"""A task with few labelled training series, to see what learning together is worth where labels are scarce."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np

from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.task import Task
from mtcs.errors import InputError


def check_as_planned(tasks: Iterable[Task], suite: str, missing: Sequence[float], labels_per_class: int | None) -> None:
    """Raise InputError if normalised tasks are of a suite as it was in params.yaml before an edit.

    Args:
        tasks: as `mtcs normalize` wrote them.
        suite: its name.
        missing: values that stand for missing ones, as it says now.
        labels_per_class: training series that are kept of each label, likewise.
    """
    for task in tasks:
        most = int(np.bincount(task.train.labels).max())
        if task.missing != tuple(missing):
            fault = f"was normalised with missing {list(task.missing)}, and params.yaml says {list(missing)}"
        elif labels_per_class is not None and most > labels_per_class:
            fault = f"has {most:,} training series of a label, and params.yaml says labels_per_class {labels_per_class}"
        else:
            continue
        raise InputError(f"{task.name} of {suite} {fault}; run 'mtcs normalize {suite}'.")


def with_few_labels(raw: RawTask, labels_per_class: int, draw: int = 0) -> RawTask:
    """The task with at most so many training series of each label; its test series stay.

    Args:
        raw: the task.
        labels_per_class: series kept of a label, at least 1; a label that has fewer keeps all of them.
        draw: seed of the choice, which differs from task to task.
    """
    generator = np.random.default_rng([draw, crc32(raw.name.encode())])
    labels = np.array(raw.train.labels)
    kept = np.zeros(len(labels), dtype=bool)
    for label in raw.classes:
        kept[generator.permutation(np.flatnonzero(labels == label))[:labels_per_class]] = True
    rows = np.flatnonzero(kept).tolist()
    train = RawSplit([raw.train.series[row] for row in rows], [raw.train.labels[row] for row in rows])
    return replace(raw, train=train)
