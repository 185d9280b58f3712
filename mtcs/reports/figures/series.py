"""Series as small pictures with captions, for a page; drawn without matplotlib, as there are many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from mtcs.reports.analysis.examples import Series
from mtcs.reports.figures.drawing import LIGHT

WIDTH, HEIGHT = 160, 56
"""Of a picture, in its own units."""


def classified(
    values: np.ndarray, title: str, task: str, label: str, predicted: str, examples: Series, sure: str = ""
) -> dict[str, str]:
    """A series before a typical one of its label and, where that is another, of what is predicted; sure: how much.

    Picture and caption for the macro `gallery` of `parts.html.jinja`.
    """
    names = dict.fromkeys((label, predicted))
    text = f"is {label}{f', predicted {predicted}' if len(names) > 1 else ''}{sure}"
    return {"svg": picture(values, [examples[task, name] for name in names]), "title": title, "text": text}


def picture(values: np.ndarray, behind: Sequence[np.ndarray] = ()) -> Markup:
    """A series as an SVG element, in the page's colours and as wide as its place; a line for each channel.

    Args:
        values: (T,), or (channels, T) on one scale; NaN where a value is missing.
        behind: up to two others to compare it with, in grey, the second one dashed; of several channels, the first.
    """
    channels, others = np.atleast_2d(values), [np.atleast_2d(one)[0] for one in behind]
    low, high = (extreme(np.concatenate([channels.ravel(), *others])) for extreme in (np.nanmin, np.nanmax))
    strokes = ['class="behind"', 'class="behind" stroke-dasharray="3 2"'][: len(others)]
    strokes += [f'stroke="var(--series-{i % len(LIGHT) + 1})"' for i in range(len(channels))]
    lines = "".join(
        f'<path d="{_path((row - low) / (high - low or 1))}" {stroke}/>'
        for row, stroke in zip([*others, *channels], strokes, strict=True)
    )
    known = f"{channels.shape[1]} steps, values from {low:.3g} to {high:.3g}"
    return Markup(
        f'<svg class="series" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{known}">{lines}</svg>'
    )


def _path(values: np.ndarray) -> str:
    """Values (T,) from 0 to 1 as the data of a path; broken where values are missing.

    Of a series with more steps than the picture has units, the least and the largest value of each unit.
    """
    known = pd.Series(values).dropna()
    units = known.groupby(known.index * WIDTH // len(values))
    steps = np.union1d(units.idxmin(), units.idxmax())
    x = 1 + (WIDTH - 2) * steps / max(len(values) - 1, 1)
    y = HEIGHT - 1 - (HEIGHT - 2) * values[steps]
    starts = np.diff(np.isnan(values).cumsum()[steps], prepend=-1) > 0
    points = [f"{'M' if start else 'L'}{a:.1f} {b:.1f}" for start, a, b in zip(starts, x, y, strict=True)]
    return "".join(points) + ("h0.1" if len(points) == 1 else "")
