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

import math
from collections.abc import Sequence
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.linalg import vector_norm
from torch.nn.functional import leaky_relu, logsigmoid, pad

from mtcs.data.task import Task
from mtcs.methods.base import Batch, Method

_ROWS = 4096  # time steps of a batch that a CPU takes through all layers at once, so that they stay in its cache
_SLOPE = 0.01  # of LeakyReLU below zero

Kernels: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]  # weight and bias of two convolutions


class TLoss(Method):
    """The mean over the batch of -log s(a . p) - (1/K) sum over k of log s(-a . n_k), s the logistic function.

    The anchor a represents a random subseries of a series, the positive p a random part of that subseries, and the K
    negatives n_k random subseries, as long as the positive, of random training series.

    tasks: their training series are what negatives are taken from.
    negatives: K.
    shared: whether all anchors of a batch have the same K negatives, or each has its own, as published. The expected
        gradient is the same, since it is a sum over pairs of an anchor and a negative; but for a batch of 10 and K = 10
        the encoder reads 10 negatives instead of 100, all in all 3.6 times fewer values.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        depth: int = 10,
        hidden: int = 40,
        pooled: int = 160,
        output: int = 320,
        negatives: int = 10,
        shared: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = CausalEncoder(depth, hidden, pooled, output)
        self.banks = nn.ModuleDict({task.name: Bank(torch.from_numpy(task.train.series)) for task in tasks})
        self.negatives, self.shared = negatives, shared

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


class CausalEncoder(nn.Module):
    """Causal residual blocks, `depth` of width `hidden` and one of width `pooled`, max over time, linear layer.

    Block i has kernel 3 and dilation 2^i. Inside, tensors are (C, T, B): a tap is a slice of every row, a convolution
    three matrix products, and a tap before the beginning of every series costs nothing.
    """

    def __init__(self, depth: int = 10, hidden: int = 40, pooled: int = 160, output: int = 320) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(CausalBlock(hidden if i else 1, hidden) for i in range(depth))
        self.last = CausalBlock(hidden, pooled)
        self.linear = nn.Linear(pooled, output)

    def forward(self, series: Tensor) -> Tensor:
        """Instance representations of a batch.

        series: (B, T), NaN where padded or missing; such a step reads as zero, like the steps before a series, and is
            left out of the maximum. Every series has an observed value.
        Returns (B, D).
        """
        device = series.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else series.dtype
        size = max(1, _ROWS // series.shape[1]) if device == "cpu" else len(series)
        with torch.autocast(device, enabled=False):  # dtypes are set by hand
            blocks = cast("list[CausalBlock]", [*self.blocks, self.last])
            kernels = [block.kernels() for block in blocks]  # once, for all pieces
            pooled = torch.cat([self._pooled(some, kernels, dtype) for some in series.split(size)])  # (B, P)
            return self.linear(pooled)  # (B, D)

    def _pooled(self, series: Tensor, kernels: Sequence[Kernels], dtype: torch.dtype) -> Tensor:
        x = series.T.unsqueeze(0).nan_to_num(0.0)  # (1, T, B)
        for i, block in enumerate(self.blocks):
            x = block(x, kernels[i], 2**i).to(dtype)  # (C, T, B)
        return self._max(x, ~series.isnan().T, kernels[-1]).T.to(series.dtype)  # (B, P)

    def _max(self, x: Tensor, observed: Tensor, kernels: Kernels) -> Tensor:
        """The last block and the maximum over time: (C, T, B) -> (P, B).

        Only the winners of the maximum have a gradient, at most P steps a series. They are found without recording,
        then computed again, with gradients, from the few steps they depend on.
        """
        with torch.no_grad():
            y = self.last(x, kernels, 2 ** len(self.blocks))  # (P, T, B)
            if not observed.all():
                y.masked_fill_(~observed, -torch.inf)
            values, times = y.max(1)  # (P, B)
        return self._at(x, times, kernels) if torch.is_grad_enabled() else values

    def _at(self, x: Tensor, times: Tensor, kernels: Kernels) -> Tensor:
        """The last block's output at `times` (P, B) only, one for each channel and series.

        With dilation d, step t depends on t, t - d, ..., t - 4 d at most. Taken alone, those of them that exist are
        a short series that the block reads with dilation 1.
        """
        batch = x.shape[2]
        columns, place = (times * batch + torch.arange(batch, device=x.device)).unique(return_inverse=True)
        back = batch * 2 ** len(self.blocks)
        depths = (columns // back).clamp(max=4)  # (N,), ascending as columns are
        found = []
        for depth, some in enumerate(columns.split(depths.bincount().tolist())):
            if len(some):
                taps = some - back * torch.arange(depth, -1, -1, device=x.device).unsqueeze(1)  # (depth + 1, N')
                short = x.flatten(1).index_select(1, taps.flatten()).unflatten(1, taps.shape)  # (C, depth + 1, N')
                found.append(self.last(short, kernels, 1)[:, -1])  # (P, N')
        return torch.cat(found, 1).gather(1, place)  # (P, B)


class CausalBlock(nn.Module):
    """Convolution, LeakyReLU, convolution, LeakyReLU, plus the input: (C, T, B) -> (C', T, B)."""

    def __init__(self, width: int, output: int) -> None:
        super().__init__()
        self.first = CausalConvolution(width, output)
        self.second = CausalConvolution(output, output)
        self.shortcut = nn.Linear(width, output) if width != output else None  # a convolution of kernel 1

    def kernels(self) -> Kernels:
        """Weight and bias of the first convolution, then of the second."""
        return (self.first.kernel(), self.first.bias, self.second.kernel(), self.second.bias)

    def forward(self, x: Tensor, kernels: Kernels, dilation: int) -> Tensor:
        residual = None
        if self.shortcut is not None:
            weight, bias = self.shortcut.weight.to(x.dtype), self.shortcut.bias.to(x.dtype)
            residual = torch.addmm(bias.unsqueeze(1), weight, x.flatten(1)).view(-1, *x.shape[1:])
        return _Block.apply(x, residual, *(tensor.to(x.dtype) for tensor in kernels), dilation)


class CausalConvolution(nn.Module):
    """The parameters of a causal convolution of kernel 3 with weight normalisation, initialised as `nn.Conv1d` is.

    direction: (3, C', C), the taps at t - 2 dilation, t - dilation and t.
    gain: (C',), the norms of the weights of the output channels (Salimans and Kingma, NeurIPS 2016).
    bias: (C',).
    """

    def __init__(self, width: int, output: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(3 * width)
        self.direction = nn.Parameter(torch.empty(3, output, width).uniform_(-bound, bound))
        self.gain = nn.Parameter(vector_norm(self.direction.detach(), dim=(0, 2)))
        self.bias = nn.Parameter(torch.empty(output).uniform_(-bound, bound))

    def kernel(self) -> Tensor:
        """The normalised weight, (3, C', C)."""
        return self.direction * (self.gain / vector_norm(self.direction, dim=(0, 2))).unsqueeze(1)


class _Block(torch.autograd.Function):
    """`CausalBlock` as matrix products on shifted slices, its gradients written out."""

    @staticmethod
    def forward(ctx, x: Tensor, residual: Tensor | None, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, d: int):
        h = _convolve(x, w1, b1, d)  # (C', T, B)
        y = _convolve(h, w2, b2, d)  # (C', T, B)
        ctx.save_for_backward(x, h, y, w1, w2)
        ctx.dilation, ctx.identity = d, residual is None
        return y + (x if residual is None else residual)

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]  # as torch documents it
        grad = grads[0].contiguous()
        x, h, y, w1, w2 = ctx.saved_tensors
        grad_h, *second = _convolve_backward(grad, h, y, w2, ctx.dilation)
        grad_x, *first = _convolve_backward(grad_h, x, h, w1, ctx.dilation)
        if ctx.identity:
            grad_x += grad
        return grad_x, None if ctx.identity else grad, *first, *second, None


def _convolve(x: Tensor, weight: Tensor, bias: Tensor, dilation: int) -> Tensor:
    """LeakyReLU of a causal convolution: (C, T, B) -> (C', T, B)."""
    x, batch = x.flatten(1), x.shape[2]
    y = torch.addmm(bias.unsqueeze(1), weight[2], x)  # (C', T * B)
    for tap, shift in _shifts(dilation * batch, x.shape[1]):
        y[:, shift:].addmm_(weight[tap], x[:, :-shift])
    return leaky_relu(y, _SLOPE, inplace=True).unflatten(1, (-1, batch))


def _convolve_backward(
    grad: Tensor, x: Tensor, y: Tensor, weight: Tensor, dilation: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the input, the weight and the bias of `_convolve`, from that of its output y."""
    grad = torch.ops.aten.leaky_relu_backward(grad, y, _SLOPE, True)  # y has the sign of what went into LeakyReLU
    shape, x, grad = x.shape, x.flatten(1), grad.flatten(1)
    grad_x = weight[2].T @ grad
    grad_weight = torch.zeros_like(weight)
    torch.mm(grad, x.T, out=grad_weight[2])
    for tap, shift in _shifts(dilation * shape[2], x.shape[1]):
        torch.mm(grad[:, shift:], x[:, :-shift].T, out=grad_weight[tap])
        grad_x[:, :-shift].addmm_(weight[tap].T, grad[:, shift:])
    return grad_x.view(shape), grad_weight, grad.sum(1)


def _shifts(shift: int, columns: int) -> list[tuple[int, int]]:
    """The earlier taps and how many columns they look back, those that fall inside."""
    return [(tap, back) for tap, back in ((1, shift), (0, 2 * shift)) if back < columns]
