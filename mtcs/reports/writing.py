"""How numbers, lists of names and methods are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

PAPER = ("mtcs", "mtl", "mmoe", "ts2vec_joint", "ts2vec", "t_loss", "tnc", "ts_tcc", "tst", "dtw")
"""The ten systems that the paper compares."""

DASH, DAGGER, ELSEWHERE = "\N{EN DASH}", "†", "‡"
"""For a number that is not there; marks of published ones that are doubtful, and of those over other tasks."""


def number(value: float, std: float = math.nan) -> str:
    """An accuracy with three decimals, with its standard deviation where it has one; a dash where there is none."""
    if math.isnan(value):
        return DASH
    return f"{value:.3f}" if math.isnan(std) else f"{value:.3f} ± {std:.3f}"


def signed(value: float, std: float = math.nan) -> str:
    """A difference with its sign, and likewise."""
    if math.isnan(value):
        return DASH
    text = f"{value:+.3f}".replace("-", "\N{MINUS SIGN}") if abs(value) >= 0.0005 else "0.000"
    return text if math.isnan(std) else f"{text} ± {std:.3f}"


def percent(share: float) -> str:
    """A share as a person says it: 92 %; 99.6 % rather than a 100 % that is not all. No line ends within it."""
    share = round(share, 9)  # of a sum that is 1 but for rounding
    digits = 1 if 0.99 <= share < 1 or 0 < share < 0.01 else 0
    return f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%"


def probability(value: float) -> str:
    """A p value: three decimals, and what is below them as a bound; a dash where there is none."""
    if math.isnan(value):
        return DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 4 min 52 s, 3 h 07 min."""
    rounded = round(seconds)
    if rounded < 60:
        return f"{rounded} s"
    if rounded < 3600:
        return f"{rounded // 60} min {rounded % 60:02d} s"
    return f"{rounded // 3600} h {rounded % 3600 // 60:02d} min"


def enumerated(parts: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


SHORT = 28
"""Characters of a name that a figure has room for."""


def short(name: str, most: int = SHORT) -> str:
    """As much of a name as a figure has room for."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def told_apart(names: Sequence[str]) -> list[str]:
    """Names as `short`; those that would then be the same keep their ends."""
    cut = [short(name) for name in names]
    return [
        f"{name[: SHORT // 2 - 1]}…{name[-SHORT // 2 :]}" if cut.count(one) > 1 else one
        for name, one in zip(names, cut, strict=True)
    ]


class Titles(dict[str, str]):
    """What a reader knows each method by; a method without a title is shown by its name."""

    def __missing__(self, method: str) -> str:
        return method

    def of(self, methods: Iterable[str]) -> list[str]:
        return [self[method] for method in methods]
