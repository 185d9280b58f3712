"""Reader of `.tsv` files of the 2018 archive: a label, then values, with tabs between; nothing or NaN where missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtcs.config.archive import published_sizes
from mtcs.data.text import InvalidData, check_characters, check_count, is_number, parse_values, pieces, read_lines
from mtcs.errors import quoted

UNKNOWN = ("", "?", "nan")
"""What stands for a label that is not known in files of the archive, in small letters."""


def read_tsv(path: Path) -> tuple[list[np.ndarray], list[str]]:
    """Series (T_i,) float64, NaN where a value is missing, and label strings as they stand there.

    Raises:
        InvalidData: with the line, if the file holds anything else.
        OSError: if it cannot be read.
    """
    series: list[np.ndarray] = []
    labels: list[str] = []
    known: dict[str, str] = {}
    for where, label, text in _rows(path):
        series.append(parse_values(where, text, "\t", ""))
        labels.append(known.setdefault(label, label))
        check_count(path.name, len(labels))
    if not labels:
        raise InvalidData(f"{path.name} has no series, expected at least one")
    return series, labels


def convert_to_ts(tsv: Path) -> None:
    """Turn a `.tsv` into the `.ts` beside it, digit for digit, and remove it.

    Raises:
        InvalidData: if it is none, begins with a line of column names, or has a label that is not known.
        OSError: if a file cannot be read or written.
    """
    name = tsv.stem.rpartition("_")[0]
    label_of = tidy_label if name in published_sizes() else str
    series, labels = read_tsv(tsv)
    _check_first_line(tsv, series[0], labels)
    classes = sorted({label_of(label) for label in labels})
    header = {
        "problemName": name,
        "timestamps": "false",
        "missing": _truth(any(np.isnan(one).any() for one in series)),
        "univariate": "true",
        "equalLength": _truth(len({len(one) for one in series}) == 1),
        "classLabel": " ".join(["true", *in_order(classes)]),
    }
    del series
    with tsv.with_suffix(".ts").open("w", encoding="utf-8") as file:
        file.writelines(f"@{key} {value}\n" for key, value in header.items())
        file.write("@data\n")
        for where, label, text in _rows(tsv):
            if label.lower() in UNKNOWN:
                raise InvalidData(f"{where}: label {quoted(label)}, expected one that is known")
            for i, tokens in enumerate(pieces(text, "\t")):
                stripped = (token.strip(" ") for token in tokens)
                values = ("?" if token.lower().strip("+-") in ("", "nan") else token for token in stripped)
                file.write(("," if i else "") + ",".join(values))
            file.write(f":{label_of(label)}\n")
    tsv.unlink()


def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """Place, label and text of the values of each line that is not empty."""
    for number, line in read_lines(path):
        if line.strip(" "):
            where = f"{path.name}, line {number}"
            label, tab, text = line.partition("\t")
            check_characters(where, label[:1000])
            if not tab:
                only = f"only {quoted(label)}, expected a label and values with tabs between them"
                raise InvalidData(f"{where}: {only}")
            if len(label) > 200:
                raise InvalidData(f"{where}: label {quoted(label)}, expected at most 200 characters")
            yield where, label.strip(" "), text


def _check_first_line(tsv: Path, first: np.ndarray, labels: list[str]) -> None:
    """Raise if the first line names columns."""
    where = f"{tsv.name}, line 1"
    if is_number(labels[0]):
        return
    if len(labels) > 2 and sum(map(is_number, labels)) == len(labels) - 1:
        raise InvalidData(f"{where}: label {quoted(labels[0])} where all others are numbers, expected no header line")
    counted = any(
        np.array_equal(first, np.arange(start, start + len(first))) for start in (0, 1)
    )  # as pandas names them
    if counted and len(first) > 2 and labels.count(labels[0]) == 1:
        shown = ", ".join(f"{value:.0f}" for value in first[:3])
        raise InvalidData(f"{where}: values {shown}, ..., expected no header line")


def in_order(labels: list[str]) -> list[str]:
    """Labels in numerical order if all are numbers, else as they are."""
    return sorted(labels, key=float) if all(map(is_number, labels)) else labels


def tidy_label(label: str) -> str:
    """`1.0000000e+00` as `1`, as the archive's `.ts` files have it; `007` and long whole numbers stay as they are."""
    if not re.search(r"[.e]", label.lower()) or not is_number(label) or not float(label).is_integer():
        return label
    return str(int(float(label))) if abs(float(label)) < 2**53 else label


def _truth(value: bool) -> str:
    return "true" if value else "false"
