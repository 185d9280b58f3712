"""What tasks have in common by their representations: similarity (Figure 2) and affinity of labels (Equation 4)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mtcs.sharing import affinity
from mtcs.similarity import factor, factor_similarity


def task_similarity(series: Mapping[str, np.ndarray], centered: bool = False) -> np.ndarray:
    """Covariance similarity of every pair of tasks.

    Args:
        series: (n, D) representations by task.
        centered: subtract each task's mean representation first; the paper does not.

    Returns:
        (K, K) float64, in the order of `series`.
    """
    factors = [factor(x, centered) for x in series.values()]
    similarity = np.empty((len(factors), len(factors)))
    for i, a in enumerate(factors):
        for j, b in enumerate(factors[: i + 1]):
            similarity[i, j] = similarity[j, i] = factor_similarity(a, b)
    return similarity


def label_affinity(series: Mapping[str, np.ndarray], heads: Mapping[str, np.ndarray]) -> np.ndarray:
    """Equation 4 over all heads at once: mean outer product of class probabilities.

    Training estimates A of tasks k and j on one batch; here it is estimated on the training series of k and of j,
    each task with half the weight, which makes it symmetric.

    Args:
        series: (n, D) representations by task.
        heads: (C, D) weights by task, in the same order.

    Returns:
        (S, S) float64, S the sum of C, in the order of `heads`.
    """
    weights = np.concatenate([heads[task] for task in series]).astype(np.float64)  # (S, D)
    starts = np.cumsum([0, *(len(heads[task]) for task in series)])
    own = np.empty((len(weights), len(weights)))
    for k, x in enumerate(series.values()):
        probabilities = _softmax_by_task(x @ weights.T, starts[:-1])  # (n, S)
        rows = slice(starts[k], starts[k + 1])
        own[rows] = affinity(probabilities[:, rows], probabilities)  # (C, S): A of task k with all, on its series
    return (own + own.T) / 2


def _softmax_by_task(logits: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Softmax over each head's columns (Equation 1); head k begins at column `starts[k]`. (n, S) -> (n, S)."""
    sizes = np.diff([*starts, logits.shape[1]])
    exponentials = np.exp(logits - np.repeat(np.maximum.reduceat(logits, starts, axis=1), sizes, axis=1))
    return exponentials / np.repeat(np.add.reduceat(exponentials, starts, axis=1), sizes, axis=1)
