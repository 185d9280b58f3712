"""The sentences of a report: what is chosen for them; their words are in `words.jinja`."""

from __future__ import annotations

import re

from mtcs.reports.analysis.ablation import LEAST_GAIN, improvement
from mtcs.reports.analysis.accuracy import published
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.runs import repeated
from mtcs.reports.analysis.significance import REFERENCE, closest_rival
from mtcs.reports.analysis.training import falling
from mtcs.reports.template import template
from mtcs.reports.writing import enumerated, number, percent, signed

FINDING = 0.02
"""A method whose mean is more than this below its published one is named; `docs/findings.md` has the reasons."""


def sentences(report: Report) -> dict[str, str]:
    """The paragraphs by the name of their block in `words.jinja`, a line each; empty where there is nothing to say."""
    table, titles = report.table, report.titles
    mean = {method: cell.mean for method, cell in table.mean.items()}
    rival = closest_rival(report.comparisons, report.reference, mean)
    others = [one for one in report.comparisons if one is not rival]
    compared = table.compared
    below = {method: cell.difference for method, cell in table.mean.items() if cell.difference < -FINDING}
    over = {one: f" over {len(tasks)} tasks" * (tasks != report.tasks) for one, tasks in compared.items()}
    partly = {method: len(tasks) for method, tasks in compared.items() if 0 < len(tasks) < len(report.tasks)}
    best = [method for method in report.methods if number(mean[method]) == number(max(mean.values()))]
    words = template("words.jinja")
    context = words.new_context(
        {
            "report": report,
            "titles": titles,
            "methods": titles.of(report.methods),
            "cells": list(table.mean.values()),
            "ours": titles[report.reference],
            "mean": mean,
            "best": [] if {report.reference, *([rival.method] if rival else [])} & set(best) else titles.of(best),
            "counted": titles.of(one for one in report.methods if any(one in task.methods for task in report.mistakes)),
            "rival": rival,
            "ahead": titles.of(one.method for one in others if one.significant and one.direction < 0),
            "behind": titles.of(one.method for one in others if one.significant and one.direction > 0),
            "alike": titles.of(one.method for one in others if not one.significant),
            "unpublished": published(report.tasks).empty,
            "closer": _closer(report),
            "finding": FINDING,
            "below": [f"{titles[method]} ({signed(difference)}{over[method]})" for method, difference in below.items()],
            "caution": _caution(report, rival.method) if rival else "",
            "unmeasured": titles.of(one for one in report.methods if one not in report.costs.seconds),
            "partly": [f"{count} for {titles[method]}" for method, count in partly.items()],
            "falling": [f"{percent(share)} for {titles[method]}" for method, share in falling(report).items()],
            "repeated": [f"{task} {n:,} of {total:,}" for task, (n, total) in repeated(report.results).items()],
        }
    )
    paragraphs = {name: "".join(block(context)).split("\n\n") for name, block in words.blocks.items()}
    lines = {name: [re.sub("[ \n]+", " ", one).strip() for one in several] for name, several in paragraphs.items()}
    return {name: "\n".join(filter(None, several)) for name, several in lines.items()}


def _closer(report: Report) -> str:
    """What the variant of MTCS that comes closest to the paper does and reaches, where MTCS is below it."""
    if report.reference != REFERENCE or not report.table.mean[REFERENCE].difference < -LEAST_GAIN:
        return ""
    best = improvement(report.variants, report.methods)
    differs = re.sub(r"^schedule\.(epochs|steps) (\d+) instead", r"\2 \1 instead", best.differs if best else "")
    return f"{differs} it reaches {number(best.accuracy[0])}" if best else ""


def _caution(report: Report, rival: str) -> str:
    """What the first sentence rests on, where that is less than it seems: a single seed, or unlike precisions."""
    pair = (report.reference, rival)
    said = []
    if all(report.table.mean[one].seeds == 1 for one in pair):
        said.append("one seed of each")
    trained = [
        [record for result in report.results if result.method == one for record in result.trained] for one in pair
    ]
    precisions = [enumerated(sorted({record.precision for record in records})) for records in trained]
    if all(precisions) and len(set(precisions)) > 1:
        said.append(f"trained in {precisions[0]} and in {precisions[1]}")
    return f"That is {', '.join(said)}." if said else ""
