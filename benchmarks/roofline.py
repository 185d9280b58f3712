"""How much of a device's rate of matrix products a training step reaches: the rate, and what a step multiplies."""

from __future__ import annotations

import time

import torch

from mtcs.encoders.dilated import DilatedEncoder


def matrix_rate(device: torch.device, dtype: torch.dtype, size: int = 0, seconds: float = 0.5) -> float:
    """Best rate of square matrix products, in FLOP/s, over about so many seconds of them."""
    size = size or (8192 if device.type == "cuda" else 1024)
    a = torch.randn(size, size, device=device).to(dtype)
    b = torch.randn(size, size, device=device).to(dtype)
    torch.mm(a, b)  # compiled before it is timed
    times: list[float] = []
    while sum(times) < seconds:  # once at least: without units for bf16 a product takes seconds
        wait(device)
        start = time.perf_counter()
        torch.mm(a, b)
        wait(device)
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times)


def step_flops(encoder: DilatedEncoder, rows: int) -> float:
    """FLOP of the products in one training step on so many time steps of series, as the plain formulation has them.

    Forward once, backward twice, everywhere; what an encoder does not compute because nothing depends on it counts too.
    """
    last = encoder.last
    weights = sum(p.numel() for block in (*encoder.blocks, last) for p in block.parameters() if p.ndim > 1)
    return 3 * 2 * rows * weights


def wait(device: torch.device) -> None:
    """Until what was started on a GPU is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
