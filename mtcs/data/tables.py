"""Tables of series, one row a series (wide) or one row a time step (long), as the tasks that they hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtcs.data.columns import Columns, find_columns
from mtcs.data.fields import Table, numbers, read_fields
from mtcs.data.labels import is_missing
from mtcs.data.recordings import Recordings, trimmed
from mtcs.data.table_options import KnownTask, TableOptions
from mtcs.data.times import left_out, sort_by_time, sorted_by, time_note, without_times
from mtcs.errors import InputError

_HINT = "repair it, or say which columns are values with --values"


def read_table(
    path: Path, options: TableOptions | None = None, known: KnownTask | None = None
) -> dict[str | None, Recordings]:
    """Read a table as {task: recordings}, with the one task None where it has no column of tasks.

    Args:
        path: CSV, TSV or Parquet.
        options: what is known of it; the rest is guessed, and told in each task's note.
        known: of a fitted task: without a header, the first values of rows are labels where all are among its labels,
            `?` or nothing; with one, columns named otherwise than its values are left out.

    Raises:
        InputError: in one line with the file, the line and the cause, if it is no such table.
    """
    options = options or TableOptions()
    table = read_fields(path, options)
    columns = find_columns(table.without_empty_rows(), options, known)
    if columns.layout == "long" and columns.time is not None:
        table = table.without_empty_rows()  # without a time they are no steps
    tasks = [None] * len(table.rows) if columns.task is None else table.words(columns.task)
    rows_of: dict[str | None, list[int]] = {}
    for row, task in enumerate(tasks):
        if task == "":
            raise InputError(f"{table.where(row)}: no task in column `{table.names[columns.task or 0]}`; name one.")
        rows_of.setdefault(task, []).append(row)
    read = _wide if columns.layout == "wide" else _long
    return {task: read(table, columns, rows) for task, rows in rows_of.items()}


def _wide(table: Table, columns: Columns, rows: list[int]) -> Recordings:
    """Recordings of one channel, one a row."""
    names = [] if columns.id is None else table.words(columns.id)
    series = []
    for row in rows:
        fields = table.rows[row]
        cells = [fields[i].strip() for i in columns.values if i < len(fields)]
        values = numbers(table, cells, [row] * len(cells), _HINT)
        series.append(trimmed(values, lambda fault, row=row: _fault(table.where(row), fault)))
    return Recordings(
        series,
        labels=_of_rows(table, columns.label, rows),
        ids=None if columns.id is None else [names[row] for row in rows],
        groups=_of_rows(table, columns.group, rows),
        places=[table.where(row) for row in rows],
        columns=tuple(table.names[i] for i in columns.values) if table.names else (),
        note=_note(table, columns),
        written=table.written + _left_out(table, columns),
        id_column="" if columns.id is None else table.name(columns.id),
    )


def _long(table: Table, columns: Columns, rows: list[int]) -> Recordings:
    """Recordings of as many channels as there are columns of values; in the order in which their names appear."""
    assert columns.id is not None
    names, steps_of = table.words(columns.id), {}
    for row in rows:
        steps_of.setdefault(names[row], []).append(row)
    if "" in steps_of:
        where = f"{table.where(steps_of[''][0])}: nothing in column `{table.name(columns.id)}`"
        raise InputError(f"{where}; write there which series the row is of, or drop the row.")
    if columns.time is not None and len(rows) > 1 and len(steps_of) == len(rows):
        raise InputError(
            f"{table.path} has columns of names and times, but one row only for each `{table.name(columns.id)}`; if "
            "one row is one series, add --layout wide."
        )
    in_order, unequal, written = steps_of, 0, table.written
    if columns.time is not None:
        in_order, unequal = sort_by_time(table, columns.time, steps_of)
        written += (sorted_by(table, columns.time),) * (in_order != steps_of)
    channels = without_times(table, columns.values, columns.other_times, list(in_order.values()))
    written += left_out(table, columns.values, channels) + _left_out(table, columns)
    values = np.stack([_values(table, i, rows) for i in channels])  # (channels, rows)
    place, series = {row: i for i, row in enumerate(rows)}, []
    for name, steps in in_order.items():
        one = values[:, [place[row] for row in steps]]  # (channels, T)
        where = table.where(steps_of[name][0])
        series.append(trimmed(one if len(one) > 1 else one[0], lambda fault, where=where: _fault(where, fault)))
    notes = f"unequal time steps in {unequal} of them read as equal, " if unequal else ""
    return Recordings(
        series,
        labels=_same(table, columns.label, list(steps_of.values()), "labels"),
        ids=list(steps_of),
        groups=_same(table, columns.group, list(steps_of.values()), "groups"),
        places=[table.where(steps[0]) for steps in steps_of.values()],
        note=notes + time_note(table, columns.time) + _note(table, columns),
        written=written,
        channel_names=tuple(table.names[i] for i in channels) if table.names else (),
    )


def _values(table: Table, column: int, rows: list[int]) -> np.ndarray:
    fields = table.column(column)
    return numbers(table, [fields[row] for row in rows], rows, _HINT)


def _same(table: Table, column: int | None, series: list[list[int]], what: str) -> np.ndarray | None:
    """What a column says of each series, whose rows must agree where they say anything."""
    if column is None:
        return None
    fields, constants = table.words(column), []
    for rows in series:
        different = dict.fromkeys(field for row in rows if not is_missing(field := fields[row]))
        if len(different) > 1:
            first, second = list(different)[:2]
            row = next(row for row in rows if fields[row] == second)
            raise InputError(
                f"{table.where(row)}: {what[:-1]} {second[:30]!r}, where earlier rows of the same series have "
                f"{first[:30]!r}; write one, or split the series."
            )
        constants.append(next(iter(different), fields[rows[0]]))
    return np.array(constants)


def _of_rows(table: Table, column: int | None, rows: list[int]) -> np.ndarray | None:
    if column is None:
        return None
    fields = table.words(column)
    return np.array([fields[row] for row in rows])


def _fault(where: str, fault: str) -> InputError:
    return InputError(f"{where}: {fault}; repair the series or leave it out.")


def _left_out(table: Table, columns: Columns) -> tuple[str, ...]:
    names = ", ".join(f"`{table.name(i):.40}`" for i in columns.left_out[:3])
    more = f" and {n} more" if (n := len(columns.left_out[3:])) else ""
    return (f"{names}{more} left out",) if names else ()


def _note(table: Table, columns: Columns) -> str:
    if columns.label is None:
        return "no labels"
    if table.names:
        return f"labels in column `{table.name(columns.label)}`"
    place = "first" if columns.label == 0 else "last" if columns.label == table.width - 1 else f"{columns.label + 1}th"
    return f"labels in the {place} column"
