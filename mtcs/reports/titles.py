"""How methods are named where people read, and which of them belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PAPER = ("mtcs", "mtl", "mmoe", "ts2vec_joint", "ts2vec", "t_loss", "tnc", "ts_tcc", "tst", "dtw")
"""The ten systems that the paper compares."""


class Titles(dict[str, str]):
    """What a reader knows each method by; a method without a title is shown by its name."""

    def __missing__(self, method: str) -> str:
        return method

    def of(self, methods: Iterable[str]) -> list[str]:
        return [self[method] for method in methods]


def kind(method: str) -> str:
    """What sort of method it is, by its name: one of the paper's, one that is built on these, or another."""
    if method in PAPER:
        return "In the paper"
    if method.endswith("_ridge") and method.removesuffix("_ridge") in PAPER:
        return "Under kernel ridge"
    if any(method.startswith(f"{name}_") for name in PAPER):
        return "Built on the paper's"
    return "Beyond the paper"


def in_kinds(methods: Sequence[str]) -> list[str]:
    """Methods with those of a kind side by side; kinds, and methods within them, in the order in which they come."""
    kinds = list(dict.fromkeys(map(kind, methods)))
    return sorted(methods, key=lambda method: kinds.index(kind(method)))
