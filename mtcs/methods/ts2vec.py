"""TS2Vec: two crops of a series are told from other series and other steps at every scale (Yue et al., AAAI 2022).

Fitted on one task it is the publication's method, on a suite its joint variant: batches hold one task each, so series
are contrasted within their task and only the encoder is shared.

Departures from the publication's code: missing steps are left out of the maximum that represents a series; series of
twice `longest` or more are seen through random windows too, not split into sections first; the mean of the weights does
not count the initial ones.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import dropout

from mtcs.encoders.dilated import DilatedEncoder
from mtcs.methods.base import Batch, Method

_PAIRS = 1 << 20  # similarities that a CPU computes at once: more is no faster and takes more memory


class Ts2Vec(Method):
    """Hierarchical contrast of two overlapping random crops.

    masked: share of the steps of a crop that are zero after the input projection.
    dropout: share of the encoder's outputs that are dropped. Both while training only.
    longest: steps of a series that one training step looks at.
    """

    def __init__(self, encoder: DilatedEncoder, masked: float = 0.5, dropout: float = 0.1, longest: int = 3000) -> None:
        super().__init__()
        self.encoder = encoder
        self.masked, self.dropout, self.longest = masked, dropout, longest

    def loss(self, batch: Batch) -> Tensor:
        """The hierarchical contrastive loss on one mini-batch, a scalar."""
        series = window(centred(batch.series), self.longest)
        start, left, right, end = crop_bounds(series.shape[1])
        # A pair of bounds for all, moved for each series by an offset of its own that keeps both crops inside.
        offsets = torch.randint(-start, series.shape[1] - end + 1, (len(series), 1), device=series.device)
        first = self._view(series, offsets, start, right, slice(left - start, None))  # (B, L, D)
        second = self._view(series, offsets, left, end, slice(0, right - left))  # (B, L, D)
        with torch.autocast(series.device.type, enabled=False):
            return hierarchical_loss(first, second)

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        return self.encoder(series)

    def _view(self, series: Tensor, offsets: Tensor, start: int, end: int, steps: slice) -> Tensor:
        """Outputs at `steps` of the crop start:end of each series moved by its offset."""
        crop = series.gather(1, offsets + torch.arange(start, end, device=series.device))
        keep = torch.rand_like(crop) >= self.masked if self.training else None
        return dropout(self.encoder.per_step(crop, keep, steps), self.dropout, self.training)


def hierarchical_loss(first: Tensor, second: Tensor) -> Tensor:
    """Mean over scales of half instance-wise, half temporal contrast, a scalar.

    first, second: (B, L, D), the two views of the same steps. From scale to scale time is halved by a maximum over
    pairs, an odd step at the end being left out, until one step is left.
    """
    views = torch.stack((first.transpose(0, 1), second.transpose(0, 1)), 1)  # (L, 2, B, D), as the encoder lays it out
    losses = []
    while True:
        instances = contrast(views.flatten(1, 2))  # at each step, among series
        steps = contrast(views.permute(2, 1, 0, 3).flatten(1, 2))  # in each series, among steps
        losses.append((instances + steps) / 2)
        if len(views) == 1:
            return torch.stack(losses).mean()
        views = halved(views)


def halved(x: Tensor) -> Tensor:
    """Maximum over pairs of steps: (L, ...) -> (L // 2, ...)."""
    odd, even = x[: len(x) // 2 * 2].unflatten(0, (-1, 2)).unbind(1)
    return torch.where(odd < even, even, odd)  # its gradient takes half as long as that of torch.maximum


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
        for some in views.split(size):
            similarity = some @ some.mT  # (g, 2 N, 2 N)
            positives = similarity.diagonal(items // 2, 1, 2).sum()
            similarity.diagonal(0, 1, 2).fill_(-torch.inf)
            share = similarity.softmax(2)
            # The largest share is never tiny: the log-sum-exp without another pass of exponentials.
            log_sums = similarity.amax(2) - share.amax(2).log()  # (g, 2 N)
            total += log_sums.sum() - 2 * positives
            if ctx.needs_input_grad[0]:
                # P^T from similarities, which are symmetric: reading a large matrix along columns takes longer.
                share += similarity.sub_(log_sums.unsqueeze(1)).exp_()
                others = some.roll(items // 2, 1)  # (g, 2 N, D), the other view of each item
                gradients.append(torch.baddbmm(others, share, some, beta=-2))
        if gradients:
            ctx.save_for_backward(torch.cat(gradients))
        ctx.rows = groups * items
        return total / ctx.rows

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]  # as documented
        (gradient,) = ctx.saved_tensors
        return gradient * (grads[0] / ctx.rows)


def crop_bounds(length: int) -> tuple[int, int, int, int]:
    """Random bounds start <= left < right <= end within `length` steps.

    The first crop is start:right, the second left:end, and both hold left:right, of two steps or more where there are.
    """
    overlap = _between(min(2, length), length)
    left = _between(0, length - overlap)
    return _between(0, left), left, left + overlap, _between(left + overlap, length)


def centred(series: Tensor) -> Tensor:
    """(B, T) with unequal lengths moved so that half of the padding stands before each series, half behind it."""
    observed = (~series.isnan()).int()
    before, behind = observed.argmax(1), observed.flip(1).argmax(1)  # (B,)
    shift = before - (before + behind) // 2
    length = series.shape[1]
    return series.gather(1, (torch.arange(length, device=series.device) + shift.unsqueeze(1)) % length)


def window(series: Tensor, longest: int) -> Tensor:
    """A random window (B, longest) of series (B, T), or all where T is not longer."""
    start = _between(0, max(0, series.shape[1] - longest))
    return series[:, start : start + longest]


def _between(low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, ()))
