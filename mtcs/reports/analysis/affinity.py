"""Which tasks are alike, and which of their labels: task similarity (Figure 2) and label affinity (Equation 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtcs.evaluation.results import RunResult

THRESHOLD = 2.0
"""tau of Equation 5 of a method that has none: labels are relevant to each other when their affinity exceeds so many
times the mean."""

STRONGEST = 200
"""Pairs of labels that are listed; a suite of 15 tasks has thousands."""

LISTED = 15
"""Pairs of labels that are drawn."""

CENTERED = "-centered"
"""Suffix of files that hold the centered form of task similarity; those of the paper's form have none."""

FORMS = {"": "the paper's form", CENTERED: "centered"}
"""The forms of task similarity in words, by the suffix of their files."""


@dataclass(frozen=True)
class LabelAffinity:
    """Affinity of every label with every other, over all heads.

    affinity: (S, S) float64, S the sum of C over tasks; block (k, j) is Equation 4 of tasks k and j and sums to 1.
    tasks: the task of each of the S labels; labels: its name in the archive.
    threshold: tau of Equation 5.
    """

    affinity: np.ndarray
    tasks: tuple[str, ...]
    labels: tuple[str, ...]
    threshold: float = THRESHOLD

    @property
    def relevance(self) -> np.ndarray:
        """(S, S) M N A / sum(A) of Equation 5, where each block's sum(A) is 1: affinity over its mean."""
        counts = pd.Series(self.tasks).value_counts()
        sizes = counts.loc[list(self.tasks)].to_numpy(np.float64)
        return self.affinity * np.outer(sizes, sizes)

    def pairs(self) -> pd.DataFrame:
        """The relevant pairs of labels of different tasks, strongest first, each once.

        Columns task_k, label_k, task_j, label_j, affinity, relevance.
        """
        relevance = self.relevance
        tasks, labels = np.array(self.tasks, dtype=object), np.array(self.labels, dtype=object)
        different_tasks = tasks[:, None] != tasks[None, :]
        k, j = np.nonzero(np.triu(different_tasks & (relevance > self.threshold)))
        order = np.argsort(-relevance[k, j], kind="stable")
        k, j = k[order], j[order]
        return pd.DataFrame(
            {
                "task_k": tasks[k],
                "label_k": labels[k],
                "task_j": tasks[j],
                "label_j": labels[j],
                "affinity": self.affinity[k, j],
                "relevance": relevance[k, j],
            }
        )


@dataclass(frozen=True)
class Affinity:
    """What a method that trains one model for all tasks says about them.

    similarity, centered: (seeds, K, K) task similarity of the training series, the paper's form and the centered one.
    labels: mean over seeds; None where the method has no heads.
    """

    method: str
    tasks: tuple[str, ...]
    similarity: np.ndarray
    centered: np.ndarray
    labels: LabelAffinity | None

    def by_form(self) -> dict[str, np.ndarray]:
        """Both forms under the suffix of their files."""
        return {"": self.similarity, CENTERED: self.centered}

    def mean(self, form: str = "") -> pd.DataFrame:
        """(K, K) task similarity, mean over seeds; task names as index and columns."""
        return pd.DataFrame(self.by_form()[form].mean(0), index=list(self.tasks), columns=list(self.tasks))


def in_order(matrix: np.ndarray, result: RunResult, tasks: Sequence[str], by_label: bool = False) -> np.ndarray:
    """A run's matrix with rows and columns in the order of `tasks`.

    Args:
        matrix: (K, K) over the run's K tasks in their order; with `by_label`, (S, S) over their S labels.
        result: the run.
        tasks: its tasks in the order that is wanted.
        by_label: whether rows and columns are labels, which keep their order within a task.

    Returns:
        As `matrix`.
    """
    sizes = [len(task.classes) if by_label else 1 for task in result.tasks]
    blocks = dict(
        zip((task.task for task in result.tasks), np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1]), strict=True)
    )
    places = np.concatenate([blocks[task] for task in tasks])
    return matrix[np.ix_(places, places)]


def gather(results: Sequence[RunResult], threshold: float = THRESHOLD) -> Affinity | None:
    """The affinities of one method over its runs; None where in none of them one model served several tasks.

    threshold: the method's tau of Equation 5.
    """
    measured = [
        (result, result.similarity.square(), result.centered.square())
        for result in results
        if result.similarity is not None and result.centered is not None
    ]
    if not measured or len(measured[0][0].tasks) < 2:
        return None
    results, plain, centered = zip(*measured, strict=True)
    tasks = tuple(task.task for task in results[0].tasks)
    known = {task.task: task.classes for task in results[0].tasks}
    affinities = [  # of other runs of the same labels, whatever the order of their tasks
        in_order(result.label_affinity.square(), result, tasks, by_label=True)
        for result in results
        if result.label_affinity is not None and {task.task: task.classes for task in result.tasks} == known
    ]
    names = [(task, label) for task in tasks for label in known[task]]
    return Affinity(
        method=results[0].method,
        tasks=tasks,
        similarity=np.stack([in_order(one, result, tasks) for one, result in zip(plain, results, strict=True)]),
        centered=np.stack([in_order(one, result, tasks) for one, result in zip(centered, results, strict=True)]),
        labels=LabelAffinity(
            affinity=np.mean(affinities, axis=0),
            tasks=tuple(task for task, _ in names),
            labels=tuple(label for _, label in names),
            threshold=threshold,
        )
        if affinities
        else None,
    )
