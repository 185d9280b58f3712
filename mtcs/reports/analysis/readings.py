"""The same representations under two classifiers: what a method's own gives, and another one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mtcs.reports.analysis.significance import DIGITS


@dataclass(frozen=True)
class Reading:
    """A method under its own classifier and under another, over the seeds that both have.

    name: of the reading.
    own, other: (mean, standard deviation over seeds) of the accuracy; deviations with ddof = 1, NaN of one seed.
    difference: other minus own, likewise.
    better, equal, worse: tasks, by the mean over these seeds.
    own_place, other_place: place by mean accuracy among all methods that are compared, 1 is best.
    """

    method: str
    name: str
    seeds: int
    own: tuple[float, float]
    other: tuple[float, float]
    difference: tuple[float, float]
    better: int
    equal: int
    worse: int
    own_place: int
    other_place: int


def compare_readings(frame: pd.DataFrame, readings: Mapping[str, str]) -> list[Reading]:
    """One row a method, the best under its own classifier first.

    Args:
        frame: accuracies in long form, each run with all tasks.
        readings: by name, the method whose representations are read.
    """
    by_method = {
        str(method): group.pivot_table(index="seed", columns="task", values="accuracy")
        for method, group in frame.groupby("method")
    }
    pairs: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {}
    for name, method in readings.items():
        if name in by_method and method in by_method:
            own, other = by_method[method].align(by_method[name], join="inner")
            if len(own):
                pairs[name] = own, other
    own_places, other_places = (_places({name: both[side] for name, both in pairs.items()}) for side in (0, 1))
    rows = []
    for name, (own, other) in pairs.items():
        by_task = (other - own).to_numpy().mean(0).round(DIGITS)
        rows.append(
            Reading(
                method=readings[name],
                name=name,
                seeds=len(own),
                own=_over_seeds(own),
                other=_over_seeds(other),
                difference=_over_seeds(other - own),
                better=int((by_task > 0).sum()),
                equal=int((by_task == 0).sum()),
                worse=int((by_task < 0).sum()),
                own_place=own_places[name],
                other_place=other_places[name],
            )
        )
    return sorted(rows, key=lambda row: row.own_place)


def _places(accuracies: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """Places by mean accuracy, 1 is best; equals share the better one."""
    means = {name: round(float(values.to_numpy().mean()), DIGITS) for name, values in accuracies.items()}
    return {name: 1 + sum(other > mean for other in means.values()) for name, mean in means.items()}


def _over_seeds(values: pd.DataFrame) -> tuple[float, float]:
    """Mean, and standard deviation over seeds of the mean over tasks; (seeds, tasks)."""
    by_seed = values.to_numpy().mean(1)
    return float(by_seed.mean()), float(by_seed.std(ddof=1)) if len(by_seed) > 1 else math.nan
