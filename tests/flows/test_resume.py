"""A whole run of a tiny suite by the real `mtcs`: killed in the middle of training, it ends with the same weights."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

STAGES: dict[str, Any] = {
    "download": {"cmd": "mtcs download tiny", "outs": ["data/raw/tiny"]},
    "normalize": {"cmd": "mtcs normalize tiny", "deps": ["data/raw/tiny"], "outs": ["data/normalized/tiny"]},
    "train": {
        "cmd": "mtcs train mtcs tiny --seed 0",
        "deps": ["data/normalized/tiny"],
        "outs": ["data/models/tiny/mtcs/seed0"],
    },
    "represent": {
        "cmd": "mtcs represent mtcs tiny --seed 0",
        "deps": ["data/normalized/tiny", "data/models/tiny/mtcs/seed0"],
        "outs": ["data/representations/tiny/mtcs/seed0"],
    },
    "classify": {
        "cmd": "mtcs classify mtcs tiny --seed 0",
        "deps": ["data/normalized/tiny", "data/representations/tiny/mtcs/seed0"],
        "outs": ["data/predictions/tiny/mtcs/seed0"],
    },
    "measure": {
        "cmd": "mtcs measure mtcs tiny --seed 0",
        "deps": ["data/predictions/tiny/mtcs/seed0"],
        "outs": ["results/tiny/mtcs/seed0.json"],
    },
}


def archive(folder: Path) -> None:
    """Two tasks of noisy waves, as zips."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("Short", "Long"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as file:
            for part, count in (("TRAIN", 24), ("TEST", 10)):
                lines = [f"@problemName {name}", "@timestamps false", "@univariate true", "@equalLength true"]
                lines += ["@classLabel true slow fast", "@data"]
                for i in range(count):
                    wave = np.sin(np.linspace(0, (2 + 4 * (i % 2)) * np.pi, 40)) + 0.1 * rng.normal(size=40)
                    lines.append(",".join(f"{value:.4f}" for value in wave) + (":slow", ":fast")[i % 2])
                file.writestr(f"{name}_{part}.ts", "\n".join(lines) + "\n")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """An archive that is out of order for its first ten requests, two whole runs of `mtcs download`."""
    archive(tmp_path / "archive")
    requested: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            if len(requested) <= 10:
                self.send_error(503)
                return
            body = (tmp_path / "archive" / self.path.lstrip("/")).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{{name}}.zip", requested
        server.shutdown()
        thread.join()


@pytest.fixture
def tiny(workspace, tmp_path):
    """The workspace with stages of the real `mtcs`, and parameters of which training takes some seconds."""
    (workspace.root / "bin/mtcs").unlink()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    workspace.environment |= {"PATH": path, "MTCS_WORKERS": "1"}
    parameters = yaml.safe_load((workspace.root / "params.yaml").read_text())
    method = parameters["methods"].pop("mtl") | {"depth": 4, "hidden": 16, "output": 16, "sharing_weight": 0.1}
    parameters["methods"]["mtcs"] = method
    parameters |= {"suites": {"tiny": {"tasks": ["Short", "Long"]}}, "seeds": [0], "joint": ["mtcs"]}
    method["schedule"]["epochs"] = 100
    (workspace.root / "params.yaml").write_text(yaml.safe_dump(parameters))
    (workspace.root / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}))
    return workspace


def weights(workspace) -> str:
    path = workspace.root / "data/models/tiny/mtcs/seed0/joint.safetensors"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_training_that_is_killed_ends_with_the_same_weights(tiny, tmp_path, until, served):
    url, requested = served
    tiny.environment["MTCS_ARCHIVE"] = url
    flow = tiny.flow("--suites", "tiny", "--methods", "mtcs")
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(flow.stdout))
    reader.start()

    def training() -> list[psutil.Process]:
        if not list(tiny.root.glob(".checkpoints/*.safetensors")):
            return []
        result = [one for one in tiny.processes() if {"train", "mtcs"} <= set(one.info["cmdline"])]
        return [one for one in result if "flows.child" not in one.info["cmdline"]]

    for process in until(training, 400):
        process.send_signal(signal.SIGKILL)
    flow.wait(400)
    reader.join()
    said = "".join(lines)
    assert flow.returncode == 0, said
    assert len(requested) == 12, "five attempts in each of two runs that fail, and two in the third"
    for retry in ("Retry 1/4", "Retry 2/4", "Retry 1/1"):
        assert f"{retry} will start" in said
    assert "Continuing after epoch" in said
    assert (tiny.root / "results/tiny/mtcs/seed0.json").is_file()

    killed = weights(tiny)
    shutil.rmtree(tiny.root / "data/models")
    subprocess.run(
        ["mtcs", "train", "mtcs", "tiny", "--seed", "0"], cwd=tiny.root, env=tiny.environment, check=True, timeout=400
    )
    assert weights(tiny) == killed
