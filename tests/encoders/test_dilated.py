"""The encoder against its plain formulation: dilated convolutions over (B, C, T) and a masked maximum over time."""

import copy
import weakref
from collections import defaultdict
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn.functional import conv1d, gelu, pad
from torch.utils._python_dispatch import TorchDispatchMode

from mtcs.encoders import dilated as module
from mtcs.encoders.dilated import DilatedEncoder, MaxOverTimeBlock, first_difference
from mtcs.ops.convolution import DilatedConvolution, residual_blocks, widening_block
from mtcs.ops.maximum import maximum_over_time
from tests.encoders.two_routes import apart, assert_close, gradients, make_series


def plain_convolution(layer: DilatedConvolution, x: Tensor) -> Tensor:
    weight = layer.weight.permute(2, 1, 0)  # (C', C, 3)
    return conv1d(x, weight, layer.bias, padding=layer.dilation, dilation=layer.dilation)


def plain_block(block, x: Tensor) -> Tensor:
    shortcut = block.shortcut(x.transpose(1, 2)).transpose(1, 2) if isinstance(block, MaxOverTimeBlock) else x
    return plain_convolution(block.second, gelu(plain_convolution(block.first, gelu(x)))) + shortcut


def plain_steps(encoder: DilatedEncoder, series: Tensor, keep: Tensor | None = None) -> Tensor:
    """One series after the other, each from its first to its last observed step; zero where it is padded."""
    rows = []
    for i, one in enumerate(series):
        inside = (~one.isnan()).nonzero().squeeze(1)
        first, last = int(inside[0]), int(inside[-1])
        one = one[None, first : last + 1]
        visible = ~one.isnan() if keep is None else ~one.isnan() & keep[i, first : last + 1]
        inputs = [one.nan_to_num(0.0), first_difference(one)] if encoder.difference else [one.nan_to_num(0.0)]
        x = encoder.projection(torch.stack(inputs, -1)).transpose(1, 2) * visible.unsqueeze(1)  # (1, C, L)
        for block in (*encoder.blocks, encoder.last):
            x = plain_block(block, x)
        rows.append(pad(x, (first, series.shape[1] - 1 - last)))
    return torch.cat(rows).transpose(1, 2)  # (B, T, D)


def plain_encoder(encoder: DilatedEncoder, series: Tensor) -> Tensor:
    return plain_steps(encoder, series).masked_fill(series.isnan().unsqueeze(-1), -torch.inf).max(1).values  # (B, D)


def make(depth: int = 3, hidden: int = 8, output: int = 12, seed: int = 0) -> DilatedEncoder:
    torch.manual_seed(seed)
    return DilatedEncoder(depth, hidden, output)


def outputs_and_gradients(encode, encoder: DilatedEncoder, series: Tensor) -> dict[str, Tensor]:
    """The representations, and the gradients of a loss that weighs every entry of them differently."""
    series = series.clone().requires_grad_()
    result = encode(series).to(series.dtype)
    weights = torch.linspace(-1, 1, result.numel(), dtype=result.dtype).view_as(result)
    encoder.zero_grad()
    (result * weights).sum().backward()
    return {"representations": result.detach(), "series": series.grad, **gradients(encoder)}


def assert_equals_plain(encoder: DilatedEncoder, series: Tensor, tolerance: float = 1e-5) -> None:
    exact = copy.deepcopy(encoder).double()
    ours = outputs_and_gradients(encoder, encoder, series)
    plain = outputs_and_gradients(lambda x: plain_encoder(exact, x), exact, series.double())
    assert all(gradient is not None for gradient in ours.values())
    assert_close(ours, plain, tolerance)


# With depth 3 the last dilation is 8.
@pytest.mark.parametrize("short", [0, 100])  # the last block is differentiated at the winners only, and at every step
@pytest.mark.parametrize("missing", ["none", "inside", "at the end"])
@pytest.mark.parametrize("length", [3, 4, 7, 8, 9, 15, 16, 17, 40])
def test_outputs_and_all_gradients_equal_the_plain_formulation(monkeypatch, length, missing, short):
    monkeypatch.setattr(module, "_SHORT", short)
    assert_equals_plain(make(), make_series(5, length, missing))


@pytest.mark.parametrize("length", [46, 1250])
def test_at_full_size_too(length):
    assert_equals_plain(DilatedEncoder(), make_series(3, length, "inside"))


@pytest.mark.parametrize("batch", [1, 4])
def test_a_single_step_is_enough(batch):
    assert_equals_plain(make(), make_series(batch, 1))


@pytest.mark.parametrize("short", [0, 100])
def test_without_gradients_the_representations_are_the_same(monkeypatch, short):
    monkeypatch.setattr(module, "_SHORT", short)
    encoder, series = make(), make_series(5, 30, "at the end")
    with torch.inference_mode():
        inferred = encoder(series)
    torch.testing.assert_close(inferred, encoder(series).detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("missing", ["none", "at the end"])
@pytest.mark.parametrize("length", [6, 25])  # below and above the last dilation
def test_taking_a_batch_in_parts_changes_nothing(monkeypatch, length, missing):
    encoder, series = make(), make_series(7, length, missing)
    complete = outputs_and_gradients(encoder, encoder, series)
    for rows in (1, 2 * length, 3 * length + 1):
        monkeypatch.setattr(module, "_ROWS", rows)
        assert_close(outputs_and_gradients(encoder, encoder, series), complete)


def test_a_series_has_the_same_representation_alone_or_in_a_batch():
    encoder, series = make(), make_series(6, 33, "at the end")
    alone = torch.cat([encoder(one.unsqueeze(0)) for one in series])
    torch.testing.assert_close(alone, encoder(series), rtol=1e-5, atol=1e-6)


def test_what_stands_for_missing_steps_has_no_influence():
    encoder, series = make(), make_series(4, 20)
    padded = torch.cat((series, torch.full((4, 13), torch.nan)), 1)
    exact = copy.deepcopy(encoder).double()
    torch.testing.assert_close(encoder(padded), plain_encoder(exact, padded.double()).float(), rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        encoder.projection.bias.fill_(100.0)  # would show where padding were not zero after the projection
    exact = copy.deepcopy(encoder).double()
    torch.testing.assert_close(encoder(padded), plain_encoder(exact, padded.double()).float(), rtol=1e-5, atol=1e-4)


def test_the_input_is_not_written():
    encoder, series = make(), make_series(4, 20, "inside")
    before = series.clone()
    encoder(series).sum().backward()
    torch.testing.assert_close(series, before, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("length", [46, 300])
def test_bf16_is_as_near_to_fp32_as_the_plain_formulation_in_bf16(length):
    ours, plain = defaultdict(float), defaultdict(float)  # errors by tensor, relative to its norm
    for seed in range(4):
        torch.manual_seed(seed)
        encoder, series = DilatedEncoder(), make_series(8, length, "inside", seed)
        full = outputs_and_gradients(encoder, encoder, series)
        with torch.autocast("cpu", torch.bfloat16):
            result = outputs_and_gradients(encoder, encoder, series)
            allowed = outputs_and_gradients(partial(plain_encoder, encoder), encoder, series)
        assert {tensor.dtype for tensor in result.values()} == {torch.float32}
        assert apart(result, full)["representations"] < 0.02
        for name, expected in full.items():
            # A rounded maximum may have another winner, so single entries may differ: compare tensors as a whole.
            ours[name] += float((result[name] - expected).norm() / expected.norm())
            plain[name] += float((allowed[name] - expected).norm() / expected.norm())
    # A single tensor's error depends on how sums happen to round; taken together the tensors tell much the same.
    assert sum(ours.values()) <= 1.4 * sum(plain.values()), (ours, plain)
    assert all(ours[name] <= 2 * plain[name] for name in ours), (ours, plain)


def plain_two(x: Tensor, first: DilatedConvolution, second: DilatedConvolution) -> Tensor:
    """(B, C, T) -> (B, C', T)."""
    return plain_convolution(second, gelu(plain_convolution(first, gelu(x))))


@pytest.mark.parametrize("dilation", [1, 3, 4, 5, 7])  # up to, at and past the length
def test_a_widening_block_and_its_gradients(dilation):
    torch.manual_seed(0)
    first, second = DilatedConvolution(3, 4, dilation).double(), DilatedConvolution(4, 4, dilation).double()
    x, shortcut = (torch.randn(*size, dtype=torch.float64, requires_grad=True) for size in ((5, 2, 3), (4, 3)))
    result = widening_block(x, first, second, shortcut) + second.bias
    channels = (1, 2, 0)  # (B, C, T)
    expected = plain_two(x.permute(channels), first, second) + (x @ shortcut.T).permute(channels)
    torch.testing.assert_close(result.permute(channels), expected)
    parameters = (*first.parameters(), second.weight)
    assert gradcheck(lambda x, shortcut, *_: widening_block(x, first, second, shortcut), (x, shortcut, *parameters))


@pytest.mark.parametrize("time", [0, 1])
@pytest.mark.parametrize("dilation", [1, 3, 4, 5, 7])  # up to, at and past the length
def test_residual_blocks_and_their_gradients_in_both_layouts(time, dilation):
    torch.manual_seed(0)
    pairs = [(DilatedConvolution(3, 3, d).double(), DilatedConvolution(3, 3, d).double()) for d in (dilation, 2)]
    parameters = [parameter for pair in pairs for layer in pair for parameter in layer.parameters()]
    x = torch.randn((2, 5, 3) if time else (5, 2, 3), dtype=torch.float64, requires_grad=True)
    expected = x.permute(channels := (0, 2, 1) if time else (1, 2, 0))  # (B, C, T)
    for pair in pairs:
        expected = plain_two(expected, *pair) + expected
    torch.testing.assert_close(residual_blocks(x, pairs, time).permute(channels), expected)
    assert gradcheck(lambda x, *_: residual_blocks(x, pairs, time), (x, *parameters))


def test_the_winners_of_a_maximum_share_its_gradient():
    y = torch.tensor([[1.0, 3.0], [2.0, 3.0], [2.0, 0.0], [2.0, -torch.inf]]).unsqueeze(1)  # (T, B, D)
    y = y.requires_grad_()
    best = maximum_over_time(y)
    assert best.tolist() == [[2.0, 3.0]]
    (best * torch.tensor([6.0, 4.0])).sum().backward()
    assert y.grad.squeeze(1).T.tolist() == [[0.0, 2.0, 2.0, 2.0], [2.0, 2.0, 0.0, 0.0]]


@pytest.mark.parametrize("dilation", [2, 6])  # inside the series, and past its end
def test_gradients_of_the_last_block_in_double(dilation):
    torch.manual_seed(0)
    block = MaxOverTimeBlock(3, 4, dilation).double()
    x = torch.randn(6, 2, 3, dtype=torch.float64, requires_grad=True)
    observed = torch.ones(6, 2, dtype=torch.bool)
    observed[4:, 1] = False
    assert gradcheck(lambda x, *_: block(x, observed), (x, *block.parameters()))


def test_the_published_size_has_637248_parameters():
    assert sum(parameter.numel() for parameter in DilatedEncoder().parameters()) == 637_248


def test_initial_weights_are_those_of_a_convolution():
    """Uniform within 1 / sqrt(3 C), as `nn.Conv1d` draws them."""
    torch.manual_seed(0)
    for layer in (DilatedConvolution(64, 64, 1), torch.nn.Conv1d(64, 64, 3)):
        bound = (3 * 64) ** -0.5
        for parameter in (layer.weight.detach(), layer.bias.detach()):
            assert parameter.abs().max() <= bound
            assert float(parameter.std()) == pytest.approx(bound / 3**0.5, rel=0.15)


# Every step


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("length", [3, 8, 17, 40])
def test_every_step_and_its_gradients_equal_the_plain_formulation(length, masked):
    encoder, series = make(), make_series(5, length, "inside")
    exact = copy.deepcopy(encoder).double()
    keep = torch.rand(5, length, generator=torch.Generator().manual_seed(1)) < 0.5 if masked else None
    seen = ~series.isnan().unsqueeze(2)  # the output at other steps means nothing
    ours = outputs_and_gradients(lambda x: encoder.per_step(x, keep) * seen, encoder, series)
    plain = outputs_and_gradients(lambda x: plain_steps(exact, x, keep) * seen, exact, series.double())
    assert ours["representations"].shape == (5, length, 12)
    assert_close(ours, plain)


def test_the_maximum_of_every_step_is_the_representation():
    encoder, series = make(), make_series(5, 23, "at the end")
    steps = encoder.per_step(series).masked_fill(series.isnan().unsqueeze(-1), -torch.inf)
    torch.testing.assert_close(steps.max(1).values, encoder(series))


def test_a_masked_step_counts_as_one_that_was_not_observed():
    encoder, series = make(), make_series(4, 20)
    keep = torch.ones(4, 20, dtype=torch.bool)
    keep[1, 5:9] = False
    missing = series.masked_fill(~keep, torch.nan)
    torch.testing.assert_close(encoder.per_step(series, keep), encoder.per_step(missing), rtol=0, atol=0)


class Alive(TorchDispatchMode):
    """Counts how many outputs of GELU are held at once."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: list[weakref.ref[Tensor]] = []
        self.most = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket is torch.ops.aten.gelu:
            self.outputs = [output for output in (*self.outputs, weakref.ref(result)) if output() is not None]
            self.most = max(self.most, len(self.outputs))
        return result


@pytest.mark.parametrize("bf16", [True, False])
def test_without_gradients_the_memory_of_a_block_serves_the_next(bf16):
    encoder, series = make(depth=8), make_series(4, 30)
    with Alive() as alive, torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        encoder(series)
        assert alive.most >= 16
    with torch.no_grad(), Alive() as alive, torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        encoder(series)
        assert alive.most <= 4


class Products(TorchDispatchMode):
    """Collects the shapes of matrix products, forward and backward."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: set[tuple[object, ...]] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.addmm):
            self.shapes.add((func, *(arg.shape for arg in args if isinstance(arg, torch.Tensor))))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("bf16", [True, False])
def test_bf16_products_have_the_same_shapes_in_every_step(monkeypatch, bf16):
    """Each shape is compiled by oneDNN; fp32 products, which need no compiling, have as many rows as there are."""
    monkeypatch.setattr(module, "_SHORT", 64)
    encoder, shapes = DilatedEncoder(depth=7, hidden=8, output=16), []
    for seed in range(4):
        series = torch.randn(8, 100, generator=torch.Generator().manual_seed(seed))
        with Products() as result, torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            encoder(series).square().sum().backward()
        shapes.append(result.shapes)
    assert all(one == shapes[0] for one in shapes) == bf16


@pytest.mark.parametrize("length", [40, 300])
def test_padding_is_beyond_the_ends_of_a_series(length):
    """The gradients of a padded batch are the sum of those of its series, each alone at its own length."""
    torch.manual_seed(0)
    encoder = DilatedEncoder(5, 8, 16)
    series = torch.randn(4, length)
    starts, ends = (0, 0, 3, 11), (length, length // 2, length - 9, length - 1)
    for row, start, end in zip(series, starts, ends, strict=True):
        row[:start] = row[end:] = torch.nan
    alone = torch.cat([encoder(r[None, a:b]) for r, a, b in zip(series, starts, ends, strict=True)])
    batch = encoder(series)
    torch.testing.assert_close(batch, alone, rtol=1e-5, atol=1e-5)
    parameters = list(encoder.parameters())
    ours, theirs = (torch.autograd.grad(x.square().sum(), parameters) for x in (batch, alone))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


# The first difference as a second input


def test_first_differences_are_in_units_of_their_own_root_mean_square():
    nan = torch.nan
    result = first_difference(torch.tensor([[0.0, 1, 3, nan, 5, 4], [nan, 2, 2, 2, nan, nan]]))
    rms = ((1 + 4 + 1) / 3) ** 0.5
    expected = torch.tensor([[0, 1 / rms, 2 / rms, 0, 0, -1 / rms], [0.0] * 6])
    torch.testing.assert_close(result, expected)


@pytest.mark.parametrize("missing", ["none", "inside", "at the end"])
@pytest.mark.parametrize("length", [9, 40, 300])
def test_the_encoder_with_differences_is_the_plain_one(missing, length):
    torch.manual_seed(0)
    encoder, series = DilatedEncoder(3, 8, 12, difference=True), make_series(4, length, missing)
    torch.testing.assert_close(encoder(series), plain_encoder(encoder, series), rtol=1e-4, atol=1e-5)
    longer = pad(series, (0, 7), value=torch.nan)
    torch.testing.assert_close(encoder(longer), encoder(series), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(encoder(series[1:2])[0], encoder(series)[1], rtol=1e-4, atol=1e-5)


def test_without_differences_the_weights_are_those_of_before():
    torch.manual_seed(0)
    plain = DilatedEncoder(2, 8, 12).state_dict()
    torch.manual_seed(0)
    assert all(
        torch.equal(plain[name], weight) for name, weight in DilatedEncoder(2, 8, 12, False).state_dict().items()
    )
    assert plain["projection.weight"].shape == (8, 1)
