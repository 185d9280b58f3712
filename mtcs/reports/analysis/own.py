"""How well a model of your own data labels series that it has not seen: the numbers of its report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtcs.bundles.cross_validation import Validation
from mtcs.classifiers.calibration import brier_score, calibration_error, log_loss
from mtcs.reports.analysis.significance import signed_rank

SHOWN = 8
"""Series that are drawn of those that are wrong, and of those that are right but unsure."""

UNSURE = 0.7
"""Below this probability of its label a series counts as unsure."""


@dataclass(frozen=True)
class Case:
    """A series that is worth a look: its row, its label, what was said, and with which probability (NaN: unknown)."""

    row: int
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class Together:
    """What learning all tasks together was worth to one, on the same folds.

    alone: accuracy of models that learned it alone; gained, lost: series that only the joint models label right, or
        only the others; p: of as uneven a split by chance (McNemar's exact test, or of groups, whose series are not
        independent, Wilcoxon's signed-rank test).
    """

    alone: float
    gained: int
    lost: int
    p: float


@dataclass(frozen=True)
class OwnTask:
    """How well the labels of a task's n series are predicted when they are left out.

    low, high: 95 % interval of the accuracy, which counts series of one group as one where they go together.
    majority: share of the most frequent label, always.
    confusion: (C, C) series by label (row) and prediction (column).
    by_label: a row a label: series, recall, precision (NaN where it is never predicted).
    calibration: Brier score, log loss and expected calibration error; empty where there are no probabilities.
    together: None where learning alone was not measured.
    curve: mean accuracy by how many labelled series the classifier had.
    groups: how many there are of what series come from; None where that is not said.
    """

    name: str
    n: int
    labels: tuple[str, ...]
    accuracy: float
    low: float
    high: float
    majority: float
    always: str
    confusion: np.ndarray
    by_label: pd.DataFrame
    calibration: Mapping[str, float]
    together: Together | None
    curve: Mapping[int, float]
    wrong: tuple[Case, ...]
    unsure: tuple[Case, ...]
    n_wrong: int
    n_unsure: int
    groups: int | None

    @property
    def better(self) -> bool:
        """Whether it is shown to be better than always answering the most frequent label."""
        return self.low > self.majority


def own_task(name: str, validation: Validation) -> OwnTask:
    """The numbers of a task's cross-validation."""
    truth, predicted = validation.truth, validation.predicted
    labels, n = tuple(map(str, validation.labels.tolist())), len(truth)
    right = predicted == truth
    low, high = interval(right, validation.group)
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    counts, said = confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(invalid="ignore"):
        by_label = pd.DataFrame(
            {"series": counts, "recall": confusion.diagonal() / counts, "precision": confusion.diagonal() / said},
            index=pd.Index(labels, name="label"),
        )
    probabilities = validation.recalibrated()
    sure = np.full(n, np.nan) if probabilities is None else probabilities[np.arange(n), predicted]
    wrong = np.flatnonzero(~right)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
    unsure = np.flatnonzero(right & (sure < UNSURE))
    unsure = unsure[np.argsort(sure[unsure], kind="stable")]

    def cases(rows: np.ndarray) -> tuple[Case, ...]:
        return tuple(Case(int(i), labels[truth[i]], labels[predicted[i]], float(sure[i])) for i in rows[:SHOWN])

    return OwnTask(
        name=name,
        n=n,
        labels=labels,
        accuracy=float(right.mean()),
        low=low,
        high=high,
        majority=float(counts.max() / n),
        always=labels[int(counts.argmax())],
        confusion=confusion,
        by_label=by_label,
        calibration={}
        if probabilities is None
        else {
            "Brier score": brier_score(probabilities, truth),
            "log loss": log_loss(probabilities, truth),
            "calibration error": calibration_error(probabilities, truth),
        },
        together=None if validation.alone is None else _together(right, validation.alone == truth, validation.group),
        curve=_curve(validation),
        wrong=cases(wrong),
        unsure=cases(unsure),
        n_wrong=len(wrong),
        n_unsure=len(unsure),
        groups=None if validation.group is None else len(np.unique(validation.group)),
    )


def interval(right: np.ndarray, group: np.ndarray | None = None) -> tuple[float, float]:
    """95 % interval (Wilson, 1927) of the share of series (n,) that are right.

    Series of one group (n,) tend to be right or wrong together, so they count for as many independent ones as the
    variance between groups says. A few groups say little of it, above all where nothing is wrong: one more, of which
    half is right, is counted beside them for that, as Agresti and Coull (1998) do with series.
    """
    n, share = float(len(right)), float(right.mean())
    if group is not None:
        _, of, sizes = np.unique(group, return_inverse=True, return_counts=True)
        size = sizes.mean()
        total, likely = n + size, (right.sum() + size / 2) / (n + size)
        apart = np.append(np.bincount(of, right - likely), size / 2 - size * likely)  # of each group, in series
        variance = np.square(apart).sum() / total**2 * (len(apart) / len(sizes))
        n = min(n, float(likely * (1 - likely) / variance)) if variance > 0 else n
    z = 1.959964
    center, spread = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, (center - spread) / (1 + z**2 / n)), min(1.0, (center + spread) / (1 + z**2 / n))


def _together(right: np.ndarray, right_alone: np.ndarray, group: np.ndarray | None) -> Together:
    from scipy.stats import binomtest

    gained, lost = int((right & ~right_alone).sum()), int((right_alone & ~right).sum())
    if group is not None:
        _, of = np.unique(group, return_inverse=True)
        p = signed_rank(np.bincount(of, right.astype(float) - right_alone))
    else:
        p = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return Together(float(right_alone.mean()), gained, lost, p)


def _curve(validation: Validation) -> dict[int, float]:
    """Folds have about as many series; those of one share of them are one point."""
    points: dict[float, list[tuple[int, float]]] = {}
    for point in validation.curve:
        points.setdefault(point.share, []).append((point.n_labelled, point.accuracy))
    means = [np.mean(accuracies, axis=0) for _, accuracies in sorted(points.items())]
    return {round(n): float(accuracy) for n, accuracy in means}
