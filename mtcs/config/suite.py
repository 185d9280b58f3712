"""A suite of `params.yaml`: tasks that are learned together, and the names that files and stages take from them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints, model_validator

from mtcs.config.members import members

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]
"""Names become file names and DVC stage names."""


def _free(name: str) -> str:
    if name == "joint":
        raise ValueError("is what the files of joint models are named; name the task and its files otherwise")
    return name


TaskName = Annotated[Name, AfterValidator(_free)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Suite(BaseModel, frozen=True, extra="forbid"):
    """A named list of tasks that are learned together."""

    tasks: Annotated[tuple[TaskName, ...], Field(min_length=1), BeforeValidator(members)]
    """Their names; or `all` of the archive; or a rule that chooses among these, see `mtcs.config.members`."""
    source: Literal["archive", "aeon"] = "archive"
    """`archive` is `MTCS_ARCHIVE`; `aeon` the data inside the installed aeon package, which needs no network."""
    missing: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = ()
    """Values that stand for missing ones in its tasks' files, such as -9999; compared in single precision."""
    labels_per_class: Annotated[int, Field(ge=1)] | None = None
    """Training series that are kept of each label, where these are not all."""
    draw: Seed | None = None
    """Seed of which these are; 0 where it is not said."""
    methods: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """The methods of its report, where these are not all of `joint` and `single_task`."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] | None = None
    """Their seeds, where these are not `seeds` and `seeds_single_task`."""

    @property
    def few_labels(self) -> tuple[int, int] | None:
        """Training series that are kept of each label, and the draw; None where all are."""
        return None if self.labels_per_class is None else (self.labels_per_class, self.draw or 0)

    @model_validator(mode="after")
    def _draw_of_something(self) -> Suite:
        if self.draw is not None and self.labels_per_class is None:
            raise ValueError(f"draw is {self.draw}, but all series are kept; say labels_per_class, too")
        return self
