"""A task with few labelled training series, to see what learning together is worth where labels are scarce."""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import numpy as np

from mtcs.data.raw import RawSplit, RawTask


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
