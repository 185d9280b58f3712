"""Classifier sharing between tasks: Equations 3 to 6 of the paper, as printed.

Training computes the same sum with two matrix products for all tasks at once, in `mtcs.ops.sharing`.

Two choices where the paper leaves room. Relevance follows Equation 4, the mean outer product of predicted
probabilities, not the cosine similarity of logits that its prose mentions. Equation 3 prints a squared difference of
two vectors and its prose calls it a mean squared error: `reduction` offers the mean over the D coordinates and the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

Reduction = Literal["mean", "sum"]
Matrix = TypeVar("Matrix", Tensor, np.ndarray)


def affinity(probabilities_j: Matrix, probabilities_k: Matrix) -> Matrix:
    """A: mean outer product of two tasks' class probabilities on the same B series (Equation 4).

    (B, M), (B, N) -> (M, N); the entries sum to 1 where the rows of both arguments do.
    """
    return probabilities_j.T @ probabilities_k / len(probabilities_j)


def covariance_affinity(rows_j: Tensor, rows_k: Tensor) -> Tensor:
    """In place of Equation 4, the covariance similarity of two labels' representations (`mtcs.similarity`).

    rows_j: (M, m, D), rows_k: (N, m, D), m representations of series of each label, zeros where there are fewer
        -> (M, N), from 0 to 1; with C = X^T X, sqrt(tr(C_p C_q) / (tr C_p tr C_q)), and 0 of a label without any.
    """
    products = torch.einsum("pad,qbd->pqab", rows_j, rows_k)
    norms = [rows.flatten(1).norm(dim=1) for rows in (rows_j, rows_k)]
    return products.flatten(2).norm(dim=2) / torch.outer(*norms).clamp(min=1e-12)


def relevant_pairs(affinity: Tensor, threshold: float = 2.0) -> Tensor:
    """1(p, q): pairs of labels whose affinity exceeds `threshold` (tau) times the mean affinity (Equation 5).

    (M, N) -> (M, N) bool.
    """
    return affinity * affinity.numel() > threshold * affinity.sum()


def pair_loss(weights_j: Tensor, weights_k: Tensor, relevant: Tensor, reduction: Reduction = "mean") -> Tensor:
    """l_ws(k, j): mean over all M N pairs of labels of the squared distance of relevant ones (Equation 3).

    weights_j: (M, D), weights_k: (N, D), relevant: (M, N) bool -> scalar.
    reduction: whether a squared distance is the mean over the D coordinates or their sum.
    """
    squares = (weights_j.unsqueeze(1) - weights_k).square()  # (M, N, D)
    distances = squares.mean(2) if reduction == "mean" else squares.sum(2)  # (M, N)
    return (relevant * distances).mean()


def sharing_loss(
    weights: Sequence[Tensor],
    probabilities: Sequence[Tensor],
    threshold: float = 2.0,
    reduction: Reduction = "mean",
    affinity: Callable[[Tensor, Tensor], Tensor] = affinity,
) -> Tensor:
    """Sum of Equation 3 over all ordered pairs of tasks (k, j), j != k; a scalar.

    weights: heads' weights, one (C_k, D) a task.
    probabilities: class probabilities of every head on the same B series, one (B, C_k) a task. No gradient reaches
        them, since none passes through the indicator of Equation 5. Or what another affinity compares.
    affinity: of the labels of two tasks; the paper's is Equation 4.
    """
    loss = weights[0].new_zeros(())
    for k, j in permutations(range(len(weights)), 2):
        with torch.no_grad():
            relevant = relevant_pairs(affinity(probabilities[j], probabilities[k]), threshold)  # (M, N)
        loss = loss + pair_loss(weights[j], weights[k], relevant, reduction)
    return loss


def total_loss(cross_entropy: Tensor, sharing: Tensor, sharing_weight: float) -> Tensor:
    """Cross entropy plus `sharing_weight` (alpha) times the sum of Equation 3 (Equation 6); scalars."""
    return cross_entropy + sharing_weight * sharing
