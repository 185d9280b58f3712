"""Accuracies: of all tasks together, by task, and what they cost."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mtcs.reports.analysis.contents import Report
from mtcs.reports.figures.drawing import INK, RULE, STYLE, Drawing, color, draw, legend, point
from mtcs.reports.numbers import counted, listed, number

BAND = {"color": RULE, "alpha": 0.55, "linewidth": 0}
PRINTED = {"marker": "|", "color": INK, "markersize": 11, "markeredgewidth": 1.6, "linestyle": ""}
"""How a number of the paper is drawn."""


@mpl.rc_context(STYLE)
def overview(report: Report) -> Drawing:
    """A row a method, the best first: mean accuracy with its deviation over seeds, and the paper's number.

    Behind them the range of the means of other public classifiers, where they have results on all these tasks.
    """
    table = report.table
    order = sorted(report.methods, key=lambda method: -table.mean[method].mean)
    figure = Figure(figsize=(3.4, 0.55 + 0.27 * len(order)))
    axes = figure.add_subplot()
    others = report.others.reindex(list(table.tasks)).dropna(axis=1)
    handles = []
    if others.shape[1] > 1 and len(others):
        means = others.mean()
        axes.axvspan(means.min(), means.max(), **BAND)
        handles.append(Line2D([], [], color=RULE, linewidth=9, solid_capstyle="butt", label="other classifiers"))
    for y, method in enumerate(order):
        cell, style = table.mean[method], point(report.number(method))
        if not np.isnan(cell.std):
            axes.plot([cell.mean - cell.std, cell.mean + cell.std], [y, y], color=style["color"], linewidth=2)
        axes.plot(cell.mean, y, linestyle="", **style)
        if table.compared[method] == table.tasks:
            axes.plot(cell.published, y, **PRINTED)
    if any(table.compared[method] == table.tasks for method in order):
        handles.append(Line2D([], [], label="in the paper", **PRINTED))
    axes.set_yticks(range(len(order)), report.titles.of(order))
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlabel(f"mean accuracy over {counted(len(table.tasks), 'task')}")
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    if handles:
        legend(axes, handles)
    means = listed([f"{report.titles[method]} {number(table.mean[method].mean)}" for method in order])
    return draw(figure, "overview", "Mean accuracy by method", f"Dot plot, the best method first: {means}.")


def _order(report: Report) -> list[int]:
    """Rows of the table, those first on which the reference is best."""
    rows = report.table.rows
    means = [row.cells[report.reference].mean for row in rows]
    return sorted(range(len(rows)), key=lambda i: -means[i])


@mpl.rc_context(STYLE)
def by_task(report: Report) -> Drawing:
    """A row a task, easy ones first: our accuracies, the paper's of the reference, the range of other classifiers."""
    table, order = report.table, _order(report)
    rows = [table.rows[i] for i in order]
    count = len(report.methods)
    height = max(0.36, 0.09 * count)  # inches of a task, so that the methods within it stay apart
    figure = Figure(figsize=(8.6, 0.9 + height * len(rows)))
    axes = figure.add_subplot()
    levels = [(i - (count - 1) / 2) * min(0.3, 0.8 / count) for i in range(count)]
    known = [(y, report.others.loc[row.task].dropna()) for y, row in enumerate(rows) if row.task in report.others.index]
    for y, values in known:
        axes.fill_betweenx([y - 0.42, y + 0.42], values.min(), values.max(), **BAND)
    for i, method in enumerate(report.methods):
        cells = [(y + levels[i], row.cells[method]) for y, row in enumerate(rows)]
        y, mean, std = np.array([(level, cell.mean, cell.std) for level, cell in cells]).reshape(-1, 3).T
        axes.hlines(y, mean - std, mean + std, color=color(i), linewidth=1.3)
        axes.plot(mean, y, linestyle="", **point(i))
    printed = [
        (y, row.cells[report.reference].published) for y, row in enumerate(rows) if report.reference in row.cells
    ]
    printed = [(y, value) for y, value in printed if not np.isnan(value)]
    handles = [
        Line2D([], [], label=report.titles[name], linestyle="", **point(i)) for i, name in enumerate(report.methods)
    ]
    if printed:
        y, value = np.array(printed).T
        axes.plot(value, y + levels[report.number(report.reference)], **PRINTED)
        handles.append(Line2D([], [], label=f"{report.titles[report.reference]} in the paper", **PRINTED))
    if known:
        handles.append(Line2D([], [], color=RULE, linewidth=9, solid_capstyle="butt", label="other classifiers"))
    axes.set_yticks(range(len(rows)), [row.task for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    _within_one(axes)
    axes.set_xlabel("accuracy on the test series")
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    for border in range(1, len(rows) if count > 3 else 0):
        axes.axhline(border - 0.5, color=RULE, linewidth=0.6)
    legend(axes, handles)
    return draw(
        figure,
        "accuracy",
        f"Accuracy on the tasks of {report.suite}",
        f"Dot plot of {counted(len(rows), 'task')}. All numbers are in the table of accuracies by task.",
    )


@mpl.rc_context(STYLE)
def by_method(report: Report) -> Drawing:
    """The same on a narrow screen: a panel a method, its accuracies before those of all methods."""
    table, order = report.table, _order(report)
    rows = [table.rows[i] for i in order]
    down = -(-len(report.methods) // 2)
    across = min(2, len(report.methods))
    figure = Figure(figsize=(1.25 * across + 0.4, down * (0.35 + 0.15 * len(rows))))
    grid = figure.subplots(
        down, across, sharex=True, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.08, "hspace": 2 / len(rows)}
    )
    every = [(cell.mean, y) for y, row in enumerate(rows) for cell in row.cells.values()]
    x_all, y_all = np.array(every).T
    for i, axes in enumerate(grid.ravel()):
        axes.set_visible(i < len(report.methods))
        if i >= len(report.methods):
            continue
        method = report.methods[i]
        axes.plot(x_all, y_all, linestyle="", marker="o", color=RULE, markersize=4, markeredgewidth=0)
        cells = [(row.cells[method].mean, y) for y, row in enumerate(rows)]
        axes.plot(*np.array(cells).reshape(-1, 2).T, linestyle="", **point(i))
        axes.set_title(report.titles[method])
        axes.set_yticks(range(len(rows)), [row.task for row in rows], fontsize=8)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
    _within_one(grid[0, 0])
    return draw(
        figure,
        "accuracy-by-method",
        "Accuracy by task, a panel a method",
        "Dot plots, one a method; the grey dots are those of all methods.",
    )


def _within_one(axes: Axes) -> None:
    """Accuracies end at one, and so do their axes."""
    left, right = axes.get_xlim()
    axes.set_xlim(left, min(right, 1.01))
    axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick <= min(right, 1 + 1e-9)])


@mpl.rc_context(STYLE)
def cost_accuracy(report: Report) -> Drawing | None:
    """Mean accuracy over seconds of training, each method by its name; None for fewer than three."""
    costs = {row.method: row.training for row in report.costs.rows if row.training}
    known = [method for method in report.methods if method in costs]
    if len(known) < 3:
        return None
    figure = Figure(figsize=(4.4, 3.2))
    axes = figure.add_subplot()
    axes.set_xscale("log")
    seconds = [costs[method] for method in known]
    means = [report.table.mean[method].mean for method in known]
    width = float(np.log(4 * max(seconds) / min(seconds)))
    height = 0.06 * max(max(means) - min(means), 0.02)
    names: list[tuple[float, float]] = []  # where they stand: logarithm of seconds, accuracy
    for mean, x, method in sorted(zip(means, seconds, known, strict=True)):  # a name makes room for those below it
        level = mean
        while any(abs(np.log(x) - other) < 0.28 * width and level < taken + height for other, taken in names):
            level += height / 4
        names.append((float(np.log(x)), level))
        axes.plot(x, mean, linestyle="", **point(report.number(method)))
        axes.plot([x, 1.12 * x], [mean, level], color=RULE, linewidth=0.8, zorder=1)
        axes.text(1.16 * x, level, report.titles[method], va="center")
    axes.set_xlim(0.8 * min(seconds), 3.2 * max(seconds))
    ticks = [(value, name) for value, name in TIMES if axes.get_xlim()[0] <= value <= axes.get_xlim()[1]]
    axes.set_xticks(*(zip(*ticks, strict=True) if ticks else ([], [])), minor=False)
    axes.set_xticks([], minor=True)
    axes.set_xlabel("training of all tasks")
    axes.set_ylabel("mean accuracy")
    axes.grid()
    return draw(
        figure,
        "cost",
        "Accuracy and cost of training",
        f"Scatter plot of {counted(len(known), 'method')}; all numbers are in the tables of accuracies and costs.",
    )


TIMES = (
    *((1, "1 s"), (5, "5 s"), (15, "15 s"), (60, "1 min"), (300, "5 min"), (900, "15 min")),
    *((3600, "1 h"), (4 * 3600, "4 h"), (16 * 3600, "16 h"), (64 * 3600, "64 h")),
)
"""Ticks of an axis of times."""
