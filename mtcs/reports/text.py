"""The accuracy report in words: how numbers are written, the sentences around them, and `accuracy.md`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from mtcs.reports.accuracy import Cell, Table
from mtcs.reports.significance import LEVEL, REFERENCE, Comparison

NAMES = {
    "mtcs": "MTCS",
    "mtl": "MTL",
    "mmoe": "MMoE",
    "ts2vec": "TS2Vec",
    "ts2vec_joint": "TS2Vec joint",
    "t_loss": "T-Loss",
    "tnc": "TNC",
    "ts_tcc": "TS-TCC",
    "tst": "TST",
    "dtw": "DTW",
}
"""How the publications spell a method's name; another is shown as it is."""

FINDING = 0.02
"""A method whose mean is more than this below its published one is named, and `FINDINGS` says what is known of it."""

FINDINGS = "docs/findings.md"

DASH = "\N{EN DASH}"
DAGGER = "†"


def shown_name(method: str) -> str:
    """The method's name as a reader knows it."""
    return NAMES.get(method, method)


def number(value: float) -> str:
    """An accuracy with three decimals; a dash where there is none."""
    return DASH if math.isnan(value) else f"{value:.3f}"


def spread(mean: float, std: float) -> str:
    """An accuracy with its standard deviation, which one seed does not have."""
    return number(mean) if math.isnan(std) else f"{mean:.3f} ± {std:.3f}"


def signed(value: float) -> str:
    """A difference with its sign; a dash where there is none."""
    if math.isnan(value):
        return DASH
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}") if abs(value) >= 0.0005 else "0.000"


def probability(value: float) -> str:
    """A p value: three decimals, and what is below them as a bound."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def listed(parts: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def heading(table: Table) -> str:
    """What is compared on what: the methods by name while they are few."""
    names = [shown_name(method) for method in table.methods]
    return f"{listed(names) if len(names) <= 3 else f'{len(names)} methods'} on {table.suite}"


def distance(table: Table) -> str:
    """How far the paper's own models are from the paper, in one sentence; of few methods, how far each is."""
    compared = {method: tasks for method, tasks in table.compared.items() if tasks}
    if not compared:
        return "The paper reports no accuracy for these tasks, so nothing here is measured against it."
    if len(compared) > 3:
        compared = {method: tasks for method, tasks in compared.items() if method in ("mtcs", "mtl")} or compared
    clauses = []
    for method, tasks in compared.items():
        cell = table.mean[method]
        ours = cell.published + cell.difference
        clause = f"{shown_name(method)} averages {number(ours)} where the paper has {number(cell.published)}"
        clause += f" ({signed(cell.difference)}"
        if len(tasks) == len(table.common) and cell.std > 0:
            deviations = abs(cell.difference) / cell.std
            apart = "within one standard deviation" if deviations <= 1 else f"{deviations:.1f} standard deviations"
            clause += f", {apart} over seeds"
        clauses.append(f"{clause})")
    counts = sorted({len(tasks) for tasks in compared.values()})
    return f"Over the same {' or '.join(map(str, counts))} tasks, {listed(clauses)}."


def sharing_gain(table: Table, comparisons: Sequence[Comparison]) -> str:
    """What sharing adds, MTCS against MTL, in one sentence; empty where the two are not both there."""
    found = [comparison for comparison in comparisons if comparison.method == "mtl"]
    if not found:
        return ""
    sentence = f"Sharing moves the mean by {signed(-found[0].difference)}"
    if table.compared["mtcs"] and table.compared["mtcs"] == table.compared["mtl"]:
        sentence += f" ({signed(table.mean['mtcs'].published - table.mean['mtl'].published)} in the paper)"
    return (
        f"{sentence}: MTCS is ahead of MTL on {found[0].losses} of {len(table.common)} tasks "
        f"and behind on {found[0].wins}."
    )


def findings(table: Table) -> list[str]:
    """The methods that end more than `FINDING` below their published mean, one sentence each."""
    return [
        f"{shown_name(method)} averages {number(cell.published + cell.difference)} where {number(cell.published)} "
        f"is published, {number(-cell.difference)} below."
        for method, cell in table.mean.items()
        if cell.difference < -FINDING
    ]


def verdict(comparisons: Sequence[Comparison]) -> str:
    """What the signed-rank tests say, or that there are too few tasks for them to say anything."""
    if not comparisons:
        return ""
    undecided = [comparison for comparison in comparisons if not comparison.decidable]
    apart = [comparison for comparison in comparisons if comparison.significant]
    reference, sentences = shown_name(REFERENCE), []
    if len(undecided) == len(comparisons):
        least = min(comparison.least for comparison in undecided)
        return (
            f"There are too few tasks to tell any method from {reference}: even one ahead on all of them would have "
            f"p = {probability(least)} after Holm's correction for {_comparisons(len(comparisons))}."
        )
    for sign, relation in ((1, "better"), (-1, "worse")):
        names = [shown_name(comparison.method) for comparison in apart if comparison.difference * sign > 0]
        if names:
            sentences.append(f"Over tasks, {listed(names)} {_be(names)} {relation} than {reference}.")
    rest = [shown_name(comparison.method) for comparison in comparisons if not comparison.significant]
    if rest:
        sentences.append(f"These tasks do not tell {listed(rest)} from {reference}.")
    if undecided:
        names = [shown_name(comparison.method) for comparison in undecided]
        sentences.append(f"Too few of them differ for any verdict on {listed(names)}.")
    return " ".join(sentences)


def how_compared(comparisons: Sequence[Comparison]) -> str:
    """Which test the p values are of, in one sentence."""
    return (
        f"Wins, ties and losses are the tasks on which a method is ahead of {shown_name(REFERENCE)}, equal and behind; "
        f"p is Wilcoxon's signed-rank test over tasks, two-sided, after Holm's correction for "
        f"{_comparisons(len(comparisons))} (level {LEVEL:g})."
    )


def _comparisons(count: int) -> str:
    return "one comparison" if count == 1 else f"{count} comparisons"


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def caveats(table: Table) -> list[str]:
    """What a reader must know beside the numbers, one sentence each."""
    notes = [_seeds_asked(table)]
    if any(cell.seeds < len(table.seeds[method]) for row in table.rows for method, cell in row.cells.items()):
        notes.append("A number in brackets says that only so many seeds stand behind a cell.")
    if len(table.common) < len(table.rows):
        notes.append(
            f"Means and ranks are over the {len(table.common)} tasks of {len(table.rows)} that every method has."
        )
    partly = {method: tasks for method, tasks in table.compared.items() if 0 < len(tasks) < len(table.common)}
    if partly:
        shares = ", ".join(f"{len(tasks)} for {shown_name(method)}" for method, tasks in partly.items())
        notes.append(f"The paper's means, and the differences from them, are over the tasks it reports: {shares}.")
    if table.missing:
        notes.append(f"Without any prediction: {', '.join(map(shown_name, table.missing))}.")
    return notes


def _seeds_asked(table: Table) -> str:
    """How many seeds the numbers are means of, by method where they differ."""
    by_count: dict[int, list[str]] = {}
    for method in table.methods:
        by_count.setdefault(len(table.seeds[method]), []).append(shown_name(method))
    counts = sorted(by_count, reverse=True)
    if counts == [1]:
        return "One seed: the spread over seeds is unknown."
    if len(counts) == 1:
        return f"Mean ± standard deviation over {counts[0]} seeds."
    several = [f"{count} seeds for {listed(by_count[count])}" for count in counts if count > 1]
    sentence = f"Mean ± standard deviation over {listed(several)}"
    return sentence + (f"; one seed, without a spread, for {listed(by_count[1])}." if 1 in by_count else ".")


def doubts(table: Table) -> list[str]:
    """The doubtful published cells of the table, one sentence each, and what they do to a method's mean."""
    sentences = []
    for row in table.rows:
        for method, cell in row.cells.items():
            if cell.doubt:
                known = "" if math.isnan(cell.corrected) else f"; other publications give {number(cell.corrected)}"
                sentences.append(f"{row.task}, {shown_name(method)}: {number(cell.published)} is {cell.doubt}{known}.")
    sentences += [
        f"With {'these' if len(sentences) > 1 else 'this'} corrected, {shown_name(method)}'s published mean is "
        f"{number(cell.corrected)}, and ours differs by {signed(cell.difference + cell.published - cell.corrected)}."
        for method, cell in table.mean.items()
        if not math.isnan(cell.corrected)
    ]
    return sentences


def method_table(table: Table, comparisons: Sequence[Comparison], best: str = "{}") -> pd.DataFrame:
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
    return pd.DataFrame(rows, index=pd.Index([shown_name(method) for method in table.methods], name="method"))


def seeds_behind(table: Table, method: str) -> str:
    """How many seeds stand behind the method's cells: 5, or 3 to 5."""
    counts = [row.cells[method].seeds for row in table.rows if method in row.cells]
    return str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


def task_table(table: Table, best: str = "{}") -> pd.DataFrame:
    """Our accuracies as text, tasks by methods. `best` is how the best of a row is written, such as "**{}**"."""
    columns = {
        shown_name(method): [_own(row.cells.get(method), len(table.seeds[method]), best) for row in table.rows]
        for method in table.methods
    }
    return pd.DataFrame(columns, index=pd.Index([row.task for row in table.rows], name="task"))


def _own(cell: Cell | None, asked: int, best: str) -> str:
    if cell is None:
        return DASH
    text = (best if cell.best else "{}").format(spread(cell.mean, cell.std))
    return text if cell.seeds == asked else f"{text} ({cell.seeds})"


def paper_table(table: Table) -> pd.DataFrame:
    """The paper's accuracies and our difference from each, tasks by those methods of which it prints any."""
    columns = {
        shown_name(method): [_paper(row.cells.get(method)) for row in table.rows]
        for method in table.methods
        if table.compared[method]
    }
    return pd.DataFrame(columns, index=pd.Index([row.task for row in table.rows], name="task"))


def _paper(cell: Cell | None) -> str:
    if cell is None or math.isnan(cell.published):
        return DASH
    return f"{number(cell.published)}{DAGGER * bool(cell.doubt)} ({signed(cell.difference)})"


def accuracy_markdown(table: Table, comparisons: Sequence[Comparison]) -> str:
    """`accuracy.md`: a row a method first, then our accuracies by task, then the paper's beside the differences."""
    blocks = [
        f"# Accuracy of {heading(table)}",
        " ".join(filter(None, [distance(table), sharing_gain(table, comparisons), verdict(comparisons)])),
        markdown_table(method_table(table, comparisons, best="**{}**")),
    ]
    if comparisons:
        blocks.append(how_compared(comparisons))
    if found := findings(table):
        blocks.append(f"More than {FINDING:g} below what is published, see `{FINDINGS}`:")
        blocks.append("\n".join(f"- {sentence}" for sentence in found))
    blocks += ["Accuracy by task:", markdown_table(task_table(table, best="**{}**")), " ".join(caveats(table))]
    if any(table.compared.values()):
        blocks += ["The paper's accuracy (and ours minus the paper's):", markdown_table(paper_table(table))]
    if doubtful := doubts(table):
        blocks.append(f"{DAGGER} Doubtful in print, shown as printed:")
        blocks.append("\n".join(f"- {sentence}" for sentence in doubtful))
    return "\n\n".join(blocks) + "\n"


def markdown_table(frame: pd.DataFrame) -> str:
    """A table of text with its columns lined up, so that it reads as plain text too; index left, the rest right."""
    head = [str(frame.index.name), *map(str, frame.columns)]
    body = [[str(name), *cells] for name, cells in zip(frame.index, frame.to_numpy(), strict=True)]
    rows = [[cell.replace("|", "\\|") for cell in row] for row in (head, *body)]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in (rows[0], rule, *rows[1:])
    )
