"""The same representations under two classifiers: what a method's own gives, and another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mtcs.reports.analysis.paired import Paired, over_seeds, pair, seeds_by_tasks
from mtcs.reports.analysis.significance import DIGITS


@dataclass(frozen=True)
class ReadingRow:
    """A method under its own classifier and under another, over the seeds that both have.

    name: of the reading.
    own, other: accuracies, see `over_seeds`.
    paired: other minus own.
    own_place, other_place: place by mean accuracy among all methods that are compared, 1 is best.
    """

    method: str
    name: str
    own: tuple[float, float]
    other: tuple[float, float]
    paired: Paired
    own_place: int
    other_place: int


def compare_readings(frame: pd.DataFrame, readings: Mapping[str, str]) -> list[ReadingRow]:
    """One row a method, the best under its own classifier first.

    Args:
        frame: accuracies in long form, each run with all tasks.
        readings: by name, the method whose representations are read.
    """
    by_method = seeds_by_tasks(frame)
    pairs: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {}
    for name, method in readings.items():
        if name in by_method and method in by_method:
            own, other = by_method[method].align(by_method[name], join="inner")
            if len(own):
                pairs[name] = own, other
    own_places, other_places = (_places({name: both[side] for name, both in pairs.items()}) for side in (0, 1))
    rows = [
        ReadingRow(
            method=readings[name],
            name=name,
            own=over_seeds(own.to_numpy()),
            other=over_seeds(other.to_numpy()),
            paired=pair((other - own).to_numpy()),
            own_place=own_places[name],
            other_place=other_places[name],
        )
        for name, (own, other) in pairs.items()
    ]
    return sorted(rows, key=lambda row: row.own_place)


def _places(accuracies: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """Places by mean accuracy, 1 is best; equals share the better one."""
    means = {name: round(float(values.to_numpy().mean()), DIGITS) for name, values in accuracies.items()}
    return {name: 1 + sum(other > mean for other in means.values()) for name, mean in means.items()}
