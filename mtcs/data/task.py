"""A task: one labelled time-series data set with its split, and the files that hold the tasks of a suite."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass as pydantic_dataclass

from mtcs.data.npz import open_npz
from mtcs.errors import InputError
from mtcs.files import atomic_write, digest, regular, write_text

INDEX = "tasks.json"

Scale = float | tuple[float, ...]
"""A number of a task, or one for each of its channels where it has several."""

_Number = TypeVar("_Number")
_Positive = Annotated[float, Field(gt=0)]
_PerChannel = Annotated[tuple[_Number, ...], Field(min_length=2, max_length=100_000)]


@dataclass(frozen=True)
class Split:
    """Labelled series.

    series: (n, T) float32, or (n, channels, T); NaN where a series is padded or a value is missing.
    labels: (n,) int64, indices into the task's `classes`.
    """

    series: np.ndarray
    labels: np.ndarray

    @property
    def channels(self) -> int:
        return 1 if self.series.ndim == 2 else self.series.shape[1]

    @property
    def by_channel(self) -> np.ndarray:
        """(n * channels, T): each channel as a series of its own; those of one recording follow one another."""
        return self.series.reshape(-1, self.series.shape[-1])

    def __len__(self) -> int:
        return len(self.series)


@pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class TaskInfo:
    """What is known of a task without its series: what a model is built for, and what its file says of it, checked.

    classes: label strings, in order.
    length: T of the training series, padding included.
    mean, std: of the training values before they were z-normalised, one a channel where there are several; new series
        are scaled by them.
    missing: values that stand for missing ones in its files, and in those of new series.
    """

    name: str
    classes: Annotated[tuple[str, ...], Field(min_length=1, max_length=100_000)]
    length: Annotated[int, Field(ge=1)]
    mean: float | _PerChannel[float] = 0.0
    std: _Positive | _PerChannel[_Positive] = 1.0
    missing: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _has_scales(self) -> TaskInfo:
        if np.shape(self.mean) != np.shape(self.std):
            raise ValueError("mean and std are of different numbers of channels")
        return self

    @property
    def channels(self) -> int:
        return len(self.mean) if isinstance(self.mean, tuple) else 1

    @property
    def n_classes(self) -> int:
        return len(self.classes)


@dataclass(frozen=True)
class Task:
    """One data set with its labels.

    classes: the label strings, in order; label c of a split means `classes[c]`.
    mean, std: of the training values before they were z-normalised, one a channel where there are several.
    missing: values that stood for missing ones before that.

    Raises:
        InputError: if shapes, label range or values are not as `Split` says.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    mean: Scale = 0.0
    std: Scale = 1.0
    missing: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        means, stds = np.atleast_1d(self.mean), np.atleast_1d(self.std)
        if len(means) != len(stds):
            raise InputError(f"{self.name}: {len(means)} means and {len(stds)} standard deviations, expected as many.")
        for part, split in (("train", self.train), ("test", self.test)):
            _check(f"{self.name} ({part})", split, len(self.classes), len(means))
        for mean, std in zip(means.tolist(), stds.tolist(), strict=True):
            if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
                scale = f"mean {mean:g} and standard deviation {std:g}"
                raise InputError(f"{self.name}: {scale}, expected finite ones, the latter above 0.")

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @property
    def length(self) -> int:
        """T of the training series, padding included."""
        return self.train.series.shape[-1]

    @property
    def channels(self) -> int:
        return self.train.channels

    def repeated(self) -> int:
        """How many test series stand in the training split, too, value by value."""
        return count_repeated(map(unpadded, self.train.series), map(unpadded, self.test.series))

    @property
    def info(self) -> TaskInfo:
        return TaskInfo(self.name, self.classes, self.length, self.mean, self.std, self.missing)


def unpadded(series: np.ndarray) -> np.ndarray:
    """A series (T,) or (channels, T) without the padding behind it."""
    known = np.flatnonzero(~np.isnan(np.atleast_2d(series)).all(0))
    return series[..., : known[-1] + 1]


def count_repeated(train: Iterable[np.ndarray], test: Iterable[np.ndarray]) -> int:
    """How many test series are equal to a training series, value by value."""
    seen = {hashlib.sha256(series.tobytes()).digest() for series in train}  # no copy of all values
    return sum(hashlib.sha256(series.tobytes()).digest() in seen for series in test)


def _check(what: str, split: Split, n_classes: int, channels: int) -> None:
    series, labels = split.series, split.labels
    lead, shape = ((), "(n, T)") if channels == 1 else ((channels,), f"(n, {channels}, T)")
    if series.shape[1:-1] != lead or series.dtype != np.float32 or series.ndim < 2 or not series.shape[-1]:
        raise InputError(f"{what}: series are {series.dtype} {series.shape}, expected float32 {shape} with T >= 1.")
    if labels.shape != (len(series),) or labels.dtype != np.int64:
        raise InputError(f"{what}: labels are {labels.dtype} {labels.shape}, expected int64 ({len(series)},).")
    if len(series) == 0:
        raise InputError(f"{what}: no series.")
    if labels.min() < 0 or labels.max() >= n_classes:
        raise InputError(f"{what}: labels {labels.min()}..{labels.max()}, expected 0..{n_classes - 1}.")
    rows = split.by_channel
    least, most = np.fmin.reduce(rows, axis=1), np.fmax.reduce(rows, axis=1)  # of what is not NaN, without a copy
    for wrong, fault in ((np.isinf(least) | np.isinf(most), "an infinite"), (np.isnan(most), "no observed")):
        if wrong.any():
            i, channel = divmod(int(wrong.argmax()), split.channels)
            where = f"series {i}" if split.channels == 1 else f"series {i}, channel {channel + 1},"
            raise InputError(f"{what}: {where} holds {fault} value.")


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
            mean=np.asarray(task.mean, dtype=np.float64),
            std=np.asarray(task.std, dtype=np.float64),
            missing=np.array(task.missing, dtype=np.float64),
        )


def read_task(path: Path) -> Task:
    """Read the task that `write_task` wrote; its name is the file's.

    Raises:
        InputError: if there is no such file, or it does not hold a task.
    """
    with open_npz(path, "a task", f"run 'mtcs normalize {path.parent.name}'") as arrays:
        return Task(
            name=path.stem,
            train=Split(arrays["series_train"], arrays["labels_train"]),
            test=Split(arrays["series_test"], arrays["labels_test"]),
            classes=tuple(str(name) for name in arrays["classes"]),
            mean=_scale(arrays["mean"]),
            std=_scale(arrays["std"]),
            missing=tuple(arrays["missing"].tolist()),
        )


def _scale(array: np.ndarray) -> Scale:
    return tuple(map(float, array)) if array.ndim else float(array)


def write_index(
    folder: Path, tasks: Sequence[str], fingerprints: Sequence[str], few_labels: tuple[int, int] | None = None
) -> None:
    """Write which tasks a suite has, in their order, beside their `.npz` files; of each, the fingerprint and the file's
    digest, which covers its scale, too.

    few_labels: how many training series of each label are kept, and by which draw; None for all of them.
    """
    files = {name: digest(folder / f"{name}.npz") for name in tasks}
    index: dict[str, Any] = {"tasks": dict(zip(tasks, fingerprints, strict=True)), "files": files}
    if few_labels is not None:
        index["few_labels"] = dict(zip(("labels_per_class", "draw"), few_labels, strict=True))
    write_text(folder / INDEX, json.dumps(index, indent=2) + "\n")


def read_suite(folder: Path, expected: Sequence[str] | None = None) -> list[Task]:
    """Read the tasks of a suite, in its order.

    expected: the tasks that it should have, in their order, where that is known.

    Raises:
        InputError: if the index or a task is missing, does not hold what it should, or disagrees with the other.
    """
    path, remedy = folder / INDEX, f"run 'mtcs normalize {folder.name}'"
    try:
        content = json.loads(regular(path).read_bytes())
        index, files = dict(content["tasks"]), dict(content.get("files", {}))  # which earlier versions did not list
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {remedy}.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} does not list a suite's tasks ({error!s:.200}); {remedy}.") from error
    if expected is not None and list(index) != list(expected):
        raise InputError(f"{path} lists {', '.join(index)}, expected {', '.join(expected)}; {remedy}.")
    tasks = [read_task(folder / f"{name}.npz") for name in index]
    for task in tasks:
        file = folder / f"{task.name}.npz"
        if fingerprint(task) != index[task.name]:
            raise InputError(f"{file} holds other series or labels than {path} says; {remedy}.")
        if task.name in files and digest(file) != files[task.name]:
            raise InputError(f"{file} holds another scale or other labels than were written; {remedy}.")
    return tasks


def read_few_labels(folder: Path) -> tuple[Any, Any] | None:
    """What the index of a suite that can be read says of `few_labels`."""
    kept = json.loads((folder / INDEX).read_bytes()).get("few_labels")
    return (kept.get("labels_per_class"), kept.get("draw")) if isinstance(kept, dict) else None


def fingerprint(task: Task) -> str:
    """The beginning of a SHA-256 of a task's series and labels."""
    digest = hashlib.sha256()
    for split in (task.train, task.test):
        digest.update(f"{split.series.shape} {task.classes}".encode())
        digest.update(split.series.reshape(-1).data)
        digest.update(split.labels.tobytes())
    return digest.hexdigest()[:12]
