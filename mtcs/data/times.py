"""Times of a table's rows: what their column is called, how they are written, and the order that they give."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from mtcs.data.fields import MISSING, Table, numbers
from mtcs.errors import InputError

_NAMES = ("time", "timestamp", "step", "t", "seconds", "milliseconds")
_WITH_UNIT = re.compile(
    r"(time|timestamp)[ _](s|sec|ms|us|µs|ns|min)|(time|timestamp|t)[ _]?[(\[](s|sec|seconds|ms|us|µs|ns|min|h)[)\]]"
)
_CLOCK = re.compile(r"\d{1,3}:\d\d:\d\d(\.\d{1,9})?", re.ASCII)
_HALF_A_DAY = np.timedelta64(12, "h")


def called_times(table: Table) -> list[int]:
    """Columns that are called as times are, the most usual first, those with a unit last."""
    names = [name.lower() for name in table.names]
    usual = [i for one in _NAMES for i, name in enumerate(names) if name == one]
    return usual + [i for i, name in enumerate(names) if _WITH_UNIT.fullmatch(name)]


def sort_by_time(table: Table, column: int, steps_of: Mapping[str, list[int]]) -> tuple[dict[str, list[int]], int]:
    """The rows of each series in the order of their times, and how many series have unequal steps.

    Raises:
        InputError: if a time cannot be read, or two rows of a series are at the same time.
    """
    times = times_of(table, column, [row for steps in steps_of.values() for row in steps])
    in_order, unequal, start = {}, 0, 0
    for name, steps in steps_of.items():
        own = past_midnight(times[start : start + len(steps)])
        start += len(steps)
        order = in_time(table, own, steps, name)
        in_order[name] = [steps[i] for i in order]
        gaps = np.diff(own[order])
        unequal += bool(len(gaps) and gaps.max() > 1.01 * gaps.min())
    return in_order, unequal


def in_time(table: Table, times: np.ndarray, rows: Sequence[int], series: str) -> np.ndarray:
    """The places (T,) of a series' rows in the order of their times (T,).

    Raises:
        InputError: if two rows are at the same time.
    """
    order = np.argsort(times, kind="stable")
    if (equal := np.diff(times[order]) == 0).any():
        row = rows[order[int(equal.argmax()) + 1]]
        raise InputError(f"{table.where(row)}: a second row of {series:.40} at the same time; leave one out.")
    return order


def sorted_by(table: Table, column: int) -> str:
    """What is said where rows stood in another order than that of their times."""
    return f"rows sorted by `{table.name(column)}`"


def times_of(table: Table, column: int, rows: Sequence[int]) -> np.ndarray:
    """Times of R rows (R,): numbers as float64, dates as int64 nanoseconds since 1970, times of day such as 12:00:00 as
    timedelta64 in nanoseconds.

    Raises:
        InputError: if one of them is missing, or they are neither.
    """
    fields = table.column(column)
    given = [fields[row] for row in rows]
    if any(field.lower() in MISSING for field in given):
        row = rows[next(i for i, field in enumerate(given) if field.lower() in MISSING)]
        raise InputError(f"{table.where(row)}: no time in column `{table.name(column)}`; write one or drop the row.")
    try:
        return numbers(table, given, rows, "")
    except InputError:
        import pandas as pd

        try:
            if all(map(_CLOCK.fullmatch, given)):
                return pd.TimedeltaIndex(pd.to_timedelta(given)).as_unit("ns").to_numpy()
            return pd.DatetimeIndex(pd.to_datetime(given, format="ISO8601", utc=True)).as_unit("ns").asi8
        except (ValueError, OverflowError) as error:
            raise InputError(
                f"{table.path}: column `{table.name(column)}` holds neither numbers nor times as 2026-01-31T12:00:00 "
                f"({given[0][:30]!r} is the first); write one of them, or name the times with --time."
            ) from error


def past_midnight(times: np.ndarray) -> np.ndarray:
    """Times (T,) of a recording in its rows' order; where a clock goes back, once and late to early, a day is added."""
    back = np.flatnonzero(np.diff(times) < 0)
    if times.dtype.kind != "m" or len(back) != 1 or times[back[0]] - times[back[0] + 1] < _HALF_A_DAY:
        return times
    return times + 2 * _HALF_A_DAY * (np.arange(len(times)) > back[0])
