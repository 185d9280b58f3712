"""`mtcs predict`: labels for new series, with a file of `mtcs fit`, or with what a run of a suite has left."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mtcs.data.table_options import TableOptions
from mtcs.errors import InputError, one_line
from mtcs.stages.options import (
    DeviceOption,
    PrecisionOption,
    SeedOption,
    WorkersOption,
    hardware,
    named_run,
    threads,
)
from mtcs.stages.output import STDOUT, check_output, write_output
from mtcs.stages.reading import with_table_options


@with_table_options
def predict(
    model: Annotated[str, typer.Argument(metavar="FILE.mtcs|METHOD", help="What 'mtcs fit' wrote; or a method.")],
    data: Annotated[str, typer.Argument(metavar="DATA|SUITE", help="New series; or the suite of a run.")],
    run_task: Annotated[str | None, typer.Argument(metavar="TASK", help="With a suite: one of its tasks.")] = None,
    file: Annotated[Path | None, typer.Argument(metavar="DATA", help="With a suite: new series of the task.")] = None,
    task: Annotated[str | None, typer.Option("--task", help="Of FILE.mtcs, where it has several.")] = None,
    proba: Annotated[bool, typer.Option("--proba", help="With the probability of each label.")] = False,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="CSV", help="Where predictions go, one row per series; - or none: stdout."),
    ] = None,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
    tables: TableOptions = TableOptions(),
) -> None:
    """Predict the labels of new series: 'mtcs predict FILE.mtcs DATA --task TASK', or METHOD SUITE TASK DATA of a run.

    Either describes itself: neither params.yaml nor the data it was trained on are needed. DATA is a file, a folder
    with a file for each recording, or - for standard input.
    """
    from mtcs.data.new_series import read_new_series, read_new_series_of_suite

    new = Path(data) if file is None else file
    out = None if out == STDOUT else out
    check_output(out, new, Path(model))
    if model.endswith(".mtcs"):
        if run_task is not None:
            raise InputError(f"{run_task} is one argument too many; write 'mtcs predict {model} {data} --task TASK'.")

        from mtcs.bundles.contents import chosen_task

        name, known = chosen_task(Path(model), task)
        recordings = read_new_series(new, name, tables, known)

        from mtcs.bundles.file import load_bundle  # torch with it

        bundle = load_bundle(Path(model))
    elif run_task is None or file is None:
        raise InputError(
            f"{model} is no .mtcs file, so that METHOD SUITE TASK DATA are expected; name all four, or a .mtcs file."
        )
    elif task is not None:
        raise InputError(f"--task is for a .mtcs file, and {run_task} is the task here; leave --task out.")
    else:
        from mtcs.bundles.from_run import load_run_task

        name, bundle = run_task, load_run_task(named_run(model, data, seed), run_task)
        recordings = read_new_series_of_suite(new, bundle.task(name).info, tables)

    from mtcs.bundles.new_labels import label_by_bundle

    asked = precision or (None if bundle.precision == "auto" else bundle.precision)
    where = hardware(bundle.model.spec, device, asked, workers)
    said = label_by_bundle(bundle, name, recordings, new, proba, where, threads(workers))
    write_output(said.csv(), out)
    for sentence in said.notes:
        print(one_line(sentence), file=sys.stderr)
    place = "" if out is None else f" in {out}"
    right = "" if said.accuracy is None else ", accuracy {:.4f} on {} with a label".format(*said.accuracy)
    print(f"{name}: {len(said.columns['predicted'])} series predicted{place}{right}", file=sys.stderr)
