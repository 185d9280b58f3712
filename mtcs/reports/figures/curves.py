"""How training ended, where that says something: a loss that still falls."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mtcs.reports.analysis.contents import Report
from mtcs.reports.figures.drawing import STYLE, Drawing, draw, legend, line
from mtcs.reports.numbers import listed

POINTS = 40
"""Points of a curve, each the mean over the steps between two of them; the last fifth is eight of them."""

FALL = 0.1
"""Least fall of the loss over the last fifth of training that is worth a figure."""


def smoothed(frame: pd.DataFrame) -> np.ndarray:
    """Mean cross entropy in each of `POINTS` parts of training (POINTS,), all tasks and seeds; each step counts once.

    Empty where there are not as many steps.
    """
    points = frame[["step", "loss", "steps"]].astype(np.float64).dropna().to_numpy()
    if not len(points):
        return np.array([])
    part = np.minimum(POINTS * points[:, 0] // (points[:, 0].max() + 1), POINTS - 1).astype(int)
    steps = np.bincount(part, points[:, 2], POINTS)
    if (steps == 0).any():
        return np.array([])
    return np.bincount(part, points[:, 1] * points[:, 2], POINTS) / steps


def falling(report: Report) -> dict[str, float]:
    """By method with heads: the share by which the loss falls from the last fifth but one of training to the last."""
    fall = {}
    for method in report.methods:
        losses = smoothed(report.curves[method]) if report.table.has_heads(method) else np.array([])
        if len(losses):
            before, after = losses[-2 * POINTS // 5 : -POINTS // 5].mean(), losses[-POINTS // 5 :].mean()
            fall[method] = float(1 - after / before)
    return fall


@mpl.rc_context(STYLE)
def training(report: Report) -> Drawing | None:
    """Mean cross entropy over training, a line a method with heads; None where no loss still falls when it ends."""
    fall = falling(report)
    if max(fall.values(), default=0.0) < FALL:
        return None
    figure = Figure(figsize=(4.0, 2.6))
    axes = figure.add_subplot()
    handles = []
    for method in fall:
        style = line(report.number(method))
        axes.plot((np.arange(POINTS) + 0.5) / POINTS, smoothed(report.curves[method]), linewidth=1.6, **style)
        handles.append(Line2D([], [], label=report.titles[method], linewidth=1.6, **style))
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:g}"[-1] in "25" else "")
    axes.set_xticks([0, 0.5, 1], ["begin", "half", "end"])
    axes.set_xlabel("training")
    axes.set_ylabel("cross entropy")
    axes.grid(axis="y")
    legend(axes, handles)
    names = listed(report.titles.of(fall))
    return draw(figure, "training", "Loss while training", f"Line plot of the mean cross entropy of {names}.")
