"""What a task gains from being learned with all others of the archive: by kind of data, training series and labels.

    python benchmarks/archive_gain.py suites [--method mtcs_ridge] [--figure FILE.svg]
    python benchmarks/archive_gain.py alone [--tasks 20] [--out FILE.jsonl] [--figure FILE.svg]

In a workspace where `mtcs measure mtcs_ridge archive91` was run. The first holds the accuracies in
`results/archive91/METHOD` against those of the same method in ucr10 and ucr12, both means over seeds. The second holds
`mtcs_ridge` against an encoder for each task, also read by kernel ridge: MTL of one task, for at least 500 steps and
five epochs. Tasks come in random order, the same every time; killed, the same command continues.
"""

from __future__ import annotations

import argparse
import json
import random
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sharing_few_labels import trained_long_enough

from mtcs.classifiers.classify import classify
from mtcs.config.experiment_file import read_experiment
from mtcs.data.task import read_task
from mtcs.evaluation.represent import represent_task
from mtcs.evaluation.results import read_result
from mtcs.layout import Layout
from mtcs.reports.analysis.significance import DIGITS, signed_rank
from mtcs.reports.figures.drawing import LIGHT, STYLE
from mtcs.training.hardware import choose_hardware
from mtcs.training.loop import train_method

SUITE = "archive91"
REFERENCE = files("mtcs") / "reference"
SERIES, LABELS = (0, 50, 100, 300, 1000, np.inf), (0, 2, 5, 10, np.inf)


def of_suite(method: str, suite: str) -> Any:
    """Accuracy of a method of a suite on each task, the mean over seeds."""
    paths = sorted((Layout().results(suite) / method).glob("seed*.json"))
    seeds = [int(path.stem.removeprefix("seed")) for path in paths]
    results = [read_result(path, suite, method, seed) for path, seed in zip(paths, seeds, strict=True)]
    return pd.DataFrame([{task.task: task.accuracy for task in result.tasks} for result in results]).mean()


def alone(count: int, out: Path) -> Any:
    """Accuracy on so many tasks of the archive, each by an encoder of its own; those in the file are not run again."""
    layout = Layout()
    known, where = read_experiment(layout.params), choose_hardware("cpu", "auto", True, 1)
    lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    done = {line["task"]: line["ridge"] for line in lines}
    tasks = list(known.suite(SUITE).tasks)
    random.Random(0).shuffle(tasks)
    for name in tasks[:count]:
        if name in done:
            continue
        task = read_task(layout.normalized(SUITE, name))
        spec, part = trained_long_enough(known.methods["mtl"], [task]), out.with_suffix(".safetensors")
        model, _ = train_method(spec, [task], 0, where, part)
        part.unlink(missing_ok=True)
        read = represent_task(model, task, where)
        _, labels = classify(known.classifiers["ridge"], read.train, task.train.labels, read.test, 1, seed=0)
        done[name] = float((labels == task.test.labels).mean())
        with out.open("a") as file:
            file.write(json.dumps({"task": name, "ridge": done[name]}) + "\n")
    return pd.Series({name: done[name] for name in tasks[:count]})


def described(method: Any, other: Any) -> Any:
    """Tasks that both have, their accuracies, the difference, and what the archive says of each."""
    table = pd.DataFrame({"method": method, "other": other}).dropna().rename_axis("task")
    for name in ("archive_types.csv", "archive_sizes.csv"):
        with (REFERENCE / name).open(encoding="utf-8") as file:
            table = table.join(pd.read_csv(file, index_col="task"))
    return table.assign(
        difference=table["method"] - table["other"],
        series=ranges(table["n_train"], SERIES),
        labels=ranges(table["n_classes"], LABELS),
    )


def ranges(counts: Any, bounds: tuple[float, ...]) -> Any:
    """The range that each count lies in, as text in the ranges' order."""
    names = [
        f"more than {low:,}" if high == np.inf else f"{low + 1:,} to {high:,}" if low else f"up to {high:,}"
        for low, high in pairwise(bounds)
    ]
    return pd.cut(counts, list(bounds), labels=names)


def summary(table: Any, by: str) -> str:
    """Tasks, mean difference with its standard error, and wins, ties and losses, of each group, as Markdown."""
    lines = [f"| {by} | tasks | difference | better/equal/worse |", "| --- | ---: | ---: | ---: |"]
    for name, group in table.groupby(by, observed=True)["difference"]:
        error = f" ± {group.sem():.3f}" if len(group) > 1 else ""
        signs = f"{(group > 0).sum()}/{(group == 0).sum()}/{(group < 0).sum()}"
        lines.append(f"| {name} | {len(group)} | {group.mean():+.3f}{error} | {signs} |")
    return "\n".join(lines)


def draw(table: Any, other: str, path: Path) -> None:
    """A line for each kind of data, a point for each of its tasks, and their mean."""
    kinds = list(table.groupby("type")["difference"].mean().sort_values().index)
    spread = np.random.default_rng(0)
    with mpl.rc_context(STYLE):
        figure = Figure((5.6, 0.9 + 0.3 * len(kinds)))
        axes = figure.subplots()
        axes.axvline(0, color="0.6", linewidth=0.8)
        for row, kind in enumerate(kinds):
            values = table.loc[table["type"] == kind, "difference"].to_numpy()
            heights = row + spread.uniform(-0.22, 0.22, len(values))
            axes.plot(values, heights, "o", color=LIGHT[0], alpha=0.6, markersize=4, markeredgewidth=0)
            axes.plot([values.mean()], [row], "|", color=LIGHT[1], markersize=15, markeredgewidth=2)
        axes.set_yticks(range(len(kinds)), [f"{kind} ({(table['type'] == kind).sum()})" for kind in kinds])
        axes.set_xlabel(f"accuracy with the whole archive less that {other}; the bar is the mean")
        figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("against", choices=("suites", "alone"))
    parser.add_argument("--method", default="mtcs_ridge")
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("archive_alone.jsonl"))
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    if given.against == "alone":
        other = alone(given.tasks, given.out)
    else:
        other = pd.concat([of_suite(given.method, suite) for suite in ("ucr10", "ucr12")])
    table = described(of_suite(given.method, SUITE), other)
    difference = table["difference"]
    p = signed_rank(difference.round(DIGITS).to_numpy())
    print(
        f"{len(table)} tasks: {table['method'].mean():.3f} with the whole archive, {table['other'].mean():.3f} in "
        f"{given.against}, difference {difference.mean():+.3f} ± {difference.sem():.3f}, p {p:.3g} (Wilcoxon, exact)"
    )
    for by in ("type", "series", "labels"):
        print(f"\n{summary(table, by)}")
    if given.figure:
        draw(table, "alone" if given.against == "alone" else "in a suite", given.figure)


if __name__ == "__main__":
    main()
