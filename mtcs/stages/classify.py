"""`mtcs classify`: a classifier fitted to each task's frozen representations, and what it says of test series."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Annotated

import typer

from mtcs.errors import InputError
from mtcs.files import digest
from mtcs.layout import Run
from mtcs.stages.options import WORKSPACE, MethodName, SeedOption, SuiteName, WorkersOption, experiment, threads

if TYPE_CHECKING:
    from mtcs.evaluation.records import RepresentationSources


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
            help="Scheduler of a Dask cluster whose workers take a task each. Also MTCS_DASK.",
        ),
    ] = None,
) -> None:
    """Classify the test series by their frozen representations, into data/predictions; keep what was fitted."""
    known = experiment()
    run, spec = known.run(suite, method, seed, WORKSPACE), known.classifier(method)

    from mtcs.config.classifiers import Mixture
    from mtcs.config.experiment import plain_values
    from mtcs.config.machine import read_machine
    from mtcs.data.task import fingerprint, read_suite
    from mtcs.evaluation.classified import classify_here, classify_mixtures, classify_on_cluster, outcome_text
    from mtcs.evaluation.measure import check_encoders, read_trained
    from mtcs.evaluation.records import ClassifierRecord, write_record

    if dask and isinstance(spec, Mixture):
        raise InputError(f"{method} weighs all tasks of a suite together, here; leave out --dask {dask:.60}.")
    tasks = read_suite(WORKSPACE.normalized_suite(suite), run.tasks)
    represented, *held_out = [_represented(one) for one in run.encoders]
    if held_out:
        trained, own = (read_trained(one, run.scopes) for one in run.encoders)
        check_encoders(run, trained, own, run.held_out)
    run.classified.unlink(missing_ok=True)
    address = read_machine().dask if dask is None else dask
    if isinstance(spec, Mixture):
        outcomes = classify_mixtures(run, spec, tasks, threads(workers))
    elif address:
        outcomes = classify_on_cluster(address, run, spec, tasks, threads(workers))
    else:
        outcomes = classify_here(run, spec, tasks, threads(workers))
    by_task = dict(zip(run.tasks, outcomes, strict=True))
    record = ClassifierRecord(
        run=str(run),
        classifier=plain_values(spec),
        reads=run.reads,
        held_out=run.held_out,
        mixing={name: outcome.weight for name, outcome in by_task.items() if outcome.weight is not None},
        weighing={name: outcome.weighing for name, outcome in by_task.items() if outcome.weighing is not None},
        decisions={name: outcome.decisions for name, outcome in by_task.items() if outcome.decisions},
        tasks={task.name: fingerprint(task) for task in tasks},
        weights=represented.weights,
        held_out_weights=held_out[0].weights if held_out else {},
        representations={name: outcome.representations for name, outcome in by_task.items()},
        fitted={task.name: digest(run.classifier(task.name)) for task in tasks},
        predictions={task.name: digest(run.prediction(task.name)) for task in tasks},
    )
    write_record(run.classified, record)
    shutil.rmtree(run.unfinished_search, ignore_errors=True)
    print(f"{run}: {outcome_text(spec.title, tasks, outcomes)}")


def _represented(run: Run) -> RepresentationSources:
    """What a run's representations are of.

    Raises:
        InputError: if it was not represented, or by another model, or a file is not the one that was written then.
    """
    from mtcs.evaluation.records import RepresentationSources, read_record

    record = read_record(run.represented, RepresentationSources, run, "represent")
    for name, written in record.representations.items():
        path = run.representation(name)
        if path.exists() and digest(path) != written:
            raise InputError(f"{path} holds other content than was written; {run.remedy('represent')}.")
    for scope, written in record.weights.items():
        path = run.models / f"{scope}.safetensors"
        if path.exists() and digest(path) != written:
            raise InputError(
                f"The representations of {run} are of other weights of {scope} than were trained last; "
                f"{run.remedy('represent')}."
            )
    return record
