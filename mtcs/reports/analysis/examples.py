"""How the series of labels look that share, from the normalised data where they are at hand."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mtcs.data.task import read_task
from mtcs.layout import Layout

POINTS = 40
"""Points of an example; more than a curve of a third of an inch shows."""


def examples(layout: Layout, suite: str, labels: Iterable[tuple[str, str]]) -> dict[tuple[str, str], np.ndarray]:
    """The training series that is nearest to the mean of its label, (POINTS,) from 0 to 1, by task and label.

    Of the first channel, NaN left out. Tasks without normalised data here are left out.

    Raises:
        InputError: if a file does not hold a task.
    """
    wanted: dict[str, list[str]] = {}
    for task, label in labels:
        wanted.setdefault(task, []).append(label)
    found = {}
    for task, names in wanted.items():
        if (path := layout.normalized(suite, task)).exists():
            data = read_task(path)
            for label in names:
                rows = data.train.series[data.train.labels == data.classes.index(label)]
                curves = np.stack([_curve(row if row.ndim == 1 else row[0]) for row in rows])  # (n, POINTS)
                typical = curves[np.argmin(((curves - curves.mean(0)) ** 2).sum(1))]
                span = np.ptp(typical)
                found[task, label] = (typical - typical.min()) / (span if span else 1)
    return found


def _curve(series: np.ndarray) -> np.ndarray:
    """A series (T,) at `POINTS` places; zeros where it has no value."""
    known = series[~np.isnan(series)]
    if not len(known):
        return np.zeros(POINTS)
    return np.interp(np.linspace(0, len(known) - 1, POINTS), np.arange(len(known)), known)
