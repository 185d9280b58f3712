"""What the UCR archive publishes about its tasks: their sizes and the types of their data, from `mtcs/reference`.

Source: Dau et al., "The UCR time series archive", IEEE/CAA J. Autom. Sinica, 2019. Two data sets are listed as they are
since their correction in 2019: Chinatown (20 training and 343 test series) and MelbournePedestrian (1194 and 2439, with
missing values).
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Size(NamedTuple):
    """What the archive publishes about a task; `length` is None where lengths vary."""

    n_train: int
    n_test: int
    n_classes: int
    length: int | None


@cache
def published_sizes() -> dict[str, Size]:
    """Sizes of the archive's 128 tasks, by name."""
    return {
        row["task"]: Size(
            int(row["n_train"]),
            int(row["n_test"]),
            int(row["n_classes"]),
            None if row["length"] == "Vary" else int(row["length"]),
        )
        for row in _rows("archive_sizes.csv")
    }


@cache
def published_types() -> dict[str, str]:
    """The type of each task's data as the archive names it, such as ECG, in the archive's order."""
    return {row["task"]: row["type"] for row in _rows("archive_types.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    with (files("mtcs") / "reference" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
