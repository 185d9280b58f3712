"""Tables as rows of fields: CSV as people's programs write it, and Parquet.

How a text is to be taken apart is guessed, and every guess can be overruled; what cannot be told is refused by file,
line and cause.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from mtcs.data.labels import NO_LABEL
from mtcs.data.table_options import TableOptions
from mtcs.errors import InputError, listed
from mtcs.files import regular

LABEL_NAMES = ("label", "class", "state", "target", "y")
ID_NAMES = ("id", "name", "index", "recording", "series", "file", "nr", "no", "number", "")
TASK_NAMES = ("task",)
MISSING = (*NO_LABEL, "none")
"""What stands for a missing value, in small letters."""
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
"""Of which the first, at the end of a label, is lost in numpy."""
_INDEX = "__index_level_0__"
"""What pandas calls an index without a name in Parquet, where it stands last; in CSV it stands first."""
SEPARATORS = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ",", "space": " "}
"""Words that a separator may be given by."""


@dataclass(frozen=True)
class Table:
    """Rows of fields as text, with decimal points; a row may be shorter than the names, or hold nothing.

    names: of the columns, empty without a header.
    lines: where in the file each row ends.
    as_written: the rows as they are written, with decimal commas; of labels and names these are no numbers.
    unit: what `lines` counts, "line" or "row".
    written: how a text was taken apart, where that is not by commas, or in a `.tsv` by tabs: "read with `;`".
    """

    path: Path
    names: list[str]
    rows: list[list[str]]
    lines: list[int]
    as_written: list[list[str]]
    unit: str = "line"
    written: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return len(self.names) or max(map(len, self.rows))

    def where(self, row: int) -> str:
        return f"{self.path}, {self.unit} {self.lines[row]}"

    def column(self, i: int) -> list[str]:
        """The fields of a column, "" where a row has ended."""
        return [row[i].strip() if i < len(row) else "" for row in self.rows]

    def without_empty_rows(self) -> Table:
        """The table without rows that hold nothing; the same one if all do."""
        filled = [i for i, row in enumerate(self.rows) if _is_filled(row)]
        if len(filled) in (0, len(self.rows)):
            return self
        rows, as_written = ([part[i] for i in filled] for part in (self.rows, self.as_written))
        return replace(self, rows=rows, as_written=as_written, lines=[self.lines[i] for i in filled])

    @property
    def unnamed(self) -> set[int]:
        """Columns without a name that hold no values: an index at the beginning, and what is empty."""
        return {i for i, name in enumerate(self.names) if not name and (i == 0 or not any(self.column(i)))}

    def name(self, i: int) -> str:
        """What messages call a column: by its name, or without a header by its number from 1."""
        return self.names[i][:40] if self.names else str(i + 1)

    def words(self, i: int) -> list[str]:
        """The fields of a column of labels or names, as they are written."""
        return [row[i].strip() if i < len(row) else "" for row in self.as_written]


def read_fields(path: Path, options: TableOptions) -> Table:
    """Read a table.

    Args:
        path: `.parquet`, or a text in UTF-8 with commas, semicolons or tabs between its fields and decimal points or,
            but for commas between, decimal commas.
        options: what is known of it.

    Raises:
        InputError: in one line with the file, the line and the cause, if it is no such table.
    """
    table = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_text(path, options)
    for row, fields in enumerate(table.rows):
        if table.names and len(fields) > len(table.names):
            raise InputError(
                f"{table.where(row)}: {len(fields)} fields under a header of {len(table.names)}; repair the line, or "
                "say with --separator and --decimal how the file is written."
            )
    if not table.rows:
        raise InputError(f"{path} has no row of values; write one row a series, or one a time step.")
    return table


def _read_text(path: Path, options: TableOptions) -> Table:
    text = _text(path)
    separator, text, skipped = _separator(path, text, options.separator)
    spaces = separator == " "  # several of them separate as one does, and at an end none
    text = re.sub(r" +(?=[\r\n]|\Z)", "", text) if spaces else text
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=spaces)
    lines, as_written = [], []
    try:
        for row in reader:
            if len(row) > 1 or row == [""] or any(map(str.strip, row)):  # else a blank line
                lines.append(reader.line_num + skipped)
                as_written.append(row)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num + skipped}: {error}; repair the line.") from error
    filled = [i for i, row in enumerate(as_written) if _is_filled(row)]
    if not filled:
        raise InputError(f"{path} is empty; write one row a series, or one a time step.")
    rows = _with_points(path, lines, as_written, separator, options.decimal)
    written = _written(path, separator, decimal_commas=rows is not as_written)
    header = has_header([rows[i] for i in filled], options) if options.header is None else options.header
    first, second = as_written[filled[0]], as_written[filled[min(1, len(filled) - 1)]]
    if len(first) == 1 < len(second) and first[0].lstrip().startswith("#"):
        raise InputError(
            f"{path}, line {lines[filled[0]]}: {first[0][:60]!r} is neither a header nor a series; take the line out."
        )
    # Empty rows at the end are a spreadsheet's; `""` is one where there is a single column, and else a blank line.
    kept = range(filled[0] + 1 if header else 0, filled[-1] + 1)
    kept = [i for i in kept if len(first) == 1 or as_written[i] != [""]]
    names = [name.strip() for name in first] if header else []
    rows, as_written = ([part[i] for i in kept] for part in (rows, as_written))
    return Table(path, names, rows, [lines[i] for i in kept], as_written, written=written)


def _is_filled(row: Sequence[str]) -> bool:
    return any(map(str.strip, row))


def _written(path: Path, separator: str, decimal_commas: bool) -> tuple[str, ...]:
    usual = separator == ("\t" if path.suffix.lower() == ".tsv" else ",")
    name = {"\t": "tabs", " ": "spaces"}.get(separator, f"`{separator}`")
    unusual = [name] * (not usual) + ["decimal commas"] * decimal_commas
    return (f"read with {' and '.join(unusual)}",) if unusual else ()


def _read_parquet(path: Path) -> Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with regular(path).open("rb") as file:
            table = parquet.read_table(file)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name a file with series.") from None
    except OSError as error:  # pyarrow's own are of this type, too
        raise InputError(f"{path} cannot be read ({' '.join(str(error).split()):.150}); write it again.") from error
    except pa.ArrowException as error:
        raise InputError(f"{path} is no Parquet file ({' '.join(str(error).split()):.150}); write it again.") from error
    if nested := [field.name for field in table.schema if pa.types.is_nested(field.type)]:
        raise InputError(f"{path}: column {nested[0]} holds lists; write one row a time step, or one column a step.")
    index_first = sorted(range(table.num_columns), key=lambda i: table.column_names[i] != _INDEX)
    table = table.select(index_first)
    try:
        columns = [[_field(value) for value in column.to_pylist()] for column in table.columns]
    except UnicodeDecodeError as error:
        raise InputError(f"{path} has text that is not UTF-8; write it again.") from error
    rows = [list(row) for row in zip(*columns, strict=True)]
    names = ["" if name == _INDEX else name for name in table.column_names]
    return Table(path, names, rows, list(range(1, len(rows) + 1)), rows, "row")


def _field(value: object) -> str:
    text = value.decode() if isinstance(value, bytes) else value
    return "" if text is None else str(text)


def _text(path: Path) -> str:
    try:
        text = regular(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name a file with series.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a file with series.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8).") from error
    if control := _CONTROL.search(text):
        line = text[: control.start()].count("\n") + 1
        way_out = "take it out" if text.count("\0") < 2 else "it seems to be UTF-16 or no text; save it as UTF-8"
        raise InputError(f"{path}, line {line} holds the control character {control[0]!r}; {way_out}.")
    return text


def _separator(path: Path, text: str, given: str | None) -> tuple[str, str, int]:
    """What stands between fields, the text without Excel's line `sep=;`, and how many lines that leaves out."""
    if stated := re.match(r"sep=(.)\r?(\n|$)", text):
        return stated[1], text[stated.end() :], 1
    if given is not None:
        separator = SEPARATORS.get(given, given)
        if len(separator) != 1 or separator in '"\r\n':
            raise InputError(
                f"--separator {given!r:.40} is no single character; write one, or {', '.join(SEPARATORS)}."
            )
        return separator, text, 0
    first = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)  # what is quoted separates nothing
    separator = next((one for one in "\t;," if one in bare), None)
    if separator is None and len(re.findall(r"\S+", bare)) > 2 and all(map(is_value, bare.split()[1:])):
        raise InputError(
            f"{path} has neither commas, semicolons nor tabs between fields in its first line; name what stands "
            "there, as --separator space."
        )
    return separator or ",", text, 0


def _with_points(
    path: Path, lines: list[int], rows: list[list[str]], separator: str, given: str | None
) -> list[list[str]]:
    """Rows with decimal points for decimal commas, or `rows` itself; raises InputError where a file has both."""
    if given == "." or (given is None and separator == ","):
        return rows
    seen: dict[str, int] = {}
    for number, row in zip(lines, rows, strict=True):
        for field in row:
            mark = "," if "," in field else "." if "." in field else ""
            if mark and mark not in seen and _NUMBER.fullmatch(field):
                seen[mark] = number
    if len(seen) == 2:
        raise InputError(
            f"{path} has decimal points (line {seen['.']}) and decimal commas (line {seen[',']}); write one of them."
        )
    if "," not in seen:
        return rows
    return [[field.replace(",", ".") if _NUMBER.fullmatch(field) else field for field in row] for row in rows]


def has_header(rows: list[list[str]], options: TableOptions) -> bool:
    """Whether the first row names columns: it has a name that is known, it counts, or it alone is not of numbers."""
    first = [field.strip() for field in rows[0]]
    named = {options.label, options.id, options.time, options.task, options.group, *(options.values or ())}
    if any(field in named and not is_value(field) for field in first):
        return True
    if any(field.lower() in LABEL_NAMES and not _is_label(rows, first, i) for i, field in enumerate(first)):
        return True
    counted = [field.isascii() and field.isdigit() for field in first]
    enough = 3 if first[0] else 2  # an index has no name
    if sum(counted) >= max(enough, len(first) - 2):  # as pandas names the columns of an array
        count = [int(field) for field, one in zip(first, counted, strict=True) if one]
        others = [(i, field) for i, field in enumerate(first) if not counted[i]]
        again = any(row[i].strip() == field for row in rows[1:] for i, field in others if field and i < len(row))
        if count in (list(range(len(count))), list(range(1, len(count) + 1))) and not again:
            return True
    words = not any(map(is_value, filter(None, first)))
    filled = ([field for field in map(str.strip, row) if field] for row in rows[1:])
    later = next((row for row in filled if len(row) > 1 or len(first) == 1), [])  # no name alone, without a value
    return words and any(map(is_value, later))


def _is_label(rows: list[list[str]], first: list[str], place: int) -> bool:
    """Whether a word such as `y` in the first row is a label, no name: it comes again, or values stand beside it."""
    others = [field for i, field in enumerate(first) if i != place and field.lower() not in MISSING]
    again = any(row[place].strip() == first[place] for row in rows[1:] if place < len(row))
    if not all(map(is_value, others)):
        return again
    values = [float(field) for field in others]
    steps = [after - before for before, after in pairwise(values)]
    if len(steps) > 1 and steps[0] and all(math.isclose(step, steps[0], rel_tol=1e-6) for step in steps):
        return False  # they count, as names do
    in_order = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    return again or not (in_order or all(value.is_integer() for value in values))


def is_value(field: str) -> bool:
    """Whether a field is a number or stands for a missing one."""
    return field.strip().lower() in MISSING or ("," not in field and bool(_NUMBER.fullmatch(field)))


def listed_columns(names: Sequence[str]) -> str:
    """Names of columns for a message: words first, then names with digits, then numbers, of which there may be many."""
    words_first = sorted(names, key=lambda name: (is_value(name), any(map(str.isdigit, name))))
    return listed(words_first)


def numbers(table: Table, fields: list[str], rows: Sequence[int], hint: str) -> np.ndarray:
    """Fields of these rows of a table as float64, NaN where one stands for a missing value; `hint` is a way out.

    Raises:
        InputError: with the line of the first that is no number, or no finite one.
    """
    values = np.full(len(fields), np.nan)
    for i, field in enumerate(fields):
        if field.lower() not in MISSING:
            values[i] = float(field) if is_value(field) else np.inf
            if np.isinf(values[i]):
                raise InputError(f"{table.where(rows[i])}: {field[:40]!r} is no finite number; {hint}.")
    return values
