"""What a method costs on a suite, projected from a few training steps and a sample of the series of every task."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mtcs.classifiers.classify import Encoded, Reader, fit_reader, predict
from mtcs.classifiers.mixture import choose, fit_mixture, held_out_errors
from mtcs.classifiers.nearest import FittedNearestNeighbor
from mtcs.classifiers.subsample import subsample
from mtcs.config.classifiers import ClassifierSpec, Mixture, NearestNeighbor
from mtcs.config.methods import Spec
from mtcs.data.splits import held_out_rows, without_held_out
from mtcs.data.task import Task
from mtcs.evaluation.cost import MethodCost
from mtcs.evaluation.represent import represent
from mtcs.methods import prepared_method
from mtcs.methods.base import Method
from mtcs.training.hardware import Hardware, peak_memory
from mtcs.training.loop import count_steps, fit

STEPS = 15
"""Training steps that are timed on each task. Objectives that draw lengths at random need several for a fair mean."""

SERIES = 128
"""Series of each task that are represented, or searched for, at most."""

FITTED = 2000
"""Training series up to which a classifier is timed on all of a task."""


@dataclass(frozen=True)
class Column:
    """A classifier of a method's representations: the method's own, or that of a reading.

    method: the name in reports.
    parameters: of the method and the classifier, as plain values, for the record.
    held_out: share of each task's training series that models of a mixture's own are trained without.
    """

    method: str
    classifier: ClassifierSpec
    parameters: Mapping[str, Any]
    held_out: float = 0.0


def time_method(
    spec: Spec, tasks: Sequence[Task], joint: bool, columns: Sequence[Column], hardware: Hardware
) -> list[MethodCost]:
    """What a method and readings of it cost, in a process that has done nothing else: peak memory is the process's.

    On every task a training step warms up and `STEPS` are timed. A whole training has, of each task, the share of its
    steps that an epoch has; a method's seconds are the sum over these, and its rate is that of all the suite's series.
    Classifiers then read the representations by these models, which have hardly been trained.

    Args:
        spec: the method's parameters.
        tasks: those of the suite.
        joint: whether one model serves all tasks.
        columns: the method itself, and readings of it.
        hardware: where, and in which precision.

    Raises:
        WorkError: if a loss is not finite.
    """
    scopes = [list(tasks)] if joint else [[task] for task in tasks]
    models = [_prepared(spec, scope) for scope in scopes]
    by_task = [(model, task) for model, scope in zip(models, scopes, strict=True) for task in scope]
    trains = any(count_steps(spec.schedule_for(scope), scope) for scope in scopes)
    training = [_training(model, spec, scope, hardware) for model, scope in zip(models, scopes, strict=True)]
    representing = sum(_representing(*one, hardware) for one in by_task) if trains else 0.0
    where = hardware if trains else Hardware(torch.device("cpu"), False)  # classifiers run on no other device
    peak = round(peak_memory(where), 1)
    costs = []
    for column in columns:
        if not (searched := isinstance(column.classifier, NearestNeighbor)):
            _classifying(column, *by_task[0], 50, hardware)  # compiles
        again = [_held_out_share(spec, scope, column.held_out) for scope in scopes]
        encoders = 1 + bool(column.held_out)  # side by side
        reading = sum(_reading(column, *one, hardware) for one in by_task)
        n, seconds = sum(len(task.train) + len(task.test) for task in tasks), encoders * representing
        if searched:
            n, seconds, peak = sum(len(task.test) for task in tasks), reading, round(peak_memory(where), 1)
        costs.append(
            MethodCost(
                method=column.method,
                parameters=dict(column.parameters),
                models=len(models) * encoders * trains,
                training_seconds=round(float(np.dot(training, np.add(1, again))), 1) if trains else None,
                reading_seconds=round(encoders * representing + reading, 2),
                series_per_second=float(f"{n / seconds:.4g}") if seconds else None,
                weights=max(sum(weight.numel() for weight in model.parameters()) for model in models),
                peak_memory_mb=peak if seconds and column is columns[0] else None,
                device=str(where),
                precision=where.precision,
            )
        )
    return costs


def _prepared(spec: Spec, scope: Sequence[Task]) -> Method:
    torch.manual_seed(0)
    return prepared_method(spec, scope)


def _training(model: Method, spec: Spec, scope: Sequence[Task], hardware: Hardware) -> float:
    """Seconds of a whole training of a model, which is trained on the way."""
    schedule, seconds = spec.schedule_for(scope), 0.0
    epoch = schedule.model_copy(update={"steps": None, "epochs": 1})
    total = count_steps(schedule, scope)
    for task in scope if total else ():
        warm, timed = (schedule.model_copy(update={"steps": n, "epochs": None}) for n in (1, STEPS))
        fit(model, [task], warm, 0, hardware)
        step = fit(model, [task], timed, 0, hardware).seconds / STEPS
        seconds += step * total * count_steps(epoch, [task]) / count_steps(epoch, scope)
    return seconds


def _held_out_share(spec: Spec, scope: Sequence[Task], held_out: float) -> float:
    """Steps of a training without the series that are held out, as a share of those of a whole one; 0 for none."""
    seen = [without_held_out(task, held_out) for task in scope]
    steps, without = (count_steps(spec.schedule_for(tasks), tasks) for tasks in (scope, seen))
    return without / steps if held_out else 0.0


def _representing(model: Method, task: Task, hardware: Hardware) -> float:
    """Seconds for the representations of a task, by some of its series, once batches of this shape have been seen."""
    series = task.test.series[:SERIES]
    represent(model, series, hardware, task.name)
    start = time.perf_counter()
    represent(model, series, hardware, task.name)
    return (time.perf_counter() - start) / len(series) * (len(task.train) + len(task.test))


def _reading(column: Column, model: Method, task: Task, hardware: Hardware) -> float:
    """Seconds in which a classifier is fitted to a task's training series and labels its test series.

    With more than `FITTED` training series it is timed on half as many and on as many. Time grows as a power of the
    size, which these two tell: of a fit one from 1 to 3, of a prediction one from 0 to 1.
    """
    if isinstance(column.classifier, NearestNeighbor):
        return _searching(task)
    n = len(task.train)
    if n <= FITTED:
        fitting, labelling = _classifying(column, model, task, n, hardware)
    else:
        half, full = (np.array(_classifying(column, model, task, size, hardware)) for size in (FITTED // 2, FITTED))
        powers = np.log2(full / half).clip((1, 0), (3, 1))
        fitting, labelling = (full * (n / FITTED) ** powers).tolist()
    return fitting + labelling * len(task.test)


def _classifying(column: Column, model: Method, task: Task, size: int, hardware: Hardware) -> tuple[float, float]:
    """Seconds for a fit to at most `size` training series, stratified, and for the label of a series."""
    spec, threads = column.classifier, torch.get_num_threads()
    rows = subsample(task.train.labels, max(size, task.n_classes))
    labels, series, new = task.train.labels[rows], task.train.series[rows], task.test.series[:SERIES]
    train, test = series, new
    if not spec.reads_series:
        train, test = (represent(model, part, hardware, task.name) for part in (series, new))
    start = time.perf_counter()
    reader = _fitted(column, train, series, labels, threads)
    fitted = time.perf_counter()

    def label(n: int) -> np.ndarray:
        return predict(reader, Encoded(test[:n], new[:n]), threads)

    label(1)
    first = time.perf_counter() - fitted  # a forest is grown anew for each call, however few series it labels
    label(SERIES)
    rest = time.perf_counter() - fitted - 2 * first
    return fitted + first - start, max(rest / max(len(new) - 1, 1), 1e-7)


def _fitted(
    column: Column, representations: np.ndarray, series: np.ndarray, labels: np.ndarray, threads: int
) -> Reader:
    spec = column.classifier
    if not isinstance(spec, Mixture):
        return fit_reader(spec, representations, labels, threads)
    held = held_out_rows(labels, column.held_out)
    errors = held_out_errors(spec, representations, series, labels, held, workers=threads)
    return fit_mixture(spec, representations, series, labels, choose(spec, [errors])[0], workers=threads)


def _searching(task: Task) -> float:
    """Seconds for the nearest neighbors of a task's test series, by some of them."""
    queries, threads = task.test.series[:SERIES], torch.get_num_threads()
    reader = FittedNearestNeighbor(task.train.series, task.train.labels)
    reader.predict(queries[:1], threads)  # compiles
    start = time.perf_counter()
    reader.predict(queries, threads)
    return (time.perf_counter() - start) / len(queries) * len(task.test)
