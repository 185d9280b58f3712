"""z-normalisation of a task by its training split, as in the paper, and padding to rectangular arrays."""

from __future__ import annotations

import numpy as np

from mtcs.archive import RawSplit, RawTask
from mtcs.errors import InputError
from mtcs.tasks import Split, Task


def normalize(raw: RawTask) -> Task:
    """Subtract the mean and divide by the standard deviation of all observed training values of the task.

    One mean and one (population) standard deviation for the whole task, computed in float64 from the training split
    alone. Missing values stay NaN, and each split is padded at the end with NaN to its own longest series: nothing
    about the test split reaches the training split.

    Raises:
        InputError: if the training values do not vary or are too large to scale, or a series has no observed value.
    """
    values = np.concatenate(raw.train.series)  # (sum of T_i,)
    observed = values[~np.isnan(values)]
    if observed.size == 0:
        raise InputError(f"{raw.name} (train) has no observed value; repair its file or take it out of the suite.")
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = observed.mean(), observed.std()
    # a constant's computed deviation may be a rounding error above zero
    if observed.min() == observed.max() or not (np.isfinite(std) and std > 0):
        raise InputError(
            f"{raw.name} (train) has values {observed.min():g}..{observed.max():g} of standard deviation {std:g}, "
            "which cannot be scaled to one; repair its file or take it out of the suite."
        )
    return Task(
        name=raw.name,
        train=_scaled(raw.train, raw.classes, mean, std),
        test=_scaled(raw.test, raw.classes, mean, std),
        classes=raw.classes,
    )


def _scaled(split: RawSplit, classes: tuple[str, ...], mean: np.float64, std: np.float64) -> Split:
    series = np.full((len(split.series), max(map(len, split.series))), np.nan, dtype=np.float32)  # (n, T)
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which Task reports
        for row, values in zip(series, split.series, strict=True):
            row[: len(values)] = (values - mean) / std
    index = {label: c for c, label in enumerate(classes)}
    return Split(series, np.array([index[label] for label in split.labels], dtype=np.int64))
