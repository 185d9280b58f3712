"""What a run amounts to, in one small file: all that a report says of it, on any machine and without the run's data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mtcs.errors import InputError, fault
from mtcs.layout import Run, atomic_write, regular

Share = Annotated[float, Field(ge=0, le=1)]
Values = tuple[float | None, ...]
"""Numbers of a series of points; None where there is none."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TaskResult(_Part):
    """A task as the run saw it, and how many of its test series are classified rightly.

    train, test: numbers of series; length: T of the training series; classes: the archive's labels, in order.
    fingerprint: the beginning of a SHA-256 of the normalised series and their labels.
    head_accuracy: of the task's own head (Equation 1), None where the method has no heads.
    balanced_accuracy: mean over the labels of the share of a label's test series that are right; majority: share of the
        test series that have the training part's most frequent label; never_predicted: labels of test series that no
        series was given; test_in_train: test series that stand in the training part, too. None in earlier results.
    weight: of the kernel of representations beside that of random features; None of other classifiers.
    wrong: by label, and by the label that was predicted in its place, which test series, counted from 0; None in
        earlier results.
    """

    task: str
    train: int = Field(ge=1)
    test: int = Field(ge=1)
    length: int = Field(ge=1)
    classes: tuple[str, ...]
    fingerprint: str
    accuracy: Share
    head_accuracy: Share | None = None
    balanced_accuracy: Share | None = None
    majority: Share | None = None
    never_predicted: tuple[str, ...] | None = None
    test_in_train: int | None = Field(default=None, ge=0)
    weight: Share | None = None
    wrong: dict[str, dict[str, tuple[Annotated[int, Field(ge=0)], ...]]] | None = None

    @model_validator(mode="after")
    def _wrong_are_of_the_task(self) -> Self:
        for label, others in (self.wrong or {}).items():
            for predicted, series in others.items():
                if unknown := {label, predicted} - set(self.classes):
                    raise ValueError(f"{self.task} has no label {min(unknown)!r:.60}")
                if max(series, default=0) >= self.test:
                    raise ValueError(f"{self.task} has {self.test} test series, none has the number {max(series)}")
        return self


class _Record(_Part):
    """run: whose record it is, in words; None in those of an earlier version."""

    model_config = ConfigDict(extra="ignore")  # an earlier version said more in its records

    run: str | None = Field(default=None, exclude=True)


class TrainingRecord(_Record):
    """How a model came about: of `task`, or of all tasks where that is None.

    precision_reason: why that precision; settings: the method's parameters, without its classifier's;
        tasks: fingerprints of those it was trained on; weights, curves: digests of the files of the model and of the
        training curves. They tell whether what a run left belongs together, and are not part of its result.
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
    tasks: dict[str, str] | None = Field(default=None, exclude=True)
    weights: str | None = Field(default=None, exclude=True)
    curves: str | None = Field(default=None, exclude=True)


class ClassifierRecord(_Record):
    """What predictions are of.

    classifier: its parameters; tasks: fingerprints of those it was fitted on.
    reads: the method whose representations they are, where it is another one.
    held_out: share of the training series on which weights were chosen, 0 where there are none; mixing: weights by
        task; weighing: digests of the representations that they were chosen with.
    weights: digests of the models, by task or "joint"; held_out_weights: of those that did not see the held-out series,
        likewise; representations, fitted, predictions: of each task's files.
    """

    classifier: dict[str, Any]
    reads: str | None = None
    held_out: float = 0.0
    mixing: dict[str, float] = {}
    weighing: dict[str, str] = {}
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


class Curve(_Part):
    """Training on batches of one task in a number of stretches, each the mean over its steps.

    step: mean step of each stretch; steps: how many there are in it; the others have one value a stretch.
    """

    task: str
    step: tuple[float, ...]
    steps: tuple[Annotated[int, Field(ge=1)], ...]
    loss: Values
    sharing_loss: Values
    relevant_share: Values

    @model_validator(mode="after")
    def _equally_long(self) -> Self:
        if len({len(values) for name, values in self if name != "task"}) > 1:
            raise ValueError(f"the columns of the curve of {self.task} are not equally long")
        return self


class Triangle(_Part):
    """A symmetric matrix by its lower triangle, the diagonal included; None where an entry is unknown."""

    rows: tuple[Values, ...]

    @model_validator(mode="after")
    def _triangular(self) -> Self:
        if any(len(row) != i + 1 for i, row in enumerate(self.rows)):
            raise ValueError("row i of a lower triangle has i + 1 entries")
        return self

    @classmethod
    def of(cls, matrix: np.ndarray) -> Self:
        """The lower triangle of a matrix (n, n), to six digits."""
        return cls(rows=tuple(digits(row[: i + 1]) for i, row in enumerate(matrix)))

    def square(self) -> np.ndarray:
        """The matrix (n, n) float64, NaN where an entry is unknown."""
        matrix = np.full((len(self.rows), len(self.rows)), np.nan)
        for i, row in enumerate(self.rows):
            matrix[i, : i + 1] = matrix[: i + 1, i] = [np.nan if value is None else value for value in row]
        return matrix


class Kept(_Part):
    """What is kept in `results/`, with a digest of its content; files of earlier versions have none."""

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "digest" not in values:
            return values
        content = {name: value for name, value in values.items() if name != "digest"}
        if values["digest"] != _digest(content):
            raise ValueError("its content is not what was written")
        return content

    def content(self) -> dict[str, Any]:
        """Its entries as plain values, the digest last."""
        values = self.model_dump(mode="json")
        return values | {"digest": _digest(values)}


class RunResult(Kept):
    """The result of a run (suite, method, seed).

    parameters: of the method and its classifier, as plain values.
    joint: whether one model serves all tasks.
    trained: one record of a joint model, or one for each task, or one that sums these up; of a mixture those of both
        encoders.
    represented: what the representations cost, of a mixture by both; None where it was not recorded.
    similarity, centered: task similarity of the training series (Figure 2), the paper's form and the centered one;
        label_affinity: Equation 4 over the labels of all heads. None where no model serves all tasks, or it has no
        heads or very many labels, or they were not measured.
    curves: how training went, task by task.
    """

    suite: str
    method: str
    seed: int
    parameters: dict[str, Any]
    joint: bool
    tasks: tuple[TaskResult, ...] = Field(min_length=1)
    trained: tuple[TrainingRecord, ...] = ()
    represented: RepresentationRecord | None = None
    similarity: Triangle | None = None
    centered: Triangle | None = None
    label_affinity: Triangle | None = None
    curves: tuple[Curve, ...] = ()

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if len({task.task for task in self.tasks}) < len(self.tasks):
            raise ValueError("a task stands there twice")
        labels = sum(len(task.classes) for task in self.tasks)
        for name, size in (("similarity", len(self.tasks)), ("centered", len(self.tasks)), ("label_affinity", labels)):
            triangle = getattr(self, name)
            if triangle is not None and len(triangle.rows) != size:
                raise ValueError(f"{name} has {len(triangle.rows)} rows, expected {size}")
        return self


def digits(values: np.ndarray) -> Values:
    """Numbers to six digits, which is more than a figure shows; None for what is not finite."""
    return tuple(float(f"{value:.6g}") if np.isfinite(value) else None for value in values)


def write_result(path: Path, result: RunResult) -> None:
    """Write a result to `path`, whole or not at all; an entry a line, so that a comparison of two files reads well."""
    entries = []
    for name, value in result.content().items():
        if isinstance(value, list) and value:
            text = "[\n" + ",\n".join(f"  {json.dumps(one, ensure_ascii=False)}" for one in value) + "\n ]"
        else:
            text = json.dumps(value, ensure_ascii=False)
        entries.append(f' "{name}": {text}')
    with atomic_write(path) as part:
        part.write_text("{\n" + ",\n".join(entries) + "\n}\n", "utf-8", newline="\n")


_Known = TypeVar("_Known", bound=_Record)


def write_record(path: Path, record: _Record) -> None:
    """Write what a stage says of its work to `path`, whole or not at all, digests included; its own comes last."""
    values = {name: getattr(record, name) for name in type(record).model_fields}
    with atomic_write(path) as part:
        part.write_text(json.dumps(values | {"digest": _digest(values)}, indent=2, ensure_ascii=False) + "\n", "utf-8")


def read_record(path: Path, kind: type[_Known], run: Run, stage: str) -> _Known:
    """A record that a stage left.

    Raises:
        InputError: if there is none, or it does not hold what it should.
    """
    try:
        content = regular(path).read_bytes()
        record = kind.model_validate_json(content)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {run.remedy(stage)}.") from None
    except (ValidationError, OSError) as error:
        raise InputError(f"{path} does not hold a record ({fault(error)}); {run.remedy(stage)}.") from error
    if not _is_as_written(content):
        raise InputError(f"{path} holds other content than was written; {run.remedy(stage)}.")
    if record.run not in (None, owner := run.owner(stage)):  # as after a copy of another seed's folders
        raise InputError(f"{path} is of {record.run}, expected {owner}; {run.remedy(stage)}.")
    return record


def _is_as_written(record: bytes) -> bool:
    """Whether a record has the values that its digest is of; one of an earlier version has none."""
    values = json.loads(record)
    return values.pop("digest", None) in (None, _digest(values))


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def read_result(path: Path, suite: str, method: str, seed: int) -> RunResult:
    """Read what `write_result` wrote.

    Raises:
        InputError: if the file does not hold the result of that run.
    """
    remedy = f"run 'mtcs measure {method} {suite} --seed {seed}', or take the file from git"
    try:
        result = RunResult.model_validate_json(regular(path).read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{path} does not hold the result of a run ({fault(error)}); {remedy}.") from error
    if (result.suite, result.method, result.seed) != (suite, method, seed):
        raise InputError(
            f"{path} holds {result.method} on {result.suite} with seed {result.seed}, expected {method} on {suite} "
            f"with seed {seed}; {remedy}."
        )
    return result
