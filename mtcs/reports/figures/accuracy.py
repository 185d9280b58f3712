"""Accuracies: of all tasks together, by task, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtcs.data.text import counted
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.cost import front
from mtcs.reports.figures.drawing import INK, MARK, PAPER, RULE, STYLE, Drawing, draw, legend, name_rows, point
from mtcs.reports.numbers import listed, number, short
from mtcs.reports.titles import by_kind

BAND = {"color": RULE, "alpha": 0.55, "linewidth": 0}
WIDE = {"color": RULE, "linewidth": 9, "solid_capstyle": "butt"}
"""How a range is drawn, and what stands for it in a legend."""
BEHIND = {"facecolor": PAPER, "linewidth": 0, "pad": 0.8}
"""What keeps lines off a name."""
TOGETHER = 12
"""Methods up to which one panel holds all."""
MANY = 40
"""Tasks up to which all methods are drawn."""


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
    styles: dict[str, dict[str, Any]] = {}
    if others.shape[1] > 1 and len(others):
        means = others.mean()
        axes.axvspan(means.min(), means.max(), **BAND)
        styles["other classifiers"] = WIDE
    for y, method in enumerate(order):
        cell, style = table.mean[method], point(report.number(method))
        if not np.isnan(cell.std):
            axes.plot([cell.mean - cell.std, cell.mean + cell.std], [y, y], color=style["color"], linewidth=2)
        axes.plot(cell.mean, y, **style)
        if table.compared[method] == table.tasks:
            axes.plot(cell.published, y, **MARK)
            styles["in the paper"] = MARK
    name_rows(axes, report.titles.of(order))
    axes.set_xlabel(f"mean accuracy over {counted(len(table.tasks), 'task')}")
    if styles:
        legend(axes, styles.items())
    means = listed([f"{report.titles[method]} {number(table.mean[method].mean)}" for method in order])
    return draw(figure, "overview", "Mean accuracy by method", f"Dot plot, the best method first: {means}.")


def _scores(report: Report) -> pd.DataFrame:
    """(tasks, methods) mean accuracies, the tasks first on which the reference is best."""
    return report.table.scores.sort_values(report.reference, ascending=False, kind="stable")


def _shown(report: Report) -> list[str]:
    """All methods; of more tasks than `MANY` the reference with the two best others."""
    best = sorted(set(report.methods) - {report.reference}, key=lambda method: -report.table.mean[method].mean)
    few = len(report.tasks) <= MANY
    return [method for method in report.methods if few or method in (report.reference, *best[:2])]


@mpl.rc_context(STYLE)
def by_task(report: Report) -> Drawing:
    """A row a task, easy ones first: our accuracies, the paper's of the reference, the range of other classifiers.

    More methods than `TOGETHER` stand in a panel for each kind. Of more tasks than `MANY`, three stand before the
    range of all.
    """
    scores, shown = _scores(report), _shown(report)
    few = len(scores) <= MANY
    panels = by_kind(shown) if len(shown) > TOGETHER else {"": shown}
    most = max(map(len, panels.values()))
    height = max(0.36, 0.09 * most) if few else 0.19  # inches of a task, so that the methods within it stay apart
    figure = Figure(figsize=(max(8.6, 2.7 * len(panels)), 0.9 + height * len(scores)))
    grid = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.1})[0]
    others, name = (report.others, "other classifiers") if few else (scores, "all methods")
    for axes, (title, methods) in zip(grid, panels.items(), strict=True):
        for y, task in enumerate(scores.index):
            if task in others.index:
                axes.fill_betweenx([y - 0.42, y + 0.42], others.loc[task].min(), others.loc[task].max(), **BAND)
        styles = _accuracies(axes, report, list(scores.index), methods)
        if axes is grid[0] and len(others):
            styles[name] = WIDE
        legend(axes, styles.items(), columns={1: 6, 2: 2}.get(len(panels), 1), title=title)
        axes.set_xlabel("accuracy" if title else "accuracy on the test series")
    _end_at_one(grid[0])
    what = f"Dot plot of {counted(len(scores), 'task')}. All numbers are in the table of accuracies by task."
    return draw(figure, "accuracy", f"Accuracy on the tasks of {report.suite}", what)


def _accuracies(axes: Axes, report: Report, tasks: Sequence[str], methods: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The methods' accuracies, a row a task; what is drawn how, for the legend."""
    rows = {row.task: row.cells for row in report.table.rows}
    count, places = len(methods), np.arange(len(tasks))
    levels = (np.arange(count) - (count - 1) / 2) * min(0.3, 0.8 / count)  # of methods within a row
    styles = {report.titles[method]: point(report.number(method)) for method in methods}
    for level, method in zip(levels, methods, strict=True):
        style = styles[report.titles[method]]
        cells = [rows[task][method] for task in tasks]
        mean, std, printed = np.array([(cell.mean, cell.std, cell.published) for cell in cells]).T
        axes.hlines(places + level, mean - std, mean + std, color=style["color"], linewidth=1.3)
        axes.plot(mean, places + level, **style)
        if method == report.reference and report.table.compared[method]:
            axes.plot(printed, places + level, **MARK)
            styles[f"{report.titles[method]} in the paper"] = MARK
    for border in range(1, len(tasks) if count > 3 else 0):
        axes.axhline(border - 0.5, color=RULE, linewidth=0.6)
    name_rows(axes, tasks)
    return styles


def _end_at_one(axes: Axes) -> None:
    """Accuracies end at one, as do their axes."""
    left, right = axes.get_xlim()
    axes.set_xlim(left, min(right, 1.01))
    axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick <= min(right, 1 + 1e-9)])


@mpl.rc_context(STYLE)
def by_method(report: Report) -> Drawing:
    """The same on a narrow screen: a panel a method, its accuracies before those of all methods."""
    scores, shown = _scores(report), _shown(report)
    places, across, down = range(len(scores)), min(2, len(shown)), -(-len(shown) // 2)
    figure = Figure(figsize=(1.25 * across + 0.4, down * (0.35 + 0.15 * len(scores))))
    spaces = {"wspace": 0.08, "hspace": 2 / len(scores)}
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False, gridspec_kw=spaces).ravel()
    for axes, method in zip(grid, shown, strict=False):
        axes.plot(scores.to_numpy(), places, linestyle="", marker="o", color=RULE, markersize=4, markeredgewidth=0)
        axes.plot(scores[method], places, **point(report.number(method)))
        axes.set_title(short(report.titles[method], 18), fontsize=8.5)
        name_rows(axes, list(scores.index))
        axes.tick_params(axis="y", labelsize=8)
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    _end_at_one(grid[0])
    what = "Dot plots, one a method; the grey dots are those of all methods."
    return draw(figure, "accuracy-by-method", "Accuracy by task, a panel a method", what)


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
    axes.set_xscale("log")
    seconds, means = [report.costs.seconds[method] for method in known], [accuracies[method] for method in known]
    width = 1.23 / figure.get_figwidth() * float(np.log(4 * max(seconds) / min(seconds)))  # of a name, as is the height
    height = 0.2 / figure.get_figheight() * max(max(means) - min(means), 0.02)
    best = front(seconds, means)
    steps = [*(seconds[i] for i in best), 3.2 * max(seconds)], [*(means[i] for i in best), means[best[-1]]]
    axes.step(*steps, where="post", color=INK, linewidth=0.9, zorder=1)
    names: list[tuple[float, float]] = []  # where they stand: logarithm of seconds, accuracy
    for mean, x, method in sorted(zip(means, seconds, known, strict=True)):  # a name makes room for those below it
        level = mean
        while any(abs(np.log(x) - other) < width and level < taken + height for other, taken in names):
            level += height / 4
        names.append((float(np.log(x)), level))
        axes.plot(x, mean, **looks[method])
        axes.plot([x, 1.12 * x], [mean, level], color=RULE, linewidth=0.8, zorder=1)
        axes.text(1.16 * x, level, report.titles[method], va="center", bbox=BEHIND, zorder=1.5)  # points stay in sight
    axes.set_xlim(0.8 * min(seconds), 3.2 * max(seconds))
    ticks = [(value, name) for value, name in TIMES if axes.get_xlim()[0] <= value <= axes.get_xlim()[1]]
    axes.set_xticks(*(zip(*ticks, strict=True) if ticks else ([], [])), minor=False)
    axes.set_xticks([], minor=True)
    what = "training and reading" if report.costs.reading else "training"
    axes.set_xlabel(f"{what} of all tasks")
    axes.set_ylabel("mean accuracy")
    axes.grid()
    return draw(
        figure,
        "cost",
        f"Accuracy and time for {what}",
        f"Scatter plot of {counted(len(known), 'method')}. No other is both cheaper and better than "
        f"{listed(report.titles.of(known[i] for i in best))}, which the line joins.",
    )


TIMES = (
    *((1, "1 s"), (5, "5 s"), (15, "15 s"), (60, "1 min"), (300, "5 min"), (900, "15 min")),
    *((3600, "1 h"), (4 * 3600, "4 h"), (16 * 3600, "16 h"), (64 * 3600, "64 h")),
)
"""Ticks of an axis of times."""
