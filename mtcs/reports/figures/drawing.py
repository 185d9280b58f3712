"""What all figures share: colours and shapes of methods, style, and the way from matplotlib to a file or a page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.transforms import Affine2D

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

INK, MUTED, RULE, PAPER, HEAT = "#000001", "#000002", "#000003", "#000004", "#000005"
SERIES = tuple(f"#0000{16 + i:02x}" for i in range(len(LIGHT)))
THEME = {
    INK: ("--ink", "#1d2327"),
    MUTED: ("--muted", "#5d676e"),
    RULE: ("--rule", "#dcdad3"),
    PAPER: ("--paper", "#ffffff"),
    HEAT: ("--heat", "#4399cd"),  # as dark as ink on it stays legible
    **{name: (f"--series-{i + 1}", color) for i, (name, color) in enumerate(zip(SERIES, LIGHT, strict=True))},
}
"""Figures are drawn in placeholder colours that occur nowhere else, and replaced in what is written: by a colour in a
file, by the page's CSS variable in a page that may be light or dark."""

MARK: dict[str, Any] = {"marker": "|", "color": INK, "markersize": 11, "markeredgewidth": 1.6, "linestyle": ""}
"""How a number is drawn that others are compared with."""

STYLE: dict[Any, Any] = {
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

    def standalone(self) -> str:
        """The SVG as a file of its own: dark ink on white."""
        return _colored(self.svg, lambda _, color: color)

    def inline(self) -> Markup:
        """The SVG element for a page: in the page's colours and typeface, as wide as the page lets it be."""
        element = self.svg[self.svg.index("<svg") :]  # without XML declaration and document type
        element = re.sub(r' (?:width|height)="[\d.]+pt"', "", element, count=2)
        element = re.sub(r"font: (?:bold )?([\d.]+px) [^;\"]+", r"font-size: \1", element)
        return Markup(_colored(element, lambda name, color: f"var({name}, {color})"))

    def save_pdf(self, path: Path) -> None:
        """Write a PDF, the same bytes for the same figure."""
        for artist in self.figure.findobj():
            for name in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
                value = getattr(artist, f"get_{name}", lambda: "none")()
                first: Any = value[0] if isinstance(value, np.ndarray) and value.ndim == 2 and len(value) else value
                if is_color_like(first) and to_hex(first) in THEME:
                    getattr(artist, f"set_{name}")(THEME[to_hex(first)][1])
        with mpl.rc_context(STYLE):
            self.figure.savefig(
                path, format="pdf", bbox_inches="tight", pad_inches=0.06, metadata={"CreationDate": None}
            )

    @property
    def width(self) -> int:
        """Natural width in CSS pixels."""
        view_box = re.search(r'viewBox="0 0 ([\d.]+)', self.svg)
        return round(float(view_box[1]) * 4 / 3) if view_box else 0


def _colored(svg: str, color: Callable[[str, str], str]) -> str:
    """Replace the placeholders of `THEME` in styles, and only there: a task may be called "#000001"."""
    return re.sub(
        r"((?:fill|stroke): )(#[0-9a-f]{6})",
        lambda match: match[1] + (color(*THEME[match[2]]) if match[2] in THEME else match[2]),
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
    return {"color": SERIES[color], "marker": shape, "markersize": size, "markeredgewidth": 0, "linestyle": ""}


def line(i: int) -> dict[str, Any]:
    """Colour and dashes of the i-th method."""
    return {"color": SERIES[look(i)[0]], "linestyle": DASHES[i % len(DASHES)], "linewidth": 1.6}


def glyph(i: int) -> Markup:
    """The i-th method's shape in its colour, as a small picture beside its name."""
    color, shape = look(i)
    marker = MarkerStyle(shape)
    scaled = (marker.get_transform() + Affine2D().scale(11, -11)).transform_path(marker.get_path())
    outline = "".join(
        f"M{'L'.join(f'{x:.1f},{y:.1f}' for x, y in np.asarray(polygon))}Z" for polygon in scaled.to_polygons()
    )
    return Markup(
        f'<svg class="glyph" width="11" height="11" viewBox="-6.5 -6.5 13 13" aria-hidden="true"><path d="{outline}" '
        f'fill="var(--series-{color + 1})"/></svg>'
    )


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
