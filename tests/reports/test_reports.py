"""The report of a suite, from synthetic results that look like what the stages leave."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from itertools import combinations, product
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mtcs.config.parameters import parameter_table
from mtcs.data.task import Split, Task, read_task, write_task
from mtcs.errors import InputError
from mtcs.evaluation.cost import MethodCost, SuiteCosts, write_costs
from mtcs.evaluation.measure import label_affinity, measure
from mtcs.evaluation.representations import read_representations
from mtcs.evaluation.results import RepresentationRecord, RunResult, read_result, write_result
from mtcs.layout import Layout, Run, atomic_write
from mtcs.reports import numbers, text, words
from mtcs.reports import page as page_module
from mtcs.reports.analysis import ablation, accuracy, affinity, cost, separation, significance
from mtcs.reports.analysis.runs import data_table, read_runs
from mtcs.reports.figures import accuracy as accuracy_figures
from mtcs.reports.figures import curves, drawing, maps
from mtcs.reports.page import breakable, run_table, write_report
from mtcs.similarity import covariance_similarity

WIDTH = 16

MINUS = "\N{MINUS SIGN}"

TASKS = {"Crop": 24, "ElectricDevices": 7, "TwoPatterns": 4, "FordA": 2}
"""Tasks of the paper's Table 1 with their numbers of classes."""

PARAMETERS = {
    "mtcs": {"kind": "multitask", "alpha": 0.1, "schedule": {"epochs": 5, "batch": 32}},
    "mtl": {"kind": "multitask", "alpha": 0.0, "schedule": {"epochs": 5, "batch": 32}},
}


def make_results(
    layout: Layout,
    suite: str = "tiny",
    tasks: Mapping[str, int] = TASKS,
    methods: Sequence[str] = ("mtcs", "mtl"),
    seeds: Sequence[int] = (0, 1, 2),
    heads: bool = True,
    joint: bool = True,
    series: int = 40,
    steps: int = 200,
) -> None:
    """Write tasks, representations, predictions, curves, records and costs as the stages do."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=WIDTH)
    for t, (task, n_classes) in enumerate(tasks.items()):
        labels = {part: rng.integers(n_classes, size=series).astype(np.int64) for part in ("train", "test")}
        splits = [Split(rng.normal(size=(series, 8)).astype(np.float32), labels[part]) for part in ("train", "test")]
        classes = tuple(str(c + 1) for c in range(n_classes))
        write_task(layout.normalized(suite, task), Task(task, *splits, classes))
        centres = rng.normal(size=(n_classes, WIDTH)) + 2 * common + (t % 3) * rng.normal(size=WIDTH)
        for m, method in enumerate(methods):
            for seed in seeds:
                noise = 1.2 + 0.1 * m + 0.05 * (t % 4)
                parts = {
                    part: (centres[index] + noise * rng.normal(size=(series, WIDTH))).astype(np.float32)
                    for part, index in labels.items()
                }
                if heads:
                    parts["head"] = (centres - centres.mean(0)).astype(np.float32)
                with (
                    atomic_write(Run(suite, method, seed, layout).representation(task)) as path,
                    path.open("wb") as file,
                ):
                    np.savez(file, **parts)
                distance = np.linalg.norm(parts["test"][:, None] - centres, axis=2)
                predicted = distance.argmin(1)
                frame = pd.DataFrame({"label": labels["test"] + 1, "predicted": predicted + 1})
                write_text(Run(suite, method, seed, layout).prediction(task), frame.to_csv(index=False))
    for m, method in enumerate(methods):
        for seed in seeds:
            curves = make_curves(rng, list(tasks), steps, shares=method == "mtcs", level=1 + 0.2 * m)
            for task in (None,) if joint else tasks:
                rows = curves if task is None else curves[curves["task"] == task]
                write_text(Run(suite, method, seed, layout).curves(task), rows.to_csv(index=False))
                record = make_record(suite, method, task, seed, steps)
                write_text(Run(suite, method, seed, layout).record(task), json.dumps(record))
            made = {"series": 2 * series * len(tasks), "seconds": 4.0, "device": record["device"], "precision": "bf16"}
            write_text(Run(suite, method, seed, layout).representation_cost, json.dumps(made))


def make_curves(rng: np.random.Generator, tasks: Sequence[str], steps: int, shares: bool, level: float) -> pd.DataFrame:
    step = np.arange(steps)
    which = rng.integers(len(tasks), size=steps)
    fall = np.exp(-3 * step / steps)
    return pd.DataFrame(
        {
            "step": step,
            "epoch": step * 5 // steps,
            "task": np.array(tasks)[which],
            "loss": level * (0.3 + which / len(tasks)) * fall * rng.gamma(8, 1 / 8, size=steps),
            "sharing_loss": 0.02 * fall + 0.004 * rng.random(steps) if shares else np.nan,
            "relevant_share": 0.1 + 0.08 * (1 - fall) + 0.02 * rng.random(steps) if shares else np.nan,
            "learning_rate": 0.001,
            "series_per_second": 900 + 80 * rng.random(steps),
        }
    )


def make_record(suite: str, method: str, task: str | None, seed: int, steps: int) -> dict[str, object]:
    return {
        "method": method,
        "suite": suite,
        "task": task,
        "seed": seed,
        "device": "cpu: Intel Xeon, 2 threads",
        "precision": "bf16",
        "seconds": 291.7 + seed,
        "steps": steps,
        "series_per_second": 611.4,
        "peak_memory_mb": 1432.0,
        "parameters": 637120,
        "versions": {"mtcs": "0.1.0", "torch": "2.13.0", "numpy": "2.3.5", "python": "3.11.2"},
        "commit": "0123456789abcdef",
    }


def write_text(path: Path, text: str) -> None:
    with atomic_write(path) as part:
        part.write_text(text)


UCR12 = (
    *("Crop", "ElectricDevices", "Wafer", "TwoPatterns", "ECG5000", "FordA", "FordB", "ChlorineConcentration"),
    *(f"UWaveGestureLibrary{axis}" for axis in ("All", "X", "Y", "Z")),
)


def report(layout: Layout, **changes: object) -> pd.DataFrame:
    """Measure every whole run there is and write the report of them."""
    arguments = {
        "suite": "tiny",
        "tasks": list(TASKS),
        "methods": ["mtcs", "mtl"],
        "seeds": [0, 1, 2],
        "parameters": PARAMETERS,
        **changes,
    }
    names = [*arguments["methods"], *arguments.get("ablation", ())]
    if not isinstance(arguments["seeds"], Mapping):
        arguments["seeds"] = dict.fromkeys(names, arguments["seeds"])
    suite, tasks = arguments["suite"], arguments["tasks"]
    for method in names:
        for seed in arguments["seeds"][method]:
            if all(Run(suite, method, seed, layout).prediction(task).exists() for task in tasks):
                values = arguments["parameters"].get(method, {})
                joint = Run(suite, method, seed, layout).curves().exists()
                found = measure(layout, suite, method, seed, tasks, values, joint)
                write_result(Run(suite, method, seed, layout).result, found)
    return write_report(layout, **arguments)


def results_of(
    layout: Layout, method: str, seeds: Sequence[int], tasks: Sequence[str] = tuple(TASKS)
) -> list[RunResult]:
    return [
        measure(layout, "tiny", method, seed, tasks, {}, Run("tiny", method, seed, layout).curves().exists())
        for seed in seeds
    ]


def report_of_results(layout: Layout, **changes: object) -> pd.DataFrame:
    """The report of the results there are, without measuring again."""
    methods, seeds = changes.get("methods", ["mtcs", "mtl"]), changes.get("seeds", [0, 1, 2])
    parameters = changes.get("parameters", PARAMETERS)
    return write_report(layout, "tiny", list(TASKS), methods, dict.fromkeys(methods, seeds), parameters)


def forget(layout: Layout, method: str, seed: int, *fields: str) -> None:
    """Take something out of a result."""
    path = Run("tiny", method, seed, layout).result
    result = read_result(path, "tiny", method, seed)
    empty = {name: () if isinstance(getattr(result, name), tuple) else None for name in fields}
    write_result(path, result.model_copy(update=empty))


def long_form(cells: Mapping[tuple[str, str], Sequence[float]]) -> pd.DataFrame:
    """Accuracies over seeds 0, 1, ... by (method, task)."""
    rows = [
        ("tiny", method, seed, task, 100, value, float("nan"))
        for (method, task), values in cells.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=accuracy.COLUMNS)


def tabulate(cells: Mapping[tuple[str, str], Sequence[float]], seeds: int = 2) -> accuracy.Table:
    tasks = list(dict.fromkeys(task for _, task in cells))
    methods = list(dict.fromkeys(method for method, _ in cells))
    asked = dict.fromkeys(methods, range(seeds))
    return accuracy.tabulate(long_form(cells), tasks, methods, asked, accuracy.published(tasks))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    make_results(made)
    return made


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A whole report, for tests that only look at it."""
    made = Layout(tmp_path_factory.mktemp("finished"))
    make_results(made)
    report(made)
    return made


# Accuracy


def test_accuracy_csv_has_a_row_for_each_task_and_run(finished: Layout) -> None:
    frame = pd.read_csv(finished.report("tiny") / "accuracy.csv")
    assert list(frame.columns) == ["suite", "method", "seed", "task", "n_test", "accuracy", "head_accuracy"]
    assert len(frame) == len(TASKS) * 2 * 3
    for row in frame.to_dict("records"):
        lines = Run("tiny", row["method"], row["seed"], finished).prediction(row["task"]).read_text().split()[1:]
        right = [line.split(",")[0] == line.split(",")[1] for line in lines]
        assert (row["n_test"], row["accuracy"]) == (40, pytest.approx(sum(right) / len(right)))
        with np.load(Run("tiny", row["method"], row["seed"], finished).representation(row["task"])) as arrays:
            chosen = [int(np.argmax([x @ w for w in arrays["head"]])) for x in arrays["test"]]
        answers = [int(line.split(",")[0]) - 1 for line in lines]
        assert row["head_accuracy"] == pytest.approx(np.mean([a == b for a, b in zip(chosen, answers, strict=True)]))


def test_labels_are_compared_as_text(layout: Layout) -> None:
    path = Run("tiny", "mtcs", 0, layout).prediction("FordA")
    write_text(path, "label,predicted\n" + "1,1.0\n" * 10 + "NA,NA\n" * 10 + "-1,-1\n" * 20)
    frame = accuracy.long_form(results_of(layout, "mtcs", [0], ["FordA"]))
    assert frame["accuracy"].tolist() == [0.75]


def test_head_accuracy_is_empty_without_heads(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    make_results(layout, heads=False, methods=["mtcs"])
    report(layout, methods=["mtcs"])
    lines = (layout.report("tiny") / "accuracy.csv").read_text().splitlines()
    assert lines[1].endswith(",")
    assert "head_accuracy" not in json.loads((layout.report("tiny") / "summary.json").read_text())["mtcs"]
    assert not list(layout.report("tiny").glob("label-affinity*"))
    assert "heads alone" not in (layout.report("tiny") / "report.html").read_text()


def test_without_any_result_the_way_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^tiny has no results of mtcs, mtl; run 'mtcs measure mtcs tiny --seed 0'\.$"
    ):
        report(Layout(tmp_path))


def test_a_report_is_made_from_the_seeds_there_are(layout: Layout) -> None:
    Run("tiny", "mtl", 2, layout).prediction("FordA").unlink()
    assert report(layout)["seeds"].to_dict() == {"MTCS": "3", "MTL": "2"}
    shutil.rmtree(layout.root / "data")  # only results are needed
    assert report(layout)["seeds"].to_dict() == {"MTCS": "3", "MTL": "2"}
    written = (layout.report("tiny") / "accuracy.md").read_text()
    row = next(line for line in written.splitlines() if line.startswith("| FordA"))
    assert [cell.strip().endswith("(2)") for cell in row.split("|")[2:4]] == [False, True]
    assert "only so many seeds stand behind a cell" in written


def test_means_and_ranks_are_over_the_tasks_that_every_method_has() -> None:
    table = tabulate({("mtcs", "A"): [0.5, 0.7], ("mtcs", "B"): [0.9, 0.9], ("mtl", "A"): [0.8, 0.8]})
    assert table.common == ("A",)
    assert table.mean["mtcs"].mean == pytest.approx(0.6)
    assert table.rank == {"mtcs": 2, "mtl": 1}
    assert text.task_table(table).loc["B", "MTL"] == numbers.DASH
    assert "Means and ranks are over the 1 tasks of 2 that every method has." in words.caveats(table)


def test_a_method_without_predictions_is_named(layout: Layout) -> None:
    report(layout, tasks=["Crop", "FordA"], methods=["mtcs", "dtw"])
    assert "Without any prediction: DTW." in (layout.report("tiny") / "accuracy.md").read_text()


def test_mean_and_standard_deviation_over_seeds() -> None:
    table = tabulate({("mtcs", "A"): [0.5, 0.7, 0.9], ("mtcs", "B"): [0.4, 0.4, 0.7]}, seeds=3)
    cell = table.rows[0].cells["mtcs"]
    assert (cell.mean, cell.std, cell.seeds) == (pytest.approx(0.7), pytest.approx(0.2), 3)
    assert table.mean["mtcs"].mean == pytest.approx(0.6)
    assert table.mean["mtcs"].std == pytest.approx(np.std([0.45, 0.55, 0.8], ddof=1))
    one = tabulate({("mtcs", "A"): [0.5]}, seeds=1)
    assert text.task_table(one).loc["A", "MTCS"] == "0.500"
    assert "accuracy_std" not in accuracy.summary(one, [])["mtcs"]
    assert words.caveats(one) == ["One seed: the spread over seeds is unknown."]


def test_best_and_rank_share_ties() -> None:
    table = tabulate({("mtcs", "A"): [0.3, 0.9], ("mtl", "A"): [0.6, 0.6], ("dtw", "A"): [0.1, 0.1]})
    assert [cell.best for cell in table.rows[0].cells.values()] == [True, True, False]
    assert table.rank == {"mtcs": 1.5, "mtl": 1.5, "dtw": 3}
    alone = tabulate({("mtcs", "A"): [0.3, 0.9]})
    assert not alone.rows[0].cells["mtcs"].best


def test_the_paper_is_compared_over_the_same_tasks() -> None:
    cells = {(method, task): [0.861, 0.863] for method in ("mtcs", "mtl") for task in UCR12}
    table = tabulate(cells)
    assert numbers.number(table.mean["mtcs"].published) == "0.862"
    assert numbers.number(table.mean["mtl"].published) == "0.855"
    assert words.distance(table).startswith("Over the same 12 tasks, MTCS averages 0.862 where the paper has 0.862 (")
    assert "within one standard deviation over seeds" in words.distance(table)
    assert "Sharing moves the mean by 0.000 (+0.007 in the paper): MTCS is ahead of MTL on 0 of 12" in (
        words.sharing_gain(table, significance.compare(table.scores))
    )
    more = tabulate({**cells, ("mtcs", "Mine"): [0.1, 0.1], ("mtl", "Mine"): [0.1, 0.1]})
    assert more.mean["mtcs"].published == table.mean["mtcs"].published
    assert more.mean["mtcs"].difference == pytest.approx(table.mean["mtcs"].difference)
    assert more.mean["mtcs"].mean < 0.81
    assert "over the tasks it reports: 12 for MTCS, 12 for MTL." in words.caveats(more)[-1]


def test_the_second_table_of_the_paper_is_known() -> None:
    assert accuracy.published(["HouseTwenty"])["accuracy"].tolist() == [0.933, 0.916, 0.916]


def test_doubtful_cells_are_marked_and_explained() -> None:
    methods = ("tnc", "ts_tcc", "tst", "dtw", "mtcs")
    table = tabulate({(m, t): [0.9, 0.9] for m in methods for t in ("TwoPatterns", "UWaveGestureLibraryZ", "Crop")})
    assert len(words.doubts(table)) == 7 + 2
    lines = text.accuracy_markdown(table, significance.compare(table.scores))
    assert lines.count("0.905†") == 1
    assert "- TwoPatterns, DTW: 0.905 is mis-copied: value of TwoLeadECG; other publications give 1.000." in lines
    assert "- TwoPatterns, TST: 0.871 is probably mis-copied: value of TwoLeadECG.\n" in lines
    assert lines.count("†") == 7 + 1


def test_tasks_of_a_user_have_no_published_columns() -> None:
    table = tabulate({("mtcs", "Mine"): [0.5, 0.6], ("mtl", "Mine"): [0.5, 0.5]})
    assert text.paper_table(table).empty
    assert "paper" not in text.method_table(table, significance.compare(table.scores))
    assert "paper's" not in text.accuracy_markdown(table, significance.compare(table.scores))
    assert words.distance(table) == (
        "The paper reports no accuracy for these tasks, so nothing here is measured against it."
    )


def test_markdown_keeps_its_columns_when_a_name_holds_a_bar() -> None:
    table = tabulate({("mtcs", "a|b"): [0.5, 0.6], ("mtl", "a|b"): [0.5, 0.5]})
    assert r"| a\|b | **0.550 ± 0.071** | 0.500 ± 0.000 |" in text.accuracy_markdown(table, []).splitlines()


def test_summary_is_the_metric_by_method(finished: Layout) -> None:
    summary = json.loads((finished.report("tiny") / "summary.json").read_text())
    frame = pd.read_csv(finished.report("tiny") / "accuracy.csv")
    assert list(summary) == ["mtcs", "mtl"]
    for method, values in summary.items():
        against = ["wins", "ties", "losses"] if method == "mtl" else []
        assert list(values) == ["accuracy", "accuracy_std", "rank", "head_accuracy", "seeds", *against]
        ours = frame[frame["method"] == method]
        by_seed = ours.groupby("seed")["accuracy"].mean()
        assert values["accuracy"] == pytest.approx(by_seed.mean(), abs=1e-6)
        assert values["accuracy_std"] == pytest.approx(by_seed.std(), abs=1e-6)
        assert values["head_accuracy"] == pytest.approx(ours["head_accuracy"].mean(), abs=1e-6)
    assert summary["mtcs"]["rank"] + summary["mtl"]["rank"] == pytest.approx(3)


# Affinity


def test_task_similarity_is_the_mean_over_seeds_of_the_training_series(finished: Layout) -> None:
    for name, centered in (("affinity-mtl.csv", False), ("affinity-mtl-centred.csv", True)):
        frame = pd.read_csv(finished.report("tiny") / name, index_col=0)
        assert list(frame.index) == list(frame.columns) == list(TASKS)
        values = []
        for seed in (0, 1, 2):
            a, b = (
                read_representations(Run("tiny", "mtl", seed, finished).representation(task)).train
                for task in ("Crop", "FordA")
            )
            values.append(covariance_similarity(a, b, centered))
        assert frame.loc["Crop", "FordA"] == pytest.approx(np.mean(values), abs=1e-6)
        assert frame.loc["FordA", "Crop"] == frame.loc["Crop", "FordA"]


def test_label_affinity_equals_equation_4_written_out() -> None:
    rng = np.random.default_rng(3)
    counts = {"a": 2, "b": 4, "c": 3}
    series = {task: rng.normal(size=(5 + n, 6)).astype(np.float32) for task, n in counts.items()}
    heads = {task: rng.normal(size=(n, 6)).astype(np.float32) for task, n in counts.items()}
    affinities = label_affinity(series, heads)

    def softmax(logits: np.ndarray) -> np.ndarray:
        return np.exp(logits) / np.exp(logits).sum()

    starts = {"a": 0, "b": 2, "c": 6}
    for k in counts:
        for j in counts:
            expected = np.zeros((counts[k], counts[j]))
            for task in (k, j):
                for x in series[task]:
                    expected += np.outer(softmax(heads[k] @ x), softmax(heads[j] @ x)) / len(series[task]) / 2
            block = affinities[starts[k] : starts[k] + counts[k], starts[j] : starts[j] + counts[j]]
            assert block == pytest.approx(expected, rel=1e-5)
            assert block.sum() == pytest.approx(1)


def test_relevant_pairs_equal_equation_5_written_out() -> None:
    rng = np.random.default_rng(5)
    affinities = rng.random((6, 6)) ** 4
    affinities = affinities + affinities.T
    blocks = {"a": slice(0, 2), "b": slice(2, 6)}
    for rows in blocks.values():
        for columns in blocks.values():
            affinities[rows, columns] /= affinities[rows, columns].sum()
    labels = affinity.LabelAffinity(affinities, tuple("aabbbb"), ("1", "2", "x", "y", "z", "1"))
    expected = {}
    block = affinities[0:2, 2:6]
    for p in range(2):
        for q in range(4):
            if (relevance := 2 * 4 * block[p, q] / block.sum()) > 2:
                expected["12"[p], "xyz1"[q]] = relevance
    pairs = labels.pairs()
    assert list(pairs.columns) == ["task_k", "label_k", "task_j", "label_j", "affinity", "relevance"]
    assert {(row["label_k"], row["label_j"]): row["relevance"] for row in pairs.to_dict("records")} == (
        pytest.approx(expected)
    )
    assert expected
    assert set(pairs["task_k"]) == {"a"}
    assert pairs["relevance"].is_monotonic_decreasing


def test_the_strongest_pairs_are_listed_and_the_cap_is_said(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "STRONGEST", 17)
    report(layout, seeds=[0], methods=["mtcs"])
    pairs = pd.read_csv(layout.report("tiny") / "label-affinity-mtcs.csv", dtype={"label_k": str, "label_j": str})
    assert len(pairs) == 17
    assert (pairs["relevance"] > affinity.THRESHOLD).all()
    assert (pairs["task_k"] != pairs["task_j"]).all()
    assert "the 17 strongest are in" in (layout.report("tiny") / "report.html").read_text()


def test_models_of_single_tasks_have_no_affinity(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    make_results(layout, joint=False, methods=["mtcs"])
    report(layout, methods=["mtcs"])
    names = {path.name for path in layout.report("tiny").iterdir()}
    assert not any("affinity" in name or "similarity" in name for name in names)
    assert "training.svg" in names
    page = (layout.report("tiny") / "report.html").read_text()
    assert "19 min 27 s" in page  # four tasks of 291.7 s each
    assert "Which tasks are alike" not in page


def test_similarity_is_of_the_runs_that_have_it(layout: Layout) -> None:
    report(layout, methods=["mtcs"])
    forget(layout, "mtcs", 1, "similarity", "centred", "label_affinity")
    report_of_results(layout, methods=["mtcs"])
    assert "2 of 3 seeds" in (layout.report("tiny") / "report.html").read_text()
    results = [read_result(Run("tiny", "mtcs", seed, layout).result, "tiny", "mtcs", seed) for seed in (0, 1, 2)]
    found = affinity.gather(results)
    assert found is not None
    assert found.seeds == (0, 2)
    assert affinity.gather(results[1:2]) is None


# Figures and page


def test_the_same_results_make_the_same_files(finished: Layout, layout: Layout) -> None:
    report(layout)
    first, second = ({p.name: p.read_bytes() for p in made.report("tiny").iterdir()} for made in (finished, layout))
    assert first == second
    whole = {
        "accuracy.csv",
        "ablation.md",
        "accuracy.md",
        "accuracy.svg",
        "cost.md",
        "summary.json",
        "training.svg",
        "sharing.svg",
        "report.html",
    }
    for method in ("mtcs", "mtl"):
        whole |= {f"affinity-{method}.csv", f"affinity-{method}-centred.csv", f"label-affinity-{method}.csv"}
        whole |= {f"similarity-{method}.svg", f"similarity-{method}-centred.svg", f"label-affinity-{method}.svg"}
    assert set(first) == whole


def test_figures_are_small_titled_and_free_of_placeholders(finished: Layout) -> None:
    for path in finished.report("tiny").glob("*.svg"):
        text = path.read_text()
        root = ElementTree.fromstring(text)
        title, description = list(root)[:2]
        assert (title.tag.split("}")[1], description.tag.split("}")[1]) == ("title", "desc")
        assert title.text and description.text
        assert root.attrib["role"] == "img"
        assert len(text) < 300_000
        assert not any(placeholder in text for placeholder in drawing.THEME)
        assert "var(--" not in text
        assert "<dc:date>" not in text


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


def test_the_page_stands_alone(finished: Layout) -> None:
    path = finished.report("tiny") / "report.html"
    page = parse(path)
    text = path.read_text("utf-8")
    assert max(page.ids.values()) == 1
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == 0
    assert page.tags["svg"] == 2 + 2 * 3 + 1
    for reference in page.references:
        if reference.startswith("#"):
            assert reference[1:] in page.ids
        elif not reference.startswith("data:image/png;base64,"):
            assert reference in {file.name for file in path.parent.iterdir()}
    assert not re.search(r"@import|url\((?!#)", text)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert not any(placeholder in text for placeholder in drawing.THEME)
    assert len(text) < 1_500_000


def test_the_page_says_how_it_was_made(finished: Layout) -> None:
    text = (finished.report("tiny") / "report.html").read_text()
    for expected in (
        "mtcs 0.1.0, torch 2.13.0, numpy 2.3.5, python 3.11.2",
        "cpu: Intel Xeon, 2 threads",
        "bf16",
        "4 min 52 s",
        "637,120",
        "0123456789",
        "schedule.epochs",
        "MTCS and MTL on tiny",
        "Beside other classifiers",
    ):
        assert expected in text


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    tasks = {"<script>alert(1)<": 2, "$x_1$ & #000001": 3}
    make_results(layout, tasks={name.replace("/", ""): n for name, n in tasks.items()})
    report(layout, tasks=list(tasks), parameters={"mtcs": {"note": "<i>"}})
    page = parse(layout.report("tiny") / "report.html")
    assert page.tags["script"] == page.tags["i"] == 0
    text = (layout.report("tiny") / "report.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;" in text
    assert "$x_1$ &amp; #000001" in text
    for path in layout.report("tiny").glob("*.svg"):
        ElementTree.fromstring(path.read_text())


def test_a_report_needs_only_accuracies(layout: Layout) -> None:
    report(layout)
    shutil.rmtree(layout.report("tiny"))
    for method, seed in product(("mtcs", "mtl"), (0, 1, 2)):
        forget(layout, method, seed, "trained", "represented", "similarity", "centred", "label_affinity", "curves")
    report_of_results(layout)
    names = {path.name for path in layout.report("tiny").iterdir()}
    assert names == {"ablation.md", "accuracy.csv", "accuracy.md", "accuracy.svg", "report.html", "summary.json"}
    parse(layout.report("tiny") / "report.html")


def test_runs_without_curves_are_named_where_curves_are_drawn(layout: Layout) -> None:
    report(layout)
    assert "alone are at hand" not in (layout.report("tiny") / "report.html").read_text()
    for seed in (1, 2):
        forget(layout, "mtl", seed, "similarity", "centred", "label_affinity", "curves")
    report_of_results(layout)
    said = "and they are not in what is drawn here: MTL, seeds 1, 2."
    assert (layout.report("tiny") / "report.html").read_text().count(said) == 2  # similarities and curves


def test_methods_without_sharing_draw_no_sharing(layout: Layout) -> None:
    report(layout, methods=["mtl"])
    assert not (layout.report("tiny") / "sharing.svg").exists()


def test_parameters_are_listed_by_dotted_name() -> None:
    assert parameter_table({"mtcs": {"a": {"b": 1, "c": [1, 2]}}, "mtl": {"a": {"b": None}}, "dtw": None}) == {
        "a.b": ["1", "None", ""],
        "a.c": ["1, 2", "", ""],
    }


def test_a_method_that_trains_nothing_has_no_schedule() -> None:
    schedule = {"steps": 0, "learning_rate": 1.0}
    assert parameter_table({"dtw": {"kind": "dtw", "schedule": schedule}}) == {"kind": ["dtw"]}
    assert "schedule.steps" in parameter_table({"tnc": {"schedule": {**schedule, "steps": 4}}})


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (292, "4 min 52 s"), (11220, "3 h 07 min")]
)
def test_durations_read_as_people_say_them(seconds: float, words: str) -> None:
    assert numbers.duration(seconds) == words


# Significance


def signs(differences: np.ndarray) -> float:
    """The two-sided signed-rank test written out: every assignment of signs to the ranks of the sizes."""
    known = differences[differences != 0]
    sizes = np.abs(known)
    ranks = np.array([(sizes < size).sum() + ((sizes == size).sum() + 1) / 2 for size in sizes])
    found = abs(ranks[known > 0].sum() - ranks.sum() / 2)
    sums = [abs(np.dot(signs, ranks) - ranks.sum() / 2) for signs in product((0, 1), repeat=len(ranks))]
    return float(np.mean([total >= found - 1e-9 for total in sums]))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_the_signed_rank_test_tries_every_sign(count: int, ties: bool) -> None:
    rng = np.random.default_rng(count)
    differences = rng.integers(-3, 6, size=count) / 100 if ties else rng.normal(0.3, 1, size=count)
    assert significance.signed_rank(differences) == pytest.approx(signs(differences))


def test_the_signed_rank_test_agrees_with_the_table_of_critical_values() -> None:
    """Of 10 differences, a smaller sum of ranks of 8 is significant at 0.05 two-sided and one of 9 is not."""
    for lost, expected in ((8, True), (9, False)):
        differences = np.arange(1.0, 11)
        differences[lost - 1] *= -1
        assert (significance.signed_rank(differences) <= 0.05) == expected
    assert significance.signed_rank(np.arange(1.0, 7)) == pytest.approx(2 / 2**6)
    assert significance.signed_rank(np.zeros(5)) == 1


def test_ties_of_fifteen_tasks_are_still_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        significance.stats, "wilcoxon", lambda _, method: asked.append(method) or SimpleNamespace(pvalue=0.5)
    )
    for count in (15, 16):
        significance.signed_rank(np.ones(count))
    assert asked[0].n_resamples == 2**15
    assert asked[1] == "auto"


def test_holm_steps_down() -> None:
    assert significance.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert significance.holm([0.5, 0.9]) == pytest.approx([1, 1])
    assert significance.holm([]) == []


def test_wins_ties_and_losses_are_counted_against_mtcs() -> None:
    cells = {
        ("mtcs", "A"): [0.5, 0.7],
        ("mtcs", "B"): [0.1 + 0.2, 0.3],  # 0.30000000000000004
        ("mtcs", "C"): [0.9, 0.9],
        ("dtw", "A"): [0.7],
        ("dtw", "B"): [0.3],
        ("dtw", "C"): [0.8],
    }
    table = tabulate(cells)
    (found,) = significance.compare(table.scores)
    assert (found.method, found.wins, found.ties, found.losses) == ("dtw", 1, 1, 1)
    assert found.difference == pytest.approx(0)
    assert text.method_table(table, [found]).loc["DTW", "wins/ties/losses"] == "1/1/1"
    assert significance.compare(table.scores.drop(columns="mtcs")) == []


def many(methods: Sequence[str], tasks: int, gap: float) -> accuracy.Table:
    """A table in which each method is `gap` below the one before on every task, by a little more on each."""
    rng = np.random.default_rng(1)
    base = rng.uniform(0.8, 0.9, size=tasks)
    return tabulate(
        {
            (method, f"T{t:02}"): [base[t] - i * (gap + 0.001 * t)] * 2
            for i, method in enumerate(methods)
            for t in range(tasks)
        }
    )


def test_too_few_tasks_give_no_verdict() -> None:
    table = many(["mtcs", "mtl", "tst"], 6, 0.02)
    comparisons = significance.compare(table.scores)
    assert [comparison.corrected for comparison in comparisons] == pytest.approx([0.0625, 0.0625])
    assert words.verdict(comparisons) == (
        "There are too few tasks to tell any method from MTCS: even one ahead on all of them would have p = 0.062 "
        "after Holm's correction for 2 comparisons."
    )
    alone = significance.compare(many(["mtcs", "mtl"], 6, 0.02).scores)
    assert words.verdict(alone) == "Over tasks, MTL is significantly worse than MTCS."


def test_a_verdict_on_few_differences_needs_the_other_methods() -> None:
    """Of six differences the least p is 0.031: too much as one of two alike, enough as the last of two."""
    scores = many(["mtcs", "mtl", "tst"], 12, 0.02).scores
    scores.loc[scores.index[6:], "tst"] = scores["mtcs"]
    mtl, tst = significance.compare(scores)
    assert (tst.wins, tst.ties, tst.losses) == (0, 6, 6)
    assert (tst.corrected, tst.least) == (pytest.approx(2 / 2**6), pytest.approx(2 / 2**6))
    assert (mtl.corrected, mtl.least) == (pytest.approx(2 * 2 / 2**12), pytest.approx(2 * 2 / 2**12))
    assert tst.decidable and tst.significant


def test_the_verdict_names_better_worse_and_undecided() -> None:
    scores = many(["mtcs", "mtl", "tst"], 12, 0.02).scores
    scores["dtw"] = 2 * scores["mtcs"] - scores["tst"]
    scores["tnc"] = scores["mtcs"] + np.where(np.arange(12) % 2, 0.01, -0.01) * np.arange(1, 13)
    scores["ts2vec"] = scores["mtcs"]
    scores.loc["T00", "ts2vec"] = 0.1
    assert words.verdict(significance.compare(scores.round(9))) == (
        "Over tasks, DTW is significantly better than MTCS. Over tasks, MTL and TST are significantly worse than MTCS. "
        "TNC and TS2Vec do not differ significantly from MTCS on these tasks. Too few of them differ for any verdict "
        "on TS2Vec."
    )


def test_better_and_worse_are_what_the_ranks_say_not_the_mean() -> None:
    scores = many(["mtcs", "mtl"], 12, 0.02).scores
    scores["mtl"] = scores["mtcs"] + np.arange(1, 13) / 1000
    scores.loc["T11", "mtl"] = scores.loc["T11", "mtcs"] - 0.2
    (mtl,) = significance.compare(scores)
    assert (mtl.wins, mtl.losses, mtl.direction) == (11, 1, 1)
    assert mtl.difference < 0
    assert words.verdict([mtl]) == "Over tasks, MTL is significantly better than MTCS."


def test_tasks_that_are_equal_give_no_verdict_for_another_reason_than_few_tasks() -> None:
    scores = many(["mtcs", "mtl"], 12, 0.02).scores
    scores.loc[scores.index[3:], "mtl"] = scores["mtcs"]
    assert words.verdict(significance.compare(scores)) == (
        "Too few of the tasks differ for a verdict on any method against MTCS."
    )


def test_the_critical_difference_diagram_shows_average_ranks() -> None:
    table = many(["tst", "mtcs", "dtw"], 12, 0.03)
    drawing = accuracy_figures.critical_difference(table.scores)
    assert drawing is not None
    assert "Average ranks: TST 1.00, MTCS 2.00, DTW 3.00." in drawing.description
    written = drawing.standalone()
    assert written.count("2.00") == 2  # in the description and at its line
    assert "#000000" not in written
    assert accuracy_figures.critical_difference(table.scores[["tst", "mtcs"]]) is None
    assert accuracy_figures.critical_difference(table.scores.assign(tst=0.5, mtcs=0.5, dtw=0.5)) is None
    twins = accuracy_figures.critical_difference(
        table.scores.assign(mtcs=table.scores["tst"])
    )  # aeon warns of equal columns
    assert twins is not None and "TST 1.50, MTCS 1.50" in twins.description


# Ten columns


TEN = ("mtcs", "mtl", "mmoe", "ts2vec", "ts2vec_joint", "t_loss", "tnc", "ts_tcc", "tst", "dtw")


def test_ten_columns_have_their_names_and_seeds() -> None:
    joint = ("mtcs", "mtl", "mmoe", "ts2vec_joint")
    cells = {(m, t): [0.8, 0.9] if m in joint else [0.85] for m in TEN for t in UCR12}
    asked = {method: range(2 if method in joint else 1) for method in TEN}
    table = accuracy.tabulate(long_form(cells), UCR12, TEN, asked, accuracy.published(UCR12))
    comparisons = significance.compare(table.scores)
    frame = text.method_table(table, comparisons)
    names = ["MTCS", "MTL", "MMoE", "TS2Vec", "TS2Vec joint", "T-Loss", "TNC", "TS-TCC", "TST", "DTW"]
    assert list(frame.index) == list(text.task_table(table).columns) == names
    assert frame["seeds"].tolist() == ["2", "2", "2", "1", "2", *["1"] * 5]
    assert frame.loc[["MMoE", "TS2Vec joint"], "paper"].tolist() == [numbers.DASH] * 2
    assert frame.loc[["TS2Vec", "T-Loss", "TNC", "TS-TCC", "TST", "DTW"], "paper"].tolist() == (
        ["0.849", "0.831", "0.821", "0.800", "0.640", "0.754"]
    )
    assert text.task_table(table).loc["Crop", ["MTCS", "DTW"]].tolist() == ["0.850 ± 0.071", "0.850"]
    assert text.paper_table(table).loc["TwoPatterns", "DTW"] == f"0.905† ({MINUS}0.055)"
    assert "MMoE" not in text.paper_table(table)
    assert words.caveats(table)[0] == (
        "Mean ± sample standard deviation over 2 seeds for MTCS, MTL, MMoE and TS2Vec joint; "
        "one seed, without a spread, for TS2Vec, T-Loss, TNC, TS-TCC, TST and DTW."
    )
    assert table.mean["dtw"].corrected == pytest.approx(0.754 - (0.892 - 0.658) / 12 + 0.095 / 12, abs=5e-4)
    assert any("DTW's mean in print would be 0.742" in sentence for sentence in words.doubts(table))
    assert words.heading(table) == "10 methods on tiny"
    assert words.distance(table).count(" averages ") == 2
    assert len({drawing.color(i) for i in range(10)}) == 10
    for look in (drawing.line, drawing.point):
        assert len({tuple(look(i).values()) for i in range(40)}) == 40


def test_what_the_paper_has_is_not_set_beside_a_mean_over_other_tasks() -> None:
    cells = {("mtcs", "Crop"): [0.70, 0.70], ("mtl", "Crop"): [0.75, 0.75]}
    whole = tabulate(cells)
    assert "(+0.001 in the paper)" in words.sharing_gain(whole, significance.compare(whole.scores))
    partly = tabulate({**cells, ("mtcs", "Mine"): [0.9, 0.9], ("mtl", "Mine"): [0.8, 0.8]})
    assert words.sharing_gain(partly, significance.compare(partly.scores)).startswith(
        "Sharing moves the mean by +0.025:"
    )


def test_published_tasks_that_not_every_method_has() -> None:
    table = tabulate({("mtcs", "Crop"): [0.7], ("dtw", "TwoPatterns"): [1.0]}, seeds=1)
    assert words.distance(table) == (
        "The paper reports no accuracy for the tasks that every method has, so nothing here is measured against it."
    )


def test_unequal_numbers_of_seeds_are_said() -> None:
    cells = {("mtcs", "Crop"): [0.7, 0.8], ("mtl", "Crop"): [0.75]}
    notes = words.caveats(tabulate(cells))
    assert notes[0] == "Mean ± sample standard deviation over the planned 2 seeds."
    assert "Ranks, wins, losses and p compare means over as many seeds as each method has." in notes
    even = words.caveats(tabulate({name: values[:1] for name, values in cells.items()}, seeds=1))
    assert even == ["One seed: the spread over seeds is unknown."]


def test_a_commit_is_shortened_but_not_its_mark(layout: Layout) -> None:
    record = make_record("tiny", "mtcs", None, 0, 10)
    write_text(Run("tiny", "mtcs", 0, layout).record(), json.dumps({**record, "commit": "0123456789ab-dirty"}))
    runs = run_table(results_of(layout, "mtcs", [0, 1]))
    assert [run["commit"] for run in runs] == ["0123456789-dirty", "0123456789"]


def test_the_rate_of_several_models_is_that_of_all_their_series(layout: Layout) -> None:
    (result,) = results_of(layout, "mtcs", [0])
    fast, slow = (
        result.trained[0].model_copy(update={"seconds": seconds, "series_per_second": rate})
        for seconds, rate in ((10.0, 900.0), (90.0, 100.0))
    )
    unknown = slow.model_copy(update={"series_per_second": None})
    (row,) = run_table([result.model_copy(update={"trained": (fast, slow)})])
    assert row["series_per_second"] == "180"  # 18,000 series in 100 s
    (row,) = run_table([result.model_copy(update={"trained": (fast, unknown)})])
    assert row["series_per_second"] == ""


def test_runs_with_their_tasks_in_another_order_are_averaged_in_one(layout: Layout) -> None:
    names = list(TASKS)
    first, second = results_of(layout, "mtcs", [0, 1])
    (turned,) = results_of(layout, "mtcs", [1], [names[i] for i in (2, 0, 3, 1)])
    expected, found = affinity.gather([first, second]), affinity.gather([first, turned])
    assert expected is not None
    assert found is not None
    assert found.tasks == tuple(names)
    for form in ("", affinity.CENTRED):
        np.testing.assert_allclose(found.mean(form), expected.mean(form), atol=1e-6)
    assert found.labels is not None
    assert expected.labels is not None
    np.testing.assert_allclose(found.labels.affinity, expected.labels.affinity, atol=1e-6)
    assert found.labels.labels == expected.labels.labels


def test_label_affinity_is_of_runs_with_the_same_labels(layout: Layout) -> None:
    first, second = results_of(layout, "mtcs", [0, 1])
    renamed = second.tasks[0].model_copy(update={"classes": tuple(f"new {c}" for c in second.tasks[0].classes)})
    other = second.model_copy(update={"tasks": (renamed, *second.tasks[1:])})
    alone, both = affinity.gather([first]), affinity.gather([first, other])
    assert alone is not None
    assert both is not None
    assert alone.labels is not None
    assert both.labels is not None
    np.testing.assert_array_equal(both.labels.affinity, alone.labels.affinity)
    assert len(both.seeds) == 2


def test_a_report_by_hand_leaves_nothing_of_the_one_before(layout: Layout) -> None:
    report(layout)
    folder = layout.report("tiny")
    assert (folder / "affinity-mtl.csv").exists()
    (folder / "notes.md").write_text("the user's")
    report(layout, methods=["mtcs"])
    left = {path.name for path in folder.iterdir()}
    assert not [name for name in left if "mtl" in name]
    assert {"notes.md", "affinity-mtcs.csv", "report.html", "summary.json"} <= left


def test_long_names_may_be_broken() -> None:
    assert breakable("vibration_of_pump-7") == "vibration_<wbr>of_<wbr>pump-<wbr>7"
    assert breakable("FordA") == "Ford<wbr>A"


def test_the_page_tells_which_data(layout: Layout) -> None:
    report(layout)
    before = results_of(layout, "mtcs", [0])
    digests = [row["SHA-256"] for row in data_table(before, list(TASKS))]
    shown = (layout.report("tiny") / "report.html").read_text()
    assert all(digest in shown for digest in digests)
    assert "Runs differ" not in shown
    path = layout.normalized("tiny", "Crop")
    task = read_task(path)
    task.train.series[0, 0] += 1
    write_task(path, task)
    after = results_of(layout, "mtcs", [1])
    changed = data_table(after, list(TASKS))
    assert [row["SHA-256"] == old for row, old in zip(changed, digests, strict=True)] == [False, True, True, True]
    report(layout, methods=["mtcs"], seeds=[0])
    write_result(Run("tiny", "mtcs", 0, layout).result, before[0].model_copy(update={"parameters": PARAMETERS["mtcs"]}))
    report_of_results(layout, methods=["mtcs"], seeds=[0])
    assert "Runs differ" not in (layout.report("tiny") / "report.html").read_text()
    report_of_results(layout, methods=["mtcs"], seeds=[0, 1])  # seed 1 has been measured before the change
    write_result(Run("tiny", "mtcs", 1, layout).result, after[0].model_copy(update={"parameters": PARAMETERS["mtcs"]}))
    report_of_results(layout, methods=["mtcs"], seeds=[0, 1])
    shown = (layout.report("tiny") / "report.html").read_text()
    assert "Runs differ in the data they saw of Crop." in shown
    assert f"{digests[0]}, {changed[0]['SHA-256']}" in shown


def test_lines_of_a_markdown_table_are_of_one_length() -> None:
    table = tabulate({(m, t): [0.8, 0.9] for m in TEN for t in UCR12})
    for frame in (text.task_table(table, "**{}**"), text.method_table(table, significance.compare(table.scores))):
        assert len({len(line) for line in text.markdown_table(frame).splitlines()}) == 1


def test_a_mean_below_the_published_one_is_a_finding() -> None:
    printed = accuracy.published(UCR12).set_index(["method", "task"])["accuracy"]
    cells = {("mtcs", t): [printed["mtcs", t] - 0.019] * 2 for t in UCR12}
    cells |= {("tst", t): [printed["tst", t] - 0.021] * 2 for t in UCR12}
    table = tabulate(cells)
    (sentence,) = words.findings(table)
    assert sentence == "TST averages 0.619 where 0.640 is published, 0.021 below."
    written = text.accuracy_markdown(table, [])
    assert f"More than 0.02 below what is published, see `docs/findings.md`:\n\n- {sentence}" in written


def test_findings_are_on_the_page(layout: Layout) -> None:
    for seed in (0, 1, 2):  # every series wrong
        write_text(Run("tiny", "mtl", seed, layout).prediction("FordA"), "label,predicted\n" + "1,2\n" * 40)
    report(layout, tasks=["FordA"])
    written = (layout.report("tiny") / "report.html").read_text()
    assert 'href="../../docs/findings.md"' in written
    assert "MTL averages 0.000 where 0.944 is published, 0.944 below." in written


def test_results_of_other_parameters_are_set_aside_and_named(layout: Layout) -> None:
    report(layout)
    now = {**PARAMETERS, "mtl": {**PARAMETERS["mtl"], "alpha": 0.5}}
    runs = read_runs([Run("tiny", method, seed, layout) for method in now for seed in range(3)], list(TASKS), now)
    assert {(result.method, result.seed) for result in runs.results} == {("mtcs", seed) for seed in (0, 1, 2)}
    assert report_of_results(layout, parameters=now).index.tolist() == ["MTCS"]
    for name in ("accuracy.md", "report.html"):
        written = (layout.report("tiny") / name).read_text()
        assert "Not counted, as not what is planned now: MTL, seeds 0, 1, 2 (alpha 0.0 instead of 0.5)." in written
    with pytest.raises(
        InputError,
        match=r"^tiny has no results with these parameters: mtl, seed 0, has alpha 0\.0 instead of 0\.5; run "
        r"'dvc repro report@tiny'\.$",
    ):
        report_of_results(layout, methods=["mtl"], parameters=now)


def test_results_of_other_tasks_are_set_aside(layout: Layout) -> None:
    report(layout, methods=["mtcs"], tasks=["FordA", "Crop"], seeds=[0])
    for tasks, why in (
        (["FordA"], "of more tasks (Crop)"),
        (["FordA", "TwoPatterns"], "of other tasks (Crop, TwoPatterns)"),
    ):
        (found,) = read_runs([Run("tiny", "mtcs", 0, layout)], tasks, PARAMETERS).set_aside
        assert found.why == why


def test_methods_that_are_left_out_are_named(layout: Layout) -> None:
    known = {**PARAMETERS, "tst": {"kind": "tst"}, "loose": {"kind": "multitask"}}
    report(layout, tasks=["FordA"], seeds=[0], parameters=known, ablation=["loose"])
    for name in ("accuracy.md", "report.html"):
        assert "Not run on this suite: TST." in (layout.report("tiny") / name).read_text()


# Figure 2


UCR10 = ("Lightning2", "Computers", "EOGVerticalSignal", "Lightning7", "Chinatown", "EOGHorizontalSignal")


def test_separation_equals_ranks_written_out() -> None:
    rng = np.random.default_rng(2)
    raw = rng.random((3, 6, 6)).round(1)  # rounded: some pairs are equally similar
    similarities = (raw + raw.transpose(0, 2, 1)) / 2
    found = separation.separate(similarities, UCR10)
    assert found is not None

    def ranks(square: np.ndarray) -> dict[frozenset[int], float]:
        pairs = {frozenset(pair): square[pair] for pair in combinations(range(6), 2)}
        return {
            a: sum(other > value for other in pairs.values())
            + (1 + sum(other == value for other in pairs.values())) / 2
            for a, value in pairs.items()
        }

    chosen = frozenset((0, 3)), frozenset((2, 5))
    drawn = ranks(similarities.mean(0))
    assert found.ranks == pytest.approx([drawn[pair] for pair in chosen])
    assert found.by_seed == pytest.approx([np.mean([ranks(one)[pair] for pair in chosen]) for one in similarities])
    assert (found.pairs, found.chance) == (15, 8)
    every = [sum(choice) for choice in combinations(drawn.values(), 2)]
    assert found.p == pytest.approx(np.mean([total <= sum(found.ranks) + 1e-9 for total in every]))
    assert found.seeds_std == pytest.approx(np.std(found.by_seed, ddof=1))


def test_separation_of_all_45_pairs() -> None:
    """The three named pairs first: one choice of 14,190 is as low. Last: all are."""
    assert separation.share_as_low(np.arange(1.0, 46), 6, 3) == pytest.approx(1 / 14190)
    assert separation.share_as_low(np.arange(1.0, 46), 7, 3) == pytest.approx(2 / 14190)
    assert separation.share_as_low(np.arange(1.0, 46), 45 + 44 + 43, 3) == 1
    assert separation.share_as_low(np.array([1.5, 1.5, 3]), 3, 2) == pytest.approx(1 / 3)


def test_separation_needs_a_related_pair_and_known_similarities() -> None:
    similarities = np.ones((2, 3, 3))
    assert separation.separate(similarities, ["Lightning2", "Crop", "FordA"]) is None
    found = separation.separate(similarities, ["Lightning2", "Crop", "Lightning7"])
    assert found is not None and (found.ranks, found.p) == ((2,), 1)
    similarities[0, 0, 1] = np.nan
    assert separation.separate(similarities, ["Lightning2", "Crop", "Lightning7"]) is None


@pytest.fixture(scope="module")
def figure_2(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A report with both methods of Figure 2 on tasks that hold two related pairs, and one trained alone."""
    made = Layout(tmp_path_factory.mktemp("figure2"))
    tasks = dict.fromkeys(UCR10, 3)
    make_results(made, tasks=tasks, methods=["mtcs"], seeds=(0, 1))
    make_results(made, tasks=tasks, methods=["ts2vec_joint"], seeds=(0, 1), heads=False)
    make_results(made, tasks=tasks, methods=["tnc"], seeds=(0,), heads=False, joint=False)
    seeds = {"mtcs": [0, 1], "ts2vec_joint": [0, 1], "tnc": [0]}
    report(made, tasks=UCR10, methods=list(seeds), seeds=seeds)
    return made


def test_figure_2_stands_side_by_side_on_one_scale(figure_2: Layout) -> None:
    folder = figure_2.report("tiny")
    for suffix in ("", "-centred"):
        svg = (folder / f"figure-2{suffix}.svg").read_text()
        assert svg.index(">TS2Vec joint<") < svg.index(">MTCS<")
        assert "Framed: Lightning2 and Lightning7, EOGHorizontalSignal and EOGVerticalSignal." in svg
        cells = [found or "1" for found in re.findall(r"fill: #4399cd(?:; opacity: ([\d.]+))?", svg)]
        assert len(cells) == 2 * 6 * 5
        frames = [pd.read_csv(folder / f"affinity-{m}{suffix}.csv", index_col=0) for m in ("ts2vec_joint", "mtcs")]
        values = np.concatenate([f.to_numpy()[~np.eye(6, dtype=bool)] for f in frames])
        low, high = values.min(), max(values.max(), values.min() + maps.LEAST_SPAN)
        assert [float(cell) for cell in cells] == pytest.approx(0.04 + 0.96 * (values - low) / (high - low), abs=1e-4)


def test_figure_2_is_tested_on_the_page(figure_2: Layout) -> None:
    page = parse(figure_2.report("tiny") / "report.html")
    assert max(page.ids.values()) == 1
    written = (figure_2.report("tiny") / "report.html").read_text()
    frame = pd.read_csv(figure_2.report("tiny") / "separation.csv").set_index(["method", "form"])
    assert len(frame) == 4
    for form in ("the paper's form", "centred"):
        ranked = [f"{frame.loc[(m, form), 'mean_rank']:.1f}" for m in ("ts2vec_joint", "mtcs")]
        assert re.search(
            rf"Their mean rank among all pairs: TS2Vec joint {ranked[0]} \(.*, 2 seeds\), MTCS {ranked[1]} \(", written
        )
    assert (frame["chance"] == 8).all()
    assert "objectives.svg" in {path.name for path in figure_2.report("tiny").iterdir()}
    described = (figure_2.report("tiny") / "objectives.svg").read_text()
    assert "Line plots of the objective of TS2Vec joint, TNC over" in described
    assert "for MTCS.</desc>" in (figure_2.report("tiny") / "training.svg").read_text()


# Ablations


def test_ablations_are_paired_by_seed() -> None:
    cells = {
        ("mtcs", "A"): [0.5, 0.6, 0.7],
        ("mtcs", "B"): [0.9, 0.8, 0.9],
        ("loose", "A"): [0.6, 0.7],
        ("loose", "B"): [0.8, 0.8],
        ("apart", "C"): [0.1],
    }
    parameters = {"mtcs": {"kind": "m", "threshold": 2.0}, "loose": {"kind": "m", "threshold": 1.0}}
    frame = long_form(cells)
    rows = ablation.ablate(frame, ["mtl", "apart", "loose"], parameters, accuracy.published(["A"]))
    assert [row.method for row in rows] == ["mtcs", "loose"]
    reference, loose = rows
    assert (reference.mean, reference.std, reference.seeds) == (
        pytest.approx(np.mean([0.7, 0.7, 0.8])),
        pytest.approx(np.std([0.7, 0.7, 0.8], ddof=1)),
        3,
    )
    by_seed = [0.7 - 0.7, 0.75 - 0.7]
    assert (loose.difference, loose.difference_std, loose.seeds) == (
        pytest.approx(np.mean(by_seed)),
        pytest.approx(np.std(by_seed, ddof=1)),
        2,
    )
    assert loose.mean == pytest.approx(np.mean([0.7, 0.75]))
    assert (loose.better, loose.equal, loose.worse) == (1, 0, 1)
    assert loose.differs == "threshold 1.0 instead of 2.0"
    assert math.isnan(loose.printed)


def test_what_an_ablation_changes_is_said() -> None:
    reference = {"kind": "multitask", "threshold": 2.0, "schedule": {"epochs": 5, "clip": None}}
    for change, sentence in (
        ({}, ""),
        ({"schedule": {"epochs": 9, "clip": None}}, "schedule.epochs 9 instead of 5"),
        ({"threshold": 1.0, "experts": 4}, "threshold 1.0 instead of 2.0; experts 4 added"),
        ({"kind": "ts2vec", "threshold": 7}, "kind ts2vec instead of multitask"),
    ):
        assert ablation.differences({**reference, **change}, reference) == sentence
    assert ablation.differences({"kind": "multitask", "threshold": 2.0}, reference) == (
        "without schedule.epochs; without schedule.clip"
    )


def test_ablations_stand_beside_the_papers() -> None:
    cells = {(m, t): [0.8, 0.8] for m in ("mtcs", "mtl", "mmoe", "ts2vec_joint") for t in UCR12}
    rows = ablation.ablate(long_form(cells), ablation.COLUMNS_COMPARED, {}, accuracy.published(UCR12))
    assert [row.printed for row in rows[1:]] == pytest.approx([0.8547 - 0.8613, -0.001, -0.07], abs=1e-3)
    assert [row.elsewhere for row in rows[1:]] == [False, True, True]
    assert text.ablation_table(rows)["in the paper"].tolist() == [
        numbers.DASH,
        f"{MINUS}0.007",
        f"{MINUS}0.001‡",
        f"{MINUS}0.070‡",
    ]
    assert "MMoE 0.881, TS2Vec joint 0.812, MTCS 0.882." in words.ablation_notes(rows)[-1]
    mine = ablation.ablate(
        long_form({(m, "Mine"): [0.8] for m in ("mtcs", "mmoe")}), ["mmoe"], {}, accuracy.published([])
    )
    assert math.isnan(mine[1].printed)


def test_ablations_enter_no_rank(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    make_results(layout, tasks={"FordA": 2}, methods=["mtcs", "mtl", "threshold_1"])
    parameters = {"mtcs": {"threshold": 2.0}, "mtl": {"threshold": 2.0}, "threshold_1": {"threshold": 1.0}}
    table = report(layout, tasks=["FordA"], parameters=parameters, ablation=["threshold_1", "threshold_4"])
    assert list(table.index) == ["MTCS", "MTL"]
    folder = layout.report("tiny")
    assert set(json.loads((folder / "summary.json").read_text())) == {"mtcs", "mtl"}
    assert set(pd.read_csv(folder / "accuracy.csv")["method"]) == {"mtcs", "mtl", "threshold_1"}
    for name in ("ablation.md", "report.html"):
        written = (folder / name).read_text()
        assert "threshold 1.0 instead of 2.0" in written
        assert "threshold_4" not in written
    assert "threshold_1" not in (folder / "accuracy.md").read_text()


# Costs


def cost_of(layout: Layout, method: str, seeds: Sequence[int]) -> cost.Cost:
    (found,) = cost.summarize({method: results_of(layout, method, seeds)})
    return found


def test_costs_are_sums_over_tasks_and_means_over_seeds(
    layout: Layout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for seed, seconds in enumerate((10.0, 20.0, 30.0)):
        written = {"series": 1000, "seconds": seconds, "device": "cpu: Intel Xeon, 2 threads", "precision": "bf16"}
        write_text(Run("tiny", "mtcs", seed, layout).representation_cost, json.dumps(written))
    found = cost_of(layout, "mtcs", (0, 1, 2))
    assert found.training == pytest.approx(292.7)
    assert found.inference == pytest.approx(3000 / 60)
    assert (found.models, found.runs, found.parameters, found.memory) == (1, 3, 637120, 1432.0)
    assert (found.machines, found.precisions) == (("cpu: Intel Xeon, 2 threads",), ("bf16",))
    costs = cost.Costs((found,))
    assert text.cost_table(costs).loc["MTCS"].tolist() == ["4 min 53 s", "1", "50", "637,120", "1,432 MB", "3"]
    assert words.cost_notes(costs)[0] == "All on one machine: cpu: Intel Xeon, 2 threads, bf16."

    alone = Layout(tmp_path_factory.mktemp("alone"))
    make_results(alone, joint=False, methods=["tnc"], seeds=(0, 1))
    results = results_of(alone, "tnc", (0, 1))
    results[1] = results[1].model_copy(update={"trained": (), "represented": None})
    (found,) = cost.summarize({"tnc": results, "tst": results[1:]})
    assert (found.training, found.models, found.runs) == (pytest.approx(4 * 291.7), 4, 1)


def test_costs_of_several_machines_are_warned_of(layout: Layout) -> None:
    path = Run("tiny", "mtl", 0, layout).record()
    write_text(path, json.dumps({**json.loads(path.read_text()), "device": "cuda: H200"}))
    report(layout, tasks=["FordA"], seeds=[0, 1])
    for name in ("cost.md", "report.html"):
        written = (layout.report("tiny") / name).read_text()
        assert "These costs do not compare: they were taken on different machines or numbers of threads." in written
        assert "cuda: H200; cpu: Intel Xeon, 2 threads" in written


def test_a_method_that_trains_nothing_has_no_cost_of_training(layout: Layout) -> None:
    make_results(layout, methods=["dtw"], seeds=[0], heads=False, joint=False)
    for task in TASKS:
        record = {**make_record("tiny", "dtw", task, 0, 0), "seconds": 0.0, "parameters": 0}
        write_text(Run("tiny", "dtw", 0, layout).record(task), json.dumps(record))
        write_text(Run("tiny", "dtw", 0, layout).curves(task), "step,epoch,task,loss,sharing_loss,relevant_share\n")
    found = cost_of(layout, "dtw", [0])
    assert (found.models, found.training, found.inference) == (0, None, None)
    assert words.cost_notes(cost.Costs((found,)))[-1] == (
        "DTW trains nothing: its cost lies in the classifier, which is not in this table."
    )
    report(layout, methods=["mtcs", "dtw"], seeds={"mtcs": [0, 1, 2], "dtw": [0]})


def test_a_method_without_records_is_not_said_to_train_nothing(layout: Layout) -> None:
    made = RepresentationRecord(series=320, seconds=0.1, device="cpu: Intel Xeon, 1 threads", precision="bf16")
    (result,) = results_of(layout, "mtl", [0])
    (found,) = cost.summarize({"mtl": [result.model_copy(update={"trained": (), "represented": made})]})
    assert (found.runs, found.models, found.machines) == (0, 0, ())
    notes = words.cost_notes(cost.Costs((found,)))
    assert not [note for note in notes if "trains nothing" in note or "on one machine" in note]


def measured_costs(methods: Mapping[str, Mapping[str, object]], tasks: Sequence[str] = tuple(TASKS)) -> SuiteCosts:
    """Costs of `tiny` as `mtcs cost` leaves them, of methods with these parameters; `dtw` trains nothing."""
    rows = [
        MethodCost(
            method=method,
            parameters=dict(parameters),
            models=int(method != "dtw"),
            training_seconds=None if method == "dtw" else 75.0,
            series_per_second=1234.0,
            weights=0 if method == "dtw" else 637_120,
            peak_memory_mb=987.6,
            device="cpu: Intel Xeon, 1 threads",
            precision="fp32" if method in ("tnc", "dtw") else "bf16",
        )
        for method, parameters in methods.items()
    ]
    made = {"torch": "2.13.0"}
    return SuiteCosts(
        suite="tiny", tasks=tuple(tasks), steps=15, series=128, load=0.2, versions=made, commit="c", methods=tuple(rows)
    )


def test_costs_of_one_run_go_before_those_of_finished_runs(layout: Layout) -> None:
    parameters = {"mtcs": {"threshold": 2.0}, "mtl": {"threshold": 2.0}}
    tasks = list(TASKS)
    runs = {method: results_of(layout, method, [0, 1]) for method in ("mtl", "mtcs")}

    def costs(methods: Mapping[str, Mapping[str, object]], of: Sequence[str] = tasks) -> cost.Costs:
        write_costs(layout.costs("tiny"), measured_costs(methods, of))
        return cost.gather(layout, "tiny", tasks, parameters, runs)

    found = costs({"mtcs": {"threshold": 2.0}, "mtl": {"threshold": 2.0}, "gone": {}})
    assert ([row.method for row in found.rows], found.absent) == (["mtl", "mtcs"], ())
    assert text.cost_table(found).loc["MTCS"].tolist() == ["1 min 15 s", "1", "1,234", "637,120", "988 MB"]
    assert words.cost_notes(found)[0] == (
        "All in one run on one machine: cpu: Intel Xeon, 1 thread, bf16; load in the minute before: 0.2. "
        "Code: c, torch 2.13.0."
    )
    assert "projected from 15 steps on each" in words.cost_notes(found)[1]
    found = costs({"mtcs": {"threshold": 2.0}, "mtl": {"threshold": 9.0}})
    assert ([row.method for row in found.rows], found.absent) == (["mtcs"], ("mtl",))
    assert words.cost_notes(found)[-1] == "Not measured there with these parameters: MTL."
    for other in (costs({"mtcs": {"threshold": 9.0}}), costs({"mtcs": {"threshold": 2.0}}, tasks[1:])):
        assert other.one_run is None
        assert [row.runs for row in other.rows] == [2, 2]


def test_costs_of_one_run_say_which_precision_and_what_trains_nothing(layout: Layout) -> None:
    make_results(layout, methods=["dtw"], seeds=[0], heads=False, joint=False)
    write_costs(layout.costs("tiny"), measured_costs({"mtcs": {}, "tnc": {}, "dtw": {}}))
    report(layout, methods=["mtcs", "dtw"], seeds={"mtcs": [0], "dtw": [0]})
    costs = cost.Costs(tuple(cost.measured(measured_costs({"mtcs": {}, "tnc": {}, "dtw": {}}))))
    assert text.cost_table(costs)["precision"].tolist() == ["bf16", "fp32", numbers.DASH]
    for name in ("cost.md", "report.html"):
        written = (layout.report("tiny") / name).read_text()
        assert "DTW trains nothing: its rate is of searches for the nearest neighbour." in written
        assert "These costs do not compare" not in written


def test_training_curves_show_the_cross_entropy_without_the_sharing_loss(layout: Layout, monkeypatch) -> None:
    path = Run("tiny", "mtcs", 0, layout).curves()
    frame = pd.read_csv(path).assign(loss=1.0, sharing_loss=2.0)
    write_text(path, frame.to_csv(index=False))
    drawn, real = {}, curves.training_curves

    def draw(curves, *arguments, **titles):
        drawn.update(curves)
        return real(curves, *arguments, **titles)

    monkeypatch.setattr(page_module, "training_curves", draw)
    parameters = {**PARAMETERS, "mtcs": {**PARAMETERS["mtcs"], "sharing_weight": 0.25}}
    report(layout, seeds=[0], parameters=parameters)
    assert set(drawn["mtcs"]["loss"]) == {0.5}


def test_training_curves_weigh_steps_equally() -> None:
    step = np.arange(2 * curves.POINTS)
    frame = pd.DataFrame({"step": step, "steps": np.where(step % 2, 3, 1), "loss": np.where(step % 2, 1.0, 5.0)})
    assert curves._smoothed(frame, "loss")[1] == pytest.approx(np.full(curves.POINTS, 2.0))


def test_a_threshold_of_its_own_decides_which_labels_share(layout: Layout) -> None:
    counts = []
    for threshold in (0.5, 1.5):
        parameters = {**PARAMETERS, "mtcs": {**PARAMETERS["mtcs"], "threshold": threshold}}
        report(layout, parameters=parameters)
        assert f"are relevant (τ = {threshold})" in (layout.report("tiny") / "report.html").read_text()
        counts.append(len(pd.read_csv(layout.report("tiny") / "label-affinity-mtcs.csv")))
    assert counts[0] > counts[1]


def test_what_the_paper_prints_of_other_methods_is_not_denied() -> None:
    printed, own = (tabulate({("mmoe", task): [0.7, 0.8]}) for task in ("FordA", "Pumps"))
    assert words.distance(printed).startswith("The paper reports no accuracy for these methods on these tasks,")
    assert words.distance(own).startswith("The paper reports no accuracy for these tasks,")


def test_one_seed_of_several_has_no_spread() -> None:
    table = tabulate({("mtcs", "FordA"): [0.5], ("mtl", "FordA"): [0.6]}, seeds=5)
    assert "One seed of those planned: the spread over seeds is unknown." in words.caveats(table)


def test_many_tasks_are_drawn_as_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"task{i}" for i in range(4)]
    frame = pd.DataFrame(np.full((4, 4), 0.5), index=names, columns=names)
    assert "<image" not in maps.similarity_map("similarity", "Similarity", frame).svg
    monkeypatch.setattr(maps, "CELLS", 3)
    assert "<image" in maps.similarity_map("similarity", "Similarity", frame).svg


def test_a_curve_of_one_point_is_seen() -> None:
    one = pd.DataFrame({"step": [1.0], "steps": [2], "loss": [0.5]})
    axes = Figure().subplots()
    for frame in (one, pd.concat([one, one.assign(step=9.0)])):
        curves._plot(axes, frame, "loss")
    assert [line.get_marker() for line in axes.lines] == [".", "None"]


def test_an_affinity_that_is_not_known_leaves_the_others_in_the_map(layout: Layout) -> None:
    known, unknown = (results_of(layout, "mtcs", [0])[0] for _ in range(2))
    assert unknown.label_affinity is not None
    rows = [list(row) for row in unknown.label_affinity.rows]
    rows[-1][0] = None
    triangle = unknown.label_affinity.model_copy(update={"rows": tuple(map(tuple, rows))})
    drawn = []
    for result in (known, unknown.model_copy(update={"label_affinity": triangle})):
        found = affinity.gather([result], 2.0)
        assert found is not None
        assert found.labels is not None
        drawn.append(maps.label_map("labels", "Labels", found.labels))
    assert drawn[0].description == drawn[1].description
    assert "nan" not in drawn[1].svg
