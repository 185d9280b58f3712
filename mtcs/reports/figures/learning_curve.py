"""Accuracy by the number of labelled series."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.figure import Figure

from mtcs.reports.analysis.contents import Report
from mtcs.reports.figures.drawing import STYLE, Drawing, legend, point
from mtcs.reports.writing import enumerated

APART = 0.05
"""Between two methods' places at one number of labels, where one number and the next are 1 apart."""


@mpl.rc_context(STYLE)
def learning_curve(report: Report) -> Drawing | None:
    """A line a method, of what reads representations or series and below it of trained heads; None without points."""
    points = report.learning_curve
    if not points:
        return None
    methods = list(dict.fromkeys(method for one in points for method in one.accuracy))
    places = {method: APART * (i - (len(methods) - 1) / 2) for i, method in enumerate(methods)}
    panels = [("accuracy", "mean accuracy"), ("heads", "of trained heads")][: 2 if any(p.heads for p in points) else 1]
    figure = Figure(figsize=(4.6, 2.7 * len(panels)))
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False).ravel()
    for axes, (values, title) in zip(grid, panels, strict=True):
        for i, method in enumerate(methods):
            known = [
                (x + places[method], *getattr(one, values)[method])
                for x, one in enumerate(points)
                if method in getattr(one, values)
            ]
            if known:
                look = point(report.number(method) if method in report.methods else len(report.methods) + i)
                axes.errorbar(*zip(*known, strict=True), label=report.titles[method], **look | {"linestyle": "-"})
        axes.set_ylabel(title)
        axes.grid(axis="y")
    grid[-1].set_xticks(range(len(points)), [one.name for one in points])
    grid[-1].set_xlabel("training series of each label, at most")
    legend(grid[0], columns=2)
    seen = f"Lines of {enumerated(report.titles.of(methods))}, from {points[0].name} to {points[-1].name}."
    return Drawing(figure, "learning-curve", "Accuracy by training series of each label", seen)
