"""Accuracy of a suite: one row for each prediction file, and the table of tasks by methods beside the paper's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
import pandas as pd

from mtcs.errors import InputError
from mtcs.layout import Layout
from mtcs.reports.results import read_predictions, read_representation
from mtcs.tasks import read_task

COLUMNS = ["suite", "method", "seed", "task", "n_test", "accuracy", "head_accuracy"]
NAMES = {"mtcs": "MTCS", "mtl": "MTL"}
"""How the publications spell a method's name; another is shown as it is."""

NAN = float("nan")
DASH = "\N{EN DASH}"


def shown_name(method: str) -> str:
    """The method's name as a reader knows it."""
    return NAMES.get(method, method)


def measure(
    layout: Layout, suite: str, tasks: Sequence[str], methods: Sequence[str], seeds: Sequence[int]
) -> pd.DataFrame:
    """The accuracy of every prediction file there is, in long form (`COLUMNS`).

    Raises:
        InputError: if there is none, or if predictions, representations and task disagree.
    """
    rows = []
    for task in tasks:
        runs = [(method, seed) for method in methods for seed in seeds]
        runs = [run for run in runs if layout.prediction(suite, *run, task).exists()]
        labels = read_task(layout.normalized(suite, task)).test.labels if runs else np.empty(0, np.int64)
        for method, seed in runs:
            path = layout.prediction(suite, method, seed, task)
            predictions = read_predictions(path)
            if len(predictions) != len(labels):
                raise InputError(
                    f"{path} has {len(predictions)} rows, expected {len(labels)}, one for each test series of {task}; "
                    f"run 'mtcs classify {method} {suite} --seed {seed}'."
                )
            right = predictions["label"] == predictions["predicted"]
            head = _head_accuracy(layout, suite, method, seed, task, labels)
            rows.append((suite, method, seed, task, len(labels), right.mean(), head))
    if not rows:
        raise InputError(
            f"{suite} has no predictions of {', '.join(methods)}; "
            f"run 'mtcs classify {methods[0] if methods else 'METHOD'} {suite}'."
        )
    order = {method: i for i, method in enumerate(methods)}
    rows.sort(key=lambda row: (order[row[1]], row[2]))  # tasks keep their order within a run
    return pd.DataFrame(rows, columns=COLUMNS)


def _head_accuracy(layout: Layout, suite: str, method: str, seed: int, task: str, labels: np.ndarray) -> float:
    """Share of test series that the task's own head gets right (Equation 1); NaN where the method has no heads."""
    path = layout.representation(suite, method, seed, task)
    if not path.exists():
        return NAN
    series, head = read_representation(path, "test")
    if len(series) != len(labels):
        raise InputError(
            f"{path} has {len(series)} test representations, expected {len(labels)}; "
            f"run 'mtcs represent {method} {suite} --seed {seed}'."
        )
    if head is None:
        return NAN
    return float(((series @ head.T).argmax(1) == labels).mean())


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
    published: what the paper prints; corrected and doubt: see `published`.
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

    common: the tasks on which every method has a result; means and ranks are over these.
    compared: those of them for which the paper prints a value, by method.
    missing: tasks and methods that were asked for and have no predictions at all.
    """

    suite: str
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    mean: Mapping[str, Cell]
    rank: Mapping[str, float]
    common: tuple[str, ...]
    compared: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]

    def has_heads(self, method: str) -> bool:
        return any(not math.isnan(row.cells[method].head) for row in self.rows if method in row.cells)


def tabulate(
    frame: pd.DataFrame,
    tasks: Sequence[str],
    methods: Sequence[str],
    seeds: Sequence[int],
    published: pd.DataFrame,
) -> Table:
    """The table of a suite.

    Args:
        frame: from `measure`.
        tasks: in the order of the rows.
        methods: in the order of the columns.
        seeds: those asked for; a cell may have fewer.
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
        seeds=tuple(seeds),
        rows=tuple(rows),
        mean=_mark_best({method: _mean(frame, common, method) for method in methods}),
        rank=_ranks(common, methods),
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
        method: replace(cell, best=len(cells) > 1 and math.isclose(cell.mean, top, abs_tol=1e-9))
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
    return replace(
        cell,
        mean=float(np.mean([cell.mean for cell in cells])),
        published=float(np.mean([cell.published for cell in compared])) if compared else NAN,
        difference=float(np.mean([cell.difference for cell in compared])) if compared else NAN,
    )


def _ranks(common: list[Row], methods: Sequence[str]) -> dict[str, float]:
    """Average rank of each method over the common tasks, 1 is best; equal accuracies share their mean rank."""
    if not common:
        return dict.fromkeys(methods, NAN)
    means = pd.DataFrame([{method: row.cells[method].mean for method in methods} for row in common])
    ranks = means.round(9).rank(axis=1, ascending=False).to_numpy().mean(0)
    return dict(zip(methods, ranks.tolist(), strict=True))


def summary(table: Table) -> dict[str, dict[str, float | int]]:
    """The suite's metric by method: mean accuracy, its std over seeds, average rank, heads' mean, seeds.

    What does not exist (the std of one seed, the heads of a method without) is left out.
    """
    numbers = {}
    for method, cell in table.mean.items():
        values = {
            "accuracy": cell.mean,
            "accuracy_std": cell.std,
            "rank": table.rank[method],
            "head_accuracy": cell.head,
        }
        numbers[method] = {
            **{name: round(value, 6) for name, value in values.items() if not math.isnan(value)},
            "seeds": cell.seeds,
        }
    return numbers


def number(value: float) -> str:
    """An accuracy with three decimals; a dash where there is none."""
    return DASH if math.isnan(value) else f"{value:.3f}"


def spread(mean: float, std: float) -> str:
    """An accuracy with its standard deviation, which one seed does not have."""
    return number(mean) if math.isnan(std) else f"{mean:.3f} ± {std:.3f}"


def signed(value: float) -> str:
    """A difference with its sign; a dash where there is none."""
    if math.isnan(value):
        return DASH
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}") if abs(value) >= 0.0005 else "0.000"


def distance(table: Table) -> str:
    """How far each method is from the paper over the tasks that both have, in one sentence."""
    compared = {method: tasks for method, tasks in table.compared.items() if tasks}
    if not compared:
        return "The paper reports no accuracy for these tasks, so nothing here is measured against it."
    clauses = []
    for method, tasks in compared.items():
        cell = table.mean[method]
        ours = cell.published + cell.difference
        clause = f"{shown_name(method)} averages {number(ours)} where the paper has {number(cell.published)}"
        clause += f" ({signed(cell.difference)}"
        if len(tasks) == len(table.common) and cell.std > 0:
            deviations = abs(cell.difference) / cell.std
            apart = "within one standard deviation" if deviations <= 1 else f"{deviations:.1f} standard deviations"
            clause += f", {apart} over seeds"
        clauses.append(f"{clause})")
    counts = sorted({len(tasks) for tasks in compared.values()})
    return f"Over the same {' or '.join(map(str, counts))} tasks, {_listed(clauses)}."


def _listed(parts: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def heading(table: Table) -> str:
    """What is compared on what: the methods by name while they are few."""
    names = [shown_name(method) for method in table.methods]
    return f"{_listed(names) if len(names) <= 3 else f'{len(names)} methods'} on {table.suite}"


def sharing_gain(table: Table) -> str:
    """What sharing adds, MTCS against MTL, in one sentence; empty where the two are not both there."""
    if not table.common or not {"mtcs", "mtl"} <= set(table.methods):
        return ""
    pairs = [(row.cells["mtcs"], row.cells["mtl"]) for row in table.rows if row.task in table.common]
    gain = table.mean["mtcs"].mean - table.mean["mtl"].mean
    wins = sum(ours.mean > other.mean and not other.best for ours, other in pairs)
    losses = sum(ours.mean < other.mean and not ours.best for ours, other in pairs)
    sentence = f"Sharing moves the mean by {signed(gain)}"
    if table.compared["mtcs"] and table.compared["mtcs"] == table.compared["mtl"]:
        sentence += f" ({signed(table.mean['mtcs'].published - table.mean['mtl'].published)} in the paper)"
    return f"{sentence}: MTCS is ahead of MTL on {wins} of {len(pairs)} tasks and behind on {losses}."


def caveats(table: Table) -> list[str]:
    """What a reader must know beside the numbers, one sentence each."""
    asked = len(table.seeds)
    notes = [
        f"Mean ± standard deviation over {asked} seeds." if asked > 1 else "One seed: the spread over seeds is unknown."
    ]
    if any(cell.seeds < asked for row in table.rows for cell in row.cells.values()):
        notes.append(f"A number in brackets says that only so many of {asked} seeds stand behind a cell.")
    if len(table.common) < len(table.rows):
        notes.append(
            f"Means and ranks are over the {len(table.common)} tasks of {len(table.rows)} that every method has."
        )
    partly = {method: tasks for method, tasks in table.compared.items() if 0 < len(tasks) < len(table.common)}
    if partly:
        shares = ", ".join(f"{len(tasks)} for {shown_name(method)}" for method, tasks in partly.items())
        notes.append(f"The paper's means, and the differences from them, are over the tasks it reports: {shares}.")
    if table.missing:
        notes.append(f"Without any prediction: {', '.join(map(shown_name, table.missing))}.")
    return notes


def doubts(table: Table) -> list[str]:
    """The doubtful published cells of the table, one sentence each."""
    sentences = []
    for row in table.rows:
        for method, cell in row.cells.items():
            if cell.doubt:
                known = "" if math.isnan(cell.corrected) else f"; other publications give {number(cell.corrected)}"
                sentences.append(f"{row.task}, {shown_name(method)}: {number(cell.published)} is {cell.doubt}{known}.")
    return sentences


def text_table(table: Table, best: str = "{}") -> pd.DataFrame:
    """The table as text: tasks, mean, rank and seeds by methods, each beside the paper's value and the difference.

    `best` is how the best of a row is written, such as "**{}**".
    """
    columns: dict[str, list[str]] = {}
    for method in table.methods:
        cells = [row.cells.get(method) for row in table.rows]
        mean, rank = table.mean[method], table.rank[method]
        columns[shown_name(method)] = [
            *(DASH if cell is None else _own(cell, len(table.seeds), best) for cell in cells),
            (best if mean.best else "{}").format(spread(mean.mean, mean.std)),
            DASH if math.isnan(rank) else f"{rank:.2f}",
            _seeds(cells),
        ]
        if table.compared[method]:
            papers = [DASH if cell is None else number(cell.published) + "†" * bool(cell.doubt) for cell in cells]
            differences = [DASH if cell is None else signed(cell.difference) for cell in cells]
            columns[f"{shown_name(method)} paper"] = [*papers, number(mean.published), "", ""]
            columns[f"{shown_name(method)} difference"] = [*differences, signed(mean.difference), "", ""]
    index = pd.Index([*(row.task for row in table.rows), "mean accuracy", "average rank", "seeds"], name="task")
    return pd.DataFrame(columns, index=index)


def _own(cell: Cell, asked: int, best: str) -> str:
    text = (best if cell.best else "{}").format(spread(cell.mean, cell.std))
    return text if cell.seeds == asked else f"{text} ({cell.seeds})"


def _seeds(cells: Sequence[Cell | None]) -> str:
    counts = [cell.seeds for cell in cells if cell is not None]
    return str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


def markdown(table: Table) -> str:
    """`accuracy.md`: the table with the best of each row bold, the distance to the paper, and the notes."""
    frame = text_table(table, best="**{}**")
    lines = [
        f"# Accuracy of {heading(table)}",
        "",
        " ".join(filter(None, [distance(table), sharing_gain(table)])),
        "",
        _markdown_row(["task", *frame.columns]),
        _markdown_row(["---", *(["---:"] * frame.shape[1])]),
        *(_markdown_row([str(task), *cells]) for task, cells in zip(frame.index, frame.to_numpy(), strict=True)),
        "",
        " ".join(caveats(table)),
    ]
    if doubtful := doubts(table):
        lines += ["", "† Doubtful in print, shown as printed:", "", *(f"- {sentence}" for sentence in doubtful)]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
