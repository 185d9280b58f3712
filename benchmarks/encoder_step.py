"""Training step of the encoder against its plain formulation: `nn.Conv1d` with dilation, fp32, eager.

    python benchmarks/encoder_step.py [--threads 2] [--repeats 9] [--precision fp32]

Both run in turn in one process on the same weights and input, (32, T); a step is forward, a sum of squares as loss,
backward. Printed are medians, the median of the ratios pair by pair, and the largest difference of any parameter's
gradient, relative to that gradient's largest entry, and the share of the machine's rate of matrix products that ours
reaches (of products as the plain formulation has them). All of it twice: as a process starts, and with
`keep_freed_memory`, which training calls and which makes both faster.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import torch
from roofline import matrix_rate, step_flops
from torch import Tensor, nn
from torch.nn.functional import gelu

from mtcs.encoders.dilated import DilatedEncoder
from mtcs.ops.convolution import DilatedConvolution
from mtcs.ops.memory import keep_freed_memory


class PlainBlock(nn.Module):
    def __init__(self, width: int, output: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, output, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv1d(output, output, 3, padding=dilation, dilation=dilation)
        self.shortcut = nn.Conv1d(width, output, 1) if width != output else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:  # (B, C, T)
        return self.second(gelu(self.first(gelu(x)))) + self.shortcut(x)


class PlainEncoder(nn.Module):
    """The encoder as published, with the weights of `encoder`."""

    def __init__(self, encoder: DilatedEncoder) -> None:
        super().__init__()
        hidden, output = encoder.projection.out_features, encoder.last.shortcut.out_features
        depth = len(encoder.blocks)
        self.projection = nn.Linear(1, hidden)
        self.projection.load_state_dict(encoder.projection.state_dict())
        widths = [hidden] * (depth + 1) + [output]
        self.blocks = nn.Sequential(*(PlainBlock(widths[i], widths[i + 1], 2**i) for i in range(depth + 1)))
        with torch.no_grad():
            for plain, ours in zip(self.convolutions(), convolutions(encoder), strict=True):
                plain.weight.copy_(ours.weight.permute(2, 1, 0))
                assert plain.bias is not None
                plain.bias.copy_(ours.bias)
            shortcut = self.blocks[-1].get_submodule("shortcut")
            shortcut.get_parameter("weight").copy_(encoder.last.shortcut.weight.unsqueeze(-1))
            shortcut.get_parameter("bias").copy_(encoder.last.shortcut.bias)

    def convolutions(self) -> list[nn.Conv1d]:
        return [layer for layer in self.modules() if isinstance(layer, nn.Conv1d) and layer.kernel_size == (3,)]

    def forward(self, series: Tensor) -> Tensor:
        return self.blocks(self.projection(series.unsqueeze(-1)).transpose(1, 2)).amax(-1)  # (B, D)


def convolutions(encoder: DilatedEncoder) -> list[DilatedConvolution]:
    return [layer for layer in encoder.modules() if isinstance(layer, DilatedConvolution)]


def step(encoder: nn.Module, series: Tensor, bf16: bool = False) -> float:
    encoder.zero_grad()
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        encoder(series).square().sum().backward()
    return time.perf_counter() - start


def turn(encoder: nn.Module, series: Tensor, bf16: bool = False) -> float:
    """Seconds a step of a few steps in a row, after one that brings the encoder's memory back into the cache."""
    step(encoder, series, bf16)
    return sum(step(encoder, series, bf16) for _ in range(3)) / 3


def difference(ours: DilatedEncoder, plain: PlainEncoder) -> float:
    """Largest difference of any parameter's gradient, relative to that gradient's largest entry."""
    layers = [(ours.projection, plain.projection), (ours.last.shortcut, plain.blocks[-1].get_submodule("shortcut"))]
    layers += zip(convolutions(ours), plain.convolutions(), strict=True)
    pairs = [(a.get_parameter(name), b.get_parameter(name)) for a, b in layers for name in ("weight", "bias")]
    assert len(pairs) == len(list(ours.parameters())) == len(list(plain.parameters()))
    deviations = []
    for a, b in pairs:
        assert a.grad is not None
        assert b.grad is not None
        gradient = a.grad.permute(2, 1, 0) if a.ndim == 3 else a.grad.view_as(b)  # of a dilated convolution, see above
        deviations.append(float((gradient - b.grad).abs().max() / b.grad.abs().max()))
    return max(deviations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="of ours; the plain one is fp32")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    ours = DilatedEncoder()
    plain = PlainEncoder(ours)
    bf16 = options.precision == "bf16"
    rate = matrix_rate(torch.device("cpu"), torch.bfloat16 if bf16 else torch.float32)
    print(f"{options.threads} threads, ours in {options.precision}, medians of {options.repeats} pairs")
    print(f"matrix products of 1,024 x 1,024 in {options.precision}: {rate / 1e12:.2f} TFLOP/s")
    for kept in (False, True):
        if kept:
            keep_freed_memory()
        print("freed memory kept by the process, as in training" if kept else "freed memory given back to the system")
        for length in (46, 152, 500, 1024):
            series = torch.randn(32, length)
            step(plain, series)
            step(ours, series, bf16)
            deviation = difference(ours, plain)
            times = [(turn(plain, series), turn(ours, series, bf16)) for _ in range(options.repeats)]
            ratio, seconds = median(a / b for a, b in times), median(b for _, b in times)
            share = step_flops(ours, 32 * length) / seconds / rate
            print(
                f"T = {length:4}: plain {1e3 * median(a for a, _ in times):7.1f} ms, "
                f"ours {1e3 * seconds:7.1f} ms, ratio {ratio:.2f}, gradients differ {deviation:.0e}, {share:.0%} of it",
                flush=True,
            )


if __name__ == "__main__":
    main()
