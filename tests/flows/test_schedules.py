"""Deployments: they are those of `prefect.yaml`, a schedule fires, a worker runs and cancels, history stays."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import psutil
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling, Crashed

from flows.flow import reproduce
from flows.heartbeat import NAME, SILENCE, notice_dead_runs
from flows.serve import deployments, main
from flows.watch import SEEN, _archived, watch
from flows.workspace import claimed

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # DVC's, of pygtrie

SERVE = """
from prefect import serve
import flows.serve
flows.serve.NIGHTLY = "* * * * *"
flows.serve.AS_SHIPPED = {"suites": ["two"]}
serve(flows.serve.deployments()[0], limit=1)
"""


def test_those_served_are_those_of_prefect_yaml():
    listed = {one["name"]: one for one in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}
    served = {one.name: one for one in deployments()}
    assert set(served) == set(listed) == {"nightly", "on-demand", "watch"}
    for name, one in served.items():
        assert one.entrypoint is not None
        assert one.entrypoint.endswith(listed[name]["entrypoint"])
        assert one.concurrency_limit == listed[name]["concurrency_limit"]["limit"] == 1
        assert one.concurrency_options is not None
        assert one.concurrency_options.collision_strategy == listed[name]["concurrency_limit"]["collision_strategy"]
        assert listed[name]["work_pool"]["name"] == "mtcs"
        assert one.parameters == listed[name]["parameters"] == {"suites": ["demo"], "workers": 2}, "safe as shipped"
        schedules = [schedule.schedule for schedule in one.schedules or []]
        for schedule, wanted in zip(schedules, listed[name].get("schedules", []), strict=True):
            if isinstance(schedule, CronSchedule):
                assert wanted == {"cron": schedule.cron}
            else:
                assert isinstance(schedule, IntervalSchedule)
                assert wanted == {"interval": schedule.interval / timedelta(seconds=1)}


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """An empty folder in the archive's place."""
    folder = tmp_path / "archive"
    folder.mkdir()
    monkeypatch.setenv("MTCS_ARCHIVE", str(folder))
    return folder


def test_watch_runs_after_a_change_only(workspace, archive):
    (archive / "A.zip").write_text("first")
    # the raw data that are there and pass the checks stay, so a changed task's are removed before
    workspace.before("download", "test ! -e data/raw/one/A; mkdir -p data/raw/one/A")
    assert watch(suites=["one"], return_state=True).is_completed()
    assert len(workspace.started()) == 4
    assert watch(suites=["one"], return_state=True).name == "Unchanged"
    assert len(workspace.started()) == 4

    (archive / "A.zip").write_text("second")
    assert watch(suites=["one"], return_state=True).is_completed()
    assert workspace.started()[4:] == ["download one"], "it made the same, so nothing else is out of date"

    seen = (workspace.root / SEEN).read_text()
    workspace.before("train", "exit 1")
    parameters = yaml.safe_load((workspace.root / "params.yaml").read_text())
    parameters["methods"]["mtl"]["hidden"] = 8
    (workspace.root / "params.yaml").write_text(yaml.safe_dump(parameters))
    assert watch(suites=["one"], return_state=True).is_failed()
    assert (workspace.root / SEEN).read_text() == seen, "a failed run has seen nothing: the next one runs again"
    workspace.before("train", "")
    assert watch(suites=["one"], return_state=True).is_completed()
    assert (workspace.root / SEEN).read_text() != seen
    assert watch(suites=["one"], return_state=True).name == "Unchanged"


def test_watch_keeps_what_an_archive_had_that_is_gone(workspace, tmp_path, archive):
    (archive / "A.zip").write_text("first")
    fetched = workspace.root / "data/raw/one/A/series"
    workspace.before("download", "mkdir -p data/raw/one/A; echo 1 > data/raw/one/A/series")
    assert watch(suites=["one"], return_state=True).is_completed()
    archive.rename(tmp_path / "away")
    assert watch(suites=["one"], return_state=True).name == "Unchanged"
    assert fetched.exists()
    archive.mkdir()  # a mount point whose share is not there
    assert watch(suites=["one"], return_state=True).name == "Unchanged"

    (archive / "A.zip").write_text("second, which cannot be fetched")
    workspace.before("download", "exit 1")
    assert watch(suites=["one"], return_state=True).is_failed()
    archive.joinpath("A.zip").unlink()
    archive.rmdir()
    (tmp_path / "away").rename(archive)  # as it was before, but its data have been removed
    workspace.before("download", "mkdir -p data/raw/one/A; echo 1 > data/raw/one/A/series")
    assert watch(suites=["one"], return_state=True).name != "Unchanged"
    assert fetched.exists()


def test_watch_fetches_what_it_knows_nothing_of(workspace, archive):
    (archive / "A.zip").write_text("second")
    workspace.before("download", "test ! -e data/raw/one/A; mkdir -p data/raw/one/A")
    assert reproduce(suites=["one"], return_state=True).is_completed()
    assert watch(suites=["one"], return_state=True).is_completed()
    assert workspace.started()[4:] == ["download one"]


class Archive(BaseHTTPRequestHandler):
    """A server that has every file."""

    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("ETag", "first")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_watch_asks_once_for_a_task_of_two_suites(workspace, monkeypatch):
    parameters = yaml.safe_load((workspace.root / "params.yaml").read_text())
    parameters["suites"]["two"]["tasks"] = ["A", "B"]
    (workspace.root / "params.yaml").write_text(yaml.safe_dump(parameters))
    with HTTPServer(("127.0.0.1", 0), Archive) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MTCS_ARCHIVE", f"http://127.0.0.1:{server.server_port}/{{name}}.zip")
        assert watch(return_state=True).is_completed()
        server.shutdown()
    assert sorted(Archive.asked) == ["/A.zip", "/B.zip"]
    assert set(json.loads((workspace.root / SEEN).read_text())) >= {"one/A", "two/A", "two/B"}


def test_watch_waits_once_for_an_archive_that_does_not_answer(monkeypatch, caplog):
    monkeypatch.setattr("flows.watch.ANSWER_SECONDS", 0.2)
    monkeypatch.setattr("flows.watch.get_run_logger", lambda: logging.getLogger("flows"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert _archived(f"http://127.0.0.1:{silent.getsockname()[1]}/{{name}}?SECRET", ["A", "B"]) == {}
    (line,) = caplog.messages
    assert (
        line
        == "The archive cannot be reached (ReadTimeout: timed out); A and those after it are taken to be unchanged."
    )


def test_watch_tells_of_an_archive_that_cannot_be_one(workspace, monkeypatch):
    monkeypatch.setenv("MTCS_ARCHIVE", "http://127.0.0.1/archive")
    state = watch(return_state=True)
    assert state.is_failed()
    assert state.message.startswith("MTCS_ARCHIVE is 'http://127.0.0.1/archive'; expected a folder, or an http")


def test_watch_keeps_old_data_until_there_are_new_and_fetches_those_once(workspace, archive):
    fetched = workspace.root / "data/raw/one/A/series"
    workspace.before("download", "test ! -e data/raw/one/A; mkdir -p data/raw/one/A; echo $$ > data/raw/one/A/series")
    workspace.before("train", "exit 1")
    for version in ("first", "second"):
        (archive / "A.zip").write_text(version)
        count = len(workspace.started())
        for _ in range(2):
            assert watch(suites=["one"], return_state=True).is_failed(), "its training fails each time"
        assert workspace.started()[count:].count("download one") == 1
    before = fetched.read_text()
    (archive / "A.zip").write_text("third, which cannot be fetched")
    workspace.before("download", "test ! -e data/raw/one/A; exit 1")
    assert watch(suites=["one"], return_state=True).is_failed()
    assert fetched.read_text() == before
    assert [path.name for path in (workspace.root / "data/raw").iterdir() if path.is_dir()] == ["one"]


def test_watch_keeps_a_change_that_its_run_is_refused_for(workspace, archive):
    (archive / "A.zip").write_text("first")
    assert watch(suites=["one"], return_state=True).is_completed()
    (archive / "A.zip").write_text("second")
    for _ in range(2):
        with claimed(workspace.root, "another"):
            assert watch(suites=["one"], return_state=True).is_failed()
    assert len(workspace.started()) == 4
    assert watch(suites=["one"], return_state=True).is_completed()
    assert workspace.started()[4:] == ["download one"]
    assert watch(suites=["one"], return_state=True).name == "Unchanged"


def test_nothing_is_served_without_a_server(monkeypatch, capsys):
    monkeypatch.setattr("flows.serve.CONNECT_TIMEOUT", 0.1)
    monkeypatch.setattr("flows.serve.serve", lambda *_, **__: pytest.fail("it serves"))
    with temporary_settings({PREFECT_API_URL: "http://user:SECRET@127.0.0.1:9/api"}):
        assert main([]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "serve: waiting up to 0.1 s for http://127.0.0.1:9/api to answer.",
        "serve: no Prefect server answers at http://127.0.0.1:9/api; run 'prefect server start' first.",
    ]


@pytest.mark.slow
def test_what_one_suite_has_seen_another_has_not(workspace):
    assert watch(suites=["one"], return_state=True).is_completed()
    assert watch(suites=["two"], return_state=True).is_completed()
    assert (workspace.root / "reports/two/report.html").exists()
    for suite in ("one", "two"):
        assert watch(suites=[suite], return_state=True).name == "Unchanged"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_schedule_fires(workspace, until):
    """`nightly` as it is served, but at every full minute."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], cwd=workspace.root, env=os.environ, start_new_session=True
    ) as server:
        try:
            with get_client(sync_client=True) as client:

                def finished() -> bool:
                    try:
                        made = client.read_deployment_by_name("reproduce/nightly")
                    except ObjectNotFound:
                        return False
                    ours = FlowRunFilter(
                        deployment_id=FlowRunFilterDeploymentId(any_=[made.id]),
                        state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Completed"])),
                    )
                    return any(run.auto_scheduled for run in client.read_flow_runs(flow_run_filter=ours))

                until(finished, 280)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)
    assert (workspace.root / "reports/two/report.html").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_from_prefect_yaml_to_a_run_that_is_cancelled(workspace, until):
    """A pool, a worker that is started in the workspace, a deployment; a cancelled run leaves no process."""
    for name in ("flows", "prefect.yaml"):
        (workspace.root / name).symlink_to(ROOT / name)

    def prefect(*arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "prefect", *arguments], cwd=workspace.root, env=workspace.environment, check=True
        )

    workspace.environment["PWD"] = str(workspace.root)
    prefect("work-pool", "create", "mtcs", "--type", "process", "--overwrite")
    prefect("work-pool", "set-concurrency-limit", "mtcs", "1")
    prefect("--no-prompt", "deploy", "--name", "on-demand")
    workspace.before("train", "sleep 300 & sleep 300")
    with subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--pool", "mtcs", "--name", "here"],
        cwd=workspace.root,
        env=workspace.environment,
        start_new_session=True,
    ) as worker:
        try:
            with get_client(sync_client=True) as client:
                made = client.read_deployment_by_name("reproduce/on-demand")

                def started_a_training() -> bool:
                    return any(line.startswith("train") for line in workspace.started())

                run = client.create_flow_run_from_deployment(made.id, parameters={"suites": ["one"]})
                until(started_a_training, 240)
                client.set_flow_run_state(run.id, Cancelling())
                until(lambda: client.read_flow_run(run.id).state.is_final(), 120)
                assert client.read_flow_run(run.id).state_name == "Cancelled"
                until(lambda: not [p for p in workspace.processes() if "flows.child" in p.info["cmdline"]], 20)

                (workspace.root / "started").unlink()
                run = client.create_flow_run_from_deployment(made.id, parameters={"suites": ["two"]})
                until(started_a_training, 240)
                worker.terminate()  # the worker's end is the end of what it runs
                until(lambda: not [p for p in workspace.processes() if "flows.child" in p.info["cmdline"]], 60)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
    with get_client(sync_client=True) as client:  # the next test's run gets its slot of the deployment at once
        client.set_flow_run_state(run.id, Crashed(), force=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_worker_logs_a_failure_once(workspace, until, tmp_path):
    """Its message as the run's state, and no traceback around it."""
    for name in ("flows", "prefect.yaml"):
        (workspace.root / name).symlink_to(ROOT / name)
    workspace.environment["PWD"] = str(workspace.root)

    def prefect(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "prefect", *arguments]

    for command in (
        prefect("work-pool", "create", "mtcs", "--type", "process", "--overwrite"),
        prefect("--no-prompt", "deploy", "--name", "on-demand"),
    ):
        subprocess.run(command, cwd=workspace.root, env=workspace.environment, check=True)
    workspace.before("download", "echo 'mtcs: A is wrong; correct it.' >&2; exit 2")
    with get_client(sync_client=True) as client, (tmp_path / "worker.log").open("w") as log:
        deployment = client.read_deployment_by_name("reproduce/on-demand")
        run = client.create_flow_run_from_deployment(deployment.id, parameters={"suites": ["one"], "seeds": [0]})
        with subprocess.Popen(
            prefect("worker", "start", "--pool", "mtcs", "--run-once"),
            cwd=workspace.root,
            env=workspace.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as worker:
            worker.wait(300)
        state = client.read_flow_run(run.id).state
    assert state is not None
    assert state.is_failed()
    output = (tmp_path / "worker.log").read_text()
    assert "Traceback" not in output
    assert output.count("Correct the cause and start the same run again") == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_that_is_killed_with_its_worker_gives_its_place_back(workspace, until):
    """As after a power cut: the dead run is called crashed, and the next one gets the only slot of the pool."""
    for name in ("flows", "prefect.yaml"):
        (workspace.root / name).symlink_to(ROOT / name)
    workspace.environment["PWD"] = str(workspace.root)

    def prefect(*arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "prefect", *arguments], cwd=workspace.root, env=workspace.environment, check=True
        )

    def worker() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "mtcs"]
        process = subprocess.Popen(
            command, cwd=workspace.root, env=workspace.environment, text=True, start_new_session=True
        )
        workspace.flows.append(process)  # it ends with the test
        return process

    prefect("work-pool", "create", "mtcs", "--type", "process", "--overwrite")
    prefect("work-pool", "set-concurrency-limit", "mtcs", "1")
    prefect("--no-prompt", "deploy", "--name", "on-demand")
    workspace.before("train", "sleep 300 & sleep 300")
    with get_client(sync_client=True) as client:
        (automation,) = client.read_automations_by_name(NAME)
        assert automation.trigger.within == SILENCE
        notice_dead_runs(timedelta(seconds=50))  # instead of minutes
        deployment = client.read_deployment_by_name("reproduce/on-demand")
        first = worker()
        dead = client.create_flow_run_from_deployment(deployment.id, parameters={"suites": ["one"]})
        until(lambda: any(line.startswith("train") for line in workspace.started()), 240)
        for process in [psutil.Process(first.pid), *psutil.Process(first.pid).children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        workspace.before("train", "")
        second = worker()
        try:
            run = client.create_flow_run_from_deployment(deployment.id, parameters={"suites": ["one"]})
            until(lambda: client.read_flow_run(dead.id).state_name == "Crashed", 200)
            state = client.read_flow_run(dead.id).state
            assert state is not None
            assert state.message == "No heartbeat for 50 s: its process or its machine has died."
            until(lambda: client.read_flow_run(run.id).state.is_final(), 200)
            assert client.read_flow_run(run.id).state_name == "Completed"
            until(lambda: not [p for p in workspace.processes() if "prefect.engine" in p.info["cmdline"]], 60)
        finally:
            os.killpg(second.pid, signal.SIGKILL)


@pytest.mark.slow
def test_the_notification_of_the_documentation(workspace, until):
    """The script as docs/orchestration.md has it, with a webhook on this machine."""
    received: list[dict[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    text = (ROOT / "docs/orchestration.md").read_text()
    (script,) = [part for part in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "CallWebhook" in part]
    with HTTPServer(("127.0.0.1", 0), Hook) as hook:
        thread = threading.Thread(target=hook.serve_forever)
        thread.start()
        try:
            (workspace.root / "notify.py").write_text(script.replace(":8080/", f":{hook.server_port}/"))
            subprocess.run(
                [sys.executable, "notify.py"], cwd=workspace.root, env=workspace.environment, check=True, timeout=120
            )
            time.sleep(6)  # the server learns of new automations now and then
            workspace.before("download", """echo 'mtcs: A is "wrong"; correct it.' >&2; exit 2""")
            state = reproduce(suites=["one"], seeds=[0], return_state=True)
            until(lambda: received, 60)
        finally:
            hook.shutdown()
            thread.join()
    (message,) = received
    assert message["text"].endswith(f": {state.message}")
    assert 'download@one failed (mistake): A is "wrong"; correct it.' in message["text"]


@pytest.mark.slow
def test_history_survives_a_restart_of_the_server(tmp_path, server_at):
    from prefect import flow
    from prefect.settings import PREFECT_API_URL, temporary_settings

    @flow
    def remembered() -> None:
        pass

    with server_at(tmp_path) as url, temporary_settings({PREFECT_API_URL: url}):
        run = remembered(return_state=True).state_details.flow_run_id
    with (
        server_at(tmp_path) as url,
        temporary_settings({PREFECT_API_URL: url}),
        get_client(sync_client=True) as client,
    ):
        assert client.read_flow_run(run).state_name == "Completed"


@pytest.mark.parametrize("content", ["", "[" * 100_000])
def test_watch_runs_anew_where_what_it_saw_is_damaged(workspace, content):
    assert watch(suites=["one"], return_state=True).is_completed()
    (workspace.root / SEEN).write_text(content, errors="surrogateescape")
    assert watch(suites=["one"], return_state=True).name == "Completed"
    assert watch(suites=["one"], return_state=True).name == "Unchanged"
