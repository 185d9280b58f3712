"""The maximum over time: several times as fast on a CPU as `max`, which finds a winner, or `amax` with its gradient."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def maximum_over_time(y: Tensor) -> Tensor:
    """Equal to `y.amax(0)`, several winners sharing the gradient: (T, B, D) -> (B, D)."""
    return _Maximum.apply(y)


class _Maximum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y: Tensor) -> Tensor:
        best = y.amax(0)
        ctx.save_for_backward(y, best)
        return best

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]  # as torch documents it
        y, best = ctx.saved_tensors
        wins = torch.eq(y, best, out=torch.empty_like(y))  # (T, B, D) of 0 and 1
        return wins.mul_(grads[0] / wins.sum(0))
