"""How training went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from mtcs.reports.figures.drawing import STYLE, Drawing, draw, legend, line
from mtcs.reports.titles import TITLES, Titles

GAPS = {"wspace": 0.12, "hspace": 0.32}
"""Between the panels of a figure, as shares of a panel."""

TITLE = 32
"""Characters of a title that fit over a panel of curves."""

POINTS = 40
"""Points of a training curve: a mean over the steps between two of them."""


@mpl.rc_context(STYLE)
def training_curves(
    curves: Mapping[str, pd.DataFrame], tasks: Sequence[str], supervised: Sequence[str], titles: Titles = TITLES
) -> Drawing:
    """Cross entropy of each task's mini-batches while training, a panel a task, a line a method, mean over seeds.

    Args:
        curves: from `runs.curves`, by method, all methods of the report in its order; one may be empty. The loss of
            methods that share is without the sharing loss.
        tasks: the order of the panels.
        supervised: the methods whose loss is the cross entropy of a head.
        titles: of the methods.
    """
    figure, grid = _panels(len(tasks), sharey=True)
    panels = grid.ravel()
    for axes, task in zip(panels, tasks, strict=False):
        for i, (method, frame) in enumerate(curves.items()):
            if method in supervised:
                _plot(axes, frame.loc[frame["task"] == task], "loss", linewidth=1.4, **line(i))
        axes.set_title(task if len(task) <= TITLE else f"{task[: TITLE - 1]}…")
        axes.set_yscale("log")
    low, high = panels[0].get_ylim()
    panels[0].yaxis.set_major_locator(
        LogLocator(subs=(1, 2, 5) if high < 10 * low else (1, 3) if high < 100 * low else (1,))
    )  # of all, which share it
    panels[0].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panels[0].yaxis.set_minor_formatter(NullFormatter())
    for axes in grid[:, 0]:
        axes.set_ylabel("cross entropy")
    shown = {method: i for i, method in enumerate(curves) if len(curves[method]) and method in supervised}
    handles = [Line2D([], [], label=titles[method], **line(i)) for method, i in shown.items()]
    legend(panels[0], handles, above=1.2)
    return draw(
        figure,
        "training",
        "Training curves",
        f"Line plots of the loss of {len(tasks)} tasks over the steps of training, for {', '.join(titles.of(shown))}.",
    )


@mpl.rc_context(STYLE)
def objective_curves(curves: Mapping[str, pd.DataFrame], methods: Sequence[str], titles: Titles = TITLES) -> Drawing:
    """Each method's own objective while training, a panel a method, a line a task, mean over seeds.

    Args:
        curves: from `runs.curves`, by method, all methods of the report in its order.
        methods: those to draw; each has curves.
        titles: of the methods.
    """
    figure, grid = _panels(len(methods), sharey=False)
    for axes, method in zip(grid.ravel(), methods, strict=False):
        frame = curves[method]
        for task in frame["task"].unique():
            part = frame.loc[frame["task"] == task]
            _plot(axes, part, "loss", linewidth=0.9, alpha=0.7, **line(list(curves).index(method)))
        axes.set_title(titles[method])
    return draw(
        figure,
        "objectives",
        "Objectives while training",
        f"Line plots of the objective of {', '.join(titles.of(methods))} over the steps of training, each on a "
        "scale of its own, a line a task.",
    )


def _panels(count: int, sharey: bool) -> tuple[Figure, np.ndarray]:
    """A figure of at least `count` panels, up to four in a row, and its (rows, columns) axes; the rest are hidden."""
    across = min(4, count)
    down = -(-count // across)
    figure = Figure(figsize=(3.2 * across, 2 * down))
    grid = figure.subplots(down, across, sharex=sharey, sharey=sharey, squeeze=False, gridspec_kw=GAPS)
    for i, axes in enumerate(grid.ravel()):
        axes.grid(axis="y")
        axes.set_visible(i < count)
        if count - across <= i < count:  # the last of its column that is seen
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("step")
    if not sharey:
        figure.subplots_adjust(wspace=0.25, hspace=0.45)
    return figure, grid


@mpl.rc_context(STYLE)
def sharing_curves(curves: Mapping[str, pd.DataFrame], titles: Titles = TITLES) -> Drawing | None:
    """Sharing loss (Equation 3) and share of relevant pairs (Equation 5) while training; None where none shares."""
    columns = {"sharing_loss": "sharing loss", "relevant_share": "share of relevant pairs"}
    sharing = {method: i for i, method in enumerate(curves) if len(curves[method]["sharing_loss"].dropna())}
    if not sharing:
        return None
    figure = Figure(figsize=(12.8, 2.8))
    for axes, (column, title) in zip(figure.subplots(1, 2, gridspec_kw=GAPS), columns.items(), strict=True):
        for method, i in sharing.items():
            _plot(axes, curves[method], column, linewidth=1.4, **line(i))
        axes.set_title(title)
        axes.set_xlabel("step")
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
    return draw(
        figure,
        "sharing",
        "Sharing while training",
        f"Line plots of sharing loss and share of relevant pairs over the steps, for {', '.join(titles.of(sharing))}.",
    )


def _plot(axes: Axes, frame: pd.DataFrame, column: str, **style: Any) -> None:
    """A line through a column of training curves; a dot where there is one point."""
    steps, means = _smoothed(frame, column)
    axes.plot(steps, means, marker="." if len(steps) == 1 else None, **style)


def _smoothed(frame: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean step and mean value of up to `POINTS` stretches of training, all seeds together; each step counts once."""
    points = frame[["step", column, "steps"]].astype(np.float64).dropna().to_numpy()
    points = points[np.argsort(points[:, 0], kind="stable")]
    parts = [np.average(part[:, :2], 0, part[:, 2]) for part in np.array_split(points, POINTS) if len(part)]
    steps, means = np.reshape(parts, (-1, 2)).T
    return steps, means
