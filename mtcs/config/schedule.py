"""How long and with which steps a method is trained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, model_validator


def renamed(values: Any, names: Mapping[str, str]) -> Any:
    """Values with the names that they had in version 0.1 replaced by today's."""
    if not isinstance(values, dict) or names.keys().isdisjoint(values):
        return values
    return {key: value for key, value in values.items() if key not in names} | {
        new: values[old] for old, new in names.items() if old in values
    }


def Later(default: Any, **bounds: Any) -> Any:  # in place of pydantic's Field
    """A parameter that came later: left unsaid where it is the default, as in the results and models of before."""
    return Field(default=default, exclude_if=lambda value: value == default, **bounds)


class Block(BaseModel, frozen=True, extra="forbid"):
    """A block of parameters: unknown names are refused, and true and false are no numbers."""

    earlier_names: ClassVar[Mapping[str, str]] = {}
    """Today's name of a parameter by the one that it had in version 0.1."""

    @model_validator(mode="before")
    @classmethod
    def _numbers(cls, values: Any) -> Any:
        values = renamed(values, cls.earlier_names)
        for name, value in values.items() if isinstance(values, dict) else ():
            field = cls.model_fields.get(name)
            if isinstance(value, bool) and field is not None and field.annotation is not bool:
                raise ValueError(
                    f"{name} is {str(value).lower()}, expected {'text' if field.annotation is str else 'a number'}"
                )
            if isinstance(value, int) and abs(value) > 2**53:
                raise ValueError(f"{name} is a whole number of more than 2^53, which no parameter takes")
        return values


class Schedule(Block, frozen=True):
    """How long and with which steps a method is trained."""

    epochs: int | None = Field(default=None, ge=1)
    """Passes over all training series of all tasks."""
    steps: int | None = Field(default=None, ge=0)
    """Mini-batches; where `epochs` is given too, training ends with whichever comes first."""
    min_steps: int | None = Later(None, ge=1)
    """Mini-batches that there are at least, unless `steps` ends training before: of few series, more passes than
    `epochs` are made, until it is so many."""
    batch_size: int = Field(ge=1)
    """Series in a mini-batch, all of one task."""
    drop_last: bool = False
    """Whether a pass leaves out the rest of a task that does not fill a mini-batch, unless it is all there is."""
    optimizer: Literal["adamw", "adam", "radam"] = "adamw"
    """AdamW decouples weight decay from the gradient; the other two add it to the gradient."""
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    """Decay of the running means of the gradient and of its square."""
    weight_decay: float = Field(default=0.01, ge=0, allow_inf_nan=False)
    """0.01 is AdamW's usual value."""
    clip_norm: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Largest norm of the gradient of all parameters together; longer ones are scaled down to it."""
    average: bool = False
    """Whether the mean of the weights after every step is what encodes in the end, not the last weights."""

    @model_validator(mode="after")
    def _ends(self) -> Schedule:
        if self.epochs is None and self.steps is None:
            raise ValueError("needs epochs, steps, or both")
        return self

    def batches(self, series: int) -> int:
        """Mini-batches of a pass over a task of so many series."""
        whole = series // self.batch_size
        return max(1, whole) if self.drop_last else math.ceil(series / self.batch_size)

    def for_sizes(self, sizes: Iterable[int]) -> Schedule:
        """The schedule for tasks of so many series: with the passes that `min_steps` asks for."""
        if self.epochs is None or self.min_steps is None:
            return self
        epochs = math.ceil(self.min_steps / sum(map(self.batches, sizes)))
        return self.model_copy(update={"epochs": max(self.epochs, epochs), "min_steps": None})
