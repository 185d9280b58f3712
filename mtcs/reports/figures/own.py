"""Figures of the report of your own data: how well each task does, and how much more labels would help."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from mtcs.reports.analysis.own import OwnTask
from mtcs.reports.figures.drawing import MARK, MUTED, STYLE, Drawing, legend, name_rows, point
from mtcs.reports.writing import enumerated, told_apart

DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (8, 2)))

CURVES = 12
"""Tasks up to which learning curves can be told apart."""


@mpl.rc_context(STYLE)
def own_overview(tasks: Sequence[OwnTask]) -> Drawing:
    """A row a task: accuracy with its interval, and what always answering the most frequent label has."""
    figure = Figure(figsize=(3.4, 0.75 + 0.3 * len(tasks)))
    axes = figure.add_subplot()
    places, style = range(len(tasks)), point(0)
    axes.hlines(places, [task.low for task in tasks], [task.high for task in tasks], color=style["color"], linewidth=2)
    axes.plot([task.accuracy for task in tasks], places, **style, label="model")
    axes.plot([task.majority for task in tasks], places, **MARK, label="most frequent label")
    name_rows(told_apart([task.name for task in tasks]), axes)
    axes.set_xlim(min(0.45, *(min(task.majority, task.low) for task in tasks)) - 0.05, 1.02)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel("labels that are right")
    legend(axes)
    shares = enumerated([f"{task.name} {100 * task.accuracy:.0f} %" for task in tasks])
    return Drawing(figure, "overview", "Labels that are right, by task", f"Dot plot with 95 % intervals: {shares}.")


@mpl.rc_context(STYLE)
def learning_curves(tasks: Sequence[OwnTask]) -> Drawing | None:
    """Accuracy by number of labelled series, a line a task; None where there are too few labels, or too many tasks."""
    known = [task for task in tasks if len(task.curve) > 1]
    if not known or len(tasks) > CURVES:
        return None
    figure = Figure(figsize=(4.6, 2.8))
    axes = figure.add_subplot()
    names = told_apart([task.name for task in tasks])
    for i, task in ((tasks.index(task), task) for task in known):
        style = point(i) | {"linestyle": DASHES[i % len(DASHES)], "linewidth": 1.6, "markersize": 4.5}
        axes.plot(list(task.curve), list(task.curve.values()), **style, label=names[i])
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel("labelled series")
    axes.set_ylabel("labels that are right", color=MUTED)
    axes.grid(axis="y")
    legend(axes, columns=3)
    return Drawing(
        figure, "learning", "Accuracy by number of labels", f"Line plot of {enumerated([t.name for t in known])}."
    )
