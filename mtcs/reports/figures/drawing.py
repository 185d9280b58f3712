"""What all figures share: colours and shapes of methods, style, and the way from matplotlib to a file or a page."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

LIGHT = (
    *("#0a6fb0", "#c8501e", "#691e4b", "#2d2d96", "#5a9687", "#a53c78"),
    *("#5a4b00", "#7887d2", "#1e874b", "#784b4b", "#4b4ba5", "#2d3c69"),
)
DARK = (
    *("#62b4ee", "#f08b5d", "#96ffb4", "#a54ba5", "#c37800", "#e1d2ff"),
    *("#ffd22d", "#a587a5", "#4b78e1", "#00d2b4", "#1e8769", "#c34b3c"),
)
"""Colours of methods on a light and on a dark page: each three times as bright as the page or darker, and any two told
apart with protanopia and deuteranopia, too."""

SHAPES = "os^DvPX*<>dp"
"""Their shapes, one more than colours that repeat, so that only the 133rd method looks like another."""

INK, MUTED, RULE, PAPER = "#1d2327", "#5d676e", "#dcdad3", "#ffffff"
HEAT = "#4399cd"  # as dark as ink on it stays legible
THEME = {INK: "--ink", MUTED: "--muted", RULE: "--rule", PAPER: "--paper", HEAT: "--heat"} | {
    color: f"--series-{i}" for i, color in enumerate(LIGHT, 1)
}
"""Figures are drawn in these colours, each of which is a CSS variable in a page, which may be light or dark."""

MARK: dict[str, Any] = {"marker": "|", "color": INK, "markersize": 11, "markeredgewidth": 1.6, "linestyle": ""}
"""How a number is drawn that others are compared with."""

STYLE: dict[Any, Any] = {
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.06,
    "svg.fonttype": "none",  # text stays text: small, searchable, in the page's typeface
    "pdf.fonttype": 42,
    "text.parse_math": False,  # names of tasks are the user's and may hold a $
    "font.family": "DejaVu Sans",  # comes inside matplotlib, so that the layout is the same everywhere
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Drawing:
    """A figure: its file name without suffix, and what it shows, in words for who cannot see it."""

    figure: Figure = field(repr=False)
    name: str
    title: str
    description: str

    @cached_property
    def svg(self) -> str:
        """The same bytes for the same figure: no date and no creator."""
        buffer, none = io.StringIO(), dict.fromkeys(("Date", "Creator", "Format", "Type"))
        with mpl.rc_context(STYLE), mpl.rc_context({"svg.hashsalt": self.name}):  # clip paths are named by it
            self.figure.savefig(buffer, format="svg", metadata=none)
        svg = buffer.getvalue()
        used = set(re.findall(r"#(\w+)[\")]", svg))  # other ids, such as "axes_1", are in each figure
        svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg)
        return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(f"{self.title}. {self.description}")}" ', 1)

    @property
    def inline(self) -> Markup:
        """The SVG element for a page: in the page's colours and typeface, as wide as the page lets it be."""
        element = self.svg[self.svg.index("<svg") :]  # without XML declaration and document type
        element = re.sub(r"font: (?:bold )?([\d.]+px) [^;\"]+", r"font-size: \1", element)
        for color, name in THEME.items():
            element = re.sub(f"(fill|stroke): {color}", rf"\1: var({name}, {color})", element)
        return Markup(element)

    @property
    def width(self) -> str:
        """Natural width, as CSS has it."""
        return self.svg.partition('width="')[2].partition('"')[0]

    def save_pdf(self, path: Path) -> None:
        """Write a PDF, the same bytes for the same figure."""
        with mpl.rc_context(STYLE):
            self.figure.savefig(path, format="pdf", metadata={"CreationDate": None})


def point(i: int) -> dict[str, Any]:
    """Colour and shape of the i-th method, everywhere in a report; nobody shares the first one's colour."""
    color, shape = LIGHT[1 + (i - 1) % (len(LIGHT) - 1) if i else 0], SHAPES[i % len(SHAPES)]
    size = 8 if shape == "*" else 5.5
    return {"color": color, "marker": shape, "markersize": size, "markeredgewidth": 0, "linestyle": ""}


def name_rows(names: Sequence[str], axes: Axes, *sharing: Axes) -> None:
    """A row for each name, from top to bottom, whose values are read at vertical lines; others share them."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    for one in (axes, *sharing):
        one.grid(True, axis="x")
        one.spines["left"].set_visible(False)


def legend(axes: Axes, columns: int = 6) -> None:
    """Above the axes, what is drawn how, of all that has a label."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, alignment="left")
