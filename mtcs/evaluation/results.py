"""What a run amounts to, in one small file: all that a report says of it, on any machine and without the run's data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from mtcs.errors import InputError, fault
from mtcs.evaluation.records import Digested, Part, RepresentationRecord, TrainingRecord, content_digest
from mtcs.files import regular, write_text

Share = Annotated[float, Field(ge=0, le=1)]
Values = tuple[float | None, ...]
"""Numbers of a series of points; None where there is none."""


class TaskResult(Part):
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


class Curve(Part):
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


class Triangle(Part):
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


class Kept(Digested):
    """What is kept in `results/`."""

    def content(self) -> dict[str, Any]:
        """Its entries as plain values, the digest last."""
        values = self.model_dump(mode="json")
        return values | {"digest": content_digest(values)}


class RunResult(Kept):
    """The result of a run (suite, method, seed).

    parameters: of the method and its classifier, as plain values.
    joint: whether one model serves all tasks.
    few_labels: how many training series of each label its data kept, and by which draw; None where all were kept, and
        in earlier results.
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
    few_labels: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=0)]] | None = None
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
    write_text(path, "{\n" + ",\n".join(entries) + "\n}\n")


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
