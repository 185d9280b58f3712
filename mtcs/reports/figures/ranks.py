"""Average ranks on a line; a bar joins methods of which no two are told apart (Demšar, 2006)."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.figure import Figure

from mtcs.data.text import counted
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.significance import groups
from mtcs.reports.figures.drawing import INK, MUTED, STYLE, Drawing, draw

STEP = 0.19
"""Inches from one line of text to the next."""


@mpl.rc_context(STYLE)
def critical_difference(report: Report) -> Drawing | None:
    """None for fewer than three methods or two tasks, or where all methods are equal on every task.

    A bar spans methods that follow one another in rank, and is drawn only where no two of them differ significantly by
    the p values of the report's tables. Bars that lie inside another are left out.
    """
    scores = report.table.scores
    if scores.shape[1] < 3 or len(scores) < 2 or scores.nunique(axis=1).max() == 1:
        return None
    ranks = scores.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    methods, count = [str(method) for method in ranks.index], len(ranks)
    bars = groups(report.pairs.loc[methods, methods].to_numpy())
    left = (count + 1) // 2
    width, height = (
        min(6.5, max(1.4, 0.46 * (count - 1))),
        STEP * (1.6 + 0.7 * len(bars) + left),
    )  # inches, as all below
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")

    def x(rank: float) -> float:
        return width * (rank - 1) / (count - 1)

    axis = 1.2 * STEP
    axes.plot([x(1), x(count)], [axis, axis], color=MUTED, linewidth=1)
    for rank in range(1, count + 1):
        axes.plot([x(rank), x(rank)], [axis - 0.05, axis], color=MUTED, linewidth=1)
        axes.text(x(rank), axis - 0.08, str(rank), ha="center", va="bottom", color=MUTED)
    for i, (first, last) in enumerate(bars):
        level = axis + STEP * (0.6 + 0.7 * i)
        ends = x(ranks.iloc[first]) - 0.06, x(ranks.iloc[last]) + 0.06
        axes.plot(ends, [level, level], color=INK, linewidth=3.2, solid_capstyle="butt", gid=f"bar-{first}-{last}")
    below = axis + STEP * (0.9 + 0.7 * len(bars))
    for i, (method, rank) in enumerate(zip(methods, ranks, strict=True)):
        side, row = ("right", i) if i < left else ("left", count - 1 - i)
        level = below + STEP * row
        end = -0.15 if i < left else width + 0.15
        axes.plot([x(rank), x(rank), end], [axis, level, level], color=INK, linewidth=0.7, clip_on=False)
        name = report.titles[method]
        words = f"{name}  {rank:.2f}" if i < left else f"{rank:.2f}  {name}"
        axes.text(end - 0.08 if i < left else end + 0.08, level, words, ha=side, va="center")
    named = ", ".join(f"{report.titles[method]} {rank:.2f}" for method, rank in zip(methods, ranks, strict=True))
    joined = "; ".join(", ".join(report.titles.of(methods[first : last + 1])) for first, last in bars)
    return draw(
        figure,
        "critical-difference",
        "Average ranks",
        f"Critical-difference diagram. Average ranks: {named}. {counted(len(bars), 'bar')}: {joined or 'none'}.",
    )
