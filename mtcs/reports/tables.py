"""The tables of a report, all cells text: one source for the page, for Markdown, LaTeX and CSV."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from mtcs.errors import counted
from mtcs.reports.analysis.accuracy import Cell, beside_others
from mtcs.reports.analysis.affinity import FORMS
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.cost import Costs
from mtcs.reports.analysis.mistakes import SHOWN, hardest
from mtcs.reports.analysis.orders import ORDERED, archive_types, means_by_type
from mtcs.reports.analysis.paired import Paired
from mtcs.reports.analysis.parameters import parameter_table
from mtcs.reports.analysis.runs import data_table, run_table
from mtcs.reports.analysis.significance import LEVEL
from mtcs.reports.writing import DAGGER, DASH, ELSEWHERE, Titles, duration, number, percent, probability, signed

LEFT = (
    *("what differs", "type of data", "precision", "taken on", "device", "commit"),
    *("label", "predicted instead", "never predicted"),
)
"""Columns of words, which line up at the left."""

COLUMNS = 12
"""Columns of numbers that a page on a desk is wide."""


class Marked(str):
    """A cell that stands out: the best of a row or column, or a significant p value."""


def every(report: Report) -> dict[str, pd.DataFrame]:
    """All tables with results, by the names of their files; empty ones where there is nothing to show."""
    made = (methods, types_of_data, accuracy, other_classifiers, p_values, paper, balanced_accuracy, readings, ablation)
    made += (learning_curve, separation, hard_series, parameters)
    return {one.__name__.replace("_", "-"): one(report) for one in made} | {
        "cost": cost_table(report.costs, report.titles),
        "data": data_table(report.results, report.tasks),
        "runs": run_table(report.results, report.titles),
    }


def _frame(rows: Iterable[dict[str, str]]) -> pd.DataFrame:
    """Rows by their first entry, without the columns that have a dash in all of them; empty of none."""
    frame = pd.DataFrame(list(rows), dtype=object).fillna("")
    if frame.empty:
        return frame
    frame = frame.set_index(frame.columns[0])
    return frame.loc[:, frame.ne(DASH).any()]


def _mark(texts: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """The same texts, those marked that are `chosen`."""
    cells = np.vectorize(lambda text, mark: Marked(text) if mark else text, otypes=[object])(texts, chosen)
    return pd.DataFrame(cells, texts.index, texts.columns, dtype=object)


def _with_best(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Accuracies as text, the best of each row of two and more marked, with all whose means print the same."""
    means = accuracies.map(lambda text: text.partition(" ")[0])
    return _mark(accuracies, means.eq(means.max(axis=1), axis=0) & (accuracies.shape[1] > 1))


def _upright(frame: pd.DataFrame, columns: str) -> pd.DataFrame:
    """A frame with its longer side down where it has more columns than a page is wide; of many tasks as it is."""
    wide = len(frame) < ORDERED and frame.shape[1] > max(COLUMNS, len(frame))
    return frame.T.rename_axis(columns) if wide else frame


def methods(report: Report) -> pd.DataFrame:
    """One row a method: mean, paper's mean, difference, rank, comparison with the reference, accuracy of its heads."""
    table, against = report.table, {comparison.method: comparison for comparison in report.comparisons}
    frame = _frame(
        {
            "method": report.titles[method],
            "accuracy": number(cell.mean, cell.std),
            "paper": number(cell.published),
            "difference": signed(cell.difference),
            "rank": f"{table.rank[method]:.2f}" if against else DASH,
            "wins/ties/losses": f"{one.wins}/{one.ties}/{one.losses}" if (one := against.get(method)) else DASH,
            "p": probability(one.corrected) if one else DASH,
            "heads": number(cell.head, cell.head_std),
            "seeds": str(cell.seeds),
        }
        for method, cell in table.mean.items()
    )
    frame["accuracy"] = _with_best(frame[["accuracy"]].T).T
    return frame


def _by_task(report: Report, methods: Sequence[str], text: Callable[[Cell], str]) -> pd.DataFrame:
    """Tasks by methods."""
    return _frame(
        {"task": row.task} | {report.titles[method]: text(row.cells[method]) for method in methods}
        for row in report.table.rows
    )


def accuracy(report: Report) -> pd.DataFrame:
    """Our accuracies, tasks by methods."""
    texts = _by_task(report, report.methods, lambda cell: number(cell.mean, cell.std))
    frame = _upright(_with_best(texts), "method")
    if types := archive_types(report.tasks):
        frame.insert(0, "type of data", list(types.values()))
    return frame


def types_of_data(report: Report) -> pd.DataFrame:
    """Mean accuracies over the tasks of each type of data, types by methods; empty where types are not known."""
    means = means_by_type(report.table.scores, archive_types(report.tasks))
    frame = _with_best(means.drop(columns="tasks").rename(columns=report.titles).map(number))
    frame.insert(0, "tasks", means["tasks"].astype(str))
    return frame


def paper(report: Report) -> pd.DataFrame:
    """The paper's accuracies and our difference from each, tasks by those methods of which it prints any."""

    def theirs(cell: Cell) -> str:
        text = f"{number(cell.published)}{DAGGER * bool(cell.doubt)} ({signed(cell.difference)})"
        return DASH if math.isnan(cell.published) else text

    compared = [method for method in report.methods if report.table.compared[method]]
    return _upright(_by_task(report, compared, theirs), "method")


def p_values(report: Report) -> pd.DataFrame:
    """P values of all pairs of methods; significant ones are marked."""
    text = _mark(report.pairs.map(probability), report.pairs <= LEVEL)
    return text.rename(index=report.titles, columns=report.titles).rename_axis("method")


def balanced_accuracy(report: Report) -> pd.DataFrame:
    """Balanced accuracy, tasks by methods, beside the share of the most frequent label."""
    return _frame(
        {"task": one.task, "most frequent label": number(one.majority)}
        | {report.titles[method]: number(one.accuracy.get(method, math.nan)) for method in report.methods}
        | {"never predicted": "; ".join(f"{report.titles[m]}: {', '.join(v)}" for m, v in one.never.items())}
        for one in report.balances
    )


def hard_series(report: Report) -> pd.DataFrame:
    """The test series that are wrong most often, a row each, by task."""
    counts = {one.task: f"{one.never_right:,} of {one.test:,}" for one in report.mistakes}
    return _frame(
        {
            "task": task,
            "test series": str(one.series),
            "label": one.label,
            "predicted instead": ", ".join(f"{label} ({percent(share)})" for label, share in one.predicted[:3]),
            "wrong": percent(one.share),
            "never right in the task": counts[task],
        }
        for task, one in hardest(report.mistakes, SHOWN)
    )


def other_classifiers(report: Report) -> pd.DataFrame:
    """Our accuracies and other classifiers', first the means; the best classifier first."""
    joined = beside_others(report.table.scores.rename(columns=report.titles), report.others)
    return _upright(_with_best(joined.map(number)), "classifier")


def ablation(report: Report) -> pd.DataFrame:
    """Each variant: what differs, accuracy, difference by seed, tasks, and the difference in the paper."""
    return _frame(
        {
            "variant": report.titles[one.method],
            "what differs": one.differs or DASH,
            "accuracy": number(*one.accuracy),
            "difference": signed(*one.paired.difference),
            "better/equal/worse": _counts(one.paired) if place else DASH,  # of the reference itself
            "in the paper": signed(one.printed) + ELSEWHERE * one.elsewhere,
            "seeds": str(one.paired.seeds),
        }
        for place, one in enumerate(report.variants)
    )


def readings(report: Report) -> pd.DataFrame:
    """Each reading: accuracy under the method's own classifier and under this one, difference by seed, and places."""
    return _frame(
        {
            "representations, classifier": report.titles[one.name],
            "own classifier": number(*one.own),
            "this one": number(*one.other),
            "difference": signed(*one.paired.difference),
            "better/equal/worse": _counts(one.paired),
            "place": f"{one.own_place} → {one.other_place}",
            "seeds": str(one.paired.seeds),
        }
        for one in report.readings
    )


def _counts(paired: Paired) -> str:
    return f"{paired.better}/{paired.equal}/{paired.worse}"


def learning_curve(report: Report) -> pd.DataFrame:
    """Accuracy by the number of training series of each label, methods and then their heads by numbers."""
    rows: dict[str, dict[str, str]] = {}
    for values, suffix in (("accuracy", ""), ("heads", ", heads")):
        for point in report.learning_curve:
            column = f"{point.name} ({counted(point.draws, 'draw')})" if point.labels else point.name
            for method, (mean, std) in getattr(point, values).items():
                name = f"{report.titles[method]}{suffix}"
                rows.setdefault(name, {"method": name})[column] = number(mean, std)
    return _frame(rows.values()).replace("", DASH)


def separation(report: Report) -> pd.DataFrame:
    """How the pairs of tasks that the paper calls related rank by similarity; empty of suites without such pairs."""
    rows: dict[str, dict[str, str]] = {}
    for (method, form), one in report.separations.items():
        row = rows.setdefault(
            method,
            {"method": report.titles[method], "by chance": f"{one.chance:.1f}", "seeds": str(len(one.by_seed))},
        )
        row |= {f"rank, {FORMS[form]}": f"{one.mean:.1f}", f"p, {FORMS[form]}": probability(one.p)}
    return _frame(rows.values())


def cost_table(costs: Costs, titles: Titles) -> pd.DataFrame:
    """Each method's cost; the machine is a column where it is not the same for all."""

    def known(value: float | None, text: Callable[[float], str]) -> str:
        return DASH if value is None else text(value)

    return _frame(
        {
            "method": titles[cost.method],
            "training": known(cost.training_seconds, duration),
            "reading": known(cost.reading_seconds, duration),
            "models": str(cost.models or DASH),
            "inference, series/s": known(cost.series_per_second, "{:,.0f}".format),
            "parameters": known(cost.weights, "{:,}".format),
            "peak memory": known(cost.peak_memory_mb, "{:,.0f} MB".format),
            "runs": DASH if costs.one_run else str(cost.runs),
            "precision": ", ".join(cost.precisions) or DASH,
            "taken on": "; ".join(cost.machines) if len(costs.machines) > 1 else DASH,
        }
        for cost in costs.rows
    )


def parameters(report: Report) -> pd.DataFrame:
    """Each parameter by method."""
    by_name = parameter_table({method: dict(report.parameters.get(method, {})) for method in report.methods})
    frame = pd.DataFrame(by_name, index=report.titles.of(report.methods)).T
    return frame.rename_axis("parameter")


def markdown(frame: pd.DataFrame, title: str = "") -> str:
    """A table under its title, lined up so that it reads as plain text too, marked cells bold; empty where that is."""
    if not frame.size:
        return ""
    columns = []
    for name, values in frame.reset_index(allow_duplicates=True).items():
        cells = [f"**{cell}**" if isinstance(cell, Marked) else str(cell) for cell in (name, *values)]
        cells = [cell.replace("|", "\\|") for cell in cells]
        width, left = max(3, *map(len, cells)), name in (frame.index.name, *LEFT)
        rule = "-" * width if left else "-" * (width - 1) + ":"
        columns.append([f"{cell:{'<' if left else '>'}{width}}" for cell in (cells[0], rule, *cells[1:])])
    rows = [f"| {' | '.join(row)} |" for row in zip(*columns, strict=True)]
    return "\n".join([title, ""] * bool(title) + rows)


_TEX = {"±": r"$\pm$", "\N{MINUS SIGN}": "$-$", "<": "$<$", ">": "$>$", "→": r"$\to$", "\N{NO-BREAK SPACE}": "~"}
_TEX |= {DASH: "--", DAGGER: r"\dag{}", ELSEWHERE: r"\ddag{}", "\ue000": r"\textbf{", "\ue001": "}"}
"""What pandas leaves to the document; the last two enclose what is marked, and are in no name."""


def latex(frame: pd.DataFrame) -> str:
    """A table for LaTeX with booktabs; marked cells are bold."""
    columns = "l" + "".join("l" if column in LEFT else "r" for column in frame.columns)
    text = frame.map(lambda cell: f"\ue000{cell}\ue001" if isinstance(cell, Marked) else cell)
    text = text.reset_index(allow_duplicates=True)
    return text.to_latex(index=False, escape=True, column_format=columns).translate(str.maketrans(_TEX))
