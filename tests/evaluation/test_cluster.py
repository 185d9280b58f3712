"""Classification by the workers of a Dask cluster: what one machine finds, and what is said when there is none."""

from __future__ import annotations

import gc
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from mtcs.cli import app
from mtcs.data.task import Split, Task, fingerprint, write_index, write_task
from mtcs.errors import WorkError
from mtcs.evaluation.cluster import on_cluster
from mtcs.evaluation.records import RepresentationSources, write_record
from mtcs.evaluation.representations import Representations, write_representations
from mtcs.layout import Layout, Run

dask = pytest.importorskip("dask", reason="needs the extra 'cluster'")
distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")

LAYOUT = Layout()
TASKS = ("First", "Second", "Third")
PARAMS = {
    "suites": {"tiny": {"tasks": list(TASKS)}},
    "seeds": [0],
    "joint": ["contrast"],
    "single_task": ["dtw"],
    "methods": {
        "contrast": {
            "kind": "ts2vec",
            "depth": 1,
            "hidden": 4,
            "output": 8,
            "schedule": {"steps": 1, "batch_size": 8, "learning_rate": 0.01},
            "classifier": "svm",
        },
        "dtw": {"kind": "dtw", "classifier": "nearest"},
    },
    "classifiers": {"svm": {"kind": "svm", "C": [1, 10], "folds": 2}, "nearest": {"kind": "nearest_neighbour"}},
}


@pytest.fixture(autouse=True)
def workspace(here: Path) -> None:
    """Representations of three tasks, in the current folder."""
    LAYOUT.params.write_text(yaml.safe_dump(PARAMS, sort_keys=False))
    fingerprints: dict[str, str] = {}
    rng = np.random.default_rng(0)
    for name in TASKS:
        labels = np.arange(60, dtype=np.int64) % 2
        train, test = (Split(rng.normal(size=(60, 9)).astype(np.float32), labels) for _ in range(2))
        task = Task(name, train, test, ("no", "yes"))
        write_task(LAYOUT.normalized("tiny", name), task)
        fingerprints[name] = fingerprint(task)
        result = [(rng.normal(size=(60, 8)) + labels[:, None]).astype(np.float32) for _ in range(2)]
        write_representations(Run("tiny", "contrast", 0).representation(name), Representations(*result, None))
        alike = Representations(train.series, test.series, None)
        write_representations(Run("tiny", "dtw", 0).representation(name), alike)
    write_index(LAYOUT.normalized_suite("tiny"), list(fingerprints), list(fingerprints.values()))
    for method in ("contrast", "dtw"):
        sources = RepresentationSources(weights={}, tasks=fingerprints, representations={})
        write_record(Run("tiny", method, 0).represented, sources)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Address of a scheduler with two workers, processes of their own."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
    ) as started:
        yield started.scheduler_address


def made(method: str) -> dict[Path, bytes]:
    """What classification has written, which is then removed."""
    paths = [
        path for kind in ("predictions", "classifiers") for path in Path("data", kind, "tiny", method).rglob("*.*")
    ]
    content = {path: path.read_bytes() for path in paths}
    for path in paths:
        path.unlink()
    return content


def fails(code: int, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["classify", "contrast", "tiny", *arguments])
    assert done.exit_code == code, done.output
    return done.stderr.splitlines()[-1].removeprefix("mtcs: ")


@pytest.mark.parametrize("method", ["contrast", "dtw"])
def test_workers_find_what_one_machine_finds(cluster, monkeypatch, method):
    alone = CliRunner().invoke(app, ["classify", method, "tiny"])
    assert alone.exit_code == 0, alone.output
    expected = made(method)
    assert len(expected) == 2 * len(TASKS) + 1
    monkeypatch.setenv("MTCS_DASK", cluster)
    shared = CliRunner().invoke(app, ["classify", method, "tiny"])
    assert shared.exit_code == 0, shared.output
    assert made(method) == expected
    assert shared.stdout == alone.stdout
    assert "classify tiny: 3/3 tasks" in shared.stderr
    with distributed.Client(cluster) as client:
        ran = client.run(lambda dask_worker: len(dask_worker.state.log) > 0)
    assert list(ran.values()) == [True, True], "both took part"


def test_error_on_a_worker_is_the_error_here(cluster):
    path = Run("tiny", "contrast", 0).representation("Second")
    bad = np.full((60, 8), np.nan, dtype=np.float32)
    write_representations(path, Representations(bad, bad, None))
    said = fails(2, "--dask", cluster)
    assert said == (
        f"{path.absolute()} has no finite representation of training series 0; "
        "run 'mtcs represent contrast tiny --seed 0'."
    )


def test_no_scheduler(monkeypatch):
    monkeypatch.setattr("mtcs.evaluation.cluster.CONNECT_TIMEOUT", 0.2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        said = fails(2, "--dask", address)
    assert said.startswith(f"dask: no scheduler answers at {address} (")
    assert said.endswith("); start one with 'dask scheduler', or correct --dask or MTCS_DASK.")


def test_address_that_is_none():
    assert fails(2, "--dask", "htp://nowhere").startswith("dask: no scheduler answers at htp://nowhere (")
    assert "SECRET" not in fails(2, "--dask", "tcp://me:SECRET@127.0.0.1:1")
    gc.collect()  # clients that never connected; collected later, on the thread of their loop, they wait for themselves


def test_no_worker(monkeypatch):
    monkeypatch.setattr("mtcs.evaluation.cluster.CONNECT_TIMEOUT", 0.2)
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0", host="127.0.0.1") as empty:
        address = empty.scheduler_address
        expected = f"The cluster at {address} has no worker; start one: 'dask worker {address}'."
        assert fails(1, "--dask", address) == expected


def test_workers_that_die():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1") as frail,
        pytest.raises(WorkError, match=r"^Workers of the cluster at tcp://127.0.0.1:\d+ died at this work"),
    ):
        on_cluster(frail.scheduler_address, os._exit, [(1,)], lambda done: None)


def test_scheduler_that_is_lost():
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1") as frail:

        def hang_up(done: int) -> None:
            if done:
                frail.loop.add_callback(lambda: [one.abort() for one in list(frail.scheduler.client_comms.values())])

        with pytest.raises(WorkError, match=r"^The scheduler at tcp://127.0.0.1:\d+ was lost at this work; repeat the"):
            on_cluster(frail.scheduler_address, time.sleep, [(0.1,)] * 50, hang_up)
