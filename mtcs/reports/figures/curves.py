"""How training ended, where that says something: a loss that still falls."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.training import FALL, POINTS, falling, smoothed
from mtcs.reports.figures.drawing import STYLE, Drawing, draw, legend, line
from mtcs.reports.numbers import listed


@mpl.rc_context(STYLE)
def training(report: Report) -> Drawing | None:
    """Mean cross entropy over training, a line a method with heads; None where no loss still falls when it ends."""
    fall = falling(report)
    if max(fall.values(), default=0.0) < FALL:
        return None
    figure = Figure(figsize=(4.0, 2.6))
    axes = figure.add_subplot()
    for method in fall:
        axes.plot((np.arange(POINTS) + 0.5) / POINTS, smoothed(report.curves[method]), **line(report.number(method)))
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:g}"[-1] in "25" else "")
    axes.set_xticks([0, 0.5, 1], ["begin", "half", "end"])
    axes.set_xlabel("training")
    axes.set_ylabel("cross entropy")
    axes.grid(axis="y")
    legend(axes, [(report.titles[method], line(report.number(method))) for method in fall])
    names = listed(report.titles.of(fall))
    return draw(figure, "training", "Loss while training", f"Line plot of the mean cross entropy of {names}.")
