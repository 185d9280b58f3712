"""Many tasks: what type of data each has, and orders that a reader may choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from mtcs.config.archive import published_types
from mtcs.reports.analysis.contents import Report

ORDERED = 20
"""Tasks from which on there are types and a choice."""


def archive_types(tasks: Sequence[str]) -> dict[str, str]:
    """The type of many tasks' data as the UCR archive names it, such as ECG; empty of few tasks, or where none has one.

    A task that is not in the archive has the type "other".
    """
    known = published_types()
    if len(tasks) < ORDERED or not set(known) & set(tasks):
        return {}
    return {task: known.get(task, "other") for task in tasks}


def means_by_type(scores: pd.DataFrame, types: Mapping[str, str]) -> pd.DataFrame:
    """Mean accuracies over the tasks of each type of data, types by methods; in the column "tasks", how many there are.

    Args:
        scores: (tasks, methods) accuracies.
        types: by task.
    """
    by_type = scores.groupby(pd.Series(types))
    means = pd.DataFrame(by_type.mean()).assign(tasks=by_type.size())
    return means.sort_index(key=lambda names: names.str.casefold()).rename_axis("type of data")


def orders(report: Report) -> dict[str, list[int]]:
    """Orders of many tasks to choose from: the place of each task, by the name of the order."""
    if len(report.tasks) < ORDERED:
        return {}
    seen = {task.task: task for result in report.results for task in result.tasks}
    ours = [row.cells[report.reference].mean for row in report.table.rows]
    rival = [
        max(c.mean for m, c in row.cells.items() if m != report.reference or len(row.cells) == 1)
        for row in report.table.rows
    ]
    name, types = report.titles[report.reference], archive_types(report.tasks)
    keys = {
        "as in the suite": [0 for _ in ours],
        **({"by type of data": [types[task] for task in report.tasks]} if types else {}),
        "by name": [task.casefold() for task in report.tasks],
        f"easy for {name} first": [-value for value in ours],
        f"{name} most ahead first": [other - value for value, other in zip(ours, rival, strict=True)],
        "most training series first": [-seen[task].train for task in report.tasks],
        "longest series first": [-seen[task].length for task in report.tasks],
        "most labels first": [-len(seen[task].classes) for task in report.tasks],
    }
    places = {}
    for order, values in keys.items():
        by_value = sorted(range(len(values)), key=lambda i, values=values: values[i])
        places[order] = [by_value.index(i) + 1 for i in range(len(values))]
    return places
