"""Series as small pictures with captions, for a page; drawn without matplotlib, as there are many."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from mtcs.reports.figures.drawing import LIGHT

WIDTH, HEIGHT = 160, 56
"""Of a picture, in its own units."""


@dataclass(frozen=True)
class SmallSeries:
    """A series and its caption; the macro `gallery` of `parts.html.jinja` shows several of them.

    values: (T,), or (channels, T) on one scale; NaN where a value is missing.
    title: which series it is; text: what is said of it.
    """

    values: np.ndarray
    title: str
    text: str

    @property
    def svg(self) -> Markup:
        """The SVG element, in the page's colours and as wide as its place; a line for each channel."""
        channels = np.atleast_2d(self.values)
        low, high = np.nanmin(channels), np.nanmax(channels)
        scaled = (channels - low) / (high - low if high > low else 1)
        lines = "".join(
            f'<path d="{_path(row)}" stroke="var(--series-{i % len(LIGHT) + 1})"/>' for i, row in enumerate(scaled)
        )
        known = f"{channels.shape[1]} steps, values from {low:.3g} to {high:.3g}"
        return Markup(
            f'<svg class="series" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
            f'aria-label="{known}">{lines}</svg>'
        )


def _path(values: np.ndarray) -> str:
    """Values (T,) from 0 to 1 as the data of a path; broken where values are missing.

    Of a series with more steps than the picture has units, the least and the largest value of each stretch.
    """
    steps, places = np.flatnonzero(~np.isnan(values)), len(values)
    if places > 2 * WIDTH:
        edges = np.linspace(0, places, WIDTH + 1).astype(int)
        stretches = [steps[slice(*np.searchsorted(steps, pair))] for pair in pairwise(edges)]
        ends = [{int(s[values[s].argmin()]), int(s[values[s].argmax()])} for s in stretches if len(s)]
        steps = np.array(sorted(set().union(*ends)))
    x = 1 + (WIDTH - 2) * steps / max(places - 1, 1)
    y = HEIGHT - 1 - (HEIGHT - 2) * values[steps]
    missing = np.isnan(values).cumsum()[steps]
    starts = np.diff(missing, prepend=-1) > 0
    points = [f"{'M' if start else 'L'}{a:.1f} {b:.1f}" for start, a, b in zip(starts, x, y, strict=True)]
    return "".join(points) + ("h0.1" if len(points) == 1 else "")
