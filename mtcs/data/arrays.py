"""Series and labels as Python has them: arrays, lists of unequal length and frames; labels that can be hashed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from mtcs.errors import InputError


def as_series(X: Any, name: str = "X") -> list[np.ndarray]:
    """Series of `X` as n arrays (T_i,) float64, without the missing values at their end.

    Args:
        X: (n, T) or (n, 1, T) numbers, an array or a pandas frame, or a list of n series of unequal length; NaN where a
            value is missing.
        name: of the task, for messages.

    Raises:
        InputError: if X has several channels, holds no series, or a series has no observed or an infinite value.
    """
    if hasattr(X, "to_numpy"):  # a frame
        X = X.to_numpy()
    if isinstance(X, np.ndarray) and X.dtype != object:
        X = _numbers(X, name, "X")
        if X.ndim == 3 and X.shape[1] == 1:
            X = X[:, 0]
        if X.ndim == 3:
            raise InputError(
                f"{name}: X has {X.shape[1]} channels (n, channels, T), expected one; give one channel, X[:, 0], or "
                "each channel as a task of its own."
            )
        if X.ndim != 2:
            raise InputError(f"{name}: X has shape {X.shape}, expected (n, T); for a single series X[np.newaxis].")
    series = [_trimmed(_numbers(row, name, f"series {i}"), name, i) for i, row in enumerate(X)]
    if not series:
        raise InputError(f"{name}: X holds no series, expected at least one.")
    return series


def as_labels(y: Any, n: int, name: str = "y") -> tuple[np.ndarray, np.ndarray]:
    """The different labels (C,), of the dtype of `y` and in order, and for each series the index of its own (n,) int64.

    Raises:
        InputError: if there are not n labels, or one is missing or cannot be hashed.
    """
    values = y if isinstance(y, np.ndarray) else _array(y)
    if values.shape != (n,):
        raise InputError(f"{name}: y has shape {values.shape}, expected ({n},), one label a series.")
    missing = [i for i, label in enumerate(values.tolist()) if label is None or label != label]
    if missing:
        raise InputError(f"{name}: series {missing[0]} has no label ({values[missing[0]]}); label it or leave it out.")
    if values.dtype != object:
        labels, indices = np.unique(values, return_inverse=True)
        return labels, indices.astype(np.int64)
    # By type, too: True, 1 and 1.0 are equal, and each comes back as it was given.
    try:
        different = dict.fromkeys((type(label), label) for label in values)
    except TypeError as error:
        raise InputError(f"{name}: {error}; give labels that can be hashed, as text or numbers.") from error
    ordered = _in_order([label for _, label in different])
    index = {(type(label), label): c for c, label in enumerate(ordered)}
    return objects(ordered), np.array([index[type(label), label] for label in values], dtype=np.int64)


def objects(values: Sequence[Any]) -> np.ndarray:
    """(n,) of dtype object, even where the values are sequences themselves."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def _array(y: Any) -> np.ndarray:
    """As numpy would make it, but for what that would change: mixed types, which become text, and tuples."""
    if hasattr(y, "to_numpy"):  # of pandas
        return y.to_numpy()
    values = list(y)
    plain = len({type(value) for value in values}) == 1 and isinstance(values[0], (str, int, float, np.generic))
    return np.asarray(values) if plain else objects(values)


def _in_order(labels: list[Hashable]) -> list[Any]:
    """Sorted where they can be compared, else as they came."""
    try:
        return sorted(labels)  # pyright: ignore[reportArgumentType]  # the point of `try`
    except TypeError:
        return labels


def _numbers(values: Any, name: str, what: str) -> np.ndarray:
    try:
        if np.iscomplexobj(values):
            raise ValueError("Complex data not supported")
        return np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name}: {what} is not of numbers ({error!s:.120}); give numbers, NaN if missing.") from error


def _trimmed(values: np.ndarray, name: str, i: int) -> np.ndarray:
    if values.ndim != 1:
        raise InputError(
            f"{name}: series {i} has shape {values.shape}, expected (T,), one channel; give each channel as a "
            "task of its own."
        )
    observed = np.flatnonzero(~np.isnan(values))
    if observed.size == 0:
        raise InputError(f"{name}: series {i} has no observed value; leave it out.")
    if np.isinf(values).any():
        raise InputError(f"{name}: series {i} holds an infinite value; replace it by NaN if it is missing.")
    return values[: observed[-1] + 1]
