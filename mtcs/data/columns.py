"""Which column of a table is what: labels, names of series, times, groups, tasks, values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mtcs.data.fields import (
    ID_NAMES,
    LABEL_NAMES,
    TASK_NAMES,
    Table,
    is_value,
    listed_columns,
)
from mtcs.data.labels import is_missing
from mtcs.data.table_options import KnownTask, TableOptions, UnknownColumn
from mtcs.data.times import called_times, find_time
from mtcs.data.tsv import tidy_label
from mtcs.errors import InputError, counted

ONE_RECORDING = "if each file is one recording, put those of all labels into one folder, with labels.csv (file,label)"
"""The way out of files that are read as tables of labelled series, and are none."""


@dataclass(frozen=True)
class Columns:
    """Columns of a table by their place; None where it has none of a kind."""

    layout: Literal["wide", "long"]
    label: int | None
    id: int | None
    time: int | None
    task: int | None
    group: int | None
    values: list[int]
    other_times: list[int]
    """Of the values of a long table those that are called as times are, and are no channels if they hold some."""
    left_out: list[int]
    """Those that a fitted task had none of."""


def find_columns(table: Table, options: TableOptions, known: KnownTask | None = None) -> Columns:
    """Tell columns apart by the options, by their names, and labels at last by what they hold.

    Args:
        table: with at least one row.
        options: what is known of it.
        known: of a fitted task: without a header, the first column is of labels if all in it are among its labels,
            `?` or nothing; with one, columns named otherwise than its values are left out.

    Raises:
        InputError: if an option names no column, or what a column is cannot be told.
    """
    _refuse_prose(table)
    task = _column(table, "--task-column", options.task, TASK_NAMES)
    group = _column(table, "--group", options.group)
    time = _column(table, "--time", options.time)
    taken = {column for column in (task, group, time) if column is not None}
    identity = _identity(table, options, taken)
    chosen = selected_columns(table, options.values) if options.values else []
    times = [i for i in called_times(table) if i not in taken.union(chosen) and table.names[i] != options.label]
    timed = time is not None or (bool(times) and options.layout != "wide")
    long = options.layout == "long" or (options.layout is None and timed and identity is not None)
    if identity is None and (long or timed):
        raise InputError(
            f"{table.path} has one row a time step, but no column `id` that says of which series; add --id, or if one "
            f"row is one series --layout wide; {ONE_RECORDING}."
        )
    if long and time is None:
        time = find_time(table, times, _series(table, task, identity), any_order=True)
    other_times = [i for i in times if i != time] * long
    taken |= {column for column in (identity, time) if column is not None}
    label = _label(table, options, taken.union(other_times), None if long or known is None else known.labels)
    others = {"--label": label, "--id": identity, "--time": time, "--group": group, "--task-column": task}
    check_selected(table, chosen, others)
    taken |= {label} if label is not None else set()
    taken |= table.unnamed
    values = chosen or [i for i in range(table.width) if i not in taken]
    left_out = [] if chosen or known is None else _foreign(table, values, known.values, long)
    values = [i for i in values if i not in left_out]
    trained_on = known is not None and bool(table.names) and {table.names[i] for i in values} <= set(known.values)
    if not chosen and not trained_on:
        _check_values(table, [i for i in values if i not in other_times], long)
    if not values:
        way_out = ONE_RECORDING if table.width == 1 else "name them with --values, as --values x,y or t0:t99"
        raise InputError(f"{table.path} has no column of values beside that of labels or names; {way_out}.")
    if not long and identity is not None and options.layout is None:
        _check_names(table, identity, [column for column in (task, group) if column is not None], label, values)
    other_times = [] if chosen else [i for i in other_times if i not in left_out]
    return Columns("long" if long else "wide", label, identity, time, task, group, values, other_times, left_out)


def _refuse_prose(table: Table) -> None:
    """Raise where most lines hold no number, as those of a README.txt among the tables."""
    if table.names:
        return
    lines = [any(is_value(field) for field in row if field.strip()) for row in table.rows]
    if 2 * sum(lines) < len(lines):
        raise InputError(
            f"{table.path}: {lines.count(False)} of {counted(len(lines), 'line')} have no number between separators; "
            "if it is no table of series, move it out of the folder; else name --separator and --decimal."
        )


def _check_names(table: Table, identity: int, within: list[int], label: int | None, values: list[int]) -> None:
    """Raise where names of series come again as in a table of one row a time step, each with one label.

    Not where columns of values are numbered, as of pieces of recordings, nor for the index of frames that were joined.
    """
    if not any(table.names[identity : identity + 1]) or all(re.search(r"\d", table.names[i]) for i in values):
        return
    columns = [table.words(i) for i in (*within, identity)]
    series = set(zip(*columns, strict=True))
    labelled = series if label is None else set(zip(*columns, table.words(label), strict=True))
    if len(series) == len(labelled) <= len(table.rows) / 2:
        raise InputError(
            f"{table.path}: column `{table.names[identity]:.40}` has {counted(len(series), 'name')} in "
            f"{len(table.rows):,} rows; if each is a time step, say with --time which column has times, or --layout "
            "long; if one row is one series, add --layout wide."
        )


def named_column(table: Table, option: str, name: str) -> int:
    """The column that an option names: by its name, or without a header by its number from 1.

    Raises:
        UnknownColumn: if there is none, or several.
    """
    if not table.names and name.isascii() and name.isdigit() and 1 <= int(name) <= table.width:
        return int(name) - 1
    if table.names.count(name) != 1:
        what = "several columns" if name in table.names else "no column"
        known = listed_columns(table.names) if table.names else "no header, so that columns are numbers from 1"
        field = option.removeprefix("--").removesuffix("-column")
        raise UnknownColumn(f"{table.path} has {what} {name:.40} ({option}); it has {known}.", field)
    return table.names.index(name)


def _column(table: Table, option: str, name: str | None, usual: Sequence[str] = ()) -> int | None:
    """The column that an option names, or else the first of the usual names."""
    if name is not None:
        return named_column(table, option, name)
    lower = [one.lower() for one in table.names]
    return next((lower.index(one) for one in usual if one in lower), None)


def _identity(table: Table, options: TableOptions, taken: set[int]) -> int | None:
    """The column of the names of series."""
    if options.id is not None:
        return _column(table, "--id", options.id)
    names = [name.lower() for name in table.names]
    usual = (names.index(name) for name in ID_NAMES if name in names)
    identity = next((i for i in usual if i not in taken and (names[i] or i == 0)), None)
    return _named_id(table, taken) if identity is None and options.layout != "long" else identity


def _series(table: Table, *columns: int | None) -> list[list[int]]:
    """The rows of each series, told apart by what these columns say."""
    rows_of: dict[tuple[str, ...], list[int]] = {}
    for row, names in enumerate(zip(*(table.words(i) for i in columns if i is not None), strict=True)):
        rows_of.setdefault(names, []).append(row)
    return list(rows_of.values())


def _named_id(table: Table, taken: set[int]) -> int | None:
    """The one column like `pump_id`, if each row has another name there: the same name again would be a machine's."""
    named = [i for i, name in enumerate(table.names) if re.fullmatch(r".+[_ -]id", name.lower()) and i not in taken]
    if len(named) != 1:
        return None
    fields = table.column(named[0])
    return named[0] if len(set(fields)) == len(fields) and "" not in fields else None


def _label(table: Table, options: TableOptions, taken: set[int], known: frozenset[str] | None) -> int | None:
    if options.label == "none":
        return None
    if options.label is not None:
        return _column(table, "--label", options.label)
    free = [i for i in range(table.width) if i not in taken]
    names = [name.lower() for name in table.names]
    named = [i for i in free if names and names[i] in LABEL_NAMES]
    if "x" in names:  # y is an axis then
        named = [i for i in named if names[i] != "y"]
    if len(named) > 1:
        raise InputError(
            f"{table.path} has columns {' and '.join(table.names[i] for i in named)}; name that of labels with --label."
        )
    if named:
        return named[0]
    width = min(map(len, table.rows))
    text = [i for i in free if i < width and not all(is_value(row[i]) for row in table.rows)]
    words = sum(not is_value(row[text[0]]) for row in table.rows) if len(text) == 1 else 0
    if 2 * words > len(table.rows) or (words and options.values):
        return text[0]
    if table.names or not free:
        return None  # a header would have named a column of labels
    if known is not None:
        words = set(table.words(free[0]))
        given = {tidy_label(word) for word in words if not is_missing(word)}
        labels = set(map(tidy_label, known))
        return free[0] if given <= labels and (given or "?" in words) else None  # of values, the first may be missing
    if text:
        return None  # words among the values are refused by line
    if _may_end_in_labels(table):
        raise InputError(
            f"{table.path} has whole numbers in its first and its last column, and no header; say which is of labels, "
            f"with --label 1 or --label {table.width}, and name the other with --id or --group if it is no value."
        )
    return free[0]


def _may_end_in_labels(table: Table) -> bool:
    """Whether the first and the last of the columns alone hold whole numbers; in a `.tsv` the first has the labels."""
    if table.path.suffix.lower() == ".tsv" or len(table.rows) < 4:
        return False
    columns = [table.column(i) for i in range(table.width)]
    whole = [all(re.fullmatch(r"[+-]?\d+", field, re.ASCII) for field in column) for column in columns]
    return len(whole) > 2 and whole[0] and whole[-1] and not any(whole[1:-1]) and len(set(columns[-1])) > 1


def selected_columns(table: Table, values: Sequence[str]) -> list[int]:
    """Columns by names and ranges `first:last`.

    Raises:
        InputError: if one is not there or is named twice, or if a range goes backwards.
    """
    columns: list[int] = []
    for name in values:
        ends = [name] if name in table.names else name.split(":", 1)
        first, last = (named_column(table, "--values", end) for end in (ends[0], ends[-1]))
        if last < first:
            raise InputError(f"{table.path}: in --values {name:.80} the second column is left of the first; turn them.")
        columns.extend(range(first, last + 1))
    if twice := [column for column, count in Counter(columns).items() if count > 1]:
        raise InputError(f"{table.path}: --values names column `{table.name(twice[0])}` twice; name it once.")
    return columns


def check_selected(table: Table, chosen: list[int], others: dict[str, int | None]) -> None:
    """Look that --values names no column that is taken for that of another option, too.

    Raises:
        InputError: if it does.
    """
    for option, column in others.items():
        if column in chosen:
            raise InputError(
                f"{table.path}: --values includes column `{table.name(column)}`, which is taken for that of {option}; "
                f"leave it out, or name another one with {option}."
            )


def _foreign(table: Table, values: list[int], known: Sequence[str], long: bool) -> list[int]:
    """Of the columns of values those that are named otherwise than those of a fitted task, if some are named alike.

    A longer series has more columns than those, numbered on: `t20` behind `t0` to `t19`. Channels are known by name.
    """
    named = [table.names[i] if long else _stem(table.names[i]) for i in values] if table.names else []
    usual = set(known) if long else set(map(_stem, known))
    if not usual or not usual <= set(named):
        return []
    return [i for i, name in zip(values, named, strict=True) if name not in usual]


def _stem(name: str) -> str:
    """What a column is called, without its number."""
    return re.sub(r"[-+.\d]+$", "", name)


def _check_values(table: Table, values: list[int], long: bool) -> None:
    """Raise where a column among the values seems to be something else: it holds words, or is named like no other."""
    if not table.names:
        return
    for i in values:
        column = table.column(i)
        if not any(field and is_value(field) for field in column) and any(column):
            row, field = next((row, field) for row, field in enumerate(column) if field)
            raise InputError(
                f"{table.where(row)}: {field[:30]!r} is no number; say what column `{table.names[i]:.40}` is with "
                "--label, --id, --group or --time, or name the columns of values with --values."
            )
    stems = [_stem(table.names[i]) for i in values]
    stem, count = Counter(stems).most_common(1)[0] if stems else ("", 0)
    if not long and len(values) / 2 < count < len(values) and count > 2:
        odd = next(table.names[i] for i, one in zip(values, stems, strict=True) if one != stem)
        like = table.names[values[stems.index(stem)]]
        raise InputError(
            f"{table.path}: column `{odd:.40}` stands among values named like `{like:.40}`; say what it is with --id "
            f"or --group, or name the columns of values, as --values {like:.40}:..."
        )
    if not long:
        _check_channels(table, values, stems)
        _check_order(table, [table.names[i] for i in values])


def _check_channels(table: Table, values: list[int], stems: list[str]) -> None:
    """Raise where columns of several names are numbered, each by itself: `x_0` to `x_9` and `y_0` to `y_9`.

    Names that differ by another number, as `week1_day1` and `week2_day1`, are of one series.
    """
    places: dict[str, list[int]] = {}
    for i, stem in zip(values, stems, strict=True):
        if stem != table.names[i] and re.search(r"[^\W\d_]", stem):
            places.setdefault(re.sub(r"\d+", "0", stem), []).append(i)
    several = [columns for columns in places.values() if len(columns) > 1]
    if len(several) > 1:
        first, second = (table.names[columns[0]] for columns in several[:2])
        raise InputError(
            f"{table.path}: columns like `{first:.40}` and like `{second:.40}` seem to be {len(several)} channels; "
            "write one row a time step (id, time, a column for each channel), or an .npz; if they are one series, say "
            f"so with --values {table.names[values[0]]:.40}:{table.names[values[-1]]:.40}."
        )


def _check_order(table: Table, names: Sequence[str]) -> None:
    """Raise where columns are not numbered in the order of time: as text `t10` comes before `t2`."""
    numbered = [match for name in names if (match := re.fullmatch(r"(.*?)(\d+(?:\.\d+)?)", name, re.ASCII))]
    steps = [float(match[2]) for match in numbered]
    if len(numbered) < len(names) or len({match[1] for match in numbered}) > 1:
        return
    back = re.search(r"lag|-$", numbered[0][1], re.IGNORECASE) if numbered else None  # as lag_2, lag_1, or t-2, t-1
    if steps != sorted(steps) and not (back and steps == sorted(steps, reverse=True)):
        i = next(i for i in range(1, len(steps)) if steps[i] < steps[i - 1])
        raise InputError(
            f"{table.path}: column `{names[i]:.40}` stands behind `{names[i - 1]:.40}`; put the columns of values in "
            "the order of time, or name them in it with --values."
        )
