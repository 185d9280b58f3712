"""Multi-task learning of an encoder and linear heads: the parameters of MTCS, MTL and MMoE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mtcs.specs.base import Spec

if TYPE_CHECKING:
    from mtcs.data.task import Task
    from mtcs.methods.multitask import MultiTask


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
    reduction: Literal["mean", "sum"] = "mean"
    """Whether Equation 3 averages or sums over the D coordinates."""

    def build(self, tasks: Sequence[Task]) -> MultiTask:
        from mtcs.encoders.dilated import DilatedEncoder, MixtureEncoder
        from mtcs.methods.multitask import MultiTask

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
