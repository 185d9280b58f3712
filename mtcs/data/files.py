"""One file of series, of any format that is read, as {task: recordings}."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from mtcs.data.arff import read_arff
from mtcs.data.arrays import as_labels, as_series
from mtcs.data.formats import read_series
from mtcs.data.npz import open_npz
from mtcs.data.recordings import Recordings, trimmed
from mtcs.data.table_options import KnownTask, TableOptions, UnknownColumn
from mtcs.data.tables import read_table
from mtcs.data.text import InvalidData, explained
from mtcs.errors import InputError
from mtcs.files import regular

TABLES = (".csv", ".tsv", ".txt", ".parquet")
SUFFIXES = (*TABLES, ".ts", ".arff", ".npz")
_NOT_DATA = ("__MACOSX", "Thumbs.db", "desktop.ini")
MAX_STDIN = 2**30
"""Bytes of standard input, which is in memory at once and may never end."""


def read_file(
    path: Path, options: TableOptions | None = None, known: KnownTask | None = None
) -> dict[str | None, Recordings]:
    """Read the series of a file, and labels where it has some; the one task is None where the file names none.

    Args:
        path: a file of `SUFFIXES`.
        options: what is known of tables.
        known: of a fitted task, see `read_table`.

    Raises:
        InputError: in one line, with the file and the cause.
    """
    options, suffix = options or TableOptions(), regular(path).suffix.lower()
    if suffix in TABLES:
        return read_table(path, options, known)
    if suffix not in SUFFIXES:
        raise InputError(f"{path} is none of {', '.join(SUFFIXES)}; write it as one of these.")
    if options.group is not None and suffix != ".npz":
        message = f"{path} has no columns, and so no groups `{options.group:.40}`; write it as a table."
        raise UnknownColumn(message, "group")
    read = {".npz": _read_npz, ".ts": _read_ts, ".arff": _read_arff}[suffix]
    return {None: read(path)}


def is_hidden(name: str) -> bool:
    """Whether it is what macOS, Windows and Excel put beside files: `._a.csv`, `~$a.csv`, `__MACOSX`."""
    return name.startswith((".", "~$")) or name in _NOT_DATA


def from_stdin(folder: Path) -> Path:
    """Standard input as a file in `folder`, with the suffix of the format that its first bytes tell."""
    content = sys.stdin.buffer.read(MAX_STDIN + 1)
    if len(content) > MAX_STDIN:
        raise InputError(f"standard input has more than {MAX_STDIN:,} bytes; save it as a file, and name that.")
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    lines = [line for line in start.splitlines() if line[:1] not in (b"#", b"%")]
    if start[:4] == b"PAR1":
        suffix = ".parquet"
    elif start[:2] == b"PK":
        suffix = ".npz"
    elif lines and lines[0].lower().startswith((b"@relation", b"@attribute")):
        suffix = ".arff"
    else:
        suffix = ".ts" if lines and lines[0].startswith(b"@") else ".csv"
    path = folder / f"stdin{suffix}"
    path.write_bytes(content)
    return path


def npz_split(path: Path) -> bool:
    """Whether a `.npz` holds both parts of a task."""
    try:
        with open_npz(path, "arrays", "name another") as arrays:
            return {"X_train", "X_test"} <= set(arrays.files)
    except InputError:
        return False  # reading it tells what is wrong


def _read_npz(path: Path, part: str = "") -> Recordings:
    """Arrays X and y, and groups where there are; of a part, X_train and y_train."""
    with open_npz(path, f"arrays X{part} (n, T) and y{part} (n,)", "save these") as arrays:
        X: Any = arrays[f"X{part}"]
        y: Any = arrays.get(f"y{part}")
        groups: Any = arrays.get(f"groups{part}")
    series = as_series(X, str(path))
    if y is not None:
        as_labels(y, len(series), str(path))
    if groups is not None and groups.shape != (len(series),):
        raise InputError(f"{path}: groups have shape {groups.shape}, expected ({len(series)},), one a series.")
    note = "no labels" if y is None else f"labels in array `y{part}`"
    return Recordings(series, y, None, groups, note)


def read_npz_split(path: Path) -> tuple[Recordings, Recordings]:
    """Training and test part of a `.npz` with X_train, y_train, X_test and y_test.

    Raises:
        InputError: in one line, with the file and the cause.
    """
    return _read_npz(path, "_train"), _read_npz(path, "_test")


def _read_ts(path: Path) -> Recordings:
    series, labels = read_series(path)
    return Recordings(series, _known(labels), None, None, "labels as the file has them" if any(labels) else "no labels")


def _read_arff(path: Path) -> Recordings:
    with explained(path):
        series, labels = read_arff(path)
        series = [
            trimmed(one, lambda fault, i=i: InvalidData(f"{path.name} has {fault} in series {i}"))
            for i, one in enumerate(series)
        ]
    return Recordings(series, _known(labels), None, None, "labels as the file has them" if any(labels) else "no labels")


def _known(labels: list[str | None]) -> np.ndarray | None:
    """(n,) with "" where a label is not known; None where none is."""
    return np.array([label or "" for label in labels]) if any(labels) else None
