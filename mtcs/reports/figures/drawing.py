"""What all figures share: colours, style, and the way from matplotlib to the SVG of a file or of a page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

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

LEGEND = 6
"""Entries in a row of a legend."""


@dataclass(frozen=True)
class Drawing:
    """A figure: its file name without suffix, what it shows in words for who cannot see it, and its SVG."""

    name: str
    title: str
    description: str
    svg: str

    def standalone(self) -> str:
        """The SVG as a file of its own: dark ink on white."""
        return _colored(self.svg, lambda _, colour: colour)

    def inline(self) -> Markup:
        """The SVG element for a page: in the page's colours and typeface, as wide as the page lets it be."""
        element = self.svg[self.svg.index("<svg") :]  # without XML declaration and document type
        element = re.sub(r' (?:width|height)="[\d.]+pt"', "", element, count=2)
        element = re.sub(r"font: (?:bold )?([\d.]+px) [^;\"]+", r"font-size: \1", element)
        return Markup(_colored(element, lambda name, colour: f"var({name}, {colour})"))

    @property
    def width(self) -> int:
        """Natural width in CSS pixels."""
        found = re.search(r'viewBox="0 0 ([\d.]+)', self.svg)
        return round(float(found[1]) * 4 / 3) if found else 0


def _colored(svg: str, colour: Callable[[str, str], str]) -> str:
    """Replace the placeholders of `THEME` in styles, and only there: a task may be called "#000001"."""
    return re.sub(
        r"((?:fill|stroke): )(#[0-9a-f]{6})",
        lambda match: match[1] + (colour(*THEME[match[2]]) if match[2] in THEME else match[2]),
        svg,
    )


def draw(figure: Figure, name: str, title: str, description: str) -> Drawing:
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


def color(i: int) -> str:
    """The colour of the i-th method; the same in every figure of a report."""
    return SERIES[i % len(SERIES)]


def line(i: int) -> dict[str, Any]:
    """Colour and dashes of the i-th method: where colours begin anew, dashes tell methods apart."""
    return {"color": color(i), "linestyle": ("-", "--", ":", "-.")[i // len(SERIES) % 4]}


def point(i: int) -> dict[str, Any]:
    """Colour and shape of the i-th method: where colours begin anew, shapes tell methods apart."""
    return {"color": color(i), "marker": "os^v"[i // len(SERIES) % 4], "linestyle": ""}


def legend(axes: Axes, shown: list[Line2D], above: float = 1) -> None:
    axes.legend(
        handles=shown,
        loc="lower left",
        bbox_to_anchor=(0, above),
        ncols=min(len(shown), LEGEND),
        borderaxespad=0.2,
        handletextpad=0.7,
    )
