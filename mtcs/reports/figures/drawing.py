"""What all figures share: colours and shapes of methods, style, and the way from matplotlib to a file or a page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

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

SHAPES = "os^DvPX*<>d"
"""Their shapes; there are not as many as colours, so that only the 79th method looks like another."""

DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (8, 2)))

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


@dataclass(frozen=True)
class Drawing:
    """A figure: its file name without suffix, what it shows in words for who cannot see it, and its SVG."""

    name: str
    title: str
    description: str
    svg: str
    figure: Figure = field(repr=False, compare=False)

    @property
    def inline(self) -> Markup:
        """The SVG element for a page: in the page's colours and typeface, as wide as the page lets it be."""
        element = self.svg[self.svg.index("<svg") :]  # without XML declaration and document type
        element = re.sub(r' (?:width|height)="[\d.]+pt"', "", element, count=2)
        element = re.sub(r"font: (?:bold )?([\d.]+px) [^;\"]+", r"font-size: \1", element)
        return Markup(re.sub(r"(fill|stroke): (#\w{6})", _in_theme, element))

    @property
    def width(self) -> int:
        """Natural width in CSS pixels."""
        view_box = re.search(r'viewBox="0 0 ([\d.]+)', self.svg)
        return round(float(view_box[1]) * 4 / 3) if view_box else 0

    def save_pdf(self, path: Path) -> None:
        """Write a PDF, the same bytes for the same figure."""
        with mpl.rc_context(STYLE):
            self.figure.savefig(path, format="pdf", metadata={"CreationDate": None})


def _in_theme(style: re.Match[str]) -> str:
    return f"{style[1]}: var({THEME[style[2]]}, {style[2]})" if style[2] in THEME else style[0]


def draw(figure: Figure, name: str, title: str, description: str) -> Drawing:
    """Render to SVG: the same bytes for the same figure, with title and description, no date and no creator."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):  # names of clip paths, which must differ between figures of a page
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    svg = buffer.getvalue()
    used = set(re.findall(r"#(\w+)[\")]", svg))  # other ids, such as "axes_1", are in each figure
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg)
    before, _, element = svg.partition("<svg ")
    attributes, _, content = element.partition(">")
    svg = (
        f'{before}<svg {attributes} role="img" aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">'
        f'{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>{content}'
    )
    return Drawing(name, title, description, svg, figure)


def look(i: int) -> tuple[int, str]:
    """Number of the colour, and the shape, of the i-th method; nobody shares the first one's colour."""
    again, place = divmod(i - len(LIGHT), len(LIGHT) - 1)
    if again < 0:
        return i, SHAPES[i % len(SHAPES)]
    return 1 + place, SHAPES[(place + 6 + again) % len(SHAPES)]


def point(i: int) -> dict[str, Any]:
    """Colour and shape of the i-th method; the same in every figure of a report."""
    color, shape = look(i)
    size = 8 if shape == "*" else 5.5
    return {"color": LIGHT[color], "marker": shape, "markersize": size, "markeredgewidth": 0, "linestyle": ""}


def line(i: int) -> dict[str, Any]:
    """Colour and dashes of the i-th method."""
    return {"color": LIGHT[look(i)[0]], "linestyle": DASHES[i % len(DASHES)], "linewidth": 1.6}


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """A row for each name, from top to bottom, whose values are read at vertical lines."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)


def legend(axes: Axes, styles: Iterable[tuple[str, Mapping[str, Any]]], columns: int = 6, title: str = "") -> None:
    """Above the axes, what is drawn how."""
    handles = [Line2D([], [], label=name, **style) for name, style in styles]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=min(len(handles), columns),
        borderaxespad=0.2,
        handletextpad=0.4 if title else 0.7,
        fontsize=8.5 if title else None,
        title=title or None,
        title_fontproperties={"weight": "bold"},
        alignment="left",
    )
