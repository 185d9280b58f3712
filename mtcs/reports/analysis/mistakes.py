"""Which test series are wrong most often across methods: hard ones, and ones whose label may be wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from mtcs.evaluation.results import RunResult

SHOWN, DRAWN, LISTED = 20, 12, 50
"""Series that a page lists and draws at most, and that a file has of each task."""

OFTEN = 0.5
"""Least share of predictions that are wrong, of a series that is listed."""


@dataclass(frozen=True)
class Mistake:
    """A test series of a task that no method knows, or few; each method counts once, however many seeds it has.

    series: its number among the test series, counted from 0, as in the files of predictions; label: its own.
    share: of the predictions, those that are wrong.
    predicted: what they say, the most frequent label first, and each one's share of the predictions.
    """

    series: int
    label: str
    share: float
    predicted: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Mistakes:
    """A task's test series that are wrong at all, most often wrong first; of those, the most unanimous ones first.

    never_right: how many of its `test` series no run of any method gets right.
    methods: those whose results say which series are wrong.
    """

    task: str
    test: int
    methods: tuple[str, ...]
    series: tuple[Mistake, ...]

    @property
    def never_right(self) -> int:
        return sum(one.share > 1 - 1e-9 for one in self.series)


def mistakes(results: Sequence[RunResult], tasks: Sequence[str], methods: Sequence[str]) -> list[Mistakes]:
    """One entry a task of which two methods or more say which series are wrong; runs of earlier versions do not."""
    runs: dict[tuple[str, str], list[dict[str, dict[str, tuple[int, ...]]]]] = defaultdict(list)
    test = {}
    for result in results:
        for task in result.tasks:
            if task.wrong is not None and result.method in methods:
                runs[task.task, result.method].append(task.wrong)
                test[task.task] = task.test
    by_task = []
    for task in tasks:
        known = [method for method in methods if (task, method) in runs]
        if len(known) < 2:
            continue
        votes: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
        for method in known:
            weight = 1 / len(known) / len(runs[task, method])
            for wrong in runs[task, method]:
                for label, others in wrong.items():
                    for predicted, series in others.items():
                        for i in series:
                            votes[i, label][predicted] += weight  # pyright: ignore[reportArgumentType]
        every = [
            Mistake(i, label, sum(said.values()), tuple(sorted(said.items(), key=lambda one: (-one[1], one[0]))))
            for (i, label), said in votes.items()
        ]
        every.sort(key=lambda one: (-round(one.share, 9), -round(one.predicted[0][1], 9), one.series))
        by_task.append(Mistakes(task, test[task], tuple(known), tuple(every)))
    return by_task


def hardest(mistakes: Sequence[Mistakes], count: int) -> list[tuple[str, Mistake]]:
    """Up to `count` of them, as many of each task, in the order of the tasks; of many tasks, the hardest of some."""
    each = max(1, count // max(1, len(mistakes)))
    several = [(one.task, hard) for one in mistakes for hard in one.series[:each] if hard.share >= OFTEN]
    kept = sorted(several, key=lambda one: (-round(one[1].share, 9), -one[1].predicted[0][1]))[:count]
    return [one for one in several if one in kept]


def mistake_table(mistakes: Sequence[Mistakes]) -> pd.DataFrame:
    """The `LISTED` test series of each task that are wrong most often; numbers, for a file."""
    return pd.DataFrame(
        {"task": one.task, "series": hard.series, "label": hard.label, "wrong": hard.share}
        | {"predicted": hard.predicted[0][0], "share": hard.predicted[0][1]}
        for one in mistakes
        for hard in one.series[:LISTED]
    )
