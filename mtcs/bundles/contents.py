"""What the metadata of a file `.mtcs` say in JSON: its tasks with their labels, the classifier, scores and versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from mtcs.config.classifiers import ClassifierSpec
from mtcs.config.device_names import PrecisionName
from mtcs.data.arrays import objects
from mtcs.data.table_options import KnownTask
from mtcs.data.task import TaskInfo
from mtcs.errors import InputError, fault, listed
from mtcs.training.tensor_file import read_metadata, remedy_of

FORMAT = "mtcs-bundle/1"
WHAT = "fitted classifier"
REMEDY = "name a file that 'mtcs fit' or save() wrote"


class Labels(BaseModel, frozen=True, extra="forbid"):
    """Labels as JSON, with the dtype that they return to."""

    dtype: Annotated[str, Field(max_length=20)]
    values: Annotated[list[Any], Field(min_length=1, max_length=100_000)]


class Entry(BaseModel, frozen=True, extra="forbid"):
    """A task with all that is known of it beside its classifier's arrays, see `TaskClassifier`."""

    info: TaskInfo
    labels: Labels
    reader: str
    n_series: int = Field(ge=0)
    lengths: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=10_000_000)]]
    sharpness: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    floor: float = Field(default=0.0, ge=0, lt=1)
    channel_names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


class Contents(BaseModel, frozen=True, extra="forbid", ser_json_inf_nan="strings"):
    """All tasks, and what they have in common."""

    classifier: ClassifierSpec
    precision: PrecisionName
    tasks: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=100_000)]
    scores: dict[str, dict[str, float]]
    versions: dict[str, str]


def chosen_task(path: Path, task: str | None) -> tuple[str, KnownTask]:
    """The task of a file that is meant, and what new series of it are read by; None: the only one.

    The file's metadata are read alone, so that a mistake is told before torch is loaded.

    Raises:
        InputError: if it is no such file, or has no such task, or several of which none is named.
    """
    metadata = read_metadata(path, FORMAT, WHAT, REMEDY)
    with described(path, remedy_of(metadata, REMEDY)):
        entries = Contents.model_validate_json(metadata.get("contents", "{}")).tasks
        labels = {entry.info.name: frozenset(map(str, decoded(entry.labels).tolist())) for entry in entries}
    tasks = {one.info.name: KnownTask(labels[one.info.name], one.columns or one.channel_names) for one in entries}
    if task is None and len(tasks) > 1:
        raise InputError(f"{path} has the tasks {listed(tasks)}; choose one with --task.")
    name = next(iter(tasks)) if task is None else task
    if name not in tasks:
        raise InputError(f"Unknown task {name!r:.80}; {path} has {listed(tasks)}.")
    return name, tasks[name]


@contextmanager
def described(path: Path, remedy: str) -> Iterator[None]:
    """Raises InputError where what a file describes is wrong."""
    try:
        yield
    except ValidationError as error:
        raise InputError(f"{path} describes no {WHAT} ({fault(error):.200}); {remedy}.") from error
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path} does not hold a {WHAT} ({error!s:.200}); {remedy}.") from error


def encoded(labels: np.ndarray, task: str) -> Labels:
    """Labels (C,) of a task; raises InputError if one is of a type that the file has no form for."""
    if labels.dtype.kind == "M":
        return Labels(dtype=labels.dtype.str, values=labels.astype(np.int64).tolist())
    if labels.dtype.kind in "Uiub" or (labels.dtype.kind == "f" and np.isfinite(labels).all()):
        return Labels(dtype=labels.dtype.str, values=labels.tolist())
    if labels.dtype == object:
        return Labels(dtype="object", values=[_plain(label, task) for label in labels])
    raise InputError(f"{task}: labels of dtype {labels.dtype} cannot be saved; give them as text or numbers.")


def _plain(label: Any, task: str) -> Any:
    if type(label) is tuple:
        return [_plain(part, task) for part in label]
    if type(label) in (str, int, float, bool):
        return label
    raise InputError(
        f"{task}: label {label!s:.40} of type {type(label).__name__} cannot be saved; give it as text or a number."
    )


def decoded(labels: Labels) -> np.ndarray:
    """Raises ValueError or TypeError if the values are not of that dtype, or one stands there twice."""
    decoded = _of_dtype(labels)
    if len({repr(label) for label in decoded.tolist()}) < len(decoded):
        raise ValueError("a label stands there twice")
    return decoded


def _of_dtype(labels: Labels) -> np.ndarray:
    if labels.dtype == "object":
        return objects([_label(value) for value in labels.values])
    if not re.fullmatch(r"[<>|](U\d{1,5}|[iufb]\d{1,2}|M8(\[\w{1,4}\])?)", labels.dtype):
        raise ValueError(f"labels of dtype {labels.dtype}")
    if not all(isinstance(value, (str, int, float)) for value in labels.values):
        raise ValueError(f"labels are not of dtype {labels.dtype}")
    if labels.dtype[1] == "M":
        return np.array(labels.values, dtype=np.int64).astype(labels.dtype)
    kind = "U" if labels.dtype[1] == "U" else labels.dtype  # no longer than the longest, whatever the file claims
    with np.errstate(invalid="ignore"):
        decoded = np.array(labels.values).astype(kind)
    if decoded.tolist() != labels.values:
        raise ValueError(f"labels are not of dtype {labels.dtype}")
    return decoded


def _label(value: Any) -> Any:
    """Lists of JSON are tuples again."""
    if isinstance(value, list):
        return tuple(map(_label, value))
    if value is None or isinstance(value, dict):
        raise ValueError("labels are not text, numbers or tuples of these")
    return value
