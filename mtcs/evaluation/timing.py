"""What a method costs on a suite, projected from a few training steps and a few representations of every task."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import torch

from mtcs.config.methods import Spec
from mtcs.data.task import Task
from mtcs.evaluation.cost import MethodCost
from mtcs.evaluation.nearest import FittedNearestNeighbor
from mtcs.evaluation.representations import represent
from mtcs.methods import prepared_method
from mtcs.methods.base import Method
from mtcs.training.hardware import Hardware, peak_memory
from mtcs.training.loop import count_steps, fit

STEPS = 15
"""Training steps that are timed on each task. Objectives that draw lengths at random need several for a fair mean."""

SERIES = 128
"""Series of each task that are represented, or searched for, at most."""


def time_method(
    method: str, spec: Spec, tasks: Sequence[Task], joint: bool, parameters: Mapping[str, object], hardware: Hardware
) -> MethodCost:
    """What a method costs, in a process that has done nothing else, since peak memory is the process's.

    On every task a training step warms up and `STEPS` are timed. A whole training has, of each task, the share of its
    steps that an epoch has; a method's seconds are the sum over these, and its rate is that of all the suite's series.

    Args:
        method: its name.
        spec: its parameters.
        tasks: those of the suite.
        joint: whether one model serves all tasks.
        parameters: of the method and its classifier, as plain values, for the record.
        hardware: where, and in which precision.

    Raises:
        WorkError: if a loss is not finite.
    """
    training, reading, series, models, weights = 0.0, 0.0, 0, 0, 0
    for scope in [list(tasks)] if joint else [[task] for task in tasks]:
        torch.manual_seed(0)
        model = prepared_method(spec, scope)
        size = sum(weight.numel() for weight in model.parameters())
        schedule = spec.schedule_for(scope)
        epoch = schedule.model_copy(update={"steps": None, "epochs": 1})
        total = count_steps(schedule, scope)
        models, weights = models + (total > 0), max(weights, size)
        for task in scope:
            if total:
                warm, timed = (schedule.model_copy(update={"steps": n, "epochs": None}) for n in (1, STEPS))
                fit(model, [task], warm, 0, hardware)
                each = fit(model, [task], timed, 0, hardware).seconds / STEPS
                training += each * total * count_steps(epoch, [task]) / count_steps(epoch, scope)
            read = len(task.test) + (len(task.train) if total else 0)
            reading += read * (_representing(model, task, hardware) if total else _searching(task))
            series += read
    where = hardware if models else Hardware(torch.device("cpu"), False)  # a search runs on no other device
    return MethodCost(
        method=method,
        parameters=dict(parameters),
        models=models,
        training_seconds=round(training, 1) if models else None,
        series_per_second=float(f"{series / reading:.4g}"),
        weights=weights,
        peak_memory_mb=round(peak_memory(where), 1),
        device=str(where),
        precision=where.precision,
    )


def _representing(model: Method, task: Task, hardware: Hardware) -> float:
    """Seconds for the representation of a series, the second time that batches of this shape are seen."""
    series = task.test.series[:SERIES]
    represent(model, series, hardware, task.name)
    start = time.perf_counter()
    represent(model, series, hardware, task.name)
    return (time.perf_counter() - start) / len(series)


def _searching(task: Task) -> float:
    """Seconds for a series' nearest neighbor among the training series."""
    queries, threads = task.test.series[:SERIES], torch.get_num_threads()
    reader = FittedNearestNeighbor(task.train.series, task.train.labels)
    reader.predict(queries[:1], threads)  # compiles
    start = time.perf_counter()
    reader.predict(queries, threads)
    return (time.perf_counter() - start) / len(queries)
