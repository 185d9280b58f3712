"""Classifiers of your own data against the clock, beside MiniRocket with ridge from aeon, in one run.

    python benchmarks/own_data.py [--tasks 3] [--series 100] [--steps 300] [--folds 5] [--device cpu]

`fit` is `mtcs fit --cv` in a process of its own, beside as many folds and a final fit of MiniRocket for each task;
`predict` labels one series in a fresh process with the fitted file, beside an unpickled MiniRocket; `add_task` learns
one more task with the encoder as it is. Seconds by the clock, beside the most that they should take on a quiet machine
of two cores, and the ratio to MiniRocket's; the accuracies of the folds say what these seconds buy.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
from aeon.classification.convolution_based import MiniRocketClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score

import mtcs

PROGRAM = str(Path(sys.executable).with_name("mtcs"))
LIMITS = {"fit": 180.0, "predict": 2.0, "add_task": 10.0}
PREDICT = """
import joblib, numpy
model = joblib.load("rocket.joblib")
print(model.predict(numpy.loadtxt("new.csv", delimiter=",", ndmin=2)[:, numpy.newaxis]))
"""


def recordings(seed: int, n: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy sines (n, T) whose labels (n,) are their frequency, by a little."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    phase = rng.uniform(0, 2 * np.pi, size=(n, 1))
    X = np.sin(np.arange(steps) * (0.1 + 0.01 * seed + 0.015 * y[:, np.newaxis]) + phase)
    return (X + rng.normal(scale=1.0, size=X.shape)).round(4), y


def write(folder: Path, tasks: int, n: int, steps: int) -> None:
    """A CSV for each task, and a file with one new series."""
    (folder / "sensors").mkdir()
    for k in range(tasks):
        X, y = recordings(k, n, steps)
        rows = [f"state{label},{','.join(map(str, row))}" for row, label in zip(X, y, strict=True)]
        (folder / f"sensors/task{k}.csv").write_text("\n".join(rows) + "\n")
    (folder / "new.csv").write_text(",".join(map(str, recordings(0, n + 1, steps)[0][-1])) + "\n")


def seconds(call: Callable[[], object]) -> float:
    """By the clock."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def run(folder: Path, *command: str) -> str:
    """What a command says; its own words are shown if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def rocket(n_folds: int, data: dict[str, tuple[np.ndarray, np.ndarray]], path: Path) -> list[float]:
    """Accuracy of each task's folds; the first task's fitted classifier goes to `path`."""
    accuracies = []
    for X, y in data.values():
        model, folds = MiniRocketClassifier(random_state=0, n_jobs=-1), StratifiedKFold(n_folds)
        accuracies.append(float(cross_val_score(model, X[:, np.newaxis], y, cv=folds).mean()))
        model.fit(X[:, np.newaxis], y)
        if not path.exists():
            joblib.dump(model, path)
    return accuracies


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=3)
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, options.tasks, options.series, options.steps)
        data = {f"task{k}": recordings(k, options.series, options.steps) for k in range(options.tasks)}
        warm = recordings(0, 9, options.steps)
        MiniRocketClassifier(random_state=0).fit(warm[0][:, np.newaxis], warm[1])  # compiles

        said: list[str] = []
        command = [PROGRAM, "fit", "sensors", "--out", "model.mtcs", "--cv", str(options.folds)]
        ours = {"fit": seconds(lambda: said.append(run(folder, *command, "--device", options.device)))}
        accuracies: list[float] = []
        path = folder / "rocket.joblib"
        theirs = {"fit": seconds(lambda: accuracies.extend(rocket(options.folds, data, path)))}

        predict = [PROGRAM, "predict", "model.mtcs", "new.csv", "--task", "task0", "--device", options.device]
        run(folder, *predict)  # files are read from disk for once
        ours["predict"] = min(seconds(lambda: run(folder, *predict)) for _ in range(3))
        run(folder, sys.executable, "-c", PREDICT)
        theirs["predict"] = min(seconds(lambda: run(folder, sys.executable, "-c", PREDICT)) for _ in range(3))

        model = mtcs.load(folder / "model.mtcs").set_params(device=options.device)
        X, y = recordings(options.tasks, options.series, options.steps)
        ours["add_task"] = seconds(lambda: model.add_task("more", X, y))
        fresh = MiniRocketClassifier(random_state=0, n_jobs=-1)
        theirs["add_task"] = seconds(lambda: fresh.fit(X[:, np.newaxis], y))

        print(f"{options.tasks} tasks of {options.series} series x {options.steps} steps, {os.cpu_count()} cores")
        print(f"{'':10}{'mtcs':>9}{'at most':>9}{'MiniRocket':>12}{'ratio':>8}")
        for what, limit in LIMITS.items():
            ratio = ours[what] / theirs[what]
            print(f"{what:10}{ours[what]:8.1f}s{limit:8.0f}s{theirs[what]:11.1f}s{ratio:8.1f}")
        print("\n".join(said).strip())
        print("MiniRocket, accuracy of the folds: " + ", ".join(f"{one:.3f}" for one in accuracies))


if __name__ == "__main__":
    main()
