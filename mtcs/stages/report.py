"""`mtcs report`: everything in reports/SUITE, from results alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtcs.errors import InputError
from mtcs.files import is_there
from mtcs.stages.options import WORKSPACE, SuiteName, comma_list, experiment


def report(
    suite: SuiteName,
    reference: Annotated[
        str, typer.Option("--reference", metavar="METHOD", help="What the other methods are compared with.")
    ] = "mtcs",
    methods: Annotated[
        str | None, typer.Option("--methods", metavar="A,B,C", help="Only these, in this order; variants, too.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FOLDER", help="Tables as LaTeX and CSV, figures as SVG and PDF.")
    ] = None,
    series: Annotated[
        bool,
        typer.Option(
            "--series",
            help="Draw hard series and typical ones of labels, from data/normalized. A report holds no recordings "
            "otherwise: those of many archives may not be handed on.",
        ),
    ] = False,
) -> None:
    """Render a suite's report from results: accuracies, ablations, costs, affinities, and a page with all of it."""
    if export is not None and is_there(export) and not export.is_dir():
        raise InputError(f"--export {export} is a file; name a folder.")
    chosen, known = comma_list(methods or ""), experiment()
    known.suite(suite)  # before anything heavy is loaded, as are names of methods
    for name in chosen:
        known.method(name)

    from mtcs.reports import tables
    from mtcs.reports.analysis.contents import analyze
    from mtcs.reports.page import write_report
    from mtcs.reports.words import sentences

    made = analyze(WORKSPACE, known, suite, chosen, reference, series)
    write_report(made, WORKSPACE.report(suite), export)
    print(tables.methods(made).to_string())
    print(sentences(made)["not_counted"])
    print(f"{WORKSPACE.report(suite) / 'report.html'}{f', and files in {export}' if export else ''}")
