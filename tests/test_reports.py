"""The report of a suite, from synthetic results that look like what the stages leave."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mtcs.layout import Layout, write_whole
from mtcs.tasks import Split, Task, write_task

WIDTH = 16

TASKS = {"Crop": 24, "ElectricDevices": 7, "TwoPatterns": 4, "FordA": 2}
"""Tasks of the paper's Table 1 with their numbers of classes."""

PARAMETERS = {
    "mtcs": {"kind": "multitask", "alpha": 0.1, "schedule": {"epochs": 5, "batch": 32}},
    "mtl": {"kind": "multitask", "alpha": 0.0, "schedule": {"epochs": 5, "batch": 32}},
}


def make_results(
    layout: Layout,
    suite: str = "tiny",
    tasks: Mapping[str, int] = TASKS,
    methods: Sequence[str] = ("mtcs", "mtl"),
    seeds: Sequence[int] = (0, 1, 2),
    heads: bool = True,
    joint: bool = True,
    series: int = 40,
    steps: int = 200,
) -> None:
    """Write tasks, representations, predictions, curves and records as the stages do."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=WIDTH)
    for t, (task, n_classes) in enumerate(tasks.items()):
        labels = {part: rng.integers(n_classes, size=series).astype(np.int64) for part in ("train", "test")}
        splits = [Split(rng.normal(size=(series, 8)).astype(np.float32), labels[part]) for part in ("train", "test")]
        classes = tuple(str(c + 1) for c in range(n_classes))
        write_task(layout.normalized(suite, task), Task(task, *splits, classes))
        centres = rng.normal(size=(n_classes, WIDTH)) + 2 * common + (t % 3) * rng.normal(size=WIDTH)
        for m, method in enumerate(methods):
            for seed in seeds:
                noise = 1.2 + 0.1 * m + 0.05 * (t % 4)
                parts = {
                    part: (centres[index] + noise * rng.normal(size=(series, WIDTH))).astype(np.float32)
                    for part, index in labels.items()
                }
                if heads:
                    parts["head"] = (centres - centres.mean(0)).astype(np.float32)
                with write_whole(layout.representation(suite, method, seed, task)) as path, path.open("wb") as file:
                    np.savez(file, **parts)
                distance = np.linalg.norm(parts["test"][:, None] - centres, axis=2)
                predicted = distance.argmin(1)
                frame = pd.DataFrame({"label": labels["test"] + 1, "predicted": predicted + 1})
                write_text(layout.prediction(suite, method, seed, task), frame.to_csv(index=False))
    for m, method in enumerate(methods):
        for seed in seeds:
            curves = make_curves(rng, list(tasks), steps, shares=method == "mtcs", level=1 + 0.2 * m)
            for task in (None,) if joint else tasks:
                rows = curves if task is None else curves[curves["task"] == task]
                write_text(layout.curves(suite, method, seed, task), rows.to_csv(index=False))
                record = make_record(suite, method, task, seed, steps)
                write_text(layout.record(suite, method, seed, task), json.dumps(record))


def make_curves(rng: np.random.Generator, tasks: Sequence[str], steps: int, shares: bool, level: float) -> pd.DataFrame:
    step = np.arange(steps)
    which = rng.integers(len(tasks), size=steps)
    fall = np.exp(-3 * step / steps)
    return pd.DataFrame(
        {
            "step": step,
            "epoch": step * 5 // steps,
            "task": np.array(tasks)[which],
            "loss": level * (0.3 + which / len(tasks)) * fall * rng.gamma(8, 1 / 8, size=steps),
            "sharing_loss": 0.02 * fall + 0.004 * rng.random(steps) if shares else np.nan,
            "relevant_share": 0.1 + 0.08 * (1 - fall) + 0.02 * rng.random(steps) if shares else np.nan,
            "learning_rate": 0.001,
            "series_per_second": 900 + 80 * rng.random(steps),
        }
    )


def make_record(suite: str, method: str, task: str | None, seed: int, steps: int) -> dict[str, object]:
    return {
        "method": method,
        "suite": suite,
        "task": task,
        "seed": seed,
        "device": "cpu: Intel Xeon, 2 threads",
        "precision": "bf16",
        "seconds": 291.7 + seed,
        "steps": steps,
        "series_per_second": 611.4,
        "peak_memory_mb": 1432.0,
        "parameters": 637120,
        "versions": {"mtcs": "0.1.0", "torch": "2.13.0", "numpy": "2.3.5", "python": "3.11.2"},
        "commit": "0123456789abcdef",
    }


def write_text(path: Path, text: str) -> None:
    with write_whole(path) as part:
        part.write_text(text)
