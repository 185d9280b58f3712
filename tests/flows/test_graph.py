"""What flows find in the project's own dvc.yaml, and what they say where DVC cannot read or write."""

import errno
import re
import sqlite3
from pathlib import Path

import pytest

from flows.graph import Graph
from mtcs.config.experiment_file import read_experiment
from mtcs.errors import InputError, WorkError

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # DVC's, of pygtrie


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph(ROOT)


@pytest.mark.parametrize("suite", ["demo", "ucr10"])
def test_a_suite_ends_with_its_report_and_needs_every_run_of_it(graph, suite):
    stages = list(graph.select(suites=[suite]))
    assert stages[-1] == f"report@{suite}"
    experiment = read_experiment(ROOT / "params.yaml")
    for method in (*experiment.joint, *experiment.single_task, *experiment.mixtures):
        for seed in experiment.seeds_of(method, suite):
            assert any(name.startswith("measure") and name.endswith(f"@{suite}-{method}-{seed}") for name in stages)
    assert not [name for name in stages if "@" in name and suite not in name]


def test_what_writes_a_folder_is_what_writes_in_it(graph):
    assert graph.writers(Path("reports/demo")) == ["report@demo"]
    assert graph.writers(Path("data/raw/demo")) == ["download@demo"]


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "No such file"), sqlite3.OperationalError("disk is full")])
def test_a_stage_of_which_it_cannot_be_told_is_run_and_says_why_itself(graph, monkeypatch, error):
    def fail() -> None:
        raise error

    monkeypatch.setattr(graph._stages["code"], "changed", fail)
    assert not graph.is_up_to_date("code")


def test_outside_of_any_repository_says_what_to_run(tmp_path):
    says = re.escape(f"{tmp_path.resolve()} is in no DVC repository; run 'dvc init --no-scm' there.")
    with pytest.raises(InputError, match=f"^{says}$"):
        Graph(tmp_path)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/var/tmp/dvc"), "No space left on device: /var/tmp/dvc"),
        (
            sqlite3.OperationalError("database or disk is full"),
            "database or disk is full, a database of its cache",
        ),
    ],
)
def test_where_dvc_cannot_write_is_one_line(tmp_path, monkeypatch, error, says):
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("flows.graph.Repo", full)
    line = f"DVC: {says}; make room or make it writable, and start the same run again."
    with pytest.raises(WorkError, match=f"^{re.escape(line)}$"):
        Graph(tmp_path)
