"""What a stage says of its work in a file beside it: how it came about, and of what it is, by digests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mtcs.errors import InputError, fault
from mtcs.files import regular, write_text
from mtcs.layout import Run


class Part(BaseModel):
    """What is read from a file that another run, version or person has written: nothing unknown, and finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Digested(Part):
    """What a file holds with a digest of its content; those of earlier versions have none."""

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "digest" not in values:
            return values
        content = {name: value for name, value in values.items() if name != "digest"}
        if values["digest"] != content_digest(content):
            raise ValueError("its content is not what was written")
        return content


class _Record(Digested):
    """run: whose record it is, in words; None in those of an earlier version."""

    model_config = ConfigDict(extra="ignore")  # an earlier version said more in its records

    run: str | None = Field(default=None, exclude=True)


class TrainingRecord(_Record):
    """How a model came about: of `task`, or of all tasks where that is None.

    precision_reason: why that precision; settings: the method's parameters, without its classifier's; held_out: share
        of the training series that it did not see; tasks: fingerprints of those it was trained on; weights, curves:
        digests of the files of the model and of the training curves. They tell whether what a run left belongs
        together, and are not part of its result.
    """

    task: str | None = None
    device: str
    precision: str
    seconds: float = Field(ge=0)
    steps: int
    series_per_second: float | None = None
    peak_memory_mb: float
    parameters: int
    versions: dict[str, str] = {}
    commit: str | None = None
    precision_reason: str | None = Field(default=None, exclude=True)
    settings: dict[str, Any] | None = Field(default=None, exclude=True)
    held_out: float | None = Field(default=None, exclude=True)
    tasks: dict[str, str] | None = Field(default=None, exclude=True)
    weights: str | None = Field(default=None, exclude=True)
    curves: str | None = Field(default=None, exclude=True)


class ClassifierRecord(_Record):
    """What predictions are of.

    classifier: its parameters; tasks: fingerprints of those it was fitted on.
    reads: the method whose representations they are, where it is another one.
    held_out: share of the training series on which weights were chosen, 0 where there are none; mixing: weights by
        task; weighing: digests of the representations that they were chosen with.
    decisions: how many, of left-out series, calibrate probabilities, by task.
    weights: digests of the models, by task or "joint"; held_out_weights: of those that did not see the held-out series,
        likewise; representations, fitted, predictions: of each task's files.
    """

    classifier: dict[str, Any]
    reads: str | None = None
    held_out: float = 0.0
    mixing: dict[str, float] = {}
    weighing: dict[str, str] = {}
    decisions: dict[str, int] = {}
    tasks: dict[str, str]
    weights: dict[str, str]
    held_out_weights: dict[str, str] = {}
    representations: dict[str, str]
    fitted: dict[str, str]
    predictions: dict[str, str]


class RepresentationRecord(_Record):
    """How long the encoder took from raw series to representations, and where."""

    series: int
    seconds: float = Field(ge=0)
    device: str
    precision: str


class RepresentationSources(_Record):
    """What representations are of.

    weights: digests of the models, by task or "joint"; tasks: fingerprints; representations: digests of their files.
    """

    weights: dict[str, str]
    tasks: dict[str, str]
    representations: dict[str, str]


_Known = TypeVar("_Known", bound=_Record)


def write_record(path: Path, record: _Record) -> None:
    """Write what a stage says of its work to `path`, whole or not at all, digests included; its own comes last."""
    values = {name: getattr(record, name) for name in type(record).model_fields}
    text = json.dumps(values | {"digest": content_digest(values)}, indent=2, ensure_ascii=False)
    write_text(path, f"{text}\n")


def read_record(path: Path, kind: type[_Known], run: Run, stage: str) -> _Known:
    """A record that a stage left.

    Raises:
        InputError: if there is none, or it does not hold what it should.
    """
    try:
        record = kind.model_validate_json(regular(path).read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {run.remedy(stage)}.") from None
    except (ValidationError, OSError) as error:
        raise InputError(f"{path} does not hold a record ({fault(error)}); {run.remedy(stage)}.") from error
    if record.run not in (None, owner := run.owner(stage)):  # as after a copy of another seed's folders
        raise InputError(f"{path} is of {record.run}, expected {owner}; {run.remedy(stage)}.")
    return record


def content_digest(values: dict[str, Any]) -> str:
    """The beginning of the SHA-256 of values, in whatever order they stand."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
