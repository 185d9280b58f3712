"""A folder with one file for each recording, a row a time step and a column a channel, and their labels beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mtcs.data.columns import check_selected, named_column, selected_columns
from mtcs.data.fields import ID_NAMES, LABEL_NAMES, Table, is_value, listed_columns, numbers, read_fields
from mtcs.data.files import TABLES, is_hidden
from mtcs.data.recordings import Recordings, other_channels, trimmed
from mtcs.data.table_options import TableOptions, UnknownColumn
from mtcs.data.times import (
    called_times,
    find_time,
    in_time,
    left_out,
    looks_like_time,
    past_midnight,
    sorted_by,
    time_note,
    times_of,
    without_times,
)
from mtcs.errors import InputError, listed

LABELS = "labels"
"""Name, without its suffix, of the table that says which label each file has."""
_SAYS_LABEL = ("label", "class")
"""Names that no channel has."""
_HINT = "repair it, take the file out or name it alone: each file of a folder is one recording, a row a time step"


def label_file(folder: Path) -> Path | None:
    """The folder's table of labels, in whatever case it is called so; None if it has none."""
    named = (path for path in sorted(folder.iterdir()) if path.stem.lower() == LABELS)
    return next((path for path in named if path.suffix.lower() in TABLES and path.is_file()), None)


def read_recording_files(folder: Path, options: TableOptions) -> Recordings:
    """The recordings of a folder, in the order of its table of labels, or of their names where it has none.

    `labels.csv` has a column of file names, with or without their folder and their suffix, and one of labels.

    Raises:
        InputError: in one line, if a file is missing, cannot be read, or has other channels than the first.
    """
    entries = [path for path in sorted(folder.iterdir()) if not is_hidden(path.name)]
    files = {path.name: path for path in entries if path.suffix.lower() in TABLES and not path.is_dir()}
    not_read = [f"{path.name}{'/' * path.is_dir()}" for path in entries if path.name not in files]
    table = label_file(folder)
    if table is None:
        names, labels, groups = list(files), None, None
    else:
        del files[table.name]
        names, labels, groups = _read_labels(table, options, files)
    if not names:
        raise InputError(f"{folder} holds no recording ({', '.join(TABLES)}); put a file for each there.")
    recordings = [_read_recording(files[name], options) for name in names]
    channels = recordings[0].channels
    for name, one in zip(names, recordings, strict=True):
        if other := other_channels(one.channels, channels):
            raise InputError(f"{files[name]} {other} as {names[0]} has; write the same, or name them with --values.")
    unread = sum(not one.understood for one in recordings)
    named_alike = all(one.channels == channels for one in recordings)
    return Recordings(
        [one.series for one in recordings],
        labels,
        ids=[Path(name).stem for name in names],
        groups=groups,
        note=f"times of {unread} of them not understood, read in the order of lines, " * bool(unread)
        + "".join(dict.fromkeys(one.note for one in recordings))
        + ("no labels" if table is None else f"labels in {table.name}"),
        written=tuple(dict.fromkeys(fact for one in recordings for fact in one.written))
        + (f"not read: {listed(not_read, 100)}",) * bool(not_read),
        channel_names=tuple(channels) if named_alike and channels != _numbers(len(channels)) else (),
    )


def _numbers(n: int) -> list[str]:
    """What columns without names are called."""
    return [str(i + 1) for i in range(n)]


def _read_labels(
    path: Path, options: TableOptions, files: dict[str, Path]
) -> tuple[list[str], np.ndarray, np.ndarray | None]:
    """File names in the table's order, their labels and groups."""
    by_name = {**{file.stem: name for name, file in files.items()}, **{name: name for name in files}}
    table = read_fields(path, options).without_empty_rows()
    if not table.names and _file(table.rows[0][0].strip(), by_name):
        table = replace(table, names=["file", "label", *map(str, range(3, table.width + 1))])
    elif not table.names:  # a row of names above words
        table = replace(
            table,
            names=[name.strip() for name in table.rows[0]],
            rows=table.rows[1:],
            lines=table.lines[1:],
            as_written=table.as_written[1:],
        )
    identity = _file_column(table, options.id, by_name)
    label = _place(table, options.label, LABEL_NAMES, "--label", 1 - identity if len(table.names) == 2 else None)
    group = None if options.group is None else _place(table, options.group, (), "--group", None)
    rows: dict[str, int] = {}
    for row, given in enumerate(table.words(identity)):
        if (file := _file(given, by_name)) is None:
            way_out = "correct the name, or name the column of files with --id"
            raise InputError(f"{table.where(row)}: {given[:60]!r} is no file in {path.parent}; {way_out}.")
        if file in rows:
            raise InputError(f"{table.where(row)}: {given[:60]} stands there twice; leave one out.")
        rows[file] = row
    if missing := [name for name in files if name not in rows]:
        raise InputError(f"{path} has no label of {missing[0][:60]}; add a row, or take the file out of the folder.")
    columns = [table.words(column) for column in (label, group) if column is not None]
    labels, *groups = (np.array([column[row] for row in rows.values()]) for column in columns)
    return list(rows), labels, groups[0] if groups else None


def _file(entry: str, by_name: Mapping[str, str]) -> str | None:
    """The file that an entry of the table of labels names, perhaps with its folder."""
    return by_name.get(entry) or by_name.get(re.split(r"[/\\]", entry)[-1])


def _file_column(table: Table, given: str | None, by_name: Mapping[str, str]) -> int:
    """The column that --id names, or whose entries name most files, by its name if several do."""
    usual = (*ID_NAMES, "filename", "path")
    n_files = [sum(_file(entry, by_name) is not None for entry in table.words(i)) for i in range(table.width)]
    if given in table.names or not any(n_files):
        return _place(table, given, usual, "--id", 0)
    return max(range(table.width), key=lambda i: (n_files[i], table.names[i].lower() in usual))


def _place(table: Table, given: str | None, usual: Sequence[str], option: str, otherwise: int | None) -> int:
    """The column that an option names, or that is called as usual, or that it must be."""
    if given is not None and given in table.names:
        return table.names.index(given)
    names = [name.lower() for name in table.names]
    place = next((names.index(name) for name in usual if given is None and name in names), otherwise)
    if place is None:
        known = listed_columns(table.names)
        message = f"{table.path} has no column {given or usual[0]}; it has {known}; name one with {option}."
        raise InputError(message) if given is None else UnknownColumn(message, option.removeprefix("--"))
    return place


@dataclass(frozen=True)
class _Recording:
    """What one file holds.

    series: (T,) or (channels, T).
    channels: their names.
    note: which column has the times, where that was guessed.
    written: how it was read, see `Recordings`.
    understood: whether its times, where it has some, are.
    """

    series: np.ndarray
    channels: list[str]
    note: str
    written: tuple[str, ...]
    understood: bool


def _read_recording(path: Path, options: TableOptions) -> _Recording:
    table = read_fields(path, replace(options, label=None, id=None, group=None))
    names = table.names or _numbers(table.width)
    chosen = selected_columns(table, options.values or ())
    if options.time is not None or set(called_times(table)).difference(chosen):
        table = table.without_empty_rows()  # without a time they are no steps
    time = _time(table, chosen, options.time)
    check_selected(table, chosen, {"--time": time})
    order = _order_of_time(table, time, path.stem)
    rows = np.arange(len(table.rows)) if order is None else order
    written = table.written
    if time is not None and (np.diff(rows) < 0).any():
        written += (sorted_by(table, time),)
    channels = chosen
    if not chosen:
        unnamed = table.unnamed
        rest = [i for i in range(len(names)) if i != time and i not in unnamed]
        channels = without_times(table, rest, called_times(table), [rows.tolist()])
        written += left_out(table, rest, channels)
        _refuse_label(table, names, channels)
    values = np.stack([_values(table, i)[rows] for i in channels])  # (channels, T)
    one = trimmed(
        values if len(values) > 1 else values[0],
        lambda fault: InputError(f"{path} has {fault}; repair the file or take it out of the folder."),
    )
    return _Recording(one, [names[i] for i in channels], time_note(table, time), written, order is not None)


def _time(table: Table, chosen: list[int], given: str | None) -> int | None:
    """The column of times, None where there is none."""
    if given is not None:
        return named_column(table, "--time", given)
    called = [i for i in called_times(table) if i not in chosen]
    return find_time(table, called, [range(len(table.rows))], any_order=False)


def _refuse_label(table: Table, names: list[str], channels: list[int]) -> None:
    """Raise where a channel seems to be the label; words there are refused as no numbers."""
    said = [names[i] for i in channels if names[i].lower() in _SAYS_LABEL and all(map(is_value, table.column(i)))]
    if said:
        others = ",".join(names[i] for i in channels if names[i] not in said)
        raise InputError(
            f"{table.path}: column `{said[0]}` stands among the channels, and may say the label of the recording; "
            f"leave it out, or name the channels with --values, as --values {others:.100}."
        )


def _values(table: Table, column: int) -> np.ndarray:
    fields, name = table.column(column), table.name(column)
    hint = f"if column `{name}` holds times, say so with --time {name}" if looks_like_time(fields[0]) else _HINT
    return numbers(table, fields, range(len(fields)), hint)


def _order_of_time(table: Table, column: int | None, name: str) -> np.ndarray | None:
    """The places (T,) of the rows in the order of a column's times; None where that holds none.

    Times that never go back are in order, with several rows at one time as loggers write them, too.
    """
    rows = range(len(table.rows))
    if column is None:
        return np.arange(len(rows))
    try:
        times = past_midnight(times_of(table, column, rows))
    except InputError:
        return None
    return np.arange(len(rows)) if (np.diff(times) >= 0).all() else in_time(table, times, rows, name)
