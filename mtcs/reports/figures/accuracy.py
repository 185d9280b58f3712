"""Accuracies by task, and average ranks."""

from __future__ import annotations

import re
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from aeon.visualisation import plot_critical_difference
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mtcs.reports.analysis.accuracy import Table
from mtcs.reports.analysis.significance import LEVEL
from mtcs.reports.figures.drawing import INK, MUTED, PAPER, RULE, STYLE, Drawing, color, draw, legend, point
from mtcs.reports.numbers import number
from mtcs.reports.titles import TITLES, Titles


@mpl.rc_context(STYLE)
def accuracy_overview(table: Table, others: pd.DataFrame, titles: Titles = TITLES) -> Drawing:
    """A line a task: our accuracies with their spread over seeds, the paper's, and the range of other classifiers.

    Args:
        table: the suite's table.
        others: (tasks, classifiers) accuracies of other public classifiers, tasks as index; may be empty.
        titles: of the methods.
    """
    count = len(table.methods)
    height = max(0.36, 0.09 * count)  # inches of a task, so that the methods within it stay apart
    figure = Figure(figsize=(8.6, 0.9 + height * len(table.rows)))
    axes = figure.add_subplot()
    for y, row in enumerate(table.rows):
        if row.task in others.index:
            known = others.loc[row.task].dropna()
            axes.plot([known.min(), known.max()], [y, y], color=RULE, linewidth=9, solid_capstyle="butt", zorder=1)
        for i, method in enumerate(table.methods):
            cell = row.cells.get(method)
            if cell is None:
                continue
            level = y + (i - (count - 1) / 2) * min(0.3, 0.75 / count)
            if not np.isnan(cell.published):
                axes.plot(
                    cell.published,
                    level,
                    "D",
                    color=color(i),
                    markersize=4.6,
                    markerfacecolor=PAPER,
                    markeredgewidth=1.1,
                )
            if not np.isnan(cell.std):
                axes.plot([cell.mean - cell.std, cell.mean + cell.std], [level, level], color=color(i), linewidth=1.4)
            axes.plot(cell.mean, level, markersize=5.5, markeredgewidth=0, **point(i))
    axes.set_yticks(range(len(table.rows)), [row.task for row in table.rows])
    axes.set_ylim(len(table.rows) - 0.4, -0.6)
    left, right = axes.get_xlim()[0], min(axes.get_xlim()[1], 1.01)
    axes.set_xlim(left, right)
    axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick <= min(right, 1 + 1e-9)])
    axes.set_xlabel("accuracy on the test series")
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    for border in range(1, len(table.rows) if count > 3 else 0):
        axes.axhline(border - 0.5, color=RULE, linewidth=0.6)
    shown = [Line2D([], [], markersize=5.5, label=titles[method], **point(i)) for i, method in enumerate(table.methods)]
    if any(table.compared.values()):
        hollow = {"marker": "D", "linestyle": "", "color": MUTED, "markerfacecolor": PAPER, "markersize": 5}
        shown.append(Line2D([], [], label="in the paper", **hollow))
    if len(others):
        shown.append(
            Line2D(
                [],
                [],
                color=RULE,
                linewidth=9,
                solid_capstyle="butt",
                label=f"range of {others.shape[1]} other classifiers",
            )
        )
    legend(axes, shown)
    means = "; ".join(f"{titles[method]} {number(table.mean[method].mean)}" for method in table.methods)
    return draw(
        figure,
        "accuracy",
        f"Accuracy on the tasks of {table.suite}",
        f"Dot plot of {len(table.rows)} tasks. Mean accuracies: {means}. All numbers are in the accuracy table.",
    )


@mpl.rc_context(STYLE)
def critical_difference(scores: pd.DataFrame, titles: Titles = TITLES) -> Drawing | None:
    """Average ranks on a line; a bar joins methods that the tests do not tell apart (Demšar, 2006).

    Ranks, tests and drawing are aeon's: Friedman's test first, then one-sided signed-rank tests of all pairs at
    `LEVEL` / (methods - 1). None for fewer than three methods, or where they are equal on every task.

    Args:
        scores: (tasks, methods) accuracies, equal ones exactly equal.
        titles: of the methods.
    """
    if scores.shape[1] < 3 or len(scores) < 2 or scores.nunique(axis=1).max() == 1:
        return None
    names = [titles[str(method)] for method in scores]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Estimators .* have the same performance", UserWarning)
        figure, axes = plot_critical_difference(scores.to_numpy(), names, alpha=LEVEL, width=7.4, reverse=False)[:2]
    plt.close(figure)
    figure.set_facecolor("none")
    axes.lines[0].remove()  # white, and only there to set limits
    for line in axes.lines:
        line.set_color(INK)
    for words in axes.texts:
        words.set(color=INK, fontsize=STYLE["font.size"])
        if re.fullmatch(r"\d+\.\d{4}", words.get_text()):
            words.set_text(f"{float(words.get_text()):.2f}")
    lowest = max(float(np.max(line.get_ydata())) for line in axes.lines) + 0.05
    axes.set_ylim(lowest, 0)  # below is nothing
    figure.set_figheight(figure.get_figheight() * lowest)
    ranks = scores.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    return draw(
        figure,
        "critical-difference",
        "Average ranks",
        "Critical-difference diagram. Average ranks: "
        f"{', '.join(f'{titles[str(method)]} {rank:.2f}' for method, rank in ranks.items())}.",
    )
