"""Times of a table's rows: which column has them, how they are written, and the order that they give."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from mtcs.data.fields import MISSING, Table, is_value, numbers
from mtcs.errors import InputError

_NAMES = ("time", "timestamp")
_AMBIGUOUS = ("step", "seconds", "milliseconds", "t")
"""Names that channels have, too: the state of a machine, or `T` for a temperature."""
_WITH_UNIT = re.compile(
    r"(time|timestamp)[ _](s|sec|ms|us|µs|ns|min)|(time|timestamp|t)[ _]?[(\[](s|sec|seconds|ms|us|µs|ns|min|h)[)\]]"
)
_CLOCK = re.compile(r"\d{1,3}:\d\d:\d\d(\.\d{1,9})?", re.ASCII)
_DATE_OR_CLOCK = re.compile(r"\d{1,4}([-./])\d\d?\1\d{1,4}|.*\d:\d\d", re.ASCII)
_HALF_A_DAY = np.timedelta64(12, "h")


def called_times(table: Table) -> list[int]:
    """Columns that are called as times are, those first that nothing else is called like."""
    names = [name.lower() for name in table.names]
    with_unit = [name for name in names if _WITH_UNIT.fullmatch(name)]
    known = dict.fromkeys((*_NAMES, *with_unit, *_AMBIGUOUS))
    return [i for one in known for i, name in enumerate(names) if name == one]


def is_ambiguous(table: Table, column: int) -> bool:
    """Whether a channel may be called as this column is."""
    return table.name(column).lower() in _AMBIGUOUS


def looks_like_time(field: str) -> bool:
    """Whether it begins as a date, 31.1.2026 or 2026-01-31, or holds a clock's time, whether or not it can be read."""
    return bool(_DATE_OR_CLOCK.match(field))


def find_time(table: Table, columns: Sequence[int], series: Sequence[Sequence[int]], any_order: bool) -> int | None:
    """The first of these columns that holds the times of series, each given by its rows; None if there is no column.

    A column with an ambiguous name does if it rises in each series; of rows in `any_order`, also if it is regular.

    Raises:
        InputError: if it cannot be told of any.
    """
    for column in columns:
        if not is_ambiguous(table, column) or holds_times(table, column, series, any_order):
            return column
    if columns:
        name = table.name(columns[0])
        raise InputError(
            f"{table.path}: column `{name}` may hold times, but does not rise from row to row; name it with --time "
            f"{name}, or if it is a channel, name all channels with --values{' and add --layout long' * any_order}."
        )
    return None


def holds_times(table: Table, column: int, series: Sequence[Sequence[int]], any_order: bool = False) -> bool:
    """Whether a column rises strictly in each series, or holds no numbers, as no channel does.

    any_order: also whether it is regular once it is sorted, with equal steps or different whole numbers.
    """
    if not any(is_value(field) and field.lower() not in MISSING for field in table.column(column)):
        return True
    try:
        times = _times_by_series(table, column, series)
    except InputError:
        return False
    return all((np.diff(one) > 0).all() or (any_order and _regular(np.sort(one))) for one in times)


def _regular(times: np.ndarray) -> bool:
    steps = np.diff(times)
    return bool(steps.min() > 0 and (_equal(steps) or (times % 1 == 0).all()))


def _equal(steps: np.ndarray) -> bool:
    return not len(steps) or steps.max() <= 1.01 * steps.min()


def _times_by_series(table: Table, column: int, series: Sequence[Sequence[int]]) -> list[np.ndarray]:
    times = times_of(table, column, [row for rows in series for row in rows])
    return np.split(times, np.cumsum([len(rows) for rows in series])[:-1])


def sort_by_time(table: Table, column: int, steps_of: Mapping[str, list[int]]) -> tuple[dict[str, list[int]], int]:
    """The rows of each series in the order of their times, and how many series have unequal steps.

    Raises:
        InputError: if a time cannot be read, or two rows of a series are at the same time.
    """
    in_order, unequal = {}, 0
    times = _times_by_series(table, column, list(steps_of.values()))
    for (name, steps), own in zip(steps_of.items(), map(past_midnight, times), strict=True):
        order = in_time(table, own, steps, name)
        in_order[name] = [steps[i] for i in order]
        unequal += not _equal(np.diff(own[order]))
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


def without_times(
    table: Table, values: Sequence[int], called: Sequence[int], series: Sequence[Sequence[int]]
) -> list[int]:
    """Columns of values without those `called` as times are that hold some, of series with their rows in order."""
    times = [column for column in called if column in values and holds_times(table, column, series)]
    return [column for column in values if column not in times] or list(values)


# What is said of times


def time_note(table: Table, column: int | None) -> str:
    """Which column has the times, where that had to be guessed."""
    return f"times in column `{table.name(column)}`, " if column is not None and is_ambiguous(table, column) else ""


def sorted_by(table: Table, column: int) -> str:
    """What is said where rows stood in another order than that of their times."""
    return f"rows sorted by `{table.name(column)}`"


def left_out(table: Table, values: Sequence[int], channels: Sequence[int]) -> tuple[str, ...]:
    """What is said of columns that are no channels, since they hold times."""
    kept = set(channels)
    return tuple(f"`{table.name(i)}` left out as a second time" for i in values if i not in kept)


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
