"""A mixture of dilated encoders with one gate a task (multi-gate mixture of experts: Ma et al., KDD 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtcs.encoders.by_task import ByTask
from mtcs.encoders.dilated import DilatedEncoder


class MixtureEncoder(nn.Module):
    """Several dilated encoders, mixed by one softmax gate a task: f_k(x) = sum_i g_k(x)_i f_i(x).

    A gate reads a summary that does not depend on the length,
    the mean over time of an input projection of its own.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        experts: int = 4,
        depth: int = 10,
        hidden: int = 64,
        output: int = 320,
        difference: bool = False,
    ) -> None:
        super().__init__()
        self.experts = nn.ModuleList(DilatedEncoder(depth, hidden, output, difference) for _ in range(experts))
        self.projection = nn.Linear(1, hidden)
        self.gates = ByTask({task: nn.Linear(hidden, experts) for task in tasks})

    def forward(self, series: Tensor, task: str | None = None) -> Tensor:
        """Instance representations of a batch: (B, T), NaN where padded or missing -> (B, D).

        task: whose gate mixes; the mean of all gates where the series belong to none.
        """
        representations = torch.stack([expert(series) for expert in self.experts], 1)  # (B, n, D)
        with torch.autocast(series.device.type, enabled=False):
            summary = self.projection(series.nanmean(1, keepdim=True))  # (B, C)
            gates = self.gates.values() if task is None else (self.gates[task],)
            share = torch.stack([gate(summary).softmax(1) for gate in gates]).mean(0)  # (B, n)
            return (share.unsqueeze(-1) * representations).sum(1)  # (B, D)
