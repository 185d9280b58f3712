"""Accuracy by the number of labelled series: a suite beside those that keep only some training series of each label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class LabelBudget:
    """What methods reach with so many training series of each label.

    labels: of each label; None for all there are.
    draws: how many choices of them, of which the means are: those that all methods here have results of.
    accuracy, heads: by method, (mean, standard deviation over draws) of the mean accuracy over tasks and seeds;
        deviations with ddof = 1, NaN of one draw; heads of those methods that have some.
    """

    labels: int | None
    draws: int
    accuracy: dict[str, tuple[float, float]]
    heads: dict[str, tuple[float, float]]

    @property
    def name(self) -> str:
        return "all" if self.labels is None else f"{self.labels:,}"


def learning_curve(frame: pd.DataFrame, suite: str, labels: Mapping[str, int]) -> list[LabelBudget]:
    """The fewest labels first, all of them last; empty where no suite with fewer has a result.

    A number of labels of which no draw has results of all its methods is left out.

    Args:
        frame: accuracies in long form, each run with all tasks of the suite.
        suite: the one that keeps all labels.
        labels: by name, how many training series of each label the others keep; several of one number are draws.
    """
    accuracy, heads = (
        frame.pivot_table(index="suite", columns="method", values=value, sort=False)
        for value in ("accuracy", "head_accuracy")
    )
    points = []
    for count in sorted(set(labels.values())):
        drawn = accuracy.reindex([name for name, kept in labels.items() if kept == count])
        drawn = drawn.dropna(how="all").dropna(axis=1, how="all").dropna()
        if len(drawn):
            points.append(_point(count, drawn, heads))
    whole = accuracy.reindex([suite], columns=list(dict.fromkeys(method for one in points for method in one.accuracy)))
    whole = whole.dropna(axis=1)
    return [*points, _point(None, whole, heads)] if whole.size else points


def _point(labels: int | None, accuracy: pd.DataFrame, heads: pd.DataFrame) -> LabelBudget:
    """A point of the curve from accuracies (draws, methods)."""
    heads = heads.reindex(accuracy.index, columns=accuracy.columns.intersection(heads.columns)).dropna(axis=1)
    return LabelBudget(labels, len(accuracy), _over_draws(accuracy), _over_draws(heads))


def _over_draws(values: pd.DataFrame) -> dict[str, tuple[float, float]]:
    means, stds = values.to_numpy().mean(0), values.std(ddof=1).to_numpy()
    return {str(method): (float(mean), float(std)) for method, mean, std in zip(values, means, stds, strict=True)}
