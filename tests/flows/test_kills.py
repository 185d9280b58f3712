"""Flows that end before their time, by signals and by Prefect: no process is left, and the next run needs no help."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelling

pytestmark = pytest.mark.slow

WAITING = "sleep 300 & sleep 300"


def ended(process: subprocess.Popen[str]) -> str:
    """What the flow said, once it has ended."""
    said, _ = process.communicate(timeout=120)
    return said


def recovers(workspace) -> None:
    """A new run does the rest, without any help."""
    (workspace.root / "before-train").unlink()
    flow = workspace.flow("--suites", "one")
    said = ended(flow)
    assert flow.returncode == 0, said
    assert (workspace.root / "reports/one/report.html").exists()


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_flow_that_is_killed(workspace, until, kill):
    workspace.before("train", WAITING)
    flow = workspace.flow("--suites", "one", "--workers", "2")
    until(lambda: len(workspace.started()) == 3, 120)  # a download, and two trainings side by side
    assert len(workspace.processes()) >= 2
    flow.send_signal(kill)
    said = ended(flow)
    assert flow.returncode != 0, said
    until(lambda: not workspace.processes(), 15)
    recovers(workspace)


def test_stages_that_ignore_the_end_of_their_flow(workspace, until):
    workspace.before("train", "trap '' TERM; sleep 300 & sleep 300; sleep 300")
    flow = workspace.flow("--suites", "one")
    until(lambda: len(workspace.started()) == 2, 120)
    flow.kill()
    ended(flow)
    until(lambda: not workspace.processes(), 15)
    recovers(workspace)


def test_process_of_a_stage_that_is_killed(workspace, until):
    """DVC itself dies, its child does not: the flow ends the group, and training is tried once more."""
    workspace.before("train", f"if [ ! -e once ]; then touch once; {WAITING}; fi")
    flow = workspace.flow("--suites", "one")
    until(lambda: (workspace.root / "once").exists(), 120)
    for process in workspace.processes():
        if "flows.child" in process.info["cmdline"]:
            process.kill()
    said = ended(flow)
    assert flow.returncode == 0, said


def test_cancelled_without_a_worker(workspace, until):
    workspace.before("train", WAITING)
    flow = workspace.flow("--suites", "one")
    until(lambda: len(workspace.started()) == 2, 120)
    with get_client(sync_client=True) as client:
        name = next((workspace.root / ".flows/logs").iterdir()).name
        (run,) = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[name])), sort=FlowRunSort.ID_DESC, limit=1
        )
        client.set_flow_run_state(run.id, Cancelling())
        said = ended(flow)
        assert flow.returncode != 0, said
        assert client.read_flow_run(run.id).state_name == "Cancelled"
    assert not workspace.processes()
    recovers(workspace)


def test_two_flows_at_once(workspace, until):
    workspace.before("train", WAITING)
    first = workspace.flow("--suites", "one")
    until(lambda: len(workspace.started()) == 2, 120)
    second = workspace.flow("--suites", "two")
    said = ended(second)
    assert second.returncode == 2, said
    assert f"is at work in {workspace.root}; wait for it, or cancel it." in said
    assert len(workspace.started()) == 2
    first.kill()
    ended(first)
    until(lambda: not workspace.processes(), 15)


def test_flow_beside_dvc_repro(workspace, until):
    """A stage that plain DVC is at is waited for, and not run twice."""
    workspace.before("train", "sleep 8")
    plain = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "train@one-mtl-0"],
        cwd=workspace.root,
        env=os.environ,
        stdout=subprocess.DEVNULL,
    )
    until(lambda: len(workspace.started()) == 2, 120)
    flow = workspace.flow("--suites", "one", "--seeds", "0")
    said = ended(flow)
    assert flow.returncode == 0, said
    assert plain.wait() == 0
    assert workspace.started().count("train mtl one --seed 0") == 1
