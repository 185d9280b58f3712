"""An encoder by two routes, fast and plain: series for both, and how far apart are what they give."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def make_series(batch: int, length: int, missing: str = "none", seed: int = 0) -> Tensor:
    """Random walks; if values are missing inside, one series has a gap, and one begins and one ends with one."""
    series = torch.randn(batch, length, generator=torch.Generator().manual_seed(seed)).cumsum(1) / length**0.5
    if missing == "inside":
        series[0, length // 3 : length // 2 + 1] = torch.nan
        series[1, 0] = series[2, -1] = torch.nan
    if missing == "at the end":
        for i, row in enumerate(series[:-1]):
            row[max(1, (i + 1) * length // (batch + 1)) :] = torch.nan
    return series


def gradients(module: torch.nn.Module) -> dict[str, Any]:
    return {name: parameter.grad for name, parameter in module.named_parameters()}


def apart(ours: dict[str, Tensor], plain: dict[str, Tensor]) -> dict[str, float]:
    """Largest difference of each tensor, relative to its largest entry."""
    assert ours.keys() == plain.keys()
    return {
        name: float((ours[name] - expected).abs().max() / expected.abs().max().clamp_min(1e-30))
        for name, expected in plain.items()
    }


def assert_close(ours: dict[str, Tensor], plain: dict[str, Tensor], tolerance: float = 1e-5) -> None:
    assert max(apart(ours, plain).values()) < tolerance, apart(ours, plain)
