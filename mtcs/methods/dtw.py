"""Dynamic time warping, the baseline without training: a series represents itself, a nearest neighbour reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from mtcs.methods.base import Batch, Method, Schedule, Spec
from mtcs.tasks import Task


class Dtw(Method):
    """No weights and nothing to train; the distances are the classifier's, see `mtcs.nearest`."""

    def loss(self, batch: Batch) -> Tensor:
        """Zero."""
        return batch.series.new_zeros(())

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        """The series themselves, (B, T), NaN where padded or missing."""
        return series.clone()


class DtwSpec(Spec, frozen=True):
    """One-nearest-neighbour classification under full-window dynamic time warping."""

    kind: Literal["dtw"]
    schedule: Schedule = Schedule(steps=0, batch_size=1, learning_rate=1.0)

    def build(self, tasks: Sequence[Task]) -> Dtw:
        return Dtw()
