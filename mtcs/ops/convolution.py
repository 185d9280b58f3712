"""Dilated convolutions of kernel 3 and blocks of two, as of `nn.Conv1d` and `gelu`, forward and backward written out.

There are two layouts, told apart by which axis time is. 0: (T, B, C), where a tap of a convolution is a contiguous
slice, so that it is three matrix products, and a tap that falls outside a short series costs nothing. 1: (B, T, C),
images (B, C, 1, T) with channels last in memory, of which oneDNN and cuDNN take all taps at once. In reduced precision
on a CPU that takes half the time; in fp32 it takes as long, and would be compiled for every new length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d, gelu


class DilatedConvolution(nn.Module):
    """The parameters of a convolution of kernel 3 over time that keeps the length, initialised as `nn.Conv1d`'s are.

    weight: (3, C, C'), the taps at t - dilation, t and t + dilation.
    """

    def __init__(self, width: int, output: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        bound = 1 / math.sqrt(3 * width)
        self.weight = nn.Parameter(torch.empty(3, width, output).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(output).uniform_(-bound, bound))

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


def residual_blocks(
    x: Tensor,
    blocks: Sequence[tuple[DilatedConvolution, DilatedConvolution]],
    time: int,
    inside: Tensor | None = None,
) -> Tensor:
    """Of each pair of one dilation: GELU, convolution, GELU, convolution, plus the input.

    x: (T, B, C), or (B, T, C) where `time`, the axis of time, is 1. Returns a tensor like it.
    inside: like x with one channel, 1 within a series and 0 where it is padded; None where none is. After every
        convolution padding is zero again, like what lies beyond either end of a series that is not padded.
    """
    layers = [layer for pair in blocks for layer in pair]
    dilations = [layer.dilation for layer in layers]
    parameters = [layer.weight for layer in layers] + [layer.bias for layer in layers]
    return _ResidualBlocks.apply(x, inside, time, dilations, torch.is_grad_enabled(), *parameters)


def widening_block(
    x: Tensor, first: DilatedConvolution, second: DilatedConvolution, shortcut: Tensor, inside: Tensor | None = None
) -> Tensor:
    """GELU, convolution, GELU, convolution of the same dilation, plus a linear map of the input (D, C).

    (T, B, C) -> (T, B, D). The bias of the second convolution, the same at all steps, is left to the caller.
    inside: (T, B, 1), see `residual_blocks`; the output where a series is padded means nothing.
    """
    return _WideningBlock.apply(x, inside, first.weight, first.bias, second.weight, shortcut, first.dilation)


class _ResidualBlocks(torch.autograd.Function):
    """`residual_blocks` in x's precision.

    All blocks are one function, and their weights change precision together: with short series, starting an operation
    takes as long as the operation.
    """

    @staticmethod
    def forward(
        ctx, x: Tensor, inside: Tensor | None, time: int, dilations: Sequence[int], record: bool, *parameters: Tensor
    ) -> Tensor:
        ctx.time, ctx.dilations, ctx.kept, ctx.inside = time, dilations, parameters[0].dtype, inside
        weights, biases = parameters[: len(dilations)], parameters[len(dilations) :]
        if time:
            weights, biases = _kernels(weights, x.dtype), torch.stack(biases).to(x.dtype).unbind()
        else:
            weights = [_taps(weight, x, d) for weight, d in zip(weights, dilations, strict=True)]
        convolve, saved = _convolve_images if time else _convolve, []
        for i in range(0, len(dilations), 2):
            inner_1 = gelu(x)
            hidden = _masked_(convolve(inner_1, weights[i], biases[i], dilations[i]), inside)
            inner_2 = gelu(hidden)
            y = _masked_(convolve(inner_2, weights[i + 1], biases[i + 1], dilations[i + 1]), inside)
            y += x
            if record:  # else each block's memory serves the next
                saved += (x, inner_1, hidden, inner_2)
            x = y
        ctx.save_for_backward(*weights, *saved)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]  # as torch documents it
        grad, dilations, inside = grads[0].contiguous(), ctx.dilations, ctx.inside
        weights, saved = ctx.saved_tensors[: len(dilations)], ctx.saved_tensors[len(dilations) :]
        gradients = _gradients_of_images if ctx.time else _gradients
        grad_weights, grad_biases = [], []
        for i in reversed(range(0, len(dilations), 2)):
            x, inner_1, hidden, inner_2 = saved[2 * i : 2 * i + 4]
            grad = grad if inside is None else grad * inside
            grad_2, weight_2, bias_2 = gradients(grad, inner_2, weights[i + 1], dilations[i + 1])
            _through_gelu(_masked_(grad_2, inside), hidden)
            grad_1, weight_1, bias_1 = gradients(grad_2, inner_1, weights[i], dilations[i])
            _through_gelu(grad_1, x)
            grad = grad_1.add_(grad)
            grad_weights += weight_2, weight_1
            grad_biases += bias_2, bias_1
        grad_weights, grad_biases = grad_weights[::-1], grad_biases[::-1]
        if ctx.time:
            grad_weights = _from_kernels(grad_weights, ctx.kept)
            grad_biases = torch.stack(grad_biases).to(ctx.kept).unbind()
        else:
            grad_weights = [_from_taps(taps, ctx.kept) for taps in grad_weights]
        return grad, None, None, None, None, *grad_weights, *grad_biases


class _WideningBlock(torch.autograd.Function):
    """`widening_block` in x's precision."""

    @staticmethod
    def forward(
        ctx,
        x: Tensor,
        inside: Tensor | None,
        weight_1: Tensor,
        bias_1: Tensor,
        weight_2: Tensor,
        shortcut: Tensor,
        d: int,
    ) -> Tensor:
        ctx.dilation, ctx.kept, ctx.inside = d, weight_1.dtype, inside
        weight_1, weight_2, shortcut = _taps(weight_1, x, d), _taps(weight_2, x, d), shortcut.to(x.dtype)
        inner_1 = gelu(x)
        hidden = _masked_(_convolve(inner_1, weight_1, bias_1.to(x.dtype), d), inside)
        inner_2 = gelu(hidden)
        y = (x.flatten(0, 1) @ shortcut.T).view_as(hidden)
        _add_convolution(y, inner_2, weight_2, d)
        ctx.save_for_backward(x, inner_1, hidden, inner_2, weight_1, weight_2, shortcut)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]  # as torch documents it
        x, inner_1, hidden, inner_2, weight_1, weight_2, shortcut = ctx.saved_tensors
        d, grad = ctx.dilation, grads[0].contiguous()
        rows, grad_rows = x.flatten(0, 1), grad.flatten(0, 1)
        grad_shortcut = (rows.T @ grad_rows).T  # several times as fast as the other way about
        grad_2, grad_weight_2 = _gradients_without_bias(grad, inner_2, weight_2, d)
        _through_gelu(_masked_(grad_2, ctx.inside), hidden)
        grad_1, grad_weight_1, grad_bias_1 = _gradients(grad_2, inner_1, weight_1, d)
        _through_gelu(grad_1, x)
        grad_1.flatten(0, 1).addmm_(grad_rows, shortcut)
        kept = ctx.kept
        grad_weights = _from_taps(grad_weight_1, kept), grad_bias_1.to(kept), _from_taps(grad_weight_2, kept)
        return grad_1, None, *grad_weights, grad_shortcut.to(kept), None


def _masked_(x: Tensor, inside: Tensor | None) -> Tensor:
    """X itself, zero from now on where a series is padded."""
    return x if inside is None else x.mul_(inside)


def _through_gelu(grad: Tensor, x: Tensor) -> None:
    """The gradient of gelu(x) becomes, in place, that of x."""
    torch.ops.aten.gelu_backward.grad_input(grad, x, grad_input=grad)


# Series (T, B, C)


def _taps(weight: Tensor, x: Tensor, d: int) -> Tensor:
    """The taps (3, C, C') in x's precision, or the middle one, (1, C, C'), where the dilation passes the length."""
    return (weight if d < len(x) else weight[1:2]).to(x.dtype)


def _from_taps(taps: Tensor, dtype: torch.dtype) -> Tensor:
    """(3, C, C') or (1, C, C') -> (3, C, C')."""
    if len(taps) == 3:
        return taps.to(dtype)
    weight = taps.new_zeros(3, *taps.shape[1:], dtype=dtype)
    weight[1] = taps[0]
    return weight


def _convolve(x: Tensor, taps: Tensor, bias: Tensor, d: int) -> Tensor:
    """(T, B, C) -> (T, B, C')."""
    y = bias.expand(*x.shape[:2], -1).clone(memory_format=torch.contiguous_format)
    _add_convolution(y, x, taps, d)
    return y


def _add_convolution(y: Tensor, x: Tensor, taps: Tensor, d: int) -> None:
    """The convolution of x (T, B, C), without bias, is added to y (T, B, C')."""
    y.flatten(0, 1).addmm_(x.flatten(0, 1), taps[len(taps) // 2])
    if len(taps) == 3:
        y[d:].flatten(0, 1).addmm_(x[:-d].flatten(0, 1), taps[0])
        y[:-d].flatten(0, 1).addmm_(x[d:].flatten(0, 1), taps[2])


def _gradients(grad: Tensor, x: Tensor, taps: Tensor, d: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of `_convolve`'s x, taps and bias."""
    return *_gradients_without_bias(grad, x, taps, d), grad.flatten(0, 1).sum(0)


def _gradients_without_bias(grad: Tensor, x: Tensor, taps: Tensor, d: int) -> tuple[Tensor, Tensor]:
    middle = len(taps) // 2
    rows, grad_rows, grad_taps = x.flatten(0, 1), grad.flatten(0, 1), torch.empty_like(taps)
    grad_x = (grad_rows @ taps[middle].T).view_as(x)
    torch.mm(rows.T, grad_rows, out=grad_taps[middle])
    if len(taps) == 3:
        ahead, behind = grad[d:].flatten(0, 1), grad[:-d].flatten(0, 1)
        grad_x[:-d].flatten(0, 1).addmm_(ahead, taps[0].T)
        grad_x[d:].flatten(0, 1).addmm_(behind, taps[2].T)
        torch.mm(x[:-d].flatten(0, 1).T, ahead, out=grad_taps[0])
        torch.mm(x[d:].flatten(0, 1).T, behind, out=grad_taps[2])
    return grad_x, grad_taps


# Images: series (B, T, C), a kernel (C', 3, C)


def _kernels(weights: Sequence[Tensor], dtype: torch.dtype) -> Sequence[Tensor]:
    """Weights (3, C, C') in another precision -> kernels (C', 3, C)."""
    return torch.stack(list(weights)).permute(0, 3, 1, 2).to(dtype, memory_format=torch.contiguous_format).unbind()


def _from_kernels(kernels: Sequence[Tensor], dtype: torch.dtype) -> Sequence[Tensor]:
    """(C', 3, C) -> (3, C, C')."""
    return torch.stack(list(kernels)).permute(0, 2, 3, 1).to(dtype, memory_format=torch.contiguous_format).unbind()


def _convolve_images(x: Tensor, kernel: Tensor, bias: Tensor, d: int) -> Tensor:
    """(B, T, C) -> (B, T, C')."""
    if d >= x.shape[1]:
        return torch.addmm(bias, x.flatten(0, 1), kernel[:, 1].T).view(*x.shape[:2], -1)
    y = conv2d(_images(x), _images(kernel), bias, padding=(0, d), dilation=(1, d))
    return _series(y).contiguous()


def _gradients_of_images(grad: Tensor, x: Tensor, kernel: Tensor, d: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of `_convolve_images`' x, kernel and bias."""
    if d >= x.shape[1]:
        rows, grad_rows = x.flatten(0, 1), grad.flatten(0, 1)
        grad_kernel = torch.zeros_like(kernel)
        grad_kernel[:, 1] = grad_rows.T @ rows
        return (grad_rows @ kernel[:, 1]).view_as(x), grad_kernel, grad_rows.sum(0)
    grad_x, grad_kernel, grad_bias = torch.ops.aten.convolution_backward(
        _images(grad), _images(x), _images(kernel),
        [len(kernel)], [1, 1], [0, d], [1, d], False, [0, 0], 1, [True, True, True],
    )  # fmt: skip
    return _series(grad_x).contiguous(), _series(grad_kernel), grad_bias


def _images(x: Tensor) -> Tensor:
    """(B, T, C) -> (B, C, 1, T), the same memory."""
    return x.transpose(1, 2).unsqueeze(2)


def _series(images: Tensor) -> Tensor:
    """(B, C, 1, T) -> (B, T, C)."""
    return images.squeeze(2).transpose(1, 2)
