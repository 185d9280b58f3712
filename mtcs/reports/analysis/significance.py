"""Whether methods differ over tasks: wins, ties and losses, and Wilcoxon's signed-rank test with Holm's correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

REFERENCE = "mtcs"
"""What the other methods are compared with, unless a report is asked for another."""

LEVEL = 0.05
"""Significance level."""

DIGITS = 9
"""Decimals to which accuracies are compared: a mean of the same numbers in another order differs behind them."""


@dataclass(frozen=True)
class Comparison:
    """A method against the reference over the tasks that every method has.

    wins, ties, losses: tasks on which the method is better than, equal to and worse than the reference.
    direction: 1 where the ranks of the tasks on which the method is ahead add up to more than those of the others, -1
        where to less: what the test tests, which a single large difference can turn against the mean.
    p: two-sided, of the signed-rank test; 1 where no task differs.
    corrected: `p` after Holm's correction for all comparisons with the reference.
    least: the smallest `corrected` that these tasks could give, with every method ahead or behind on all that are not
        ties: above `LEVEL`, no verdict is possible.
    """

    method: str
    wins: int
    ties: int
    losses: int
    direction: int
    p: float
    corrected: float
    least: float

    @property
    def decidable(self) -> bool:
        return self.least <= LEVEL

    @property
    def significant(self) -> bool:
        return self.corrected <= LEVEL


def compare(scores: pd.DataFrame, reference: str = REFERENCE) -> list[Comparison]:
    """Each method against the reference; empty where that is missing, or there is no task.

    Args:
        scores: (tasks, methods) accuracies, equal ones exactly equal.
        reference: the method that the others are compared with.
    """
    if reference not in scores or scores.empty:
        return []
    others = [method for method in scores if method != reference]
    differences = {method: _differences(scores, method, reference) for method in others}
    values = [signed_rank(difference) for difference in differences.values()]
    least = [min(1.0, 2.0 ** (1 - np.count_nonzero(difference))) for difference in differences.values()]
    return [
        Comparison(
            method=str(method),
            wins=int((difference > 0).sum()),
            ties=int((difference == 0).sum()),
            losses=int((difference < 0).sum()),
            direction=int(np.sign((_ranks(difference) * np.sign(difference)).sum())),
            p=p,
            corrected=corrected,
            least=bound,
        )
        for (method, difference), p, corrected, bound in zip(
            differences.items(), values, holm(values), holm(least), strict=True
        )
    ]


def closest_rival(comparisons: Sequence[Comparison], reference: str, means: Mapping[str, float]) -> Comparison | None:
    """The one comparison that comes first: MTCS with MTL, else the reference with MTCS or the best of the others."""
    rivals = {comparison.method: comparison for comparison in comparisons}
    usual = "mtl" if reference == REFERENCE else REFERENCE
    return rivals.get(usual if usual in rivals else max(rivals, key=lambda method: means[method], default=""))


def pairwise(scores: pd.DataFrame, reference: str = REFERENCE) -> pd.DataFrame:
    """Corrected p values of all pairs, symmetric (methods, methods), NaN on the diagonal.

    A pair with the reference has the p value of `compare`. Another has the larger of two: each of its methods compared
    with all others, after Holm's correction for these comparisons.
    """
    methods, raw = list(scores), _uncorrected(scores)
    by_row = raw.copy()
    for a in methods:
        others = [method for method in methods if method != a]
        by_row.loc[a, others] = holm(raw.loc[a, others].tolist())
    pairs = by_row.where(by_row >= by_row.T, by_row.T)
    if reference in methods:
        pairs.loc[reference] = pairs[reference] = by_row.loc[reference]
    return pairs


def pairs_apart(scores: pd.DataFrame) -> int:
    """How many pairs of methods differ significantly after Holm's correction for all pairs together.

    It bounds the chance of any false difference among all pairs (Garcia and Herrera, JMLR 2008), which `pairwise` does
    for those of each method.
    """
    raw = _uncorrected(scores).to_numpy()
    return sum(p <= LEVEL for p in holm(raw[np.tril_indices(len(raw), -1)].tolist()))


def _uncorrected(scores: pd.DataFrame) -> pd.DataFrame:
    """P values of all pairs, symmetric (methods, methods), NaN on the diagonal."""
    methods = list(scores)
    raw = pd.DataFrame(np.nan, methods, methods)
    for i, a in enumerate(methods):
        for b in methods[:i]:
            raw.loc[a, b] = raw.loc[b, a] = signed_rank(_differences(scores, a, b))
    return raw


def groups(pairs: np.ndarray) -> list[tuple[int, int]]:
    """The longest runs of neighbours, first and last, in which no two methods differ significantly.

    Args:
        pairs: (k, k) p values of all pairs, methods in the order of their ranks.
    """
    runs: list[tuple[int, int]] = []
    for first in range(len(pairs)):
        last = first
        while last + 1 < len(pairs) and (pairs[first : last + 1, last + 1] > LEVEL).all():
            last += 1
        if last > first and not (runs and runs[-1][1] >= last):
            runs.append((first, last))
    return runs


def _differences(scores: pd.DataFrame, method: str, reference: str) -> np.ndarray:
    return (scores[method] - scores[reference]).to_numpy().round(DIGITS)


def _ranks(differences: np.ndarray) -> np.ndarray:
    """Ranks by size (n,) among those that are not zero, equal ones share their mean rank; 0 for zeros."""
    sizes = pd.Series(np.abs(differences))
    return sizes.where(sizes > 0).rank().fillna(0).to_numpy()


def signed_rank(differences: np.ndarray) -> float:
    """Exact two-sided p value of Wilcoxon's signed-rank test on differences (n,); 1 where fewer than 2 are not zero.

    Every assignment of signs is equally likely; how their sums of ranks are distributed is built up rank by rank.
    """
    differences = differences[differences != 0]
    if len(differences) < 2:
        return 1.0
    doubled = np.rint(2 * _ranks(differences)).astype(int)  # whole, where shared ranks are halves
    chance = np.zeros(doubled.sum() + 1)
    chance[0] = 1
    for rank in doubled:
        chance[rank:] = (chance[rank:] + chance[: len(chance) - rank]) / 2
        chance[:rank] /= 2
    won = doubled[differences > 0].sum()
    return float(min(1.0, 2 * min(chance[: won + 1].sum(), chance[won:].sum())))


def holm(values: Sequence[float]) -> list[float]:
    """P values after Holm's step-down correction (Holm, 1979), in their order."""
    order = np.argsort(values, kind="stable")
    raised = np.asarray(values)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.maximum.accumulate(raised).clip(max=1)
    return corrected.tolist()
