"""Equal to `cross_entropy(z @ z.mT without the diagonal, the other view)`: contrast of 2 N items in G groups."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_PAIRS = 1 << 20  # similarities that a CPU computes at once: more is no faster and takes more memory


def contrast(views: Tensor) -> Tensor:
    """Cross entropy of finding an item's other view among all other items of both views, a scalar.

    views: (G, 2 N, D), groups of N items in the first view and the same N in the second; similarity is the dot
        product. A single item has nothing to be told from: its loss is 0.
    """
    return _Contrast.apply(views)


class _Contrast(torch.autograd.Function):
    """`contrast` with its gradient written out, found in the same pass.

    With P the softmax of the similarities, Z Z^T, over all other items, the gradient of the log-sum-exps is
    (P + P^T) Z: two matrix products in all instead of three, and no (2 N, 2 N) matrix is kept.
    """

    @staticmethod
    def forward(ctx, views: Tensor) -> Tensor:
        groups, items, _ = views.shape
        size = max(1, _PAIRS // items**2) if views.device.type == "cpu" else groups
        total, gradients = views.new_zeros(()), []
        for chunk in views.split(size):
            similarity = chunk @ chunk.mT  # (g, 2 N, 2 N)
            positives = similarity.diagonal(items // 2, 1, 2).sum()
            similarity.diagonal(0, 1, 2).fill_(-torch.inf)
            share = similarity.softmax(2)
            # The largest share is never tiny: the log-sum-exp without another pass of exponentials.
            log_sums = similarity.amax(2) - share.amax(2).log()  # (g, 2 N)
            total += log_sums.sum() - 2 * positives
            if ctx.needs_input_grad[0]:
                # P^T from similarities, which are symmetric: reading a large matrix along columns takes longer.
                share += similarity.sub_(log_sums.unsqueeze(1)).exp_()
                others = chunk.roll(items // 2, 1)  # (g, 2 N, D), the other view of each item
                gradients.append(torch.baddbmm(others, share, chunk, beta=-2))
        if gradients:
            ctx.save_for_backward(torch.cat(gradients))
        ctx.rows = groups * items
        return total / ctx.rows

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]  # as documented
        (gradient,) = ctx.saved_tensors
        return gradient * (grads[0] / ctx.rows)
