"""Dynamic time warping, the baseline without training: a series represents itself, a nearest neighbour reads it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mtcs.data.task import TaskInfo
from mtcs.methods.base import Batch, Method


class Dtw(Method):
    """No weights and nothing to train; the distances are the classifier's, see `mtcs.evaluation.nearest`."""

    def __init__(self, tasks: Sequence[TaskInfo]) -> None:
        super().__init__()

    def loss(self, batch: Batch) -> Tensor:
        """Zero."""
        return batch.series.new_zeros(())

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        """The series themselves, (B, T), NaN where padded or missing."""
        return series.clone()
