"""Figures of the report of your own data: how well each task does, and how much more labels would help."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from mtcs.reports.analysis.own import OwnTask
from mtcs.reports.figures.drawing import MARK, MUTED, STYLE, Drawing, draw, legend, line, name_rows, point
from mtcs.reports.numbers import listed, short

CURVES = 12
"""Tasks up to which learning curves can be told apart."""


@mpl.rc_context(STYLE)
def own_overview(tasks: Sequence[OwnTask]) -> Drawing:
    """A row a task: accuracy with its interval, and what always answering the most frequent label has."""
    figure = Figure(figsize=(3.4, 0.75 + 0.3 * len(tasks)))
    axes = figure.add_subplot()
    for y, task in enumerate(tasks):
        axes.plot([task.low, task.high], [y, y], color=point(0)["color"], linewidth=2)
        axes.plot(task.accuracy, y, **point(0))
        axes.plot(task.majority, y, **MARK)
    name_rows(axes, [short(task.name) for task in tasks])
    axes.set_xlim(min(0.45, *(min(task.majority, task.low) for task in tasks)) - 0.05, 1.02)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel("labels that are right")
    legend(axes, [("model", point(0) | {"linestyle": "-", "linewidth": 2}), ("most frequent label", MARK)])
    shares = listed([f"{task.name} {100 * task.accuracy:.0f} %" for task in tasks])
    return draw(figure, "overview", "Labels that are right, by task", f"Dot plot with 95 % intervals: {shares}.")


@mpl.rc_context(STYLE)
def learning_curves(tasks: Sequence[OwnTask]) -> Drawing | None:
    """Accuracy by number of labelled series, a line a task; None where there are too few labels, or too many tasks."""
    known = [task for task in tasks if len(task.curve) > 1]
    if not known or len(tasks) > CURVES:
        return None
    figure = Figure(figsize=(4.6, 2.8))
    axes = figure.add_subplot()
    styles = {}
    for i, task in ((tasks.index(task), task) for task in known):
        styles[task.name] = line(i) | {"marker": point(i)["marker"], "markersize": 4.5}
        axes.plot(list(task.curve), list(task.curve.values()), **styles[task.name])
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel("labelled series")
    axes.set_ylabel("labels that are right", color=MUTED)
    axes.grid(axis="y")
    legend(axes, [(short(name), style) for name, style in styles.items()], columns=3)
    return draw(figure, "learning", "Accuracy by number of labels", f"Line plot of {listed([t.name for t in known])}.")
