"""Series to look at, from the normalised data: typical ones of labels, and single test series.

A report holds none of them unless it is asked for: not everyone may hand on the recordings that a report is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mtcs.data.task import Task, read_task, unpadded
from mtcs.files import is_there
from mtcs.layout import Layout

POINTS = 40
"""Points at which series are compared with the mean of their label."""

Series = Mapping[tuple[str, str | int], np.ndarray]
"""By task and label, a typical series of it; by task and number, a test series. (T,) or (channels, T), unpadded."""


def examples(layout: Layout, suite: str, wanted: Iterable[tuple[str, str | int]]) -> Series:
    """The wanted series of the tasks whose normalised data are at hand.

    Raises:
        InputError: if a file does not hold a task.
    """
    by_task: dict[str, list[str | int]] = {}
    for task, what in wanted:
        by_task.setdefault(task, []).append(what)
    drawn: dict[tuple[str, str | int], np.ndarray] = {}
    for name, several in by_task.items():
        if is_there(path := layout.normalized(suite, name)):
            task = read_task(path)
            for what in several:
                series = task.test.series[what] if isinstance(what, int) else _typical(task, what)
                drawn[name, what] = unpadded(series)
    return drawn


def _typical(task: Task, label: str) -> np.ndarray:
    """Of a label's training series; of a label without any, a flat line."""
    rows = task.train.series[task.train.labels == task.classes.index(label)]
    return typical(list(rows)) if len(rows) else np.zeros(POINTS, np.float32)


def typical(rows: Sequence[np.ndarray]) -> np.ndarray:
    """The series that is nearest to the mean of all, in its first channel and stretched to one length.

    rows: at least one, (T_i,) or (channels, T_i).
    """
    curves = np.stack([_stretched(row if row.ndim == 1 else row[0]) for row in rows])  # (n, POINTS)
    return rows[int(np.argmin(((curves - curves.mean(0)) ** 2).sum(1)))]


def _stretched(series: np.ndarray) -> np.ndarray:
    """The known values of a series (T,) at `POINTS` places; zeros where there is none."""
    known = series[~np.isnan(series)]
    if not len(known):
        return np.zeros(POINTS)
    return np.interp(np.linspace(0, len(known) - 1, POINTS), np.arange(len(known)), known)
