"""`mtcs report`: everything in reports/SUITE, from results alone."""

from __future__ import annotations

from mtcs.stages.options import WORKSPACE, SuiteName, experiment


def report(suite: SuiteName) -> None:
    """Render a suite's report from results: accuracies, ablations, costs, affinities, and a page with all of it."""
    from mtcs.reports.page import write_report

    known = experiment()
    methods = (*known.joint, *known.single_task)
    tasks, seeds = known.suite(suite).tasks, {name: known.seeds_of(name) for name in known.known}
    parameters = {name: known.parameters(name) for name in known.known}
    titles = {name: known.title(name) for name in known.methods}
    table = write_report(WORKSPACE, suite, tasks, methods, seeds, parameters, known.ablation, titles)
    print(table.to_string())
    print(f"\n{WORKSPACE.report(suite) / 'report.html'}")
