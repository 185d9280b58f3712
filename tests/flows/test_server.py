"""The server of a run that has none: it starts or says why not, keeps the history, and ends with its run."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from flows.server import answers

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # DVC's, of pygtrie
WAITING = "sleep 300 & sleep 300"


@pytest.fixture
def lonely(workspace, tmp_path, monkeypatch):
    """The small pipeline where no server is configured, with a database of its own."""
    for name in ("PREFECT_API_URL", "PREFECT_HOME"):
        monkeypatch.delenv(name)
        workspace.environment.pop(name)
    workspace.environment["PREFECT_HOME"] = str(tmp_path / "home")
    return workspace


def servers(flow: subprocess.Popen[str]) -> list[psutil.Process]:
    """Temporary servers of that flow."""
    children = psutil.Process(flow.pid).children(recursive=True)
    return [child for child in children if "flows.server" in child.cmdline()]


def listening(process: psutil.Process) -> list[int]:
    return [one.laddr.port for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_its_flow(lonely, until, kill):
    lonely.before("train", WAITING)
    flow = lonely.flow("--suites", "one")
    until(lambda: len(lonely.started()) == 2, 120)
    (server,) = servers(flow)
    (port,) = listening(server)
    assert server.net_connections("tcp")[0].laddr.ip == "127.0.0.1"
    began = time.monotonic()
    os.killpg(flow.pid, kill)  # as a terminal does on Ctrl-C
    said, _ = flow.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert flow.returncode == (130 if kill is signal.SIGINT else -kill), said
    assert "Traceback" not in said
    if kill is signal.SIGINT:
        assert said.count("Ctrl-C; the next run continues where this one ended.") == 1
        assert len(said.partition("> mtcs train")[2].splitlines()) <= 3, "beside that line, two states"
    until(lambda: not server.is_running(), 10)
    until(lambda: not lonely.processes(), 10)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.slow
def test_ctrl_c_before_the_server_answers(lonely, until):
    flow = lonely.flow("--suites", "one")
    (server,) = until(lambda: servers(flow), 60)
    began = time.monotonic()
    os.killpg(flow.pid, signal.SIGINT)
    said, _ = flow.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert flow.returncode == 130
    assert said.splitlines() == ["reproduce: interrupted by Ctrl-C."]
    until(lambda: not server.is_running(), 10)
    assert lonely.started() == []


@pytest.mark.slow
def test_a_proxy_is_not_asked_and_the_history_is_complete(lonely, tmp_path, server_at):
    """With HTTP_PROXY and no NO_PROXY; and all states of stages are written down before the server ends."""
    lonely.environment |= {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    flow = lonely.flow("--suites", "one", "--workers", "2")
    said, _ = flow.communicate(timeout=120)
    assert flow.returncode == 0, said
    assert "Error" not in said
    with server_at(tmp_path / "home") as url:
        runs = httpx.post(f"{url}/task_runs/filter", json={}).json()
        assert {run["name"]: run["state_name"] for run in runs} == dict.fromkeys(
            ["download@one", "train@one-mtl-0", "train@one-mtl-1", "report@one"], "Completed"
        )


@pytest.mark.slow
def test_a_database_of_another_version_is_one_line(lonely, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    with sqlite3.connect(home / "prefect.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('0123456789ab')")
    database.close()
    flow = lonely.flow("--suites", "one")
    said, _ = flow.communicate(timeout=120)
    assert flow.returncode == 1
    assert said.splitlines() == [
        f"reproduce: Prefect's database in {home} was written by another version of Prefect (its revision 0123456789ab "
        "is unknown to this one); move prefect.db away, or set PREFECT_HOME to another folder."
    ]


@pytest.mark.slow
def test_a_server_that_does_not_start_says_why(lonely, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/prefect.db").write_text("no database" * 100)
    flow = lonely.flow("--suites", "one")
    said, _ = flow.communicate(timeout=120)
    assert flow.returncode == 1
    (line,) = said.splitlines()
    assert line.startswith("reproduce: Prefect's temporary server did not start (")
    assert "file is not a database" in line
    assert len(line) <= 400


@pytest.mark.slow
def test_the_tests_own_server_ends_with_tests_that_are_killed(tmp_path, until):
    code = f"""
import runpy, time
from pathlib import Path
made = runpy.run_path({str(Path(__file__).with_name("conftest.py"))!r})
with made["prefect_server"](Path("home"), made["free_port"]()) as url:
    print(url, flush=True)
    time.sleep(300)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        url = tests.stdout.readline().strip()
        (server,) = psutil.Process(tests.pid).children()
        assert answers(url, seconds=30)
        tests.kill()
    until(lambda: not server.is_running(), 20)
    assert not answers(url, seconds=1)


def test_the_look_for_a_server_asks_no_proxy(server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert answers(server, seconds=30)
    assert not answers("http://127.0.0.1:9/api", seconds=1)


@pytest.mark.parametrize(
    ("before", "after"), [(None, "127.0.0.1,localhost"), ("example.org", "example.org,127.0.0.1,localhost")]
)
def test_this_machine_is_exempt_from_a_proxy(before, after):
    """Whatever is exempt already stays so, in upper or lower case."""
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9"} | ({"NO_PROXY": before} if before else {})
    for name in ("no_proxy", *(() if before else ("NO_PROXY",))):
        environment.pop(name, None)
    code = "import flows; from urllib.request import getproxies; print(getproxies()['no'])"
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip() == after
