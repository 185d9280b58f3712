"""Stages on Dask's workers, and a cache that machines share."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from flows import pipeline
from flows.flow import reproduce
from flows.graph import Stage
from flows.pipeline import _variables
from flows.runners import Slots, runner_for
from mtcs.errors import InputError

distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")


def stage(command: str) -> Stage:
    return Stage("some@one", command, ())


def test_one_stage_at_a_time_on_each_gpu_and_others_beside_it():
    slots = Slots(3, ["0", "2"])
    train, report = stage("mtcs train mtl one --seed 0"), stage("mtcs report one")
    assert [slots.take(train), slots.take(train)] == ["0", "2"]
    assert not slots.has_room(train)
    assert slots.has_room(report)
    assert slots.take(report) is None
    assert not slots.has_room(report)
    slots.give("2")
    assert slots.take(train) == "2"


def test_gpus_of_a_cluster_are_its_resources():
    from dask.base import get_annotations

    slots = Slots(9, None, dask_gpus=True)
    with slots.annotation(stage("mtcs train mtl one --seed 0")):
        assert get_annotations() == {"resources": {"GPU": 1}}
    with slots.annotation(stage("mtcs classify mtl one --seed 0")):
        assert get_annotations() == {}


def test_a_cluster_needs_a_server_that_its_workers_reach(monkeypatch):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: None}), pytest.raises(InputError, match="run 'prefect server start'"):
        runner_for(2, "local")


def test_a_scheduler_that_does_not_answer_is_one_line():
    import dask
    from prefect_dask.task_runners import DaskTaskRunner

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        runner = DaskTaskRunner(address="tcp://127.0.0.1:9")
        with pytest.raises(InputError, match=r"^dask: no scheduler answers at tcp://127\.0\.0\.1:9 \(.*\); start one"):
            Slots.of(runner, "cpu", 1)


@pytest.mark.parametrize(("dask", "expected"), [(None, "tcp://there:8786"), ("local", ""), ("tcp://there:8786", "")])
def test_stages_on_a_cluster_compute_where_they_run(monkeypatch, dask, expected):
    monkeypatch.setenv("MTCS_DASK", "tcp://there:8786")
    assert _variables("cpu", dask, None)["MTCS_DASK"] == expected


@pytest.mark.slow
def test_two_workers_do_what_one_does(workspace, tmp_path):
    flow = workspace.flow("--dask", "local", "--workers", "2")
    said, _ = flow.communicate(timeout=280)
    assert flow.returncode == 0, said
    assert len(workspace.started()) == 8
    done = workspace.lock()
    for name in ("data", "dvc.lock", "reports"):
        (workspace.root / name).rename(tmp_path / name)
    subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "--no-run-cache"],
        cwd=workspace.root,
        env=workspace.environment,
        check=True,
    )
    assert workspace.lock() == done
    assert len(workspace.started()) == 16


@pytest.mark.slow
def test_flow_that_is_killed_leaves_nothing_on_the_cluster(workspace, until):
    workspace.before("train", "sleep 300 & sleep 300")
    flow = workspace.flow("--dask", "local", "--workers", "2")
    until(lambda: len([line for line in workspace.started() if line.startswith("train")]) == 2, 200)
    flow.kill()
    flow.communicate(timeout=60)
    until(lambda: not workspace.processes(), 30)


@pytest.fixture
def bucket(monkeypatch):
    """An S3 server on this machine, with one bucket."""
    moto = pytest.importorskip("moto.server", reason="needs moto")
    boto3 = pytest.importorskip("boto3", reason="needs boto3")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
    client.create_bucket(Bucket="cache")
    yield f"http://{host}:{port}", client
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "s3"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of botocore, moto and pygtrie
def test_what_a_run_made_is_pushed_to_the_default_remote(workspace, tmp_path, request, kind):
    def dvc(*arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "dvc", *arguments], cwd=workspace.root, env=os.environ, check=True, timeout=120
        )

    if kind == "s3":
        endpoint, client = request.getfixturevalue("bucket")
        dvc("remote", "add", "--default", "shared", "s3://cache/mtcs")
        dvc("remote", "modify", "shared", "endpointurl", endpoint)
    else:
        client = None
        dvc("remote", "add", "--default", "shared", str(tmp_path / "remote"))
    state = reproduce(suites=["one"], return_state=True)
    assert state.is_completed()
    out = yaml.safe_load((workspace.root / "dvc.lock").read_text())["stages"]["train@one-mtl-0"]["outs"][0]
    key = f"files/md5/{out['md5'][:2]}/{out['md5'][2:]}"
    if client is not None:
        keys = {entry["Key"] for entry in client.list_objects_v2(Bucket="cache")["Contents"]}
        assert f"mtcs/{key}" in keys
    else:
        assert (tmp_path / "remote" / key).exists()


class Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(403)

    do_HEAD = do_POST = do_PUT = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pygtrie
def test_addresses_are_shown_without_passwords(workspace, monkeypatch, caplog):
    """Those that stages print, and that of a remote which refuses."""
    monkeypatch.setattr(pipeline, "push", pipeline.push.with_options(retries=0))
    workspace.before("download", "echo 'from http://user:SECRET@there/A.zip?sig=SECRET'")
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        remote = "[core]\nno_scm = True\nremote = shared\n['remote \"shared\"']\n"
        remote += f"url = http://user:SECRET@127.0.0.1:{server.server_port}/cache?sig=SECRET\n"
        (workspace.root / ".dvc/config").write_text(remote)
        state = reproduce(suites=["one"], seeds=[0], return_state=True)
        server.shutdown()
        thread.join()
    assert state.is_failed()
    assert state.message.startswith("dvc push failed: ")
    (log,) = (workspace.root / ".flows/logs").rglob("download@one.log")
    assert "from http://there/A.zip" in log.read_text().splitlines()
    assert f"url='http://127.0.0.1:{server.server_port}/cache'" in caplog.text
    assert "SECRET" not in state.message + caplog.text + log.read_text()
