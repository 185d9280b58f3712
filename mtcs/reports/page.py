"""The report of a suite: everything in `reports/<suite>/`, and `report.html`, the one page that shows all of it."""

from __future__ import annotations

import errno
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from mtcs.layout import TEMPORARY, atomic_write, locked, remove_leftovers
from mtcs.reports import tables, words
from mtcs.reports.analysis import accuracy, affinity
from mtcs.reports.analysis.affinity import FORMS
from mtcs.reports.analysis.contents import Report
from mtcs.reports.analysis.mistakes import DRAWN, hardest, mistake_table
from mtcs.reports.analysis.orders import orders
from mtcs.reports.analysis.runs import data_table, run_table, versions
from mtcs.reports.analysis.separation import separation_table
from mtcs.reports.analysis.significance import LEVEL
from mtcs.reports.analysis.training import falling
from mtcs.reports.figures.accuracy import by_method, by_task, cost_accuracy, overview
from mtcs.reports.figures.curves import training
from mtcs.reports.figures.drawing import DARK, THEME, Drawing, glyph
from mtcs.reports.figures.maps import label_pairs, similarity
from mtcs.reports.figures.ranks import critical_difference
from mtcs.reports.figures.series import SmallSeries, classified
from mtcs.reports.numbers import listed, percent
from mtcs.reports.titles import by_kind

OWN = re.compile(
    r"(ablation|accuracy|accuracy-by-method|cost|critical-difference|hard-series|objectives|overview|p-values|readings"
    r"|separation|sharing|training|figure-2.*|(label-)?affinity-.*|labels-.*|similarity-.*)\.(csv|md|svg)"
)
"""Files of earlier reports, of which those that are not written again are removed."""



def write_report(report: Report, folder: Path, export: Path | None = None) -> None:
    """Write a report's page, tables and figures into its folder, in place of those of an earlier one.

    Args:
        report: what is known of a suite.
        folder: where it goes; files of the user's stay.
        export: a folder for the tables as LaTeX and CSV and the figures as SVG and PDF; None for no such files.

    Raises:
        OSError: if a folder cannot be written; an earlier report is then as it was.
    """
    drawings = draw_all(report)
    files = {**text_files(report), **{f"{drawing.name}.svg": drawing.svg for drawing in drawings.values()}}
    files["report.html"] = render(report, drawings, [name for name in files if not name.endswith(".svg")])
    _replace(folder, files)
    if export is not None:
        export_report(report, drawings, export)


def _replace(folder: Path, files: Mapping[str, str]) -> None:
    """Write a report in place of the one before, or leave that as it is where the files cannot all be written."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}{TEMPORARY}") as written, locked(Path(written)):
        for name, content in files.items():
            _write(Path(written) / name, content)
        for name in files:
            if (folder / name).is_dir():  # before the first is replaced
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder / name))
        for name in files:
            (Path(written) / name).replace(folder / name)
    for path in folder.iterdir():
        if OWN.fullmatch(path.name) and path.name not in files:
            path.unlink()


def _write(path: Path, content: str) -> None:
    with atomic_write(path) as part:
        part.write_text(content, "utf-8", newline="\n")


def draw_all(report: Report) -> dict[str, Drawing]:
    """The figures by name, those that these results have something for."""
    drawings = [
        overview(report),
        critical_difference(report),
        by_task(report),
        by_method(report),
        *(similarity(report, form) for form in FORMS),
        _label_pairs(report),
        cost_accuracy(report),
        training(report),
    ]
    return {drawing.name: drawing for drawing in drawings if drawing is not None}


def _label_pairs(report: Report) -> Drawing | None:
    """Of the first method that has some."""
    labelled = _labelled(report)
    if not labelled or labelled[0].labels is None:
        return None
    method = labelled[0].method
    return label_pairs(
        labelled[0].labels, report.examples, f"labels-{method}", f"Labels that share, {report.titles[method]}"
    )


def _labelled(report: Report) -> list[affinity.Affinity]:
    """The methods with affinities of labels, the reference first."""
    known = [one for one in report.affinities if one.labels]
    return sorted(known, key=lambda one: one.method != report.reference)


def text_files(report: Report) -> dict[str, str]:
    """Tables and numbers by file name."""
    every = tables.every(report)
    files = {
        "accuracy.csv": _csv(accuracy.long_form(report.results), index=False),
        "accuracy.md": accuracy_markdown(report, every),
        "summary.json": json.dumps(accuracy.summary(report.table, report.comparisons), indent=2) + "\n",
    }
    if len(report.methods) > 1:
        files["p-values.csv"] = _csv(report.pairs, index_label="method", float_format="%.6g")
    for name, title, notes in (
        ("ablation", "Ablations", words.ablation_notes(report)),
        ("readings", "Another classifier", words.READINGS),
        ("cost", "Cost of the methods", words.cost_notes(report)),
    ):
        if len(frame := every[name]):
            files[f"{name}.md"] = f"# {title} on {report.suite}\n\n{tables.markdown(frame)}\n\n{notes}\n"
    for measured in report.affinities:
        for form in FORMS:
            files[f"affinity-{measured.method}{form}.csv"] = _csv(
                measured.mean(form), index_label="task", float_format="%.6f"
            )
        if measured.labels:
            pairs = measured.labels.pairs().head(affinity.STRONGEST)
            files[f"label-affinity-{measured.method}.csv"] = _csv(pairs, index=False, float_format="%.6g")
    if report.separations:
        files["separation.csv"] = _csv(separation_table(report.separations, FORMS), index=False, float_format="%.6g")
    if report.mistakes:
        files["hard-series.csv"] = _csv(mistake_table(report.mistakes), index=False, float_format="%.3f")
    return files


def _csv(frame: pd.DataFrame, **how: object) -> str:
    return str(frame.to_csv(lineterminator="\n", **how))  # pyright: ignore[reportCallIssue, reportArgumentType]


def accuracy_markdown(report: Report, every: Mapping[str, pd.DataFrame]) -> str:
    """`accuracy.md`: the result in words, a row a method, our accuracies by task, the paper's and the differences."""

    def titled(title: str, name: str) -> list[str]:
        return [title, tables.markdown(every[name])] if every[name].size else []

    why, doubtful = words.findings(report), [f"- {sentence}" for sentence in words.doubts(report)]
    blocks = [
        f"# Accuracy of {words.heading(report)}",
        words.lead(report),
        tables.markdown(every["methods"]),
        words.how_compared(report),
        *([f"{why} What is known of the reasons: `{words.FINDINGS}`."] if why else []),
        *titled("Mean accuracy by type of data:", "types-of-data"),
        *titled("Accuracy by task:", "accuracy"),
        " ".join(words.caveats(report)),
        *titled("The paper's accuracy (and ours minus the paper's):", "paper"),
        *(["† Doubtful in print, shown as printed:", "\n".join(doubtful)] if doubtful else []),
        *titled("Balanced accuracy, the mean over labels:", "balanced-accuracy"),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def render(report: Report, drawings: Mapping[str, Drawing], files: Sequence[str]) -> str:
    """The page. Everything in it is escaped but the figures, whose text was escaped when they were drawn."""
    labelled, every, kinds = _labelled(report), tables.every(report), by_kind(report.methods)
    fall = {report.titles[method]: share for method, share in falling(report).items() if share > 0}
    return template("page.html.jinja").render(
        report=report,
        drawings=drawings,
        words=words,
        tables=every,
        eyebrow="Multi-Task Classifier Sharing",
        heading=words.heading(report),
        sections={},
        level=LEVEL,
        orders=orders(report),
        kinds={report.titles[method]: name for name, several in kinds.items() for method in several if len(kinds) > 1},
        glyphs={title: glyph(i) for i, title in enumerate(report.titles.of(report.methods))},
        hard=hard_series(report),
        one_seed=any(math.isnan(cell.std) for cell in report.table.mean.values()),
        forms=FORMS,
        labels=labelled,
        fall=listed([f"{percent(share)} for {title}" for title, share in fall.items()]),
        versions=versions(report.results),
        made={
            "Data": data_table(report.results, report.tasks),
            "Runs": run_table(report.results, report.titles),
            "Parameters": tables.parameters(report),
        },
        files=files,
    )


def hard_series(report: Report) -> list[SmallSeries]:
    """The series that are wrong most often, as far as they are at hand."""
    drawn, of = hardest(report.mistakes, DRAWN), report.examples
    return [
        classified(of[task, one.series], f"{task} {one.series}", task, one.label, one.predicted[0][0], of)
        for task, one in drawn
        if (task, one.series) in of
    ]


def template(name: str) -> Template:
    """A page's template, which escapes what is put into it and has all that `parts.html.jinja` and the style need."""
    environment = Environment(
        loader=PackageLoader("mtcs", "reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: value.replace(" %", "\N{NO-BREAK SPACE}%") if isinstance(value, str) else value,
    )
    environment.tests["marked"] = lambda cell: isinstance(cell, tables.Marked)
    environment.filters |= {"breakable": breakable, "stacked": stacked}
    environment.globals |= {
        "theme": THEME,
        "dark": DARK,
        "left": tables.LEFT,
    }
    return environment.get_template(name)


def breakable(name: str) -> Markup:
    """A name that may be broken before capitals and after joining marks, so that a narrow column can hold it."""
    return Markup("<wbr>").join(re.split(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[_-])(?=.)", str(name)))


def stacked(cell: object) -> Markup:
    """A cell with its deviation below its mean, for tables of many columns."""
    return Markup(re.sub(r" (± [\d.]+)", r"<small>\1</small>", str(escape(cell))))


def export_report(report: Report, drawings: Mapping[str, Drawing], folder: Path) -> None:
    """Tables as LaTeX (booktabs) and CSV, figures as SVG and PDF, for a paper or slides.

    Raises:
        OSError: if the folder cannot be written.
    """
    for name, frame in tables.every(report).items():
        if len(frame):
            _write(folder / f"{name}.csv", _csv(frame))
            _write(folder / f"{name}.tex", tables.latex(frame))
    for name, drawing in drawings.items():
        _write(folder / f"{name}.svg", drawing.svg)
        with atomic_write(folder / f"{name}.pdf") as part:
            drawing.save_pdf(part)
