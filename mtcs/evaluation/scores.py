"""How good predictions of a task are, beside always saying its most frequent label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtcs.data.task import Task


@dataclass(frozen=True)
class Score:
    """Of the test series of a task.

    accuracy: share that is right; balanced_accuracy: its mean over the labels that occur.
    majority: share that has the training part's most frequent label.
    never_predicted: labels that occur, and that no series was given.
    """

    accuracy: float
    balanced_accuracy: float
    majority: float
    never_predicted: tuple[str, ...]


def score(task: Task, predicted: np.ndarray) -> Score:
    """Of predicted classes (n,), one a test series."""
    labels = task.test.labels
    right, present = predicted == labels, np.unique(labels)
    return Score(
        accuracy=float(right.mean()),
        balanced_accuracy=float(np.mean([right[labels == label].mean() for label in present])),
        majority=float((labels == np.bincount(task.train.labels).argmax()).mean()),
        never_predicted=tuple(task.classes[label] for label in present if label not in predicted),
    )
