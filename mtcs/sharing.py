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
    block: int = 256,
) -> tuple[Tensor, Tensor]:
    """`sharing_loss` on stacked heads, and the share of pairs of labels of different tasks that are relevant.

    weights: (S, D), probabilities: (B, S), classes: (K,) with sum S, the number of labels of each task in order.
    block: labels taken at a time where more than four blocks of them are left; fewer are taken at once.

    With V the symmetric (S, S) matrix 1(q,p) / (M N) and r its row sums, Equation 3 summed over ordered pairs is
    sum_pq V_pq |w_p - w_q|^2 = 2 <W, r W - V W>: two matrix products, P^T P for V and V W. Labels that no pair can
    make relevant are left out first: by Cauchy-Schwarz an affinity is at most the root of the product of the labels'
    own mean squares.
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
        whole = len(alive) <= 4 * block
        if not whole:
            alive = alive[scaled[alive].sum(1).argsort(descending=True)]
        scaled, task, size = scaled[alive], task[alive], size[alive].unsqueeze(1)
        rows = weights.detach()[alive]  # (S', D)
        partners = torch.cat((rows, torch.ones_like(size)), 1).div_(size)  # (S', D + 1), the last for row sums of V
        limit = threshold * len(probabilities) if same else bound
        if whole:
            indicator = _indicator(scaled, scaled, task, task, limit)  # (S', S')
            relevant = indicator.count_nonzero()
            found = indicator.to(partners.dtype) @ partners  # (S', D + 1)
        else:
            found, relevant = _found_by_blocks(scaled.contiguous(), task, partners, limit, bound.aminmax(), block)
        pull = torch.zeros_like(weights)  # r W - V W
        pull[alive] = rows.mul_(found[:, -1:]).sub_(found[:, :-1]).div_(size)
        pairs = int(classes.sum()) ** 2 - int(classes.square().sum())
        share = relevant / max(pairs, 1)
        scale = 2.0 / weights.shape[1] if reduction == "mean" else 2.0
    # <W, pull> is quadratic in W with a symmetric matrix: its gradient is twice `pull`.
    product = scale * torch.dot(weights.flatten(), pull.flatten())
    return 2 * product - product.detach(), share


def _indicator(
    p: Tensor, q: Tensor, task_p: Tensor, task_q: Tensor, limit: Tensor | float, related: int | None = None
) -> Tensor:
    """Equation 5 between labels with scaled probabilities (M, B) and (N, B), zero within a task -> (M, N) of 0 and 1.

    limit: the same for all pairs, or one a pair of tasks, (K, K).
    related: how many of p, the first ones, have a task in common with any of q; all if not known.
    """
    if isinstance(limit, Tensor):
        limit = limit[task_p][:, task_q]
    # In place, comparisons of floats stay floats: several times as fast as by way of bool.
    foreign = (task_p[:related].to(p.dtype).unsqueeze(1) - task_q.to(p.dtype)).ne_(0)
    indicator = (p @ q.T).gt_(limit)
    indicator[:related].mul_(foreign)
    return indicator


def _found_by_blocks(
    scaled: Tensor,
    task: Tensor,
    partners: Tensor,
    limit: Tensor | float,
    extremes: tuple[Tensor, Tensor],
    block: int,
) -> tuple[Tensor, Tensor]:
    """The indicator of all pairs times `partners`, (S, D + 1), and the number of relevant pairs, in memory S * block.

    scaled: (S, B), labels by falling mean probability; extremes: the smallest and the largest of `limit`.

    Series of one batch resemble each other, so a label's probabilities are mostly their mean: p_i . p_j is
    level_i level_j, parts along (1, ..., 1), give or take at most apart_i apart_j, parts across. For most labels that
    decides about the whole block. Since neighbours in this order relate to others alike, most of the rest, the
    candidates, are relevant to no label of the block or to all of it; the latter cost one row of a product for the
    block, and only what is left a row for each label.
    """
    level = scaled.sum(1) / scaled.shape[1] ** 0.5  # (S,)
    apart = (scaled - scaled.mean(1, keepdim=True)).norm(dim=1)  # (S,)
    upwards, downwards = level * (1 + 1e-5), level * (1 - 1e-5)  # so that rounding decides about no label
    least, most = extremes
    starts = range(0, len(scaled), block)
    agreed = partners.new_zeros(len(starts), len(scaled))  # relevant to the whole block
    found = torch.empty_like(partners)
    relevant = torch.zeros((), dtype=torch.int64, device=scaled.device)
    here = torch.zeros(int(task.max()) + 1, dtype=torch.bool, device=scaled.device)
    for i, start in enumerate(starts):
        mine = slice(start, start + block)
        here.zero_()[task[mine]] = True
        related = here[task]  # (S,) whose task has a label in the block
        width = apart[mine].max() * apart
        sure = (level[mine][-1] * downwards - width > most) & ~related
        open_ = (level[start] * upwards + width > least) & ~sure
        first, last = (open_ & related).nonzero().squeeze(1), (open_ & ~related).nonzero().squeeze(1)
        candidates = torch.cat((first, last))  # (n,)
        indicator = _indicator(
            scaled[candidates], scaled[mine], task[candidates], task[mine], limit, len(first)
        )  # (n, block)
        count = indicator.sum(1)
        all_of = len(task[mine])
        relevant += count.long().sum() + all_of * sure.count_nonzero()
        agreed[i].masked_fill_(sure, 1)[candidates[count == all_of]] = 1
        some = ((count > 0) & (count < all_of)).nonzero().squeeze(1)
        v = indicator.index_select(0, some).to(partners.dtype)
        torch.mm(v.T, partners.index_select(0, candidates[some]), out=found[mine])
    for part, common in zip(found.split(block), agreed @ partners, strict=True):
        part += common
    return found, relevant
