"""The tables of a report, all cells text: one source for the page, for Markdown, LaTeX and CSV.

`best` is how the best of a row or column is written, such as "**{}**".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from mtcs.config.parameters import parameter_table
from mtcs.reports.analysis.accuracy import Cell
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.cost import Costs
from mtcs.reports.analysis.mistakes import SHOWN, hardest
from mtcs.reports.analysis.orders import ORDERED, types_of_data
from mtcs.reports.analysis.significance import LEVEL, REFERENCE
from mtcs.reports.numbers import DAGGER, DASH, duration, number, percent, probability, signed, spread
from mtcs.reports.titles import Titles
from mtcs.reports.words import ELSEWHERE

LEFT = (
    "what differs",
    "type of data",
    "precision",
    "taken on",
    "form",
    "device",
    "commit",
    "label",
    "predicted instead",
)
"""Columns of words, which line up at the left."""

COLUMNS = 12
"""Columns of numbers that a page on a desk is wide."""


def every(report: Report, best: str = "{}") -> dict[str, pd.DataFrame]:
    """All tables with results, by the names of their files; empty ones where there is nothing to show."""
    return {
        "methods": methods(report, best),
        "types-of-data": by_type(report, best),
        "accuracy": tasks(report, best),
        "other-classifiers": others(report, best),
        "p-values": pairs(report, best),
        "paper": paper(report),
        "balanced-accuracy": balances(report),
        "readings": readings(report),
        "ablation": ablation(report),
        "hard-series": mistakes(report),
        "cost": cost_table(report.costs, report.titles),
    }


def _frame(rows: Sequence[dict[str, str]], index: Sequence[str], name: str) -> pd.DataFrame:
    return pd.DataFrame(rows, index=pd.Index(index, name=name), dtype=object).fillna("")


def _marked(frame: pd.DataFrame, chosen: np.ndarray, best: str) -> pd.DataFrame:
    """The texts of a frame, those that are `chosen` (rows, columns) written as `best`, which may be markup."""
    cells = [
        [(best if mark else "{}").format(text) for text, mark in zip(*row, strict=True)]
        for row in zip(frame.to_numpy(), chosen, strict=True)
    ]
    return pd.DataFrame(cells, frame.index, frame.columns, dtype=object)


def _upright(frame: pd.DataFrame, columns: str) -> pd.DataFrame:
    """A frame with its longer side down where it has more columns than a page is wide; of many tasks as it is."""
    wide = len(frame) < ORDERED and frame.shape[1] > max(COLUMNS, len(frame))
    return frame.T.rename_axis(columns) if wide else frame


def methods(report: Report, best: str = "{}") -> pd.DataFrame:
    """One row a method: mean, paper's mean, difference, rank, comparison with the reference, accuracy of its heads."""
    table, against = report.table, {comparison.method: comparison for comparison in report.comparisons}
    rows = []
    for method in report.methods:
        cell, rank, comparison = table.mean[method], table.rank[method], against.get(method)
        row = {"accuracy": (best if cell.best else "{}").format(spread(cell.mean, cell.std))}
        if any(table.compared.values()):
            row |= {"paper": number(cell.published), "difference": signed(cell.difference)}
        if len(report.methods) > 1:
            row["rank"] = f"{rank:.2f}"
        if against:
            row |= {
                "wins/ties/losses": f"{comparison.wins}/{comparison.ties}/{comparison.losses}" if comparison else DASH,
                "p": probability(comparison.corrected) if comparison else DASH,
            }
        if any(map(table.has_heads, report.methods)):
            row["heads"] = spread(cell.head, cell.head_std)
        rows.append(row | {"seeds": str(cell.seeds)})
    return _frame(rows, report.titles.of(report.methods), "method")


def _by_task(report: Report, methods: Sequence[str], cell: Callable[[Cell, str], str]) -> pd.DataFrame:
    """Tasks by methods, or the other way round where there are many more methods."""
    rows = [{report.titles[name]: cell(row.cells[name], name) for name in methods} for row in report.table.rows]
    return _upright(_frame(rows, report.tasks, "task"), "method")


def tasks(report: Report, best: str = "{}") -> pd.DataFrame:
    """Our accuracies, tasks by methods."""

    def own(cell: Cell, method: str) -> str:
        text = (best if cell.best else "{}").format(spread(cell.mean, cell.std))
        return text if cell.seeds == len(report.table.seeds[method]) else text + f" ({cell.seeds})"

    frame = _by_task(report, report.methods, own)
    if types := types_of_data(report.tasks):
        frame.insert(0, "type of data", list(types.values()))
    return frame


def by_type(report: Report, best: str = "{}") -> pd.DataFrame:
    """Mean accuracies over the tasks of each type of data, types by methods; empty where types are not known."""
    by_kind: dict[str, list[str]] = {}
    for task, kind in sorted(types_of_data(report.tasks).items(), key=lambda one: one[1].casefold()):
        by_kind.setdefault(kind, []).append(task)
    if not by_kind:
        return pd.DataFrame()
    means = pd.DataFrame({kind: report.table.scores.loc[tasks].mean() for kind, tasks in by_kind.items()}).T
    text = means.map(number).set_axis(report.titles.of(report.methods), axis=1)
    text = _marked(text, text.eq(text.max(axis=1), axis=0).to_numpy(), best)
    text.insert(0, "tasks", [str(len(tasks)) for tasks in by_kind.values()])
    return text.rename_axis("type of data")


def paper(report: Report) -> pd.DataFrame:
    """The paper's accuracies and our difference from each, tasks by those methods of which it prints any."""

    def theirs(cell: Cell, _: str) -> str:
        if math.isnan(cell.published):
            return DASH
        return f"{number(cell.published)}{DAGGER * bool(cell.doubt)} ({signed(cell.difference)})"

    return _by_task(report, [method for method in report.methods if report.table.compared[method]], theirs)


def pairs(report: Report, best: str = "{}") -> pd.DataFrame:
    """P values of all pairs of methods, those that are significant written as `best`."""
    names = report.titles.of(report.methods)
    text = _marked(report.pairs.map(probability), (report.pairs <= LEVEL).to_numpy(), best)
    return text.set_axis(names).set_axis(names, axis=1).rename_axis("method")


def balances(report: Report) -> pd.DataFrame:
    """Balanced accuracy, tasks by methods, beside the share of the most frequent label."""
    rows = [
        {"most frequent label": number(one.majority)}
        | {report.titles[method]: number(one.accuracy.get(method, math.nan)) for method in report.methods}
        | {"never predicted": "; ".join(f"{report.titles[m]}: {', '.join(v)}" for m, v in one.never.items())}
        for one in report.balances
    ]
    return _frame(rows, [one.task for one in report.balances], "task")


def mistakes(report: Report) -> pd.DataFrame:
    """The test series that are wrong most often, a row each, by task."""
    counts = {one.task: f"{one.never_right:,} of {one.test:,}" for one in report.mistakes}
    several = hardest(report.mistakes, SHOWN)
    rows = [
        {
            "test series": str(one.series),
            "label": one.label,
            "predicted instead": ", ".join(f"{label} ({percent(share)})" for label, share in one.predicted[:3]),
            "wrong": percent(one.share),
            "never right in the task": counts[task],
        }
        for task, one in several
    ]
    return _frame(rows, [task for task, _ in several], "task")


def others(report: Report, best: str = "{}") -> pd.DataFrame:
    """Our means among other classifiers', the best first, over the tasks that both have; first the mean of these."""
    cells = {
        report.titles[method]: {row.task: row.cells[method].mean for row in report.table.rows}
        for method in report.methods
    }
    ours, theirs = pd.DataFrame(cells), report.others.dropna()
    theirs = theirs.rename(columns={name: f"{name}, public" for name in theirs if name in ours})
    both = theirs.index.intersection(ours.index, sort=False)
    if both.empty:
        return pd.DataFrame()
    joined = pd.concat([ours.loc[both], theirs.loc[both]], axis=1)
    means = joined.mean().sort_values(ascending=False, kind="stable")
    joined = pd.concat([means.to_frame(f"mean of {len(both)}").T, joined]).loc[:, list(means.index)]
    text = joined.map(number).rename_axis("task")
    text = _marked(text, text.eq(joined.max(axis=1).map(number), axis=0).to_numpy(), best)
    return _upright(text, "classifier")


def ablation(report: Report) -> pd.DataFrame:
    """Each variant: what differs, accuracy, difference by seed, tasks, and the difference in the paper."""
    rows = []
    for variant in report.variants:
        if variant.method == REFERENCE:
            change = dict.fromkeys(("difference", "better/equal/worse", "in the paper"), DASH)
        else:
            gap = signed(variant.difference)
            change = {
                "difference": gap if math.isnan(variant.difference_std) else f"{gap} ± {variant.difference_std:.3f}",
                "better/equal/worse": f"{variant.better}/{variant.equal}/{variant.worse}",
                "in the paper": signed(variant.printed) + ELSEWHERE * variant.elsewhere,
            }
        differs = variant.differs or (DASH if variant.method == REFERENCE else "nothing")
        accuracy = {"what differs": differs, "accuracy": spread(variant.mean, variant.std)}
        rows.append(accuracy | change | {"seeds": str(variant.seeds)})
    return _frame(rows, report.titles.of(variant.method for variant in report.variants), "variant")


def readings(report: Report) -> pd.DataFrame:
    """Each reading: accuracy under the method's own classifier and under this one, difference by seed, and places."""
    rows = []
    for one in report.readings:
        gap, deviation = one.difference
        rows.append(
            {
                "own classifier": spread(*one.own),
                "this one": spread(*one.other),
                "difference": signed(gap) if math.isnan(deviation) else f"{signed(gap)} ± {deviation:.3f}",
                "better/equal/worse": f"{one.better}/{one.equal}/{one.worse}",
                "place": f"{one.own_place} → {one.other_place}",
                "seeds": str(one.seeds),
            }
        )
    return _frame(rows, report.titles.of(one.name for one in report.readings), "representations, classifier")


def cost_table(costs: Costs, titles: Titles) -> pd.DataFrame:
    """Each method's cost; precision and machine are columns where they are not the same for all."""
    rows = []
    for cost in costs.rows:
        row = {
            "training": DASH if cost.training is None else duration(cost.training),
            "reading": DASH if cost.reading is None else duration(cost.reading),
            "models": str(cost.models) if cost.models else DASH,
            "inference, series/s": DASH if cost.inference is None else f"{cost.inference:,.0f}",
            "parameters": DASH if cost.parameters is None else f"{cost.parameters:,}",
            "peak memory": DASH if cost.memory is None else f"{cost.memory:,.0f} MB",
        }
        if not costs.reading:
            del row["reading"]
        if not costs.one_run:
            row["runs"] = str(cost.runs)
        if len(costs.precisions) > 1:
            row["precision"] = ", ".join(cost.precisions) or DASH
        if len(costs.machines) > 1:
            row["taken on"] = "; ".join(cost.machines) or DASH
        rows.append(row)
    return _frame(rows, titles.of(cost.method for cost in costs.rows), "method")


def parameters(report: Report) -> pd.DataFrame:
    """Each parameter by method."""
    by_name = parameter_table({method: dict(report.parameters.get(method, {})) for method in report.methods})
    frame = pd.DataFrame(by_name, index=report.titles.of(report.methods)).T
    return frame.rename_axis("parameter")


def markdown(frame: pd.DataFrame) -> str:
    """A table with its columns lined up, so that it reads as plain text too."""
    head = [str(frame.index.name), *map(str, frame.columns)]
    body = [[str(name), *cells] for name, cells in zip(frame.index, frame.to_numpy(), strict=True)]
    rows = [[cell.replace("|", "\\|") for cell in row] for row in (head, *body)]
    at_left = [True, *(column in LEFT for column in frame.columns)]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * width if left else "-" * (width - 1) + ":" for width, left in zip(widths, at_left, strict=True)]
    lined_up = [
        [
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(row, widths, at_left, strict=True)
        ]
        for row in (rows[0], rule, *rows[1:])
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in lined_up)


BOLD = "\ue000{}\ue001"
"""Encloses what `latex` writes in bold; characters that no name has."""

_TEX = str.maketrans(
    {
        "±": r"$\pm$",
        "\N{MINUS SIGN}": "$-$",
        "<": "$<$",
        ">": "$>$",
        "→": r"$\to$",
        DASH: "--",
        DAGGER: r"\dag{}",
        ELSEWHERE: r"\ddag{}",
        "\ue000": r"\textbf{",
        "\ue001": "}",
    }
)
"""What pandas leaves to the document, and what `BOLD` stands for."""


def latex(frame: pd.DataFrame) -> str:
    """A table for LaTeX with booktabs; what `BOLD` encloses is bold."""
    columns = "l" + "".join("l" if column in LEFT else "r" for column in frame.columns)
    return frame.reset_index().to_latex(index=False, escape=True, column_format=columns).translate(_TEX)
