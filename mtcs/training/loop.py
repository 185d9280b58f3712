"""The only training loop: any method, on one task or a suite, that can be killed at any moment and continued.

An epoch is a function of the weights, the optimiser's state, the seed and the epoch's number alone: its order and
its random numbers come from a generator seeded with the last two. A checkpoint of weights and optimiser after each
epoch is therefore all that is needed to end, after any kill, with the weights of an unbroken run.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import safetensors
import safetensors.torch
import torch
import torch.utils.deterministic
from torch import Tensor

import mtcs
from mtcs.config.machine import DeviceName, PrecisionName
from mtcs.data.task import Split, Task
from mtcs.errors import InputError, WorkError
from mtcs.layout import atomic_write
from mtcs.methods.base import Batch, Method
from mtcs.ops.memory import keep_freed_memory
from mtcs.progress import progress
from mtcs.specs import MethodSpec
from mtcs.specs.base import Schedule

_SAVING = 0.05  # of the time may go into checkpoints, where epochs are short

COLUMNS = ("step", "epoch", "task", "loss", "sharing_loss", "relevant_share", "learning_rate", "series_per_second")


@dataclass(frozen=True)
class Hardware:
    """Where tensors live and how matrix products round."""

    device: torch.device
    bf16: bool

    def __str__(self) -> str:
        if self.device.type == "cuda":
            return f"cuda: {torch.cuda.get_device_name(self.device)}"
        return f"cpu: {_processor()}, {torch.get_num_threads()} threads"

    @property
    def precision(self) -> str:
        return "bf16" if self.bf16 else "fp32"

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


def hardware(device: DeviceName = "auto", precision: PrecisionName = "auto", steady: bool = True) -> Hardware:
    """The device and the precision asked for, or with `auto` the best there is.

    steady: whether training steps repeat their lengths (`Spec.steady`).

    Raises:
        InputError: if CUDA is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is cuda, but no CUDA device is available here; take --device cpu or auto.")
    name = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    # bf16 products without matrix units (AMX, tensor cores) are emulated, and slower than fp32.
    fast = (
        torch.cuda.is_bf16_supported(including_emulation=False)
        if name == "cuda"
        else steady and torch.cpu._is_amx_tile_supported()
    )
    return Hardware(torch.device(name), precision == "bf16" or (precision == "auto" and fast))


@dataclass
class Progress:
    """How far a run has come: what a checkpoint holds beside weights and optimiser."""

    epoch: int = 0
    series: int = 0
    seconds: float = 0.0
    peak: float = 0.0  # memory, in MB, before an interruption too
    rows: list[tuple[float, ...]] = field(default_factory=list)  # COLUMNS, the task as its index


@dataclass(frozen=True)
class Trained:
    """What is left of a training beside the weights.

    curves: one row a step with the columns `COLUMNS`.
    seconds: spent training, those before an interruption included.
    series: seen in that time, each pass counted.
    peak: largest memory held, in MB, as `peak_memory`, before an interruption too.
    """

    curves: pd.DataFrame
    seconds: float
    series: int
    peak: float


def fit(
    method: Method,
    tasks: Sequence[Task],
    schedule: Schedule,
    seed: int,
    on: Hardware,
    checkpoint: Path | None = None,
) -> Trained:
    """Train `method` in place on the training splits of `tasks`.

    Mini-batches of all tasks are shuffled together, each from one task; every series is seen once an epoch.
    checkpoint: written after each epoch, or after several where they are short, and continued from where it exists;
        the caller removes it when the result is safe.

    Raises:
        WorkError: if a loss is not finite; the message names step, task and learning rate. If the checkpoint is none.
    """
    keep_freed_memory()
    method.to(on.device).train()
    total = count_steps(schedule, tasks)
    if total == 0:
        return Trained(_curves([], tasks), 0.0, 0, peak_memory(on))
    optimizer = _optimizer(method, schedule)
    average = [weight.detach().clone() for weight in method.parameters()] if schedule.average else []
    done = Progress()
    if checkpoint is not None and checkpoint.exists():
        done = _resume(checkpoint, method, optimizer, average)
    data = [_on(task.train, on.device) for task in tasks]
    saved, saving = time.perf_counter(), 0.0
    with _deterministic(on.device), progress("train", total, "steps") as advance:
        advance(len(done.rows), _epochs(schedule, done.epoch))
        while len(done.rows) < total:
            start = time.perf_counter()
            for text in _epoch(method, optimizer, average, tasks, data, schedule, total, seed, on, done):
                advance(len(done.rows), f"{_epochs(schedule, done.epoch + 1)}, {text}")
            done.epoch += 1
            now = time.perf_counter()
            done.seconds += now - start
            done.peak = max(done.peak, peak_memory(on))
            if checkpoint is not None and (len(done.rows) == total or saving <= _SAVING * (now - saved)):
                _save(checkpoint, method, optimizer, average, done)
                saved = time.perf_counter()
                saving = saved - now
    with torch.no_grad():
        for weight, mean in zip(method.parameters(), average, strict=schedule.average):
            weight.copy_(mean)
    return Trained(_curves(done.rows, tasks), done.seconds, done.series, done.peak)


def _curves(rows: list[tuple[float, ...]], tasks: Sequence[Task]) -> pd.DataFrame:
    curves = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"step": int, "epoch": int, "task": int})
    curves["task"] = [tasks[k].name for k in curves["task"]]
    return curves


def count_steps(schedule: Schedule, tasks: Sequence[Task]) -> int:
    """Mini-batches of a whole training of a model on `tasks`."""
    epoch = sum(len(_chunks(np.empty(len(task.train)), schedule)) for task in tasks)
    limits = (schedule.steps, None if schedule.epochs is None else schedule.epochs * epoch)
    return min(limit for limit in limits if limit is not None)


def _epochs(schedule: Schedule, epoch: int) -> str:
    return f"epoch {epoch}" if schedule.epochs is None else f"epoch {epoch}/{schedule.epochs}"


def _optimizer(method: Method, schedule: Schedule) -> torch.optim.Optimizer:
    settings: dict[str, Any] = {
        "lr": schedule.learning_rate,
        "betas": schedule.betas,
        "weight_decay": schedule.weight_decay,
    }
    match schedule.optimizer:
        case "adamw":
            return torch.optim.AdamW(method.parameters(), fused=True, **settings)
        case "adam":
            return torch.optim.Adam(method.parameters(), fused=True, **settings)
        case "radam":
            return torch.optim.RAdam(method.parameters(), **settings)


def _epoch(
    method: Method,
    optimizer: torch.optim.Optimizer,
    average: list[Tensor],
    tasks: Sequence[Task],
    data: Sequence[tuple[Tensor, Tensor]],
    schedule: Schedule,
    total: int,
    seed: int,
    on: Hardware,
    done: Progress,
) -> Iterator[str]:
    """One pass over all series, or what is left of `total` steps; yields a text each time losses were looked at."""
    generator = np.random.default_rng((seed, done.epoch))
    torch.manual_seed(int(generator.integers(2**63)))
    batches = [
        (k, part) for k, task in enumerate(tasks) for part in _chunks(generator.permutation(len(task.train)), schedule)
    ]
    order, before = generator.permutation(len(batches)), len(done.rows)
    order = order[: total - before]
    # Reading a loss waits for the device: on a GPU a batch of steps is read at once.
    every = 1 if on.device.type == "cpu" else 50
    pending: list[tuple[int, int, dict[str, Tensor]]] = []
    since = time.perf_counter()
    rate = optimizer.param_groups[0]["lr"]
    for position, choice in enumerate(order, 1):
        k, rows = batches[choice]
        series, labels = data[k]
        index = torch.from_numpy(rows).to(on.device)
        with on.autocast():
            loss = method.loss(Batch(tasks[k].name, series[index], labels[index]))
        optimizer.zero_grad()
        loss.backward()
        if schedule.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(method.parameters(), schedule.clip_norm)
        optimizer.step()
        if average:
            with torch.no_grad():
                for mean, weight in zip(average, method.parameters(), strict=True):
                    mean.lerp_(weight, 1 / (before + position))
        pending.append((k, len(rows), {"loss": loss.detach(), **method.parts}))
        if position % every and position < len(order):
            continue
        values = [(k, count, {name: float(value) for name, value in parts.items()}) for k, count, parts in pending]
        now = time.perf_counter()
        seen = sum(count for _, count, _ in values)
        done.series += seen
        for k, _, parts in values:
            step = len(done.rows) + 1
            if not math.isfinite(parts["loss"]):
                raise WorkError(
                    f"The loss is {parts['loss']} at step {step} (epoch {done.epoch + 1}) on {tasks[k].name} with "
                    f"learning rate {rate:g}; lower `schedule.learning_rate` or look at that task's data."
                )
            done.rows.append(
                (
                    step,
                    done.epoch + 1,
                    k,
                    parts["loss"],
                    parts.get("sharing_loss", math.nan),
                    parts.get("relevant_share", math.nan),
                    rate,
                    round(seen / (now - since), 1),
                )
            )
        yield f"loss {values[-1][2]['loss']:.3f}"
        pending, since = [], now


def represent(method: Method, series: np.ndarray, on: Hardware, task: str | None = None) -> np.ndarray:
    """Instance representations of series (n, T) of a task, NaN where padded or missing -> (n, D) float32."""
    keep_freed_memory()
    method.to(on.device).eval()
    # About 16,000 time steps at once: activations of a few layers fit the cache of a CPU.
    size = max(1, (16_384 if on.device.type == "cpu" else 1 << 20) // series.shape[1])
    with torch.inference_mode(), on.autocast():
        parts = [
            method.represent(torch.from_numpy(series[start : start + size]).to(on.device), task).cpu()
            for start in range(0, len(series), size)
        ]
    return torch.cat(parts).numpy()


def save_weights(path: Path, method: Method) -> None:
    """Write a method's weights as safetensors; the same weights give the same bytes."""
    with atomic_write(path) as part:
        part.write_bytes(safetensors.torch.save({name: t.contiguous() for name, t in method.state_dict().items()}))


def load_weights(path: Path, method: Method) -> None:
    """Read the weights that `save_weights` wrote into `method`.

    Raises:
        InputError: if there is no such file, or its tensors are not this method's.
    """
    try:
        method.load_state_dict(safetensors.torch.load(path.read_bytes()))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run 'mtcs train' for that suite, method and seed first.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it readable.") from error
    except (safetensors.SafetensorError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise InputError(
            f"{path} does not hold these parameters' weights ({reason}); run 'mtcs train' again."
        ) from error


def run_key(spec: MethodSpec, tasks: Sequence[Task], seed: int, on: Hardware) -> str:
    """Digest of all that determines a run: parameters, training data, seed, hardware, versions, our own code."""
    digest = hashlib.sha256()
    facts = [spec.model_dump_json(), seed, str(on), on.precision, torch.__version__, np.__version__]
    digest.update(json.dumps(facts).encode())
    for task in tasks:
        digest.update(f"{task.name} {task.train.series.shape} {task.classes}".encode())
        digest.update(task.train.series.tobytes())
        digest.update(task.train.labels.tobytes())
    package = Path(mtcs.__file__).parent
    folders = ("encoders", "methods", "ops", "specs", "training")
    for path in sorted([package / "sharing.py", *(path for one in folders for path in package.glob(f"{one}/*.py"))]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def versions() -> dict[str, str]:
    """Versions that stand behind a result."""
    return {
        "mtcs": mtcs.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def peak_memory(on: Hardware) -> float:
    """Largest memory held so far, in MB: of the device for CUDA, else of the process."""
    if on.device.type == "cuda":
        return torch.cuda.max_memory_allocated(on.device) / 1e6
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _save(path: Path, method: Method, optimizer: torch.optim.Optimizer, average: list[Tensor], done: Progress) -> None:
    tensors = {f"method.{name}": tensor.contiguous() for name, tensor in method.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    tensors |= {f"average.{index}": tensor for index, tensor in enumerate(average)}
    tensors["rows"] = torch.tensor(done.rows, dtype=torch.float64)
    with atomic_write(path) as part:
        facts = {name: repr(getattr(done, name)) for name in ("epoch", "series", "seconds", "peak")}
        part.write_bytes(safetensors.torch.save(tensors, metadata=facts))


def _resume(path: Path, method: Method, optimizer: torch.optim.Optimizer, average: list[Tensor]) -> Progress:
    try:
        with safetensors.safe_open(path, "pt") as file:
            facts = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.offset_keys()}
        rows = [tuple(row) for row in tensors.pop("rows").tolist()]
        spent = float(facts["seconds"]), float(facts["peak"])
        done = Progress(int(facts["epoch"]), int(facts["series"]), *spent, rows)
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise WorkError(f"{path} is not a checkpoint ({error}); remove it and run the same command again.") from error
    method.load_state_dict({n.removeprefix("method."): t for n, t in tensors.items() if n.startswith("method.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for index, mean in enumerate(average):
        mean.copy_(tensors[f"average.{index}"])
    print(f"Continuing after epoch {done.epoch} from {path}.", file=sys.stderr, flush=True)
    return done


@contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
    """On a CPU, scattered sums in a fixed order: the same seed gives the same weights."""
    before, flags = torch.are_deterministic_algorithms_enabled(), cast(Any, torch.utils.deterministic)
    fill = flags.fill_uninitialized_memory
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True)
        flags.fill_uninitialized_memory = False  # nothing here reads memory that it did not write
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        flags.fill_uninitialized_memory = fill


def _on(split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(split.series).to(device), torch.from_numpy(split.labels).to(device)


def _chunks(rows: np.ndarray, schedule: Schedule) -> list[np.ndarray]:
    """Mini-batches of rows (n,)."""
    size = schedule.batch_size
    end = len(rows) - len(rows) % size if schedule.drop_last and len(rows) > size else len(rows)
    return [rows[start : min(start + size, end)] for start in range(0, end, size)]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
