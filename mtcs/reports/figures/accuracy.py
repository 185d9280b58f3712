"""Accuracies: of all tasks together, by task, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike

from mtcs.data.text import counted
from mtcs.reports.analysis.accuracy import Cell
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.cost import front
from mtcs.reports.figures.drawing import INK, MARK, PAPER, RULE, STYLE, Drawing, legend, name_rows, point
from mtcs.reports.numbers import listed, number, short

BAND = {"color": RULE, "alpha": 0.55, "linewidth": 0}
"""How a range is drawn."""
BEHIND = {"facecolor": PAPER, "linewidth": 0, "pad": 0.8}
"""What keeps lines off a name."""
TOGETHER = 12
"""Methods up to which one panel holds all."""
MANY = 40
"""Tasks up to which all methods are drawn."""


def _dots(axes: Axes, places: ArrayLike, cells: Sequence[Cell], style: Mapping[str, Any], label: str = "") -> None:
    """The means of cells at their places, with their deviations over seeds."""
    mean, std = np.array([(cell.mean, cell.std) for cell in cells]).T
    axes.hlines(places, mean - std, mean + std, color=style["color"], linewidth=1.6)
    axes.plot(mean, places, **style, label=label)


@mpl.rc_context(STYLE)
def overview(report: Report) -> Drawing:
    """A row a method, the best first: mean accuracy with its deviation over seeds, and the paper's number.

    Behind them the range of the means of other public classifiers, where they have results on all these tasks.
    """
    table = report.table
    order = sorted(report.methods, key=lambda method: -table.mean[method].mean)
    figure = Figure(figsize=(3.4, 0.55 + 0.27 * len(order)))
    axes = figure.add_subplot()
    others = report.others.reindex(list(table.tasks)).dropna(axis=1).mean()
    if len(others) > 1:
        axes.axvspan(others.min(), others.max(), **BAND, label="other classifiers")
    for y, method in enumerate(order):
        _dots(axes, [y], [table.mean[method]], point(report.number(method)))
    printed = [(table.mean[one].published, y) for y, one in enumerate(order) if table.compared[one] == table.tasks]
    if printed:
        axes.plot(*zip(*printed, strict=True), **MARK, label="in the paper")
    name_rows(axes, report.titles.of(order))
    axes.set_xlabel(f"mean accuracy over {counted(len(table.tasks), 'task')}")
    legend(axes)
    means = listed([f"{report.titles[method]} {number(table.mean[method].mean)}" for method in order])
    return Drawing(figure, "overview", "Mean accuracy by method", f"Dot plot, the best method first: {means}.")


@mpl.rc_context(STYLE)
def by_task(report: Report, narrow: bool = False) -> Drawing:
    """A row a task, easy ones first: accuracies, the paper's of the reference, and the range of other classifiers.

    More methods than `TOGETHER`, and all on a narrow screen, stand in a panel each, before the range of all. Of more
    tasks than `MANY`, only the reference and the two best others are drawn.
    """
    others = [method for method in report.methods if method != report.reference]
    best = sorted(others, key=lambda method: -report.table.mean[method].mean)[:2]
    scores = report.table.scores.sort_values(report.reference, ascending=False, kind="stable")
    few, places = len(scores) <= MANY, np.arange(len(scores))
    shown = [method for method in report.methods if few or method in (report.reference, *best)]
    apart = narrow or len(shown) > TOGETHER
    panels = [[method] for method in shown] if apart else [shown]
    if apart:
        across, width, height = (2, 1.45, 0.15) if narrow else (5, 1.8, 0.19)  # inches of a panel, and of a task in it
    else:
        across, width, height = 1, 8.6, max(0.36, 0.09 * len(shown)) if few else 0.19  # so that methods stay apart
    across, down = min(across, len(panels)), -(-len(panels) // across)
    figure = Figure(figsize=(across * width, down * (0.4 + height * len(scores))))
    spaces = {"wspace": 0.1, "hspace": 2 / len(scores)}
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False, gridspec_kw=spaces).ravel()
    behind, name = (scores, "all methods") if apart or not few else (report.others, "other classifiers")
    low, high = behind.reindex(scores.index).agg(["min", "max"], axis=1).to_numpy().T
    rows = {row.task: row.cells for row in report.table.rows}
    for axes, methods in zip(grid, panels, strict=False):
        axes.barh(places, high - low, 0.84, low, **BAND, label=name if len(behind) else "")
        levels = (np.arange(len(methods)) - (len(methods) - 1) / 2) * min(0.3, 0.8 / len(methods))  # within a row
        for level, method in zip(levels, methods, strict=True):
            cells, title = [rows[task][method] for task in scores.index], report.titles[method]
            _dots(axes, places + level, cells, point(report.number(method)), title)
            if method == report.reference and report.table.compared[method]:
                axes.plot([cell.published for cell in cells], places + level, **MARK, label=f"{title} in the paper")
        axes.use_sticky_edges = False  # points at the end of a range are whole
        name_rows(axes, list(scores.index))
        if apart:
            axes.set_title(short(report.titles[methods[0]], int(13 * width)), fontsize=8.5)
            axes.tick_params(axis="y", labelsize=8)
        else:
            for border in places[1:] - 0.5:
                axes.axhline(border, color=RULE, linewidth=0.6)
            axes.set_xlabel("accuracy on the test series")
            legend(axes)
    grid[0].set_xlim(right=min(grid[0].get_xlim()[1], 1.01))
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    title = f"Accuracy on the tasks of {report.suite}"
    what = f"Dot plot of {counted(len(scores), 'task')}. All numbers are in the table of accuracies by task."
    return Drawing(figure, "accuracy-by-method" if narrow else "accuracy", title, what)


TIMES = (
    *((1, "1 s"), (5, "5 s"), (15, "15 s"), (60, "1 min"), (300, "5 min"), (900, "15 min")),
    *((3600, "1 h"), (4 * 3600, "4 h"), (16 * 3600, "16 h"), (64 * 3600, "64 h")),
)
"""Ticks of an axis of times in seconds."""


@mpl.rc_context(STYLE)
def cost_accuracy(report: Report) -> Drawing | None:
    """Mean accuracy over seconds, each method by its name, and the front; None for fewer than three.

    Seconds are those of training and reading, or of training alone where no more is known. Readings are hollow.
    """
    accuracies = {method: report.table.mean[method].mean for method in report.methods}
    accuracies |= {one.name: one.other[0] for one in report.readings}
    looks = {method: point(report.number(method)) for method in report.methods}
    hollow = {"markerfacecolor": PAPER, "markeredgewidth": 1.2}
    looks |= {one.name: looks[one.method] | hollow for one in report.readings if one.method in looks}
    known = [method for method in report.costs.seconds if method in looks]
    if len(known) < 3:
        return None
    figure = Figure(figsize=(4.4, 3.2) if len(known) <= TOGETHER else (6, 0.28 * len(known)))
    axes = figure.add_subplot()
    seconds, means = [report.costs.seconds[method] for method in known], [accuracies[method] for method in known]
    left, right, best = 0.8 * min(seconds), 3.2 * max(seconds), front(seconds, means)
    steps = [*(seconds[i] for i in best), right], [*(means[i] for i in best), means[best[-1]]]
    axes.step(*steps, where="post", color=INK, linewidth=0.9, zorder=1)
    for method, x, mean in zip(known, seconds, means, strict=True):
        axes.plot(x, mean, **looks[method])
    axes.set_xscale("log")
    axes.set_xticks(*zip(*TIMES, strict=True))
    axes.set_xticks([], minor=True)
    axes.set_xlim(left, right)
    axes.set_ylim(axes.get_ylim())
    taken: list[Bbox] = []
    for mean, x, method in sorted(zip(means, seconds, known, strict=True)):  # a name makes room for those below it
        name, level = axes.text(1.16 * x, mean, report.titles[method], va="center", bbox=BEHIND, zorder=1.5), mean
        while any(name.get_window_extent().overlaps(other) for other in taken):
            level += 0.02 * np.ptp(axes.get_ylim())
            name.set_y(level)
        taken.append(name.get_window_extent())
        axes.plot([x, 1.12 * x], [mean, level], color=RULE, linewidth=0.8, zorder=1)
    what = "training and reading" if report.costs.reading else "training"
    axes.set_xlabel(f"{what} of all tasks")
    axes.set_ylabel("mean accuracy")
    axes.grid()
    undominated = listed(report.titles.of(known[i] for i in best))
    seen = f"Scatter plot of {counted(len(known), 'method')}. No other is both cheaper and better than {undominated}."
    return Drawing(figure, "cost", f"Accuracy and time for {what}", seen)
