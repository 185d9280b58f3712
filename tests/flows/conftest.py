"""A Prefect server of the test session, and a DVC workspace whose `mtcs` is a shell script that takes tests' orders."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
import yaml
from dvc.repo import Repo

os.environ["DO_NOT_TRACK"] = "1"  # before Prefect is imported, by whichever test

PARAMETERS = {
    "suites": {"one": {"tasks": ["A"]}, "two": {"tasks": ["B"]}},
    "seeds": [0, 1],
    "joint": ["mtl"],
    "single_task": [],
    "methods": {
        "mtl": {
            "kind": "multitask",
            "depth": 1,
            "hidden": 4,
            "output": 4,
            "sharing_weight": 0,
            "threshold": 2.0,
            "reduction": "mean",
            "schedule": {"epochs": 1, "batch_size": 8, "learning_rate": 0.01},
            "classifier": "svm",
        }
    },
    "classifiers": {"svm": {"kind": "svm", "C": [1]}},
}
PIPELINE = """
stages:
  download:
    foreach: ${suites}
    do:
      cmd: mtcs download ${key}
      params: ["suites.${key}"]
      outs: ["data/raw/${key}"]
  train:
    matrix:
      suite: [one, two]
      method: ${joint}
      seed: ${seeds}
    cmd: mtcs train ${item.method} ${item.suite} --seed ${item.seed}
    deps: ["data/raw/${item.suite}"]
    params: ["methods.${item.method}"]
    outs: ["results/${item.suite}/${item.method}/seed${item.seed}.json"]
  report:
    foreach: ${suites}
    do:
      cmd: mtcs report ${key}
      deps: ["results/${key}"]
      outs:
        - reports/${key}: {cache: false}
"""
PROGRAM = """#!/bin/sh
set -e
case $1 in
  download) out=data/raw/$2 ;;
  train) out=results/$3/$2/seed$5.json ;;
  report) out=reports/$2 ;;
esac
echo "$$ $*" >> started
if [ -f "before-$1" ]; then . "./before-$1"; fi
mkdir -p "$out"
echo "$*" > "$out/said"
if [ "$1" = report ]; then
  echo "| task | MTL |" > "$out/accuracy.md"
  svg='<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"></svg>'
  echo "<html><body><h1>Report of $2</h1>$svg</body></html>" > "$out/report.html"
  echo '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40"/></svg>' \\
    > "$out/overview.svg"
fi
echo "done: $*"
"""


class Workspace:
    """A small pipeline: download -> train, two seeds -> report, for two suites.

    What a test writes into `before-STAGE` is done by that command of `mtcs` first, as lines of shell.
    """

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root, self.environment = root, environment
        self.flows: list[subprocess.Popen[str]] = []
        (root / "bin").mkdir(parents=True)
        (root / "bin/mtcs").write_text(PROGRAM)
        (root / "bin/mtcs").chmod(0o755)
        (root / "params.yaml").write_text(yaml.safe_dump(PARAMETERS, sort_keys=False))
        (root / "dvc.yaml").write_text(PIPELINE)
        Repo.init(str(root), no_scm=True).close()

    def before(self, stage: str, lines: str) -> None:
        (self.root / f"before-{stage}").write_text(lines)

    def started(self) -> list[str]:
        """The commands of `mtcs` that were started, in order."""
        path = self.root / "started"
        return [line.partition(" ")[2] for line in path.read_text().splitlines()] if path.exists() else []

    def pids(self) -> list[int]:
        return [int(line.split()[0]) for line in (self.root / "started").read_text().splitlines()]

    def lock(self) -> dict[str, object]:
        return yaml.safe_load((self.root / "dvc.lock").read_text())

    def flow(self, *arguments: str) -> subprocess.Popen[str]:
        """The flow in a process of its own; it ends with the test."""
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.reproduce", *arguments],
            cwd=self.root,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.flows.append(process)
        return process

    def processes(self) -> list[psutil.Process]:
        """Stages of this workspace that are running, with what they started; `info` is as they were when listed."""
        running = []
        for process in psutil.process_iter(["pid", "cmdline", "cwd", "status"]):
            if process.info["cwd"] == str(self.root) and process.pid != os.getpid():
                words = process.info["cmdline"]  # none of a process that has just ended
                if words and process.info["status"] != psutil.STATUS_ZOMBIE and "flows.reproduce" not in words:
                    running.append(process)
        return running


def wait_for(what, seconds: float = 90.0):
    """The first true value of `what()`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := what():
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


# A shell starts what runs in its background with SIGINT ignored, and so would be all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def until():
    """`until(what, seconds)`: the first true value of `what()`."""
    return wait_for


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


ENDS_WITH_ITS_STARTER = """
import threading
from flows.server import _end_with_run
threading.Thread(target=_end_with_run, daemon=True).start()
from prefect.cli import app
app()
"""
"""`prefect`, which ends as the server of a run does: when nobody holds its standard input open, killed or not."""


@contextlib.contextmanager
def prefect_server(home: Path, port: int) -> Iterator[str]:
    """A server with its database in `home`; yields the address of its API."""
    url = f"http://127.0.0.1:{port}/api"
    home.mkdir(exist_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_UI_API_URL": url,
        "DO_NOT_TRACK": "1",
    }
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", ENDS_WITH_ITS_STARTER, *f"server start --port {port} --host 127.0.0.1".split()],
            env=environment,
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def answers() -> bool:
        assert process.poll() is None, (home / "server.log").read_text()
        try:
            with urlopen(f"{url}/health", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    try:
        wait_for(answers, 240)
        yield url
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


@pytest.fixture(scope="session")
def server_at():
    """`server_at(home)`: a context with a server of its own, whose database stays in `home`."""
    return lambda home: prefect_server(home, free_port())


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server's API; nothing touches the user's database."""
    import prefect.settings as settings
    from prefect.logging.handlers import APILogWorker

    home = tmp_path_factory.mktemp("prefect")
    with prefect_server(home / "server", free_port()) as url:
        ours = {settings.PREFECT_API_URL: url, settings.PREFECT_HOME: home, settings.PREFECT_PROFILES_PATH: home / "p"}
        with settings.temporary_settings(ours), pytest.MonkeyPatch.context() as patch:
            patch.setenv("PREFECT_API_URL", url)
            patch.setenv("PREFECT_HOME", str(home))
            yield url
            APILogWorker.drain_all(timeout=30)  # lines of logs that are on their way


@pytest.fixture
def workspace(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The small pipeline in the current folder, with nothing of the user's configuration.

    A test that leaves a stage behind fails.
    """
    root = tmp_path / "workspace"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    for name in ("GLOBAL_CONFIG", "SYSTEM_CONFIG", "SITE_CACHE"):
        monkeypatch.setenv(f"DVC_{name}_DIR", str(tmp_path / name))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    made = Workspace(root, dict(os.environ))
    monkeypatch.chdir(root)
    yield made
    for flow in made.flows:
        with flow:
            flow.kill()
    left = made.processes()
    described = [process.info for process in left]
    for process in left:
        process.kill()
    assert not described
