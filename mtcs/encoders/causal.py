"""The causal dilated encoder of T-Loss (Franceschi et al., NeurIPS 2019)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.linalg import vector_norm

from mtcs.ops.causal import Kernels, causal_block

_ROWS = 4096  # time steps of a batch that a CPU takes through all layers at once, so that they stay in its cache


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
            pooled = torch.cat([self._pooled(chunk, kernels, dtype) for chunk in series.split(size)])  # (B, P)
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
        outputs = []
        for depth, same_depth in enumerate(columns.split(depths.bincount().tolist())):
            if len(same_depth):
                taps = same_depth - back * torch.arange(depth, -1, -1, device=x.device).unsqueeze(1)  # (depth + 1, N')
                short = x.flatten(1).index_select(1, taps.flatten()).unflatten(1, taps.shape)  # (C, depth + 1, N')
                outputs.append(self.last(short, kernels, 1)[:, -1])  # (P, N')
        return torch.cat(outputs, 1).gather(1, place)  # (P, B)


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
        return causal_block(x, residual, kernels, dilation)


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
