"""The sentences of a report: fixed forms with few cases; where none fits, nothing is said."""

from __future__ import annotations

import math
import re
from itertools import groupby

from mtcs.data.text import counted
from mtcs.reports.analysis.ablation import PRINTED
from mtcs.reports.analysis.accuracy import published
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.runs import repeated
from mtcs.reports.analysis.significance import LEVEL, REFERENCE, Comparison
from mtcs.reports.numbers import listed, number, probability, signed

FINDING = 0.02
"""A method whose mean is more than this below its published one is named, and `FINDINGS` says what is known of it."""

FINDINGS = "docs/findings.md"

LEAST_GAIN = 0.005
"""A variant is named at the top if it is better by more than this, and by more than one standard deviation."""

NAMED = 6
"""Methods that a sentence names; more are counted."""

ELSEWHERE = "‡"
"""Marks a published number over other tasks."""


def heading(report: Report) -> str:
    """What is compared on what: the methods by name while they are few."""
    names = report.titles.of(report.methods)
    what = listed(names) if len(names) <= 3 else f"{len(names)} methods"
    return f"{what} on {report.suite}, {counted(len(report.tasks), 'task')}"


def lead(report: Report) -> str:
    """The result in plain words and numbers: against the closest rival, against the rest, against the paper."""
    sentences = [_first(report), _others(report), _best(report), _paper(report), _setting(report)]
    return " ".join(filter(None, sentences))


def _rival(report: Report) -> Comparison | None:
    """The one comparison that comes first: MTCS with MTL, else the reference with MTCS or the best of the others."""
    rivals = {comparison.method: comparison for comparison in report.comparisons}
    usual = "mtl" if report.reference == REFERENCE else REFERENCE
    best = max(rivals, key=lambda method: report.table.mean[method].mean, default=None)
    return rivals.get(usual if usual in rivals else str(best))


def _first(report: Report) -> str:
    """The reference beside its rival."""
    table, titles = report.table, report.titles
    tasks, rival = len(table.tasks), _rival(report)
    where = f"these {tasks} tasks" if tasks > 1 else table.tasks[0]
    ours = f"{titles[report.reference]} ({number(table.mean[report.reference].mean)})"
    if rival is None:
        return f"{titles[report.reference]} averages {number(table.mean[report.reference].mean)} on {where}."
    theirs = f"{titles[rival.method]} ({number(table.mean[rival.method].mean)})"
    if tasks == 1:
        return f"On {where}, {ours} stands beside {theirs}; one task decides nothing."
    if rival.significant:
        return f"{ours} is {'behind' if rival.direction > 0 else 'ahead of'} {theirs} on {where}."
    return f"{ours} and {theirs} cannot be told apart on {where}."


def _others(report: Report) -> str:
    """Which of the other methods the tests tell from the reference."""
    others = [comparison for comparison in report.comparisons if comparison is not _rival(report)]
    if len(report.table.tasks) < 2 or not report.comparisons:
        return ""
    if not any(comparison.decidable for comparison in report.comparisons):
        return "Too few tasks differ for any test to decide between methods."
    alike = report.titles.of(comparison.method for comparison in others if not comparison.significant)
    rest = listed(alike) if len(alike) <= 3 else f"the other {len(alike)} methods"
    parts = [
        f"{words} {listed(names) if len(names) <= NAMED else f'{len(names)} other methods'}"
        for words, sign in (("ahead of", -1), ("behind", 1))
        if (names := report.titles.of(one.method for one in others if one.significant and one.direction == sign))
    ]
    ours = report.titles[report.reference]
    if parts:
        left = f"; {rest} cannot be told from it" if alike else ""
        return f"{ours} is {' and '.join(parts)}{left}."
    return f"Nor can {ours} be told from {rest}." if alike else ""


def _best(report: Report) -> str:
    """The method with the highest mean, where the first sentence does not have it."""
    means, rival = report.table.mean, _rival(report)
    best = max(means, key=lambda method: means[method].mean)
    if rival is None or best in (report.reference, rival.method):
        return ""
    return f"{report.titles[best]} has the highest mean, {number(means[best].mean)}."


def _paper(report: Report) -> str:
    """The paper's mean of the reference over the same tasks, and the variant that comes closest where one does."""
    cell, tasks = report.table.mean[report.reference], report.table.compared[report.reference]
    if not tasks:
        own = len(published(report.tasks)) == 0
        return "The paper reports nothing on these tasks." if own else ""
    ours = report.titles[report.reference]
    if tasks != report.table.tasks:
        return (
            f"On the {counted(len(tasks), 'task')} that the paper reports, {ours} averages "
            f"{number(cell.published + cell.difference)} and the paper has {number(cell.published)}."
        )
    better = [
        variant
        for variant in report.variants
        if variant.differs
        and variant.method not in report.methods
        and variant.difference > max(LEAST_GAIN, 0 if math.isnan(variant.difference_std) else variant.difference_std)
    ]
    if report.reference != REFERENCE or cell.difference > -LEAST_GAIN or not better:
        return f"The paper reports {number(cell.published)} for {ours}."
    best = max(better, key=lambda variant: variant.difference)
    differs = re.sub(r"^schedule\.(epochs|steps) (\d+) instead", r"\2 \1 instead", best.differs)
    return f"The paper reports {number(cell.published)} for {ours}; with {differs} it reaches {number(best.mean)} here."


def _setting(report: Report) -> str:
    """What a reader must know before the numbers: fewer series, other parameters, another reference than expected."""
    sentences = []
    if report.labels_per_class is not None:
        sentences.append(f"Only {report.labels_per_class} training series of each label are used here.")
    if report.unlike:
        sentences.append(f"{report.titles[REFERENCE]} is not set as in the paper here: {report.unlike}.")
    if report.reference != report.requested and len(report.methods) > 1:
        requested, used = report.titles[report.requested], report.titles[report.reference]
        sentences.append(f"{requested} is not in this report, so methods are compared with {used}.")
    return " ".join(sentences)


def findings(report: Report) -> str:
    """The methods that end more than `FINDING` below their published mean; empty where none does."""
    below = [
        f"{report.titles[method]} ({signed(cell.difference)})"
        for method, cell in report.table.mean.items()
        if cell.difference < -FINDING
    ]
    return f"More than {FINDING:g} below the published mean: {listed(below)}." if below else ""


def how_compared(report: Report) -> str:
    """What the columns of the table of methods are, the test among them."""
    count, sentences = len(report.comparisons), []
    if count:
        sentences.append(
            f"Wins, ties and losses are the tasks on which a method is ahead of {report.titles[report.reference]}, "
            f"equal and behind; p is Wilcoxon's signed-rank test over tasks, two-sided, after Holm's correction for "
            f"{'one comparison' if count == 1 else f'{count} comparisons'} (level {LEVEL:g})."
        )
    if any(map(report.table.has_heads, report.methods)):
        sentences.append("Heads are the linear classifiers trained with the encoder (Equation 1), read alone.")
    return " ".join(sentences)


def caveats(report: Report) -> list[str]:
    """What a reader must know beside the numbers, one sentence each."""
    table, titles = report.table, report.titles
    notes = [_seeds(report)]
    partly = {method: tasks for method, tasks in table.compared.items() if 0 < len(tasks) < len(table.tasks)}
    if partly:
        shares = ", ".join(f"{len(tasks)} for {titles[method]}" for method, tasks in partly.items())
        notes.append(f"The paper's means are over the tasks it reports: {shares}.")
    if "dtw" in table.methods:
        notes.append(f"{titles['dtw']} interpolates missing values; encoders leave such steps out of the maximum.")
    if table.missing:
        notes.append(f"No results yet: {', '.join(titles.of(table.missing))}.")
    if report.left_out:
        notes.append(f"Not in this report: {', '.join(titles.of(report.left_out))}.")
    notes += not_counted(report)
    if again := repeated(report.results):
        tasks = ", ".join(f"{task} {count:,} of {total:,}" for task, (count, total) in again.items())
        notes.append(f"Test series that are in the training part too: {tasks}.")
    if silent := [(one.task, method, labels) for one in report.balances for method, labels in one.never.items()]:
        tasks = "; ".join(f"{task}, {titles[method]}: {', '.join(labels)}" for task, method, labels in silent[:5])
        more = f"; and {len(silent) - 5} more, see the page" if len(silent) > 5 else ""
        notes.append(f"Labels that are never predicted: {tasks}{more}.")
    return notes


def not_counted(report: Report) -> list[str]:
    """The results that are there and left out, and why."""
    return [
        f"Not counted: {_runs(report.titles[method], [one.run.seed for one in group])}, which {why}."
        for (method, why), group in groupby(report.set_aside, key=lambda one: (one.run.method, one.why))
    ]


def _seeds(report: Report) -> str:
    """How many seeds the numbers are means of, by method where they differ."""
    by_count: dict[int, list[str]] = {}
    for method in report.methods:
        by_count.setdefault(len(report.table.seeds[method]), []).append(report.titles[method])
    counts = sorted(by_count, reverse=True)
    if all(math.isnan(cell.std) for row in report.table.rows for cell in row.cells.values()):
        return "One seed: the spread over seeds is unknown."
    if len(counts) == 1:
        return f"Mean ± sample standard deviation over {counts[0]} seeds."
    several = listed([f"{count} seeds for {listed(by_count[count])}" for count in counts if count > 1])
    one = f"; one seed, without a spread, for {listed(by_count[1])}" if 1 in by_count else ""
    return f"Mean ± sample standard deviation over {several}{one}."


def _runs(title: str, seeds: list[int]) -> str:
    return f"{title}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def doubts(report: Report) -> list[str]:
    """The doubtful published cells of the table, one sentence each, and what they do to a method's mean."""
    table, titles = report.table, report.titles
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


def only_accuracies(report: Report) -> str:
    """Which runs of joint methods have left no similarities; empty where all have."""
    bare = [
        result
        for result in report.results
        if result.method in report.methods
        and result.joint
        and result.similarity is None
        and "held_out" not in result.parameters  # a mixture, whose representations are another method's
    ]
    runs = "; ".join(
        _runs(report.titles[method], [result.seed for result in group])
        for method, group in groupby(bare, key=lambda result: result.method)
    )
    return (
        f"Of some runs only accuracies and costs are known, so they are not in these figures: {runs}." if runs else ""
    )


def separated(report: Report, form: str) -> str:
    """How the pairs that the paper calls related rank in Figure 2: "MTCS 12.3 (p = 0.041, 5 seeds)"."""
    ranked = []
    for (method, of), one in report.separations.items():
        if of == form:
            p = probability(one.p)
            seeds = counted(len(one.by_seed), "seed")
            ranked.append(f"{report.titles[method]} {one.mean:.1f} (p {p if p.startswith('<') else f'= {p}'}, {seeds})")
    if not ranked:
        return ""
    first = next(iter(report.separations.values()))
    return (
        f"Framed are the pairs that the paper calls related. Their mean rank among all {first.pairs} pairs, 1 the most "
        f"similar: {', '.join(ranked)}; by chance {first.chance:.1f}. p is the share of all choices of as many pairs "
        "with as low a mean rank."
    )


READINGS = (
    "The same representations under the method's own classifier and under another. Mean ± standard deviation over the "
    "seeds that both have. Better, equal and worse count tasks. Place is the rank by mean accuracy among these rows, "
    "all with their own classifiers and all with the others."
)


def ablation_notes(report: Report) -> str:
    """What the columns of the ablation table are."""
    name = report.titles[REFERENCE]
    notes = [
        f"Differences are variant minus {name} of the same seed, mean ± standard deviation over seeds.",
        f"Better, equal and worse are tasks, by the mean over these seeds, against {name}.",
    ]
    if far := [variant.method for variant in report.variants if variant.elsewhere]:
        values = ", ".join(f"{report.titles[method]} {PRINTED[method]:.3f}" for method in (*far, REFERENCE))
        notes.append(f"{ELSEWHERE} The paper prints the means over its 15 tasks alone: {values}.")
    return " ".join(notes)


def cost_notes(report: Report) -> str:
    """Where and how the costs were taken, and what they are; a warning where they do not compare."""
    costs, run, titles = report.costs, report.costs.one_run, report.titles
    machines, precisions = costs.machines, costs.precisions
    place = machines[0] + (f", {precisions[0]}" if len(precisions) == 1 else "") if len(machines) == 1 else ""
    untrained = listed([titles[one.method] for one in costs.rows if not one.models and one.inference])
    if run:
        reading = (
            "Reading turns series into labels with trained models: it represents all series, fits the classifier and "
            f"labels the test series; of tasks with more than {run.fitted} training series it is projected."
            if costs.reading
            else f"What classifiers take was not measured; 'mtcs cost {report.suite}' does so now."
        )
        notes = [
            f"All in one run on one machine: {place or '; '.join(machines)}; load in the minute before: {run.load:g}.",
            f"Code: {run.commit or 'of no known commit'}, torch {run.versions.get('torch', 'unknown')}.",
            f"Training is of all tasks, projected from {run.steps} steps on each.",
            reading,
            f"Inference is from series to representation, of up to {run.series} series of each task"
            + (f"; of {untrained}, to the nearest neighbour." if untrained else "."),
            f"Not measured there with these parameters: {listed(titles.of(costs.absent))}." if costs.absent else "",
        ]
    else:
        notes = [
            f"All on one machine: {place}." if place else "",
            "These costs do not compare: they were taken on different machines or numbers of threads. 'mtcs cost "
            f"{report.suite}' measures all methods in one run on one machine." * (len(machines) > 1),
            "Training is the sum over tasks, mean over runs, as the clock showed it, whatever else the machine did;",
            "inference is from series to representation. What classifiers take is not in this table.",
        ]
    notes.append("Parameters are those of one model; peak memory is of the process, for CUDA of the device.")
    return " ".join(filter(None, notes))
