"""TS2Vec: two crops of a series are told from other series and other steps at every scale (Yue et al., AAAI 2022).

Fitted on one task it is the publication's method, on a suite its joint variant: batches hold one task each, so series
are contrasted within their task and only the encoder is shared.

Departures from the publication's code: missing steps are left out of the maximum that represents a series; series of
twice `max_train_length` or more are seen through random windows too, not split into sections first; the mean of the
weights does not count the initial ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import dropout

from mtcs.data.task import TaskInfo
from mtcs.encoders.dilated import DilatedEncoder
from mtcs.methods.base import Batch, Method
from mtcs.ops.contrast import contrast


class Ts2Vec(Method):
    """Hierarchical contrast of two overlapping random crops; parameters are those of `Ts2VecSpec`."""

    def __init__(
        self,
        tasks: Sequence[TaskInfo],
        *,
        depth: int,
        hidden: int,
        output: int,
        masked: float,
        dropout: float,
        max_train_length: int,
    ) -> None:
        super().__init__()
        self.encoder = DilatedEncoder(depth, hidden, output)
        self.masked, self.dropout, self.max_train_length = masked, dropout, max_train_length

    def loss(self, batch: Batch) -> Tensor:
        """The hierarchical contrastive loss on one mini-batch, a scalar."""
        series = window(centered(batch.series), self.max_train_length)
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


def crop_bounds(length: int) -> tuple[int, int, int, int]:
    """Random bounds start <= left < right <= end within `length` steps.

    The first crop is start:right, the second left:end, and both hold left:right, of two steps or more where there are.
    """
    overlap = _between(min(2, length), length)
    left = _between(0, length - overlap)
    return _between(0, left), left, left + overlap, _between(left + overlap, length)


def centered(series: Tensor) -> Tensor:
    """(B, T) with unequal lengths moved so that half of the padding stands before each series, half behind it."""
    observed = (~series.isnan()).int()
    before, behind = observed.argmax(1), observed.flip(1).argmax(1)  # (B,)
    shift = before - (before + behind) // 2
    length = series.shape[1]
    return series.gather(1, (torch.arange(length, device=series.device) + shift.unsqueeze(1)) % length)


def window(series: Tensor, max_length: int) -> Tensor:
    """A random window (B, max_length) of series (B, T), or all where T is not longer."""
    start = _between(0, max(0, series.shape[1] - max_length))
    return series[:, start : start + max_length]


def _between(low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, ()))
