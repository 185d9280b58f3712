"""`mtcs train`: a method's models of a suite, each in a file that describes itself, into data/models."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mtcs.files import atomic_write, digest
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
    refuse_reading,
    training_tasks,
)


def train(
    method: MethodName,
    suite: SuiteName,
    task: Annotated[
        str | None, typer.Option("--task", help="Only this task, of a method that trains one model for each task.")
    ] = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
) -> None:
    """Train a method's encoder on a suite, into data/models; killed, the same command continues."""
    from mtcs.training.other_work import OtherWork

    others, known = OtherWork(), experiment()
    run = known.run(suite, method, seed, WORKSPACE)

    from mtcs.config.experiment import plain_values
    from mtcs.data.splits import without_held_out
    from mtcs.data.task import fingerprint
    from mtcs.evaluation.records import TrainingRecord, write_record
    from mtcs.provenance import commit, versions
    from mtcs.training.checkpoint import checkpoint_key, discard_checkpoints
    from mtcs.training.hardware import peak_memory
    from mtcs.training.loop import train_method
    from mtcs.training.model import save_model

    assert run.spec is not None
    refuse_reading(run)
    spec, scopes = run.spec, run.scopes if task is None else (run.scope(task),)
    tasks = training_tasks(known, run)
    where, revision, finished = hardware(spec, device, precision, workers), commit(), []
    if advice := others.advice(where.threads):
        print(advice, file=sys.stderr)
    for scope in scopes:
        scoped = list(tasks.values()) if scope is None else [tasks[scope]]
        seen = [without_held_out(one, run.held_out, seed) for one in scoped] if run.held_out else scoped
        name = f"{run.name}-{scope or 'joint'}"
        checkpoint = WORKSPACE.checkpoints / f"{name}-{checkpoint_key(spec, seen, seed, where)}.safetensors"
        model, trained = train_method(spec, seen, seed, where, checkpoint)
        save_model(run.model(scope), model, spec, [one.info for one in scoped], seed)
        with atomic_write(run.curves(scope)) as part:
            trained.curves.to_csv(part, index=False)
        record = TrainingRecord(
            run=run.owner("train"),
            task=scope,
            device=str(where),
            precision=where.precision,
            precision_reason=where.reason,
            seconds=round(trained.seconds, 1),
            steps=len(trained.curves),
            series_per_second=round(trained.series_per_second, 1),
            peak_memory_mb=round(max(trained.peak, peak_memory(where)), 1),
            parameters=sum(weight.numel() for weight in model.parameters()),
            versions=versions(),
            commit=revision,
            settings={name: value for name, value in plain_values(spec).items() if name != "classifier"},
            held_out=run.held_out,
            tasks={one.name: fingerprint(one) for one in scoped},
            weights=digest(run.model(scope)),
            curves=digest(run.curves(scope)),
        )
        write_record(run.record(scope), record)
        finished.append(name)
        print(
            f"{method} on {scope or suite}, seed {seed}: {len(trained.curves)} steps in {trained.seconds:.0f} s, "
            f"{trained.series_per_second:.0f} series/s, {where.precision} on {where} ({where.reason})"
        )
        relevant = trained.curves["relevant_share"].dropna().to_numpy()
        if relevant.size and not relevant.any():
            print(f"{method}: no two labels were relevant to each other in any step: no heads shared.", file=sys.stderr)
    for folder in (run.models, run.training):  # of the method as it was before: joint, or of one task each
        for path in folder.glob("[!.]*"):  # what others are writing is hidden
            if path.is_file() and path.name.partition(".")[0] not in {scope or "joint" for scope in run.scopes}:
                path.unlink()
    # Only now: DVC deletes what a killed stage has written, and finished tasks are then read from their checkpoints.
    discard_checkpoints(WORKSPACE.checkpoints, finished)
