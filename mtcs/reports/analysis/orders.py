"""Orders of many tasks that a reader may choose from."""

from __future__ import annotations

from mtcs.reports.analysis.contents import Report

ORDERED = 20
"""Tasks from which on there is a choice."""


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
    name = report.titles[report.reference]
    keys = {
        "as in the suite": [0 for _ in ours],
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
