"""`mtcs fit`: a classifier of your own recordings, from a folder into one file."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from mtcs.config.machine import read_machine
from mtcs.errors import InputError
from mtcs.stages.options import DeviceOption, PrecisionOption, SeedOption, WorkersOption, threads
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


def fit(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A file or a subfolder for each task; or a single file.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.mtcs", help="Where the classifier goes.")],
    cv: Annotated[
        int | None, typer.Option("--cv", min=2, metavar="N", help="Measure it first, by N-fold cross-validation.")
    ] = None,
    report: Annotated[
        str | None,
        typer.Option(
            "--report", metavar="HTML|none", help="With --cv: its page, which shows series; default: FILE.html."
        ),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option("--alone/--no-alone", help="With --cv: also learn each task alone, which trains as much again."),
    ] = True,
    method: Annotated[str, typer.Option("--method", help="What trains the encoder.")] = "mtcs",
    classifier: Annotated[str, typer.Option("--classifier", help="What reads its representations.")] = "ridge",
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Passes over all series.")] = None,
    missing: Annotated[
        list[float] | None,
        typer.Option("--missing", metavar="VALUE", help="Stands for a missing value, as -9999; may be repeated."),
    ] = None,
    seed: SeedOption = 0,
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
    """Learn all tasks of a folder together, into one file that labels new series; needs no params.yaml."""
    from dataclasses import replace

    from mtcs.data.folder import read_folder
    from mtcs.estimator import MultiTaskClassifier, validate_model
    from mtcs.evaluation.bundle_file import save_bundle
    from mtcs.evaluation.metrics import SCORES, fold_scores, split_scores
    from mtcs.evaluation.validation import recalibrate
    from mtcs.reports.own import Settings, write_own_report

    if out.suffix != ".mtcs":
        raise InputError(f"--out {out} does not end in .mtcs, by which 'mtcs predict' knows it; name it so.")
    page = None if report == "none" else out.with_suffix(".html") if report is None else Path(report)
    if page is not None and page.suffix != ".html":
        raise InputError(f"--report {page} does not end in .html; name it so, or 'none' for no page.")
    machine = read_machine()
    data = read_folder(
        folder,
        label,
        id=id,
        time=time,
        task=task_column,
        group=group,
        values=column_list(values),
        layout=layout,
        header=header,
        separator=separator,
        decimal=decimal,
    )
    model = MultiTaskClassifier(
        method,
        random_state=seed,
        epochs=epochs,
        classifier=classifier,
        device=device or machine.device,
        precision=precision or machine.precision,
        n_jobs=threads(workers),
        verbose=True,
        missing=tuple(missing or ()),
    )
    scores, validations, start = {}, {}, perf_counter()
    if cv is not None:
        validations = validate_model(model, data, cv, data.groups, alone=alone and page is not None, curve=True)
        means: Any = fold_scores(validations, recalibrated=True).groupby("task", sort=False)[list(SCORES)].mean()
        print(means.to_string(float_format="%.3f"))
        scores = {
            str(task): {f"{cv}-fold {key}": value for key, value in row.items()}
            for task, row in means.to_dict("index").items()
        }
    seconds = perf_counter() - start
    bundle = recalibrate(model.fit(data).bundle_, validations)
    model.bundle_ = bundle
    tested = {task: split_scores(bundle, task, model.transform(task, X), y) for task, (X, y) in data.test.items()}
    for task, values_of in tested.items():
        shown = ", ".join(f"{key} {value:.3f}" for key, value in values_of.items())
        print(f"{task}, its {len(data.test[task][1])} test series: {shown}")
        scores[task] = scores.get(task, {}) | {f"test {key}": value for key, value in values_of.items()}
    save_bundle(out, replace(bundle, scores=scores))
    if validations and page is not None:
        settings = Settings(out.name, method, classifier, cv or 0, seconds)
        write_own_report(page, data, validations, bundle, settings)
        print(f"{page}: how well new recordings are labelled", file=sys.stderr)
    print(f"{out}: {len(data)} tasks, {out.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
