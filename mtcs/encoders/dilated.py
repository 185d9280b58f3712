"""The dilated convolutional encoder of TS2Vec (Yue et al., AAAI 2022).

A series is computed as if it were alone, at its own length: what pads it is zero after every convolution, like what
lies beyond its ends. So a representation depends on the series, not on its batch or on padding. The publication's code
lets padding through its hidden layers. Missing values within a series are zero after the input projection alone.

Inside, tensors are (T, B, C); in reduced precision the hidden blocks are (B, T, C), see `mtcs.ops.convolution`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from mtcs.ops.convolution import DilatedConvolution, residual_blocks, widening_block
from mtcs.ops.maximum import maximum_over_time

_ROWS = 16384  # time steps of a batch that a CPU takes through all layers at once, so that they stay in its cache
_MANY_ROWS = 2**18  # of those that a GPU takes through the last layer at once: they need memory, and cores to share

_SHORT = 256  # steps up to which the last block is differentiated at every one of them, see `MaxOverTimeBlock`
_ROUND = 128  # rows of a product, see `_padded`


class DilatedEncoder(nn.Module):
    """Input projection, `depth` residual blocks of width `hidden`, one of width `output`, max over time.

    Block i has kernel 3 and dilation 2^i; no normalisation layers. depth 10, hidden 64 and output 320 are the
    publication's and give 637,248 parameters. TS2Vec's dropout of the output belongs to its objective and is not here.

    difference: whether the projection sees, beside the series, its first difference, see `first_difference`.
    """

    def __init__(self, depth: int = 10, hidden: int = 64, output: int = 320, difference: bool = False) -> None:
        super().__init__()
        self.difference = difference
        self.projection = nn.Linear(2 if difference else 1, hidden)
        self.blocks = nn.ModuleList(Block(hidden, 2**i) for i in range(depth))
        self.last = MaxOverTimeBlock(hidden, output, 2**depth)

    def forward(self, series: Tensor) -> Tensor:
        """Instance representations of a batch.

        series: (B, T), NaN where padded or missing; such steps are zero after the input projection and are left out
            of the maximum. Every series has an observed value.
        Returns (B, D).
        """
        size = max(1, _ROWS // series.shape[1]) if series.device.type == "cpu" else len(series)
        return torch.cat([self._encode(chunk) for chunk in series.split(size)])  # (B, D)

    def per_step(self, series: Tensor, keep: Tensor | None = None, steps: slice = slice(None)) -> Tensor:
        """Representations of every time step, for objectives that look at more than the maximum.

        series: (B, T) as above; the output at a step that is not observed means nothing.
        keep: (B, T) bool, False for steps that are masked: zero after the input projection, as if not observed.
        steps: those that are returned; the others only serve as context.
        Returns (B, T, D), or what `steps` leaves of T, differentiable at every step.
        """
        observed = ~series.isnan()  # (B, T)
        inside = extent(observed)
        x = self._hidden(series, observed if keep is None else observed & keep, inside)
        return self.last.per_step(x, inside, steps).transpose(0, 1).to(series.dtype)  # (B, T, D)

    def _encode(self, series: Tensor) -> Tensor:
        observed = ~series.isnan()  # (B, T)
        inside = extent(observed)
        return self.last(self._hidden(series, observed, inside), observed.T, inside).to(series.dtype)  # (B, D)

    def _hidden(self, series: Tensor, visible: Tensor, inside: Tensor | None) -> Tensor:
        """All but the last block: (B, T) -> (T, B, C), zero after the projection where not `visible` (B, T)."""
        reduced = torch.is_autocast_enabled(series.device.type)
        time = 1 if reduced else 0  # axis of time in x
        steps = first_difference(series) if self.difference else None
        if not reduced:
            series, visible, steps = series.T, visible.T, None if steps is None else steps.T
        x = series.unsqueeze(-1).nan_to_num(0.0) * self.projection.weight[:, 0] + self.projection.bias
        if steps is not None:
            x = x + steps.unsqueeze(-1) * self.projection.weight[:, 1]
        if not visible.all():
            x = x * visible.unsqueeze(-1)
        if reduced:
            x = x.to(torch.get_autocast_dtype(x.device.type))
        pairs = [(block.first, block.second) for block in cast("Sequence[Block]", self.blocks)]
        mask = None if inside is None else inside.transpose(0, time).to(x.dtype)
        return residual_blocks(x, pairs, time, mask).transpose(0, time).contiguous()


def first_difference(series: Tensor) -> Tensor:
    """What each value is more than the one before, over the root mean square of that: (B, T) -> (B, T).

    Zero at the first step, and where either value is padded or missing (NaN). Each series by itself, whose differences
    are as large as its values are then, however smooth it is.
    """
    steps = series.diff(dim=1, prepend=series.new_full((len(series), 1), torch.nan))
    known = ~steps.isnan()
    steps = steps.nan_to_num(0.0)
    mean_square = steps.square().sum(1, keepdim=True) / known.sum(1, keepdim=True).clamp(min=1)  # (B, 1)
    return steps / mean_square.sqrt().clamp(min=1e-6)


def extent(observed: Tensor) -> Tensor | None:
    """From the first to the last observed step of a series: (B, T) bool -> (T, B, 1); None where none is padded."""
    seen, left = observed.cumsum(1), observed.flip(1).cumsum(1).flip(1)
    inside = (seen > 0) & (left > 0)  # (B, T)
    return None if inside.all() else inside.T.unsqueeze(2)


class Block(nn.Module):
    """GELU, convolution, GELU, convolution, plus the input; taken with others, see `residual_blocks`."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = DilatedConvolution(width, width, dilation)
        self.second = DilatedConvolution(width, width, dilation)


class MaxOverTimeBlock(nn.Module):
    """The widening last block and the maximum over time: (T, B, C) -> (B, D).

    Of its (T, B, D) outputs only the winners of the maximum, at most D a series, have a gradient. They are found
    without recording, then computed again from the few rows they depend on: the same gradient for less than
    differentiating the most expensive block at every step. Of short series most steps win, and that takes longer.
    """

    def __init__(self, width: int, output: int, dilation: int) -> None:
        super().__init__()
        self.first = DilatedConvolution(width, output, dilation)
        self.second = DilatedConvolution(output, output, dilation)
        self.shortcut = nn.Linear(width, output)  # a convolution of kernel 1

    def forward(self, x: Tensor, observed: Tensor, inside: Tensor | None = None) -> Tensor:
        """observed: (T, B) bool, steps that may win; inside: (T, B, 1) bool, see `extent`."""
        if len(x) <= _SHORT:
            return maximum_over_time(_without(self._changing(x, inside), observed)) + self._constant()
        with torch.no_grad():
            values, times = self._winners(x, observed, inside)
        return self._rows(x, times, inside) if torch.is_grad_enabled() else values + self._constant()

    def per_step(self, x: Tensor, inside: Tensor | None = None, steps: slice = slice(None)) -> Tensor:
        """The block alone at `steps`, without the maximum: (T, B, C) -> (T, B, D)."""
        alone = self.first.dilation >= len(x)  # no step depends on another
        y = self._changing(x[steps] if alone else x, None if alone else inside)
        return (y if alone else y[steps]) + self._constant()

    def _changing(self, x: Tensor, inside: Tensor | None) -> Tensor:
        """What changes from step to step: (T, B, C) -> (T, B, D)."""
        mask = None if inside is None else inside.to(x.dtype)
        return widening_block(x, self.first, self.second, self.shortcut.weight, mask)

    def _constant(self) -> Tensor:
        """What is the same at all steps, and decides about no maximum: (D,)."""
        return self.second.bias + self.shortcut.bias

    def _winners(self, x: Tensor, observed: Tensor, inside: Tensor | None) -> tuple[Tensor, Tensor]:
        """The maxima over time (B, D) and when they occur (B, D)."""
        steps, batch, _ = x.shape
        # Where no tap but the centre falls inside, steps do not see each other: pieces that stay in the cache.
        rows = _ROWS // 2 if x.device.type == "cpu" else _MANY_ROWS
        alone = self.first.dilation >= steps
        piece = max(1, rows // batch) if alone else steps
        values, times = [], []
        for start, chunk, observed_chunk in zip(
            range(0, steps, piece), x.split(piece), observed.split(piece), strict=True
        ):
            value, time = _without(self._changing(chunk, None if alone else inside), observed_chunk).max(0)  # (B, D)
            values.append(value)
            times.append(time + start)
        best, which = torch.stack(values).max(0)
        return best, torch.stack(times).gather(0, which.unsqueeze(0)).squeeze(0)

    def _rows(self, x: Tensor, times: Tensor, inside: Tensor | None) -> Tensor:
        """The block's output at `times` (B, D) only, with gradients."""
        steps, batch, _ = x.shape
        flat = times * batch + torch.arange(batch, device=x.device).unsqueeze(1)  # rows of x seen as (T * B, C)
        rows, place = flat.unique(return_inverse=True)  # (R,), (B, D)
        rows = _padded(rows, x.dtype)
        taps = self.second.taps(rows, steps, batch)  # (R, k): rows of the hidden layer each row needs
        hidden_rows, hidden_place = taps.unique(return_inverse=True)
        if hidden_rows[-1] == steps * batch:  # the row of zeros that stands for a tap outside the series
            hidden_rows = hidden_rows[:-1]
        flat_x = x.flatten(0, 1)  # (T * B, C)
        hidden_taps = self.first.taps(_padded(hidden_rows, x.dtype), steps, batch)
        hidden = self.first.at(gelu(flat_x), hidden_taps)[: len(hidden_rows)]  # (H, D)
        if inside is not None:
            hidden = hidden * inside.flatten()[hidden_rows].unsqueeze(1)
        y = self.second.at(gelu(hidden), hidden_place) + self.shortcut(flat_x[rows])  # (R, D)
        return y[place, torch.arange(y.shape[1], device=x.device)]  # (B, D)


def _without(y: Tensor, observed: Tensor) -> Tensor:
    """Steps that are not observed (T, B) lose every maximum: (T, B, D) -> (T, B, D)."""
    return y if observed.all() else y.masked_fill(~observed.unsqueeze(-1), -torch.inf)


def _padded(rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Rows (R,) for products of that type, the last of them repeated to a few round sizes.

    Products of reduced precision are compiled for each shape, which takes longer than the product.
    """
    size = len(rows) if dtype == torch.float32 else -(-len(rows) // _ROUND) * _ROUND
    return torch.cat((rows, rows[-1:].expand(size - len(rows)))) if size > len(rows) else rows
