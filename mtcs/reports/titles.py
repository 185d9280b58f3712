"""How methods are named where people read."""

from __future__ import annotations

from collections.abc import Iterable


class Titles(dict[str, str]):
    """What a reader knows each method by; a method without a title is shown by its name."""

    def __missing__(self, method: str) -> str:
        return method

    def of(self, methods: Iterable[str]) -> list[str]:
        return [self[method] for method in methods]


TITLES = Titles(
    mtcs="MTCS",
    mtl="MTL",
    mmoe="MMoE",
    ts2vec="TS2Vec",
    ts2vec_joint="TS2Vec joint",
    t_loss="T-Loss",
    tnc="TNC",
    ts_tcc="TS-TCC",
    tst="TST",
    dtw="DTW",
)
"""As the publications spell them, where a caller has no titles."""
