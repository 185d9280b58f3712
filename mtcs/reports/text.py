"""The tables of a report as text, and the files of Markdown that hold them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from mtcs.reports.analysis.ablation import Variant
from mtcs.reports.analysis.accuracy import Cell, Table
from mtcs.reports.analysis.cost import Costs
from mtcs.reports.analysis.significance import REFERENCE, Comparison
from mtcs.reports.numbers import DAGGER, DASH, duration, number, probability, signed, spread
from mtcs.reports.titles import TITLES, Titles
from mtcs.reports.words import (
    ELSEWHERE,
    FINDING,
    FINDINGS,
    ablation_notes,
    caveats,
    cost_notes,
    distance,
    doubts,
    findings,
    heading,
    how_compared,
    sharing_gain,
    verdict,
)

LEFT = ("what differs", "precision", "taken on")
"""Columns of words, which line up at the left."""


def method_table(
    table: Table, comparisons: Sequence[Comparison], best: str = "{}", titles: Titles = TITLES
) -> pd.DataFrame:
    """One row a method: mean, paper's mean, difference, average rank, and how it compares with `REFERENCE`.

    `best` is how the best mean is written, such as "**{}**".
    """
    by_method = {comparison.method: comparison for comparison in comparisons}
    compared = any(table.compared.values())
    rows = []
    for method in table.methods:
        cell, rank, against = table.mean[method], table.rank[method], by_method.get(method)
        row = {"accuracy": (best if cell.best else "{}").format(spread(cell.mean, cell.std))}
        if compared:
            row |= {"paper": number(cell.published), "difference": signed(cell.difference)}
        if len(table.methods) > 1:
            row["rank"] = DASH if math.isnan(rank) else f"{rank:.2f}"
        if comparisons:
            row |= {
                "wins/ties/losses": f"{against.wins}/{against.ties}/{against.losses}" if against else DASH,
                "p": probability(against.corrected) if against else DASH,
            }
        rows.append(row | {"seeds": seeds_behind(table, method)})
    return pd.DataFrame(rows, index=pd.Index(titles.of(table.methods), name="method"))


def seeds_behind(table: Table, method: str) -> str:
    """How many seeds stand behind the method's cells: 5, or 3 to 5."""
    counts = [row.cells[method].seeds for row in table.rows if method in row.cells]
    return str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


def task_table(table: Table, best: str = "{}", titles: Titles = TITLES) -> pd.DataFrame:
    """Our accuracies as text, tasks by methods. `best` is how the best of a row is written, such as "**{}**"."""
    columns = {
        titles[method]: [_own(row.cells.get(method), len(table.seeds[method]), best) for row in table.rows]
        for method in table.methods
    }
    return pd.DataFrame(columns, index=pd.Index([row.task for row in table.rows], name="task"))


def _own(cell: Cell | None, asked: int, best: str) -> str:
    if cell is None:
        return DASH
    text = (best if cell.best else "{}").format(spread(cell.mean, cell.std))
    return text if cell.seeds == asked else f"{text} ({cell.seeds})"


def paper_table(table: Table, titles: Titles = TITLES) -> pd.DataFrame:
    """The paper's accuracies and our difference from each, tasks by those methods of which it prints any."""
    columns = {
        titles[method]: [_paper(row.cells.get(method)) for row in table.rows]
        for method in table.methods
        if table.compared[method]
    }
    return pd.DataFrame(columns, index=pd.Index([row.task for row in table.rows], name="task"))


def _paper(cell: Cell | None) -> str:
    if cell is None or math.isnan(cell.published):
        return DASH
    return f"{number(cell.published)}{DAGGER * bool(cell.doubt)} ({signed(cell.difference)})"


def accuracy_markdown(
    table: Table, comparisons: Sequence[Comparison], notes: Sequence[str] = (), titles: Titles = TITLES
) -> str:
    """`accuracy.md`: a row a method first, then our accuracies by task, then the paper's beside the differences."""
    blocks = [
        f"# Accuracy of {heading(table, titles)}",
        " ".join(
            filter(None, [distance(table, titles), sharing_gain(table, comparisons), verdict(comparisons, titles)])
        ),
        markdown_table(method_table(table, comparisons, "**{}**", titles)),
    ]
    if comparisons:
        blocks.append(how_compared(comparisons, titles))
    if found := findings(table, titles):
        blocks.append(f"More than {FINDING:g} below what is published, see `{FINDINGS}`:")
        blocks.append("\n".join(f"- {sentence}" for sentence in found))
    blocks += [
        "Accuracy by task:",
        markdown_table(task_table(table, "**{}**", titles)),
        " ".join([*caveats(table, titles), *notes]),
    ]
    if any(table.compared.values()):
        blocks += ["The paper's accuracy (and ours minus the paper's):", markdown_table(paper_table(table, titles))]
    if doubtful := doubts(table, titles):
        blocks.append(f"{DAGGER} Doubtful in print, shown as printed:")
        blocks.append("\n".join(f"- {sentence}" for sentence in doubtful))
    return "\n\n".join(blocks) + "\n"


def markdown_table(frame: pd.DataFrame, left: Sequence[str] = ()) -> str:
    """A table of text with its columns lined up, so that it reads as plain text too.

    The index and the columns `left` are lined up at the left, the rest at the right.
    """
    head = [str(frame.index.name), *map(str, frame.columns)]
    body = [[str(name), *cells] for name, cells in zip(frame.index, frame.to_numpy(), strict=True)]
    rows = [[cell.replace("|", "\\|") for cell in row] for row in (head, *body)]
    at_left = [True, *(column in left for column in frame.columns)]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * width if is_left else "-" * (width - 1) + ":" for width, is_left in zip(widths, at_left, strict=True)]
    lined_up = [
        [
            cell.ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(row, widths, at_left, strict=True)
        ]
        for row in (rows[0], rule, *rows[1:])
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in lined_up)


def ablation_table(variants: Sequence[Variant], titles: Titles = TITLES) -> pd.DataFrame:
    """Each variant as text: what differs, accuracy, difference by seed, tasks, and the difference in the paper."""
    rows = []
    for variant in variants:
        same = DASH if variant.method == REFERENCE else "nothing"
        row = {"what differs": variant.differs or same, "accuracy": spread(variant.mean, variant.std)}
        if variant.method == REFERENCE:
            row |= {"difference": DASH, "better/equal/worse": DASH, "in the paper": DASH}
        else:
            gap = signed(variant.difference)
            row |= {
                "difference": gap if math.isnan(variant.difference_std) else f"{gap} ± {variant.difference_std:.3f}",
                "better/equal/worse": f"{variant.better}/{variant.equal}/{variant.worse}",
                "in the paper": signed(variant.printed) + ELSEWHERE * variant.elsewhere,
            }
        rows.append(row | {"seeds": str(variant.seeds)})
    return pd.DataFrame(rows, index=pd.Index([titles[variant.method] for variant in variants], name="variant"))


def ablation_markdown(suite: str, variants: Sequence[Variant], titles: Titles = TITLES) -> str:
    """`ablation.md`: the ablation table and what its columns are."""
    blocks = [
        f"# Ablations on {suite}",
        markdown_table(ablation_table(variants, titles), LEFT),
        " ".join(ablation_notes(variants, titles)),
    ]
    return "\n\n".join(blocks) + "\n"


def cost_table(costs: Costs, titles: Titles = TITLES) -> pd.DataFrame:
    """Each method's cost as text; precision and machine are columns where they are not the same for all."""
    rows = []
    for cost in costs.rows:
        row = {
            "training": DASH if cost.training is None else duration(cost.training),
            "models": str(cost.models) if cost.models else DASH,
            "inference, series/s": DASH if cost.inference is None else f"{cost.inference:,.0f}",
            "parameters": DASH if cost.parameters is None else f"{cost.parameters:,}",
            "peak memory": DASH if cost.memory is None else f"{cost.memory:,.0f} MB",
        }
        if not costs.one_run:
            row["runs"] = str(cost.runs)
        if len(costs.precisions) > 1:
            row["precision"] = ", ".join(cost.precisions) or DASH
        if len(costs.machines) > 1:
            row["taken on"] = "; ".join(cost.machines) or DASH
        rows.append(row)
    return pd.DataFrame(rows, index=pd.Index([titles[cost.method] for cost in costs.rows], name="method"))


def cost_markdown(suite: str, costs: Costs, titles: Titles = TITLES) -> str:
    """`cost.md`: the cost table and where it was taken."""
    blocks = [
        f"# Cost of the methods on {suite}",
        markdown_table(cost_table(costs, titles), LEFT),
        " ".join(cost_notes(costs, titles)),
    ]
    return "\n\n".join(blocks) + "\n"
