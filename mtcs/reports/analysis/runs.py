"""The runs that a report is made of: those that are planned, as far as there are results of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mtcs.config.parameters import differences
from mtcs.evaluation.results import RunResult, read_result
from mtcs.layout import Run

CURVE_COLUMNS = ("seed", "step", "steps", "task", "loss", "sharing_loss", "relevant_share")


@dataclass(frozen=True)
class SetAside:
    """A run whose result is there but is not what is planned now; `why` says in what it differs."""

    run: Run
    why: str


@dataclass(frozen=True)
class Runs:
    """Results by method, in the order of methods and seeds; and what was found and not taken."""

    results: tuple[RunResult, ...]
    set_aside: tuple[SetAside, ...] = ()

    def of(self, method: str) -> list[RunResult]:
        return [result for result in self.results if result.method == method]


def read_runs(planned: Iterable[Run], tasks: Sequence[str], parameters: Mapping[str, Mapping[str, object]]) -> Runs:
    """Read the results there are of planned runs.

    A result of other tasks or other parameters is set aside: means over it and the others would mean nothing.

    Args:
        planned: in the order of columns and seeds.
        tasks: those of the suite.
        parameters: each method's and its classifier's parameters, as plain values.

    Raises:
        InputError: if a file does not hold the result of its run.
    """
    results, set_aside = [], []
    for run in planned:
        if run.result.exists():
            result = read_result(run.result, run.suite, run.method, run.seed)
            if why := _differs(result, tasks, parameters.get(run.method, {})):
                set_aside.append(SetAside(run, why))
            else:
                results.append(result)
    return Runs(tuple(results), tuple(set_aside))


def _differs(result: RunResult, tasks: Sequence[str], parameters: Mapping[str, object]) -> str:
    """In what a result is not what is planned; empty where it is."""
    found = [task.task for task in result.tasks]
    if gone := sorted(set(tasks) ^ set(found)):
        return f"of {'more' if set(tasks) < set(found) else 'other'} tasks ({', '.join(gone)})"
    return differences(result.parameters, parameters)


def machine(device: object) -> str:
    """Where something was computed, as a run's record says it, in proper English."""
    return re.sub(r"\b1 threads$", "1 thread", str(device))


def curves(results: Sequence[RunResult]) -> pd.DataFrame:
    """The training curves of some runs below one another, `CURVE_COLUMNS`; `steps` is how many a row stands for."""
    frames = [pd.DataFrame(columns=list(CURVE_COLUMNS))]
    for result in results:
        frames += [pd.DataFrame(curve.model_dump() | {"seed": result.seed}) for curve in result.curves]
    return pd.concat(frames[1:] or frames, ignore_index=True).reindex(columns=list(CURVE_COLUMNS))


def data_table(results: Sequence[RunResult], tasks: Sequence[str]) -> list[dict[str, str]]:
    """Which data: each task's sizes, and the fingerprint of its series and labels; several where runs differ."""
    rows = []
    for name in tasks:
        found = [task for result in results for task in result.tasks if task.task == name]
        rows.append(
            {
                "task": name,
                "training series": _all_of(f"{task.train:,}" for task in found),
                "test series": _all_of(f"{task.test:,}" for task in found),
                "length": _all_of(f"{task.length:,}" for task in found),
                "labels": _all_of(str(len(task.classes)) for task in found),
                "SHA-256": _all_of(task.fingerprint for task in found),
            }
        )
    return rows


def of_several_versions(results: Sequence[RunResult]) -> list[str]:
    """The tasks whose data is not the same in all these runs."""
    found: dict[str, set[str]] = {}
    for result in results:
        for task in result.tasks:
            found.setdefault(task.task, set()).add(task.fingerprint)
    return [task for task, fingerprints in found.items() if len(fingerprints) > 1]


def _all_of(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))
