"""T-Loss's encoder against its plain formulation: causal convolutions over (1, C, T) and a maximum over time."""

import copy

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv1d

from mtcs.encoders import causal as module
from mtcs.encoders.causal import CausalEncoder
from tests.encoders.two_routes import assert_close, gradients, make_series


def plain_convolution(layer, x: Tensor, dilation: int) -> Tensor:
    """(1, C, T) -> (1, C', T), the weights normalised one output channel after the other."""
    weight = torch.stack(
        [
            layer.gain[c] * layer.direction[:, c] / (layer.direction[:, c] ** 2).sum().sqrt()
            for c in range(len(layer.gain))
        ]
    )  # (C', 3, C)
    padded = torch.cat((x.new_zeros(1, x.shape[1], 2 * dilation), x), 2)
    y = conv1d(padded, weight.transpose(1, 2), layer.bias, dilation=dilation)
    return torch.where(y > 0, y, 0.01 * y)


def plain_encoder(encoder: CausalEncoder, series: Tensor) -> Tensor:
    """The encoder in its usual formulation, one series after the other: (B, T) -> (B, D)."""
    result = []
    for one in series:
        x = one.nan_to_num(0.0).view(1, 1, -1)
        for i, block in enumerate((*encoder.blocks, encoder.last)):
            residual = x
            if block.shortcut is not None:
                residual = conv1d(x, block.shortcut.weight.unsqueeze(2), block.shortcut.bias)
            hidden = plain_convolution(block.first, x, 2**i)
            x = plain_convolution(block.second, hidden, 2**i) + residual
        result.append(encoder.linear(x[0, :, ~one.isnan()].max(1).values))
    return torch.stack(result)


# With depth 3 the last dilation is 8: up to length 8 a step of the last block sees itself alone, from 33 all five taps.
@pytest.mark.parametrize("missing", ["none", "inside", "at the end"])
@pytest.mark.parametrize("length", [3, 8, 9, 16, 17, 24, 25, 32, 33, 40])
def test_the_encoder_and_all_gradients_equal_the_plain_formulation(length, missing):
    torch.manual_seed(0)
    encoder, series = CausalEncoder(3, 6, 10, 12).double(), make_series(4, length, missing).double()
    other = copy.deepcopy(encoder)
    ours, plain = encoder(series), plain_encoder(other, series)
    weights = torch.linspace(-1, 1, ours.numel(), dtype=torch.float64).view_as(ours)
    (ours * weights).sum().backward()
    (plain * weights).sum().backward()
    assert_close(
        {"representations": ours.detach(), **gradients(encoder)},
        {"representations": plain.detach(), **gradients(other)},
        tolerance=1e-10,
    )


def test_pieces_of_a_batch_give_the_same_as_the_whole(monkeypatch):
    torch.manual_seed(0)
    encoder, series = CausalEncoder(3, 6, 10, 12), make_series(7, 30, "inside")
    result = []
    for rows in (1, 60, 10_000):
        monkeypatch.setattr(module, "_ROWS", rows)
        encoder.zero_grad()
        representations = encoder(series)
        representations.square().sum().backward()
        result.append({"representations": representations.detach(), **gradients(encoder)})
    assert_close(result[0], result[2])
    assert_close(result[1], result[2])


def test_a_tie_of_the_maximum_passes_the_gradient_to_one_step():
    torch.manual_seed(0)
    encoder = CausalEncoder(2, 4, 6, 5)
    encoder(torch.zeros(2, 3)).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters())
