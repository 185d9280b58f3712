"""Labels for new series of a task, with the model that was trained on it and the classifier that was fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtcs.data.archive import RawTask, read_series, tidy_label
from mtcs.data.normalize import moments, scaled
from mtcs.errors import InputError

CHECKED = 8
"""Training series whose representations are compared with those that a classifier was fitted on."""


def alike(fitted: np.ndarray, again: np.ndarray) -> bool:
    """Whether two (n, D) are representations of the same series by the same weights, give or take precision.

    bf16 and fp32 differ by about a hundredth, other weights by half and more. NaN is like NaN.
    """
    if fitted.shape != again.shape or (np.isnan(fitted) != np.isnan(again)).any():
        return False
    return bool(np.linalg.norm(np.nan_to_num(fitted - again)) <= 0.1 * np.linalg.norm(np.nan_to_num(fitted)))


def read_new(path: Path, raw: RawTask) -> tuple[np.ndarray, list[str | None]]:
    """Series of a file, scaled as the task's training series were: (n, T) float32 padded with NaN, and their labels.

    Raises:
        InputError: if the file does not hold series, a value is too large to scale, or a label is none of the task's.
    """
    series, found = read_series(path)
    labels = [None if label is None else _class_of(label, raw) for label in found]
    for i, (label, known) in enumerate(zip(found, labels, strict=True)):
        if label is not None and known is None:
            raise InputError(
                f"{path}: series {i} has label {label}, expected one of {raw.name}'s ({', '.join(raw.classes)}) or '?'."
            )
    new = scaled(series, *moments(raw))
    if not (finite := ~np.isinf(new).any(1)).all():
        raise InputError(
            f"{path}: series {finite.argmin()} has values beyond any of {raw.name}'s training series; repair the file."
        )
    return new, labels


def _class_of(label: str, raw: RawTask) -> str | None:
    """The task's name of a label, which is the label itself or the same number written in another way."""
    alike = [name for name in raw.classes if tidy_label(name) == tidy_label(label)]
    return label if label in raw.classes else alike[0] if len(alike) == 1 else None
