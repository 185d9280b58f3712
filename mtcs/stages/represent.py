"""`mtcs represent`: the frozen representations of a suite's series, into data/representations."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mtcs.errors import InputError, counted
from mtcs.files import digest
from mtcs.progress import progress
from mtcs.stages.options import (
    WORKSPACE,
    DeviceOption,
    MethodName,
    PrecisionOption,
    SeedOption,
    SuiteName,
    WorkersOption,
    hardware,
    named_run,
    refuse_reading,
)

if TYPE_CHECKING:
    from mtcs.training.hardware import Hardware


def represent(
    method: MethodName,
    suite: SuiteName,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
) -> None:
    """Extract the representations of a suite's series with a trained encoder, into data/representations.

    The models say what they are. It needs no params.yaml; where there is one, names are checked against it.
    """
    run = named_run(method, suite, seed)

    from mtcs.data.task import fingerprint, read_suite
    from mtcs.evaluation.records import RepresentationRecord, RepresentationSources, write_record
    from mtcs.evaluation.represent import represent_task
    from mtcs.evaluation.representations import write_representations
    from mtcs.training.model import load_model

    refuse_reading(run)
    tasks = read_suite(WORKSPACE.normalized_suite(suite))
    joint = run.model().exists() or not run.model(tasks[0].name).exists()
    scopes = [(None, tasks)] if joint else [(task.name, [task]) for task in tasks]
    weights, written, start = {}, {}, time.perf_counter()
    where: Hardware | None = None
    with progress(f"represent {suite}", len(tasks), "tasks") as advance:
        for scope, scoped in scopes:
            model = load_model(run.model(scope), run.remedy("train"))
            where = hardware(model.spec, device, precision, workers)  # the same for all of a method
            if model.seed != seed:
                raise InputError(f"{run.model(scope)} was trained with seed {model.seed}; {run.remedy('train')}.")
            weights[scope or "joint"] = digest(run.model(scope))
            for task in scoped:
                model.check_task(task.info, run.remedy("train"))
            for task in scoped:
                path = run.representation(task.name)
                write_representations(path, represent_task(model.method, task, where))
                written[task.name] = digest(path)
                advance(len(written), task.name)
    fingerprints = {task.name: fingerprint(task) for task in tasks}
    owner = run.owner("represent")
    sources = RepresentationSources(run=owner, weights=weights, tasks=fingerprints, representations=written)
    write_record(run.represented, sources)
    assert where is not None  # a suite has tasks
    cost = RepresentationRecord(
        run=owner,
        series=sum(len(task.train) + len(task.test) for task in tasks),
        seconds=round(time.perf_counter() - start, 1),
        device=str(where),
        precision=where.precision,
    )
    write_record(run.representation_cost, cost)
    print(f"{run}: {counted(len(tasks), 'task')} represented, {where.precision} on {where}")
