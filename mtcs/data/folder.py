"""A folder of recordings as {task: (X, y)}: every file or subfolder is a task."""

from __future__ import annotations

import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from mtcs.data.arrays import as_labels, as_series
from mtcs.data.formats import read_series
from mtcs.data.tables import Recordings, read_table
from mtcs.errors import InputError

SUFFIXES = (".csv", ".tsv", ".ts", ".npz")
_PARTS = ("_TRAIN", "_TEST")


def read_folder(
    path: str | Path, label: str | None = None, verbose: bool = True
) -> dict[str, tuple[list[np.ndarray], np.ndarray]]:
    """Read the labelled series of a folder; each file in it is a task, and so is each subfolder with its files.

    Read are `.csv` and `.tsv` with one row a series, `.ts` and `.tsv` of the archive, of which `Name_TRAIN` and
    `Name_TEST` become one task with the series of both, and `.npz` with arrays X (n, T) and y (n,).

    Args:
        path: the folder.
        label: the column of labels in tables, where its name is not label, class, state, target or y.
        verbose: tell on standard error, one line a task, what was read and guessed.

    Returns:
        {task: (X, y)}, X a list of n arrays (T_i,) float64 with NaN where a value is missing; in order of names.

    Raises:
        InputError: in one line, with the file and the cause.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name one that holds a file or a subfolder for each task.")
    files: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            inside = [file for file in sorted(entry.iterdir()) if file.suffix.lower() in SUFFIXES]
            if inside:
                files.setdefault(entry.name, []).extend(inside)
        elif entry.suffix.lower() in SUFFIXES:
            name = entry.stem
            for part in _PARTS:
                name = name.removesuffix(part)
            files.setdefault(name, []).append(entry)
    if not files:
        raise InputError(f"{folder} holds no {', '.join(SUFFIXES)} file; put one for each task there.")
    data = {}
    for task, paths in files.items():
        parts = [_labelled(file, label) for file in paths]
        series, labels = [row for part, _ in parts for row in part.series], np.concatenate([y for _, y in parts])
        data[task] = (series, labels)
        if verbose:
            print(_line(", ".join(file.name for file in paths), series, labels, parts[0][0].note), file=sys.stderr)
    return data


def read_recordings(path: Path, label: str | None = None, known: frozenset[str] | None = None) -> Recordings:
    """Read the series of one file, and their labels where it has some; see `read_folder` and `read_table`.

    Raises:
        InputError: in one line, with the file and the cause.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _read_npz(path)
    if suffix == ".ts":
        series, found = read_series(path)
        labels = None if all(one is None for one in found) else np.array([one or "" for one in found])
        return Recordings(series, labels, None, "the archive's format")
    if suffix not in SUFFIXES:
        raise InputError(f"{path} is none of {', '.join(SUFFIXES)}; write it as one of these.")
    return read_table(path, label, known)


def _labelled(path: Path, label: str | None) -> tuple[Recordings, np.ndarray]:
    recordings = read_recordings(path, label)
    if recordings.labels is None:
        raise InputError(f"{path} has no labels; call their column `label`, or name it with --label.")
    empty = [i for i, one in enumerate(recordings.labels.tolist()) if one in ("", "?")]
    if empty:
        raise InputError(f"{path}: series {empty[0]} has no label; label it or leave it out.")
    return recordings, recordings.labels


def _read_npz(path: Path) -> Recordings:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            X: Any = arrays["X"]
            y: Any = arrays.get("y")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name a file with series.") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} does not hold arrays X (n, T) and y (n,) ({error!s:.100}); save these.") from error
    series = as_series(X, str(path))
    if y is not None:
        as_labels(y, len(series), str(path))
    return Recordings(series, y, None, "arrays X and y")


def _line(name: str, series: list[np.ndarray], labels: np.ndarray, note: str) -> str:
    """What was read, as "pumps.csv: 120 series of 84 to 311 steps, labels in column `state`: ok 80, worn 40"."""
    lengths = sorted({len(row) for row in series})
    steps = f"{lengths[0]} steps" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]} steps"
    counts = Counter(labels.tolist()).most_common()
    shown = ", ".join(f"{label} {count}" for label, count in counts[:6]) + (", ..." if len(counts) > 6 else "")
    return f"{name}: {len(series)} series of {steps}, {note}: {shown}"
