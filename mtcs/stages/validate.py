"""`mtcs validate`: parameters measured on held-out training series, so that no test series chooses anything."""

from __future__ import annotations

import shutil
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
    import numpy as np
    import pandas as pd

    from mtcs.classifiers.classify import check_fittable, classify
    from mtcs.data.few_labels import check_as_planned
    from mtcs.data.splits import hold_out
    from mtcs.data.task import read_suite
    from mtcs.evaluation.represent import represent_task
    from mtcs.training.checkpoint import checkpoint_key, discard_checkpoints
    from mtcs.training.loop import train_method

    known = experiment()
    run, spec = known.run(suite, method, seed, WORKSPACE), known.method(method)
    if run.held_out:
        raise InputError(f"{method} holds series out itself; validate {run.reads}, whose representations it reads.")
    folder, planned = WORKSPACE.normalized_suite(suite), known.suite(suite)
    whole = read_suite(folder, run.tasks)
    check_as_planned(folder, whole, planned.missing, planned.few_labels)
    tasks = {task.name: hold_out(task, share, seed) for task in whole}
    for task in tasks.values():
        check_fittable(known.classifier(method), task.name, task.train.labels)
    where, prefix = hardware(spec, device, precision, workers), f"validate{share:g}-{run.name}"
    unfinished = WORKSPACE.checkpoints / f"{prefix}-nearest"
    rows, finished = [], []
    for scope in run.scopes:
        scoped = list(tasks.values()) if scope is None else [tasks[scope]]
        name = f"{prefix}-{scope or 'joint'}"
        checkpoint = WORKSPACE.checkpoints / f"{name}-{checkpoint_key(spec, scoped, seed, where)}.safetensors"
        model, _ = train_method(spec, scoped, seed, where, checkpoint)
        finished.append(name)
        for task in scoped:
            representations = represent_task(model, task, where)
            _, predicted = classify(
                known.classifier(method),
                representations.train,
                task.train.labels,
                representations.test,
                threads(workers),
                unfinished=unfinished,
                seed=seed,
            )
            head = representations.head_predictions()
            by_head = np.nan if head is None else (head == task.test.labels).mean()
            rows.append((task.name, len(task.test), (predicted == task.test.labels).mean(), by_head))
    table = pd.DataFrame(rows, columns=["task", "held_out", "accuracy", "head_accuracy"])
    with atomic_write(run.validation(share)) as part:
        table.to_csv(part, index=False)
    discard_checkpoints(WORKSPACE.checkpoints, finished)
    shutil.rmtree(unfinished, ignore_errors=True)
    print(table.to_string(index=False, float_format="%.4f"))
    heads = table["head_accuracy"].mean()
    print(f"mean {table['accuracy'].mean():.4f}" + ("" if np.isnan(heads) else f", of the heads {heads:.4f}"))
