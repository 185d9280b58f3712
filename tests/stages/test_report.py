"""`mtcs report`: which methods it shows, what they are compared with, and what it exports."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from mtcs.cli import app
from mtcs.config.experiment_file import read_experiment
from mtcs.evaluation.results import RunResult, TaskResult, read_result, write_result
from mtcs.layout import Layout, Run

ROOT = Path(__file__).parents[2]
TASKS = tuple(f"T{t:02}" for t in range(12))
METHODS = ("mtcs", "mtl", "dtw", "mtcs_sum")


@pytest.fixture(autouse=True)
def workspace(here: Path) -> None:
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text()) | {"suites": {"tiny": {"tasks": list(TASKS)}}}
    Path("params.yaml").write_text(yaml.safe_dump(parameters))
    known = read_experiment(Path("params.yaml"))
    for m, method in enumerate(METHODS):
        tasks = tuple(
            TaskResult(
                task=task,
                train=9,
                test=9,
                length=9,
                classes=("a", "b"),
                fingerprint="0" * 12,
                accuracy=0.9 - 0.1 * m - 0.001 * m * t,
            )
            for t, task in enumerate(TASKS)
        )
        made = RunResult(
            suite="tiny", method=method, seed=0, parameters=known.parameters(method), joint=True, tasks=tasks
        )
        write_result(Run("tiny", method, 0, Layout()).result, made)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["report", "tiny", *arguments])
    assert result.exit_code == 0, result.output
    return Path("reports/tiny/accuracy.md").read_text()


def test_a_report_shows_all_methods_and_compares_them_with_mtcs() -> None:
    written = run()
    assert "ahead of MTCS, equal and behind" in written
    assert [line.split("|")[1].strip() for line in written.splitlines() if "/" in line and "|" in line][1:] == [
        *("MTL", "DTW"),
    ]


def test_another_method_is_the_reference() -> None:
    written = run("--reference", "dtw")
    assert "ahead of DTW, equal and behind" in written
    assert "DTW (" in written and "is behind MTCS (" in written


def test_methods_are_those_that_are_asked_for_and_the_reference() -> None:
    written = run("--methods", "mtcs_sum, mtl,", "--reference", "dtw")
    assert "# Accuracy of mtcs sum, MTL and DTW on tiny" in written


def test_without_the_usual_reference_the_first_is_taken_and_that_is_said() -> None:
    written = run("--methods", "mtl,dtw")
    assert "MTCS is not in this report, so methods are compared with MTL." in written
    assert "p is Wilcoxon" in written


@pytest.mark.parametrize("option", ["--methods", "--reference"])
def test_unknown_methods_are_refused_with_the_known_ones(option: str) -> None:
    result = CliRunner().invoke(app, ["report", "tiny", option, "nope"])
    assert result.exit_code == 2
    assert "Unknown method nope; params.yaml runs mtcs, mtl" in result.output
    assert not Path("reports").exists()


def test_results_that_are_left_out_are_named_on_the_console() -> None:
    path = Run("tiny", "dtw", 0, Layout()).result
    old = read_result(path, "tiny", "dtw", 0)
    tasks = tuple(task.model_copy(update={"fingerprint": "1" * 12}) for task in old.tasks)
    write_result(path, old.model_copy(update={"tasks": tasks}))
    output = CliRunner().invoke(app, ["report", "tiny"]).output
    assert "Not counted: DTW, seed 0, which saw other data of T00, T01," in output
    assert "MTCS" in output.splitlines()[2]


def test_a_report_is_exported(tmp_path: Path) -> None:
    run("--export", "out")
    assert {"methods.tex", "methods.csv", "overview.svg", "overview.pdf"} <= {
        path.name for path in Path("out").iterdir()
    }
