"""Series and labels as Python has them: arrays, lists of unequal length and frames; labels that can be hashed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from mtcs.data.recordings import n_channels, trimmed, without_fills
from mtcs.errors import InputError, counted


def as_series(X: Any, name: str = "X", missing: Sequence[float] = ()) -> list[np.ndarray]:
    """Series of `X` as n arrays (T_i,) or (channels, T_i) float64, without the missing values at their end.

    Args:
        X: (n, T) or (n, channels, T) numbers, an array or a pandas frame, or a list of n series (T_i,) or
            (channels, T_i) of unequal length; NaN or masked where a value is missing.
        name: of the task, for messages.
        missing: values that stand for missing ones, compared in single precision.

    Raises:
        InputError: if X holds no series, or a series has another number of channels than the first, a channel without
            an observed value, or an infinite value.
    """
    if hasattr(X, "to_numpy"):  # a frame
        if getattr(getattr(X, "index", None), "nlevels", 1) > 1:
            raise InputError(f"{name}: X has an index of several levels; give a frame with one row a series.")
        X = X.to_numpy()
    if not isinstance(X, Iterable):
        raise InputError(f"{name}: X is {X!r:.40}, expected an array, a frame or a list of series.")
    if isinstance(X, np.ndarray) and X.dtype != object:
        X = _numbers(X, name, "X")
        if X.ndim not in (2, 3):
            raise InputError(
                f"{name}: X has shape {X.shape}, expected (n, T) or (n, channels, T); for one series X[np.newaxis]."
            )
    rows = (without_fills(_numbers(row, name, f"series {i}"), missing) for i, row in enumerate(X))
    series = [_series(row, name, i) for i, row in enumerate(rows)]
    if not series:
        raise InputError(f"{name}: X holds no series, expected at least one.")
    channels = [n_channels(row) for row in series]
    if other := [i for i, count in enumerate(channels) if count != channels[0]]:
        raise InputError(
            f"{name}: series {other[0]} has {counted(channels[other[0]], 'channel')}, expected {channels[0]} as the "
            "first has; give every series the same channels."
        )
    return series


def column_names(X: Any) -> tuple[str, ...]:
    """Of a frame whose columns are named by text, one a time step; of anything else none."""
    names = tuple(X.columns) if hasattr(X, "to_numpy") and hasattr(X, "columns") else ()
    return names if all(isinstance(name, str) for name in names) else ()


def check_rows(X: Any, y: Any, name: str, what: str = "y") -> None:
    """Raise InputError if series and labels, or `what` else, are of pandas and have the same index in another order."""
    if not hasattr(X, "to_numpy") or not hasattr(y, "to_numpy"):
        return
    rows, labels = (list(getattr(one, "index", ())) for one in (X, y))  # polars has none
    if len(rows) == len(labels) and rows != labels and set(rows) == set(labels):
        raise InputError(f"{name}: X and {what} have the same index in another order; give {what}.loc[X.index].")


def as_labels(y: Any, n: int, name: str = "y") -> tuple[np.ndarray, np.ndarray]:
    """The different labels (C,), of the dtype of `y` and in order, and for each series the index of its own (n,) int64.

    Raises:
        InputError: if there are not n labels, or one is missing or cannot be hashed.
    """
    values = _array(y)
    shape = tuple(getattr(y, "shape", values.shape))
    if shape != (n,):
        raise InputError(f"{name}: y has shape {shape}, expected ({n},), one label a series.")
    if values.dtype.kind == "S":  # as h5py has text
        raise InputError(
            f"{name}: labels are bytes, as {values.item(0)!r:.40}; give y.astype(str), or save them as text."
        )
    if arrays := [i for i, label in enumerate(values.tolist()) if getattr(label, "ndim", 0)]:
        raise InputError(f"{name}: label {arrays[0]} is an array itself; give text, numbers or tuples of these.")
    if missing := [i for i, label in enumerate(values.tolist()) if _is_missing(label)]:
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
        y = y.to_numpy()
    if isinstance(y, np.ndarray) and y.dtype != object:
        return y
    values = list(y)
    if not _alike(values, np.generic):
        values = [_as_python(value) for value in values]
    plain = not isinstance(y, np.ndarray) and _alike(values, (str, int, float, np.generic))
    return np.asarray(values) if plain else objects(values)


def _alike(values: list[Any], kinds: type | tuple[type, ...]) -> bool:
    """Whether all are of one type, and that of one of these kinds."""
    return len(set(map(type, values))) == 1 and isinstance(values[0], kinds)


def _as_python(value: Any) -> Any:
    """A scalar of numpy or torch as Python has it, so that equal labels are one; a date stays, with its nanoseconds."""
    scalar = getattr(value, "ndim", None) == 0 and not isinstance(value, (np.datetime64, np.timedelta64))
    return value.item() if scalar else value


def _is_missing(label: Any) -> bool:
    """Whether it is None, NaN, or as pandas' NA cannot even be compared."""
    try:
        return label is None or bool(label != label)
    except TypeError:
        return True


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
        if getattr(getattr(values, "dtype", None), "kind", None) in ("m", "M"):
            raise ValueError(f"it is of {values.dtype}")
        values = without_mask(values)
        return np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError, RuntimeError) as error:  # the last of tensors with a gradient
        raise InputError(f"{name}: {what} is not of numbers ({error!s:.120}); give numbers, NaN if missing.") from error


def _series(values: np.ndarray, name: str, i: int) -> np.ndarray:
    if values.ndim not in (1, 2) or not len(values):
        raise InputError(f"{name}: series {i} has shape {values.shape}, expected (T,) or (channels, T).")
    if values.ndim == 2 and len(values) == 1:
        values = values[0]
    return trimmed(
        values,
        lambda fault: InputError(
            f"{name}: series {i} has {fault}; leave it out, or write NaN for single values that are missing."
        ),
    )


def without_mask(X: Any) -> Any:
    """X, or its rows, with NaN where masked: below a mask, as netCDF gives it, are fill values."""
    if isinstance(X, list | tuple):
        return [without_mask(row) if isinstance(row, np.ma.MaskedArray) else row for row in X]
    return np.where(np.ma.getmaskarray(X), np.nan, np.ma.getdata(X)) if isinstance(X, np.ma.MaskedArray) else X
