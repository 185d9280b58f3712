"""A task: one labelled time-series data set with the split its archive defines, and its `.npz` file."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtcs.errors import InputError
from mtcs.layout import atomic_write


@dataclass(frozen=True)
class Split:
    """Labelled series.

    series: (n, T) float32, NaN where a series is padded or a value is missing.
    labels: (n,) int64, indices into the task's `classes`.
    """

    series: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.series)


@dataclass(frozen=True)
class Task:
    """One data set with its labels.

    classes: the archive's label strings, in order; label c of a split means `classes[c]`.

    Raises:
        InputError: if shapes, label range or values are not as `Split` says.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for part, split in (("train", self.train), ("test", self.test)):
            _check(f"{self.name} ({part})", split, len(self.classes))

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @property
    def length(self) -> int:
        """T of the training series, padding included."""
        return self.train.series.shape[1]


def _check(what: str, split: Split, n_classes: int) -> None:
    series, labels = split.series, split.labels
    if series.ndim != 2 or series.dtype != np.float32 or series.shape[1] == 0:
        raise InputError(f"{what}: series are {series.dtype} {series.shape}, expected float32 (n, T) with T >= 1.")
    if labels.shape != (len(series),) or labels.dtype != np.int64:
        raise InputError(f"{what}: labels are {labels.dtype} {labels.shape}, expected int64 ({len(series)},).")
    if len(series) == 0:
        raise InputError(f"{what}: no series.")
    if labels.min() < 0 or labels.max() >= n_classes:
        raise InputError(f"{what}: labels {labels.min()}..{labels.max()}, expected 0..{n_classes - 1}.")
    if np.isinf(series).any():
        raise InputError(f"{what}: series {int(np.isinf(series).any(1).argmax())} holds an infinite value.")
    empty = np.isnan(series).all(1)
    if empty.any():
        raise InputError(f"{what}: series {int(empty.argmax())} holds no observed value.")


def write_task(path: Path, task: Task) -> None:
    """Write a task to `path` (`.npz`), whole or not at all."""
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez(
            file,
            series_train=task.train.series,
            labels_train=task.train.labels,
            series_test=task.test.series,
            labels_test=task.test.labels,
            classes=np.array(task.classes, dtype=np.str_),
        )


def read_task(path: Path) -> Task:
    """Read the task that `write_task` wrote; its name is the file's.

    Raises:
        InputError: if there is no such file, or it does not hold a task.
    """
    remedy = f"run 'mtcs normalize {path.parent.name}'"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Task(
                name=path.stem,
                train=Split(arrays["series_train"], arrays["labels_train"]),
                test=Split(arrays["series_test"], arrays["labels_test"]),
                classes=tuple(str(name) for name in arrays["classes"]),
            )
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {remedy}.") from None
    except PermissionError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it readable.") from error
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        what = "it is no .npz file" if not zipfile.is_zipfile(path) else " ".join(str(error).split())
        raise InputError(f"{path} does not hold a task ({what}); {remedy}.") from error


def fingerprint(task: Task) -> str:
    """The beginning of a SHA-256 of a task's series and labels."""
    digest = hashlib.sha256()
    for split in (task.train, task.test):
        digest.update(f"{split.series.shape} {task.classes}".encode())
        digest.update(split.series.tobytes())
        digest.update(split.labels.tobytes())
    return digest.hexdigest()[:12]
