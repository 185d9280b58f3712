"""A dilated convolution, as `nn.Conv1d`, at every second, or every, step of its input."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mtcs.ops.convolution import DilatedConvolution


def convolve(
    layer: DilatedConvolution, x: Tensor, dilation: int, first: int = 0, every: int = 1, residual: Tensor | None = None
) -> Tensor:
    """The layer, with a dilation of its own, at steps first, first + every, ...: (T, B, C) -> (P, B, C').

    residual: (T, B, C'), added.
    """
    weight, bias = layer.weight.to(x.dtype), layer.bias.to(x.dtype)
    kept = x[first::every]
    start = bias.expand(*kept.shape[:2], -1) if residual is None else residual[first::every] + bias
    return _Convolve.apply(x, weight, start, dilation, first, every)


class _Convolve(torch.autograd.Function):
    """Three matrix products on slices of time, one for each tap, with their gradients written out."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, start: Tensor, *where: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.where = where
        y = start.clone(memory_format=torch.contiguous_format)
        for tap, target, source in _taps(len(x), *where):
            y[target].flatten(0, 1).addmm_(x[source].flatten(0, 1), weight[tap])
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]  # as torch documents it
        x, weight = ctx.saved_tensors
        grad = grads[0].contiguous()
        grad_x, grad_weight = torch.zeros_like(x), torch.zeros_like(weight)
        for tap, target, source in _taps(len(x), *ctx.where):
            rows = grad[target].flatten(0, 1)
            torch.mm(x[source].flatten(0, 1).T, rows, out=grad_weight[tap])
            grad_x[source] += (rows @ weight[tap].T).view_as(grad_x[source])
        return grad_x, grad_weight, grad, None, None, None


def _taps(steps: int, dilation: int, first: int, every: int) -> Iterator[tuple[int, slice, slice]]:
    """Each tap with the rows of the output it reaches and the rows of the input (steps) it reads for them."""
    for tap, shift in enumerate((-dilation, 0, dilation)):
        skipped = max(0, -((first + shift) // every))  # outputs whose tap is before the first step
        source = range(first + shift + every * skipped, min(steps, steps + shift), every)
        if source:
            yield tap, slice(skipped, skipped + len(source)), slice(source.start, source.stop, every)
