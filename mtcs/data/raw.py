"""A task as its files have it, before anything is computed from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RawSplit:
    """Series as the archive has them.

    series: n arrays (T_i,) float64, NaN where a value is missing; missing values at the end are dropped, since the
        2018 archive pads with them.
    labels: n label strings, as they were given.
    """

    series: list[np.ndarray]
    labels: list[str]


@dataclass(frozen=True)
class RawTask:
    """A task as the archive has it.

    classes: the labels of the training split; in numerical order if all are numbers, else in the header's order.
    """

    name: str
    train: RawSplit
    test: RawSplit
    classes: tuple[str, ...]
