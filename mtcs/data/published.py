"""What the UCR archive publishes about its tasks (`reference/archive_sizes.csv`).

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
    with (files("mtcs") / "reference/archive_sizes.csv").open(encoding="utf-8") as file:
        return {
            row["task"]: Size(
                int(row["n_train"]),
                int(row["n_test"]),
                int(row["n_classes"]),
                None if row["length"] == "Vary" else int(row["length"]),
            )
            for row in csv.DictReader(file)
        }
