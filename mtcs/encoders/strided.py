"""The dilated encoder at every 2^k-th step: its output itself, not an approximation, at a fraction of its cost.

From the block with dilation 2^k on only those steps see one another, and before it half of the steps fall away with
every block.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import gelu

from mtcs.encoders.dilated import Block, DilatedEncoder, MaxOverTimeBlock, extent
from mtcs.ops.strided_convolution import convolve


def encode_every(encoder: DilatedEncoder, series: Tensor, start: int, stride: int) -> Tensor:
    """The encoder's output at steps start, start + stride, ...: what `per_step` gives there, much cheaper.

    series: (B, T), NaN where padded or missing. stride: a power of two, at most 2^depth; start: less than that.
    Returns (P, B, D).
    """
    observed = ~series.T.unsqueeze(-1).isnan()  # (T, B, 1)
    x = series.T.unsqueeze(-1).nan_to_num(0.0) * encoder.projection.weight.squeeze(1) + encoder.projection.bias
    if not observed.all():
        x = x * observed
    inside = extent(observed.squeeze(2).T)  # (T, B, 1)
    if torch.is_autocast_enabled(x.device.type):
        x = x.to(torch.get_autocast_dtype(x.device.type))
    row_stride = 1  # steps of the series from one row of x to the next
    for block in (*encoder.blocks, encoder.last):
        assert isinstance(block, Block | MaxOverTimeBlock)
        dilation = block.first.dilation // row_stride
        keep = (start // row_stride % 2, 2) if row_stride < stride else (0, 1)
        hidden = convolve(block.first, gelu(x), dilation)
        hidden = gelu(hidden if inside is None else hidden * inside)
        shortcut = block.shortcut(x) if isinstance(block, MaxOverTimeBlock) else x
        x = convolve(block.second, hidden, dilation, *keep, shortcut)
        if inside is not None:
            inside = inside[keep[0] :: keep[1]]
            x = x * inside if isinstance(block, Block) else x
        row_stride = min(2 * row_stride, stride)
    return x
