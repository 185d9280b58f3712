"""The file of a trained model, which describes itself: beside its weights stands all that is needed to use them.

A `.safetensors` file whose metadata hold the format's version, the method's parameters, the tasks in order with their
labels, lengths, training mean and standard deviation and values that stand for missing ones, the seed, and the version
of `mtcs`. Reading it runs no code of the file and needs neither `params.yaml` nor any series.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from torch import Tensor

import mtcs
from mtcs.config.methods import MethodSpec, Spec
from mtcs.data.task import TaskInfo
from mtcs.errors import InputError, counted, fault, listed
from mtcs.methods import build_method
from mtcs.methods.base import Method
from mtcs.training.tensor_file import read_tensors, remedy_of, write_tensors

FORMAT = "mtcs-model/1"


class _Description(BaseModel, frozen=True, extra="forbid"):
    spec: MethodSpec
    tasks: Annotated[tuple[TaskInfo, ...], Field(max_length=100_000)]  # none of an encoder alone
    seed: int


@dataclass(frozen=True)
class Model:
    """A trained method and what it was built for.

    spec: the method's parameters; tasks: in the order of training.
    """

    method: Method
    spec: Spec
    tasks: tuple[TaskInfo, ...]
    seed: int

    def task(self, name: str) -> TaskInfo:
        """Raises InputError, with the known names, if the model was not trained on a task of that name."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise InputError(f"Unknown task {name}; the model has {listed(task.name for task in self.tasks)}.")

    def check_task(self, task: TaskInfo, remedy: str) -> None:
        """Raises InputError if the model was trained on no task of that name, or on one that differs: in what."""
        if task.name not in (names := [one.name for one in self.tasks]):
            raise InputError(f"The model was trained on {listed(names)}, not on {task.name}; {remedy}.")
        known = self.task(task.name)
        if known.channels != task.channels:
            what = f"{counted(task.channels, 'channel')}, and not the {known.channels} that"
        elif replace(known, missing=task.missing) != task:
            what = "other labels or another scale than"
        elif known != task:
            what = "other values that stand for missing ones than"
        else:
            return
        raise InputError(f"{task.name} has {what} the model was trained on; {remedy}.")


def save_model(path: Path, method: Method, spec: Spec, tasks: Sequence[TaskInfo], seed: int) -> None:
    """Write a trained method to `path` (`.safetensors`), whole or not at all; the same model gives the same bytes."""
    metadata = {
        "format": FORMAT,
        "mtcs": mtcs.__version__,
        "description": describe(spec, tasks, seed),
    }
    write_tensors(path, method.state_dict(), metadata)


def load_model(path: Path, remedy: str = "run 'mtcs train' again") -> Model:
    """Read the model that `save_model` wrote.

    Args:
        path: the file.
        remedy: what to do if there is none, or it is not whole.

    Raises:
        InputError: in one line, if there is no such file, it is no model, of another format, or its weights are not
            those of the method that it describes.
    """
    metadata, weights = read_tensors(path, FORMAT, "model", remedy)
    return build_described(path, metadata, weights, remedy_of(metadata, remedy))


def describe(spec: Spec, tasks: Sequence[TaskInfo], seed: int) -> str:
    """What `build_described` needs beside the weights, as JSON."""
    entries = [asdict(task) for task in tasks]
    return json.dumps({"spec": spec.model_dump(mode="json"), "tasks": entries, "seed": seed}, ensure_ascii=False)


def build_described(path: Path, metadata: Mapping[str, str], weights: dict[str, Tensor], remedy: str) -> Model:
    """The model of a file whose metadata hold what `describe` gave.

    Raises:
        InputError: if it describes no model, or its weights are not those of the method that it describes.
    """
    try:
        description = TypeAdapter(_Description).validate_json(metadata.get("description", "{}"))
    except ValidationError as error:
        raise InputError(f"{path} describes no model ({fault(error):.200}); {remedy}.") from error
    tasks = description.tasks
    try:
        with torch.device("meta"):  # no memory for what the file only claims, and no draw from the generator
            method = build_method(description.spec, tasks)
        expected, given = (_kinds(tensors) for tensors in (method.state_dict(), weights))
        if expected != given:
            raise ValueError(_first_difference(expected, given))
        if odd := [name for name, weight in weights.items() if not weight.isfinite().all()]:
            raise ValueError(f"{odd[0]} has values that are not finite")
        kept = {name: weights[name].to(one.dtype) for name, one in method.state_dict().items()}
        method.load_state_dict(kept, assign=True)
    except (ValueError, RuntimeError, TypeError, OverflowError, MemoryError) as error:
        what = " ".join(str(error).split())[:200]
        raise InputError(f"{path} does not hold the weights it describes ({what}); {remedy}.") from error
    return Model(method, description.spec, tasks, description.seed)


def _kinds(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Shapes and kinds of number, in words, by name; floats of any precision are one kind, as a file may keep half."""
    return {
        name: f"{tuple(one.shape)} of {'floats' if one.is_floating_point() else str(one.dtype).removeprefix('torch.')}"
        for name, one in tensors.items()
    }


def _first_difference(expected: dict[str, str], stored: dict[str, str]) -> str:
    for name in sorted(expected.keys() | stored.keys()):
        if expected.get(name) != stored.get(name):
            return f"{name} has shape {stored.get(name, 'none')}, expected {expected.get(name, 'none')}"
    return "other names"
