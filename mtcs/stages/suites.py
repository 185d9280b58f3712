"""`mtcs suites`: the suites of params.yaml."""

from __future__ import annotations

import typer

from mtcs.errors import counted
from mtcs.stages.options import SomeSuite, experiment


def suites(only: SomeSuite = None) -> None:
    """List the suites of params.yaml, their tasks, and the sizes that the UCR archive gives them."""
    from mtcs.config.archive import published_sizes

    sizes = published_sizes()
    params = experiment()
    for name, suite in (params.suites if only is None else {only: params.suite(only)}).items():
        known = [sizes[task] for task in suite.tasks if task in sizes]
        total = f", {sum(s.n_train for s in known):,} training series, {sum(s.n_classes for s in known)} labels"
        total = total if len(known) == len(suite.tasks) else ""
        n = suite.labels_per_class
        few = "" if n is None else f", of which at most {n:,} of each label are kept, draw {suite.draw or 0}"
        typer.echo(f"{name}: {counted(len(suite.tasks), 'task')}{total} (from {suite.source}){few}")
        for task in suite.tasks:
            size = sizes.get(task)
            facts = "not in the UCR archive"
            if size is not None:
                facts = f"{size.n_train:6} train {size.n_test:6} test {size.n_classes:3} labels"
                facts += f"  length {size.length or 'varies'}"
            typer.echo(f"  {task:28} {facts}")
