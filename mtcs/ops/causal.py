"""Equal to LeakyReLU(conv1d(LeakyReLU(conv1d(x)))) + residual, both causal, of kernel 3 and the same dilation."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import leaky_relu

_SLOPE = 0.01  # of LeakyReLU below zero

Kernels: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]  # weight (3, C', C) and bias (C',) of two convolutions


def causal_block(x: Tensor, residual: Tensor | None, kernels: Kernels, dilation: int) -> Tensor:
    """Two convolutions as matrix products on shifted slices, in x's precision, plus `residual` or the input itself.

    x: (C, T, B) -> (C', T, B).
    """
    return _Block.apply(x, residual, *(tensor.to(x.dtype) for tensor in kernels), dilation)


class _Block(torch.autograd.Function):
    """`causal_block`, its gradients written out."""

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
