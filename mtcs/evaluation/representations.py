"""Representations of one task and their `.npz` file: what the stages after the encoder read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtcs.data.npz import open_npz
from mtcs.data.task import Task
from mtcs.errors import InputError
from mtcs.files import atomic_write
from mtcs.layout import Run


@dataclass(frozen=True)
class Representations:
    """Instance representations of a task.

    train, test: (n, D) float32, or (n, channels * D), one channel after the other. Finite, but for a method that hands
        the series themselves on (DTW), where NaN is padding or a missing value.
    head: weight (C, D) of the task's linear head; None for a method that trains without labels.
    """

    train: np.ndarray
    test: np.ndarray
    head: np.ndarray | None = None

    def head_predictions(self) -> np.ndarray | None:
        """Labels (n,) that the head gives the test series (Equation 1); None without a head."""
        if self.head is None:
            return None
        return (channel_mean(self.test, self.test.shape[1] // self.head.shape[1]) @ self.head.T).argmax(1)


def channel_mean(representations: np.ndarray, channels: int) -> np.ndarray:
    """What heads read: (n, channels * D) -> (n, D)."""
    if channels == 1:
        return representations
    return representations.reshape(len(representations), channels, -1).mean(1)


def write_representations(path: Path, representations: Representations) -> None:
    """Write representations to `path` (`.npz`), whole or not at all."""
    arrays = {"train": representations.train, "test": representations.test}
    if representations.head is not None:
        arrays["head"] = representations.head
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]  # numpy's stub takes them for allow_pickle


def representations_of(run: Run, task: Task) -> Representations:
    """Those that a run has left of a task.

    Raises:
        InputError: if they are missing, broken, not one a series, or their head is of other classes.
    """
    read, path = read_representations(run, task.name), run.representation(task.name)
    for part, known, expected in (("training", read.train, task.train), ("test", read.test, task.test)):
        if len(known) != len(expected):
            has = f"{path} has {len(known)} {part} representations"
            raise InputError(f"{has}, expected {len(expected)}; {run.remedy('represent')}.")
    if read.head is not None and len(read.head) != task.n_classes:
        has = f"{path}: a head of {len(read.head)} classes"
        raise InputError(f"{has}, expected the {task.n_classes} of {task.name}; {run.remedy('represent')}.")
    return read


def read_representations(run: Run, task: str) -> Representations:
    """Read what `write_representations` wrote of a run's task.

    Raises:
        InputError: if there is no such file, or it does not hold representations.
    """
    path, remedy = run.representation(task), run.remedy("represent")
    with open_npz(path, "representations", remedy) as arrays:
        stored = dict(arrays)
    missing = {"train", "test"} - set(stored)
    if missing:
        raise InputError(f"{path} lacks {' and '.join(sorted(missing))}; {remedy}.")
    for part in ("train", "test"):
        if stored[part].ndim != 2 or np.isinf(stored[part]).any():
            raise InputError(
                f"{path}: '{part}' of shape {stored[part].shape}, expected (n, D) and no infinity; {remedy}."
            )
    head = stored.get("head")
    if head is not None and (head.ndim != 2 or not head.shape[1] or stored["test"].shape[1] % head.shape[1]):
        raise InputError(f"{path}: head of shape {head.shape}, expected (C, {stored['test'].shape[1]}); {remedy}.")
    return Representations(stored["train"], stored["test"], head)
