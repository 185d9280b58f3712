"""A task as its files have it: both splits, read from `.ts` or `.tsv`, checked for what no task can be.

A task is a folder with `<Name>_TRAIN.ts` and `<Name>_TEST.ts`; one of the UCR archive has the sizes, and in its header
the name, that the archive publishes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from mtcs.config.archive import Size, published_sizes
from mtcs.data.doubts import check_labels
from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.received import check_received
from mtcs.data.recordings import trimmed, without_fills
from mtcs.data.text import InvalidData, explained
from mtcs.data.ts import TsFile, read_ts
from mtcs.data.tsv import UNKNOWN, in_order, read_tsv
from mtcs.errors import InputError, WorkError, quoted

PARTS: tuple[Literal["TRAIN", "TEST"], ...] = ("TRAIN", "TEST")
ARCHIVE_SUFFIXES = (".ts", ".tsv")


def read_raw(folder: Path, name: str, missing: Sequence[float] = ()) -> RawTask:
    """Read and check the task that `fetch_task` brought into `folder`.

    missing: values that stand for missing ones, compared in single precision.

    Raises:
        InputError: if a file is absent or malformed, or differs from what was downloaded or the archive publishes.
        WorkError: if a file does not fit into memory.
    """
    try:
        check_received(folder.parent, name)
        return load_task(folder, name, missing)
    except InvalidData as fault:
        raise InputError(f"{fault}; run 'mtcs download {folder.parent.name}'.") from fault


def read_series(
    path: Path, missing: Sequence[float] = (), length: int | None = None
) -> tuple[list[np.ndarray], list[str | None]]:
    """Read series that need no labels, from a `.ts` or `.tsv` file.

    missing: values that stand for missing ones, compared in single precision.
    length: T of the task's series. Where all series of a `.tsv` are one value shorter and all have labels, these are
        taken for first values.

    Returns:
        n arrays (T_i,) or (channels, T_i) float64, NaN where a value is missing, and as many labels: None where the
        file has none, `?` or nothing instead.

    Raises:
        InputError: if there is no such file, or it does not hold such series.
        WorkError: if it does not fit into memory.
    """
    with explained(path):
        if path.suffix.lower() == ".ts":
            file = _read(path, path.name)
            values, labels = file.series, file.labels
        elif path.suffix.lower() == ".tsv":
            values, labels = read_tsv(path)
        else:
            raise InvalidData(f"{path.name} is neither a .ts nor a .tsv file (a line a series: label, tab, values)")
        series = _observed(values, path.name, missing)
    known = [None if label is None or label.lower() in UNKNOWN else label for label in labels]
    if path.suffix.lower() == ".tsv" and length and {len(one) for one in values} == {length - 1} and all(known):
        raise InputError(
            f"{path} has series of {length - 1} values, expected {length}: its lines seem to begin with a value; begin "
            "each with a label or '?', and a tab."
        )
    return series, known


def load_task(folder: Path, name: str, missing: Sequence[float] = ()) -> RawTask:
    """Read and check a task's two `.ts` files.

    Raises:
        InvalidData: if a file is absent or malformed, or differs from what the archive publishes.
        WorkError: if a file does not fit into memory.
    """
    train_file, train = _load_part(folder, name, "TRAIN", missing)
    test_file, test = _load_part(folder, name, "TEST", missing)
    _check_problem(name, train_file, test_file)
    classes = train_file.classes or []
    if unseen := sorted(set(test.labels).difference(classes)):
        own = ", where every series has a label of its own" if 1 < len(classes) == len(train.labels) else ""
        raise InvalidData(f"{name} (test) has label {quoted(unseen[0])}, expected one of the training labels{own}")
    task = RawTask(name, train, test, tuple(in_order(classes)), tuple(missing))
    if name in published_sizes():
        _compare(task, published_sizes()[name])
    if len(classes) < 2:
        raise InvalidData(f"{name} (train) has label {quoted(classes[0])} alone, expected two labels or more")
    check_labels(task)
    return task


def _load_part(
    folder: Path, name: str, part: Literal["TRAIN", "TEST"], missing: Sequence[float]
) -> tuple[TsFile, RawSplit]:
    path, what = folder / f"{name}_{part}.ts", f"{name} ({part.lower()})"
    if not path.is_file():
        raise InvalidData(f"{path} does not exist")
    file = _read(path, what)
    if file.classes is None:
        raise InvalidData(f"{what} has no class labels, expected '@classLabel true' with all labels in its header")
    labels = [label or "" for label in file.labels]
    if unknown := [i for i, label in enumerate(labels) if label.lower() in UNKNOWN]:
        raise InvalidData(f"{what} has label {labels[unknown[0]]!r} of series {unknown[0]}, expected one that is known")
    return file, RawSplit(_observed(file.series, what, missing), labels)


def _read(path: Path, what: str) -> TsFile:
    try:
        return read_ts(path, what)
    except MemoryError as error:
        size = f"{path.stat().st_size:,} bytes of text"
        raise WorkError(f"{what} does not fit into memory ({size}); take a larger machine, or fewer series.") from error


def _observed(series: list[np.ndarray], what: str, missing: Sequence[float]) -> list[np.ndarray]:
    """The series with NaN in place of `missing`, and without what is missing at their end."""

    def fail(fault: str, i: int) -> InvalidData:
        expected = "finite or missing values" if "infinite" in fault else "at least one"
        return InvalidData(f"{what} has {fault} in series {i}, expected {expected}")

    return [
        trimmed(without_fills(values, missing), lambda fault, i=i: fail(fault, i)) for i, values in enumerate(series)
    ]


def _check_problem(name: str, train: TsFile, test: TsFile) -> None:
    """Raise if the headers name another problem than the task's of the archive, or two."""
    for part, file in (("train", train), ("test", test)):
        if name in published_sizes() and file.problem and file.problem.lower() != name.lower():
            raise InvalidData(f"{name} ({part}) states @problemName {quoted(file.problem)}, expected {name}")
    first, second = (re.sub("(?i)_(train|test)", "", file.problem or "") for file in (train, test))
    if first and second and first.lower() != second.lower():
        raise InvalidData(
            f"{name} (train) states @problemName {quoted(first)} and {name} (test) {quoted(second)}, expected the same"
        )


def _compare(task: RawTask, size: Size) -> None:
    published = "as the UCR archive publishes"
    for part, split, n in (("train", task.train, size.n_train), ("test", task.test, size.n_test)):
        if len(split.series) != n:
            raise InvalidData(f"{task.name} ({part}) has {len(split.series)} series, expected {n} {published}")
    if len(task.classes) != size.n_classes:
        raise InvalidData(f"{task.name} has {len(task.classes)} classes, expected {size.n_classes} {published}")
    lengths = {one.shape[-1] for one in (*task.train.series, *task.test.series)}
    if size.length is None and len(lengths) == 1:
        raise InvalidData(f"{task.name} has series of length {max(lengths)} only, expected unequal lengths {published}")
    if size.length is not None and max(lengths) != size.length:
        raise InvalidData(f"{task.name} has series of length {max(lengths)}, expected {size.length} {published}")
