"""How a classified run went, as a table to print."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mtcs.data.task import Task
from mtcs.evaluation.classified import Outcome
from mtcs.evaluation.scores import score


def outcome_text(classifier: str, tasks: Sequence[Task], outcomes: Sequence[Outcome]) -> str:
    """Each task's accuracy, beside always saying its most frequent label; and labels that were never predicted.

    Args:
        classifier: what it is called.
        tasks: of the suite.
        outcomes: one a task.
    """
    pairs = list(zip(tasks, outcomes, strict=True))
    scores = [score(task, outcome.predicted) for task, outcome in pairs]
    columns: dict[str, list[float | None]] = {
        "accuracy": [one.accuracy for one in scores],
        "balanced": [one.balanced_accuracy for one in scores],
        "majority": [one.majority for one in scores],
        "weight": [outcome.weight for outcome in outcomes],
        "trained head": [None if o.head is None else (o.head == task.test.labels).mean() for task, o in pairs],
    }
    table = pd.DataFrame(columns, index=[task.name for task in tasks], dtype=np.float64).dropna(axis=1, how="all")
    table.loc["mean"] = table.mean()
    lines = [f"accuracy of the {classifier}", table.to_string(float_format="%.4f")]
    for task, one in zip(tasks, scores, strict=True):
        if one.never_predicted:
            lines.append(f"{task.name}: no series was given the label {', '.join(one.never_predicted)}.")
    return "\n".join(lines)
