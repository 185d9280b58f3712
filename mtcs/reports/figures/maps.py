"""Maps of which tasks are alike, and which of their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtcs.reports.analysis.affinity import LabelAffinity
from mtcs.reports.figures.drawing import HEAT, INK, RULE, STYLE, Drawing, draw
from mtcs.reports.titles import TITLES, Titles

LEAST_SPAN = 0.1
"""Least difference between the ends of the colour scale of a similarity map."""

RESOLUTION = 720
"""Pixels along a side of the label map."""

CELLS = 30
"""Tasks up to which a map of similarities shows each value."""


@mpl.rc_context(STYLE)
def similarity_map(name: str, title: str, similarity: pd.DataFrame) -> Drawing:
    """Heat map of task similarity, (K, K) with task names; the diagonal is left out, of the colour scale too."""
    size = (0.37 if len(similarity) <= CELLS else 0.25) * len(similarity)
    figure = Figure(figsize=(size, size))
    axes = figure.add_axes((0, 0, 1, 1))
    _heat(axes, similarity, _scale([similarity]))
    return draw(figure, name, title, f"Heat map. {strongest_tasks(similarity)}")


@mpl.rc_context(STYLE)
def similarity_panels(
    name: str,
    title: str,
    panels: Mapping[str, pd.DataFrame],
    related: Sequence[tuple[str, str]],
    titles: Titles = TITLES,
) -> Drawing:
    """Heat maps of the same tasks side by side, in one order and on one colour scale (Figure 2).

    Args:
        name: of the file.
        title: of the drawing.
        panels: (K, K) task similarity with task names, by the method that stands above it.
        related: pairs of tasks whose cells are framed.
        titles: of the methods.
    """
    size = max(1.3, 0.37 * len(next(iter(panels.values()))))
    figure = Figure(figsize=((len(panels) * 1.06 - 0.06) * size, size))
    grid = figure.subplots(1, len(panels), squeeze=False, gridspec_kw={"wspace": 0.06})[0]
    figure.subplots_adjust(0, 0, 1, 1)
    scale = _scale(list(panels.values()))
    for axes, (method, similarity) in zip(grid, panels.items(), strict=True):
        _heat(axes, similarity, scale)
        axes.set_title(titles[method], fontweight="bold")
        for pair in related:
            a, b = (list(similarity.index).index(task) for task in pair)
            for x, y in ((a, b), (b, a)):
                axes.plot([x, x + 1, x + 1, x, x], [y, y, y + 1, y + 1, y], color=INK, linewidth=1.3, zorder=3)
    for axes in grid[1:]:
        axes.set_yticks([])
    words = [f"{titles[method]}: {strongest_tasks(similarity)}" for method, similarity in panels.items()]
    framed = f" Framed: {', '.join(map(' and '.join, related))}." if related else ""
    return draw(figure, name, title, f"Heat maps side by side. {' '.join(words)}{framed}")


def _scale(maps: Sequence[pd.DataFrame]) -> tuple[float, float]:
    """Ends of the colour scale: it spans the values there are outside the diagonals, but at least `LEAST_SPAN`.

    Where all tasks are alike, colour then shows no difference.
    """
    between = np.concatenate([one.to_numpy()[~np.eye(len(one), dtype=bool)] for one in maps])
    known = between[~np.isnan(between)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    return low, max(high, low + LEAST_SPAN)


def _heat(axes: Axes, similarity: pd.DataFrame, scale: tuple[float, float]) -> None:
    """The cells outside the diagonal, each with its value, and the names of the tasks at two sides.

    Those of more than `CELLS` tasks are one image without values, which takes a thousandth of the time and the space.
    """
    tasks, (low, high) = list(similarity.index), scale
    values = similarity.to_numpy(copy=True)
    np.fill_diagonal(values, np.nan)
    if len(tasks) > CELLS:
        strength = np.nan_to_num(0.04 + 0.96 * (values - low) / (high - low))
        axes.imshow(_tinted(strength.clip(0, 1)), extent=(0, len(tasks), len(tasks), 0), interpolation="none")
        values[:] = np.nan
    for (i, j), value in np.ndenumerate(values):
        if not np.isnan(value):
            strength = (value - low) / (high - low)
            axes.fill(
                [j, j + 1, j + 1, j], [i, i, i + 1, i + 1], facecolor=HEAT, alpha=0.04 + 0.96 * strength, linewidth=0
            )
            text = f"{value:.2f}".removeprefix("0")
            axes.text(j + 0.5, i + 0.52, text, ha="center", va="center", fontsize=8.5)
    axes.set(xlim=(0, len(tasks)), ylim=(len(tasks), 0))
    _name_both_sides(axes, tasks, np.arange(len(tasks)) + 0.5)


def strongest_tasks(similarity: pd.DataFrame, count: int = 3) -> str:
    """The most similar pairs of tasks, in words."""
    k, j = np.triu_indices(len(similarity), 1)
    values = similarity.to_numpy()[k, j]
    order = [i for i in np.argsort(-values, kind="stable") if not np.isnan(values[i])][:count]
    pairs = [f"{similarity.index[k[i]]} and {similarity.index[j[i]]} ({values[i]:.2f})" for i in order]
    return f"Most alike: {', '.join(pairs)}." if pairs else "There is no pair of tasks to compare."


@mpl.rc_context(STYLE)
def label_map(name: str, title: str, labels: LabelAffinity) -> Drawing:
    """Heat map of the relevance (Equation 5) of every label with every other, a rule between two tasks.

    A task is as wide as the root of its number of labels, so that the name of a task of two labels stays legible
    beside one of forty. Blocks of a task with itself are left out. One image in one hue whose opacity is the
    relevance: it is small, and fits a light page and a dark one.
    """
    tasks = list(dict.fromkeys(labels.tasks))
    counts = np.array([labels.tasks.count(task) for task in tasks])
    widths = np.repeat(1 / np.sqrt(counts), counts)  # (S,)
    edges = np.concatenate([[0], np.cumsum(widths)]) / widths.sum()
    borders = edges[np.concatenate([[0], np.cumsum(counts)])]

    relevance = labels.relevance.copy()
    owner = np.repeat(np.arange(len(tasks)), counts)
    relevance[(owner[:, None] == owner[None, :]) | np.isnan(relevance)] = 0
    top = max(float(relevance.max(initial=0)), 2 * labels.threshold)
    strength = np.log(relevance.clip(1)) / np.log(top)  # 0 at the mean and below, 1 at the strongest
    pixels = np.searchsorted(edges, (np.arange(RESOLUTION) + 0.5) / RESOLUTION) - 1

    size = max(5.2, 0.25 * len(tasks))  # inches: names of many tasks side by side
    figure = Figure(figsize=(size, size))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(_tinted(strength[np.ix_(pixels, pixels)]), extent=(0, 1, 1, 0), interpolation="none")
    for a, b in pairwise(borders):
        axes.fill([a, b, b, a], [a, a, b, b], facecolor=RULE, alpha=0.5, linewidth=0)
    for border in borders:
        axes.plot([border, border], [0, 1], color=RULE, linewidth=0.8)
        axes.plot([0, 1], [border, border], color=RULE, linewidth=0.8)
    axes.set(xlim=(-0.002, 1.002), ylim=(1.002, -0.002))
    _name_both_sides(axes, tasks, (borders[1:] + borders[:-1]) / 2)

    scale = figure.add_axes((0.62, 1.05, 0.38, 0.02))
    scale.imshow(_tinted(np.linspace(0, 1, 64)[None, :]), extent=(0, 1, 0, 1), aspect="auto", interpolation="none")
    marks = sorted({1.0, max(1.0, labels.threshold), top})
    scale.set_xticks(np.log(marks) / np.log(top), [f"{mark:.3g}" for mark in marks])
    scale.xaxis.tick_top()
    scale.set_yticks([])
    scale.set_ylabel("affinity over its mean", rotation=0, ha="right", va="center")
    scale.spines[:].set_visible(False)
    count = len(labels.pairs())
    return draw(
        figure,
        name,
        title,
        f"Heat map of {len(labels.labels)} labels of {len(tasks)} tasks; {count} pairs exceed the threshold.",
    )


def _tinted(strength: np.ndarray) -> np.ndarray:
    """(H, W) in [0, 1] -> (H, W, 4): one hue that shows on white and on black, opaque where strong."""
    image = np.empty((*strength.shape, 4), np.uint8)
    image[..., :3] = 0x2B, 0x8C, 0xCC
    image[..., 3] = np.round(255 * strength)
    return image


def _name_both_sides(axes: Axes, names: Sequence[str], centres: np.ndarray) -> None:
    axes.set_yticks(centres, names)
    axes.set_xticks(centres, names, rotation=40, ha="right", rotation_mode="anchor")
    axes.spines[:].set_visible(False)
