"""How well task similarity separates the pairs of tasks that the paper calls related (Figure 2) from all others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtcs.reports.analysis.paired import over_seeds

RELATED = (
    ("Lightning2", "Lightning7"),
    ("EOGHorizontalSignal", "EOGVerticalSignal"),
    ("SmallKitchenAppliances", "LargeKitchenAppliances"),
)
"""The pairs of related tasks that the paper names."""


@dataclass(frozen=True)
class Separation:
    """Ranks of the related pairs among all pairs of tasks by similarity, 1 the most similar; equal ones share theirs.

    ranks: of each related pair, by the mean over seeds of the similarity.
    by_seed: mean rank of the related pairs by the similarity of each seed alone.
    pairs: how many pairs of tasks there are.
    p: share of all choices of as many pairs whose mean rank is as low as that of `ranks`, or lower.
    """

    ranks: tuple[float, ...]
    by_seed: tuple[float, ...]
    pairs: int
    p: float

    @property
    def mean(self) -> float:
        return sum(self.ranks) / len(self.ranks)

    @property
    def chance(self) -> float:
        """Mean rank to expect of pairs that similarity knows nothing of."""
        return (self.pairs + 1) / 2

    @property
    def over_seeds(self) -> tuple[float, float]:
        """Mean and standard deviation of `by_seed`."""
        return over_seeds(np.array(self.by_seed))


def related_pairs(tasks: Sequence[str]) -> list[tuple[str, str]]:
    """The related pairs of which both tasks are here."""
    return [pair for pair in RELATED if set(pair) <= set(tasks)]


def separate(similarities: np.ndarray, tasks: Sequence[str]) -> Separation | None:
    """Rank the related pairs; None where `tasks` hold none of them, or a similarity is unknown.

    Args:
        similarities: (seeds, K, K) symmetric, in the order of `tasks`; NaN where nothing can be said of a pair.
        tasks: K names.
    """
    related = related_pairs(tasks)
    k, j = np.triu_indices(len(tasks), 1)
    values = similarities[:, k, j]  # (seeds, pairs)
    if not related or np.isnan(values).any():
        return None
    places = {frozenset((tasks[a], tasks[b])): i for i, (a, b) in enumerate(zip(k, j, strict=True))}
    chosen = [places[frozenset(pair)] for pair in related]
    ranks = pd.Series(-values.mean(0)).rank().to_numpy()  # (pairs,)
    return Separation(
        ranks=tuple(ranks[chosen].tolist()),
        by_seed=tuple(pd.DataFrame(-values).rank(axis=1).to_numpy()[:, chosen].mean(1).tolist()),
        pairs=len(k),
        p=share_as_low(ranks, float(ranks[chosen].sum()), len(chosen)),
    )


def share_as_low(ranks: np.ndarray, total: float, count: int) -> float:
    """Share of all choices of `count` of the ranks (n,) that sum to `total` or less.

    Exact: choices are counted by size and sum, one rank after the other. Ranks are whole or halves.
    """
    doubled = np.rint(2 * np.asarray(ranks)).astype(int)
    limit = round(2 * total)
    ways = np.zeros((count + 1, limit + 1))  # choices by their size and their doubled sum
    ways[0, 0] = 1
    for rank in doubled[doubled <= limit]:
        ways[1:, rank:] += ways[:-1, : limit + 1 - rank]
    return float(ways[count].sum() / math.comb(len(doubled), count))


def separation_table(separations: Mapping[tuple[str, str], Separation], forms: Mapping[str, str]) -> pd.DataFrame:
    """How the related pairs rank, one row a method and form; numbers, for a file."""
    return pd.DataFrame(
        {"method": method, "form": forms[form], "mean_rank": one.mean, "chance": one.chance, "p": one.p}
        | {"by_seed_mean": one.over_seeds[0], "by_seed_std": one.over_seeds[1], "seeds": len(one.by_seed)}
        for (method, form), one in separations.items()
    )
