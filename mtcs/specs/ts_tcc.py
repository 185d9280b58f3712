"""The parameters of TS-TCC (Eldele et al., IJCAI 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from mtcs.specs.base import Spec

if TYPE_CHECKING:
    from mtcs.data.task import Task
    from mtcs.methods.ts_tcc import TsTcc


class TsTccSpec(Spec, frozen=True):
    """TS-TCC with TS2Vec's encoder."""

    kind: Literal["ts_tcc"]
    depth: int = Field(default=10, ge=1, le=16)
    """Residual blocks before the widening one; block i has dilation 2^i."""
    hidden: int = Field(default=64, ge=1)
    """Channels of those blocks."""
    output: int = Field(default=320, ge=4)
    """D, the width of a representation."""
    positions: int = Field(default=18, ge=1)
    """Fewest steps, where a series has as many, of an encoded view that the transformer and the contrast look at."""
    horizon: int = Field(default=6, ge=1)
    """K: the steps of the other view that a context predicts, one fewer than there are where those are few."""
    scale: float = Field(default=2.0, allow_inf_nan=False)
    """Mean of the factors, one a step, of the weak view."""
    scale_spread: float = Field(default=1.1, ge=0, allow_inf_nan=False)
    """Their standard deviation."""
    segments: int = Field(default=7, ge=1)
    """Most segments that the strong view permutes."""
    jitter: float = Field(default=0.8, ge=0, allow_inf_nan=False)
    """Standard deviation of the strong view's noise."""
    width: int = Field(default=100, ge=1)
    """Of the transformer."""
    layers: int = Field(default=4, ge=1)
    """Of the transformer."""
    heads: int = Field(default=4, ge=1)
    """Of its attention."""
    feedforward: int = Field(default=64, ge=1)
    """Hidden units of its feed-forward parts."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the outputs of its parts that are left out."""
    temperature: float = Field(default=0.2, gt=0, allow_inf_nan=False)
    """Of the contextual contrast."""
    contextual_weight: float = Field(default=0.7, ge=0, allow_inf_nan=False)
    """Of the contextual contrast beside the temporal one."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> TsTccSpec:
        if self.width % self.heads:
            raise ValueError(f"width = {self.width} is not a multiple of heads = {self.heads}")
        return self

    def build(self, tasks: Sequence[Task]) -> TsTcc:
        from mtcs.encoders.dilated import DilatedEncoder
        from mtcs.methods.ts_tcc import TsTcc

        return TsTcc(
            DilatedEncoder(self.depth, self.hidden, self.output),
            self.output,
            self.positions,
            self.horizon,
            self.scale,
            self.scale_spread,
            self.segments,
            self.jitter,
            self.width,
            self.layers,
            self.heads,
            self.feedforward,
            self.dropout,
            self.temperature,
            self.contextual_weight,
        )
