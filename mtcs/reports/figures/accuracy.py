"""Accuracies: of all tasks together, as ranks, by task, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike

from mtcs.errors import counted
from mtcs.reports.analysis.accuracy import Cell
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.cost import front
from mtcs.reports.analysis.significance import groups
from mtcs.reports.figures.drawing import INK, MARK, PAPER, RULE, STYLE, Drawing, legend, name_rows, point
from mtcs.reports.writing import duration, enumerated, number, short

BAND = {"color": RULE, "alpha": 0.55, "linewidth": 0}
"""How a range is drawn."""
MANY = 40
"""Tasks up to which all methods are drawn."""


def _dots(axes: Axes, places: ArrayLike, cells: Sequence[Cell], style: Mapping[str, Any]) -> None:
    """The means of cells at their places, with their deviations over seeds."""
    mean, std = np.array([(cell.mean, cell.std) for cell in cells]).T
    axes.hlines(places, mean - std, mean + std, color=style["color"], linewidth=1.6)
    axes.plot(mean, places, **style)


@mpl.rc_context(STYLE)
def overview(report: Report) -> Drawing:
    """A row a method, the best first: mean accuracy with its deviation over seeds, and the paper's number.

    Behind them the range of the means of other public classifiers, where they have results on all these tasks.
    """
    table = report.table
    order = sorted(report.methods, key=lambda method: -table.mean[method].mean)
    figure = Figure(figsize=(3.4, 0.55 + 0.27 * len(order)))
    axes = figure.add_subplot(xlabel=f"mean accuracy over {counted(len(table.tasks), 'task')}")
    others = report.others.reindex(list(table.tasks)).dropna(axis=1).mean()
    if len(others) > 1:
        axes.axvspan(others.min(), others.max(), **BAND, label="other classifiers")
    for y, method in enumerate(order):
        _dots(axes, [y], [table.mean[method]], point(report.number(method)))
    printed = [(table.mean[one].published, y) for y, one in enumerate(order) if table.compared[one] == table.tasks]
    if printed:
        axes.plot(*zip(*printed, strict=True), **MARK, label="in the paper")
    name_rows([short(title) for title in report.titles.of(order)], axes)
    legend(axes)
    means = enumerated([f"{report.titles[method]} {number(table.mean[method].mean)}" for method in order])
    return Drawing(figure, "overview", "Mean accuracy by method", f"Dot plot, the best method first: {means}.")


@mpl.rc_context(STYLE)
def critical_difference(report: Report) -> Drawing | None:
    """A row a method: its average rank, and bars that join methods of which no two are told apart (Demšar, 2006).

    Bars span methods that follow one another in rank, by the p values of the report's tables; those that lie inside
    another are left out. None for fewer than three methods or two tasks, or where all methods are equal on every task.
    """
    scores, titles = report.table.scores, report.titles
    if scores.shape[1] < 3 or len(scores) < 2 or scores.nunique(axis=1).max() == 1:
        return None
    ranks = dict(sorted(report.table.rank.items(), key=lambda one: one[1]))
    bars = groups(report.pairs.loc[[*ranks], [*ranks]].to_numpy())
    figure = Figure(figsize=(3.2, 0.5 + 0.24 * len(ranks)))
    axes, beside = figure.add_subplot(xlabel="average rank"), 0.0
    for y, (method, rank) in enumerate(ranks.items()):
        axes.plot(rank, y, **point(report.number(method)))
    for first, last in bars:  # at the right of all that they join, and of those before
        beside = max(beside, [*ranks.values()][last]) + 0.035 * len(ranks)
        axes.vlines(beside, first - 0.3, last + 0.3, color=INK, linewidth=3.2, gid=f"bar-{first}-{last}")
    names = [f"{titles[method]} {rank:.2f}" for method, rank in ranks.items()]
    name_rows([f"{short(titles[method])} {rank:.2f}" for method, rank in ranks.items()], axes)
    joined = "; ".join(", ".join(titles.of([*ranks][first : last + 1])) for first, last in bars) or "none"
    what = f"Average ranks: {', '.join(names)}. {counted(len(bars), 'bar')}: {joined}."
    return Drawing(figure, "critical-difference", "Critical-difference diagram", what)


@mpl.rc_context(STYLE)
def by_task(report: Report, narrow: bool = False) -> Drawing:
    """A panel a method, with a row a task, easy ones first: accuracies before the range of all methods.

    The reference's panel has the paper's numbers, too. Of more tasks than `MANY`, only the reference and the two best
    others are drawn. On a narrow screen two panels stand side by side.
    """
    table, reference = report.table, report.reference
    scores = table.scores.sort_values(reference, ascending=False, kind="stable")
    best = sorted(report.methods, key=lambda method: (method != reference, -table.mean[method].mean))[:3]
    shown = [method for method in report.methods if len(scores) <= MANY or method in best]
    across, width, height = (2, 1.45, 0.15) if narrow else (5, 1.8, 0.19)  # inches of a panel, and of a task in it
    across = min(across, len(shown))
    down, places, rows = -(-len(shown) // across), np.arange(len(scores)), {row.task: row.cells for row in table.rows}
    figure = Figure(figsize=(across * width, down * (0.4 + height * len(scores))))
    spaces = {"wspace": 0.1, "hspace": 2 / len(scores)}
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False, gridspec_kw=spaces).ravel()
    for axes, method in zip(grid, shown, strict=False):
        axes.barh(places, np.ptp(scores, axis=1), 0.84, scores.min(axis=1), **BAND)
        cells = [rows[task][method] for task in scores.index]
        _dots(axes, places, cells, point(report.number(method)))
        if method == reference and table.compared[method]:
            axes.plot([cell.published for cell in cells], places, **MARK)
        axes.use_sticky_edges = False  # points at the end of a range are whole
        axes.set_title(short(report.titles[method], int(13 * width)), fontsize=8.5)
        axes.tick_params(axis="y", labelsize=8)
    name_rows(list(scores.index), *grid)
    low, high = grid[0].get_xlim()
    grid[0].set_xlim(low, min(high, 1 + 0.03 * (1 - low)))
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    title = f"Accuracy on the tasks of {report.suite}"
    what = f"Dot plots of {counted(len(scores), 'task')}. All numbers are in the table of accuracies by task."
    return Drawing(figure, "accuracy-by-method" if narrow else "accuracy", title, what)


@mpl.rc_context(STYLE)
def cost_accuracy(report: Report) -> Drawing | None:
    """Mean accuracy over seconds, each method by its name; None for fewer than three.

    Seconds are those of training and reading, or of training alone where no more is known. Readings are hollow. The
    front is drawn where the costs compare.
    """
    seconds, hollow = report.costs.seconds, {"markerfacecolor": PAPER, "markeredgewidth": 1.2}
    rows = [(report.table.mean[one].mean, one, point(report.number(one))) for one in report.methods]
    again = [one for one in report.readings if one.method in report.methods]
    rows += [(one.other[0], one.name, point(report.number(one.method)) | hollow) for one in again]
    rows = sorted(((*row, seconds[row[1]]) for row in rows if row[1] in seconds), key=lambda row: row[:2])
    if len(rows) < 3:
        return None
    means, methods, looks, times = zip(*rows, strict=True)
    figure = Figure(figsize=(4.4, 3.2) if len(rows) <= 12 else (6, 0.28 * len(rows)))
    axes = figure.add_subplot(xscale="log", xlim=(0.8 * min(times), 3.2 * max(times)), ylabel="mean accuracy")
    axes.xaxis.set_major_locator(LogLocator(60, (1, 5, 15)))
    axes.xaxis.set_major_formatter(lambda time, _: duration(time).removesuffix(" 00 s").removesuffix(" 00 min"))
    axes.set_xticks([], minor=True)
    axes.grid()
    best = front(times, means) if report.costs.comparable else []
    if best:
        steps = [*(times[i] for i in best), axes.get_xlim()[1]], [*(means[i] for i in best), means[best[-1]]]
        axes.step(*steps, where="post", color=INK, linewidth=0.9, zorder=1)
    for time, mean, look in zip(times, means, looks, strict=True):
        axes.plot(time, mean, **look)
    axes.set_ylim(axes.get_ylim())
    levels = 0.02 * np.ptp(axes.get_ylim()) * np.array(sorted(range(-20, 21), key=abs))
    taken = [line.get_window_extent() for line in axes.lines[bool(best) :]]
    for mean, method, _, time in rows:  # a name stands beside its point, or as near as there is room
        name = axes.text(1.16 * time, mean, report.titles[method], va="center", zorder=1.5)
        name.set_bbox({"facecolor": PAPER, "linewidth": 0, "pad": 0.8})  # keeps lines off it
        for level in mean + levels:
            name.set_y(level)
            if not any(map(name.get_window_extent().overlaps, taken)):
                break
        taken.append(name.get_window_extent())
        axes.plot([time, 1.12 * time], [mean, name.get_position()[1]], color=RULE, linewidth=0.8, zorder=1)
    what = "training and reading" if report.costs.reading else "training"
    axes.set_xlabel(f"elapsed time of {what}, all tasks")
    seen = f"Scatter plot of {counted(len(rows), 'method')}."
    if best:
        undominated = enumerated(report.titles.of(methods[i] for i in best))
        seen += f" No other is both cheaper and better than {undominated}."
    return Drawing(figure, "cost", f"Accuracy and time for {what}", seen)
