"""A task with few labelled training series, to see what learning together is worth where labels are scarce."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np

from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.task import Task, read_few_labels
from mtcs.errors import InputError


def check_as_planned(
    folder: Path, tasks: Iterable[Task], missing: Sequence[float], few_labels: tuple[int, int] | None
) -> None:
    """Raise InputError if normalised data are of a suite as it was in params.yaml before an edit.

    Args:
        folder: of the suite, whose name it has.
        tasks: read from it.
        missing: values that stand for missing ones, as params.yaml says now.
        few_labels: training series that are kept of each label and the draw, likewise; None for all.
    """
    known = read_few_labels(folder)
    suite, faults = folder.name, []
    if known != few_labels:
        faults.append(f"{suite} was normalised with {in_words(known)}, and params.yaml says {in_words(few_labels)}")
    faults += [
        f"{task.name} of {suite} was normalised with missing {list(task.missing)}, and params.yaml says {list(missing)}"
        for task in tasks
        if task.missing != tuple(missing)
    ]
    if faults:
        raise InputError(f"{faults[0]}; run 'mtcs normalize {suite}'.")


def in_words(few_labels: tuple[object, object] | None) -> str:
    """Which training series are kept, as params.yaml says it: how many of each label, and the draw."""
    return "all training series" if few_labels is None else "labels_per_class {}, draw {}".format(*few_labels)


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
