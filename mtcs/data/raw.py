"""A task as its files have it, before anything is computed from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mtcs.data.recordings import n_channels
from mtcs.data.task import count_repeated


@dataclass(frozen=True)
class RawSplit:
    """Series as the archive has them.

    series: n arrays (T_i,) or (channels, T_i) float64, NaN where a value is missing; missing values at the end are
        dropped, since the 2018 archive pads with them.
    labels: n label strings, as they were given.
    """

    series: list[np.ndarray]
    labels: list[str]

    @property
    def channels(self) -> int:
        return n_channels(self.series[0])

    def observed(self) -> np.ndarray:
        """All values of series of one channel that are not missing, (sum of T_i less those,) float64, copied once."""
        counts = [int(np.count_nonzero(~np.isnan(values))) for values in self.series]
        observed, end = np.empty(sum(counts)), 0
        for values, count in zip(self.series, counts, strict=True):
            start, end = end, end + count
            observed[start:end] = values if count == len(values) else values[~np.isnan(values)]
        return observed


@dataclass(frozen=True)
class RawTask:
    """A task as the archive has it.

    classes: the labels of the training split; in numerical order if all are numbers, else in the header's order.
    missing: values that stood for missing ones in its files, and are NaN in its series.
    """

    name: str
    train: RawSplit
    test: RawSplit
    classes: tuple[str, ...]
    missing: tuple[float, ...] = ()

    @property
    def channels(self) -> int:
        return self.train.channels

    def by_channel(self) -> list[RawTask]:
        """The task of each channel alone; this one itself where there is one only."""
        if self.channels == 1:
            return [self]

        def alone(split: RawSplit, c: int) -> RawSplit:
            return RawSplit([values[c] for values in split.series], split.labels)

        return [
            replace(self, name=f"{self.name}, channel {c + 1}", train=alone(self.train, c), test=alone(self.test, c))
            for c in range(self.channels)
        ]

    def repeated(self) -> int:
        """How many test series stand in the training split, too, value by value."""
        return count_repeated(self.train.series, self.test.series)
