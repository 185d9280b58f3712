"""z-normalisation of a task by its training split, as in the paper, and padding to rectangular arrays."""

from __future__ import annotations

import numpy as np

from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.task import Scale, Split, Task
from mtcs.errors import InputError

PIECE = 2**16
"""Values that are scaled at once."""

MAX_PADDED = 2**27
"""Values of a split, padding included, where most are padding: half a gigabyte."""


def z_normalize(raw: RawTask) -> Task:
    """Subtract the mean and divide by the standard deviation of all observed training values of the task.

    One mean and one (population) standard deviation for the whole task, or for each of its channels, computed in
    float64 from the training split alone. Missing values stay NaN, and each split is padded at the end with NaN to its
    own longest series: nothing about the test split reaches the training split.

    Raises:
        InputError: if the training values do not vary or are too large to scale, a series has no observed value, or
            padding would take more than `MAX_PADDED` values and four times those there are.
    """
    for part, split in (("train", raw.train), ("test", raw.test)):
        _check_padding(f"{raw.name} ({part})", split)
    scales = [moments(channel) for channel in raw.by_channel()]
    means, stds = (tuple(map(float, values)) for values in zip(*scales, strict=True))
    mean, std = (means, stds) if len(scales) > 1 else (means[0], stds[0])
    return Task(
        name=raw.name,
        train=_scaled(raw.train, raw.classes, mean, std),
        test=_scaled(raw.test, raw.classes, mean, std),
        classes=raw.classes,
        mean=mean,
        std=std,
        missing=raw.missing,
    )


def moments(raw: RawTask) -> tuple[np.float64, np.float64]:
    """Mean and standard deviation of the observed training values of a task of one channel.

    Raises:
        InputError: if the training values do not vary or are too large to scale.
    """
    observed = raw.train.observed()  # (sum of T_i without missing values,)
    if observed.size == 0:
        raise InputError(f"{raw.name} (train) has no observed value; repair its values or leave the task out.")
    least, most = observed.min(), observed.max()
    with np.errstate(over="ignore", invalid="ignore"):
        mean = observed.mean()
        observed -= mean  # in place, where `std` takes as much memory again
        observed *= observed
        std = np.sqrt(observed.mean())
    # a constant's computed deviation may be a rounding error above zero
    if least == most or not (np.isfinite(std) and std > 0):
        raise InputError(
            f"{raw.name} (train) has values {least:g}..{most:g} of standard deviation {std:g}, "
            "which cannot be scaled to one; repair its values, or leave these series or the task out."
        )
    return mean, std


def scaled(series: list[np.ndarray], mean: Scale, std: Scale) -> np.ndarray:
    """Scale n arrays (T_i,) into (n, T) float32, padded at the end with NaN; a value beyond float32 is infinite.

    Of several channels, n arrays (channels, T_i) become (n, channels, T), each channel by its own mean and deviation.
    """
    shift, scale = (np.asarray(one, dtype=np.float64)[..., np.newaxis] for one in (mean, std))
    longest = max(values.shape[-1] for values in series)
    padded = np.full((len(series), *series[0].shape[:-1], longest), np.nan, dtype=np.float32)
    with np.errstate(over="ignore"):
        for row, values in zip(padded, series, strict=True):
            for i in range(0, values.shape[-1], PIECE):  # of a long series no copy of all values
                piece = values[..., i : i + PIECE]
                row[..., i : i + piece.shape[-1]] = (piece - shift) / scale
    return padded


def _check_padding(name: str, split: RawSplit) -> None:
    """Raise InputError if padding to the longest series would take memory out of proportion to the values there are."""
    longest, n = max(values.shape[-1] for values in split.series), sum(values.size for values in split.series)
    if (padded := len(split.series) * split.channels * longest) > max(MAX_PADDED, 4 * n):
        raise InputError(
            f"{name} has {len(split.series):,} series of up to {longest:,} values, {padded:,} when padded to the "
            f"longest but {n:,} in all, expected at most {MAX_PADDED:,}; cut its longest series, or take them out."
        )


def _scaled(split: RawSplit, classes: tuple[str, ...], mean: Scale, std: Scale) -> Split:
    index = {label: c for c, label in enumerate(classes)}
    series = scaled(split.series, mean, std)  # infinite values are Task's to report
    return Split(series, np.array([index[label] for label in split.labels], dtype=np.int64))
