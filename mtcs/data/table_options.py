"""What a user knows of a table that is to be read, so that it need not be guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mtcs.errors import InputError


@dataclass(frozen=True)
class TableOptions:
    """What is known of tables, each None where it is to be guessed.

    label, id, time, task, group: columns by their name, or without a header by their number from 1. A label of "none"
        says that there are none.
    values: columns of values, names or `first:last`; of a long table each is a channel.
    layout: "wide" is one row a series, "long" one row a time step.
    header: whether the first row names columns.
    separator: one character, or its name; decimal: "." or ",".
    """

    label: str | None = None
    id: str | None = None
    time: str | None = None
    task: str | None = None
    group: str | None = None
    values: Sequence[str] | None = None
    layout: Literal["wide", "long"] | None = None
    header: bool | None = None
    separator: str | None = None
    decimal: Literal[".", ","] | None = None


@dataclass(frozen=True)
class KnownTask:
    """What is known of a task that was fitted, to read new series of it.

    labels: as text.
    values: names of its columns of values, one a time step, or of its channels; empty where they had none.
    """

    labels: frozenset[str]
    values: tuple[str, ...] = ()


class UnknownColumn(InputError):
    """An option names a column that a file has not; `option` is its field of `TableOptions`."""

    def __init__(self, message: str, option: str) -> None:
        super().__init__(message)
        self.option = option
