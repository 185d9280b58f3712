"""Accuracy of a suite: one row for each run and task, and the table of tasks by methods beside the paper's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
import pandas as pd

from mtcs.evaluation.results import RunResult
from mtcs.reports.analysis.significance import Comparison

COLUMNS = ["suite", "method", "seed", "task", "n_test", "accuracy", "head_accuracy"]

DIGITS = 9
"""Decimals to which accuracies are compared: a mean of the same numbers in another order differs behind them."""

NAN = float("nan")


def long_form(results: Sequence[RunResult]) -> pd.DataFrame:
    """The accuracies of all runs in long form (`COLUMNS`), in their order; NaN where a method has no heads."""
    rows = [
        (result.suite, result.method, result.seed, task.task, task.test, task.accuracy, task.head_accuracy)
        for result in results
        for task in result.tasks
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"head_accuracy": np.float64})


def published(tasks: Sequence[str]) -> pd.DataFrame:
    """The paper's Tables 1 and 2: task, method, accuracy, corrected, doubt (why a cell is doubtful, else empty)."""
    frame = pd.read_csv(str(files("mtcs") / "reference/published.csv"), dtype={"doubt": str})
    frame = frame.loc[frame["task"].isin(tasks)].drop(columns="table").reset_index(drop=True)
    return frame.fillna({"doubt": ""})


def other_classifiers(tasks: Sequence[str]) -> pd.DataFrame:
    """Accuracy of other public classifiers on the default splits (tsml-eval results), tasks as index.

    Tasks for which no such result is known are left out.
    """
    frame = pd.read_csv(str(files("mtcs") / "reference/other_classifiers.csv"), index_col="task")
    return frame.loc[[task for task in tasks if task in frame.index]].dropna(how="all")


@dataclass(frozen=True)
class Cell:
    """A method's accuracy on a task, or its mean over tasks; NaN where there is no such number.

    mean, std: over seeds, std with ddof = 1; seeds: how many.
    head, head_std: the same of the task's own head, without SVM.
    published: what the paper prints; corrected and doubt: see `published`. Of a mean, `corrected` is the published
        mean with the cells that are known to be wrong replaced, NaN where there is none.
    difference: ours minus published, over the same tasks.
    best: whether no other method of the row is better.
    """

    mean: float
    std: float
    seeds: int
    head: float = NAN
    head_std: float = NAN
    published: float = NAN
    corrected: float = NAN
    doubt: str = ""
    difference: float = NAN
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A task and its cells by method; a method without predictions for it has none."""

    task: str
    n_test: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Table:
    """Tasks by methods.

    seeds: those asked for, by method; a cell may have fewer.
    common: the tasks on which every method has a result; means and ranks are over these.
    compared: those of them for which the paper prints a value, by method.
    missing: tasks and methods that were asked for and have no predictions at all.
    """

    suite: str
    methods: tuple[str, ...]
    seeds: Mapping[str, tuple[int, ...]]
    rows: tuple[Row, ...]
    mean: Mapping[str, Cell]
    common: tuple[str, ...]
    compared: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]

    @property
    def scores(self) -> pd.DataFrame:
        """(common tasks, methods) mean accuracies, rounded so that equal shares of right answers are equal."""
        cells = [[row.cells[method].mean for method in self.methods] for row in self.rows if row.task in self.common]
        return pd.DataFrame(cells, index=list(self.common), columns=list(self.methods)).round(DIGITS)

    @property
    def rank(self) -> dict[str, float]:
        """Average rank of each method over the common tasks, 1 is best; equal accuracies share their mean rank."""
        scores = self.scores
        if scores.empty:
            return dict.fromkeys(self.methods, NAN)
        return dict(zip(self.methods, scores.rank(axis=1, ascending=False).mean().tolist(), strict=True))

    def has_heads(self, method: str) -> bool:
        return any(not math.isnan(row.cells[method].head) for row in self.rows if method in row.cells)


def tabulate(
    frame: pd.DataFrame,
    tasks: Sequence[str],
    methods: Sequence[str],
    seeds: Mapping[str, Sequence[int]],
    published: pd.DataFrame,
) -> Table:
    """The table of a suite.

    Args:
        frame: from `long_form`.
        tasks: in the order of the rows.
        methods: in the order of the columns.
        seeds: those asked for, by method; a cell may have fewer.
        published: from `published`.
    """
    have = set(frame["task"]), set(frame["method"])
    missing = (
        tuple(name for name in tasks if name not in have[0]),
        tuple(name for name in methods if name not in have[1]),
    )
    tasks, methods = [name for name in tasks if name in have[0]], [name for name in methods if name in have[1]]
    printed = {(row["task"], row["method"]): row for row in published.to_dict("records")}
    groups = dict(iter(frame.groupby(["task", "method"])))

    rows = []
    for task in tasks:
        cells = {}
        for method in methods:
            group = groups.get((task, method))
            if group is None:
                continue
            cell = _cell(group["accuracy"].to_numpy(), group["head_accuracy"].to_numpy())
            paper = printed.get((task, method))
            if paper is not None:
                cell = replace(
                    cell,
                    published=paper["accuracy"],
                    corrected=paper["corrected"],
                    doubt=paper["doubt"],
                    difference=cell.mean - paper["accuracy"],
                )
            cells[method] = cell
        n_test = int(frame.loc[frame["task"] == task, "n_test"].iloc[0])
        rows.append(Row(task, n_test, _mark_best(cells)))

    common = [row for row in rows if len(row.cells) == len(methods)]
    compared = {
        method: tuple(row.task for row in common if not math.isnan(row.cells[method].published)) for method in methods
    }
    return Table(
        suite=str(frame["suite"].iloc[0]),
        methods=tuple(methods),
        seeds={method: tuple(seeds[method]) for method in methods},
        rows=tuple(rows),
        mean=_mark_best({method: _mean(frame, common, method) for method in methods}),
        common=tuple(row.task for row in common),
        compared=compared,
        missing=(*missing[0], *missing[1]),
    )


def _cell(accuracy: np.ndarray, head: np.ndarray) -> Cell:
    """Mean and standard deviation over seeds, (seeds,) each."""
    (mean, std), (head_mean, head_std) = (
        (float(x.mean()), float(x.std(ddof=1)) if len(x) > 1 else NAN) if len(x) else (NAN, NAN)
        for x in (accuracy, head[~np.isnan(head)])
    )
    return Cell(mean, std, len(accuracy), head_mean, head_std)


def _mark_best(cells: dict[str, Cell]) -> dict[str, Cell]:
    """Mark the best of two or more; all of them where they are equal."""
    top = max((cell.mean for cell in cells.values()), default=NAN)
    return {
        method: replace(cell, best=len(cells) > 1 and round(cell.mean, DIGITS) == round(top, DIGITS))
        for method, cell in cells.items()
    }


def _mean(frame: pd.DataFrame, common: list[Row], method: str) -> Cell:
    """The mean over the common tasks; its std is over the seeds that have all of them."""
    tasks = [row.task for row in common]
    if not tasks:
        return Cell(NAN, NAN, 0)
    ours = frame[(frame["method"] == method) & frame["task"].isin(tasks)]
    wide = ours.pivot_table(index="seed", columns="task", values="accuracy").dropna()
    heads = ours.pivot_table(index="seed", columns="task", values="head_accuracy").reindex(columns=tasks).dropna()
    cell = _cell(wide.mean(axis=1).to_numpy(), heads.mean(axis=1).to_numpy())
    cells = [row.cells[method] for row in common]
    compared = [cell for cell in cells if not math.isnan(cell.published)]
    corrected = [cell.published if math.isnan(cell.corrected) else cell.corrected for cell in compared]
    return replace(
        cell,
        mean=float(np.mean([cell.mean for cell in cells])),
        published=float(np.mean([cell.published for cell in compared])) if compared else NAN,
        corrected=float(np.mean(corrected)) if any(not math.isnan(cell.corrected) for cell in compared) else NAN,
        difference=float(np.mean([cell.difference for cell in compared])) if compared else NAN,
    )


def summary(table: Table, comparisons: Sequence[Comparison]) -> dict[str, dict[str, float | int]]:
    """The suite's metric by method: mean accuracy, its std over seeds, average rank, heads' mean, seeds; tasks won
    against the reference, tied and lost.

    What does not exist (the std of one seed, the heads of a method without) is left out.
    """
    by_method = {comparison.method: comparison for comparison in comparisons}
    numbers = {}
    for method, cell in table.mean.items():
        values = {
            "accuracy": cell.mean,
            "accuracy_std": cell.std,
            "rank": table.rank[method],
            "head_accuracy": cell.head,
        }
        against = by_method.get(method)
        numbers[method] = {
            **{name: round(value, 6) for name, value in values.items() if not math.isnan(value)},
            "seeds": min(row.cells[method].seeds for row in table.rows if method in row.cells),
            **({"wins": against.wins, "ties": against.ties, "losses": against.losses} if against else {}),
        }
    return numbers
