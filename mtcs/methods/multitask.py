"""Supervised training on all tasks together: MTCS, MTL as MTCS without sharing, MMoE as MTCS with several encoders.

Choices where the paper is silent: every training series is seen once an epoch; the affinity of Equation 4 is
estimated on the current mini-batch, one task's series, for all pairs of heads (with MMoE through that task's gate);
supervised training masks nothing, drops nothing out and averages no weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mtcs.encoder import DilatedEncoder, MixtureEncoder
from mtcs.methods.base import Batch, Method, Spec
from mtcs.sharing import Reduction, stacked_sharing
from mtcs.tasks import Task


class MultiTask(Method):
    """Cross entropy of the batch's task plus `sharing_weight` times the sharing loss of all heads (Equation 6).

    encoder: (B, T) -> (B, width); a mixture is given the task too.
    classes: number of labels of each task, by name.
    sharing_weight: alpha; 0 is MTL.
    threshold, reduction: see `mtcs.sharing`.
    """

    def __init__(
        self,
        encoder: nn.Module,
        classes: Mapping[str, int],
        width: int = 320,
        sharing_weight: float = 0.1,
        threshold: float = 2.0,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict({name: nn.Linear(width, count, bias=False) for name, count in classes.items()})
        self.sharing_weight, self.threshold = sharing_weight, threshold
        self.reduction: Reduction = reduction
        self.counts = tuple(classes.values())

    def loss(self, batch: Batch) -> Tensor:
        """Equations 2 and 6 on one mini-batch, a scalar."""
        x = self.represent(batch.series, batch.task)  # (B, D)
        with torch.autocast(x.device.type, enabled=False):
            loss = cross_entropy(x @ self._head(batch.task).T, batch.labels)
            if self.sharing_weight:
                loss = loss + self.sharing_weight * self._sharing(x)
        return loss

    def _sharing(self, x: Tensor) -> Tensor:
        weights = torch.cat([self._head(name) for name in self.heads])  # (S, D)
        with torch.no_grad():
            logits = (x @ weights.T).split(self.counts, 1)  # K times (B, C_k)
            probabilities = torch.cat([part.softmax(1) for part in logits], 1)  # (B, S)
        classes = torch.tensor(self.counts)
        loss, share = stacked_sharing(weights, probabilities, classes, self.threshold, self.reduction)
        self.parts = {"sharing_loss": loss.detach(), "relevant_share": share}
        return loss

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        return self.encoder(series, task) if isinstance(self.encoder, MixtureEncoder) else self.encoder(series)

    def head(self, task: str) -> Tensor:
        return self._head(task).detach()

    def _head(self, task: str) -> Tensor:
        head = self.heads[task]
        assert isinstance(head, nn.Linear)
        return head.weight


class MultiTaskSpec(Spec, frozen=True):
    """MTCS; with `sharing_weight` 0, MTL; with several `experts`, MMoE."""

    kind: Literal["multitask"]
    depth: int = Field(default=10, ge=1, le=16)
    """Residual blocks before the widening one; block i has dilation 2^i."""
    hidden: int = Field(default=64, ge=1)
    """Channels of those blocks."""
    output: int = Field(default=320, ge=1)
    """D, the width of a representation."""
    experts: int = Field(default=1, ge=1)
    """Encoders; more than one are mixed by a gate for each task (Section 4.4.2 of the paper)."""
    sharing_weight: float = Field(ge=0, allow_inf_nan=False)
    """alpha of Equation 6."""
    threshold: float = Field(default=2.0, ge=0, allow_inf_nan=False)
    """tau of Equation 5."""
    reduction: Reduction = "mean"
    """Whether Equation 3 averages or sums over the D coordinates."""

    def build(self, tasks: Sequence[Task]) -> MultiTask:
        shape = (self.depth, self.hidden, self.output)
        names = [task.name for task in tasks]
        return MultiTask(
            DilatedEncoder(*shape) if self.experts == 1 else MixtureEncoder(names, self.experts, *shape),
            {task.name: task.n_classes for task in tasks},
            self.output,
            self.sharing_weight,
            self.threshold,
            self.reduction,
        )
