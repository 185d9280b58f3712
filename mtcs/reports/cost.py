"""What each method costs: time and memory of training, speed of inference, size, and the machine they were taken on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from mtcs.reports.runs import machine
from mtcs.results import RepresentationRecord, RunResult, TrainingRecord


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


def summarize(runs: Mapping[str, Sequence[RunResult]]) -> list[Cost]:
    """Costs of the methods that have left any record; runs by method, in the order of the rows."""
    costs = []
    for method, results in runs.items():
        whole = [result.trained for result in results if result.trained]
        represented = [result.represented for result in results if result.represented]
        if not whole and not represented:
            continue
        trained = [record for run in whole for record in run if record.steps]
        seconds = sum(cost.seconds for cost in represented)
        costs.append(
            Cost(
                method=method,
                models=0 if not trained else 1 if results[0].joint else len(results[0].tasks),
                training=fmean(sum(record.seconds for record in run) for run in whole) if trained else None,
                seeds=len(whole),
                inference=sum(cost.series for cost in represented) / seconds if trained and seconds else None,
                parameters=max((record.parameters for record in trained), default=None),
                memory=max((record.peak_memory_mb for record in trained), default=None),
                machines=tuple(dict.fromkeys(_machine(one) for one in (*trained, *represented))) if trained else (),
            )
        )
    return costs


def _machine(record: TrainingRecord | RepresentationRecord) -> str:
    return f"{machine(record.device)}, {record.precision}"


def machines(costs: Sequence[Cost]) -> tuple[str, ...]:
    """All machines of the table; the costs compare where it is one."""
    return tuple(dict.fromkeys(machine for cost in costs for machine in cost.machines))
