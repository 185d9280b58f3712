"""Whether methods differ over tasks: wins, ties and losses, and Wilcoxon's signed-rank test with Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

REFERENCE = "mtcs"
"""What the other methods are compared with."""

LEVEL = 0.05
"""Significance level."""

EXACT = 15
"""Up to so many tasks the p value is exact even where differences are equally large: all 2^15 signs are tried."""


@dataclass(frozen=True)
class Comparison:
    """A method against `REFERENCE` over the tasks that every method has.

    wins, ties, losses: tasks on which the method is better than, equal to and worse than the reference.
    difference: mean of method minus reference.
    direction: 1 where the ranks of the tasks on which the method is ahead add up to more than those of the others, -1
        where to less: what the test tests, which a single large difference can turn against the mean.
    p: two-sided, of the signed-rank test; 1 where no task differs.
    corrected: `p` after Holm's correction for all comparisons of the report.
    least: the smallest `corrected` that these tasks could give, with every method ahead or behind on all that are not
        ties: above `LEVEL`, no verdict is possible.
    """

    method: str
    wins: int
    ties: int
    losses: int
    difference: float
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


def compare(scores: pd.DataFrame) -> list[Comparison]:
    """Each method against `REFERENCE`; empty where that is missing, or there is no task.

    Args:
        scores: (tasks, methods) accuracies, equal ones exactly equal.
    """
    if REFERENCE not in scores or scores.empty:
        return []
    others = [method for method in scores if method != REFERENCE]
    differences = {method: (scores[method] - scores[REFERENCE]).to_numpy().round(9) for method in others}
    values = [signed_rank(difference) for difference in differences.values()]
    least = [min(1.0, 2.0 ** (1 - np.count_nonzero(difference))) for difference in differences.values()]
    return [
        Comparison(
            method=str(method),
            wins=int((difference > 0).sum()),
            ties=int((difference == 0).sum()),
            losses=int((difference < 0).sum()),
            difference=float(difference.mean()),
            direction=_direction(difference),
            p=p,
            corrected=corrected,
            least=bound,
        )
        for (method, difference), p, corrected, bound in zip(
            differences.items(), values, holm(values), holm(least), strict=True
        )
    ]


def _direction(differences: np.ndarray) -> int:
    differences = differences[differences != 0]
    return int(np.sign((stats.rankdata(np.abs(differences)) * np.sign(differences)).sum()))


def signed_rank(differences: np.ndarray) -> float:
    """Two-sided p value of Wilcoxon's signed-rank test on differences (n,); 1 where fewer than 2 are not zero.

    Exact for up to `EXACT` differences other than zero, and for up to 50 where no two are equally large.
    """
    differences = differences[differences != 0]
    if len(differences) < 2:
        return 1.0
    tied = len(np.unique(np.abs(differences))) < len(differences)
    every = stats.PermutationMethod(n_resamples=2 ** len(differences))
    method: Any = every if tied and len(differences) <= EXACT else "auto"  # scipy's own annotation is narrower
    result: Any = stats.wilcoxon(differences, method=method)
    return float(result.pvalue)


def holm(values: Sequence[float]) -> list[float]:
    """P values after Holm's step-down correction (Holm, 1979), in their order."""
    order = np.argsort(values, kind="stable")
    raised = np.asarray(values)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.maximum.accumulate(raised).clip(max=1)
    return corrected.tolist()
