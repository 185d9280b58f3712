"""Labels for new series of a task, with the model that was trained on it and the classifier that was fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtcs.archive import RawTask, read_series
from mtcs.errors import InputError
from mtcs.normalize import moments, scaled


def read_new(path: Path, raw: RawTask) -> tuple[np.ndarray, list[str | None]]:
    """Series of a file, scaled as the task's training series were: (n, T) float32 padded with NaN, and their labels.

    Raises:
        InputError: if the file does not hold series, a value is too large to scale, or a label is none of the task's.
    """
    series, labels = read_series(path)
    for i, label in enumerate(labels):
        if label is not None and label not in raw.classes:
            raise InputError(
                f"{path}: series {i} has label {label}, expected one of {raw.name}'s ({', '.join(raw.classes)}) or '?'."
            )
    new = scaled(series, *moments(raw))
    if not (finite := ~np.isinf(new).any(1)).all():
        raise InputError(
            f"{path}: series {finite.argmin()} has values beyond any of {raw.name}'s training series; repair the file."
        )
    return new, labels
