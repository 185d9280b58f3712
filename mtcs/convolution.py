"""Dilated convolutions of kernel 3 over time and residual blocks of two, forward and backward written out.

There are two layouts, told apart by which axis time is. 0: (T, B, C), where a tap of a convolution is a contiguous
slice, so that it is three matrix products, and a tap that falls outside a short series costs nothing. 1: (B, T, C),
images (B, C, 1, T) with channels last in memory, of which oneDNN and cuDNN take all taps at once. In reduced precision
on a CPU that takes half the time; in fp32 it takes as long, and would be compiled for every new length.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d, gelu


class DilatedConvolution(nn.Module):
    """A convolution of kernel 3 over time that keeps the length, initialised as `nn.Conv1d` is.

    weight: (3, C, C'), the taps at t - dilation, t and t + dilation.
    """

    def __init__(self, width: int, output: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        bound = 1 / math.sqrt(3 * width)
        self.weight = nn.Parameter(torch.empty(3, width, output).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(output).uniform_(-bound, bound))

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """(T, B, C) -> (T, B, C'), plus `residual` of that shape."""
        return _Convolution.apply(x, self.weight, self.bias, residual, self.dilation)

    def taps(self, rows: Tensor, steps: int, batch: int) -> Tensor:
        """Rows of a (T * B, C) input that `rows` (R,) of the output depend on: (R, 1) where the dilation passes
        the length, else (R, 3) with T * B for a tap outside the series.
        """
        if self.dilation >= steps:
            return rows.unsqueeze(1)
        shift = self.dilation * batch
        taps = torch.stack((rows - shift, rows, rows + shift), 1)  # (R, 3)
        return taps.where((taps >= 0) & (taps < steps * batch), steps * batch)

    def at(self, x: Tensor, taps: Tensor) -> Tensor:
        """The convolution at single rows: x (N, C), taps (R, k) with N for a row of zeros -> (R, C')."""
        if taps.shape[1] == 1:
            return torch.addmm(self.bias.to(x.dtype), x[taps[:, 0]], self.weight[1].to(x.dtype))
        x = torch.cat((x, x.new_zeros(1, x.shape[1])))
        weight = self.weight.to(x.dtype).flatten(0, 1)
        return torch.addmm(self.bias.to(x.dtype), x[taps].flatten(1), weight)


def residual_block(x: Tensor, first: DilatedConvolution, second: DilatedConvolution, time: int) -> Tensor:
    """GELU, convolution, GELU, convolution of the same dilation, plus the input.

    x: (T, B, C), or (B, T, C) where `time`, the axis of time, is 1. Returns a tensor like it.
    """
    return _ResidualBlock.apply(x, first.weight, first.bias, second.weight, second.bias, first.dilation, time)


class _Convolution(torch.autograd.Function):
    """`DilatedConvolution` in x's precision."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, residual: Tensor | None, d: int) -> Tensor:
        ctx.kept, ctx.dilation, ctx.has_residual = weight.dtype, d, residual is not None
        weight = _taps(weight, x, d, 0)
        y = _convolve(x, weight, bias, d, 0)
        if residual is not None:
            y += residual
        ctx.save_for_backward(x, weight)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]  # as torch documents it
        grad, (x, weight) = grads[0].contiguous(), ctx.saved_tensors
        grad_x, *others = _gradients(grad, x, weight, ctx.dilation, 0, ctx.kept)
        return grad_x, *others, grad if ctx.has_residual else None, None


class _ResidualBlock(torch.autograd.Function):
    """`residual_block` in x's precision."""

    @staticmethod
    def forward(ctx, x: Tensor, *parameters) -> Tensor:
        weight_1, bias_1, weight_2, bias_2, d, time = parameters
        ctx.kept, ctx.dilation, ctx.time = weight_1.dtype, d, time
        weight_1, weight_2 = (_taps(weight, x, d, time) for weight in (weight_1, weight_2))
        inner_1 = gelu(x)
        hidden = _convolve(inner_1, weight_1, bias_1, d, time)
        inner_2 = gelu(hidden)
        y = _convolve(inner_2, weight_2, bias_2, d, time)
        y += x
        ctx.save_for_backward(x, inner_1, hidden, inner_2, weight_1, weight_2)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]  # as torch documents it
        x, inner_1, hidden, inner_2, weight_1, weight_2 = ctx.saved_tensors
        grad = grads[0].contiguous()
        grad_2, *second = _gradients(grad, inner_2, weight_2, ctx.dilation, ctx.time, ctx.kept)
        _through_gelu(grad_2, hidden)
        grad_1, *first = _gradients(grad_2, inner_1, weight_1, ctx.dilation, ctx.time, ctx.kept)
        _through_gelu(grad_1, x)
        grad_1 += grad
        return grad_1, *first, *second, None, None


def _through_gelu(grad: Tensor, x: Tensor) -> None:
    """The gradient of gelu(x) becomes, in place, that of x."""
    torch.ops.aten.gelu_backward.grad_input(grad, x, grad_input=grad)


def _taps(weight: Tensor, x: Tensor, d: int, time: int) -> Tensor:
    """The taps (3, C, C') that reach into a series, in x's precision and as `_convolve` takes them.

    (C, C'), the middle one, where the dilation passes the length; else (3, C, C') or, where time is axis 1, (C', 3, C).
    """
    if d >= x.shape[time]:
        return weight[1].to(x.dtype)
    weight = weight.permute(2, 0, 1) if time else weight
    return weight.to(x.dtype, memory_format=torch.contiguous_format)


def _convolve(x: Tensor, taps: Tensor, bias: Tensor, d: int, time: int) -> Tensor:
    bias = bias.to(x.dtype)
    if time and d < x.shape[time]:
        y = conv2d(_images(x), _images(taps), bias, padding=(0, d), dilation=(1, d))
        return _series(y).contiguous()
    y = torch.addmm(bias, x.flatten(0, 1), taps if d >= x.shape[time] else taps[1]).view(*x.shape[:2], -1)
    if d < x.shape[time]:
        y[d:].flatten(0, 1).addmm_(x[:-d].flatten(0, 1), taps[0])
        y[:-d].flatten(0, 1).addmm_(x[d:].flatten(0, 1), taps[2])
    return y


def _gradients(
    grad: Tensor, x: Tensor, taps: Tensor, d: int, time: int, kept: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """Of x, of the whole weight (3, C, C') and of the bias, the last two in the precision in which they are kept."""
    if time and d < x.shape[time]:
        grad_x, grad_taps, grad_bias = torch.ops.aten.convolution_backward(
            _images(grad), _images(x), _images(taps),
            [grad.shape[2]], [1, 1], [0, d], [1, d], False, [0, 0], 1, [True, True, True],
        )  # fmt: skip
        grad_weight = _series(grad_taps).permute(1, 2, 0).to(kept, memory_format=torch.contiguous_format)
        return _series(grad_x).contiguous(), grad_weight, grad_bias.to(kept)
    rows, grad_rows = x.flatten(0, 1), grad.flatten(0, 1)
    grad_bias = grad_rows.sum(0).to(kept)
    if d >= x.shape[time]:
        grad_weight = taps.new_zeros(3, *taps.shape, dtype=kept)
        grad_weight[1] = rows.T @ grad_rows
        return (grad_rows @ taps.T).view_as(x), grad_weight, grad_bias
    ahead, behind = grad[d:].flatten(0, 1), grad[:-d].flatten(0, 1)
    grad_x, grad_taps = (grad_rows @ taps[1].T).view_as(x), torch.empty_like(taps)
    grad_x[:-d].flatten(0, 1).addmm_(ahead, taps[0].T)
    grad_x[d:].flatten(0, 1).addmm_(behind, taps[2].T)
    torch.mm(x[:-d].flatten(0, 1).T, ahead, out=grad_taps[0])
    torch.mm(rows.T, grad_rows, out=grad_taps[1])
    torch.mm(x[d:].flatten(0, 1).T, behind, out=grad_taps[2])
    return grad_x, grad_taps.to(kept), grad_bias


def _images(x: Tensor) -> Tensor:
    """(B, T, C) -> (B, C, 1, T), the same memory."""
    return x.transpose(1, 2).unsqueeze(2)


def _series(images: Tensor) -> Tensor:
    """(B, C, 1, T) -> (B, T, C)."""
    return images.squeeze(2).transpose(1, 2)
