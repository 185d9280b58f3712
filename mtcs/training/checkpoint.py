"""A checkpoint: weights, optimiser and progress after an epoch, from which a killed training continues."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mtcs.config.methods import Spec
from mtcs.data.task import Task
from mtcs.errors import InputError
from mtcs.files import remove_abandoned
from mtcs.methods.base import Method
from mtcs.provenance import training_digest
from mtcs.training.hardware import Hardware
from mtcs.training.tensor_file import read_tensors, write_tensors

FORMAT = "mtcs-checkpoint/1"


@dataclass
class TrainingState:
    """How far a training has come: what a checkpoint holds beside weights and optimiser.

    rows: one a step, the columns of the training curves with the task as its index.
    peak: memory, in MB, before an interruption too.
    """

    epoch: int = 0
    series: int = 0
    seconds: float = 0.0
    peak: float = 0.0
    rows: list[tuple[float, ...]] = field(default_factory=list)


def checkpoint_key(spec: Spec, tasks: Sequence[Task], seed: int, hardware: Hardware) -> str:
    """Digest of all that determines a training: parameters, data, seed, hardware, versions, our own code."""
    digest = hashlib.sha256(training_digest(spec).encode())
    facts = [seed, str(hardware), hardware.precision, torch.__version__, np.__version__]
    digest.update(json.dumps(facts).encode())
    for task in tasks:
        digest.update(f"{task.name} {task.train.series.shape} {task.classes}".encode())
        digest.update(task.train.series.tobytes())
        digest.update(task.train.labels.tobytes())
    return digest.hexdigest()[:32]


def save_checkpoint(
    path: Path, method: Method, optimizer: torch.optim.Optimizer, average: list[Tensor], training: TrainingState
) -> None:
    """Write a checkpoint, whole or not at all."""
    tensors = {f"method.{name}": tensor for name, tensor in method.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    tensors |= {f"average.{index}": tensor for index, tensor in enumerate(average)}
    tensors["rows"] = torch.tensor(training.rows, dtype=torch.float64)
    facts = {name: repr(getattr(training, name)) for name in ("epoch", "series", "seconds", "peak")}
    write_tensors(path, tensors, {"format": FORMAT, **facts})


def read_checkpoint(
    path: Path, method: Method, optimizer: torch.optim.Optimizer, average: list[Tensor]
) -> TrainingState | None:
    """Bring what `save_checkpoint` wrote into `method`, `optimizer` and `average`.

    None, with nothing changed, if there is no such file, or it is not as it was written: then it is set aside as
    `*.damaged`, and that is said on standard error.
    """
    if not path.exists():
        return None
    try:
        facts, tensors = read_tensors(path, FORMAT, "checkpoint", "training starts anew")
    except InputError as error:
        aside = path.with_name(f"{path.name}.damaged")
        path.replace(aside)
        print(f"{error} It is kept as {aside.name}.", file=sys.stderr)
        return None
    rows = [tuple(row) for row in tensors.pop("rows").tolist()]
    training = TrainingState(
        int(facts["epoch"]), int(facts["series"]), float(facts["seconds"]), float(facts["peak"]), rows
    )
    method.load_state_dict({n.removeprefix("method."): t for n, t in tensors.items() if n.startswith("method.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for index, mean in enumerate(average):
        mean.copy_(tensors[f"average.{index}"])
    print(f"Continuing after epoch {training.epoch} from {path}.", file=sys.stderr, flush=True)
    return training


def discard_checkpoints(folder: Path, runs: Sequence[str]) -> None:
    """Remove the checkpoints of finished runs: these, those of earlier parameters or code, and half-written ones."""
    names = "|".join(map(re.escape, runs))
    ours = re.compile(rf"\.?({names})-[0-9a-f]{{32}}\.safetensors.*")
    for path in folder.glob("*"):
        if ours.fullmatch(path.name):
            if path.name.startswith("."):
                remove_abandoned(path)  # another process may be writing it
            else:
                path.unlink(missing_ok=True)
