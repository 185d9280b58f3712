"""The parameters of TS2Vec (Yue et al., AAAI 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from mtcs.specs.base import Schedule, Spec

if TYPE_CHECKING:
    from mtcs.data.task import Task
    from mtcs.methods.ts2vec import Ts2Vec


class Ts2VecSpec(Spec, frozen=True):
    """TS2Vec, on one task or on several jointly.

    `schedule.steps` is for a task of more than `small_values` values. Tasks that are learned jointly get as many steps
    as all of them alone.
    """

    steady: ClassVar[bool] = False

    kind: Literal["ts2vec"]
    depth: int = Field(default=10, ge=1, le=16)
    """Residual blocks before the widening one; block i has dilation 2^i."""
    hidden: int = Field(default=64, ge=1)
    """Channels of those blocks."""
    output: int = Field(default=320, ge=1)
    """D, the width of a representation."""
    masked: float = Field(default=0.5, ge=0, lt=1)
    """Share of steps masked while training."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of outputs dropped while training."""
    longest: int = Field(default=3000, ge=2)
    """Steps of a longer series that one training step looks at, a random window."""
    small_values: int = Field(default=100_000, ge=0)
    """Training series times length up to which a task is small."""
    small_steps: int = Field(default=200, ge=0)
    """Training steps for a small task."""

    @model_validator(mode="after")
    def _has_steps(self) -> Ts2VecSpec:
        if self.schedule.steps is None:
            raise ValueError("schedule needs steps, for a task of more than small_values values")
        return self

    def build(self, tasks: Sequence[Task]) -> Ts2Vec:
        from mtcs.encoders.dilated import DilatedEncoder
        from mtcs.methods.ts2vec import Ts2Vec

        encoder = DilatedEncoder(self.depth, self.hidden, self.output)
        return Ts2Vec(encoder, self.masked, self.dropout, self.longest)

    def schedule_for(self, tasks: Sequence[Task]) -> Schedule:
        assert self.schedule.steps is not None
        small = sum(task.train.series.size <= self.small_values for task in tasks)
        steps = small * self.small_steps + (len(tasks) - small) * self.schedule.steps
        return self.schedule.model_copy(update={"steps": steps})
