"""The report in words: how numbers are written, the tables as text, and the sentences around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import pandas as pd

from mtcs.evaluation.results import RunResult
from mtcs.reports.analysis.ablation import PRINTED, Variant
from mtcs.reports.analysis.accuracy import Cell, Table, published
from mtcs.reports.analysis.cost import Costs
from mtcs.reports.analysis.runs import SetAside
from mtcs.reports.analysis.separation import Separation
from mtcs.reports.analysis.significance import LEVEL, REFERENCE, Comparison

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

ELSEWHERE = "‡"
"""Marks a published number over other tasks."""

LEFT = ("what differs", "precision", "taken on")
"""Columns of words, which line up at the left."""

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


def counted(number: int, what: str) -> str:
    """1 task, 2 tasks."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def heading(table: Table) -> str:
    """What is compared on what: the methods by name while they are few."""
    names = [shown_name(method) for method in table.methods]
    return f"{listed(names) if len(names) <= 3 else f'{len(names)} methods'} on {table.suite}"


def distance(table: Table) -> str:
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
        clause = f"{shown_name(method)} averages {number(ours)} where the paper has {number(cell.published)}"
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
        names = [shown_name(comparison.method) for comparison in apart if comparison.direction == sign]
        if names:
            sentences.append(f"Over tasks, {listed(names)} {_be(names)} significantly {relation} than {reference}.")
    rest = [shown_name(comparison.method) for comparison in comparisons if not comparison.significant]
    if rest:
        verb = "does" if len(rest) == 1 else "do"
        sentences.append(f"{listed(rest)} {verb} not differ significantly from {reference} on these tasks.")
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
        shares = ", ".join(f"{len(tasks)} for {shown_name(method)}" for method, tasks in partly.items())
        notes.append(f"The paper's means, and the differences from them, are over the tasks it reports: {shares}.")
    if "dtw" in table.methods:
        notes.append(f"{shown_name('dtw')} interpolates missing values; encoders leave such steps out of the maximum.")
    if table.missing:
        notes.append(f"Without any prediction: {', '.join(map(shown_name, table.missing))}.")
    return notes


def run_notes(left_out: Sequence[str], set_aside: Sequence[SetAside], several: Sequence[str]) -> list[str]:
    """What a reader must know of the runs behind the numbers, one sentence each.

    left_out: methods that are not run on the suite; set_aside: results that are there and are not counted; several:
        tasks whose data is not the same in all runs.
    """
    notes = []
    if left_out:
        notes.append(f"Not run on this suite: {', '.join(map(shown_name, left_out))}.")
    for (method, why), group in groupby(set_aside, key=lambda run: (run.method, run.why)):
        seeds = [str(run.seed) for run in group]
        notes.append(
            f"Not counted, as not what is planned now: {shown_name(method)}, seed{'s' if len(seeds) > 1 else ''} "
            f"{', '.join(seeds)} ({why})."
        )
    if several:
        notes.append(f"Runs differ in the data they saw of {', '.join(several)}.")
    return notes


def _seeds_asked(table: Table) -> str:
    """How many seeds the numbers are means of, by method where they differ."""
    by_count: dict[int, list[str]] = {}
    for method in table.methods:
        by_count.setdefault(len(table.seeds[method]), []).append(shown_name(method))
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


def doubts(table: Table) -> list[str]:
    """The doubtful published cells of the table, one sentence each, and what they do to a method's mean."""
    sentences = []
    for row in table.rows:
        for method, cell in row.cells.items():
            if cell.doubt:
                known = "" if math.isnan(cell.corrected) else f"; other publications give {number(cell.corrected)}"
                sentences.append(f"{row.task}, {shown_name(method)}: {number(cell.published)} is {cell.doubt}{known}.")
    sentences += [
        f"With what other publications give, {shown_name(method)}'s mean in print would be {number(cell.corrected)}; "
        f"ours differs by {signed(cell.difference + cell.published - cell.corrected)}."
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


def only_accuracies(results: Sequence[RunResult]) -> str:
    """Which runs that trained something have left neither curves nor similarities; empty where all have."""
    seeds: dict[str, list[str]] = {}
    for result in results:
        if not result.curves and any(record.steps for record in result.trained):
            seeds.setdefault(result.method, []).append(str(result.seed))
    if not seeds:
        return ""
    runs = "; ".join(
        f"{shown_name(name)}, seed{'s' if len(found) > 1 else ''} {', '.join(found)}" for name, found in seeds.items()
    )
    return f"Of these runs accuracies and costs alone are at hand, and they are not in what is drawn here: {runs}."


def accuracy_markdown(table: Table, comparisons: Sequence[Comparison], notes: Sequence[str] = ()) -> str:
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
    blocks += [
        "Accuracy by task:",
        markdown_table(task_table(table, best="**{}**")),
        " ".join([*caveats(table), *notes]),
    ]
    if any(table.compared.values()):
        blocks += ["The paper's accuracy (and ours minus the paper's):", markdown_table(paper_table(table))]
    if doubtful := doubts(table):
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


def separated(method: str, found: Separation) -> str:
    """How one panel of Figure 2 ranks the related pairs: "MTCS 12.3 (p = 0.041, 5 seeds)"."""
    p, seeds = probability(found.p), len(found.by_seed)
    p = p if p.startswith("<") else f"= {p}"
    return f"{shown_name(method)} {found.mean:.1f} (p {p}, {seeds} seed{'s' if seeds > 1 else ''})"


def ablation_table(variants: Sequence[Variant]) -> pd.DataFrame:
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
    return pd.DataFrame(rows, index=pd.Index([shown_name(variant.method) for variant in variants], name="variant"))


def ablation_notes(variants: Sequence[Variant]) -> list[str]:
    """What the columns of the ablation table are, one sentence each."""
    reference = shown_name(REFERENCE)
    notes = [
        f"Differences are variant minus {reference} of the same seed, mean ± standard deviation over seeds.",
        f"Better, equal and worse are tasks, by the mean over these seeds, against {reference}.",
    ]
    far = [variant for variant in variants if variant.elsewhere]
    if far:
        values = ", ".join(f"{shown_name(variant.method)} {PRINTED[variant.method]:.3f}" for variant in far)
        notes.append(
            f"{ELSEWHERE} The paper prints the means over its 15 tasks alone: {values}, "
            f"{reference} {PRINTED[REFERENCE]:.3f}."
        )
    return notes


def ablation_markdown(suite: str, variants: Sequence[Variant]) -> str:
    """`ablation.md`: the ablation table and what its columns are."""
    blocks = [
        f"# Ablations on {suite}",
        markdown_table(ablation_table(variants), LEFT),
        " ".join(ablation_notes(variants)),
    ]
    return "\n\n".join(blocks) + "\n"


def cost_table(costs: Costs) -> pd.DataFrame:
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
    return pd.DataFrame(rows, index=pd.Index([shown_name(cost.method) for cost in costs.rows], name="method"))


def cost_notes(costs: Costs) -> list[str]:
    """Where and how the costs were taken, and what they are; a warning where they do not compare."""
    machines, precisions = costs.machines, costs.precisions
    place = machines[0] + (f", {precisions[0]}" if len(precisions) == 1 else "") if len(machines) == 1 else ""
    size = "parameters are those of one model; peak memory is of the process, for CUDA of the device"
    idle = [shown_name(cost.method) for cost in costs.rows if not cost.models and (costs.one_run or cost.runs)]
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
            names = listed([shown_name(name) for name in costs.absent])
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


def cost_markdown(suite: str, costs: Costs) -> str:
    """`cost.md`: the cost table and where it was taken."""
    blocks = [f"# Cost of the methods on {suite}", markdown_table(cost_table(costs), LEFT), " ".join(cost_notes(costs))]
    return "\n\n".join(blocks) + "\n"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 4 min 52 s, 3 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
