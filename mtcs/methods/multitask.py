"""Supervised training on all tasks together: MTCS, MTL as MTCS without sharing, MMoE as MTCS with several encoders.

Choices where the paper is silent: every training series is seen once an epoch; the affinity of Equation 4 is
estimated on the current mini-batch, one task's series, for all pairs of heads (with MMoE through that task's gate);
supervised training masks nothing, drops nothing out and averages no weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mtcs.data.task import TaskInfo
from mtcs.encoders.by_task import ByTask
from mtcs.encoders.dilated import DilatedEncoder
from mtcs.encoders.mixture import MixtureEncoder
from mtcs.methods.base import Batch, Method
from mtcs.ops.sharing import stacked_sharing
from mtcs.sharing import Reduction, total_loss


class MultiTask(Method):
    """Cross entropy of the batch's task plus `sharing_weight` times the sharing loss of all heads (Equation 6).

    Parameters are those of `mtcs.config.methods.MultiTaskSpec`; the encoder maps (B, T) to (B, D), and a mixture is
    given the task too. Of several channels, which the encoder reads one by one, heads read the mean of what it says.
    """

    def __init__(
        self,
        tasks: Sequence[TaskInfo],
        *,
        depth: int,
        hidden: int,
        output: int,
        experts: int,
        sharing_weight: float,
        threshold: float,
        reduction: Reduction,
        difference: bool = False,
    ) -> None:
        super().__init__()
        classes = {task.name: task.n_classes for task in tasks}
        self.encoder = (
            DilatedEncoder(depth, hidden, output, difference)
            if experts == 1
            else MixtureEncoder(list(classes), experts, depth, hidden, output, difference)
        )
        self.heads = ByTask({name: nn.Linear(output, count, bias=False) for name, count in classes.items()})
        self.sharing_weight, self.threshold = sharing_weight, threshold
        self.reduction: Reduction = reduction
        self.by_count = {count: [n for n in classes if classes[n] == count] for count in sorted(set(classes.values()))}

    def loss(self, batch: Batch) -> Tensor:
        """Equations 2 and 6 on one mini-batch, a scalar."""
        x = self.represent(batch.series, batch.task)  # (B * channels, D)
        if batch.channels > 1:
            x = x.unflatten(0, (-1, batch.channels)).mean(1)  # (B, D)
        with torch.autocast(x.device.type, enabled=False):
            loss = cross_entropy(x @ self._head(batch.task).T, batch.labels)
            if self.sharing_weight:
                loss = total_loss(loss, self._sharing(x), self.sharing_weight)
        return loss

    def _sharing(self, x: Tensor) -> Tensor:
        """`mtcs.sharing.sharing_loss` of all heads on the representations of one mini-batch (B, D), a scalar."""
        groups = self.by_count.items()  # tasks of as many labels side by side, for one softmax
        weights = torch.cat([self._head(name) for _, names in groups for name in names])  # (S, D)
        with torch.no_grad():
            logits = (x @ weights.T).split([count * len(names) for count, names in groups], 1)
            parts = [part.unflatten(1, (-1, count)) for part, count in zip(logits, self.by_count, strict=True)]
            probabilities = torch.cat([part.softmax(2).flatten(1) for part in parts], 1)  # (B, S)
        classes = torch.tensor([count for count, names in groups for _ in names])
        loss, share = stacked_sharing(weights, probabilities, classes, self.threshold, self.reduction)
        self.metrics = {"sharing_loss": loss.detach(), "relevant_share": share}
        return loss

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        return self.encoder(series, task) if isinstance(self.encoder, MixtureEncoder) else self.encoder(series)

    def head(self, task: str) -> Tensor:
        return self._head(task).detach()

    def _head(self, task: str) -> Tensor:
        head = self.heads[task]
        assert isinstance(head, nn.Linear)
        return head.weight
