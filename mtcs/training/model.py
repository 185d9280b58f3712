"""The file of a trained model, which describes itself: beside its weights stands all that is needed to use them.

A `.safetensors` file whose metadata hold the format's version, the method's parameters, the tasks in order with their
labels, lengths, training mean and standard deviation and values that stand for missing ones, the seed, and the version
of `mtcs`. Reading it runs no code of the file and needs neither `params.yaml` nor any series.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import safetensors
import safetensors.torch
import torch
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator
from torch import Tensor

import mtcs
from mtcs.config.methods import MethodSpec, Spec
from mtcs.data.task import TaskInfo
from mtcs.data.text import counted
from mtcs.errors import InputError, fault
from mtcs.files import atomic_write, regular
from mtcs.methods import build_method
from mtcs.methods.base import Method

FORMAT = "mtcs-model/1"


_PerChannel = Annotated[tuple[float, ...], Field(min_length=2, max_length=100_000)]


class TaskEntry(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """What a file says of a task, as `TaskInfo`."""

    name: str
    classes: Annotated[tuple[str, ...], Field(min_length=1, max_length=100_000)]
    length: int = Field(ge=1)
    mean: float | _PerChannel
    std: Annotated[float, Field(gt=0)] | Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=2)]
    missing: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _has_scales(self) -> TaskEntry:
        if np.shape(self.mean) != np.shape(self.std):
            raise ValueError("mean and std are of different numbers of channels")
        return self


class _Description(BaseModel, frozen=True, extra="forbid"):
    spec: MethodSpec
    tasks: Annotated[tuple[TaskEntry, ...], Field(max_length=100_000)]  # none of an encoder alone
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
        raise InputError(f"Unknown task {name}; the model has {', '.join(task.name for task in self.tasks)}.")

    def check_task(self, task: TaskInfo, remedy: str) -> None:
        """Raises InputError if the model was trained on no task of that name, or on one that differs: in what."""
        if task.name not in (names := [one.name for one in self.tasks]):
            raise InputError(f"The model was trained on {', '.join(names)}, not on {task.name}; {remedy}.")
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
    tasks = tuple(TaskInfo(**entry.model_dump()) for entry in description.tasks)
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
        raise InputError(f"{path} does not hold the weights it describes ({_short(error)}); {remedy}.") from error
    return Model(method, description.spec, tasks, description.seed)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write tensors, metadata and a digest of both to `path`, whole or not at all; equal ones give equal bytes."""
    plain = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
    metadata = metadata | {"digest": _digest(plain, metadata)}
    with atomic_write(path) as part:
        part.write_bytes(_ordered(safetensors.torch.save(plain, metadata=metadata)))


def read_tensors(path: Path, expected: str, what: str, remedy: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a file of the format `expected`, which holds a `what`; no code is loaded.

    Raises:
        InputError: in one line, if there is no such file, it is not of that format, or not as it was written.
    """
    try:
        content = regular(path).read_bytes()
        metadata = _metadata(content)
        tensors = safetensors.torch.load(content)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {remedy}.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; {remedy}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it readable.") from error
    except MemoryError:
        raise InputError(f"{path} is larger than the memory of this machine; {remedy}.") from None
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is no {what} of mtcs ({_short(error)}); {remedy}.") from error
    if metadata.get("format") != expected:
        version = metadata.get("format", "of an earlier version")
        if newer := _newer_format(version, expected):
            raise InputError(f"{path} was written by a newer mtcs ({newer}); upgrade mtcs.")
        raise InputError(f"{path} has the format {version!r:.60}, expected {expected!r}; {remedy}.")
    if metadata.pop("digest", None) not in (None, _digest(tensors, metadata)):  # None: of an earlier version
        raise InputError(f"{path} holds other content than was written; {remedy}.")
    return metadata, tensors


def _newer_format(version: str, expected: str) -> str | None:
    """Which format a file has, in words, if it is a later one than the expected "mtcs-model/1"."""
    kind, _, known = expected.partition("/")
    number = re.fullmatch(rf"{kind}/([0-9]{{1,6}})", version)
    if number is None or int(number[1]) <= int(known):
        return None
    return f"format {number[1]}; this one reads up to {known}"


def remedy_of(metadata: Mapping[str, str], remedy: str) -> str:
    """What to do about a file that cannot be used: upgrade if a later version of mtcs wrote it, else `remedy`."""
    written, own = (re.findall(r"[0-9]{1,6}", text)[:3] for text in (metadata.get("mtcs", ""), mtcs.__version__))
    if [*map(int, written)] <= [*map(int, own)]:
        return remedy
    return f"it was written by mtcs {'.'.join(written)}, newer than this {'.'.join(own)}: upgrade mtcs"


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if tensor.numel():  # an empty one cannot be seen as bytes
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]


def _metadata(content: bytes) -> dict[str, str]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]).get("__metadata__") or {}


def _ordered(content: bytes) -> bytes:
    """The same file with its metadata in a fixed order; safetensors writes them in the order of a hash map."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


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


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
