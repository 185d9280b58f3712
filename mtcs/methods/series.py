"""No encoder: a series represents itself, for a classifier that reads series (DTW, random kernels, QUANT)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mtcs.data.task import TaskInfo
from mtcs.errors import InputError
from mtcs.methods.base import Batch, Method


class Series(Method):
    """No weights and nothing to train; what is computed of a series is the classifier's."""

    def __init__(self, tasks: Sequence[TaskInfo]) -> None:
        super().__init__()
        if several := [task for task in tasks if task.channels > 1]:
            raise InputError(
                f"{several[0].name} has {several[0].channels} channels, and a method without an encoder reads series "
                "of one; leave the task out or take another method."
            )

    def loss(self, batch: Batch) -> Tensor:
        """Zero."""
        return batch.series.new_zeros(())

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        """The series themselves, (B, T), NaN where padded or missing."""
        return series.clone()
