"""Methods by their parameters, the blocks under `methods` in params.yaml: a union told apart by `kind`.

A parameter is declared here once, with its default, its bounds and a sentence, and reaches the method's class by name.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from mtcs.config.schedule import Block, Later, Schedule

if TYPE_CHECKING:
    from mtcs.data.task import Task

Depth = Annotated[int, Field(ge=1, le=16)]
Width = Annotated[int, Field(ge=1, le=65_536)]
Share = Annotated[float, Field(ge=0, lt=1)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Spec(Block, ABC, frozen=True):
    """What the parameters of every method hold; a subclass adds its own."""

    implementation: ClassVar[str]
    """Module and class below `mtcs.methods`; it is imported, and torch with it, when a method is built."""
    fixed_length: ClassVar[bool] = True
    """Whether all training steps on a task see the same length. A CPU compiles bf16 products for each length it meets,
    which takes longer than the products of one step."""
    around: ClassVar[frozenset[str]] = frozenset()
    """Parameters that say how long training takes, and not what is trained."""

    schedule: Schedule
    classifier: str
    """Name, under `classifiers`, of what reads the representations. By name, so that a change there leaves every
    trained model valid."""
    members: int = Later(1, ge=1, le=100)
    """Of an ensemble: as many encoders, with heads of their own, are trained side by side from different weights."""

    def arguments(self) -> dict[str, Any]:
        """The parameters that the method's class takes, by name."""
        return self.model_dump(exclude={"kind", "schedule", "classifier", "members", *self.around})

    def schedule_for(self, tasks: Sequence[Task]) -> Schedule:
        """The schedule for these tasks, where it depends on their size."""
        return self.schedule.for_sizes(len(task.train) for task in tasks)

    def for_passes(self, epochs: int) -> Self:
        """The same method, trained for so many passes over all series and by no other measure."""
        passes = {"epochs": epochs, "steps": None, "min_steps": None}
        return self.model_copy(update={"schedule": self.schedule.model_copy(update=passes)})


class MultiTaskSpec(Spec, frozen=True):
    """MTCS; with `sharing_weight` 0, MTL; with several `experts`, MMoE."""

    implementation: ClassVar[str] = "multitask.MultiTask"

    kind: Literal["multitask"]
    depth: Depth = 10
    """Residual blocks before the widening one; block i has dilation 2^i."""
    hidden: Width = 64
    """Channels of those blocks."""
    output: Width = 320
    """D, the width of a representation."""
    experts: int = Field(default=1, ge=1, le=1024)
    """Encoders; more than one are mixed by a gate for each task (Section 4.4.2 of the paper)."""
    sharing_weight: NonNegative
    """alpha of Equation 6."""
    threshold: NonNegative = 2.0
    """tau of Equation 5."""
    reduction: Literal["mean", "sum"] = "mean"
    """Whether Equation 3 averages or sums over the D coordinates."""
    difference: bool = Later(False)
    """Whether the encoder sees the first difference of a series as a second input, in units of its root mean square."""
    relevance: Literal["probabilities", "covariance", "random", "names"] = Later("probabilities")
    """What makes labels relevant to each other: Equation 4; the covariance similarity of their latest representations;
    the same name in two tasks, for labels that are known to mean the same; or chance, as a control: as many pairs of
    two tasks as by Equation 4, but of other labels at every step."""
    partners: int | None = Later(None, ge=1)
    """With how many tasks a task shares in a step on one of its batches: those whose series an untrained encoder
    represents most like its own. All tasks where it is not said."""


class Ts2VecSpec(Spec, frozen=True):
    """TS2Vec, on one task or on several jointly (Yue et al., AAAI 2022).

    `schedule.steps`, where there are any, is for a task of more than `small_values` values. Tasks that are learned
    jointly get as many steps as all of them alone.
    """

    implementation: ClassVar[str] = "ts2vec.Ts2Vec"
    earlier_names: ClassVar[Mapping[str, str]] = {"longest": "max_train_length"}
    fixed_length: ClassVar[bool] = False
    around: ClassVar[frozenset[str]] = frozenset({"small_values", "small_steps"})

    kind: Literal["ts2vec"]
    depth: Depth = 10
    """Residual blocks before the widening one; block i has dilation 2^i."""
    hidden: Width = 64
    """Channels of those blocks."""
    output: Width = 320
    """D, the width of a representation."""
    masked: Share = 0.5
    """Share of steps masked while training."""
    dropout: Share = 0.1
    """Share of outputs dropped while training."""
    max_train_length: int = Field(default=3000, ge=2)
    """Steps of a longer series that one training step looks at, a random window."""
    small_values: int = Field(default=100_000, ge=0)
    """Training series times length up to which a task is small."""
    small_steps: int = Field(default=200, ge=0)
    """Training steps for a small task."""

    def schedule_for(self, tasks: Sequence[Task]) -> Schedule:
        if self.schedule.steps is None:
            return super().schedule_for(tasks)
        small = sum(task.train.series.size <= self.small_values for task in tasks)
        steps = small * self.small_steps + (len(tasks) - small) * self.schedule.steps
        return self.schedule.model_copy(update={"steps": steps})


class TLossSpec(Spec, frozen=True):
    """T-Loss, for one task or several (Franceschi et al., NeurIPS 2019)."""

    implementation: ClassVar[str] = "t_loss.TLoss"
    fixed_length: ClassVar[bool] = False

    kind: Literal["t_loss"]
    depth: Depth = 10
    """Residual blocks before the widening one; block i has dilation 2^i."""
    hidden: Width = 40
    """Channels of those blocks."""
    pooled: Width = 160
    """Channels of the widening block, whose maximum over time the linear layer reads."""
    output: Width = 320
    """D, the width of a representation."""
    negatives: int = Field(default=10, ge=1, le=10_000)
    """K, negatives for each anchor."""
    shared: bool = False
    """Whether the anchors of a batch have the same negatives, or each its own."""


class TncSpec(Spec, frozen=True):
    """Temporal neighbourhood coding (Tonekaboni et al., ICLR 2021)."""

    implementation: ClassVar[str] = "tnc.Tnc"
    earlier_names: ClassVar[Mapping[str, str]] = {
        "parts": "windows_per_series",
        "shortest": "min_window",
        "longest": "max_window",
        "reach": "epsilon",
    }

    kind: Literal["tnc"]
    depth: Depth = 10
    """Residual blocks before the widening one; block i has dilation 2^i."""
    hidden: Width = 64
    """Channels of those blocks."""
    output: Width = 320
    """D, the width of a representation."""
    windows_per_series: int = Field(default=10, ge=1)
    """A window has T // windows_per_series steps, T being a training series' median extent, within the next bounds."""
    min_window: int = Field(default=4, ge=1)
    """Steps of the shortest window."""
    max_window: int = Field(default=100, ge=1)
    """Steps of the longest window."""
    samples: int = Field(default=20, ge=1, le=10_000)
    """Neighbours, and as many distant windows, of each series in a mini-batch."""
    epsilon: Positive = 3.0
    """Standard deviation of a neighbour's distance in windows; distant is 5 times that."""
    positive_weight: float = Field(default=0.05, ge=0, le=1)
    """w: how far a distant window counts as a neighbour."""
    dropout: Share = 0.5
    """Share of the discriminator's hidden units that are left out."""

    @model_validator(mode="after")
    def _bounds(self) -> TncSpec:
        if self.min_window > self.max_window:
            raise ValueError(f"min_window = {self.min_window} exceeds max_window = {self.max_window}")
        return self


class TsTccSpec(Spec, frozen=True):
    """TS-TCC with TS2Vec's encoder (Eldele et al., IJCAI 2021)."""

    implementation: ClassVar[str] = "ts_tcc.TsTcc"

    kind: Literal["ts_tcc"]
    depth: Depth = 10
    """Residual blocks before the widening one; block i has dilation 2^i."""
    hidden: Width = 64
    """Channels of those blocks."""
    output: int = Field(default=320, ge=4, le=65_536)
    """D, the width of a representation."""
    positions: int = Field(default=18, ge=1, le=10_000)
    """Fewest steps, where a series has as many, of an encoded view that the transformer and the contrast look at."""
    horizon: int = Field(default=6, ge=1, le=10_000)
    """K: the steps of the other view that a context predicts, one fewer than there are where those are few."""
    scale: float = Field(default=2.0, allow_inf_nan=False)
    """Mean of the factors, one a step, of the weak view."""
    scale_spread: NonNegative = 1.1
    """Their standard deviation."""
    segments: int = Field(default=7, ge=1, le=10_000)
    """Most segments that the strong view permutes."""
    jitter: NonNegative = 0.8
    """Standard deviation of the strong view's noise."""
    width: Width = 100
    """Of the transformer."""
    layers: int = Field(default=4, ge=1, le=10_000)
    """Of the transformer."""
    heads: int = Field(default=4, ge=1, le=10_000)
    """Of its attention."""
    feedforward: Width = 64
    """Hidden units of its feed-forward parts."""
    dropout: Share = 0.1
    """Share of the outputs of its parts that are left out."""
    temperature: Positive = 0.2
    """Of the contextual contrast."""
    contextual_weight: NonNegative = 0.7
    """Of the contextual contrast beside the temporal one."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> TsTccSpec:
        if self.width % self.heads:
            raise ValueError(f"width = {self.width} is not a multiple of heads = {self.heads}")
        return self


class TstSpec(Spec, frozen=True):
    """TST, masked reconstruction (Zerveas et al., KDD 2021)."""

    implementation: ClassVar[str] = "tst.Tst"
    around: ClassVar[frozenset[str]] = frozenset({"budget"})

    kind: Literal["tst"]
    depth: int = Field(default=3, ge=1, le=1000)
    """Layers."""
    heads: int = Field(default=8, ge=1, le=10_000)
    """Attention heads of a layer; a divisor of `output`."""
    hidden: Width = 256
    """Units of a layer's feed-forward part."""
    output: Width = 320
    """D, the width of the transformer and of a representation."""
    dropout: Share = 0.1
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

    def schedule_for(self, tasks: Sequence[Task]) -> Schedule:
        schedule = super().schedule_for(tasks)
        if self.budget is None:
            return schedule
        batches = sum(schedule.batches(len(task.train)) for task in tasks)
        strides = [math.ceil(task.length / self.max_length) for task in tasks]
        epoch = sum(len(t.train.by_channel) * math.ceil(t.length / n) for t, n in zip(tasks, strides, strict=True))
        steps = math.ceil(self.budget * len(tasks) * batches / epoch)
        return schedule.model_copy(update={"steps": min(steps, schedule.steps or steps)})

    def for_passes(self, epochs: int) -> Self:
        return super().for_passes(epochs).model_copy(update={"budget": None})


class SeriesSpec(Spec, frozen=True):
    """No encoder: the classifier reads the series themselves. `dtw` is the name of version 0.1."""

    implementation: ClassVar[str] = "series.Series"

    kind: Literal["series", "dtw"]
    schedule: Schedule = Schedule(steps=0, batch_size=1, learning_rate=1.0)
    members: Literal[1] = Later(1)
    """There is no encoder to have several of."""


MethodSpec = Annotated[
    MultiTaskSpec | Ts2VecSpec | TLossSpec | TncSpec | TsTccSpec | TstSpec | SeriesSpec,
    Field(discriminator="kind"),
]
