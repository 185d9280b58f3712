"""Accuracy of a suite: one row for each run and task, and the table of tasks by methods beside the paper's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
import pandas as pd

from mtcs.evaluation.results import RunResult
from mtcs.reports.analysis.paired import over_seeds
from mtcs.reports.analysis.significance import DIGITS, Comparison

COLUMNS = ["suite", "method", "seed", "task", "n_test", "accuracy", "head_accuracy"]

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
    """The paper's Tables 1 and 2: table, task, method, accuracy, corrected, doubt (why a cell is doubtful, or "")."""
    frame = pd.read_csv(str(files("mtcs") / "reference/published.csv"), dtype={"doubt": str})
    frame = frame.loc[frame["task"].isin(tasks)].reset_index(drop=True)
    return frame.fillna({"doubt": ""})


def other_classifiers(tasks: Sequence[str]) -> pd.DataFrame:
    """Accuracy of other public classifiers on the default splits (tsml-eval results), tasks as index.

    Tasks for which no such result is known are left out.
    """
    frame = pd.read_csv(str(files("mtcs") / "reference/other_classifiers.csv"), index_col="task")
    return frame.loc[[task for task in tasks if task in frame.index]].dropna(how="all")


def beside_others(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Our accuracies and those of other classifiers on the tasks that all of both have, the best classifier first.

    The first row has the means. Public results of a classifier of ours are named so.

    Args:
        ours: (tasks, methods), by the names that readers know.
        theirs: (tasks, classifiers), see `other_classifiers`.
    """
    theirs = theirs.dropna().rename(columns={name: f"{name}, public" for name in theirs if name in ours})
    joined = ours.join(theirs, how="inner")
    means = joined.mean().sort_values(ascending=False, kind="stable")
    with_means = pd.concat([means.to_frame(f"mean of {len(joined)}").T, joined]).loc[:, list(means.index)]
    return with_means.rename_axis("task") if len(joined) else joined


@dataclass(frozen=True)
class Cell:
    """A method's accuracy on a task, or its mean over tasks; NaN where there is no such number.

    mean, std: over seeds, std with ddof = 1; seeds: how many.
    head, head_std: the same of the task's own head, without SVM.
    published: what the paper prints; corrected and doubt: see `published`. Of a mean, `corrected` is the published
        mean with the cells that are known to be wrong replaced, NaN where there is none.
    difference: ours minus published, over the same tasks.
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


@dataclass(frozen=True)
class Row:
    """A task and its cells by method."""

    task: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Table:
    """Tasks by methods; a result is of all tasks, so there is a cell of each.

    compared: the tasks for which the paper prints a value, by method.
    missing: methods that were asked for and have no result.
    """

    methods: tuple[str, ...]
    rows: tuple[Row, ...]
    mean: Mapping[str, Cell]
    compared: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(row.task for row in self.rows)

    @property
    def scores(self) -> pd.DataFrame:
        """(tasks, methods) mean accuracies, rounded so that equal shares of right answers are equal."""
        cells = [[row.cells[method].mean for method in self.methods] for row in self.rows]
        return pd.DataFrame(cells, index=list(self.tasks), columns=list(self.methods)).round(DIGITS)

    @property
    def rank(self) -> dict[str, float]:
        """Average rank of each method over the tasks, 1 is best; equal accuracies share their mean rank."""
        return dict(zip(self.methods, self.scores.rank(axis=1, ascending=False).mean().tolist(), strict=True))

    def has_heads(self, method: str) -> bool:
        return not math.isnan(self.mean[method].head)


def tabulate(
    frame: pd.DataFrame,
    tasks: Sequence[str],
    methods: Sequence[str],
    published: pd.DataFrame,
) -> Table:
    """The table of a suite.

    Args:
        frame: from `long_form`; at least one run, each of all tasks.
        tasks: in the order of the rows.
        methods: in the order of the columns.
        published: from `published`.
    """
    known = set(frame["method"])
    having = [name for name in methods if name in known]
    printed = {(row["task"], row["method"]): row for row in published.to_dict("records")}
    groups = dict(iter(frame.groupby(["task", "method"])))

    rows = []
    for task in tasks:
        cells = {}
        for method in having:
            group = groups[task, method]
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
        rows.append(Row(task, cells))

    return Table(
        methods=tuple(having),
        rows=tuple(rows),
        mean={method: _mean(frame, rows, method) for method in having},
        compared={
            method: tuple(row.task for row in rows if not math.isnan(row.cells[method].published)) for method in having
        },
        missing=tuple(name for name in methods if name not in known),
    )


def _cell(accuracy: np.ndarray, head: np.ndarray) -> Cell:
    """Mean and standard deviation over seeds, (seeds,) each."""
    return Cell(*over_seeds(accuracy), len(accuracy), *over_seeds(head[~np.isnan(head)]))


def _mean(frame: pd.DataFrame, rows: Sequence[Row], method: str) -> Cell:
    """The mean over the tasks, with its deviation over seeds."""
    runs = [run for _, run in frame.loc[frame["method"] == method].groupby("seed")]
    cell = _cell(*(np.array([run[column].mean() for run in runs]) for column in ("accuracy", "head_accuracy")))
    compared = [row.cells[method] for row in rows if not math.isnan(row.cells[method].published)]
    if not compared:
        return cell
    corrected = [cell.published if math.isnan(cell.corrected) else cell.corrected for cell in compared]
    return replace(
        cell,
        published=float(np.mean([cell.published for cell in compared])),
        corrected=float(np.mean(corrected)) if any(not math.isnan(cell.corrected) for cell in compared) else NAN,
        difference=float(np.mean([cell.difference for cell in compared])),
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
            "seeds": cell.seeds,
            **({"wins": against.wins, "ties": against.ties, "losses": against.losses} if against else {}),
        }
    return numbers
