"""Synthetic results that look like what `mtcs measure` leaves, and reports of them and of data of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

import mtcs
from mtcs.bundles.cross_validation import recalibrate
from mtcs.config.experiment import Experiment, merged
from mtcs.config.suite import Suite
from mtcs.estimator import validate_model
from mtcs.evaluation.records import RepresentationRecord, TrainingRecord
from mtcs.evaluation.results import Curve, RunResult, TaskResult, Triangle, write_result
from mtcs.layout import Layout, Run
from mtcs.reports.analysis.contents import Report, analyze
from mtcs.reports.own import Settings, write_own_report

TITLES = {
    "mtcs": "MTCS",
    "mtl": "MTL",
    "mmoe": "MMoE",
    "ts2vec": "TS2Vec",
    "ts2vec_joint": "TS2Vec joint",
    "t_loss": "T-Loss",
    "tnc": "TNC",
    "ts_tcc": "TS-TCC",
    "tst": "TST",
    "dtw": "DTW",
    "mtcs_ridge": "MTCS (kernel ridge)",
    "markup": "<b>",
}
MTCS = {
    "kind": "multitask",
    "sharing_weight": 0.1,
    "schedule": {"epochs": 5, "batch_size": 32, "learning_rate": 0.001},
    "classifier": "ridge",
}
"""As in the paper, but for the classifier."""
JOINT = ("mtcs", "mtl", "mmoe", "ts2vec_joint")
SERIES = 100
"""Test series of each task."""


def make_experiment(
    methods: Iterable[str] | Mapping[str, Mapping[str, object]],
    tasks: Iterable[str],
    seeds: int = 1,
    ablation: Sequence[str] = (),
    readings: Mapping[str, str] | None = None,
    labels_per_class: int | None = None,
    fewer_labels: Mapping[str, int] | None = None,
) -> Experiment:
    """Methods on a suite `tiny`, each MTCS but for the parameters named here; tasks may have names that no file has.

    Args:
        methods: by name, what is not as in MTCS.
        tasks: of all suites.
        seeds: how many.
        ablation: those of `methods` that are variants.
        readings: by name, the method that is read.
        labels_per_class: training series of each label that `tiny` keeps.
        fewer_labels: by name, how many other suites keep.
    """
    changes = dict(methods) if isinstance(methods, Mapping) else {method: {} for method in methods}
    readings, suites = readings or {}, {"tiny": labels_per_class, **(fewer_labels or {})}
    return Experiment.model_validate(
        {
            "suites": {
                name: Suite.model_construct(tasks=tuple(tasks), labels_per_class=labels, draw=labels and draw)
                for draw, (name, labels) in enumerate(suites.items())
            },
            "seeds": tuple(range(seeds)),
            "joint": [name for name in changes if name not in ablation],
            "single_task": (),
            "ablation": ablation,
            "readings": {name: {"representations_of": of, "classifier": "ridge"} for name, of in readings.items()},
            "methods": {name: merged(MTCS, change) for name, change in changes.items()},
            "titles": {name: TITLES.get(name, name) for name in (*changes, *readings)},
            "classifiers": {"ridge": {"kind": "kernel_ridge"}},
        }
    )


def make_result(
    method: str,
    seed: int,
    accuracies: Mapping[str, float],
    parameters: Mapping[str, object] | None = None,
    bare: bool = False,
    n_classes: int = 3,
    **task_fields: object,
) -> RunResult:
    """A result with these accuracies; unless `bare`, with all else that a method of this name leaves.

    `parameters` are those that are not as in MTCS.
    """
    rng = np.random.default_rng([seed, sum(map(ord, method))])
    joint, names = method in JOINT, list(accuracies)
    heads = method in ("mtcs", "mtl", "mmoe")
    task_results = tuple(
        TaskResult(
            task=task,
            train=40,
            test=SERIES,
            length=50,
            classes=tuple(f"{chr(97 + c)}" for c in range(n_classes)),
            fingerprint=f"{sum(map(ord, task)):012x}",
            accuracy=accuracy,
            head_accuracy=accuracy - 0.01 if heads and not bare else None,
            **task_fields,  # pyright: ignore[reportArgumentType]
        )
        for task, accuracy in accuracies.items()
    )
    parameters = make_experiment({method: parameters or {}}, names).parameters(method)
    base = {"suite": "tiny", "method": method, "seed": seed, "parameters": parameters, "joint": joint}
    if bare:
        return RunResult(**base, tasks=task_results)  # pyright: ignore[reportArgumentType]

    def triangle(size: int) -> Triangle:
        raw = rng.uniform(0.2, 0.9, (size, size))
        return Triangle.of((raw + raw.T) / 2)

    affinity = rng.random((n_classes * len(names),) * 2) ** 4 if heads else None
    if affinity is not None:
        blocks = affinity.reshape(len(names), n_classes, len(names), n_classes)
        blocks += blocks.transpose(2, 3, 0, 1)
        blocks /= blocks.sum((1, 3), keepdims=True)
    step = np.arange(60) * 10.0
    sharing = tuple(0.02 * np.exp(-step / 300)) if method == "mtcs" else (None,) * 60
    curves = tuple(
        Curve(
            task=task,
            step=tuple(step),
            steps=(10,) * 60,
            loss=tuple((2 + rng.uniform(0, 0.1, 60)) * np.exp(-step / 300)),
            sharing_loss=sharing,
            relevant_share=sharing,
        )
        for task in names
    )
    trains = method != "dtw"
    record = TrainingRecord(
        device="cpu: Intel Xeon, 2 threads",
        precision="bf16",
        seconds=291.7 + seed if trains else 0,
        steps=600 if trains else 0,
        series_per_second=611.4 if trains else None,
        peak_memory_mb=1432.0,
        parameters=637120 if trains else 0,
        versions={"mtcs": "0.1.0", "torch": "2.13.0"},
        commit="0123456789abcdef",
    )
    return RunResult(
        **base,  # pyright: ignore[reportArgumentType]
        tasks=task_results,
        trained=(record,) if joint else tuple(record.model_copy(update={"task": task}) for task in names),
        represented=RepresentationRecord(series=560, seconds=4.0, device=record.device, precision="bf16"),
        similarity=triangle(len(names)) if joint else None,
        centered=triangle(len(names)) if joint else None,
        label_affinity=None if affinity is None else Triangle.of(affinity),
        curves=curves if trains else (),
    )


@pytest.fixture(scope="session")
def result() -> Callable[..., RunResult]:
    return make_result


@pytest.fixture(scope="session")
def experiment() -> Callable[..., Experiment]:
    return make_experiment


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def write(layout: Layout) -> Callable[[RunResult], RunResult]:
    """Put a result where a report looks for it."""

    def put(result: RunResult) -> RunResult:
        write_result(Run(result.suite, result.method, result.seed, layout).result, result)
        return result

    return put


@pytest.fixture
def report_of(layout: Layout, write: Callable[[RunResult], RunResult]) -> Callable[..., Report]:
    """A report of accuracies over seeds 0, 1, ... by method and task, or of the results that have been written."""

    def make(
        cells: Mapping[str, Mapping[str, Sequence[float]]],
        tasks: Iterable[str] = ("A",),
        parameters: Mapping[str, Mapping[str, object]] | None = None,
        methods: Sequence[str] | None = None,
        reference: str = "mtcs",
        series: bool = False,
        **changes: object,
    ) -> Report:
        parameters = parameters or {method: {} for method in cells}
        seeds = 1
        for method, values in cells.items():
            tasks, counts = values, [len(accuracies) for accuracies in values.values()]
            seeds = max(seeds, *counts)
            for seed in range(counts[0]):
                accuracies = {task: of_task[seed] for task, of_task in values.items()}
                write(make_result(method, seed, accuracies, parameters.get(method), bare=True))
        known = make_experiment(parameters, tasks, **({"seeds": seeds} | changes))  # pyright: ignore[reportArgumentType]
        return analyze(layout, known, "tiny", methods, reference, series)

    return make


def noisy_sines(
    labels: list[str], n: int = 30, noise: float = 0.8, seed: int = 0
) -> tuple[list[np.ndarray], np.ndarray]:
    """Noisy sines of unequal length, the frequency of which says the label."""
    rng = np.random.default_rng(seed)
    y = np.array([labels[i % len(labels)] for i in range(n)])
    series = []
    for label in y.tolist():
        steps = np.arange(rng.integers(30, 50))
        series.append(np.sin(steps * (0.3 + 0.5 * labels.index(label))) + rng.normal(scale=noise, size=len(steps)))
    return series, y


@pytest.fixture(scope="session")
def own_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of data of one's own: hostile names, names of series, -9999 where a value is missing."""
    hostile = '<script>alert("1")</script>'
    data = {
        "pumps": noisy_sines(["ok", "worn"]),
        f"fans & {hostile}": noisy_sines(["ok", hostile, "c"], noise=1.5, seed=1),
    }
    for series, _ in data.values():
        for row in series:
            row[5:7] = -9999
    spec = {"depth": 2, "hidden": 8, "output": 16, "schedule": {"learning_rate": 0.01}}
    model = mtcs.MultiTaskClassifier(spec, random_state=0, device="cpu", precision="fp32", missing=(-9999,))
    validations = validate_model(model, data, 3, alone=True, curve=True)
    bundle = recalibrate(model.fit(data).bundle_, validations)
    path = tmp_path_factory.mktemp("own") / "m.html"
    settings = Settings("m.mtcs", "mtcs", "ridge", 3, 1.0)
    write_own_report(path, data, validations, bundle, settings, {"pumps": [f"recording <{i}" for i in range(30)]})
    return path
