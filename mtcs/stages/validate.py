"""`mtcs validate`: parameters measured on held-out training series, so that no test series chooses anything."""

from __future__ import annotations

from typing import Annotated

import typer

from mtcs.errors import InputError
from mtcs.files import atomic_write
from mtcs.stages.options import (
    WORKSPACE,
    DeviceOption,
    MethodName,
    PrecisionOption,
    SeedOption,
    SuiteName,
    WorkersOption,
    experiment,
    hardware,
    threads,
    training_tasks,
)


def validate(
    method: MethodName,
    suite: SuiteName,
    seed: SeedOption = 0,
    share: Annotated[
        float, typer.Option("--share", min=0.05, max=0.5, help="Share of each task's training series to hold out.")
    ] = 0.25,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
) -> None:
    """Measure parameters on held-out training series, into data/validation; killed, the same command continues."""
    from mtcs.data.splits import hold_out
    from mtcs.evaluation.held_out import held_out_accuracy
    from mtcs.training.checkpoint import discard_checkpoints

    known = experiment()
    run, classifier = known.run(suite, method, seed, WORKSPACE), known.classifier(method)
    if run.held_out:
        raise InputError(f"{method} holds series out itself; validate {run.reads}, whose representations it reads.")
    tasks = {name: hold_out(task, share, seed) for name, task in training_tasks(known, run).items()}
    where = hardware(known.method(method), device, precision, workers)
    table, checkpoints = held_out_accuracy(run, tasks, share, classifier, where, threads(workers))
    with atomic_write(run.validation(share)) as part:
        table.to_csv(part, index=False)
    discard_checkpoints(WORKSPACE.checkpoints, checkpoints)
    print(table.to_string(index=False, float_format="%.4f"))
    accuracy, heads = table["accuracy"].mean(), table["head_accuracy"].mean()
    print(f"mean {accuracy:.4f}" + (f", of the heads {heads:.4f}" if heads == heads else ""))
