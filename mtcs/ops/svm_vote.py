"""`SVC.decision_function` of an RBF kernel, from arrays: libsvm's votes of every pair of classes, by blocks of kernel.

libsvm takes one difference of two vectors after the other; here a block of the kernel is one matrix product. A decision
so near zero that rounding could turn it is computed again as libsvm does.
"""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import numpy as np

from mtcs.ops.rbf import blas_free_threads, each_block, factors, kernel_block

_ROUNDING = 1e-10  # of a decision, relative to the multipliers in it: generous to the kernel's


def decide(
    series: np.ndarray,
    vectors: np.ndarray,
    multipliers: np.ndarray,
    intercepts: np.ndarray,
    counts: np.ndarray,
    gamma: float,
    workers: int = -1,
) -> np.ndarray:
    """Votes of each class and, less than half a vote, how clear they were, (m, C); among equal votes the first wins.

    The winners are `np.rint(decisions).argmax(axis=1)`.

    Args:
        series: (m, D).
        vectors: (S, D) support vectors, class by class.
        multipliers: (C - 1, S) signed, as libsvm lays them out: row b of class a's columns is its part in the decision
            against the b-th other class. A positive decision is for the first of the pair.
        intercepts: one for each pair of classes.
        counts: (C,) support vectors of each class.
        gamma: of the kernel.
        workers: threads; -1 is one for every core. The result does not depend on it.
    """
    series, vectors = np.asarray(series, np.float64), np.asarray(vectors, np.float64)
    left, _ = factors(series, gamma)
    _, right = factors(vectors, gamma)
    bounds = np.cumsum([0, *counts])
    parts = [slice(start, end) for start, end in pairwise(bounds)]
    pairs = list(combinations(range(len(counts)), 2))
    sizes = [abs(multipliers[:, part]).sum(axis=1) for part in parts]
    rounding = np.array([_ROUNDING * (sizes[a][b - 1] + sizes[b][a]) for a, b in pairs])
    result = np.empty((len(series), len(counts)))

    def fill(block: slice) -> None:
        kernel = kernel_block(left[block], right)  # (m, S)
        sums = [multipliers[:, part] @ kernel[:, part].T for part in parts]  # (C - 1, m) for every class
        decisions = np.array([sums[a][b - 1] + sums[b][a] for a, b in pairs]) + intercepts[:, np.newaxis]  # (P, m)
        for i in np.flatnonzero((np.abs(decisions) <= rounding[:, np.newaxis]).any(axis=0)):
            decisions[:, i] = as_libsvm(series[block][i])
        votes, margins = np.zeros((2, len(counts), len(kernel)))
        for (a, b), decision in zip(pairs, decisions, strict=True):
            votes[a] += decision > 0
            votes[b] += decision <= 0
            margins[a] += decision
            margins[b] -= decision
        result[block] = (votes + margins / (3 * (np.abs(margins) + 1))).T

    def as_libsvm(one: np.ndarray) -> np.ndarray:
        """The decisions (P,) on one series: differences themselves, the C library's exp, sums in order."""
        exponents = -gamma * np.square(vectors - one).sum(axis=1)
        kernel = np.array([math.exp(exponent) for exponent in exponents])
        terms = multipliers * kernel  # (C - 1, S)
        rows = [np.concatenate([[0.0], terms[b - 1, parts[a]], terms[a, parts[b]]]) for a, b in pairs]
        return intercepts + [np.add.accumulate(row)[-1] for row in rows]  # `sum` would add in pairs

    with blas_free_threads(workers) as threads:
        each_block(threads, fill, len(series))
    return result
