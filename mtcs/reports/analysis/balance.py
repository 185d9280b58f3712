"""How methods treat rare labels: balanced accuracy, and labels that are never predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtcs.evaluation.results import RunResult


@dataclass(frozen=True)
class Balance:
    """A task and what accuracy hides of it.

    majority: share of the most frequent training label among the test series, what always answering it would score.
    accuracy: by method, mean over labels of the share of their test series that are right, mean over seeds.
    never: by method, the labels that none of its runs predicted; methods without such labels are left out.
    """

    task: str
    majority: float
    accuracy: dict[str, float]
    never: dict[str, tuple[str, ...]]


def balance(results: Sequence[RunResult], tasks: Sequence[str], methods: Sequence[str]) -> list[Balance]:
    """One entry a task of which a run says this; runs of earlier versions do not."""
    entries = []
    for name in tasks:
        accuracy, never, majority = {}, {}, None
        for method in methods:
            seen = [
                task
                for result in results
                if result.method == method
                for task in result.tasks
                if task.task == name and task.balanced_accuracy is not None
            ]
            if not seen:
                continue
            majority = seen[0].majority if majority is None else majority
            accuracy[method] = float(np.mean([task.balanced_accuracy or 0.0 for task in seen]))
            silent = set.intersection(*(set(task.never_predicted or ()) for task in seen))
            if silent:
                never[method] = tuple(label for label in seen[0].classes if label in silent)
        if majority is not None:
            entries.append(Balance(name, majority, accuracy, never))
    return entries
