"""`mtcs classify`: a classifier fitted to each task's frozen representations, and what it says of test series."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from mtcs.config.machine import read_machine
from mtcs.errors import InputError
from mtcs.layout import Layout, Run, atomic_write, digest
from mtcs.progress import progress
from mtcs.stages.options import WORKSPACE, MethodName, SeedOption, SuiteName, WorkersOption, experiment, threads

if TYPE_CHECKING:
    import numpy as np

    from mtcs.config.classifiers import ClassifierSpec
    from mtcs.data.task import Task

TITLES = {"svm": "SVM", "nearest_neighbour": "nearest neighbor", "kernel_ridge": "kernel ridge"}


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
    from mtcs.config.experiment import plain_values
    from mtcs.data.task import fingerprint, read_suite
    from mtcs.evaluation.measure import read_record
    from mtcs.evaluation.results import ClassifierRecord, RepresentationSources, write_record

    known = experiment()
    run, spec = known.run(suite, method, seed, WORKSPACE), known.classifier(method)
    tasks = read_suite(WORKSPACE.normalized_suite(suite), run.tasks)
    represented = read_record(run.represented, RepresentationSources, run, "represent")
    run.classified.unlink(missing_ok=True)
    address = read_machine().dask if dask is None else dask
    outcomes = _on_cluster(address, run, spec, tasks, workers) if address else _here(run, spec, tasks, workers)
    record = ClassifierRecord(
        classifier=plain_values(spec),
        tasks={task.name: fingerprint(task) for task in tasks},
        weights=represented.weights,
        representations={task.name: outcome.representations for task, outcome in zip(tasks, outcomes, strict=True)},
        fitted={task.name: digest(run.classifier(task.name)) for task in tasks},
        predictions={task.name: digest(run.prediction(task.name)) for task in tasks},
    )
    write_record(run.classified, record)
    shutil.rmtree(run.unfinished_search, ignore_errors=True)
    _show(run, spec, tasks, outcomes)


@dataclass(frozen=True)
class _Outcome:
    """Digest of the representations that were read, and which test series (n,) are right: the reader's, the head's."""

    representations: str
    right: np.ndarray
    head_right: np.ndarray | None


def _here(run: Run, spec: ClassifierSpec, tasks: list[Task], workers: int | None) -> list[_Outcome]:
    """One task after the other; progress is counted in fits, or in series searched."""
    from mtcs.evaluation.classify import work

    amounts, unit = [work(spec, len(task.test))[0] for task in tasks], work(spec, 0)[1]
    outcomes = []
    with progress(f"classify {run.suite}", sum(amounts), unit) as advance:
        for i, task in enumerate(tasks):

            def show(done: int, of: int, after: int = sum(amounts[: i + 1]), name: str = task.name) -> None:
                advance(after + done - of, name)

            advance(sum(amounts[:i]), task.name)
            outcomes.append(_classify_task(run, spec, task, threads(workers), show))
    return outcomes


def _on_cluster(address: str, run: Run, spec: ClassifierSpec, tasks: list[Task], workers: int | None) -> list[_Outcome]:
    """Every task by a worker of Dask, which sees this workspace under the same path."""
    from mtcs.evaluation.cluster import on_cluster

    there = replace(run, layout=Layout(run.layout.root.absolute()))
    pieces = ((there, spec, task.name, threads(workers)) for task in tasks)
    with progress(f"classify {run.suite}", len(tasks), "tasks") as advance:
        return on_cluster(address, _read_and_classify, pieces, lambda done: advance(done, ""))


def _read_and_classify(run: Run, spec: ClassifierSpec, name: str, workers: int) -> _Outcome:
    """`_classify_task` for a worker, which reads the series from the workspace, not from the scheduler."""
    from mtcs.data.task import read_task

    return _classify_task(run, spec, read_task(run.layout.normalized(run.suite, name)), workers)


def _classify_task(
    run: Run, spec: ClassifierSpec, task: Task, workers: int, show: Callable[[int, int], None] | None = None
) -> _Outcome:
    """Read a task's representations, write its predictions and what was fitted."""
    import numpy as np
    import pandas as pd

    from mtcs.evaluation.classify import classify as classify_representations
    from mtcs.evaluation.classify import save_reader
    from mtcs.evaluation.representations import read_representations

    path = run.representation(task.name)
    read = digest(path) if path.exists() else ""
    representations = read_representations(path)
    for rows, split, what in (
        (representations.train, task.train, "training"),
        (representations.test, task.test, "test"),
    ):
        if len(rows) != len(split):
            raise InputError(
                f"{path} has {len(rows)} {what} representations, expected {len(split)}; {run.remedy('represent')}."
            )
        if spec.kind != "nearest_neighbour" and not (finite := np.isfinite(rows).all(1)).all():
            raise InputError(
                f"{path} has no finite representation of {what} series {finite.argmin()}; {run.remedy('represent')}."
            )
    reader, predicted = classify_representations(
        spec, representations.train, task.train.labels, representations.test, workers, show, run.unfinished_search
    )
    classes = np.array(task.classes)
    table = pd.DataFrame({"label": classes[task.test.labels], "predicted": classes[predicted]})
    with atomic_write(run.prediction(task.name)) as part:
        table.to_csv(part, index=False)
    save_reader(run.classifier(task.name), reader)
    head = representations.head_predictions()
    return _Outcome(read, predicted == task.test.labels, None if head is None else head == task.test.labels)


def _show(run: Run, spec: ClassifierSpec, tasks: list[Task], outcomes: list[_Outcome]) -> None:
    """Print the accuracy of every task, that of always saying the most frequent label, and the mean."""
    import numpy as np

    heads = "" if outcomes[0].head_right is None else " (of the trained head)"
    print(f"{run}: accuracy of the {TITLES[spec.kind]}{heads}")
    for task, outcome in zip(tasks, outcomes, strict=True):
        head = "" if outcome.head_right is None else f"  ({outcome.head_right.mean():.4f})"
        print(f"  {task.name:32} {outcome.right.mean():.4f}{head}")
    print(f"  {'mean':32} {np.mean([outcome.right.mean() for outcome in outcomes]):.4f}")
