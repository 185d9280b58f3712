"""What a method is: an encoder together with the objective that trains it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from mtcs.data.task import Task


@dataclass(frozen=True)
class Batch:
    """A mini-batch of one task; batches never mix tasks, so lengths need no alignment.

    series: (B * channels, T) float32, NaN where padded or missing; each channel is a series of its own, and those of
        one recording follow one another.
    labels: (B,) int64; self-supervised methods do not look.
    """

    task: str
    series: Tensor
    labels: Tensor
    channels: int = 1


class Method(nn.Module, ABC):
    """An encoder together with the objective that trains it.

    A subclass is built from what is known of its tasks (`TaskInfo`) and its parameters by name.

    metrics: what the last call of `loss` was made of, detached scalars by name, for training curves.
    """

    metrics: dict[str, Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.metrics = {}

    def prepare(self, tasks: Sequence[Task]) -> None:
        """Look at the training series before the first step, for an objective that needs more than a mini-batch."""

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """The objective on one mini-batch, a scalar."""

    @abstractmethod
    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        """Instance representations: (B, T), NaN where padded or missing -> (B, D).

        task: where the series come from, for an encoder that asks (MMoE's gates).
        """

    def head(self, task: str) -> Tensor | None:
        """Weight (C, D) of the task's linear head, None for a method that trains without labels."""
        return None
