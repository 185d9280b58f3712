"""Tables of series, one row a series: CSV and TSV as people's programs write them.

What a column is, is guessed and told; what cannot be told apart is refused by file, line and cause.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtcs.errors import InputError

LABEL_NAMES = ("label", "class", "state", "target", "y")
ID_NAMES = ("", "id", "name", "index", "recording", "series")
MISSING = ("", "nan", "na", "null", "?")
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")


@dataclass(frozen=True)
class Recordings:
    """Series of a file.

    series: n arrays (T_i,) float64, NaN where a value is missing.
    labels: (n,) as the file has them, None if it has none.
    ids: what the file calls its series, None if it calls them nothing.
    note: what was guessed, in words: "labels in column `state`".
    """

    series: list[np.ndarray]
    labels: np.ndarray | None
    ids: list[str] | None = None
    note: str = ""


def read_table(path: Path, label: str | None = None, known: frozenset[str] | None = None) -> Recordings:
    """Read a wide table: one row a series; with or without a header, labels in one of the columns.

    Labels are in the column `label`, or in one that is called label, class, state, target or y; without such a header
    in the first column, or in the last if that alone is not of numbers.

    Args:
        path: a file in UTF-8; fields between commas, semicolons or tabs, decimal points or, but for commas, commas.
        label: the column of labels by its name, or "none".
        known: labels of a fitted task: first numbers that are not all among these are no labels.

    Raises:
        InputError: in one line with the file, the line and the cause, if it is no such table.
    """
    lines, rows = _rows(path)
    header = _header(rows, label)
    names = [name.strip() for name in rows[0]] if header else []
    if header:
        lines, rows = lines[1:], rows[1:]
    if not rows:
        raise InputError(f"{path} has no row of values; write one row a series.")
    if {name.lower() for name in names} >= {"id", "time"}:
        raise InputError(f"{path} has a row for each time (columns id and time); write one row a series instead.")
    if "task" in map(str.lower, names):
        raise InputError(f"{path} has a column `task`; write a file for each task instead.")
    ids = next((i for i, name in enumerate(names) if name.lower() in ID_NAMES), None)
    column = _label_column(path, names, rows, ids, label, known)
    series = []
    for number, row in zip(lines, rows, strict=True):
        if names and len(row) > len(names):
            raise InputError(
                f"{path}, line {number}: {len(row)} fields under a header of {len(names)}; repair the line."
            )
        cells = [cell for i, cell in enumerate(row) if i not in (ids, column)]
        series.append(_values(path, number, cells))
    labels = None if column is None else np.array([row[column].strip() if column < len(row) else "" for row in rows])
    where = f"labels in column `{names[column]}`" if column is not None and names else "labels in the first column"
    if column and not names:
        where = "labels in the last column"
    return Recordings(
        series,
        labels,
        None if ids is None else [row[ids] for row in rows],
        "no labels" if column is None else where,
    )


def _rows(path: Path) -> tuple[list[int], list[list[str]]]:
    """Line numbers and fields, empty lines left out; a decimal comma has become a point."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name a file with series.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a file with series.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8).") from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = next((one for one in "\t;," if one in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines, rows = [], []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                lines.append(reader.line_num)
                rows.append(row)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}; repair the line.") from error
    if not rows:
        raise InputError(f"{path} is empty; write one row a series.")
    if separator != ",":
        rows = _with_points(path, lines, rows)
    return lines, rows


def _with_points(path: Path, lines: list[int], rows: list[list[str]]) -> list[list[str]]:
    """Rows with decimal points for decimal commas; raises InputError where a file has both."""
    seen: dict[str, int] = {}
    for number, row in zip(lines, rows, strict=True):
        for cell in row:
            if _NUMBER.fullmatch(cell):
                for mark in ".,":
                    if mark in cell:
                        seen.setdefault(mark, number)
    if len(seen) == 2:
        raise InputError(
            f"{path} has decimal points (line {seen['.']}) and decimal commas (line {seen[',']}); write one of them."
        )
    if "," not in seen:
        return rows
    return [[cell.replace(",", ".") if _NUMBER.fullmatch(cell) else cell for cell in row] for row in rows]


def _header(rows: list[list[str]], label: str | None) -> bool:
    """Whether the first row names columns: one is called as labels are, or none is a number and others have some."""
    first = [cell.strip() for cell in rows[0]]
    if any(cell.lower() in LABEL_NAMES or cell == label for cell in first):
        return True
    if first[0].lower() in ID_NAMES and all(cell == str(i) for i, cell in enumerate(first[1:])):
        return True  # as pandas writes a frame
    return len(rows) > 1 and not any(map(_is_number, first)) and any(map(_is_number, rows[1]))


def _label_column(
    path: Path,
    names: list[str],
    rows: list[list[str]],
    ids: int | None,
    label: str | None,
    known: frozenset[str] | None,
) -> int | None:
    if label == "none":
        return None
    if label is not None:
        if label not in names:
            raise InputError(f"{path} has no column {label}; it has {', '.join(names)[:200] or 'no header'}.")
        return names.index(label)
    named = [i for i, name in enumerate(names) if name.lower() in LABEL_NAMES]
    if len(named) > 1:
        raise InputError(f"{path} has columns {' and '.join(names[i] for i in named)}; name one with --label.")
    if named:
        return named[0]
    width = min(map(len, rows))
    text = [i for i in range(width) if i != ids and any(not _is_number(row[i]) for row in rows)]
    if len(text) == 1 and text[0] in (0, 1 if ids == 0 else 0, width - 1):
        return text[0]
    if text or names:
        return None  # words among the values are refused by line; a header would have named a column of labels
    if known is not None and not {row[0].strip() for row in rows} <= known:
        return None
    return 0


def _values(path: Path, number: int, cells: list[str]) -> np.ndarray:
    try:
        values = np.array([np.nan if cell.strip().lower() in MISSING else float(cell) for cell in cells])
    except ValueError:
        wrong = next(cell for cell in cells if not _is_number(cell))
        raise InputError(
            f"{path}, line {number}: {wrong.strip()[:40]!r} is no number; repair it, or name the column of labels with "
            "--label."
        ) from None
    observed = np.flatnonzero(~np.isnan(values))
    if not observed.size or np.isinf(values).any():
        raise InputError(f"{path}, line {number}: no finite value; leave the series out.")
    return values[: observed[-1] + 1]


def _is_number(cell: str) -> bool:
    if cell.strip().lower() in MISSING:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
