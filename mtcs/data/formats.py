"""A task's files: how they are parsed, and what they are checked for.

A task is a folder with `<Name>_TRAIN.ts` and `<Name>_TEST.ts`, read by aeon; one of the UCR archive has the sizes that
the archive publishes. `.tsv` files of the 2018 archive (label first, NaN for missing and padding) become `.ts`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from mtcs.data.published import Size, published_sizes
from mtcs.errors import InputError, WorkError

PARTS: tuple[Literal["TRAIN", "TEST"], ...] = ("TRAIN", "TEST")
SUFFIXES = (".ts", ".tsv")


@dataclass(frozen=True)
class RawSplit:
    """Series as the archive has them.

    series: n arrays (T_i,) float64, NaN where a value is missing; missing values at the end are dropped, since the
        2018 archive pads with them.
    labels: n label strings of the archive.
    """

    series: list[np.ndarray]
    labels: list[str]


@dataclass(frozen=True)
class RawTask:
    """A task as the archive has it.

    classes: the labels of the training split; in numerical order if all are numbers, else in the header's order.
    """

    name: str
    train: RawSplit
    test: RawSplit
    classes: tuple[str, ...]


class InvalidData(Exception):
    """What is wrong with a task's files: name, found and expected, without a way out."""


def read_raw(folder: Path, name: str) -> RawTask:
    """Read and check the task that `fetch_task` brought into `folder`.

    Raises:
        InputError: if a file is missing or malformed, or differs from what the archive publishes.
        WorkError: if a file does not fit into memory.
    """
    try:
        return load_task(folder, name)
    except InvalidData as fault:
        raise InputError(f"{fault}; run 'mtcs download {folder.parent.name}'.") from fault


def read_series(path: Path) -> tuple[list[np.ndarray], list[str | None]]:
    """Read series that need no labels, from a `.ts` or `.tsv` file.

    Returns:
        n arrays (T_i,) float64, NaN where a value is missing, and as many labels: None where the file has none, `?` or
        nothing instead.

    Raises:
        InputError: if there is no such file, or it does not hold such series.
        WorkError: if a `.ts` file does not fit into memory.
    """
    try:
        if path.suffix == ".ts":
            series, labels, _ = _parse(path, path.name)
        elif path.suffix == ".tsv":
            rows = _rows(path)
            labels = [label for _, label, _ in rows]
            series = [_trim(np.array([float(value or "nan") for value in values])) for _, _, values in rows]
            _check_series(series, path.name)
        else:
            raise InvalidData(f"{path} is neither a .ts nor a .tsv file")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name a .ts or .tsv file with series.") from None
    except InvalidData as fault:
        raise InputError(f"{fault}; repair the file or name another.") from fault
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a .ts or .tsv file with series.") from error
    known = [None if label in ("", "?", "nan") else label for label in map(str.lower, labels or [""] * len(series))]
    return series, known


def convert_to_ts(tsv: Path) -> None:
    """Turn a `.tsv` of the 2018 archive (label first, NaN for missing and padding) into `.ts`, digit for digit.

    By text and not by aeon's `load_from_tsv_file`, whose numbers may be off in the last digit.
    """
    labels, series = [], []
    for number, label, values in _rows(tsv):
        if not label or re.search(r"[\s:,?]", label):  # which could not be told apart in a `.ts`
            raise InvalidData(
                f"{tsv.name}, line {number}: label {label[:40]!r}, expected one without spaces, ':', ',' and '?'"
            )
        labels.append(tidy_label(label))
        series.append(["?" if value.lower() in ("", "nan") else value for value in values])
    if sum(map(_is_number, labels)) == len(labels) - 1 and not _is_number(labels[0]) and len(labels) > 2:
        raise InvalidData(
            f"{tsv.name}, line 1: label {labels[0]!r} where all others are numbers, expected no header line"
        )
    numbered = [[str(i) for i in range(start, start + len(series[0]))] for start in (0, 1)]  # as pandas names columns
    if series[0] in numbered and len(series[0]) > 2 and labels.count(labels[0]) == 1 and not _is_number(labels[0]):
        raise InvalidData(f"{tsv.name}, line 1: values {', '.join(series[0][:3])}, ..., expected no header line")
    header = {
        "problemName": tsv.stem.rpartition("_")[0],
        "timestamps": "false",
        "missing": _truth(any("?" in values for values in series)),
        "univariate": "true",
        "equalLength": _truth(len({len(values) for values in series}) <= 1),
        "classLabel": " ".join(["true", *_in_order(sorted(set(labels)))]),
    }
    with tsv.with_suffix(".ts").open("w", encoding="utf-8") as file:
        file.writelines(f"@{key} {value}\n" for key, value in header.items())
        file.write("@data\n")
        file.writelines(f"{','.join(values)}:{label}\n" for values, label in zip(series, labels, strict=True))
    tsv.unlink()


def _rows(tsv: Path) -> list[tuple[int, str, list[str]]]:
    """Number, label and values of each line of a `.tsv` that is not empty; values are numbers or nothing."""
    try:
        lines = tsv.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidData(f"{tsv.name} is not a text file ({error})") from error
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            label, *values = (field.strip() for field in line.split("\t"))
            if not values:
                only = f"only {label[:40]!r}, expected a label and values with tabs between them"
                raise InvalidData(f"{tsv.name}, line {number}: {only}")
            _check_numbers(f"{tsv.name}, line {number}", values, "")
            rows.append((number, label, values))
    if not rows:
        raise InvalidData(f"{tsv.name} has no series, expected at least one")
    return rows


def _check_numbers(where: str, values: list[str], missing: str) -> None:
    """Raise the first of the values that is neither a number nor what stands for a missing one."""
    for value in map(str.strip, values):
        if value != missing and not _is_number(value):
            expected = f"a number or {missing!r}" if missing else "a number"
            raise InvalidData(f"{where}: value {value[:40]!r}, expected {expected}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # which Python takes in numbers, and nobody else


def _truth(value: bool) -> str:
    return "true" if value else "false"


def tidy_label(label: str) -> str:
    """`1.0000000e+00` as `1`, as the archive's `.ts` files have it; `007` and long whole numbers stay as they are."""
    if not re.search(r"[.e]", label.lower()) or not _is_number(label) or not float(label).is_integer():
        return label
    return str(int(float(label))) if abs(float(label)) < 2**53 else label


def _in_order(labels: list[str]) -> list[str]:
    try:
        return sorted(labels, key=float)
    except ValueError:
        return labels


def load_task(folder: Path, name: str) -> RawTask:
    train, listed = _load_part(folder, name, "TRAIN")
    test, _ = _load_part(folder, name, "TEST")
    seen = set(train.labels)
    if "nan" in seen.union(test.labels):
        raise InvalidData(f"{name} has label 'nan', expected one that does not stand for a missing label")
    if twice := sorted(label for label, times in Counter(listed).items() if times > 1):
        raise InvalidData(f"{name} lists label {twice[0]!r} twice, expected labels that differ in more than capitals")
    if unlisted := sorted(seen.difference(listed)):
        raise InvalidData(
            f"{name} (train) has label {unlisted[0]!r}, expected one of its header's: {', '.join(listed)}"
        )
    if unseen := sorted(set(test.labels) - seen):
        raise InvalidData(f"{name} (test) has label {unseen[0]!r}, expected one of the training labels")
    task = RawTask(name, train, test, tuple(_in_order([label for label in listed if label in seen])))
    if name in published_sizes():
        _compare(task, published_sizes()[name])
    if len(seen) < 2:
        raise InvalidData(f"{name} (train) has label {min(seen)!r} alone, expected two labels or more")
    return task


def _load_part(folder: Path, name: str, part: Literal["TRAIN", "TEST"]) -> tuple[RawSplit, list[str]]:
    """One split, and the classes its header lists."""
    path, what = folder / f"{name}_{part}.ts", f"{name} ({part.lower()})"
    if not path.is_file():
        raise InvalidData(f"{path} does not exist")
    series, labels, classes = _parse(path, what)
    if labels is None:
        raise InvalidData(f"{what} has no class labels, expected one for each series")
    return RawSplit(series, labels), classes


def _parse(path: Path, what: str) -> tuple[list[np.ndarray], list[str] | None, list[str]]:
    """Series of a `.ts` file, their labels in lower case where it has any, and the classes its header lists."""
    from aeon.datasets import load_from_ts_file

    try:
        read = cast("tuple[Any, Any, dict[str, Any]]", load_from_ts_file(str(path), return_meta_data=True))
    except (OSError, ValueError, IndexError) as error:
        _check_lines(path)
        said = re.sub(r"^Error loading <.*?>\. ", "", " ".join(str(error).split()))[:400]
        raise InvalidData(f"{what} is not a .ts file that aeon can read ({said})") from error
    except MemoryError as error:
        size = f"{path.stat().st_size:,} bytes of text"
        raise WorkError(f"{what} does not fit into memory ({size}); take a larger machine, or fewer series.") from error
    values, labels, header = read  # n arrays (1, T_i), n labels, what the header says
    if len(values) == 0:
        raise InvalidData(f"{what} has no series, expected at least one")
    if header["timestamps"]:
        raise InvalidData(f"{what} has time stamps, expected values at regular intervals")
    if (channels := values[0].shape[0]) == 0:  # aeon takes what stands after the last ':' for the label
        raise InvalidData(
            f"{what} has no label after a ':' where its header announces labels; add ':?' where none is known"
        )
    if channels != 1:
        raise InvalidData(f"{what} has {channels} channels, expected one")
    _check_lines(path, holding="_")

    series = [_trim(channel) for (channel,) in values]
    _check_series(series, what)
    # aeon puts a line in lower case and then writes every 'nan' in it as 'NaN', in a label too
    found = [str(label).strip().lower() for label in labels] if header["classlabel"] else None
    return series, found, header["class_values"]


def _check_series(series: list[np.ndarray], what: str) -> None:
    for i, one in enumerate(series):
        if len(one) == 0:
            raise InvalidData(f"{what} has no observed value in series {i}, expected at least one")
        if np.isinf(one).any():
            raise InvalidData(f"{what} has an infinite value in series {i}, expected finite or missing values")


def _check_lines(path: Path, holding: str = "") -> None:
    """Raise what is wrong with the first line of a `.ts` file that cannot be read, with its place.

    holding: what the values of a line have in them if it is to be checked.
    """
    in_data = False
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(map(str.strip, file), 1):
            where, values = f"{path.name}, line {number}", line.rsplit(":", 1)[0]
            if not in_data and line.lower() in ("@problemname", "@classlabel"):
                raise InvalidData(f"{where}: {line!r} alone, expected a value behind it")
            if in_data and not line:
                raise InvalidData(f"{where} is empty, expected a series")
            if in_data and holding in values:
                _check_numbers(where, re.split("[,:]", values), "?")
            in_data = in_data or line.lower() == "@data"


def _trim(values: np.ndarray) -> np.ndarray:  # (T,) -> (T_i,)
    observed = np.flatnonzero(~np.isnan(values))
    return values[: observed[-1] + 1 if observed.size else 0]


def _compare(task: RawTask, size: Size) -> None:
    published = "as the UCR archive publishes"
    for part, split, n in (("train", task.train, size.n_train), ("test", task.test, size.n_test)):
        if len(split.series) != n:
            raise InvalidData(f"{task.name} ({part}) has {len(split.series)} series, expected {n} {published}")
    if len(task.classes) != size.n_classes:
        raise InvalidData(f"{task.name} has {len(task.classes)} classes, expected {size.n_classes} {published}")
    lengths = {len(one) for one in (*task.train.series, *task.test.series)}
    if size.length is None and len(lengths) == 1:
        raise InvalidData(f"{task.name} has series of length {max(lengths)} only, expected unequal lengths {published}")
    if size.length is not None and max(lengths) != size.length:
        raise InvalidData(f"{task.name} has series of length {max(lengths)}, expected {size.length} {published}")
