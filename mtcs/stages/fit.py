"""`mtcs fit`: a classifier of your own recordings, from a folder into one file."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from mtcs.data.table_options import TableOptions
from mtcs.errors import counted, one_line
from mtcs.stages.options import DeviceOption, PrecisionOption, SeedOption, WorkersOption, hardware, threads
from mtcs.stages.output import check_room, page_beside
from mtcs.stages.reading import with_table_options

if TYPE_CHECKING:
    from mtcs.config.schedule import Schedule

ENOUGH = 500
"""Mini-batches; a few small data sets were worse with fewer, on held-out series."""


@with_table_options
def fit(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A file or a subfolder for each task; or a single file.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.mtcs", help="Where the classifier goes.")],
    cv: Annotated[int | None, typer.Option("--cv", min=2, metavar="N", help="Measure it first, by N folds.")] = None,
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="HTML|none", help="With --cv: its page of series; default: FILE.html."),
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone/--no-alone", help="With --cv: also learn each task alone, as much training again.")
    ] = True,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            help="As mtcs or mtl; mtcs_rocket is more accurate, much slower; minirocket and quant train no encoder.",
        ),
    ] = "mtcs",
    members: Annotated[
        int | None,
        typer.Option("--members", min=1, help="Encoders side by side: more accurate, in as many times the time."),
    ] = None,
    classifier: Annotated[
        str | None,
        typer.Option(
            "--classifier",
            help="What reads representations: ridge, svm or with_random_kernels; default: ridge or the method's own.",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Passes over all series, 5 of mtcs; few series need more.")
    ] = None,
    missing: Annotated[
        list[float] | None,
        typer.Option("--missing", metavar="VALUE", help="Stands for a missing value, as -9999; may be repeated."),
    ] = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
    tables: TableOptions = TableOptions(),
) -> None:
    """Learn all tasks of a folder together, into one file that labels new series; needs no params.yaml."""
    from mtcs.training.other_work import OtherWork

    others = OtherWork()
    from dataclasses import asdict, replace

    from mtcs.config.methods import SeriesSpec
    from mtcs.config.packaged import display_name, packaged_classifier, packaged_method
    from mtcs.data.folder import read_folder
    from mtcs.data.folder_doubts import doubts_of

    page = page_beside(out, report, measured=cv is not None)
    for path in (out,) if cv is None or page is None else (out, page):
        check_room(path)
    spec = packaged_method(method)
    if classifier is not None:
        packaged_classifier(classifier)
    data = read_folder(folder, **asdict(tables))
    for sentence in doubts_of(data, tuple(missing or ())):
        print(one_line(f"Warning: {sentence}"), file=sys.stderr)

    # Torch comes with these, after seconds: what is wrong with names and data has been told.
    from mtcs.bundles.cross_validation import recalibrate
    from mtcs.bundles.file import save_bundle
    from mtcs.bundles.metrics import left_out_scores, score_table, scores_by_task, split_scores
    from mtcs.config.machine import read_machine
    from mtcs.data.doubts import SwappedAxes
    from mtcs.estimator import MultiTaskClassifier, validate_model
    from mtcs.reports.own import Settings, write_own_report

    warnings.simplefilter("ignore", SwappedAxes)  # which has just been said
    sizes = [len(y) for _, y in data.values()]
    if epochs is None and (more := _more_passes(spec.schedule, sizes)):
        print(f"Tip: with so few series more passes may be better; compare --cv 5 --epochs {more}.", file=sys.stderr)
    model = MultiTaskClassifier(
        method,
        random_state=seed,
        epochs=epochs,
        members=members,
        classifier=classifier,
        device=device or read_machine().device,
        precision=precision or read_machine().precision,
        n_jobs=threads(workers),
        verbose=True,
        missing=tuple(missing or ()),
    )
    where = hardware(spec, device, precision, workers)  # from now on torch takes so many threads
    if advice := others.advice(where.threads):
        print(advice, file=sys.stderr)
    validations, scores, start = {}, {}, perf_counter()
    if cv is not None:
        alone = alone and page is not None and not isinstance(spec, SeriesSpec)  # which learns each task alone anyway
        validations = validate_model(model, data, cv, alone=alone, curve=True)
        scores[f"{cv}-fold"] = left_out_scores(validations)
        print(score_table(scores[f"{cv}-fold"]))
    seconds = perf_counter() - start
    bundle = model.bundle_ = recalibrate(model.fit(data).bundle_, validations)
    if data.test:
        scores["test"] = {of: split_scores(bundle, of, model.encode(of, X), y) for of, (X, y) in data.test.items()}
        print(score_table(scores["test"], "test series"))
    save_bundle(out, replace(bundle, scores=scores_by_task(scores)))
    if validations and page is not None:
        settings = Settings(out.name, method, display_name(bundle.classifier), cv or 0, seconds)
        write_own_report(page, data, validations, bundle, settings, data.ids)
        print(f"{page}: how well new recordings are labelled", file=sys.stderr)
    print(f"{out}: {counted(len(data), 'task')}, {out.stat().st_size / 1e6:.1f} MB", file=sys.stderr)


def _more_passes(schedule: Schedule, sizes: list[int]) -> int | None:
    """How many passes over tasks of so many series make `ENOUGH`; None where the method's own do, or end by steps."""
    if schedule.epochs is None or schedule.min_steps is not None:
        return None
    longer = schedule.model_copy(update={"min_steps": ENOUGH}).for_sizes(sizes).epochs
    return longer if longer != schedule.epochs else None
