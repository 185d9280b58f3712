"""Dynamic time warping, the baseline without training: a series represents itself, a nearest neighbour reads it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mtcs.data.task import TaskInfo
from mtcs.errors import InputError
from mtcs.methods.base import Batch, Method


class Dtw(Method):
    """No weights and nothing to train; the distances are the classifier's, see `mtcs.evaluation.nearest`."""

    def __init__(self, tasks: Sequence[TaskInfo]) -> None:
        super().__init__()
        if several := [task for task in tasks if task.channels > 1]:
            raise InputError(
                f"{several[0].name} has {several[0].channels} channels, and dtw compares series of one; leave the task "
                "out or take another method."
            )

    def loss(self, batch: Batch) -> Tensor:
        """Zero."""
        return batch.series.new_zeros(())

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        """The series themselves, (B, T), NaN where padded or missing."""
        return series.clone()
