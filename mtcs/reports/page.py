"""The report of a suite: everything in `reports/<suite>/`, and `report.html`, the one page that shows all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mtcs.config.parameters import parameter_table
from mtcs.errors import InputError
from mtcs.evaluation.results import RunResult, TrainingRecord
from mtcs.layout import Layout, Run, atomic_write
from mtcs.reports import numbers, text, words
from mtcs.reports.analysis import accuracy, affinity, cost
from mtcs.reports.analysis.ablation import COLUMNS_COMPARED, Variant, ablate
from mtcs.reports.analysis.runs import SetAside, data_table, machine, of_several_versions, read_runs
from mtcs.reports.analysis.runs import curves as curves_of
from mtcs.reports.analysis.separation import related_pairs, separate
from mtcs.reports.analysis.significance import LEVEL, Comparison, compare
from mtcs.reports.figures.accuracy import accuracy_overview, critical_difference
from mtcs.reports.figures.curves import objective_curves, sharing_curves, training_curves
from mtcs.reports.figures.drawing import THEME, Drawing
from mtcs.reports.figures.maps import label_map, similarity_map, similarity_panels, strongest_tasks
from mtcs.reports.titles import TITLES, Titles

OWN = re.compile(
    r"(ablation|accuracy|cost|critical-difference|objectives|separation|sharing|training"
    r"|figure-2.*|(label-)?affinity-.*|similarity-.*)\.(csv|md|svg)"
)
"""Files of earlier reports, of which those that are not written again are removed."""
LISTED = 15
"""Pairs of labels that the page names; the file beside it names more."""

FORMS = {"": "the paper's form", affinity.CENTRED: "centred"}
"""The forms of task similarity in words, by the suffix of their files."""

FIGURE_2 = ("ts2vec_joint", "mtcs")
"""The methods of the paper's Figure 2, from left to right."""


def write_report(
    layout: Layout,
    suite: str,
    tasks: Sequence[str],
    methods: Sequence[str],
    seeds: Mapping[str, Sequence[int]],
    parameters: Mapping[str, Mapping[str, object]],
    ablation: Sequence[str] = (),
    titles: Mapping[str, str] = TITLES,
) -> pd.DataFrame:
    """Write the report of a suite from the results of whatever runs there are.

    Args:
        layout: where everything lies.
        suite: the suite's name.
        tasks: its tasks, in the order of the tables.
        methods: in the order of the columns.
        seeds: those that a complete report would have, by method, those of `ablation` among them.
        parameters: each method's parameters as plain values, shown on the page; of methods that are left out of this
            suite too, which the report then names.
        ablation: methods that are compared with MTCS in a table of their own, and enter no rank.
        titles: of the methods; one without is shown by its name.

    Returns:
        The methods' means as text, for printing: accuracy, rank and the comparison with MTCS by method.

    Raises:
        InputError: if there is no result of `methods`, or a file does not hold what it should.
    """
    titles = Titles(titles)
    planned = [Run(suite, method, seed, layout) for method in (*methods, *ablation) for seed in seeds[method]]
    runs = read_runs(planned, tasks, parameters)
    ranked = [result for result in runs.results if result.method in methods]
    if not ranked:
        raise InputError(_nothing(suite, methods, planned, runs.set_aside))
    long = accuracy.long_form(runs.results)
    printed = accuracy.published(tasks)
    table = accuracy.tabulate(accuracy.long_form(ranked), tasks, methods, seeds, printed)
    comparisons = compare(table.scores)
    left_out = [name for name in parameters if name not in (*methods, *ablation)]
    notes = words.run_notes(left_out, runs.set_aside, of_several_versions(runs.results), titles=titles)
    shown = [row.task for row in table.rows]
    others = accuracy.other_classifiers(shown)
    curves = {method: curves_of(runs.of(method)) for method in table.methods}
    affinities = [
        found
        for method in table.methods
        if (found := affinity.gather(runs.of(method), _threshold(parameters.get(method, {}))))
    ]

    separations = _separations(affinities)

    variants = ablate(long, list(dict.fromkeys([*COLUMNS_COMPARED, *ablation])), parameters, printed)
    costs = cost.gather(layout, suite, tasks, parameters, {method: runs.of(method) for method in table.methods})

    drawings = {"accuracy": accuracy_overview(table, others, titles=titles)}
    if ranks := critical_difference(table.scores, titles=titles):
        drawings["critical-difference"] = ranks
    for found in affinities:
        drawings |= {drawing.name: drawing for drawing in _affinity_drawings(found, titles)}
    drawings |= {drawing.name: drawing for drawing in _figure_2(affinities, titles)}
    trained = [method for method, frame in curves.items() if len(frame)]
    if supervised := [method for method in trained if table.has_heads(method)]:
        entropies = {method: _cross_entropy(frame, parameters.get(method, {})) for method, frame in curves.items()}
        drawings["training"] = training_curves(entropies, shown, supervised, titles=titles)
    if others_trained := [method for method in trained if method not in supervised]:
        drawings["objectives"] = objective_curves(curves, others_trained, titles=titles)
    if len(shown) > 1 and (sharing := sharing_curves(curves, titles=titles)):
        drawings["sharing"] = sharing

    summary = accuracy.summary(table, comparisons)
    files = {
        "accuracy.csv": long.to_csv(index=False, lineterminator="\n"),
        "accuracy.md": text.accuracy_markdown(table, comparisons, notes, titles=titles),
        "summary.json": json.dumps(summary, indent=2) + "\n",
    }
    if variants:
        files["ablation.md"] = text.ablation_markdown(suite, variants, titles=titles)
    if costs.rows:
        files["cost.md"] = text.cost_markdown(suite, costs, titles=titles)
    for found in affinities:
        for form in found.by_form():
            files[f"affinity-{found.method}{form}.csv"] = _square(found.mean(form))
        if found.labels:
            pairs = found.labels.pairs().head(affinity.STRONGEST)
            listed = pairs.to_csv(index=False, float_format="%.6g", lineterminator="\n")
            files[f"label-affinity-{found.method}.csv"] = listed
    if separations:
        files["separation.csv"] = _flat_separations(separations)
    files |= {f"{drawing.name}.svg": drawing.standalone() for drawing in drawings.values()}
    files["report.html"] = render(
        table=table,
        comparisons=comparisons,
        others=compare_with(table, others, titles),
        affinities=affinities,
        separations=separations,
        variants=variants,
        costs=costs,
        notes=notes,
        titles=titles,
        drawings=drawings,
        parameters=parameter_table({method: parameters.get(method) for method in table.methods}),
        data=data_table(runs.results, shown),
        runs=run_table(runs.results),
        versions=versions(runs.results),
        only_accuracies=words.only_accuracies(ranked, titles=titles),
    )
    folder = layout.report(suite)
    for name, content in files.items():
        with atomic_write(folder / name) as part:
            part.write_text(content, "utf-8", newline="\n")
    for path in folder.iterdir():
        if OWN.fullmatch(path.name) and path.name not in files:
            path.unlink()
    return text.method_table(table, comparisons, titles=titles)


def _nothing(suite: str, methods: Sequence[str], planned: Sequence[Run], set_aside: Sequence[SetAside]) -> str:
    """Why there is no report, and the way out."""
    if ours := [one for one in set_aside if one.run.method in methods]:
        run = ours[0].run
        return (
            f"{suite} has no results with these parameters: {run.method}, seed {run.seed}, has {ours[0].why}; run "
            f"'dvc repro report@{suite}'."
        )
    return f"{suite} has no results of {', '.join(methods)}; {planned[0].remedy('measure')}."


def _threshold(parameters: Mapping[str, object]) -> float:
    """The threshold of Equation 5, the usual one for a method without."""
    value = parameters.get("threshold")
    return float(value) if isinstance(value, int | float) else affinity.THRESHOLD


def _cross_entropy(curves: pd.DataFrame, parameters: Mapping[str, object]) -> pd.DataFrame:
    """Training curves whose loss is without the weighted sharing loss (Equation 6), to compare with those of others."""
    weight = parameters.get("sharing_weight")
    if not isinstance(weight, int | float):
        return curves
    return curves.assign(loss=curves["loss"] - weight * curves["sharing_loss"].fillna(0))


def _affinity_drawings(found: affinity.Affinity, titles: Titles) -> Iterator[Drawing]:
    name, method = titles[found.method], found.method
    for form, form_words in FORMS.items():
        yield similarity_map(f"similarity-{method}{form}", f"Task similarity, {name}, {form_words}", found.mean(form))
    if found.labels:
        yield label_map(f"label-affinity-{method}", f"Label affinity, {name}", found.labels)


def _figure_2(affinities: Sequence[affinity.Affinity], titles: Titles) -> Iterator[Drawing]:
    """The paper's Figure 2 in both forms, where both of its methods are there."""
    found = {one.method: one for one in affinities if one.method in FIGURE_2}
    if len(found) == len(FIGURE_2):
        related = related_pairs(found[FIGURE_2[0]].tasks)
        for form, form_words in FORMS.items():
            panels = {method: found[method].mean(form) for method in FIGURE_2}
            yield similarity_panels(
                f"figure-2{form}", f"Task similarity side by side, {form_words}", panels, related, titles=titles
            )


def _separations(affinities: Sequence[affinity.Affinity]) -> list[dict[str, Any]]:
    """One row a form and method: how the related pairs rank among all; empty where there are none."""
    return [
        {"method": found.method, "form": form_words, "separation": separation}
        for form, form_words in FORMS.items()
        for found in affinities
        if (separation := separate(found.by_form()[form], found.tasks))
    ]


def _flat_separations(rows: Sequence[Mapping[str, Any]]) -> str:
    """The separations as CSV, one row a form and method."""
    frame = pd.DataFrame(
        {
            "method": row["method"],
            "form": row["form"],
            "mean_rank": row["separation"].mean,
            "chance": row["separation"].chance,
            "p": row["separation"].p,
            "by_seed_mean": row["separation"].seeds_mean,
            "by_seed_std": row["separation"].seeds_std,
            "seeds": len(row["separation"].by_seed),
        }
        for row in rows
    )
    return frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _square(frame: pd.DataFrame) -> str:
    return frame.to_csv(index_label="task", float_format="%.6f", lineterminator="\n")


def compare_with(table: accuracy.Table, others: pd.DataFrame, titles: Titles) -> pd.DataFrame:
    """Our means beside other classifiers', which come best first; the last row is the mean over these tasks.

    Only tasks for which both have results; without one, the frame is empty.
    """
    ours = pd.DataFrame(
        {
            titles[method]: {row.task: row.cells[method].mean for row in table.rows if method in row.cells}
            for method in table.methods
        }
    )
    both = others.dropna().index.intersection(ours.dropna().index, sort=False)
    if both.empty:
        return pd.DataFrame()
    theirs = others.loc[both]
    ranked = theirs.mean().sort_values(ascending=False, kind="stable").index
    joined = pd.concat([ours.loc[both], theirs[ranked]], axis=1)
    joined.loc["mean"] = joined.mean()
    return joined


RUN_COLUMNS = {
    "seconds": "training time",
    "steps": "steps",
    "series_per_second": "series/s",
    "peak_memory_mb": "peak memory",
    "parameters": "parameters",
    "precision": "precision",
    "device": "device",
    "commit": "commit",
}
"""What is shown of a run record."""


def run_table(results: Sequence[RunResult]) -> list[dict[str, str]]:
    """One row a run (method, seed): how its model, or its models of single tasks together, came about."""
    return [
        {"method": result.method, "seed": str(result.seed)}
        | {column: _run_value(column, [getattr(record, column) for record in result.trained]) for column in RUN_COLUMNS}
        | {"series_per_second": _rate(result.trained)}
        for result in results
        if result.trained
    ]


def _rate(trained: Sequence[TrainingRecord]) -> str:
    """Series a second over the whole training of all models of a run; empty where one did not say."""
    if any(record.series_per_second is None for record in trained) or not (time := sum(one.seconds for one in trained)):
        return ""
    return f"{sum((one.series_per_second or 0.0) * one.seconds for one in trained) / time:,.0f}"


def _run_value(column: str, values: Sequence[Any]) -> str:
    """One text for the records of a run: times and steps add up, memory and size are the largest, names are joined."""
    values = [value for value in values if value is not None]
    if not values:
        return ""
    match column:
        case "seconds":
            return numbers.duration(sum(values))
        case "steps":
            return f"{sum(values):,}"
        case "peak_memory_mb":
            return f"{max(values):,.0f} MB"
        case "parameters":
            return f"{max(values):,}"
        case "device":
            return ", ".join(dict.fromkeys(map(machine, values)))
        case "commit":
            return ", ".join(dict.fromkeys(re.sub(r"^([0-9a-f]{10})[0-9a-f]*", r"\1", value) for value in values))
        case _:
            return ", ".join(dict.fromkeys(map(str, values)))


def versions(results: Sequence[RunResult]) -> dict[str, str]:
    """Versions of the software that trained; several where runs differ."""
    found: dict[str, dict[str, None]] = {}
    for record in (record for result in results for record in result.trained):
        for name, version in record.versions.items():
            found.setdefault(name, {})[version] = None
    return {name: ", ".join(used) for name, used in found.items()}


def breakable(name: str) -> Markup:
    """A name that may be broken before capitals and after joining marks, so that a narrow column can hold it."""
    return Markup("<wbr>").join(re.split(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[_-])(?=.)", name))


def render(
    table: accuracy.Table,
    comparisons: Sequence[Comparison],
    variants: Sequence[Variant],
    costs: cost.Costs,
    notes: Sequence[str],
    titles: Titles,
    **context: object,
) -> str:
    """The page. Everything in it is escaped but the figures, whose text was escaped when they were drawn."""
    environment = Environment(
        loader=PackageLoader("mtcs", "reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "name": titles.__getitem__,
        "seeds_behind": lambda method: text.seeds_behind(table, method),
        "probability": numbers.probability,
        "breakable": breakable,
        "number": numbers.number,
        "spread": numbers.spread,
        "signed": numbers.signed,
    }
    environment.tests["has_heads"] = table.has_heads
    return environment.get_template("page.html.jinja").render(
        table=table,
        comparisons={comparison.method: comparison for comparison in comparisons},
        heading=words.heading(table, titles=titles),
        lead=list(
            filter(
                None,
                [
                    words.distance(table, titles=titles),
                    words.sharing_gain(table, comparisons),
                    words.verdict(comparisons, titles=titles),
                ],
            )
        ),
        how_compared=words.how_compared(comparisons, titles=titles),
        caveats=[*words.caveats(table, titles=titles), *notes],
        ablation=text.ablation_table(variants, titles=titles),
        ablation_notes=words.ablation_notes(variants, titles=titles),
        costs=text.cost_table(costs, titles=titles),
        counted=numbers.counted,
        cost_notes=words.cost_notes(costs, titles=titles) if costs.rows else [],
        doubts=words.doubts(table, titles=titles),
        findings=words.findings(table, titles=titles),
        findings_file=words.FINDINGS,
        finding=words.FINDING,
        level=LEVEL,
        left=text.LEFT,
        run_columns=RUN_COLUMNS,
        listed=LISTED,
        strongest=affinity.STRONGEST,
        strongest_tasks=strongest_tasks,
        figure_2=FIGURE_2,
        forms=FORMS,
        related=related_pairs([row.task for row in table.rows]),
        separated=words.separated,
        theme=THEME.values(),
        **context,
    )
