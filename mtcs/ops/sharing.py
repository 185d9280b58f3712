"""Equal to `mtcs.sharing.sharing_loss`: the sum of Equation 3 over all ordered pairs of tasks, on stacked heads.

With `covariance_affinity` in place of Equation 4, `covariance_sharing`; with relevance known beforehand,
`named_sharing`.
"""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mtcs.sharing import Reduction


def stacked_sharing(
    weights: Tensor,
    probabilities: Tensor,
    classes: Tensor,
    threshold: float = 2.0,
    reduction: Reduction = "mean",
    block: int = 64,
) -> tuple[Tensor, Tensor]:
    """`mtcs.sharing.sharing_loss` on stacked heads, and the share of label pairs of different tasks that are relevant.

    weights: (S, D), probabilities: (B, S), classes: (K,) with sum S, the number of labels of each task in order.
    block: labels taken at a time, at first, where more than eight blocks of them are left; fewer are taken at once.

    With V the symmetric (S, S) matrix 1(q,p) / (M N) and r its row sums, Equation 3 summed over ordered pairs is
    sum_pq V_pq |w_p - w_q|^2 = 2 <W, r W - V W>: two matrix products, P^T P for V and V W. Labels that no pair can
    make relevant are left out first: by Cauchy-Schwarz an affinity is at most the root of the product of the labels'
    own mean squares.
    """
    with torch.no_grad():
        pairs = int(classes.sum()) ** 2 - int(classes.square().sum())
        classes = classes.to(weights.device)
        task = torch.arange(len(classes), device=weights.device)
        task = task.repeat_interleave(classes, output_size=len(weights))  # (S,)
        size = classes[task].to(probabilities.dtype)  # (S,) number of labels of the row's task
        mass = probabilities.new_zeros(len(probabilities), len(classes))
        mass = mass.index_add(1, task, probabilities)  # (B, K), ones where rows are softmax outputs
        # Equation 5 reads p_i . p_j > limit_ij with p scaled by its task's number of labels.
        if bool(((mass - 1).abs() < 1e-4).all()):
            limit = mass.new_full((), threshold * len(probabilities))
            least, extremes = limit, (limit, limit)
        else:
            limit = threshold * mass.T @ mass  # (K, K)
            least, extremes = limit.amin(1)[task], limit.aminmax()
        scaled = (probabilities * size).T  # (S, B)
        norm = scaled.square().sum(1).sqrt()
        has_partner = norm * norm.max() > least  # (S,)
        alive = has_partner.nonzero().squeeze(1)  # (S',)
        by_blocks = len(alive) > 8 * block
        if by_blocks:
            alive = alive[scaled[alive].sum(1).argsort(descending=True)]
        place = alive.new_full((len(weights),), len(alive))  # (S,) where a label is in `alive`, S' if it is not
        place[alive] = torch.arange(len(alive), device=alive.device)
        rows, size = weights.detach().index_select(0, alive), size[alive].unsqueeze(1)
        chosen = scaled.index_select(0, alive), task[alive], size, rows
        pull = rows.new_empty(len(alive) + 1, rows.shape[1])  # the last row for labels that are not alive
        pull[-1] = 0
        if by_blocks:
            loss, relevant = _pull_by_blocks(*chosen, limit, pull[:-1], extremes, block)
        else:
            loss, relevant = _pull_at_once(*chosen, limit, pull[:-1])
        share = relevant / max(pairs, 1)
        scale = 2.0 / weights.shape[1] if reduction == "mean" else 2.0
    return _Quadratic.apply(weights, scale * loss, pull, place, 2 * scale), share


def covariance_sharing(
    weights: Tensor, rows: Tensor, classes: Tensor, threshold: float = 2.0, reduction: Reduction = "mean"
) -> tuple[Tensor, Tensor]:
    """As `stacked_sharing`, relevance by the labels' representations: rows (S, m, D), see `covariance_affinity`."""
    with torch.no_grad():
        task, size = _tasks_of_labels(classes, rows)
        labels, count, width = rows.shape
        flat = rows.reshape(-1, width)
        squares = (flat @ flat.T).square_().reshape(labels, count, labels, count).sum((1, 3))  # (S, S)
        norms = rows.flatten(1).norm(dim=1)
        affinity = squares.sqrt_().div_(torch.outer(norms, norms).clamp_(min=1e-12))
        share = torch.zeros(len(classes), labels, dtype=rows.dtype, device=rows.device)
        share[task, torch.arange(labels, device=rows.device)] = 1 / size  # (K, S)
        mean = share @ affinity @ share.T  # (K, K)
        relevant = affinity > threshold * mean[task][:, task]
    return _sharing_of_pairs(weights, relevant, classes, reduction)


def named_sharing(
    weights: Tensor, names: Tensor, classes: Tensor, reduction: Reduction = "mean"
) -> tuple[Tensor, Tensor]:
    """As `stacked_sharing`, with labels of one name relevant to each other: names (S,), numbers that stand for them."""
    return _sharing_of_pairs(weights, names.unsqueeze(1) == names, classes, reduction)


def _sharing_of_pairs(
    weights: Tensor, relevant: Tensor, classes: Tensor, reduction: Reduction
) -> tuple[Tensor, Tensor]:
    """As `stacked_sharing`, relevant (S, S) as Equation 5 has it; pairs of one task do not count."""
    with torch.no_grad():
        task, size = _tasks_of_labels(classes, weights)
        relevant = relevant & (task.unsqueeze(1) != task)
        v = relevant / torch.outer(size, size)
        pairs = max(int(classes.sum()) ** 2 - int(classes.square().sum()), 1)
    pull = v.sum(1, keepdim=True) * weights - v @ weights  # (S, D)
    scale = 2.0 / weights.shape[1] if reduction == "mean" else 2.0
    return scale * (weights * pull).sum(), relevant.sum() / pairs


def _tasks_of_labels(classes: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Each label's task, (S,) int64, and its number of labels, (S,) of the type of `like`; on its device."""
    task = torch.arange(len(classes)).repeat_interleave(classes).to(like.device)
    return task, classes.to(like.device)[task].to(like.dtype)


class _Quadratic(torch.autograd.Function):
    """`value` as a function of weights (S, D) whose gradient is `scale` times the rows `place` (S,) of `pull`."""

    @staticmethod
    def forward(ctx, weights: Tensor, value: Tensor, pull: Tensor, place: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(pull, place)
        ctx.scale = scale
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]  # as torch documents it
        pull, place = ctx.saved_tensors
        return pull.mul_(ctx.scale * grads[0]).index_select(0, place), None, None, None, None


def _pull_at_once(
    scaled: Tensor, task: Tensor, size: Tensor, rows: Tensor, limit: Tensor, pull: Tensor
) -> tuple[Tensor, Tensor]:
    """Put r W - V W into `pull` (S, D); returns <W, r W - V W> and the number of relevant pairs, scalars.

    scaled: probabilities of labels, times the number of labels of their task, (S, B); task, size: (S,) and (S, 1), each
        label's task and its number of labels; rows: weights (S, D); limit: of `_indicator`.
    """
    partners = torch.cat((rows, torch.ones_like(size)), 1).div_(size)  # (S, D + 1), the last for row sums of V
    indicator = _indicator(scaled, scaled, task, task, limit)  # (S, S)
    pulled = indicator.to(partners.dtype) @ partners  # (S, D + 1)
    torch.mul(rows, pulled[:, -1:], out=pull).sub_(pulled[:, :-1]).div_(size)
    return torch.dot(rows.flatten(), pull.flatten()), indicator.count_nonzero()


def _pull_by_blocks(
    scaled: Tensor,
    task: Tensor,
    size: Tensor,
    rows: Tensor,
    limit: Tensor,
    pull: Tensor,
    extremes: tuple[Tensor, Tensor],
    block: int,
) -> tuple[Tensor, Tensor]:
    """As `_pull_at_once`, a block of labels after the other.

    Labels come by falling mean probability; extremes: the smallest and the largest of `limit`; block: labels of the
    first blocks, which are relevant to most others. Later ones are relevant to ever fewer, and taken together.

    Series of one batch resemble each other, so a label's probabilities are mostly their mean: p_i . p_j is
    level_i level_j, parts along (1, ..., 1), give or take at most across_i across_j, parts across. For most labels that
    decides about the whole block. Since neighbours in this order relate to others alike, most of the rest, the
    candidates, are relevant to no label of the block or to all of it; the latter cost one row of a product for the
    block, and only what is left a row for each label.
    """
    level = scaled.sum(1) / scaled.shape[1] ** 0.5  # (S,)
    across = (scaled - scaled.mean(1, keepdim=True)).norm(dim=1)  # (S,)
    sizes = _growing(len(level), block)  # of N blocks
    mine = [slice(end - size, end) for end, size in zip(accumulate(sizes), sizes, strict=True)]
    first = torch.tensor([labels.start for labels in mine]).to(level.device)  # (N,)
    last = torch.tensor([labels.stop - 1 for labels in mine]).to(level.device)  # (N,)
    furthest = torch.stack([part.max() for part in across.split(sizes)])  # (N,)
    both = torch.stack((level, across))  # (2, S)
    has = torch.zeros(len(first), int(task.max()) + 1, dtype=torch.bool, device=level.device)
    has[torch.arange(len(first), device=level.device).repeat_interleave(last - first + 1), task] = True
    foreign = ~has.index_select(1, task)  # (N, S) whose task has no label in the block
    least, most = extremes  # with a margin, so that rounding decides about no label
    sure = (torch.stack((level[last] * (1 - 1e-5), -furthest), 1) @ both > most) & foreign  # (N, S)
    open_ = (torch.stack((level[first] * (1 + 1e-5), furthest), 1) @ both > least) & ~sure  # (N, S)
    own, others = _by_block(open_ & ~foreign), _by_block(open_ & foreign)

    shares = size.reciprocal().to(rows.dtype).squeeze(1)  # (S,)
    agreed = sure.to(rows.dtype)  # relevant to the whole block
    sums = rows.new_empty(len(rows), 1)  # row sums of V, times the size; V W times the size goes to `pull` first
    relevant = (sure.sum(1) * (last - first + 1)).sum()
    for i, (here, own_here, others_here) in enumerate(zip(mine, own, others, strict=True)):
        candidates = torch.cat((own_here, others_here))  # (n,)
        indicator = _indicator(
            scaled.index_select(0, candidates), scaled[here], task[candidates], task[here], limit, len(own_here)
        )  # (n, block)
        count, all_of = indicator.sum(1), indicator.shape[1]
        relevant += count.sum().long()
        agreed[i].index_fill_(0, candidates[count == all_of], 1)
        mixed = ((count > 0) & (count < all_of)).nonzero().squeeze(1)
        mixed_labels = candidates[mixed]
        v = indicator.index_select(0, mixed).to(rows.dtype).mul_(shares[mixed_labels].unsqueeze(1)).T  # (block, n')
        torch.mm(v, rows.index_select(0, mixed_labels), out=pull[here])
        torch.sum(v, 1, keepdim=True, out=sums[here])
    agreed *= shares
    common, common_sums, loss = agreed @ rows, agreed.sum(1), rows.new_zeros(())  # (N, D), (N,), ()
    for i, here in enumerate(mine):  # while a block is in the cache
        chunk = rows[here]
        pulled = pull[here].add_(common[i]).addcmul_(chunk, sums[here] + common_sums[i], value=-1).div_(-size[here])
        loss += torch.dot(chunk.flatten(), pulled.flatten())
    return loss, relevant


def _growing(labels: int, block: int) -> list[int]:
    """Sizes of blocks of so many labels: four of `block`, four of twice and four times that, then eight times."""
    sizes = []
    while (left := labels - sum(sizes)) > 0:
        sizes.append(min(block << min(len(sizes) // 4, 3), left))
    return sizes


def _by_block(chosen: Tensor) -> tuple[Tensor, ...]:
    """The labels that each of N blocks has chosen: (N, S) bool -> N of (n,)."""
    block, label = chosen.nonzero(as_tuple=True)
    return label.split(block.bincount(minlength=len(chosen)).tolist())


def _indicator(
    p: Tensor, q: Tensor, task_p: Tensor, task_q: Tensor, limit: Tensor, related: int | None = None
) -> Tensor:
    """Equation 5 between labels with scaled probabilities (M, B) and (N, B), zero within a task -> (M, N) of 0 and 1.

    limit: the same for all pairs, a scalar, or one a pair of tasks, (K, K).
    related: how many of p, the first ones, have a task in common with any of q; all if not known.
    """
    if limit.ndim:
        limit = limit[task_p][:, task_q]
    # In place, comparisons of floats stay floats: several times as fast as by way of bool.
    foreign = (task_p[:related].to(p.dtype).unsqueeze(1) - task_q.to(p.dtype)).ne_(0)
    indicator = (p @ q.T).gt_(limit)
    indicator[:related].mul_(foreign)
    return indicator
