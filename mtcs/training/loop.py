"""The only training loop: any method, on one task or a suite, that can be killed at any moment and continued.

An epoch is a function of the weights, the optimiser's state, the seed and the epoch's number alone: its order and
its random numbers come from a generator seeded with the last two. A checkpoint of weights and optimiser after each
epoch is therefore all that is needed to end, after any kill, with the weights of an unbroken run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mtcs.config.methods import Spec
from mtcs.config.schedule import Schedule
from mtcs.data.task import Split, Task
from mtcs.errors import WorkError
from mtcs.methods import prepared_method
from mtcs.methods.base import Batch, Method
from mtcs.ops.memory import keep_freed_memory
from mtcs.ops.random_numbers import own_random_numbers
from mtcs.progress import progress
from mtcs.training.checkpoint import TrainingState, read_checkpoint, save_checkpoint
from mtcs.training.hardware import Hardware, deterministic, peak_memory

_SAVING = 0.05  # of the time may go into checkpoints, where epochs are short

COLUMNS = ("step", "epoch", "task", "loss", "sharing_loss", "relevant_share", "learning_rate", "series_per_second")


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

    @property
    def series_per_second(self) -> float:
        return self.series / self.seconds if self.seconds else 0.0


def fit(
    method: Method,
    tasks: Sequence[Task],
    schedule: Schedule,
    seed: int,
    hardware: Hardware,
    checkpoint: Path | None = None,
) -> Trained:
    """Train `method` in place on the training splits of `tasks`.

    Mini-batches of all tasks are shuffled together, each from one task; every series is seen once an epoch.

    Args:
        method: fresh from `prepared_method`.
        tasks: those that it was built for.
        schedule: how long, and with which steps.
        seed: of the order and of the objective's random numbers.
        hardware: where, and in which precision.
        checkpoint: written after each epoch, or after several where they are short, and continued from where it
            exists; the caller removes it when the result is safe.

    Raises:
        WorkError: if a loss is not finite; the message names step, task and learning rate.
    """
    keep_freed_memory()
    method.to(hardware.device).train()
    total = count_steps(schedule, tasks)
    if total == 0:
        return Trained(_curves([], tasks), 0.0, 0, peak_memory(hardware))
    training = _Training(method, tasks, schedule, total, seed, hardware)
    if checkpoint is not None:
        training.resume(checkpoint)
    state = training.state
    saved, saving = time.perf_counter(), 0.0
    with deterministic(hardware.device), progress("train", total, "steps") as advance:
        advance(len(state.rows), _epochs(schedule, state.epoch))
        while len(state.rows) < total:
            start = time.perf_counter()
            for text in training.epoch():
                advance(len(state.rows), f"{_epochs(schedule, state.epoch + 1)}, {text}")
            state.epoch += 1
            now = time.perf_counter()
            state.seconds += now - start
            state.peak = max(state.peak, peak_memory(hardware))
            if checkpoint is not None and (len(state.rows) == total or saving <= _SAVING * (now - saved)):
                save_checkpoint(checkpoint, method, training.optimizer, training.average, state)
                saved = time.perf_counter()
                saving = saved - now
    if schedule.average:
        with torch.no_grad():
            for weight, mean in zip(method.parameters(), training.average, strict=True):
                weight.copy_(mean)
    return Trained(_curves(state.rows, tasks), state.seconds, state.series, state.peak)


def train_method(
    spec: Spec, tasks: Sequence[Task], seed: int, hardware: Hardware, checkpoint: Path | None = None
) -> tuple[Method, Trained]:
    """A method of these parameters, built for `tasks` and trained on them; the arguments are those of `fit`.

    Trainings in threads of one process wait for one another.
    """
    with own_random_numbers(hardware.device):
        torch.manual_seed(seed)
        method = prepared_method(spec, tasks)
        return method, fit(method, tasks, spec.schedule_for(tasks), seed, hardware, checkpoint)


def count_steps(schedule: Schedule, tasks: Sequence[Task]) -> int:
    """Mini-batches of a whole training of a model on `tasks`."""
    epoch = sum(schedule.batches(len(task.train)) for task in tasks)
    limits = (schedule.steps, None if schedule.epochs is None else schedule.epochs * epoch)
    return min(limit for limit in limits if limit is not None)


class _Training:
    """A method, its optimiser and its data while it is trained.

    average: the running mean of the weights, where the schedule asks for one; else empty.
    """

    def __init__(
        self, method: Method, tasks: Sequence[Task], schedule: Schedule, total: int, seed: int, hardware: Hardware
    ) -> None:
        self.method, self.tasks, self.schedule = method, tasks, schedule
        self.total, self.seed, self.hardware = total, seed, hardware
        self.optimizer = _optimizer(method, schedule)
        self.average = [weight.detach().clone() for weight in method.parameters()] if schedule.average else []
        self.data = [_on(task.train, hardware.device) for task in tasks]
        self.state = TrainingState()

    def resume(self, checkpoint: Path) -> None:
        """Go on from a checkpoint, or from the beginning if there is none."""
        self.state = read_checkpoint(checkpoint, self.method, self.optimizer, self.average) or self.state

    def epoch(self) -> Iterator[str]:
        """One pass over all series, or what is left of it; yields a text each time losses were looked at."""
        generator = np.random.default_rng((self.seed, self.state.epoch))
        torch.manual_seed(int(generator.integers(2**63)))
        batches = [
            (k, rows)
            for k, task in enumerate(self.tasks)
            for rows in _mini_batches(generator.permutation(len(task.train)), self.schedule)
        ]
        order, before = generator.permutation(len(batches)), len(self.state.rows)
        order = order[: self.total - before]
        # Reading a loss waits for the device: on a GPU a batch of steps is read at once.
        every = 1 if self.hardware.device.type == "cpu" else 50
        pending: list[tuple[int, int, dict[str, Tensor]]] = []
        since = time.perf_counter()
        for position, choice in enumerate(order, 1):
            k, rows = batches[choice]
            pending.append((k, len(rows), self._step(k, rows, before + position)))
            if position % every and position < len(order):
                continue
            values = [(k, count, {n: float(value) for n, value in metrics.items()}) for k, count, metrics in pending]
            now = time.perf_counter()
            self._record(values, now - since)
            yield f"loss {values[-1][2]['loss']:.3f}"
            pending, since = [], now

    def _step(self, k: int, rows: np.ndarray, number: int) -> dict[str, Tensor]:
        """One step on a mini-batch of task k: its loss and what that was made of, still on the device."""
        series, labels = self.data[k]
        index = torch.from_numpy(rows).to(self.hardware.device)
        with self.hardware.autocast():
            batch = series[index].flatten(0, -2)  # (B * channels, T)
            loss = self.method.loss(Batch(self.tasks[k].name, batch, labels[index], self.tasks[k].channels))
        self.optimizer.zero_grad()
        loss.backward()
        if self.schedule.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.method.parameters(), self.schedule.clip_norm)
        self.optimizer.step()
        if self.average:
            with torch.no_grad():
                for mean, weight in zip(self.average, self.method.parameters(), strict=True):
                    mean.lerp_(weight, 1 / number)
        return {"loss": loss.detach(), **self.method.metrics}

    def _record(self, values: Sequence[tuple[int, int, dict[str, float]]], seconds: float) -> None:
        """Append rows of the training curves; raises WorkError at a loss that is not finite."""
        rate = self.optimizer.param_groups[0]["lr"]
        seen = sum(count for _, count, _ in values)
        self.state.series += seen
        for k, _, metrics in values:
            step, epoch = len(self.state.rows) + 1, self.state.epoch + 1
            if not math.isfinite(metrics["loss"]):
                raise WorkError(
                    f"The loss is {metrics['loss']} at step {step} (epoch {epoch}) on {self.tasks[k].name} with "
                    f"learning rate {rate:g}; lower `schedule.learning_rate` or look at that task's data."
                )
            shares = (metrics.get("sharing_loss", math.nan), metrics.get("relevant_share", math.nan))
            self.state.rows.append((step, epoch, k, metrics["loss"], *shares, rate, round(seen / seconds, 1)))


def _curves(rows: list[tuple[float, ...]], tasks: Sequence[Task]) -> pd.DataFrame:
    curves = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"step": int, "epoch": int, "task": int})
    curves["task"] = [tasks[k].name for k in curves["task"]]
    return curves


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


def _on(split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(split.series).to(device), torch.from_numpy(split.labels).to(device)


def _mini_batches(rows: np.ndarray, schedule: Schedule) -> list[np.ndarray]:
    """Rows (n,) in the mini-batches of a pass."""
    size = schedule.batch_size
    return [rows[i * size : (i + 1) * size] for i in range(schedule.batches(len(rows)))]
