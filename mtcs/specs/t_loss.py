"""The parameters of T-Loss (Franceschi et al., NeurIPS 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mtcs.specs.base import Spec

if TYPE_CHECKING:
    from mtcs.data.task import Task
    from mtcs.methods.t_loss import TLoss


class TLossSpec(Spec, frozen=True):
    """T-Loss, for one task or several."""

    steady: ClassVar[bool] = False

    kind: Literal["t_loss"]
    depth: int = Field(default=10, ge=1, le=16)
    """Residual blocks before the widening one; block i has dilation 2^i."""
    hidden: int = Field(default=40, ge=1)
    """Channels of those blocks."""
    pooled: int = Field(default=160, ge=1)
    """Channels of the widening block, whose maximum over time the linear layer reads."""
    output: int = Field(default=320, ge=1)
    """D, the width of a representation."""
    negatives: int = Field(default=10, ge=1)
    """K, negatives for each anchor."""
    shared: bool = False
    """Whether the anchors of a batch have the same negatives, or each its own."""

    def build(self, tasks: Sequence[Task]) -> TLoss:
        from mtcs.methods.t_loss import TLoss

        return TLoss(tasks, self.depth, self.hidden, self.pooled, self.output, self.negatives, self.shared)
