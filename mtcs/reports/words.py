"""The sentences of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from mtcs.evaluation.results import RunResult
from mtcs.reports.analysis.ablation import PRINTED, Variant
from mtcs.reports.analysis.accuracy import Table, published
from mtcs.reports.analysis.cost import Costs
from mtcs.reports.analysis.runs import SetAside
from mtcs.reports.analysis.separation import Separation
from mtcs.reports.analysis.significance import LEVEL, REFERENCE, Comparison
from mtcs.reports.numbers import counted, listed, number, probability, signed
from mtcs.reports.titles import TITLES, Titles

FINDING = 0.02
"""A method whose mean is more than this below its published one is named, and `FINDINGS` says what is known of it."""

FINDINGS = "docs/findings.md"

ELSEWHERE = "‡"
"""Marks a published number over other tasks."""


def heading(table: Table, titles: Titles = TITLES) -> str:
    """What is compared on what: the methods by name while they are few."""
    names = titles.of(table.methods)
    return f"{listed(names) if len(names) <= 3 else f'{len(names)} methods'} on {table.suite}"


def distance(table: Table, titles: Titles = TITLES) -> str:
    """How far the paper's own models are from the paper, in one sentence; of few methods, how far each is."""
    compared = {method: tasks for method, tasks in table.compared.items() if tasks}
    if not compared:
        printed = any(not math.isnan(cell.published) for row in table.rows for cell in row.cells.values())
        which = "the tasks that every method has" if printed else "these tasks"
        if not printed and len(published([row.task for row in table.rows])):
            which = "these methods on these tasks"
        return f"The paper reports no accuracy for {which}, so nothing here is measured against it."
    if len(compared) > 3:
        compared = {method: tasks for method, tasks in compared.items() if method in ("mtcs", "mtl")} or compared
    clauses = []
    for method, tasks in compared.items():
        cell = table.mean[method]
        ours = cell.published + cell.difference
        clause = f"{titles[method]} averages {number(ours)} where the paper has {number(cell.published)}"
        clause += f" ({signed(cell.difference)}"
        if len(tasks) == len(table.common) and cell.std > 0:
            deviations = abs(cell.difference) / cell.std
            apart = "within one standard deviation" if deviations <= 1 else f"{deviations:.1f} standard deviations"
            clause += f", {apart} over seeds"
        clauses.append(f"{clause})")
    counts = sorted({len(tasks) for tasks in compared.values()})
    tasks = "task" if counts == [1] else f"{' or '.join(map(str, counts))} tasks"
    return f"Over the same {tasks}, {listed(clauses)}."


def sharing_gain(table: Table, comparisons: Sequence[Comparison]) -> str:
    """What sharing adds, MTCS against MTL, in one sentence; empty where the two are not both there."""
    found = [comparison for comparison in comparisons if comparison.method == "mtl"]
    if not found:
        return ""
    sentence = f"Sharing moves the mean by {signed(-found[0].difference)}"
    if table.common and table.compared["mtcs"] == table.compared["mtl"] == table.common:
        sentence += f" ({signed(table.mean['mtcs'].published - table.mean['mtl'].published)} in the paper)"
    return (
        f"{sentence}: MTCS is ahead of MTL on {found[0].losses} of {counted(len(table.common), 'task')} "
        f"and behind on {found[0].wins}."
    )


def findings(table: Table, titles: Titles = TITLES) -> list[str]:
    """The methods that end more than `FINDING` below their published mean, one sentence each."""
    return [
        f"{titles[method]} averages {number(cell.published + cell.difference)} where {number(cell.published)} "
        f"is published, {number(-cell.difference)} below."
        for method, cell in table.mean.items()
        if cell.difference < -FINDING
    ]


def verdict(comparisons: Sequence[Comparison], titles: Titles = TITLES) -> str:
    """What the signed-rank tests say, or that there are too few tasks for them to say anything."""
    if not comparisons:
        return ""
    undecided = [comparison for comparison in comparisons if not comparison.decidable]
    apart = [comparison for comparison in comparisons if comparison.significant]
    reference, sentences = titles[REFERENCE], []
    if len(undecided) == len(comparisons):
        first = comparisons[0]
        tasks = first.wins + first.ties + first.losses
        least = min(1.0, len(comparisons) * 2.0 ** (1 - tasks))  # of methods that are ahead on every task
        if least <= LEVEL:
            return f"Too few of the tasks differ for a verdict on any method against {reference}."
        return (
            f"There are too few tasks to tell any method from {reference}: even one ahead on all of them would have "
            f"p = {probability(least)} after Holm's correction for {_comparisons(len(comparisons))}."
        )
    for sign, relation in ((1, "better"), (-1, "worse")):
        names = [titles[comparison.method] for comparison in apart if comparison.direction == sign]
        if names:
            sentences.append(f"Over tasks, {listed(names)} {_be(names)} significantly {relation} than {reference}.")
    rest = [titles[comparison.method] for comparison in comparisons if not comparison.significant]
    if rest:
        verb = "does" if len(rest) == 1 else "do"
        sentences.append(f"{listed(rest)} {verb} not differ significantly from {reference} on these tasks.")
    if undecided:
        names = [titles[comparison.method] for comparison in undecided]
        sentences.append(f"Too few of them differ for any verdict on {listed(names)}.")
    return " ".join(sentences)


def how_compared(comparisons: Sequence[Comparison], titles: Titles = TITLES) -> str:
    """Which test the p values are of, in one sentence."""
    return (
        f"Wins, ties and losses are the tasks on which a method is ahead of {titles[REFERENCE]}, equal and behind; "
        f"p is Wilcoxon's signed-rank test over tasks, two-sided, after Holm's correction for "
        f"{_comparisons(len(comparisons))} (level {LEVEL:g})."
    )


def _comparisons(count: int) -> str:
    return "one comparison" if count == 1 else f"{count} comparisons"


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def caveats(table: Table, titles: Titles = TITLES) -> list[str]:
    """What a reader must know beside the numbers, one sentence each."""
    notes = [_seeds_asked(table, titles)]
    if _short_of_seeds(table):
        notes.append("A number in brackets says that only so many seeds stand behind a cell.")
    if len({cell.seeds for cell in table.mean.values()}) > 1:
        notes.append("Ranks, wins, losses and p compare means over as many seeds as each method has.")
    if len(table.common) < len(table.rows):
        notes.append(
            f"Means and ranks are over the {len(table.common)} tasks of {len(table.rows)} that every method has."
        )
    partly = {method: tasks for method, tasks in table.compared.items() if 0 < len(tasks) < len(table.common)}
    if partly:
        shares = ", ".join(f"{len(tasks)} for {titles[method]}" for method, tasks in partly.items())
        notes.append(f"The paper's means, and the differences from them, are over the tasks it reports: {shares}.")
    if "dtw" in table.methods:
        notes.append(f"{titles['dtw']} interpolates missing values; encoders leave such steps out of the maximum.")
    if table.missing:
        notes.append(f"Without any prediction: {', '.join(titles.of(table.missing))}.")
    return notes


def _seeds_asked(table: Table, titles: Titles = TITLES) -> str:
    """How many seeds the numbers are means of, by method where they differ."""
    by_count: dict[int, list[str]] = {}
    for method in table.methods:
        by_count.setdefault(len(table.seeds[method]), []).append(titles[method])
    counts = sorted(by_count, reverse=True)
    if counts == [1]:
        return "One seed: the spread over seeds is unknown."
    if all(math.isnan(cell.std) for row in table.rows for cell in row.cells.values()):
        return "One seed of those planned: the spread over seeds is unknown."
    planned = "the planned " if _short_of_seeds(table) else ""
    spread = f"Mean ± sample standard deviation over {planned}"
    if len(counts) == 1:
        return f"{spread}{counts[0]} seeds."
    several = [f"{count} seeds for {listed(by_count[count])}" for count in counts if count > 1]
    sentence = f"{spread}{listed(several)}"
    return sentence + (f"; one seed, without a spread, for {listed(by_count[1])}." if 1 in by_count else ".")


def _short_of_seeds(table: Table) -> bool:
    """Whether a cell has fewer seeds than were asked for."""
    return any(cell.seeds < len(table.seeds[method]) for row in table.rows for method, cell in row.cells.items())


def run_notes(
    left_out: Sequence[str], set_aside: Sequence[SetAside], several: Sequence[str], titles: Titles = TITLES
) -> list[str]:
    """What a reader must know of the runs behind the numbers, one sentence each.

    left_out: methods that are not run on the suite; set_aside: results that are there and are not counted; several:
        tasks whose data is not the same in all runs.
    """
    notes = []
    if left_out:
        notes.append(f"Not run on this suite: {', '.join(titles.of(left_out))}.")
    for (method, why), group in groupby(set_aside, key=lambda one: (one.run.method, one.why)):
        seeds = [str(one.run.seed) for one in group]
        notes.append(
            f"Not counted, as not what is planned now: {titles[method]}, seed{'s' if len(seeds) > 1 else ''} "
            f"{', '.join(seeds)} ({why})."
        )
    if several:
        notes.append(f"Runs differ in the data they saw of {', '.join(several)}.")
    return notes


def doubts(table: Table, titles: Titles = TITLES) -> list[str]:
    """The doubtful published cells of the table, one sentence each, and what they do to a method's mean."""
    sentences = []
    for row in table.rows:
        for method, cell in row.cells.items():
            if cell.doubt:
                known = "" if math.isnan(cell.corrected) else f"; other publications give {number(cell.corrected)}"
                sentences.append(f"{row.task}, {titles[method]}: {number(cell.published)} is {cell.doubt}{known}.")
    sentences += [
        f"With what other publications give, {titles[method]}'s mean in print would be {number(cell.corrected)}; "
        f"ours differs by {signed(cell.difference + cell.published - cell.corrected)}."
        for method, cell in table.mean.items()
        if not math.isnan(cell.corrected)
    ]
    return sentences


def separated(method: str, found: Separation, titles: Titles = TITLES) -> str:
    """How one panel of Figure 2 ranks the related pairs: "MTCS 12.3 (p = 0.041, 5 seeds)"."""
    p, seeds = probability(found.p), len(found.by_seed)
    p = p if p.startswith("<") else f"= {p}"
    return f"{titles[method]} {found.mean:.1f} (p {p}, {seeds} seed{'s' if seeds > 1 else ''})"


def only_accuracies(results: Sequence[RunResult], titles: Titles = TITLES) -> str:
    """Which runs that trained something have left neither curves nor similarities; empty where all have."""
    seeds: dict[str, list[str]] = {}
    for result in results:
        if not result.curves and any(record.steps for record in result.trained):
            seeds.setdefault(result.method, []).append(str(result.seed))
    if not seeds:
        return ""
    runs = "; ".join(
        f"{titles[name]}, seed{'s' if len(found) > 1 else ''} {', '.join(found)}" for name, found in seeds.items()
    )
    return f"Of these runs accuracies and costs alone are at hand, and they are not in what is drawn here: {runs}."


def ablation_notes(variants: Sequence[Variant], titles: Titles = TITLES) -> list[str]:
    """What the columns of the ablation table are, one sentence each."""
    reference = titles[REFERENCE]
    notes = [
        f"Differences are variant minus {reference} of the same seed, mean ± standard deviation over seeds.",
        f"Better, equal and worse are tasks, by the mean over these seeds, against {reference}.",
    ]
    far = [variant for variant in variants if variant.elsewhere]
    if far:
        values = ", ".join(f"{titles[variant.method]} {PRINTED[variant.method]:.3f}" for variant in far)
        notes.append(
            f"{ELSEWHERE} The paper prints the means over its 15 tasks alone: {values}, "
            f"{reference} {PRINTED[REFERENCE]:.3f}."
        )
    return notes


def cost_notes(costs: Costs, titles: Titles = TITLES) -> list[str]:
    """Where and how the costs were taken, and what they are; a warning where they do not compare."""
    machines, precisions = costs.machines, costs.precisions
    place = machines[0] + (f", {precisions[0]}" if len(precisions) == 1 else "") if len(machines) == 1 else ""
    size = "parameters are those of one model; peak memory is of the process, for CUDA of the device"
    idle = [titles[cost.method] for cost in costs.rows if not cost.models and (costs.one_run or cost.runs)]
    if run := costs.one_run:
        notes = [
            f"All in one run on one machine: {place or '; '.join(machines)}; load in the minute before: {run.load:g}. "
            f"Code: {run.commit or 'of no known commit'}, torch {run.versions.get('torch', 'unknown')}.",
            f"Training is of all the suite's tasks, projected from {run.steps} steps on each, after one that warms up; "
            f"inference is from raw series to representation, from up to {run.series} series of each task; {size}, "
            "with the data of all tasks.",
        ]
        if idle:
            notes.append(f"{listed(idle)} trains nothing: its rate is of searches for the nearest neighbour.")
        if costs.absent:
            names = listed(titles.of(costs.absent))
            notes.append(f"Not measured there with these parameters: {names}.")
        return notes
    notes = [f"All on one machine: {place}."] if place else []
    if len(machines) > 1:
        notes.append(
            "These costs do not compare: they were taken on different machines or numbers of threads. 'mtcs cost "
            "SUITE' measures all methods in one run on one machine."
        )
    notes += [
        f"Training is the sum over the suite's tasks, mean over runs; inference is from raw series to representation; "
        f"{size}.",
        "Times are as the clock showed them, whatever else the machine did.",
    ]
    if idle:
        notes.append(f"{listed(idle)} trains nothing: its cost lies in the classifier, which is not in this table.")
    return notes
