"""The tasks of a suite by a rule, in place of their names: all of the UCR archive, or those of a type and size."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from mtcs.config.archive import published_sizes, published_types
from mtcs.errors import listed

Size = Annotated[int, Field(ge=1, strict=True)]  # text is no number here either


class Rule(BaseModel, frozen=True, extra="forbid"):
    """Tasks of the archive that fit all that is said; nothing said is all 128."""

    type: tuple[str, ...] | None = None
    """Of the data, as the archive calls it: Device, ECG, Image, Motion, Sensor, Simulated, Spectro, ..."""
    min_train: Size | None = None
    """Training series, at least."""
    max_train: Size | None = None
    """Training series, at most."""
    max_length: Size | None = None
    """Steps of a series, at most; tasks of unequal lengths do not fit then."""
    without: tuple[str, ...] = ()
    """Tasks that are left out although they fit."""


def members(tasks: Any) -> Any:
    """`all` or a rule as the names of the tasks, in the archive's order; a list of names as it is.

    Raises:
        ValueError: if a type or a task that is left out is unknown, or no task fits.
    """
    if tasks != "all" and not isinstance(tasks, dict):
        return tasks
    rule = Rule.model_validate({} if tasks == "all" else tasks)
    types, sizes = published_types(), published_sizes()
    for what, known, named in (
        ("type", set(types.values()), rule.type or ()),
        ("task", set(types), rule.without),
    ):
        if unknown := sorted(set(named) - known):
            raise ValueError(f"{unknown[0]} is no {what} of the archive ({listed(sorted(known), 200)})")

    def fits(task: str) -> bool:
        n, length = sizes[task].n_train, sizes[task].length
        return (
            (rule.type is None or types[task] in rule.type)
            and (rule.min_train or 0) <= n
            and (rule.max_train is None or n <= rule.max_train)
            and (rule.max_length is None or (length is not None and length <= rule.max_length))
        )

    chosen = [task for task in types if task not in rule.without and fits(task)]
    if not chosen:
        raise ValueError("no task of the archive fits")
    return chosen
