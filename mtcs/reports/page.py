"""The report of a suite: everything in `reports/<suite>/`, and `report.html`, the one page that shows all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mtcs.files import atomic_write, replace_files, write_text
from mtcs.reports import tables
from mtcs.reports.analysis.accuracy import long_form, summary
from mtcs.reports.analysis.affinity import FORMS, STRONGEST
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.mistakes import DRAWN, hardest, mistake_table
from mtcs.reports.analysis.orders import orders
from mtcs.reports.analysis.runs import versions
from mtcs.reports.analysis.separation import separation_table
from mtcs.reports.figures.accuracy import by_task, cost_accuracy, critical_difference, overview
from mtcs.reports.figures.drawing import Drawing
from mtcs.reports.figures.learning_curve import learning_curve
from mtcs.reports.figures.maps import label_pairs, similarity
from mtcs.reports.figures.series import classified
from mtcs.reports.template import template
from mtcs.reports.words import sentences
from mtcs.reports.writing import PAPER

TEXTS = {
    "ablation": "Ablations",
    "readings": "Another classifier",
    "learning-curve": "Fewer labels",
    "cost": "Cost of the methods",
}
"""Tables with a file and sentences of their own, and their titles."""

OWN = re.compile(
    r"(ablation|accuracy|accuracy-by-method|cost|critical-difference|hard-series|learning-curve|objectives|overview"
    r"|p-values|readings|separation|sharing|training|figure-2.*|(label-)?affinity-.*|labels-.*|similarity-.*)\.(csv|md|svg)"
)
"""Files of earlier reports, those of earlier versions too; of them those that are not written again are removed."""


def write_report(report: Report, folder: Path, export: Path | None = None) -> None:
    """Write a report's page, tables and figures into its folder, in place of those of an earlier one.

    Args:
        report: what is known of a suite.
        folder: where it goes; files of the user's stay.
        export: a folder for the tables as LaTeX and CSV and the figures as SVG and PDF; None for no such files.

    Raises:
        OSError: if a folder cannot be written; an earlier report is then as it was.
    """
    words, frames, drawings = sentences(report), tables.every(report), draw_all(report)
    texts = text_files(report, words, frames)
    page = render(report, words=words, tables=frames, drawings=drawings, heading=words["heading"], files=list(texts))
    files = texts | {f"{name}.svg": one.svg for name, one in drawings.items()} | {"report.html": page}
    replace_files(folder, files)
    for path in folder.iterdir():
        if OWN.fullmatch(path.name) and path.name not in files:
            path.unlink()
    if export is not None:
        export_report(frames, drawings, export)


def draw_all(report: Report) -> dict[str, Drawing]:
    """The figures by name, those that these results have something for."""
    drawings = [overview(report), critical_difference(report), by_task(report), by_task(report, narrow=True)]
    drawings += [learning_curve(report), cost_accuracy(report), *(similarity(report, form) for form in FORMS)]
    for method, labels in list(report.labelled.items())[:1]:
        title = f"Labels that share, {report.titles[method]}"
        drawings.append(label_pairs(labels, report.examples, f"labels-{method}", title))
    return {drawing.name: drawing for drawing in drawings if drawing is not None}


def text_files(report: Report, words: Mapping[str, str], frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Tables and numbers by file name."""
    files = {
        "accuracy.md": template("accuracy.md.jinja").render(words=words, tables=frames),
        "summary.json": json.dumps(summary(report.table, report.comparisons), indent=2) + "\n",
    }
    for name, title in TEXTS.items():
        if frames[name].size:
            text = tables.markdown(frames[name], f"# {title} on {report.suite}")
            files[f"{name}.md"] = f"{text}\n\n{words[name.replace('-', '_')]}\n"
    numbers = {
        "accuracy": long_form(report.results),
        "p-values": report.pairs.rename_axis("method") if len(report.methods) > 1 else pd.DataFrame(),
        "separation": separation_table(report.separations, FORMS),
        "hard-series": mistake_table(report.mistakes),
    }
    for one in report.affinities:
        numbers |= {f"affinity-{one.method}{form}": one.mean(form).rename_axis("task") for form in FORMS}
        if one.labels:
            numbers[f"label-affinity-{one.method}"] = one.labels.pairs().head(STRONGEST)
    return files | {f"{name}.csv": _csv(frame) for name, frame in numbers.items() if len(frame.columns)}


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(lineterminator="\n", float_format="%.9g", index=frame.index.name is not None)


def render(report: Report, **parts: object) -> str:
    """The page of sentences, tables and figures; parts: these, and the names of files, as the template calls them.

    Everything in it is escaped but the figures, whose text was escaped when they were drawn.
    """
    of, kinds = report.examples, {one: "In the paper" if one in PAPER else "Beyond the paper" for one in report.methods}
    return template("page.html.jinja").render(
        report=report,
        **parts,
        eyebrow="Multi-Task Classifier Sharing",
        sections={},
        forms=FORMS,
        strongest=STRONGEST,
        orders=orders(report),
        kinds={report.titles[one]: kind for one, kind in kinds.items() if len(set(kinds.values())) > 1},
        hard=[
            classified(of[task, one.series], f"{task} {one.series}", task, one.label, one.predicted[0][0], of)
            for task, one in hardest(report.mistakes, DRAWN)
            if (task, one.series) in of
        ],
        versions=versions(report.results),
    )


def export_report(frames: Mapping[str, pd.DataFrame], drawings: Mapping[str, Drawing], folder: Path) -> None:
    """Tables as LaTeX (booktabs) and CSV, figures as SVG and PDF, for a paper or slides.

    Raises:
        OSError: if the folder cannot be written.
    """
    for name, frame in frames.items():
        if frame.size:
            write_text(folder / f"{name}.csv", _csv(frame))
            write_text(folder / f"{name}.tex", tables.latex(frame))
    for name, drawing in drawings.items():
        write_text(folder / f"{name}.svg", drawing.svg)
        with atomic_write(folder / f"{name}.pdf") as part:
            drawing.save_pdf(part)
