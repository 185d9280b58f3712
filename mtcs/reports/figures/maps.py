"""Which tasks are alike (Figure 2), and which of their labels."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mtcs.reports.analysis.affinity import FORMS, LISTED, LabelAffinity
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.examples import Series
from mtcs.reports.analysis.separation import related_pairs
from mtcs.reports.figures.drawing import HEAT, INK, MUTED, STYLE, Drawing
from mtcs.reports.numbers import listed, short

FIGURE_2 = ("ts2vec_joint", "mtcs")
"""The methods of the paper's Figure 2, from left to right."""

LEAST_SPAN = 0.1
"""Where similarities span less than this, colours are those of a scale from 0 to 1."""

CELLS = 30
"""Tasks up to which a map shows each value."""

CURVE = {"color": INK, "linewidth": 0.8, "clip_on": False}
"""How a series is drawn beside its label."""


@mpl.rc_context(STYLE)
def similarity(report: Report, form: str) -> Drawing | None:
    """Task similarity of up to two methods side by side, in one order and on one colour scale, without the diagonal.

    Those of the paper's Figure 2 where both have it, else the reference and another. Pairs that the paper calls related
    are framed. None where no method has it.

    Args:
        report: what is drawn.
        form: the paper's or the centered one, by the suffix of its file.
    """
    known = {one.method: one for one in report.affinities}
    methods = FIGURE_2 if set(FIGURE_2) <= set(known) else sorted(known, key=lambda one: one != report.reference)[:2]
    panels = {method: known[method].mean(form) for method in methods}
    if not panels:
        return None
    tasks = list(next(iter(panels.values())).index)
    size = (max(1.6, 0.37 * len(tasks)) if len(tasks) <= CELLS else 0.2 * len(tasks)) + 0.1
    figure = Figure(figsize=((len(panels) * 1.06 - 0.06) * size, size))
    grid = figure.subplots(1, len(panels), squeeze=False, gridspec_kw={"wspace": 0.06})[0]
    figure.subplots_adjust(0, 0, 1, 1)
    related = related_pairs(tasks)
    for axes, (method, one) in zip(grid, panels.items(), strict=True):
        _heat(axes, one.reindex(index=tasks, columns=tasks), _scale(list(panels.values())))
        axes.set_title(report.titles[method], fontweight="bold")
        for pair in related:
            a, b = (tasks.index(task) for task in pair)
            for corner in ((a, b), (b, a)):
                axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=INK, linewidth=1.3, clip_on=False))
    for axes in grid[1:]:
        axes.set_yticks([])
    files = listed([f"affinity-{method}{form}.csv" for method in panels])
    framed = f" Framed: {', '.join(map(' and '.join, related))}." if related else ""
    title = f"Task similarity, {FORMS[form]}"
    return Drawing(figure, f"figure-2{form}", title, f"Heat maps side by side. All numbers are in {files}.{framed}")


def _scale(maps: Sequence[pd.DataFrame]) -> tuple[float, float]:
    """Ends of the colour scale: what there is outside the diagonals, or 0 and 1 where that hardly differs."""
    between = np.concatenate([one.to_numpy()[~np.eye(len(one), dtype=bool)] for one in maps])
    known = between[~np.isnan(between)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    return (low, high) if high - low >= LEAST_SPAN else (min(0.0, low), max(1.0, high))


def _heat(axes: Axes, similarity: pd.DataFrame, scale: tuple[float, float]) -> None:
    """The cells outside the diagonal, each with its value, and the names of the tasks at two sides.

    Those of more than `CELLS` tasks are one image without values, which takes a thousandth of the time and the space.
    """
    tasks, centers = list(similarity.index), np.arange(len(similarity)) + 0.5
    values = similarity.where(~np.eye(len(tasks), dtype=bool)).to_numpy()
    colors = LinearSegmentedColormap.from_list("heat", [to_rgba(HEAT, 0.04), to_rgba(HEAT)], N=10_000)
    axes.pcolormesh(values, cmap=colors, vmin=scale[0], vmax=scale[1], rasterized=len(tasks) > CELLS)
    if len(tasks) <= CELLS:
        for (i, j), value in np.ndenumerate(values):
            text = "" if np.isnan(value) else f"{value:.2f}".removeprefix("0")
            axes.text(j + 0.5, i + 0.52, text, ha="center", va="center", fontsize=8.5)
    axes.set(xlim=(0, len(tasks)), ylim=(len(tasks), 0), aspect="equal")
    axes.set_yticks(centers, tasks)
    axes.set_xticks(centers, tasks, rotation=40, ha="right", rotation_mode="anchor")
    axes.spines[:].set_visible(False)


@mpl.rc_context(STYLE)
def label_pairs(labels: LabelAffinity, examples: Series, name: str, title: str) -> Drawing | None:
    """The labels of different tasks that go together most, by name and, where it is known, with a typical series.

    A bar is how far a pair's affinity lies above the mean of its block.
    None where no pair is relevant (Equation 5).
    """
    pairs = labels.pairs().head(LISTED).to_dict("records")
    if not pairs:
        return None
    figure = Figure(figsize=(1.3, 0.22 * len(pairs) + 0.2))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.barh(range(len(pairs)), [pair["relevance"] / pairs[0]["relevance"] for pair in pairs], color=HEAT, alpha=0.75)
    for y, pair in enumerate(pairs):
        axes.text(0.03, y, f"\N{MULTIPLICATION SIGN} {pair['relevance']:.1f}", va="center", fontsize=8.5)
        for side, which in ((-1, "k"), (1, "j")):
            label, task = pair[f"label_{which}"], pair[f"task_{which}"]
            edge = max(side, 0) + 0.05 * side
            if (series := examples.get((task, label))) is not None:
                channel = np.atleast_2d(series)[0]
                low, high = np.nanmin(channel), np.nanmax(channel)
                places = min(edge, edge + side * 0.36) + np.linspace(0, 0.36, len(channel))
                axes.plot(places, y + 0.35 - 0.7 * (channel - low) / (high - low or 1), **CURVE)
            x = edge + side * 0.42 * bool(examples)
            axes.text(x, y, f"{short(label)} · {task}", ha="right" if side < 0 else "left", va="center")
    axes.set(xlim=(0, 1), ylim=(len(pairs) - 0.5, -0.5))
    axes.axis("off")
    axes.plot([0, 0], [-0.5, len(pairs) - 0.5], color=MUTED, linewidth=0.8)
    strongest = "; ".join(f"{p['label_k']} of {p['task_k']} and {p['label_j']} of {p['task_j']}" for p in pairs[:3])
    what = f"Bars of the {len(pairs)} strongest pairs of labels, the strongest first: {strongest}."
    return Drawing(figure, name, title, what)
