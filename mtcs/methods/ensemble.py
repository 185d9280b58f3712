"""An ensemble: several of one method side by side, from different weights, that learn from the same mini-batches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtcs.data.task import Task
from mtcs.methods.base import Batch, Method


class Ensemble(Method):
    """Members do not see each other: each takes the steps that it would take alone.

    The loss is the mean of theirs, so a gradient is divided by their number. Adam's steps do not change with that,
    except for its epsilon, weight decay that is part of the gradient (TS-TCC) and a limit to the norm of all gradients
    together (TST).

    Representations (B, D) of the members stand side by side, (B, members * D), and the head's logits are the mean of
    theirs.
    """

    def __init__(self, members: Sequence[Method]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def prepare(self, tasks: Sequence[Task]) -> None:
        for member in self.of:
            member.prepare(tasks)

    def loss(self, batch: Batch) -> Tensor:
        """The mean of the members' losses on one mini-batch, a scalar."""
        loss = torch.stack([member.loss(batch) for member in self.of]).mean()
        names = self.of[0].metrics
        self.metrics = {
            name: torch.stack([member.metrics[name].float() for member in self.of]).mean() for name in names
        }
        return loss

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        return torch.cat([member.represent(series, task) for member in self.of], 1)

    def head(self, task: str) -> Tensor | None:
        heads = [member.head(task) for member in self.of]
        known = [head for head in heads if head is not None]
        return torch.cat(known, 1) / len(known) if known else None

    @property
    def of(self) -> list[Method]:
        """The members, in their order."""
        return [member for member in self.members if isinstance(member, Method)]
