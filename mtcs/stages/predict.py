"""`mtcs predict`: labels for new series, with the model and the classifier that a run has left."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mtcs.errors import InputError
from mtcs.layout import atomic_write, digest
from mtcs.stages.options import (
    DeviceOption,
    MethodName,
    PrecisionOption,
    SeedOption,
    SuiteName,
    WorkersOption,
    hardware,
    named_run,
    threads,
)


def predict(
    method: MethodName,
    suite: SuiteName,
    task: Annotated[str, typer.Argument(metavar="TASK", help="Task of the suite that the series belong to.")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="New series, .ts or .tsv; labels may be missing or '?'.")
    ],
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="CSV", help="Where predictions go, one row a series; default: stdout."),
    ] = None,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
) -> None:
    """Predict the labels of new series, with the model and the classifier that a suite's run has left.

    Both describe themselves: neither params.yaml nor the suite's data are needed.
    """
    import numpy as np
    import pandas as pd

    from mtcs.evaluation.classify import load_reader
    from mtcs.evaluation.measure import check_file, read_record
    from mtcs.evaluation.prediction import read_new
    from mtcs.evaluation.representations import represent
    from mtcs.evaluation.results import ClassifierRecord
    from mtcs.training.model import load_model

    if out is not None and out.is_dir():
        raise InputError(f"--out {out} is a folder; name a file in it.")
    if out is not None and out.exists() and file.exists() and out.samefile(file):
        raise InputError(f"--out {out} is the file of the new series itself; name another.")
    run = named_run(method, suite, seed)
    scope = None if run.model().exists() or (run.spec is not None and run.joint) else task
    if scope and not run.model(scope).exists() and (others := sorted(run.models.glob("*.safetensors"))):
        raise InputError(f"Unknown task {task}; {run} has {', '.join(path.stem for path in others)}.")
    model = load_model(run.model(scope), run.remedy("train"))
    info = model.task(task)
    classified = read_record(run.classified, ClassifierRecord, run, "classify")
    if classified.weights.get(scope or "joint") != digest(run.model(scope)):
        raise InputError(
            f"The classifier of {task} was fitted to another model's representations; "
            f"{run.remedy('represent', 'classify')}."
        )
    check_file(run.classifier(task), classified.fitted.get(task), f"than was fitted; {run.remedy('classify')}")
    reader = load_reader(run.classifier(task))
    series, labels = read_new(file, info)
    where = hardware(model.spec, device, precision, workers)
    predicted = reader.predict(represent(model.method, series, where, task), threads(workers))
    table = pd.DataFrame({"label": labels, "predicted": np.array(info.classes)[predicted]})
    known = table.dropna()
    _write(table if len(known) else table[["predicted"]], out)
    right = f", accuracy {(known['label'] == known['predicted']).mean():.4f} on {len(known)} with a label"
    location = "" if out is None else f" in {out}"
    print(f"{task}: {len(table)} series predicted{location}{right if len(known) else ''}", file=sys.stderr)


def _write(table, out: Path | None) -> None:
    if out is None:
        print(table.to_csv(index=False, lineterminator="\n"), end="")
    elif out.exists() and not out.is_file():  # a device or a pipe: no file that could be replaced by a whole one
        with out.open("w") as stream:
            table.to_csv(stream, index=False)
    else:
        with atomic_write(out.resolve()) as part:  # of a link what it leads to
            table.to_csv(part, index=False)
