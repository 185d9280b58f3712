"""Sharing of classifiers between tasks: Equations 3 to 5 of the paper, on plain tensors.

Two choices where the paper leaves room. Relevance follows Equation 4, the mean outer product of predicted
probabilities, not the cosine similarity of logits its prose mentions. Equation 3 prints a squared difference of two
vectors and its prose calls it a mean squared error: `reduction` offers the mean over the D coordinates and the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Reduction = Literal["mean", "sum"]


def affinity(probabilities_j: Tensor, probabilities_k: Tensor) -> Tensor:
    """Mean outer product of two tasks' class probabilities on the same B series (Equation 4).

    (B, M), (B, N) -> (M, N); the entries sum to 1 where the rows of both arguments do.
    """
    return probabilities_j.T @ probabilities_k / len(probabilities_j)


def relevant_pairs(affinity: Tensor, threshold: float = 2.0) -> Tensor:
    """Pairs of labels whose affinity exceeds `threshold` times the mean affinity (Equation 5).

    (M, N) -> (M, N) bool.
    """
    return affinity * affinity.numel() > threshold * affinity.sum()


def sharing_loss(
    weights: Sequence[Tensor],
    probabilities: Sequence[Tensor],
    threshold: float = 2.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """Sum of Equation 3 over all ordered pairs of tasks (k, j), j != k.

    weights: heads' weights, one (C_k, D) a task.
    probabilities: class probabilities of every head on the same B series, one (B, C_k) a task.
    threshold: tau of Equation 5.
    reduction: whether the squared difference of two rows is averaged ("mean") or summed ("sum") over D.

    Returns a scalar. No gradient passes through the indicator of Equation 5, so none reaches `probabilities`.
    """
    classes = torch.tensor([len(weight) for weight in weights])
    return stacked_sharing(torch.cat(list(weights)), torch.cat(list(probabilities), 1), classes, threshold, reduction)[
        0
    ]


def stacked_sharing(
    weights: Tensor,
    probabilities: Tensor,
    classes: Tensor,
    threshold: float = 2.0,
    reduction: Reduction = "mean",
    entries: int = 1 << 20,
) -> tuple[Tensor, Tensor]:
    """`sharing_loss` on stacked heads, and the share of pairs of labels of different tasks that are relevant.

    weights: (S, D), probabilities: (B, S), classes: (K,) with sum S, the number of labels of each task in order.

    With V the symmetric (S, S) matrix 1(q,p) / (M N) and r its row sums, Equation 3 summed over ordered pairs is
    sum_pq V_pq |w_p - w_q|^2 = 2 <W, r W - V W>: two matrix products, P^T P for V and V W. Rows are taken as many at
    a time as give about `entries` entries, so memory is linear in S. Labels that no pair can make relevant are left
    out first: by Cauchy-Schwarz an affinity is at most the root of the product of the labels' own mean squares.
    """
    with torch.no_grad():
        classes = classes.to(weights.device)
        task = torch.arange(len(classes), device=weights.device).repeat_interleave(classes)  # (S,)
        size = classes[task].to(probabilities.dtype)  # (S,) number of labels of the row's task
        mass = probabilities.new_zeros(len(probabilities), len(classes))
        mass = mass.index_add(1, task, probabilities)  # (B, K), ones where rows are softmax outputs
        # Equation 5 reads p_i . p_j > bound_ij with p scaled by its task's number of labels.
        bound = threshold * mass.T @ mass  # (K, K), threshold * B for softmax outputs
        same = bool(((mass - 1).abs() < 1e-4).all())
        scaled = (probabilities * size).T  # (S, B)
        norm = scaled.norm(dim=1)
        alive = (norm * norm.max() > bound.amin(1)[task]).nonzero().squeeze(1)  # (S',)
        scaled, task, size = scaled[alive], task[alive], size[alive].unsqueeze(1)
        rows = weights.detach()[alive]  # (S', D)
        partners = torch.cat((rows, torch.ones_like(size)), 1) / size  # (S', D + 1), the last for row sums of V
        pulls = [rows[:0]]
        relevant = torch.zeros((), dtype=torch.int64, device=weights.device)
        step = max(1, entries // max(1, len(alive)))
        for part, own, of in zip(scaled.split(step), rows.split(step), task.split(step), strict=True):
            limit = threshold * len(probabilities) if same else bound[of][:, task]
            indicator = (part @ scaled.T > limit).logical_and_(of.unsqueeze(1) != task)  # (step, S')
            relevant += indicator.sum()
            found = indicator.to(partners.dtype) @ partners  # (step, D + 1)
            pulls.append(found[:, -1:] * own - found[:, :-1])
        pull = torch.zeros_like(weights)  # r W - V W
        pull[alive] = torch.cat(pulls) / size
        pairs = int(classes.sum()) ** 2 - int(classes.square().sum())
        share = relevant / max(pairs, 1)
        scale = 2.0 / weights.shape[1] if reduction == "mean" else 2.0
    # <W, pull> is quadratic in W with a symmetric matrix: its gradient is twice `pull`.
    product = scale * (weights * pull).sum()
    return 2 * product - product.detach(), share
