"""Accuracies over seeds: mean and spread, and two methods compared seed by seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtcs.reports.analysis.significance import DIGITS


@dataclass(frozen=True)
class Paired:
    """A method minus another, over the seeds and tasks that both have.

    seeds: how many.
    difference: mean over tasks and seeds, and standard deviation over seeds; see `over_seeds`.
    better, equal, worse: tasks, by the mean over these seeds.
    """

    seeds: int
    difference: tuple[float, float] = (math.nan, math.nan)
    better: int = 0
    equal: int = 0
    worse: int = 0


def pair(differences: np.ndarray) -> Paired:
    """Summarise differences (seeds, tasks) of accuracies."""
    by_task = differences.mean(0).round(DIGITS)
    better, equal, worse = (int(tasks.sum()) for tasks in (by_task > 0, by_task == 0, by_task < 0))
    return Paired(len(differences), over_seeds(differences), better, equal, worse)


def over_seeds(values: np.ndarray) -> tuple[float, float]:
    """Mean, and standard deviation over seeds with ddof = 1; NaN where there are too few seeds.

    values: (seeds,), or (seeds, tasks), of which the mean over tasks is taken first.
    """
    by_seed = values.mean(1) if values.ndim == 2 else values
    mean = float(by_seed.mean()) if len(by_seed) else math.nan
    return mean, float(by_seed.std(ddof=1)) if len(by_seed) > 1 else math.nan


def seeds_by_tasks(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The accuracies of a long form by method, (seeds, tasks) each; NaN where a seed lacks a task."""
    return {
        str(method): group.pivot_table(index="seed", columns="task", values="accuracy")
        for method, group in frame.groupby("method")
    }
