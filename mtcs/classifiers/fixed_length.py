"""Series without gaps and of one length, for transforms that need both."""

from __future__ import annotations

import numpy as np

MIN_LENGTH = 10
"""Steps that aeon's transforms need; a shorter series stays at its last value."""


def fixed_length(series: np.ndarray, length: int) -> np.ndarray:
    """Series (n, T) or (n, channels, T), NaN where padded or missing, as (n, channels, length) float32.

    A missing value is interpolated linearly over time, and before the first and after the last observed value of its
    channel the series stays at that value. A series that goes on beyond `length` is resampled to it. All of that
    depends on the series alone. A channel without any observed value is 0.
    """
    channels = series if series.ndim == 3 else series[:, np.newaxis]
    n, _, steps = channels.shape
    observed = ~np.isnan(channels)
    ends = steps - np.flip(observed.any(axis=1), axis=1).argmax(axis=1)  # (n,)
    if steps == length and observed.all():
        return np.ascontiguousarray(channels, np.float32)
    filled = np.zeros((n, channels.shape[1], length), np.float32)
    for i, end in enumerate(ends.tolist()):
        times = np.linspace(0, end - 1, length) if end > length else np.arange(length)
        for c, known in enumerate(observed[i]):
            if known.any():
                filled[i, c] = np.interp(times, np.flatnonzero(known), channels[i, c, known])
    return filled
