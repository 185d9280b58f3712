"""`mtcs classify`: a classifier fitted to each task's frozen representations, and what it says of test series."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Annotated

import typer

from mtcs.config.machine import read_machine
from mtcs.layout import Run, digest
from mtcs.stages.options import WORKSPACE, MethodName, SeedOption, SuiteName, WorkersOption, experiment, threads

if TYPE_CHECKING:
    from mtcs.config.classifiers import ClassifierSpec
    from mtcs.data.task import Task
    from mtcs.evaluation.classified import Outcome

TITLES = {"svm": "SVM", "nearest_neighbour": "nearest neighbor", "kernel_ridge": "kernel ridge"}
TITLES |= {"random_kernels": "ridge on random kernels", "quant": "forest", "mixture": "kernel ridge on both"}


def classify(
    method: MethodName,
    suite: SuiteName,
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    dask: Annotated[
        str | None,
        typer.Option(
            "--dask",
            metavar="ADDRESS",
            help="Scheduler of a Dask cluster whose workers take a task each. [env: MTCS_DASK]",
        ),
    ] = None,
) -> None:
    """Classify the test series by their frozen representations, into data/predictions; keep what was fitted."""
    known = experiment()
    run, spec = known.run(suite, method, seed, WORKSPACE), known.classifier(method)

    from mtcs.config.classifiers import Mixture
    from mtcs.config.experiment import plain_values
    from mtcs.data.task import fingerprint, read_suite
    from mtcs.evaluation.classified import classify_here, classify_mixtures, classify_on_cluster
    from mtcs.evaluation.measure import read_record
    from mtcs.evaluation.results import ClassifierRecord, RepresentationSources, write_record

    tasks = read_suite(WORKSPACE.normalized_suite(suite), run.tasks)
    represented = read_record(run.reading.represented, RepresentationSources, run.reading, "represent")
    run.classified.unlink(missing_ok=True)
    address = read_machine().dask if dask is None else dask
    if isinstance(spec, Mixture):  # all tasks together choose, so that they are not pieces for a cluster
        outcomes = classify_mixtures(run, spec, tasks, threads(workers))
    elif address:
        outcomes = classify_on_cluster(address, run, spec, tasks, threads(workers))
    else:
        outcomes = classify_here(run, spec, tasks, threads(workers))
    by_task = dict(zip(run.tasks, outcomes, strict=True))
    record = ClassifierRecord(
        classifier=plain_values(spec),
        reads=run.reads,
        held_out=run.held_out,
        mixing={name: outcome.weight for name, outcome in by_task.items() if outcome.weight is not None},
        weighing={name: outcome.weighing for name, outcome in by_task.items() if outcome.weighing is not None},
        tasks={task.name: fingerprint(task) for task in tasks},
        weights=represented.weights,
        representations={name: outcome.representations for name, outcome in by_task.items()},
        fitted={task.name: digest(run.classifier(task.name)) for task in tasks},
        predictions={task.name: digest(run.prediction(task.name)) for task in tasks},
    )
    write_record(run.classified, record)
    shutil.rmtree(run.unfinished_search, ignore_errors=True)
    _show(run, spec, tasks, outcomes)


def _show(run: Run, spec: ClassifierSpec, tasks: list[Task], outcomes: list[Outcome]) -> None:
    """Print how each task went, beside always saying its most frequent label; and labels that were never predicted."""
    import numpy as np
    import pandas as pd

    from mtcs.evaluation.scores import score

    scores = [score(task, outcome.predicted) for task, outcome in zip(tasks, outcomes, strict=True)]
    heads = [None if o.head is None else (o.head == t.test.labels).mean() for t, o in zip(tasks, outcomes, strict=True)]
    columns: dict[str, list[float | None]] = {
        "accuracy": [one.accuracy for one in scores],
        "balanced": [one.balanced_accuracy for one in scores],
        "majority": [one.majority for one in scores],
    }
    if outcomes[0].weight is not None:
        columns["weight"] = [outcome.weight for outcome in outcomes]
    if heads[0] is not None:
        columns["trained head"] = heads
    table = pd.DataFrame(columns, index=[task.name for task in tasks], dtype=np.float64)
    table.loc["mean"] = table.mean()
    print(f"{run}: accuracy of the {TITLES[spec.kind]}\n{table.to_string(float_format='%.4f')}")
    for task, one in zip(tasks, scores, strict=True):
        if one.never_predicted:
            print(f"{task.name}: no series was given the label {', '.join(one.never_predicted)}.")
