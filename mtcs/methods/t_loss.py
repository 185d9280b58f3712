"""T-Loss: a causal dilated CNN trained by a triplet loss over random subseries (Franceschi et al., NeurIPS 2019).

Where values are missing, a subseries is a run of observed values, with whatever is missing between them: lengths and
places are drawn by counting observed values, so no subseries is empty, and none begins or ends with a missing value.
The publication cuts as many steps from the end of a series as it has missing values anywhere, which is right for
padding at the end alone; without missing values, or with such padding, both cut at the same places.

Departures: float32 instead of float64. Where the series of a batch differ in length, all positives and negatives have
the same share of their series' length, and the publication draws a share for each (equally long series have one length
there, too). And the anchors of a batch may share their negatives: see `TLoss`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, pad

from mtcs.data.task import Task, TaskInfo
from mtcs.encoders.by_task import ByTask
from mtcs.encoders.causal import CausalEncoder
from mtcs.methods.base import Batch, Method


class TLoss(Method):
    """The mean over the batch of -log s(a . p) - (1/K) sum over k of log s(-a . n_k), s the logistic function.

    The anchor a represents a random subseries of a series, the positive p a random part of that subseries, and the K
    negatives n_k random subseries, as long as the positive, of random training series.

    Parameters are those of `TLossSpec`. With `shared`, all anchors of a batch have the same K negatives, where each has
    its own as published. The expected gradient is the same, since it is a sum over pairs of an anchor and a negative;
    but for a batch of 10 and K = 10 the encoder reads 10 negatives instead of 100, all in all 3.6 times fewer values.
    """

    def __init__(
        self,
        tasks: Sequence[TaskInfo],
        *,
        depth: int,
        hidden: int,
        pooled: int,
        output: int,
        negatives: int,
        shared: bool,
    ) -> None:
        super().__init__()
        self.encoder = CausalEncoder(depth, hidden, pooled, output)
        self.banks = ByTask()
        self.negatives, self.shared = negatives, shared

    def prepare(self, tasks: Sequence[Task]) -> None:
        """Keep the training series, which negatives are taken from."""
        self.banks = ByTask({task.name: Bank(torch.from_numpy(task.train.by_channel)) for task in tasks})

    def loss(self, batch: Batch) -> Tensor:
        """The triplet loss of one mini-batch and freshly drawn subseries, a scalar."""
        bank = self.banks[batch.task]
        assert isinstance(bank, Bank)
        count = self.negatives * (1 if self.shared else len(batch.series))
        anchors, positives, negatives = draw_triplets(batch.series, bank.series, count)
        a = self.encoder(anchors)  # (B, D)
        p, n = self.encoder(_together(positives, negatives)).split([len(positives), len(negatives)])  # (B, D), (M, D)
        n = n.unflatten(0, (self.negatives, -1))  # (K, B, D), (K, 1, D) if shared
        with torch.autocast(a.device.type, enabled=False):
            return -logsigmoid((a * p).sum(-1)).mean() - logsigmoid(-(a * n).sum(-1)).mean()

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        counts = (~series.isnan()).sum(1)
        return self.encoder(subseries(series, torch.zeros_like(counts), counts))


class Bank(nn.Module):
    """A task's training series (n, T), on the device of the weights but not among them."""

    series: Tensor

    def __init__(self, series: Tensor) -> None:
        super().__init__()
        self.register_buffer("series", series, persistent=False)


def draw_triplets(series: Tensor, bank: Tensor, negatives: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random anchors, positives and negatives, from torch's global generator.

    series: (B, T), NaN where padded or missing.
    bank: (n, T') likewise, where negatives are taken from.
    negatives: M, how many of them.
    Returns anchors (B, L), positives (B, L') and negatives (M, L''), NaN behind the end of a shorter one.
    With n observed values, a positive has 1 to n of them and an anchor as many as the positive to n, each equally
    likely; so are the places where the anchor fits the series and the positive fits the anchor.
    """
    counts = (~series.isnan()).sum(1)
    share, longer = torch.rand(2, 1, dtype=torch.float64, device=series.device)
    lengths = 1 + _below(counts, share)
    anchor_lengths = lengths + _below(counts - lengths + 1, longer)
    anchor_starts = _below(counts - anchor_lengths + 1)
    positive_starts = anchor_starts + _below(anchor_lengths - lengths + 1)

    others = bank[torch.randint(len(bank), (negatives,), device=bank.device)]  # (M, T')
    other_counts = (~others.isnan()).sum(1)
    other_lengths = 1 + _below(other_counts, share)
    other_starts = _below(other_counts - other_lengths + 1)
    return (
        subseries(series, anchor_starts, anchor_lengths),
        subseries(series, positive_starts, lengths),
        subseries(others, other_starts, other_lengths),
    )


def _below(limits: Tensor, share: Tensor | None = None) -> Tensor:
    """Uniform integers from 0 to `limits` (B,), exclusive; `share` (1,) in [0, 1) is one draw for all of them."""
    if share is None:
        share = torch.rand(limits.shape, dtype=torch.float64, device=limits.device)
    return (share * limits).long()


def subseries(series: Tensor, starts: Tensor, lengths: Tensor) -> Tensor:
    """Cut `lengths` observed values out of every series, from that after the first `starts` observed ones.

    series: (B, T), NaN where padded or missing.
    starts, lengths: (B,) integers, in observed values.
    Returns (B, L): from the first of these values to the last, missing ones between them kept, NaN behind the last.
    """
    seen = (~series.isnan()).cumsum(1)  # (B, T)
    ends = torch.stack((starts + 1, starts + lengths), 1)
    first, last = torch.searchsorted(seen, ends).split(1, 1)  # (B, 1)
    steps = first + torch.arange(int((last - first).max()) + 1, device=series.device)  # (B, L)
    return series.gather(1, steps.clamp(max=series.shape[1] - 1)).masked_fill(steps > last, torch.nan)


def _together(*parts: Tensor) -> Tensor:
    """Batches of series (B_i, T_i) as one, NaN behind the shorter."""
    length = max(part.shape[1] for part in parts)
    return torch.cat([pad(part, (0, length - part.shape[1]), value=torch.nan) for part in parts])
