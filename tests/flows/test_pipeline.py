"""How a run ends whose disk is full or whose server has gone, and what a stage says that has failed by itself."""

from __future__ import annotations

import errno
import json
import logging
import os
import sqlite3
from pathlib import Path

import httpx
import pytest
from dvc.exceptions import ReproductionError
from dvc.repo import Repo
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import child, pipeline
from flows import stage as stages
from flows.graph import Stage
from flows.refetch import bring_all_back, set_aside
from flows.workspace import claimed
from mtcs.errors import WorkError


def test_a_state_folder_that_cannot_be_made_is_one_line(tmp_path):
    def work() -> None:
        with claimed(tmp_path / "gone", "run"):
            pass

    state = pipeline.final_state(work)
    assert state is not None
    assert state.is_failed()
    assert state.message == (
        f"No such file or directory: {tmp_path}/gone/.flows; make room or make it writable, and start the same run "
        "again."
    )
    assert isinstance(state.data, WorkError)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx.ConnectError("gone"), "The report of one is not on this run's page: the Prefect server at "),
        (
            FileNotFoundError(errno.ENOENT, "No such file", "reports/one/accuracy.md"),
            "reports/one/accuracy.md is gone; run 'mtcs report one', and the same run again.",
        ),
    ],
)
def test_a_report_that_cannot_be_shown_ends_no_run(monkeypatch, caplog, error, says):
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "show_report", fails)
    monkeypatch.setattr(pipeline, "get_run_logger", lambda: logging.getLogger("flows"))
    pipeline._show(Path(), "one")
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(says)


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (
            [],
            "all 2 stages are done; start the server, and the same run again, to see them on its page.",
        ),
        (["b"], "1 of 2 stages are left to do: start the server, and the same run again."),
    ],
)
def test_a_server_that_goes_away_is_one_line_that_says_what_is_done(monkeypatch, capsys, left, says):
    import flows.flow
    import flows.graph
    import flows.reproduce

    def gone(**_: object) -> None:
        raise httpx.ConnectError("All connection attempts failed")

    class Stages:
        def __init__(self, _: Path) -> None:
            pass

        def select(self, *_: object) -> dict[str, Stage]:
            return {name: Stage(name, "", ()) for name in "ab"}

        def is_up_to_date(self, name: str) -> bool:
            return name not in left

    monkeypatch.setattr(flows.flow, "reproduce", gone)
    monkeypatch.setattr(flows.graph, "Graph", Stages)
    monkeypatch.setattr(flows.reproduce, "check_request", lambda *_: None)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert flows.reproduce.main([]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("reproduce: the Prefect server at ")
    assert line.endswith(f"does not answer as it should (All connection attempts failed); {says}")


def test_a_fault_of_the_stages_own_process_is_named(monkeypatch, capsys):
    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(child, "Repo", full)
    outcome = child._reproduce("train", False)
    assert outcome == {"code": None, "message": "OperationalError: database or disk is full"}
    assert "ERROR: OperationalError: database or disk is full" in capsys.readouterr().err
    assert stages._diagnose(outcome, []) == ("work", "OperationalError: database or disk is full")
    assert stages._diagnose({"code": 1}, ["Traceback", "MemoryError ", ""]) == ("work", "MemoryError")
    assert stages._diagnose({"code": 1}, [" "]) == ("work", "it printed nothing")


def test_a_log_that_cannot_be_written_is_no_crash(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "a.log")

    monkeypatch.setattr(stages, "_run", full)
    says = r"^train@one failed \(work\): No space left on device: a\.log$"
    with pytest.raises(stages.StageFailed, match=says):
        stages.run_stage.fn(Stage("train@one", "mtcs train", ()), stages.StageContext(tmp_path, tmp_path, {}))


def test_a_record_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    """DVC itself writes over dvc.lock for seconds; what a kill or a full disk leaves then lacks other stages."""
    monkeypatch.chdir(tmp_path)
    stages_of = {name: {"cmd": f"echo {name} > {name}", "outs": [name]} for name in ("one", "two")}
    Path("dvc.yaml").write_text(json.dumps({"stages": stages_of}))
    with Repo.init(no_scm=True) as repo:
        assert child._bring_up_to_date(repo, "one", False)
        before = Path("dvc.lock").read_bytes()

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", "dvc.lock")

        monkeypatch.setattr(child, "write_text", full)
        with pytest.raises(ReproductionError):
            child._bring_up_to_date(repo, "two", False)
        assert Path("dvc.lock").read_bytes() == before
        monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    with Repo() as repo:
        assert child._bring_up_to_date(repo, "two", False)
        assert not child._bring_up_to_date(repo, "one", False)


def test_a_stage_is_not_run_with_parameters_that_changed_after_the_run_began(tmp_path, monkeypatch, capsys):
    """It would be recorded as made by those before. What concerns other stages may change."""
    monkeypatch.chdir(tmp_path)
    stage = {"cmd": "echo one > one", "outs": ["one"], "params": [{"data/code.json": ["classify.one"]}]}
    Path("dvc.yaml").write_text(json.dumps({"stages": {"one": stage}}))
    Path("data").mkdir()
    for file in ("data/code.json", "params.yaml"):  # in this order
        Path(file).write_text(json.dumps({"classify": {"one": "old", "two": "old"}}))
    os.utime("data/code.json", (0, 0))
    monkeypatch.setattr(child, "read_experiment", lambda path: None)
    Repo.init(no_scm=True).close()
    monkeypatch.setattr(child, "stage_digests", lambda known: {"classify": {"one": "new", "two": "old"}})
    says = "params.yaml has changed since the run began (classify.one); start the same run again."
    assert child._reproduce("one", False) == {"code": 2, "message": says}
    assert f"mtcs: {says}" in capsys.readouterr().err
    assert not Path("one").exists()
    monkeypatch.setattr(child, "stage_digests", lambda known: {"classify": {"one": "old", "two": "new"}})
    assert child._reproduce("one", False) == {"outcome": child.RAN}


def test_data_that_a_killed_flow_left_aside_come_back(tmp_path):
    for name in (".one.A.b.old", ".one.B.old"):
        (tmp_path / "data/raw" / name / "series").mkdir(parents=True)
    (tmp_path / "data/raw/one/B/new").mkdir(parents=True)
    bring_all_back(tmp_path)
    raw = tmp_path / "data/raw"
    assert sorted(path.relative_to(raw).as_posix() for path in raw.rglob("*")) == [
        *("one", "one/A.b", "one/A.b/series", "one/B", "one/B/new")
    ]


@pytest.mark.parametrize("arrives", [True, False])
def test_old_data_stand_aside_until_there_are_new(tmp_path, arrives):
    raw, fetched = tmp_path / "data/raw/one/A", []
    raw.mkdir(parents=True)
    (raw / "old").touch()
    wanted = {("one", "A"): ["download@one"]}
    with set_aside(tmp_path, wanted, lambda *task: fetched.append(task)) as finished:
        assert not raw.exists()
        finished("download@two")
        assert not fetched
        if arrives:
            raw.mkdir()
            finished("download@one")
    assert fetched == ([("one", "A")] if arrives else [])
    assert [path.name for path in raw.iterdir()] == ([] if arrives else ["old"])
    assert [path.name for path in raw.parents[1].iterdir()] == ["one"]
