"""The runs that a report is made of: those that are planned, as far as there are results of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mtcs.config.experiment import Experiment
from mtcs.data.few_labels import in_words
from mtcs.data.task import fingerprint, read_task
from mtcs.evaluation.records import TrainingRecord
from mtcs.evaluation.results import RunResult, read_result
from mtcs.files import is_there
from mtcs.layout import Layout, Run
from mtcs.reports.analysis.parameters import differences
from mtcs.reports.writing import Titles, duration

CURVE_COLUMNS = ("seed", "step", "steps", "task", "loss", "sharing_loss", "relevant_share")


@dataclass(frozen=True)
class SetAside:
    """A run whose result is there and not counted; `why` goes on after its name: "has threshold 1.0 instead of 2.0"."""

    run: Run
    why: str


@dataclass(frozen=True)
class Runs:
    """Results by method, in the order of methods and seeds; and what was found and not taken."""

    results: tuple[RunResult, ...]
    set_aside: tuple[SetAside, ...] = ()

    def of(self, method: str) -> list[RunResult]:
        return [result for result in self.results if result.method == method]


def read_runs(layout: Layout, experiment: Experiment, suite: str, methods: Iterable[str]) -> Runs:
    """Read the results there are of the runs that an experiment has of a suite.

    A result of other tasks, other parameters or other data is set aside: means over it and the others would mean
    nothing. The data that count are the normalised ones where they are at hand, else those of most runs.

    Args:
        layout: where the results lie.
        experiment: says which tasks, seeds and parameters a result has to be of.
        suite: the suite's name.
        methods: readings among them, in the order of columns.

    Raises:
        InputError: if a file does not hold the result of its run, or the normalised data of a task.
    """
    planned = experiment.suite(suite)
    results: list[tuple[Run, RunResult]] = []
    set_aside = []
    for method in methods:
        parameters = experiment.parameters(method)
        for seed in experiment.seeds_of(method, suite):
            run = Run(suite, method, seed, layout)
            if is_there(run.result):
                result = read_result(run.result, suite, method, seed)
                why = _differs(result, planned.tasks, parameters) or _other_labels(result, planned.few_labels)
                if why:
                    set_aside.append(SetAside(run, f"has {why}"))
                else:
                    results.append((run, result))
    versions = Counter(tuple(_fingerprints(result).items()) for _, result in results)
    data = dict(versions.most_common(1)[0][0]) if versions else {}  # of as many, the first
    owner = "most runs"
    if results and (normalized := _normalized(results[0][0], planned.tasks)):
        data, owner = normalized, "the normalised data"
    kept = []
    for run, result in results:
        other = [task for task, fingerprint in _fingerprints(result).items() if data.get(task) != fingerprint]
        if other:
            set_aside.append(SetAside(run, f"saw other data of {', '.join(other)} than {owner}"))
        else:
            kept.append(result)
    return Runs(tuple(kept), tuple(set_aside))


def _fingerprints(result: RunResult) -> dict[str, str]:
    return {task.task: task.fingerprint for task in sorted(result.tasks, key=lambda task: task.task)}


def _normalized(run: Run, tasks: Sequence[str]) -> dict[str, str]:
    """Fingerprints of the normalised data by task; empty where not all of them are on this machine."""
    paths = {task: run.layout.normalized(run.suite, task) for task in sorted(tasks)}
    if not all(map(is_there, paths.values())):
        return {}
    return {task: fingerprint(read_task(path)) for task, path in paths.items()}


def _differs(result: RunResult, tasks: Sequence[str], parameters: Mapping[str, object]) -> str:
    """In what a result is not what is planned; empty where it is."""
    task_names = [task.task for task in result.tasks]
    if gone := sorted(set(tasks) ^ set(task_names)):
        return f"{'more' if set(tasks) < set(task_names) else 'other'} tasks ({', '.join(gone)})"
    return differences(result.parameters, parameters)


def _other_labels(result: RunResult, few_labels: tuple[int, int] | None) -> str:
    """Which training series it was that a suite does not keep; empty where there are none."""
    if result.few_labels not in (None, few_labels):
        return f"{in_words(result.few_labels)} instead of {in_words(few_labels)}"
    if few_labels is None or result.few_labels is not None:
        return ""
    labels_per_class, _ = few_labels  # of an earlier result only the number of series is known
    for task in result.tasks:
        if task.train > labels_per_class * len(task.classes):
            return f"{task.train:,} training series of {task.task}, more than labels_per_class {labels_per_class} keeps"
    return ""


def machine(device: object) -> str:
    """Where something was computed, as a run's record says it, in proper English."""
    return re.sub(r"\b1 threads$", "1 thread", str(device))


def curves(results: Sequence[RunResult]) -> pd.DataFrame:
    """The training curves of some runs below one another, `CURVE_COLUMNS`; `steps` is how many a row stands for."""
    frames = [pd.DataFrame(columns=list(CURVE_COLUMNS))]
    for result in results:
        frames += [pd.DataFrame(curve.model_dump() | {"seed": result.seed}) for curve in result.curves]
    return pd.concat(frames[1:] or frames, ignore_index=True).reindex(columns=list(CURVE_COLUMNS))


def data_table(results: Sequence[RunResult], tasks: Sequence[str]) -> pd.DataFrame:
    """Which data: each task's sizes, how far they repeat or lean to one label, and the fingerprint of all of it.

    What no result carries is left out.
    """
    seen = {task.task: task for result in reversed(results) for task in result.tasks}
    measured = [  # by an earlier version the last two were not
        next((one for result in results for one in result.tasks if one.task == name and one.majority is not None), None)
        for name in tasks
    ]
    columns = {
        "training series": [f"{seen[name].train:,}" for name in tasks],
        "test series": [f"{seen[name].test:,}" for name in tasks],
        "length": [f"{seen[name].length:,}" for name in tasks],
        "labels": [str(len(seen[name].classes)) for name in tasks],
        "most frequent label": [f"{one.majority:.1%}" if one and one.majority is not None else "" for one in measured],
        "test series also in training": [
            f"{one.test_in_train:,}" if one and one.test_in_train is not None else "" for one in measured
        ],
        "SHA-256": [seen[name].fingerprint for name in tasks],
    }
    shown = {name: values for name, values in columns.items() if any(values)}
    return pd.DataFrame(shown, index=pd.Index(tasks, name="task"))


def repeated(results: Sequence[RunResult]) -> dict[str, tuple[int, int]]:
    """Tasks some of whose test series stand in the training part too: how many, and how many there are."""
    return {
        task.task: (task.test_in_train, task.test) for result in results for task in result.tasks if task.test_in_train
    }


def run_table(results: Sequence[RunResult], titles: Titles) -> pd.DataFrame:
    """One row a run: how its model, or its models of single tasks together, came about."""
    having = [result for result in results if result.trained]
    rows = [{"seed": str(result.seed), "series/s": _rate(result.trained)} | _run(result.trained) for result in having]
    return pd.DataFrame(rows, pd.Index(titles.of(result.method for result in having), name="method"), dtype=object)


def _rate(trained: Sequence[TrainingRecord]) -> str:
    """Series a second over the whole training of all models of a run; empty where one did not say."""
    if any(record.series_per_second is None for record in trained) or not (time := sum(one.seconds for one in trained)):
        return ""
    return f"{sum((one.series_per_second or 0.0) * one.seconds for one in trained) / time:,.0f}"


def _run(trained: Sequence[TrainingRecord]) -> dict[str, str]:
    """Times and steps add up, memory and size are the largest, names are joined."""

    def names(values: Sequence[Any]) -> str:
        return ", ".join(dict.fromkeys(str(value) for value in values if value))

    return {
        "training time": duration(sum(record.seconds for record in trained)),
        "steps": f"{sum(record.steps for record in trained):,}",
        "peak memory": f"{max(record.peak_memory_mb for record in trained):,.0f} MB",
        "parameters": f"{max(record.parameters for record in trained):,}",
        "precision": names([record.precision for record in trained]),
        "device": names([machine(record.device) for record in trained]),
        "commit": names([re.sub(r"^([0-9a-f]{10})[0-9a-f]*", r"\1", record.commit or "") for record in trained]),
    }


def versions(results: Sequence[RunResult]) -> str:
    """Versions of the software that trained; several of one where runs differ."""
    versions: dict[str, dict[str, None]] = {}
    for record in (record for result in results for record in result.trained):
        for name, version in record.versions.items():
            versions.setdefault(name, {})[version] = None
    return ", ".join(f"{name} {' or '.join(used)}" for name, used in versions.items())
