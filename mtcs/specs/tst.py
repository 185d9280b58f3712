"""The parameters of TST (Zerveas et al., KDD 2021)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from mtcs.specs.base import Schedule, Spec

if TYPE_CHECKING:
    from mtcs.data.task import Task
    from mtcs.methods.tst import Tst


class TstSpec(Spec, frozen=True):
    """TST, masked reconstruction."""

    kind: Literal["tst"]
    depth: int = Field(default=3, ge=1)
    """Layers."""
    heads: int = Field(default=8, ge=1)
    """Attention heads of a layer; a divisor of `output`."""
    hidden: int = Field(default=256, ge=1)
    """Units of a layer's feed-forward part."""
    output: int = Field(default=320, ge=1)
    """D, the width of the transformer and of a representation."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of zeros among embeddings, attention weights and the parts of a layer, while training."""
    mask_ratio: float = Field(default=0.15, gt=0, le=0.5)
    """Share of the steps that are masked and reconstructed."""
    mask_mean: float = Field(default=3.0, gt=1, allow_inf_nan=False)
    """Mean length of a masked segment, in steps."""
    max_length: int = Field(ge=1)
    """Most steps of a training series: of a longer one, every n neighbouring values are averaged to one step."""

    budget: int | None = Field(default=None, ge=1)
    """Steps of all series of all mini-batches of a task, about, after which training ends if `schedule` does not end
    it before. The time of training is proportional to it, whatever the lengths and sizes of the tasks."""

    @model_validator(mode="after")
    def _divides(self) -> TstSpec:
        if self.output % self.heads:
            raise ValueError(f"output {self.output} is no multiple of heads {self.heads}")
        return self

    def build(self, tasks: Sequence[Task]) -> Tst:
        from mtcs.methods.tst import Tst

        return Tst(
            {task.name: self._stride(task) for task in tasks},
            max(self._steps(task) for task in tasks),
            self.max_length,
            self.depth,
            self.heads,
            self.hidden,
            self.output,
            self.mask_ratio,
            self.mask_mean,
            self.dropout,
        )

    def schedule_for(self, tasks: Sequence[Task]) -> Schedule:
        if self.budget is None:
            return self.schedule
        batches = sum(math.ceil(len(task.train) / self.schedule.batch_size) for task in tasks)
        epoch = sum(len(task.train) * self._steps(task) for task in tasks)
        steps = math.ceil(self.budget * len(tasks) * batches / epoch)
        return self.schedule.model_copy(update={"steps": min(steps, self.schedule.steps or steps)})

    def _stride(self, task: Task) -> int:
        return math.ceil(task.length / self.max_length)

    def _steps(self, task: Task) -> int:
        """Steps of a training series."""
        return math.ceil(task.length / self._stride(task))
