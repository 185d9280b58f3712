"""Average ranks on a line; a bar joins methods of which no two are told apart (Demšar, 2006)."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.figure import Figure

from mtcs.data.text import counted
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.significance import groups
from mtcs.reports.figures.drawing import INK, MUTED, STYLE, Drawing

LINE = 0.19
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
    left, below = (count + 1) // 2, 0.9 + 0.7 * len(bars)  # methods at the left; the line of the first name
    width = min(6.5, max(1.4, 0.46 * (count - 1)))
    figure = Figure(figsize=(width, LINE * (below + left)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(1, count), ylim=(below + left, 0), xticks=range(1, count + 1), yticks=[])
    axes.spines["top"].set(visible=True, color=MUTED)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.xaxis.tick_top()
    axes.tick_params(length=3, labelcolor=MUTED)
    inch = (count - 1) / width  # in ranks
    for i, (first, last) in enumerate(bars):
        ends = ranks.iloc[first] - 0.06 * inch, ranks.iloc[last] + 0.06 * inch
        style = {"linewidth": 3.2, "solid_capstyle": "butt", "clip_on": False}
        axes.plot(ends, [0.6 + 0.7 * i] * 2, color=INK, gid=f"bar-{first}-{last}", **style)
    for i, (method, rank) in enumerate(zip(methods, ranks, strict=True)):
        name = report.titles[method]
        if i < left:
            side, out, end, level, words = "right", -inch, 1, below + i, f"{name}  {rank:.2f}"
        else:
            side, out, end, level, words = "left", inch, count, below + count - 1 - i, f"{rank:.2f}  {name}"
        axes.plot([rank, rank, end + 0.15 * out], [0, level, level], color=INK, linewidth=0.7, clip_on=False)
        axes.text(end + 0.23 * out, level, words, ha=side, va="center")
    named = ", ".join(f"{report.titles[method]} {rank:.2f}" for method, rank in zip(methods, ranks, strict=True))
    joined = "; ".join(", ".join(report.titles.of(methods[first : last + 1])) for first, last in bars)
    what = f"Average ranks: {named}. {counted(len(bars), 'bar')}: {joined or 'none'}."
    return Drawing(figure, "critical-difference", "Critical-difference diagram", what)
