"""Series of a file as they were read, with all that the file says of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtcs.errors import listed


@dataclass(frozen=True)
class Recordings:
    """Series of one task.

    series: n arrays (T_i,) float64, or (channels, T_i); NaN where a value is missing.
    labels: (n,) as the file has them, "" where it has none for a series; None if it has none at all.
    ids: what the file calls its series, None if it calls them nothing.
    groups: (n,) what each series comes from, as a machine or a patient; None if it is not known.
    note: what was guessed, in words: "labels in column `state`".
    written: how a table was read, where that is not usual: "read with `;` and decimal commas", "rows sorted by `time`";
        and what of a folder was not read.
    id_column: what the file calls the column of `ids`, where it might name a series twice; else empty.
    places: the file and the line of each series, for messages; empty where the format has none.
    columns: names of the columns of values, in their order, of a table with one row a series.
    channel_names: what the file calls its channels, in their order; empty where it calls them nothing.
    """

    series: list[np.ndarray]
    labels: np.ndarray | None = None
    ids: list[str] | None = None
    groups: np.ndarray | None = None
    note: str = ""
    written: tuple[str, ...] = ()
    id_column: str = ""
    places: Sequence[str] = ()
    columns: tuple[str, ...] = ()
    channel_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.series)

    @property
    def channels(self) -> int:
        return n_channels(self.series[0])


def n_channels(series: np.ndarray) -> int:
    """Of a series (T,) or (channels, T)."""
    return 1 if series.ndim == 1 else len(series)


def other_channels(names: Sequence[str], expected: Sequence[str]) -> str | None:
    """How channels differ by name or order from those expected; None where they do not, or either side has no names.

    A single channel cannot be taken for another one, whatever it is called.
    """
    if not names or not expected or list(names) == list(expected) or len(names) == len(expected) == 1:
        return None
    return f"has the channels {listed(names, 100)}, expected {listed(expected, 100)}"


def other_order(columns: Sequence[str], expected: Sequence[str]) -> str | None:
    """How columns, one a time step, stand in another order than those expected, or lack one between others.

    None where they do not. Series may be longer, with columns of other names, or shorter at either end.
    """
    places = {name: i for i, name in enumerate(expected)}
    if not columns or not places.keys() >= set(columns):
        return None
    first = places[columns[0]] if len(columns) < len(expected) else 0
    inside = expected[first:][: len(columns)]
    if list(columns) == list(inside):
        return None
    i = next(i for i, own in enumerate(columns) if [own] != list(inside[i : i + 1]))
    return f"has the columns {listed(columns[i:], 100)}, expected {listed(inside[i:], 100)}"


def without_fills(series: np.ndarray, missing: Sequence[float]) -> np.ndarray:
    """Series of any shape with NaN, in that shape, in place of values that stand for missing ones.

    Values are compared in single precision.
    """
    if not len(missing):
        return series
    with np.errstate(over="ignore"):
        return np.where(np.isin(series.astype(np.float32), np.asarray(missing, dtype=np.float32)), np.nan, series)


def trimmed(series: np.ndarray, fail: Callable[[str], Exception]) -> np.ndarray:
    """A series (T,) or (channels, T) float64 without the steps at its end where all values are missing.

    Raises:
        fail("an infinite value") or fail("no observed value"), of a channel too: what the series has.
    """
    known = ~np.isnan(series)
    if np.isinf(series).any():
        raise fail("an infinite value")
    if not known.any():
        raise fail("no observed value")
    if series.ndim > 1 and not known.any(1).all():
        raise fail(f"no observed value in channel {int(known.any(1).argmin()) + 1}")
    missing_at_end = np.flip(np.atleast_2d(known).any(0)).argmax()
    return series[..., : series.shape[-1] - int(missing_at_end)]


def joined(parts: list[Recordings]) -> Recordings:
    """The series of several files as one; labels, names and groups where all of them have some."""
    labels = [part.labels for part in parts if part.labels is not None]
    groups = [part.groups for part in parts if part.groups is not None]
    places = [part.places for part in parts if part.places]
    ids = [part.ids for part in parts if part.ids is not None]
    return replace(
        parts[0],
        series=[one for part in parts for one in part.series],
        labels=np.concatenate(labels) if len(labels) == len(parts) else None,
        groups=np.concatenate(groups) if len(groups) == len(parts) else None,
        places=[place for part in places for place in part] if len(places) == len(parts) else (),
        ids=[name for part in ids for name in part] if len(ids) == len(parts) else None,
        written=tuple(dict.fromkeys(fact for part in parts for fact in part.written)),
    )
