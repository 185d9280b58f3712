"""How long a user waits for short commands, each in a process of its own, as a shell starts it.

    python benchmarks/commands.py [--runs 5] [--tasks 100]

Seconds by the clock, the least and the median of several runs, beside the most that they should take on a quiet machine
of two cores; the first run of a command also reads its files from disk and is not counted. `report` is of the committed
results, once of a suite and once of as many made-up tasks; `predict` labels one series with a model of 80 series.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).parents[1]
PROGRAM = str(Path(sys.executable).with_name("mtcs"))


def many_tasks(folder: Path, count: int) -> None:
    """A workspace whose suite `many` has that many tasks: the results of ucr10, repeated under other names."""
    from mtcs.evaluation.results import read_result, write_result
    from mtcs.layout import Layout, Run

    parameters = yaml.safe_load((ROOT / "params.yaml").read_text())
    known = parameters["suites"]["ucr10"]["tasks"]
    names = [f"{known[i % len(known)]}{i // len(known)}" for i in range(count)]
    parameters["suites"]["many"] = {"tasks": names}
    (folder / "params.yaml").write_text(yaml.safe_dump(parameters))
    for path in sorted((ROOT / "results/ucr10").glob("*/seed*.json")):
        method, seed = path.parent.name, int(path.stem.removeprefix("seed"))
        result = read_result(path, "ucr10", method, seed)
        by_name = {task.task: task for task in result.tasks}
        tasks = [by_name[known[i % len(known)]].model_copy(update={"task": name}) for i, name in enumerate(names)]
        changes = {"suite": "many", "tasks": tuple(tasks)}
        changes |= {"similarity": None, "centered": None, "label_affinity": None, "curves": ()}
        write_result(Run("many", method, seed, Layout(folder)).result, result.model_copy(update=changes))


def recordings(folder: Path) -> None:
    """Two tasks of 40 series of 100 steps, and one new series."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for task in ("fans", "pumps"):
        state = np.repeat([0, 1], 20)
        values = np.sin(np.arange(100) / (3 + state[:, None])) + rng.normal(scale=0.3, size=(40, 100))
        rows = [f"{'ab'[c]},{','.join(f'{v:.3f}' for v in row)}" for c, row in zip(state, values, strict=True)]
        (folder / f"{task}.csv").write_text("\n".join(rows) + "\n")
    first = (folder / "pumps.csv").read_text().splitlines()[0]
    (folder.parent / "new.csv").write_text(first.partition(",")[2] + "\n")


def measured(arguments: list[str], folder: Path, runs: int, expected: int = 0) -> list[float]:
    """Seconds of each run of `mtcs`.

    Raises:
        SystemExit: if a run ends with another exit code than expected.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        done = subprocess.run([PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
        seconds.append(time.perf_counter() - start)
        if done.returncode != expected:
            raise SystemExit(f"mtcs {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return seconds[1:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each command")
    parser.add_argument("--tasks", type=int, default=100, help="tasks of the larger report")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "results", folder / "results")
        many_tasks(folder, options.tasks)
        recordings(folder / "sensors")
        measured(["fit", "sensors", "--out", "model.mtcs", "--epochs", "1"], folder, runs=0)
        print(f"{'command':<44} {'least':>7} {'median':>7} {'at most':>8}")
        for arguments, limit, expected in (
            (["--help"], 0.3, 0),
            (["train", "mtsc", "ucr10"], 0.6, 2),
            (["predict", "modle.mtcs", "new.csv"], 0.6, 2),
            (["fit", "sensor", "--out", "other.mtcs"], 0.6, 2),
            (["predict", "model.mtcs", "new.csv", "--task", "pumps"], 2.0, 0),
            (["report", "ucr10"], 8.0, 0),
            (["report", "many"], 20.0, 0),
        ):
            seconds = measured(arguments, folder, options.runs, expected)
            least, median = min(seconds), statistics.median(seconds)
            late = "" if median <= limit else "  too long"
            print(f"mtcs {' '.join(arguments):<39} {least:>6.2f}s {median:>6.2f}s {limit:>7.1f}s{late}", flush=True)
