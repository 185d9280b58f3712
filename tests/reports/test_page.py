"""The files of a report and its page: whole, alone, escaped, and the same from the same results."""

from __future__ import annotations

import errno
import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from time import process_time
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from mtcs.data.task import Split, Task, fingerprint, read_task, write_task
from mtcs.evaluation.results import read_result, write_result
from mtcs.layout import Layout, Run
from mtcs.reports import tables
from mtcs.reports.analysis.contents import analyze
from mtcs.reports.page import write_report
from mtcs.reports.template import breakable, stacked

TASKS = ("Lightning2", "Lightning7", "Chinatown", "Computers")
RARE = {"balanced_accuracy": 0.5, "majority": 0.7, "never_predicted": ("c",), "test_in_train": 3}
WRONG = {"wrong": {"a": {"b": (3, 98), "c": (17,)}}}
METHODS = ("mtcs", "mtl", "ts2vec_joint", "tnc", "dtw")


def make(result, layout: Layout, tasks=TASKS, methods=METHODS, seeds=2, **fields) -> None:
    for m, method in enumerate(methods):
        for seed in range(seeds):
            accuracies = {task: 0.5 + (7 * m + 13 * t + 3 * seed) % 40 / 100 for t, task in enumerate(tasks)}
            made = result(method, seed, accuracies, **fields)
            write_result(Run("tiny", method, seed, layout).result, made)


@pytest.fixture(scope="session")
def report(experiment) -> Callable[..., pd.DataFrame]:
    """Write a report of results that `make` has made."""

    def write(layout: Layout, tasks=TASKS, methods=METHODS, seeds=2, export=None, **options) -> pd.DataFrame:
        made = analyze(layout, experiment(METHODS, tasks, seeds), "tiny", methods, **options)
        write_report(made, layout.report("tiny"), export)
        return tables.methods(made)

    return write


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, result, report) -> Path:
    """The folder of a report of all kinds of methods."""
    layout = Layout(tmp_path_factory.mktemp("finished"))
    make(result, layout, **RARE, **WRONG)
    report(layout)
    return layout.report("tiny")


class Page(HTMLParser):
    """Checks that elements close in order; collects ids and what is referred to."""

    VOID = frozenset({"meta", "br", "wbr", "link", "img", "hr", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.references: list[str] = []
        self.tags: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids[value or ""] += 1
            if name in {"href", "xlink:href", "src"}:
                self.references.append(value or "")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parse(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text("utf-8"))
    page.close()
    assert page.open == []
    return page


def test_a_report_has_these_files(finished: Path) -> None:
    figures = ["overview", "critical-difference", "accuracy", "accuracy-by-method", "figure-2", "figure-2-centered"]
    figures += ["labels-mtcs", "cost"]
    files = {f"{name}.svg" for name in figures}
    files |= {"accuracy.csv", "accuracy.md", "summary.json", "p-values.csv", "ablation.md", "cost.md", "separation.csv"}
    files |= {"hard-series.csv"}
    files |= {"report.html"}
    for method in ("mtcs", "mtl", "ts2vec_joint"):
        files |= {f"affinity-{method}.csv", f"affinity-{method}-centered.csv"}
    files |= {"label-affinity-mtcs.csv", "label-affinity-mtl.csv"}
    assert {path.name for path in finished.iterdir()} == files


def test_the_same_results_make_the_same_files(finished: Path, layout: Layout, result, report) -> None:
    make(result, layout, **RARE, **WRONG)
    report(layout)
    first, second = ({p.name: p.read_bytes() for p in folder.iterdir()} for folder in (finished, layout.report("tiny")))
    assert first == second


def test_the_page_stands_alone(finished: Path) -> None:
    path = finished / "report.html"
    page = parse(path)
    text = path.read_text("utf-8")
    assert max(page.ids.values()) == 1
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == 0
    for reference in page.references:
        if reference.startswith("#"):
            assert reference[1:] in page.ids
        elif not reference.startswith(("data:image/png;base64,", "../../docs/")):
            assert reference in {file.name for file in path.parent.iterdir()}
    assert not re.search(r"@import|url\((?!#)", text)
    assert '<td class="best"' in text
    assert "prefers-color-scheme: dark" in text and 'name="viewport"' in text
    assert len(text) < 1_000_000


def test_the_page_begins_with_the_result_and_its_figure(finished: Path) -> None:
    text = (finished / "report.html").read_text()
    header = text[text.index("<header>") : text.index("</header>")]
    assert "cannot be told apart" in header or "is ahead of" in header or "is behind" in header
    assert "Mean accuracy by method" in header
    assert header.index("lead") < header.index("<figure") < header.index("<table")


@pytest.mark.parametrize(
    "expected",
    [
        "mtcs 0.1.0, torch 2.13.0",
        "cpu: Intel Xeon, 2 threads",
        "4 min 52 s",
        "637,120",
        "0123456789",
        "P values of all pairs",
        "Rare labels: balanced accuracy",
        "most frequent label",
        "test series also in training",
        "Framed are the pairs that the paper calls related",
        "The loss still falls when training ends",
        "Which series are hard",
        "3 of 100",
        "draws them where the data are at hand",
    ],
)
def test_the_page_says(finished: Path, expected: str) -> None:
    assert expected in (finished / "report.html").read_text()


def test_the_matrix_of_p_values_is_that_of_the_tables(finished: Path) -> None:
    frame = pd.read_csv(finished / "p-values.csv", index_col=0)
    assert list(frame.index) == list(frame.columns) == list(METHODS)
    assert (frame.to_numpy() == frame.to_numpy().T)[~frame.isna().to_numpy()].all()


def test_series_are_drawn_only_when_that_is_asked_for(layout: Layout, result, report) -> None:
    labels = np.arange(100) % 3
    split = Split(np.sin(np.outer(1 + labels, np.linspace(0, 6, 50))).astype(np.float32), labels)
    for task in TASKS:
        write_task(layout.normalized("tiny", task), Task(task, split, split, ("a", "b", "c")))
    make(result, layout, **WRONG)
    known = {task: fingerprint(read_task(layout.normalized("tiny", task))) for task in TASKS}
    for run in (Run("tiny", method, seed, layout) for method in METHODS for seed in (0, 1)):
        made = read_result(run.result, run.suite, run.method, run.seed)
        tasks = tuple(one.model_copy(update={"fingerprint": known[one.task]}) for one in made.tasks)
        write_result(run.result, made.model_copy(update={"tasks": tasks}))
    for series in (False, True):
        report(layout, series=series)
        text = (layout.report("tiny") / "report.html").read_text()
        assert text.count('<svg class="series"') == (12 if series else 0)
        assert ("Lightning2 3" in text) == series
    parse(layout.report("tiny") / "report.html")


def test_names_are_escaped_everywhere(layout: Layout, result, report) -> None:
    tasks = ("<script>alert(1)<", "$x_1$ & #000001", "c")
    make(result, layout, tasks)
    report(layout, tasks)
    folder = layout.report("tiny")
    page = parse(folder / "report.html")
    assert page.tags["script"] == 0
    text = (folder / "report.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;" in text
    assert "$x_1$ &amp; #000001" in text
    for path in folder.glob("*.svg"):
        ElementTree.fromstring(path.read_text())


def test_a_report_needs_only_accuracies(layout: Layout, result, report) -> None:
    make(result, layout, methods=("mtcs", "mtl"), bare=True)
    report(layout, methods=("mtcs", "mtl"))
    names = {path.name for path in layout.report("tiny").iterdir()}
    figures = {"overview.svg", "accuracy.svg", "accuracy-by-method.svg"}
    assert (
        names == {"ablation.md", "accuracy.csv", "accuracy.md", "p-values.csv", "report.html", "summary.json"} | figures
    )
    parse(layout.report("tiny") / "report.html")


def test_a_report_of_one_task_and_one_method(layout: Layout, result, report) -> None:
    make(result, layout, ("A",), ("dtw",), seeds=1)
    table = report(layout, ("A",), ("dtw",), seeds=1)
    assert table.loc["DTW", "accuracy"] == "0.500"
    assert "MTCS is not in" not in (layout.report("tiny") / "accuracy.md").read_text()
    parse(layout.report("tiny") / "report.html")


def test_another_reference(layout: Layout, result, report) -> None:
    make(result, layout)
    table = report(layout, reference="tnc")
    assert table.loc["TNC", "p"] == "–"  # noqa: RUF001
    assert "with TNC" not in (layout.report("tiny") / "accuracy.md").read_text()
    assert "ahead of TNC, equal and behind" in (layout.report("tiny") / "accuracy.md").read_text()


def test_a_report_by_hand_leaves_nothing_of_the_one_before(layout: Layout, result, report) -> None:
    make(result, layout)
    report(layout)
    folder = layout.report("tiny")
    (folder / "notes.md").write_text("the user's")
    (folder / "similarity-mtl.svg").write_text("an earlier version's")
    report(layout, methods=("mtcs",))
    left = {path.name for path in folder.iterdir()}
    assert not [name for name in left if "mtl" in name]
    assert {"notes.md", "affinity-mtcs.csv", "report.html", "summary.json"} <= left


def test_a_report_on_a_full_disk_is_replaced_whole_or_not_at_all(layout: Layout, result, monkeypatch, report) -> None:
    make(result, layout)
    report(layout)
    folder = layout.report("tiny")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    count, write_text = iter(range(100)), Path.write_text

    def full(self: Path, *arguments, **options) -> int:
        if next(count) == 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(self, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        report(layout, methods=("mtcs", "mtl"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_a_report_with_a_folder_in_the_place_of_a_file_stays_as_it_is(layout: Layout, result, report) -> None:
    make(result, layout)
    report(layout)
    (layout.report("tiny") / "summary.json").unlink()
    (layout.report("tiny") / "summary.json").mkdir()
    before = {path.name: path.read_bytes() for path in layout.report("tiny").iterdir() if path.is_file()}
    make(result, layout, seeds=1)
    with pytest.raises(IsADirectoryError, match=r"summary\.json"):
        report(layout, seeds=1)
    assert before == {path.name: path.read_bytes() for path in layout.report("tiny").iterdir() if path.is_file()}
    assert [path.name for path in layout.report("tiny").parent.iterdir()] == ["tiny"]


def test_tables_and_figures_are_exported(layout: Layout, result, tmp_path: Path, report) -> None:
    make(result, layout)
    report(layout, export=tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    for table in ("methods", "accuracy", "p-values", "cost", "paper"):
        assert {f"{table}.csv", f"{table}.tex"} <= names
    for figure in ("overview", "accuracy", "critical-difference", "figure-2"):
        assert {f"{figure}.svg", f"{figure}.pdf"} <= names
    assert r"\textbf{" in (tmp_path / "out" / "methods.tex").read_text()


def test_the_summary_is_the_metric(finished: Path) -> None:
    summary = json.loads((finished / "summary.json").read_text())
    assert list(summary) == list(METHODS)


def test_names_break_and_deviations_stand_below() -> None:
    assert breakable("vibration_of_pump-7") == "vibration_<wbr>of_<wbr>pump-<wbr>7"
    assert breakable("FordA") == "FordA"
    assert breakable("EOGVerticalSignal") == "EOGVertical<wbr>Signal"
    assert stacked("0.5 ± 0.1") == "0.5<small>± 0.1</small>"
    assert stacked("<i>") == "&lt;i&gt;"


@pytest.mark.slow
def test_a_hundred_tasks_take_less_than_twenty_seconds(layout: Layout, result, report) -> None:
    tasks = [f"Task{t:03}" for t in range(100)]
    make(result, layout, tasks)
    start = process_time()
    report(layout, tasks)
    assert process_time() - start < 20
    assert (layout.report("tiny") / "report.html").stat().st_size < 3_000_000
