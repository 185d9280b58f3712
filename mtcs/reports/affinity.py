"""Which tasks are alike, and which of their labels: task similarity (Figure 2) and label affinity (Equation 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtcs.errors import InputError
from mtcs.layout import Layout
from mtcs.representations import read_representations
from mtcs.similarity import factor, factor_similarity
from mtcs.tasks import read_task

THRESHOLD = 2.0
"""tau of Equation 5 of a method that has none: labels are relevant to each other when their affinity exceeds so many
times the mean."""

STRONGEST = 200
"""Pairs of labels that are listed; a suite of 15 tasks has thousands."""

CENTRED = "-centred"
"""Suffix of files that hold the centred form of task similarity; those of the paper's form have none."""


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
        apart = tasks[:, None] != tasks[None, :]
        k, j = np.nonzero(np.triu(apart & (relevance > self.threshold)))
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

    similarity, centred: (seeds, K, K) task similarity of the training series, the paper's form and the centred one.
    labels: mean over seeds; None where the method has no heads.
    """

    method: str
    seeds: tuple[int, ...]
    tasks: tuple[str, ...]
    similarity: np.ndarray
    centred: np.ndarray
    labels: LabelAffinity | None

    def by_form(self) -> dict[str, np.ndarray]:
        """Both forms under the suffix of their files."""
        return {"": self.similarity, CENTRED: self.centred}

    def mean(self, form: str = "") -> pd.DataFrame:
        """(K, K) task similarity, mean over seeds; task names as index and columns."""
        return pd.DataFrame(self.by_form()[form].mean(0), index=list(self.tasks), columns=list(self.tasks))


def measure(
    layout: Layout, suite: str, method: str, tasks: Sequence[str], seeds: Sequence[int], threshold: float = THRESHOLD
) -> Affinity | None:
    """Affinities of a method over the seeds that have every task's representations; None where there is no such seed.

    threshold: the method's tau of Equation 5.

    Raises:
        InputError: if a representation file does not hold what it should.
    """
    whole = tuple(
        seed for seed in seeds if all(layout.representation(suite, method, seed, task).exists() for task in tasks)
    )
    if not whole:
        return None
    classes = {task: read_task(layout.normalized(suite, task)).classes for task in tasks}
    plain, centred, affinities = [], [], []
    for seed in whole:
        series, heads = {}, {}
        for task in tasks:
            path = layout.representation(suite, method, seed, task)
            found = read_representations(path)
            series[task], head = found.train, found.head
            if head is None:
                continue
            if len(head) != len(classes[task]):
                raise InputError(
                    f"{path}: a head of {len(head)} classes, expected the {len(classes[task])} of {task}; "
                    f"run 'mtcs represent {method} {suite} --seed {seed}'."
                )
            heads[task] = head
        plain.append(task_similarity(series))
        centred.append(task_similarity(series, centered=True))
        if len(heads) == len(tasks):
            affinities.append(label_affinity(series, heads))
    names = [(task, label) for task in tasks for label in classes[task]]
    return Affinity(
        method=method,
        seeds=whole,
        tasks=tuple(tasks),
        similarity=np.stack(plain),
        centred=np.stack(centred),
        labels=LabelAffinity(
            affinity=np.mean(affinities, axis=0),
            tasks=tuple(task for task, _ in names),
            labels=tuple(label for _, label in names),
            threshold=threshold,
        )
        if affinities
        else None,
    )


def task_similarity(series: Mapping[str, np.ndarray], centered: bool = False) -> np.ndarray:
    """Covariance similarity of every pair of tasks.

    Args:
        series: (n, D) representations by task.
        centered: subtract each task's mean representation first; the paper does not.

    Returns:
        (K, K) float64, in the order of `series`.
    """
    factors = [factor(x, centered) for x in series.values()]
    similarity = np.empty((len(factors), len(factors)))
    for i, a in enumerate(factors):
        for j, b in enumerate(factors[: i + 1]):
            similarity[i, j] = similarity[j, i] = factor_similarity(a, b)
    return similarity


def label_affinity(series: Mapping[str, np.ndarray], heads: Mapping[str, np.ndarray]) -> np.ndarray:
    """Equation 4 over all heads at once: mean outer product of two tasks' class probabilities.

    Training estimates A of tasks k and j on one batch; here it is estimated on the training series of k and of j,
    each task with half the weight, which makes it symmetric.

    Args:
        series: (n, D) representations by task.
        heads: (C, D) weights by task, in the same order.

    Returns:
        (S, S) float64, S the sum of C, in the order of `heads`.
    """
    weights = np.concatenate([heads[task] for task in series]).astype(np.float64)  # (S, D)
    starts = np.cumsum([0, *(len(heads[task]) for task in series)])
    own = np.empty((len(weights), len(weights)))
    for k, x in enumerate(series.values()):
        probabilities = _softmax_by_task(x @ weights.T, starts[:-1])  # (n, S)
        rows = slice(starts[k], starts[k + 1])
        own[rows] = probabilities[:, rows].T @ probabilities / len(x)  # (C, S): A of task k with all, on its series
    return (own + own.T) / 2


def _softmax_by_task(logits: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Softmax over each head's columns (Equation 1); head k begins at column `starts[k]`. (n, S) -> (n, S)."""
    sizes = np.diff([*starts, logits.shape[1]])
    exponentials = np.exp(logits - np.repeat(np.maximum.reduceat(logits, starts, axis=1), sizes, axis=1))
    return exponentials / np.repeat(np.add.reduceat(exponentials, starts, axis=1), sizes, axis=1)
