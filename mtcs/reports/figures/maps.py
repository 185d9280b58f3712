"""Which tasks are alike (Figure 2), and which of their labels."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mtcs.reports.analysis.affinity import FORMS, LISTED, LabelAffinity
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.examples import Series
from mtcs.reports.analysis.separation import related_pairs
from mtcs.reports.figures.drawing import HEAT, INK, MUTED, STYLE, Drawing
from mtcs.reports.writing import enumerated, short

FIGURE_2 = ("ts2vec_joint", "mtcs")
"""The methods of the paper's Figure 2, from left to right."""

CELLS = 30
"""Tasks up to which a map shows each value."""


@mpl.rc_context(STYLE)
def similarity(report: Report, form: str) -> Drawing | None:
    """Task similarity of up to two methods side by side, in one order and on one colour scale, without the diagonal.

    Those of the paper's Figure 2 where both have it, else the reference and another. Pairs that the paper calls related
    are framed. Maps of more than `CELLS` tasks are images without values, which takes a thousandth of the time and the
    space. None where no method has it.

    Args:
        report: what is drawn.
        form: the paper's or the centered one, by the suffix of its file.
    """
    known = {one.method: one.mean(form) for one in report.affinities}
    methods = FIGURE_2 if set(FIGURE_2) <= set(known) else list(known)[:2]
    if not methods:
        return None
    tasks = list(known[methods[0]].index)
    maps = np.stack([known[method].loc[tasks, tasks].mask(np.eye(len(tasks), dtype=bool)) for method in methods])
    few, size = len(tasks) <= CELLS, max(1.7, (0.37 if len(tasks) <= CELLS else 0.2) * len(tasks) + 0.1)
    figure = Figure(figsize=((len(maps) * 1.06 - 0.06) * size, size))
    grid = figure.subplots(1, len(maps), sharey=True, squeeze=False, gridspec_kw={"wspace": 0.06})[0]
    figure.subplots_adjust(0, 0, 1, 1)
    colors = LinearSegmentedColormap.from_list("heat", [to_rgba(HEAT, 0.04), to_rgba(HEAT)], N=10_000)
    most, places, related = np.nan_to_num(maps).max(), np.arange(len(tasks)) + 0.5, related_pairs(tasks)
    for axes, method, values in zip(grid, methods, maps, strict=True):
        axes.pcolormesh(values, cmap=colors, vmin=0, vmax=most, rasterized=not few)
        for (i, j), value in np.ndenumerate(values if few else values[:0]):
            text = "" if np.isnan(value) else f"{value:.2f}".removeprefix("0")
            axes.text(j + 0.5, i + 0.52, text, ha="center", va="center", fontsize=8.5)
        for corner in ((tasks.index(a), tasks.index(b)) for pair in related for a, b in (pair, pair[::-1])):
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=INK, linewidth=1.3, clip_on=False))
        axes.set_title(report.titles[method], fontweight="bold")
        axes.set(xlim=(0, len(tasks)), ylim=(len(tasks), 0), aspect="equal")
        axes.set_yticks(places, tasks)
        axes.set_xticks(places, tasks, rotation=40, ha="right", rotation_mode="anchor")
        axes.spines[:].set_visible(False)
    files = enumerated([f"affinity-{method}{form}.csv" for method in methods])
    framed = f" Framed: {', '.join(map(' and '.join, related))}." if related else ""
    what = f"Heat maps side by side. All numbers are in {files}.{framed}"
    return Drawing(figure, f"figure-2{form}", f"Task similarity, {FORMS[form]}", what)


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
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(len(pairs) - 0.5, -0.5))
    axes.axis("off")
    axes.barh(range(len(pairs)), [pair["relevance"] / pairs[0]["relevance"] for pair in pairs], color=HEAT, alpha=0.75)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    for y, pair in enumerate(pairs):
        axes.text(0.03, y, f"\N{MULTIPLICATION SIGN} {pair['relevance']:.1f}", va="center", fontsize=8.5)
        for side, at, edge, align in (("k", -0.41, -0.05, "right"), ("j", 1.05, 1.05, "left")):
            task, label = pair[f"task_{side}"], pair[f"label_{side}"]
            if (series := examples.get((task, label))) is not None:
                channel = np.atleast_2d(series)[0]
                low, high = np.nanmin(channel), np.nanmax(channel)
                heights = y + 0.35 - 0.7 * (channel - low) / (high - low or 1)
                axes.plot(np.linspace(at, at + 0.36, len(channel)), heights, color=INK, linewidth=0.8, clip_on=False)
            beside = edge + np.copysign(0.42 if examples else 0, edge)
            axes.text(beside, y, f"{short(label)} · {task}", ha=align, va="center")
    strongest = "; ".join(f"{p['label_k']} of {p['task_k']} and {p['label_j']} of {p['task_j']}" for p in pairs[:3])
    what = f"Bars of the {len(pairs)} strongest pairs of labels, the strongest first: {strongest}."
    return Drawing(figure, name, title, what)
