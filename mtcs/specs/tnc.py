"""The parameters of TNC (Tonekaboni et al., ICLR 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from mtcs.specs.base import Spec

if TYPE_CHECKING:
    from mtcs.data.task import Task
    from mtcs.methods.tnc import Tnc


class TncSpec(Spec, frozen=True):
    """Temporal neighbourhood coding."""

    kind: Literal["tnc"]
    depth: int = Field(default=10, ge=1, le=16)
    """Residual blocks before the widening one; block i has dilation 2^i."""
    hidden: int = Field(default=64, ge=1)
    """Channels of those blocks."""
    output: int = Field(default=320, ge=1)
    """D, the width of a representation."""
    parts: int = Field(default=10, ge=1)
    """A window has T // parts steps, T being a training series' median extent, within the next two bounds."""
    shortest: int = Field(default=4, ge=1)
    """Steps of the shortest window."""
    longest: int = Field(default=100, ge=1)
    """Steps of the longest window."""
    samples: int = Field(default=20, ge=1)
    """Neighbours, and as many distant windows, of each series in a mini-batch."""
    reach: float = Field(default=3.0, gt=0, allow_inf_nan=False)
    """epsilon: the standard deviation of a neighbour's distance in windows; distant is 5 times that."""
    positive_weight: float = Field(default=0.05, ge=0, le=1)
    """w: how far a distant window counts as a neighbour."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of the discriminator's hidden units that are left out."""

    @model_validator(mode="after")
    def _bounds(self) -> TncSpec:
        if self.shortest > self.longest:
            raise ValueError(f"shortest = {self.shortest} exceeds longest = {self.longest}")
        return self

    def build(self, tasks: Sequence[Task]) -> Tnc:
        from mtcs.encoders.dilated import DilatedEncoder
        from mtcs.methods.tnc import Tnc

        return Tnc(
            DilatedEncoder(self.depth, self.hidden, self.output),
            {task.name: self._window(task) for task in tasks},
            self.output,
            self.samples,
            self.reach,
            self.positive_weight,
            self.dropout,
        )

    def _window(self, task: Task) -> int:
        observed = ~np.isnan(task.train.series)
        steps = observed.shape[1]
        extents = steps - observed.argmax(1) - observed[:, ::-1].argmax(1)  # (n,)
        return int(np.clip(np.median(extents) // self.parts, self.shortest, self.longest))
