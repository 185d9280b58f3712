"""Everything that a report says of a suite, computed from results before any of it is drawn or put into words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mtcs.config.experiment import Experiment
from mtcs.errors import InputError
from mtcs.evaluation.results import RunResult
from mtcs.layout import Layout, Run
from mtcs.reports.analysis import accuracy, affinity, cost
from mtcs.reports.analysis.ablation import COLUMNS_COMPARED, Variant, ablate
from mtcs.reports.analysis.balance import Balance, balance
from mtcs.reports.analysis.examples import Series, examples
from mtcs.reports.analysis.learning_curve import LabelBudget, learning_curve
from mtcs.reports.analysis.mistakes import DRAWN, Mistakes, hardest, mistakes
from mtcs.reports.analysis.parameters import flatten
from mtcs.reports.analysis.readings import ReadingRow, compare_readings
from mtcs.reports.analysis.runs import SetAside, curves, read_runs
from mtcs.reports.analysis.separation import Separation, separate
from mtcs.reports.analysis.significance import REFERENCE, Comparison, compare, pairs_apart, pairwise
from mtcs.reports.writing import PAPER, Titles

PUBLISHED_PARAMETERS = {
    "depth": 10,
    "hidden": 64,
    "output": 320,
    "sharing_weight": 0.1,
    "threshold": 2.0,
    "schedule.epochs": 5,
    "schedule.batch_size": 32,
    "schedule.learning_rate": 0.001,
}
"""Those of MTCS in the paper, as far as it prints them."""


@dataclass(frozen=True)
class Report:
    """What is known of a suite.

    reference: the method that the others are compared with; requested: what a reader asked for, maybe without a result.
    table, comparisons, pairs: accuracies, each method against the reference, and p values of all pairs.
    others: (tasks, classifiers) accuracies of other public classifiers.
    affinities: of the methods with one model for all tasks, the reference first.
    separations: how the pairs that the paper calls related rank in them, by method and form.
    readings: methods whose representations another classifier has read, too.
    learning_curve: accuracies with fewer labels, where suites of the same tasks with fewer have results.
    curves: training curves by method, without the sharing loss.
    mistakes: the test series that are wrong most often, where results say which are.
    examples: series to look at, where they are asked for and the data are at hand.
    unlike: parameters of MTCS that differ from the paper's, in words.
    labels_per_class: training series of each label, where the suite keeps only so many.
    results: of all runs that count; set_aside: those that do not; left_out: methods that are not in this report.
    """

    suite: str
    titles: Titles
    reference: str
    requested: str
    table: accuracy.Table
    comparisons: list[Comparison]
    pairs: pd.DataFrame
    pairs_apart: int
    others: pd.DataFrame
    affinities: list[affinity.Affinity]
    separations: dict[tuple[str, str], Separation]
    mistakes: list[Mistakes]
    examples: Series
    variants: list[Variant]
    readings: list[ReadingRow]
    learning_curve: list[LabelBudget]
    balances: list[Balance]
    costs: cost.Costs
    curves: dict[str, pd.DataFrame]
    parameters: Mapping[str, Mapping[str, object]]
    unlike: str
    labels_per_class: int | None
    results: tuple[RunResult, ...]
    set_aside: tuple[SetAside, ...]
    left_out: tuple[str, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        return self.table.methods

    @property
    def tasks(self) -> tuple[str, ...]:
        return self.table.tasks

    @property
    def labelled(self) -> dict[str, affinity.LabelAffinity]:
        """Affinities of labels by method, the reference first."""
        return {one.method: one.labels for one in self.affinities if one.labels}

    def number(self, method: str) -> int:
        """The place of a method, which decides its colour and shape."""
        return self.methods.index(method)


def analyze(
    layout: Layout,
    experiment: Experiment,
    suite: str,
    methods: Sequence[str] | None = None,
    reference: str = REFERENCE,
    series: bool = False,
) -> Report:
    """Read the results of whatever runs there are and compute what they say.

    Args:
        layout: where everything lies.
        experiment: the tasks of the suite, and the methods with their parameters and seeds. Variants and readings that
            are not among `methods` have tables of their own, and no rank.
        suite: the suite's name.
        methods: in the order of the columns; those that the experiment has of the suite where none are named.
        reference: the method that the others are compared with.
        series: read series to draw from the normalised data, where those are at hand.

    Raises:
        InputError: if a name is unknown, there is no result of `methods`, or a file does not hold what it should.
    """
    tasks, labels_per_class = experiment.suite(suite).tasks, experiment.suite(suite).labels_per_class
    methods = _columns(experiment, suite, methods, reference)
    ablation = [name for name in experiment.ablation if name not in methods]
    readings = {
        name: experiment.readings[name].representations_of for name in experiment.active_readings if name not in methods
    }
    parameters = {name: experiment.parameters(name) for name in experiment.known}
    shown = (*methods, *ablation, *readings)
    fewer_labels = experiment.with_fewer_labels(suite)
    runs, *fewer = (read_runs(layout, experiment, name, shown) for name in (suite, *fewer_labels))
    by_labels = accuracy.long_form([result for several in (runs, *fewer) for result in several.results])
    by_labels.loc[by_labels["method"].isin(readings), "head_accuracy"] = math.nan  # those of the method that is read
    ranked = [result for result in runs.results if result.method in methods]
    if not ranked:
        first = Run(suite, methods[0], experiment.seeds_of(methods[0], suite)[0], layout)
        raise InputError(_nothing(suite, methods, first, runs.set_aside))
    long = accuracy.long_form(runs.results)
    printed = accuracy.published(tasks)
    table = accuracy.tabulate(accuracy.long_form(ranked), tasks, methods, printed)
    compared_with = reference if reference in table.methods else table.methods[0]
    by_method = {method: runs.of(method) for method in table.methods}
    read_again = compare_readings(long, readings)
    wrong = mistakes(ranked, tasks, table.methods)
    affinities = [
        one
        for method, results in by_method.items()
        if (one := affinity.gather(results, _number(parameters, method, "threshold", affinity.THRESHOLD)))
    ]
    affinities.sort(key=lambda one: one.method != compared_with)
    return Report(
        suite=suite,
        titles=Titles({name: experiment.title(name) for name in (*experiment.methods, *experiment.readings)}),
        reference=compared_with,
        requested=reference,
        table=table,
        comparisons=compare(table.scores, compared_with),
        pairs=pairwise(table.scores, compared_with),
        pairs_apart=pairs_apart(table.scores),
        others=accuracy.other_classifiers(tasks),
        affinities=affinities,
        separations={
            (one.method, form): separation
            for form in affinity.FORMS
            for one in affinities
            if (separation := separate(one.by_form()[form], one.tasks))
        },
        mistakes=wrong,
        examples=examples(layout, suite, [*_drawn_labels(affinities), *_hard(wrong)]) if series else {},
        variants=ablate(long, list(dict.fromkeys([*COLUMNS_COMPARED, *ablation])), parameters, printed),
        readings=read_again,
        learning_curve=learning_curve(by_labels, suite, fewer_labels),
        balances=balance(ranked, tasks, table.methods),
        costs=cost.gather(
            layout, suite, tasks, parameters, by_method | {one.name: runs.of(one.name) for one in read_again}
        ),
        curves={
            method: _cross_entropy(curves(results), _number(parameters, method, "sharing_weight", 0.0))
            for method, results in by_method.items()
        },
        parameters=parameters,
        unlike=_unlike_the_paper(parameters[REFERENCE]) if REFERENCE in table.methods else "",
        labels_per_class=labels_per_class,
        results=runs.results,
        set_aside=tuple(one for several in (runs, *fewer) for one in several.set_aside),
        left_out=tuple(name for name in parameters if name not in shown),
    )


def _columns(experiment: Experiment, suite: str, methods: Sequence[str] | None, reference: str) -> list[str]:
    """The methods that are ranked: those named, or the paper's, those built on MTCS and others; and the reference."""
    chosen = methods or sorted(
        experiment.methods_of(suite), key=lambda name: (name not in PAPER, not name.startswith("mtcs"))
    )
    columns = list(dict.fromkeys(chosen))
    if reference not in columns and reference != REFERENCE:  # the report says so where the usual reference is missing
        columns.append(reference)
    for name in columns:
        experiment.method(name)  # raises for one that is not known
    return columns


def _drawn_labels(affinities: Sequence[affinity.Affinity]) -> list[tuple[str, str]]:
    """Task and label of the strongest pairs of the first method that has some, which are drawn."""
    labelled = [one.labels for one in affinities if one.labels]
    pairs = labelled[0].pairs().head(affinity.LISTED).to_dict("records") if labelled else []
    return list(dict.fromkeys((pair[f"task_{side}"], pair[f"label_{side}"]) for pair in pairs for side in "kj"))


def _hard(wrong: Sequence[Mistakes]) -> list[tuple[str, str | int]]:
    """Task and number of the series that are drawn, and task and label of what they are compared with."""
    drawn = hardest(wrong, DRAWN)
    labels = [(task, label) for task, one in drawn for label in (one.label, one.predicted[0][0])]
    return [*((task, one.series) for task, one in drawn), *labels]


def _nothing(suite: str, methods: Sequence[str], first: Run, set_aside: Sequence[SetAside]) -> str:
    """Why there is no report, and the way out."""
    if ours := [one for one in set_aside if one.run.method in methods]:
        run = ours[0].run
        return (
            f"{suite} has no results that count: {run.method}, seed {run.seed}, {ours[0].why}; run 'dvc repro "
            f"report@{suite}', or its stages from '{run.command('train')}' on."
        )
    return f"{suite} has no results of {', '.join(methods)}; {first.remedy('measure')}."


def _number(parameters: Mapping[str, Mapping[str, object]], method: str, name: str, otherwise: float) -> float:
    value = parameters.get(method, {}).get(name)
    return float(value) if isinstance(value, int | float) else otherwise


def _cross_entropy(frame: pd.DataFrame, sharing_weight: float) -> pd.DataFrame:
    """Training curves whose loss is without the weighted sharing loss (Equation 6), to compare with those of others."""
    return frame.assign(loss=frame["loss"] - sharing_weight * frame["sharing_loss"].fillna(0))


def _unlike_the_paper(parameters: Mapping[str, object]) -> str:
    ours = dict(flatten(parameters))
    return "; ".join(
        f"{name} {ours[name]} instead of {value:g}"
        for name, value in PUBLISHED_PARAMETERS.items()
        if name in ours and ours[name] not in (str(value), str(float(value)))
    )
