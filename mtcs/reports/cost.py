"""What each method costs: time and memory of training, speed of inference, size, and the machine they were taken on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mtcs.errors import InputError
from mtcs.layout import Layout
from mtcs.reports.results import machine


@dataclass(frozen=True)
class Cost:
    """Costs of a method on a suite; None where something was not measured.

    models: that one run trains, 0 where a method trains nothing and so has its cost in the classifier.
    training: seconds of all models of a run, mean over seeds; seeds: how many runs are whole.
    inference: series a second from raw series to representation, training and test series of all tasks together.
    parameters: of the largest model.
    memory: largest peak of training in MB, of the device for CUDA, else of the process.
    machines: device, threads and precision of training and inference; one where all was done on the same, none where
        nothing was trained.
    """

    method: str
    models: int
    training: float | None
    seeds: int
    inference: float | None
    parameters: int | None
    memory: float | None
    machines: tuple[str, ...]


def measure(
    layout: Layout,
    suite: str,
    tasks: Sequence[str],
    seeds: Mapping[str, Sequence[int]],
    records: Mapping[tuple[str, int], Sequence[Mapping[str, Any]]],
) -> list[Cost]:
    """Costs of the methods that have left any record.

    Args:
        layout: where the costs of inference lie.
        suite: the suite's name.
        tasks: a run of models of single tasks is whole when it has all of them.
        seeds: by method, in the order of the rows.
        records: run records by method and seed.

    Raises:
        InputError: if a file does not hold the cost of inference.
    """
    costs = []
    for method in seeds:
        runs = [found for seed in seeds[method] if _whole(found := records.get((method, seed), []), tasks)]
        extracted = [cost for seed in seeds[method] if (cost := _read(layout, suite, method, seed))]
        if not runs and not extracted:
            continue
        trained = [record for run in runs for record in run if record.get("steps")]
        seconds = sum(cost["seconds"] for cost in extracted)
        costs.append(
            Cost(
                method=method,
                models=max((sum(bool(record.get("steps")) for record in run) for run in runs), default=0),
                training=fmean(sum(record["seconds"] for record in run) for run in runs) if trained else None,
                seeds=len(runs),
                inference=sum(cost["series"] for cost in extracted) / seconds if trained and seconds else None,
                parameters=max((record["parameters"] for record in trained), default=None),
                memory=max((record["peak_memory_mb"] for record in trained), default=None),
                machines=tuple(dict.fromkeys(_machine(one) for one in (*trained, *extracted))) if trained else (),
            )
        )
    return costs


def _whole(run: Sequence[Mapping[str, Any]], tasks: Sequence[str]) -> bool:
    """Whether these are the records of a joint model, or of a model for every task."""
    names = {record.get("task") for record in run}
    return None in names or (bool(run) and set(tasks) <= names)


def _machine(record: Mapping[str, Any]) -> str:
    return f"{machine(record.get('device'))}, {record.get('precision')}"


def _read(layout: Layout, suite: str, method: str, seed: int) -> dict[str, Any] | None:
    path = layout.representation_cost(suite, method, seed)
    if not path.exists():
        return None
    try:
        cost = json.loads(path.read_text("utf-8"))
        return {**cost, "series": int(cost["series"]), "seconds": float(cost["seconds"])}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} does not hold the cost of representations ({type(error).__name__}: {error}); delete it and run "
            f"'mtcs represent {method} {suite} --seed {seed}'."
        ) from error


def machines(costs: Sequence[Cost]) -> tuple[str, ...]:
    """All machines of the table; the costs compare where it is one."""
    return tuple(dict.fromkeys(machine for cost in costs for machine in cost.machines))
