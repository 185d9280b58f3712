"""`mtcs predict`: labels for new series, with a file of `mtcs fit`, or with what a run of a suite has left."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from mtcs.config.machine import DeviceName, PrecisionName
from mtcs.data.table_options import TableOptions
from mtcs.errors import InputError
from mtcs.layout import atomic_write, digest
from mtcs.stages.options import (
    DeviceOption,
    PrecisionOption,
    SeedOption,
    WorkersOption,
    hardware,
    named_run,
    threads,
)
from mtcs.stages.reading import (
    DecimalOption,
    GroupOption,
    HeaderOption,
    IdOption,
    LabelOption,
    LayoutOption,
    SeparatorOption,
    TaskColumnOption,
    TimeOption,
    ValuesOption,
    column_list,
)


def predict(
    model: Annotated[str, typer.Argument(metavar="FILE.mtcs|METHOD", help="What 'mtcs fit' wrote; or a method.")],
    data: Annotated[str, typer.Argument(metavar="DATA|SUITE", help="New series; or the suite of a run.")],
    run_task: Annotated[str | None, typer.Argument(metavar="[TASK", help="With a suite: one of its tasks,")] = None,
    file: Annotated[Path | None, typer.Argument(metavar="DATA]", help="and new series of it, .ts or .tsv.")] = None,
    task: Annotated[str | None, typer.Option("--task", help="Of FILE.mtcs, where it has several.")] = None,
    proba: Annotated[bool, typer.Option("--proba", help="With the probability of each label.")] = False,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="CSV", help="Where predictions go, one row a series; default: stdout."),
    ] = None,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
    label: LabelOption = None,
    id: IdOption = None,
    time: TimeOption = None,
    task_column: TaskColumnOption = None,
    group: GroupOption = None,
    values: ValuesOption = None,
    layout: LayoutOption = None,
    header: HeaderOption = None,
    separator: SeparatorOption = None,
    decimal: DecimalOption = None,
) -> None:
    """Predict the labels of new series: 'mtcs predict FILE.mtcs DATA --task TASK', or METHOD SUITE TASK DATA of a run.

    Either describes itself: neither params.yaml nor the data it was trained on are needed. DATA is a file, a folder
    with a file for each recording, or - for standard input.
    """
    new = Path(data) if file is None else file
    if out is not None and out.is_dir():
        raise InputError(f"--out {out} is a folder; name a file in it.")
    if out is not None and out.exists() and new.exists() and out.samefile(new):
        raise InputError(f"--out {out} is the file of the new series itself; name another.")
    if model.endswith(".mtcs"):
        if run_task is not None:
            raise InputError(f"{run_task} is one argument too many; write 'mtcs predict {model} {data} --task TASK'.")
        columns = column_list(values)
        options = TableOptions(label, id, time, task_column, group, columns, layout, header, separator, decimal)
        _by_bundle(Path(model), new, task, proba, options, out, device, precision, workers)
    elif run_task is None or file is None:
        raise InputError(
            f"{model} is no .mtcs file, so that METHOD SUITE TASK DATA are expected; name all four, or a .mtcs file."
        )
    elif task is not None or proba or any((label, id, time, task_column, group, values, layout, separator, decimal)):
        raise InputError("--task, --proba and how tables are read are for a .mtcs file; leave them out, or name one.")
    else:
        _by_run(model, data, run_task, file, seed, out, device, precision, workers)


def _by_bundle(
    path: Path,
    file: Path,
    task: str | None,
    proba: bool,
    options: TableOptions,
    out: Path | None,
    device: DeviceName | None,
    precision: PrecisionName | None,
    workers: int | None,
) -> None:
    from mtcs.data.new_series import names_of, odd_series, read_new_series
    from mtcs.evaluation.bundle_file import load_bundle

    bundle = load_bundle(path)
    if task is None and len(bundle.tasks) > 1:
        raise InputError(f"{path} has the tasks {', '.join(bundle.tasks)}; choose one with --task.")
    task = task or next(iter(bundle.tasks))
    known = bundle.task(task)
    names = [str(one) for one in known.labels.tolist()]
    recordings = read_new_series(file, task, options, frozenset(names))
    for sentence in odd_series(recordings, known.lengths[0]):
        print(f"{file}: {sentence}", file=sys.stderr)
    where = hardware(bundle.model.spec, device, precision or bundle.precision, workers)
    representations = bundle.represent(task, recordings.series, where, names_of(recordings))
    predicted = [str(one) for one in bundle.predict(task, representations, threads(workers)).tolist()]
    columns: dict[str, list[str]] = {} if recordings.ids is None else {"id": recordings.ids}
    right = ""
    if recordings.labels is not None:
        columns["label"] = [str(one) for one in recordings.labels.tolist()]
        pairs = [(a, b) for a, b in zip(columns["label"], predicted, strict=True) if a not in ("", "?")]
        if unknown := [i for i, one in enumerate(columns["label"]) if one not in ("", "?", *names)]:
            raise InputError(
                f"{file}: series {names_of(recordings)[unknown[0]]:.60} has label "
                f"{columns['label'][unknown[0]]:.40}, expected one of {task}'s "
                f"({', '.join(names)[:150]}) or '?'; --label says in which column labels are, or 'none'."
            )
        if pairs:
            right = f", accuracy {sum(a == b for a, b in pairs) / len(pairs):.4f} on {len(pairs)} with a label"
    columns["predicted"] = predicted
    if proba or known.sharpness is not None:
        probabilities = bundle.predict_proba(task, representations, threads(workers))
        ordered = probabilities.copy()
        ordered.sort(axis=1)
        columns["margin"] = [f"{value:.6f}" for value in ordered[:, -1] - ordered[:, -2]]
        if proba:
            columns |= {
                f"p_{name}": [f"{p:.6f}" for p in row] for name, row in zip(names, probabilities.T, strict=True)
            }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    _write(text.getvalue(), out)
    note = "" if recordings.labels is None else f", {recordings.note}"
    print(f"{task}: {len(predicted)} series predicted{_in(out)}{note}{right}", file=sys.stderr)


def _by_run(
    method: str,
    suite: str,
    task: str,
    file: Path,
    seed: int,
    out: Path | None,
    device: DeviceName | None,
    precision: PrecisionName | None,
    workers: int | None,
) -> None:
    import numpy as np
    import pandas as pd

    from mtcs.evaluation.classify import load_reader
    from mtcs.evaluation.measure import check_file, read_record
    from mtcs.evaluation.mixture import FittedMixture
    from mtcs.evaluation.prediction import read_new
    from mtcs.evaluation.representations import represent
    from mtcs.evaluation.results import ClassifierRecord
    from mtcs.training.model import load_model

    run = named_run(method, suite, seed).reading
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
    representations = represent(model.method, series, where, task)
    if isinstance(reader, FittedMixture):
        predicted = reader.predict_both(representations, series, threads(workers))
    else:
        predicted = reader.predict(representations, threads(workers))
    table = pd.DataFrame({"label": labels, "predicted": np.array(info.classes)[predicted]})
    known = table.dropna()
    shown = table if len(known) else table[["predicted"]]
    _write(shown.to_csv(index=False, lineterminator="\n"), out)
    right = f", accuracy {(known['label'] == known['predicted']).mean():.4f} on {len(known)} with a label"
    print(f"{task}: {len(table)} series predicted{_in(out)}{right if len(known) else ''}", file=sys.stderr)


def _in(out: Path | None) -> str:
    return "" if out is None else f" in {out}"


def _write(text: str, out: Path | None) -> None:
    if out is None:
        print(text, end="")
    elif out.exists() and not out.is_file():  # a device or a pipe: no file that could be replaced by a whole one
        with out.open("w") as stream:
            stream.write(text)
    else:
        with atomic_write(out.resolve()) as part:  # of a link what it leads to
            part.write_text(text, encoding="utf-8")
