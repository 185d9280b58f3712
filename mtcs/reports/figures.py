"""The figures of a report as SVG: files that stand alone, and the same drawings in the colours of a page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from aeon.visualisation import plot_critical_difference
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from mtcs.reports.analysis.accuracy import Table
from mtcs.reports.analysis.affinity import LabelAffinity
from mtcs.reports.analysis.significance import LEVEL
from mtcs.reports.text import number, shown_name

INK, MUTED, RULE, PAPER, HEAT = "#000001", "#000002", "#000003", "#000004", "#000005"
SERIES = tuple(f"#0000{16 + i:02x}" for i in range(10))
THEME = {
    INK: ("--ink", "#1d2327"),
    MUTED: ("--muted", "#5d676e"),
    RULE: ("--rule", "#dcdad3"),
    PAPER: ("--paper", "#ffffff"),
    HEAT: ("--heat", "#4399cd"),  # as dark as ink on it stays legible
    **{
        name: (f"--series-{i + 1}", colour)
        for i, (name, colour) in enumerate(
            zip(
                SERIES,
                (
                    "#0a6fb0",
                    "#c8501e",
                    "#1b8a6b",
                    "#8d5fb4",
                    "#a8790b",
                    "#c2478a",
                    "#4d7f1f",
                    "#5b6770",
                    "#8a5a44",
                    "#1d8a99",
                ),
                strict=True,
            )
        )
    },
}
"""Colours are drawn under placeholder values that occur nowhere else, and replaced in the finished SVG: by a colour
where the file stands alone, by the page's CSS variable where it is part of a page that may be light or dark."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the page's typeface
    "text.parse_math": False,  # names of tasks are the user's and may hold a $
    "font.family": "DejaVu Sans",  # comes inside matplotlib, so that the layout is the same everywhere
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "figure.facecolor": PAPER,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
}

LEAST_SPAN = 0.1
"""Least difference between the ends of the colour scale of a similarity map."""

RESOLUTION = 720
"""Pixels along a side of the label map."""

GAPS = {"wspace": 0.12, "hspace": 0.32}
"""Between the panels of a figure, as shares of a panel."""

TITLE = 32
"""Characters of a title that fit over a panel of curves."""

CELLS = 30
"""Tasks up to which a map of similarities shows each value."""

LEGEND = 6
"""Entries in a row of a legend."""

POINTS = 40
"""Points of a training curve: a mean over the steps between two of them."""


@dataclass(frozen=True)
class Drawing:
    """A figure: its file name without suffix, what it shows in words for who cannot see it, and its SVG."""

    name: str
    title: str
    description: str
    svg: str

    def standalone(self) -> str:
        """The SVG as a file of its own: dark ink on white."""
        return _coloured(self.svg, lambda _, colour: colour)

    def inline(self) -> Markup:
        """The SVG element for a page: in the page's colours and typeface, as wide as the page lets it be."""
        element = self.svg[self.svg.index("<svg") :]  # without XML declaration and document type
        element = re.sub(r' (?:width|height)="[\d.]+pt"', "", element, count=2)
        element = re.sub(r"font: (?:bold )?([\d.]+px) [^;\"]+", r"font-size: \1", element)
        return Markup(_coloured(element, lambda name, colour: f"var({name}, {colour})"))

    @property
    def width(self) -> int:
        """Natural width in CSS pixels."""
        found = re.search(r'viewBox="0 0 ([\d.]+)', self.svg)
        return round(float(found[1]) * 4 / 3) if found else 0


def _coloured(svg: str, colour: Callable[[str, str], str]) -> str:
    """Replace the placeholders of `THEME` in styles, and only there: a task may be called "#000001"."""
    return re.sub(
        r"((?:fill|stroke): )(#[0-9a-f]{6})",
        lambda match: match[1] + (colour(*THEME[match[2]]) if match[2] in THEME else match[2]),
        svg,
    )


def _drawing(figure: Figure, name: str, title: str, description: str) -> Drawing:
    """Render to SVG: the same bytes for the same figure, with title and description, no date and no creator."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):  # names of clip paths, which must differ between figures of a page
        figure.savefig(
            buffer,
            format="svg",
            bbox_inches="tight",
            pad_inches=0.06,
            metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
        )
    svg = buffer.getvalue()
    used = set(re.findall(r"#(\w+)[\")]", svg))
    svg = re.sub(
        r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg
    )  # "axes_1" is in each figure
    svg = re.sub(
        r"(<svg [^>]*)>",
        lambda match: (
            f'{match[1]} role="img" aria-labelledby="{name}-title {name}-desc">'
            f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
        ),
        svg,
        count=1,
    )
    return Drawing(name, title, description, svg)


@mpl.rc_context(STYLE)
def accuracy_overview(table: Table, others: pd.DataFrame) -> Drawing:
    """A line a task: our accuracies with their spread over seeds, the paper's, and the range of other classifiers.

    Args:
        table: the suite's table.
        others: (tasks, classifiers) accuracies of other public classifiers, tasks as index; may be empty.
    """
    count = len(table.methods)
    height = max(0.36, 0.09 * count)  # inches of a task, so that the methods within it stay apart
    figure = Figure(figsize=(8.6, 0.9 + height * len(table.rows)))
    axes = figure.add_subplot()
    for y, row in enumerate(table.rows):
        if row.task in others.index:
            known = others.loc[row.task].dropna()
            axes.plot([known.min(), known.max()], [y, y], color=RULE, linewidth=9, solid_capstyle="butt", zorder=1)
        for i, method in enumerate(table.methods):
            cell = row.cells.get(method)
            if cell is None:
                continue
            level = y + (i - (count - 1) / 2) * min(0.3, 0.75 / count)
            if not np.isnan(cell.published):
                axes.plot(
                    cell.published,
                    level,
                    "D",
                    color=_colour(i),
                    markersize=4.6,
                    markerfacecolor=PAPER,
                    markeredgewidth=1.1,
                )
            if not np.isnan(cell.std):
                axes.plot([cell.mean - cell.std, cell.mean + cell.std], [level, level], color=_colour(i), linewidth=1.4)
            axes.plot(cell.mean, level, markersize=5.5, markeredgewidth=0, **_point(i))
    axes.set_yticks(range(len(table.rows)), [row.task for row in table.rows])
    axes.set_ylim(len(table.rows) - 0.4, -0.6)
    left, right = axes.get_xlim()[0], min(axes.get_xlim()[1], 1.01)
    axes.set_xlim(left, right)
    axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick <= min(right, 1 + 1e-9)])
    axes.set_xlabel("accuracy on the test series")
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    for border in range(1, len(table.rows) if count > 3 else 0):
        axes.axhline(border - 0.5, color=RULE, linewidth=0.6)
    shown = [
        Line2D([], [], markersize=5.5, label=shown_name(method), **_point(i)) for i, method in enumerate(table.methods)
    ]
    if any(table.compared.values()):
        hollow = {"marker": "D", "linestyle": "", "color": MUTED, "markerfacecolor": PAPER, "markersize": 5}
        shown.append(Line2D([], [], label="in the paper", **hollow))
    if len(others):
        shown.append(
            Line2D(
                [],
                [],
                color=RULE,
                linewidth=9,
                solid_capstyle="butt",
                label=f"range of {others.shape[1]} other classifiers",
            )
        )
    _legend(axes, shown)
    means = "; ".join(f"{shown_name(method)} {number(table.mean[method].mean)}" for method in table.methods)
    return _drawing(
        figure,
        "accuracy",
        f"Accuracy on the tasks of {table.suite}",
        f"Dot plot of {len(table.rows)} tasks. Mean accuracies: {means}. All numbers are in the accuracy table.",
    )


@mpl.rc_context(STYLE)
def critical_difference(scores: pd.DataFrame) -> Drawing | None:
    """Average ranks on a line; a bar joins methods that the tests do not tell apart (Demšar, 2006).

    Ranks, tests and drawing are aeon's: Friedman's test first, then one-sided signed-rank tests of all pairs at
    `LEVEL` / (methods - 1). None for fewer than three methods, or where they are equal on every task.

    Args:
        scores: (tasks, methods) accuracies, equal ones exactly equal.
    """
    if scores.shape[1] < 3 or len(scores) < 2 or scores.nunique(axis=1).max() == 1:
        return None
    names = [shown_name(str(method)) for method in scores]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Estimators .* have the same performance", UserWarning)
        figure, axes = plot_critical_difference(scores.to_numpy(), names, alpha=LEVEL, width=7.4, reverse=False)[:2]
    plt.close(figure)
    figure.set_facecolor("none")
    axes.lines[0].remove()  # white, and only there to set limits
    for line in axes.lines:
        line.set_color(INK)
    for words in axes.texts:
        words.set(color=INK, fontsize=STYLE["font.size"])
        if re.fullmatch(r"\d+\.\d{4}", words.get_text()):
            words.set_text(f"{float(words.get_text()):.2f}")
    lowest = max(float(np.max(line.get_ydata())) for line in axes.lines) + 0.05
    axes.set_ylim(lowest, 0)  # below is nothing
    figure.set_figheight(figure.get_figheight() * lowest)
    ranks = scores.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    return _drawing(
        figure,
        "critical-difference",
        "Average ranks",
        "Critical-difference diagram. Average ranks: "
        f"{', '.join(f'{shown_name(str(method))} {rank:.2f}' for method, rank in ranks.items())}.",
    )


@mpl.rc_context(STYLE)
def similarity_map(name: str, title: str, similarity: pd.DataFrame) -> Drawing:
    """Heat map of task similarity, (K, K) with task names; the diagonal is left out, of the colour scale too."""
    size = (0.37 if len(similarity) <= CELLS else 0.25) * len(similarity)
    figure = Figure(figsize=(size, size))
    axes = figure.add_axes((0, 0, 1, 1))
    _heat(axes, similarity, _scale([similarity]))
    return _drawing(figure, name, title, f"Heat map. {strongest_tasks(similarity)}")


@mpl.rc_context(STYLE)
def similarity_panels(
    name: str, title: str, panels: Mapping[str, pd.DataFrame], related: Sequence[tuple[str, str]]
) -> Drawing:
    """Heat maps of the same tasks side by side, in one order and on one colour scale (Figure 2).

    Args:
        name: of the file.
        title: of the drawing.
        panels: (K, K) task similarity with task names, by the method that stands above it.
        related: pairs of tasks whose cells are framed.
    """
    size = max(1.3, 0.37 * len(next(iter(panels.values()))))
    figure = Figure(figsize=((len(panels) * 1.06 - 0.06) * size, size))
    grid = figure.subplots(1, len(panels), squeeze=False, gridspec_kw={"wspace": 0.06})[0]
    figure.subplots_adjust(0, 0, 1, 1)
    scale = _scale(list(panels.values()))
    for axes, (method, similarity) in zip(grid, panels.items(), strict=True):
        _heat(axes, similarity, scale)
        axes.set_title(shown_name(method), fontweight="bold")
        for pair in related:
            a, b = (list(similarity.index).index(task) for task in pair)
            for x, y in ((a, b), (b, a)):
                axes.plot([x, x + 1, x + 1, x, x], [y, y, y + 1, y + 1, y], color=INK, linewidth=1.3, zorder=3)
    for axes in grid[1:]:
        axes.set_yticks([])
    words = [f"{shown_name(method)}: {strongest_tasks(similarity)}" for method, similarity in panels.items()]
    framed = f" Framed: {', '.join(map(' and '.join, related))}." if related else ""
    return _drawing(figure, name, title, f"Heat maps side by side. {' '.join(words)}{framed}")


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
    return _drawing(
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


@mpl.rc_context(STYLE)
def training_curves(curves: Mapping[str, pd.DataFrame], tasks: Sequence[str], supervised: Sequence[str]) -> Drawing:
    """Cross entropy of each task's mini-batches while training, a panel a task, a line a method, mean over seeds.

    Args:
        curves: from `runs.curves`, by method, all methods of the report in its order; one may be empty. The loss of
            methods that share is without the sharing loss.
        tasks: the order of the panels.
        supervised: the methods whose loss is the cross entropy of a head.
    """
    figure, grid = _panels(len(tasks), sharey=True)
    panels = grid.ravel()
    for axes, task in zip(panels, tasks, strict=False):
        for i, (method, frame) in enumerate(curves.items()):
            if method in supervised:
                _plot(axes, frame.loc[frame["task"] == task], "loss", linewidth=1.4, **_line(i))
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
    handles = [Line2D([], [], label=shown_name(method), **_line(i)) for method, i in shown.items()]
    _legend(panels[0], handles, above=1.2)
    return _drawing(
        figure,
        "training",
        "Training curves",
        f"Line plots of the loss of {len(tasks)} tasks over the steps of training, for "
        f"{', '.join(map(shown_name, shown))}.",
    )


@mpl.rc_context(STYLE)
def objective_curves(curves: Mapping[str, pd.DataFrame], methods: Sequence[str]) -> Drawing:
    """Each method's own objective while training, a panel a method, a line a task, mean over seeds.

    Args:
        curves: from `runs.curves`, by method, all methods of the report in its order.
        methods: those to draw; each has curves.
    """
    figure, grid = _panels(len(methods), sharey=False)
    for axes, method in zip(grid.ravel(), methods, strict=False):
        frame = curves[method]
        for task in frame["task"].unique():
            part = frame.loc[frame["task"] == task]
            _plot(axes, part, "loss", linewidth=0.9, alpha=0.7, **_line(list(curves).index(method)))
        axes.set_title(shown_name(method))
    return _drawing(
        figure,
        "objectives",
        "Objectives while training",
        f"Line plots of the objective of {', '.join(map(shown_name, methods))} over the steps of training, each on a "
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
def sharing_curves(curves: Mapping[str, pd.DataFrame]) -> Drawing | None:
    """Sharing loss (Equation 3) and share of relevant pairs (Equation 5) while training; None where none shares."""
    columns = {"sharing_loss": "sharing loss", "relevant_share": "share of relevant pairs"}
    sharing = {method: i for i, method in enumerate(curves) if len(curves[method]["sharing_loss"].dropna())}
    if not sharing:
        return None
    figure = Figure(figsize=(12.8, 2.8))
    for axes, (column, title) in zip(figure.subplots(1, 2, gridspec_kw=GAPS), columns.items(), strict=True):
        for method, i in sharing.items():
            _plot(axes, curves[method], column, linewidth=1.4, **_line(i))
        axes.set_title(title)
        axes.set_xlabel("step")
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
    return _drawing(
        figure,
        "sharing",
        "Sharing while training",
        f"Line plots of sharing loss and share of relevant pairs over the steps, for "
        f"{', '.join(map(shown_name, sharing))}.",
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


def _colour(i: int) -> str:
    """The colour of the i-th method; the same in every figure of a report."""
    return SERIES[i % len(SERIES)]


def _line(i: int) -> dict[str, Any]:
    """Colour and dashes of the i-th method: where colours begin anew, dashes tell methods apart."""
    return {"color": _colour(i), "linestyle": ("-", "--", ":", "-.")[i // len(SERIES) % 4]}


def _point(i: int) -> dict[str, Any]:
    """Colour and shape of the i-th method: where colours begin anew, shapes tell methods apart."""
    return {"color": _colour(i), "marker": "os^v"[i // len(SERIES) % 4], "linestyle": ""}


def _name_both_sides(axes: Axes, names: Sequence[str], centres: np.ndarray) -> None:
    axes.set_yticks(centres, names)
    axes.set_xticks(centres, names, rotation=40, ha="right", rotation_mode="anchor")
    axes.spines[:].set_visible(False)


def _legend(axes: Axes, shown: list[Line2D], above: float = 1) -> None:
    axes.legend(
        handles=shown,
        loc="lower left",
        bbox_to_anchor=(0, above),
        ncols=min(len(shown), LEGEND),
        borderaxespad=0.2,
        handletextpad=0.7,
    )
