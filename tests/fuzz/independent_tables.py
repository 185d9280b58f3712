"""Strict readers of tables and `.arff` that share nothing with those of mtcs: the csv module, numbers by numpy.

They raise ValueError for whatever they do not understand.
"""

from __future__ import annotations

import csv
import io
import re

import numpy as np

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_MISSING = {"", "nan", "na", "n/a", "#n/a", "<na>", "null", "none", "?"}


def wide(content: bytes, separator: str, id_name: str | None) -> tuple[list[np.ndarray], list[str]]:
    """Series and labels of a table with a row a series; all columns but those of names and labels are values."""
    names, rows = _rows(content, separator, with_empty=True)
    label = names.index("label")
    ids = None if id_name is None else names.index(id_name)
    values = [i for i in range(len(names)) if i not in (label, ids)]
    series = [np.array([_number(row[i], separator) for i in values if i < len(row)]) for row in rows]
    return [trimmed(one) for one in series], [_cell(row, label) for row in rows]


def long(content: bytes, separator: str) -> tuple[list[np.ndarray], list[str]]:
    """Series and labels of a table with a row a time step, sorted by time; the series in order of appearance."""
    names, rows = _rows(content, separator)
    identity, time, label = names.index("id"), names.index("time"), names.index("label")
    channels = [i for i in range(len(names)) if i not in (identity, time, label)]
    series: dict[str, list[tuple[float, list[float], str]]] = {}
    for row in rows:
        values = [_number(_cell(row, i), separator) for i in channels]
        step = (_number(_cell(row, time), separator), values, _cell(row, label))
        series.setdefault(_cell(row, identity), []).append(step)
    if "" in series:
        raise ValueError("a row of no series")
    read, labels = [], []
    for steps in series.values():
        steps.sort(key=lambda step: step[0])
        times = [step[0] for step in steps]
        known = {step[2] for step in steps if step[2].lower() not in _MISSING - {"none"}}
        if len(set(times)) < len(times) or not all(map(np.isfinite, times)) or len(known) != 1:
            raise ValueError("two rows of one time, or not one label")
        array = np.array([step[1] for step in steps]).T  # (channels, T)
        read.append(trimmed(array[0] if len(array) == 1 else array))
        labels.append(known.pop())
    return read, labels


def recordings(contents: dict[str, bytes]) -> tuple[list[np.ndarray], list[str]]:
    """Series and labels of files with a row a time step, in the order of `labels.csv`."""
    names, rows = _rows(contents["labels.csv"], ",")
    file, label = names.index("file"), names.index("label")
    by_name = {**{name.removesuffix(".csv"): name for name in contents}, **{name: name for name in contents}}
    read = []
    for row in rows:
        channels, steps = _rows(contents[by_name[_cell(row, file)]], ",", with_empty=True)
        array = np.array([[_number(_cell(step, i), ",") for i in range(len(channels))] for step in steps]).T
        read.append(trimmed(array[0] if len(array) == 1 else array))
    return read, [_cell(row, label) for row in rows]


def arff(content: bytes) -> tuple[list[np.ndarray], list[str]]:
    """Series and labels of a `.arff` file with numeric attributes and a nominal one at the end."""
    lines = [line.strip(" \t") for line in re.split("\r\n|\r|\n", content.removeprefix(b"\xef\xbb\xbf").decode())]
    lines = [line for line in lines if line and not line.startswith("%")]
    data = [line.lower() for line in lines].index("@data")
    attributes = [line for line in lines[:data] if line.lower().startswith("@attribute")]
    nominal = [line for line in attributes if line.endswith("}")]
    classes = [_bare(word) for word in nominal[-1].partition("{")[2][:-1].split(",")]
    series, labels = [], []
    for line in lines[data + 1 :]:
        *words, label = line.split(",")
        if len(words) != len(attributes) - len(nominal) or _bare(label) not in classes:
            raise ValueError(f"{line!r} is not as the header states")
        series.append(trimmed(np.array([_number(re.sub("(?i)[+-](?=nan)", "", word), ",") for word in words])))
        labels.append(_bare(label))
    return series, labels


def trimmed(series: np.ndarray) -> np.ndarray:
    """A series without the missing values at its end."""
    known = ~np.isnan(np.atleast_2d(series)).all(0)
    return series[..., : np.flatnonzero(known)[-1] + 1]


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    """Whether series are the same, value by value."""
    return len(left) == len(right) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(left, right, strict=True)
    )


def _rows(content: bytes, separator: str, with_empty: bool = False) -> tuple[list[str], list[list[str]]]:
    """Names of columns, and rows that hold something; or those without anything between them, too."""
    text = io.StringIO(content.removeprefix(b"\xef\xbb\xbf").decode(), newline="")
    rows = list(csv.reader(text, delimiter=separator, strict=True))
    filled = [i for i, row in enumerate(rows) if "".join(row).strip()]
    names, rows = rows[filled[0]], rows[filled[0] + 1 : filled[-1] + 1]
    if with_empty:
        rows = [row for row in rows if len(row) > 1 or "".join(row).strip() or (row == [""] and len(names) == 1)]
    else:
        rows = [row for row in rows if "".join(row).strip()]
    if any(len(row) > len(names) for row in rows):
        raise ValueError("more fields than names")
    return [name.strip() for name in names], rows


def _cell(row: list[str], i: int) -> str:
    return row[i].strip() if i < len(row) else ""


def _number(word: str, separator: str) -> float:
    word = word.strip()
    if word.lower() in _MISSING:
        return np.nan
    word = word if separator == "," else word.replace(",", ".")
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{word!r} is no number")
    return float(np.array(word).astype(np.float64))


def _bare(word: str) -> str:
    word = word.strip(" \t")
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word
