"""What the methods of a suite cost, all measured in one run on one machine: the file that a report reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from mtcs.errors import InputError, fault
from mtcs.evaluation.records import Part
from mtcs.evaluation.results import Kept
from mtcs.files import regular, write_text


class MethodCost(Part):
    """What one method costs on a suite.

    method: its name, or that of a reading.
    parameters: of the method and its classifier, as plain values.
    models: how many serve the suite; 0 where nothing is trained.
    training_seconds: of all models together, projected; None where nothing is trained.
    reading_seconds: from raw series to labels once models are trained: representing all series, fitting classifiers
        and labelling the test series, projected; None in files of version 0.1.
    series_per_second: from raw series to representation, or, of DTW, to the nearest neighbor; None where a classifier
        computes features itself.
    weights: trainable numbers of the largest model.
    peak_memory_mb: of training, of the device for CUDA, else of a process that has done nothing else; None of readings
        and where a classifier computes features itself, since a sample does not tell.
    """

    method: str
    parameters: dict[str, Any]
    models: int = Field(ge=0)
    training_seconds: float | None = Field(ge=0)
    reading_seconds: float | None = Field(None, ge=0)
    series_per_second: float | None = Field(gt=0)
    weights: int = Field(ge=0)
    peak_memory_mb: float | None = Field(gt=0)
    device: str
    precision: str


class SuiteCosts(Kept):
    """What methods cost on a suite.

    steps: of training that were timed on each task; series: of each task, at most, that were represented.
    fitted: training series up to which a classifier was timed on all of a task; of more the time is projected. None in
        files of earlier versions.
    load: processes that kept the machine busy in the minute before, on average.
    commit: of the code; None where that is unknown.
    """

    suite: str
    tasks: tuple[str, ...]
    steps: int = Field(ge=1)
    series: int = Field(ge=1)
    fitted: int | None = Field(None, ge=1)
    load: float = Field(ge=0)
    versions: dict[str, str]
    commit: str | None
    methods: tuple[MethodCost, ...] = Field(min_length=1)


def write_costs(path: Path, costs: SuiteCosts) -> None:
    """Write costs to `path`, whole or not at all."""
    write_text(path, json.dumps(costs.content(), indent=1, ensure_ascii=False) + "\n")


def read_costs(path: Path, suite: str) -> SuiteCosts:
    """Read what `write_costs` wrote.

    Raises:
        InputError: if the file does not hold the costs of that suite.
    """
    remedy = f"run 'mtcs cost {suite}', or remove the file"
    try:
        costs = SuiteCosts.model_validate_json(regular(path).read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{path} does not hold the costs of a suite ({fault(error)}); {remedy}.") from error
    if costs.suite != suite:
        raise InputError(f"{path} holds the costs of {costs.suite}, expected those of {suite}; {remedy}.")
    return costs
