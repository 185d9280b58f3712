"""What a method is: an encoder together with the objective that trains it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field
from torch import Tensor, nn

from mtcs.tasks import Task


@dataclass(frozen=True)
class Batch:
    """A mini-batch of one task; batches never mix tasks, so lengths need no alignment.

    series: (B, T) float32, NaN where padded or missing.
    labels: (B,) int64; self-supervised methods do not look.
    """

    task: str
    series: Tensor
    labels: Tensor


class Method(nn.Module, ABC):
    """An encoder together with the objective that trains it.

    parts: what the last call of `loss` was made of, detached scalars by name, for training curves.
    """

    parts: dict[str, Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.parts = {}

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """The objective on one mini-batch, a scalar."""

    @abstractmethod
    def represent(self, series: Tensor) -> Tensor:
        """Instance representations: (B, T), NaN where padded or missing -> (B, D)."""

    def head(self, task: str) -> Tensor | None:
        """Weight (C, D) of the task's linear head, None for a method that trains without labels."""
        return None


class Schedule(BaseModel, frozen=True, extra="forbid"):
    """How long and with which steps a method is trained, by AdamW."""

    epochs: int = Field(ge=1)
    """Passes over all training series of all tasks."""
    batch_size: int = Field(ge=1)
    """Series in a mini-batch, all of one task."""
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    weight_decay: float = Field(default=0.01, ge=0, allow_inf_nan=False)
    """Decoupled weight decay; 0.01 is AdamW's usual value."""


class Spec(BaseModel, ABC, frozen=True, extra="forbid"):
    """A row of params.yaml under `methods`."""

    schedule: Schedule
    classifier: str
    """Name, under `classifiers`, of what reads the representations. By name, so that a change there leaves every
    trained model valid."""

    @abstractmethod
    def build(self, tasks: Sequence[Task]) -> Method:
        """The method for these tasks, with fresh weights from torch's global generator."""

    def schedule_for(self, tasks: Sequence[Task]) -> Schedule:
        """The schedule for these tasks, where it depends on their size."""
        return self.schedule
