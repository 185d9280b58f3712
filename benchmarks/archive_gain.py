"""What a task gains from being learned with all others of the archive: by kind of data, training series and labels.

    python benchmarks/archive_gain.py FILE [--method mtcs] [--against alone] [--reader ridge] [--figure FILE.svg]

FILE is what `benchmarks/sharing_few_labels.py archive --labels all --methods METHOD alone` has written. Accuracies are
of that reader on all test series, the mean over draws; a difference is METHOD less the other one on the same task.
"""

from __future__ import annotations

import argparse
import json
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import wilcoxon

from mtcs.reports.figures.drawing import LIGHT, STYLE

REFERENCE = files("mtcs") / "reference"
SERIES, LABELS = (0, 50, 100, 300, 1000, np.inf), (0, 2, 5, 10, np.inf)


def accuracies(path: Path, methods: tuple[str, str], reader: str) -> pd.DataFrame:
    """One row a task, one column a method; MiniRocket has a reader of its own."""
    rows = [
        {"method": line["method"], "task": task, "accuracy": values.get(reader, values.get("rocket"))}
        for line in map(json.loads, path.read_text().splitlines())
        if line["method"] in methods and line["labels"] == "all"
        for task, values in line["tasks"].items()
    ]
    table = pd.DataFrame(rows).pivot_table(index="task", columns="method", values="accuracy")
    return table[list(methods)].dropna()


def described(table: pd.DataFrame, method: str, other: str) -> pd.DataFrame:
    """With the difference, and what the archive says of each task."""
    for name in ("archive_types.csv", "archive_sizes.csv"):
        with (REFERENCE / name).open(encoding="utf-8") as file:
            table = table.join(pd.read_csv(file, index_col="task"))
    return table.assign(
        difference=table[method] - table[other],
        series=ranges(table["n_train"], SERIES),
        labels=ranges(table["n_classes"], LABELS),
    )


def ranges(counts: pd.Series, bounds: tuple[float, ...]) -> pd.Series:
    """The range that each count lies in, as text in the ranges' order."""
    names = [
        f"more than {low:,}" if high == np.inf else f"{low + 1:,} to {high:,}" if low else f"up to {high:,}"
        for low, high in pairwise(bounds)
    ]
    return pd.cut(counts, bounds, labels=names)


def summary(table: pd.DataFrame, by: str) -> str:
    """Tasks, mean difference with its standard error, and wins, ties and losses, of each group, as Markdown."""
    lines = [f"| {by} | tasks | difference | better/equal/worse |", "| --- | ---: | ---: | ---: |"]
    for name, group in table.groupby(by, observed=True)["difference"]:
        error = f" ± {group.sem():.3f}" if len(group) > 1 else ""
        signs = f"{(group > 0).sum()}/{(group == 0).sum()}/{(group < 0).sum()}"
        lines.append(f"| {name} | {len(group)} | {group.mean():+.3f}{error} | {signs} |")
    return "\n".join(lines)


def draw(table: pd.DataFrame, method: str, other: str, path: Path) -> None:
    """A line for each kind of data, a point for each of its tasks, and their mean."""
    kinds = list(table.groupby("type")["difference"].mean().sort_values().index)
    spread = np.random.default_rng(0)
    with mpl.rc_context(STYLE):
        figure = Figure((5.6, 0.9 + 0.3 * len(kinds)))
        axes = figure.subplots()
        axes.axvline(0, color="0.6", linewidth=0.8)
        for row, kind in enumerate(kinds):
            values = table.loc[table["type"] == kind, "difference"]
            heights = row + spread.uniform(-0.22, 0.22, len(values))
            axes.plot(values, heights, "o", color=LIGHT[0], alpha=0.6, markersize=4, markeredgewidth=0)
            axes.plot(values.mean(), row, "|", color=LIGHT[1], markersize=15, markeredgewidth=2)
        axes.set_yticks(range(len(kinds)), [f"{kind} ({(table['type'] == kind).sum()})" for kind in kinds])
        axes.set_xlabel(f"accuracy of {method} less that of {other}; the bar is the mean")
        figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--method", default="mtcs")
    parser.add_argument("--against", default="alone")
    parser.add_argument("--reader", default="ridge")
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    table = described(accuracies(given.file, (given.method, given.against), given.reader), given.method, given.against)
    difference = table["difference"]
    print(
        f"{len(table)} tasks: {given.method} {table[given.method].mean():.3f}, {given.against} "
        f"{table[given.against].mean():.3f}, difference {difference.mean():+.3f} ± {difference.sem():.3f}, "
        f"p {wilcoxon(difference).pvalue:.3g} (Wilcoxon)"
    )
    for by in ("type", "series", "labels"):
        print(f"\n{summary(table, by)}")
    if given.figure:
        draw(table, given.method, given.against, given.figure)


if __name__ == "__main__":
    main()
