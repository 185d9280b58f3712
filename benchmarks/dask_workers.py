"""Two Dask workers against one, on systems that learn one data set each.

    python benchmarks/dask_workers.py [--tasks ACSF1 ArrowHead ...] [--epochs 20] [--repeats 1]

Six suites of one small task each (data inside the aeon package), trained, represented and classified by MTL, one
thread a stage. The same flow runs them on a local Dask cluster of one worker and of two, in turn; a time is from the
start of the first stage to the end of the last. Efficiency is the speed-up over the number of workers. It needs two
cores that are otherwise idle; the load before each run is printed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

import httpx
import yaml

TASKS = ["ACSF1", "ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf", "PickupGestureWiimoteZ"]
RUN = "${key}/mtl/seed0"


def pipeline() -> dict[str, Any]:
    """A dvc.yaml of five stages for each suite."""

    def stage(command: str, deps: list[str], outs: list[str]) -> dict[str, Any]:
        return {"foreach": "${suites}", "do": {"cmd": f"mtcs {command}", "deps": deps, "outs": outs}}

    normalized, model = "data/normalized/${key}", f"data/models/{RUN}"
    return {
        "stages": {
            "download": stage("download ${key}", [], ["data/raw/${key}"]),
            "normalize": stage("normalize ${key}", ["data/raw/${key}"], [normalized]),
            "train": stage("train mtl ${key} --seed 0", [normalized], [model]),
            "represent": stage("represent mtl ${key} --seed 0", [normalized, model], [f"data/representations/{RUN}"]),
            "classify": stage(
                "classify mtl ${key} --seed 0", [normalized, f"data/representations/{RUN}"], [f"data/predictions/{RUN}"]
            ),
        }
    }


def parameters(tasks: list[str], epochs: int) -> dict[str, Any]:
    method = {"kind": "multitask", "depth": 10, "hidden": 64, "output": 320}
    method |= {"sharing_weight": 0, "threshold": 2.0, "reduction": "mean", "classifier": "svm"}
    method["schedule"] = {"epochs": epochs, "batch_size": 32, "learning_rate": 0.001}
    return {
        "suites": {task.lower(): {"source": "aeon", "tasks": [task]} for task in tasks},
        "seeds": [0],
        "joint": ["mtl"],
        "single_task": [],
        "methods": {"mtl": method},
        "classifiers": {"svm": {"kind": "svm", "C": [0.1, 1, 10, 100]}},
    }


def server(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A Prefect server; its address is put into `environment`."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    environment |= {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    while process.poll() is None:
        try:
            with urlopen(f"{environment['PREFECT_API_URL']}/health", timeout=5):
                return process
        except OSError:
            time.sleep(0.5)
    raise SystemExit("The Prefect server ended.")


def seconds(folder: Path, environment: dict[str, str], workers: int) -> float:
    """From the start of the first stage that is run to the end of the last, in a copy of the prepared workspace."""
    workspace = folder / f"run{workers}"
    shutil.rmtree(workspace, ignore_errors=True)
    shutil.copytree(folder / "prepared", workspace)
    command = [sys.executable, "-m", "flows.reproduce", "--methods", "mtl", "--dask", "--workers", str(workers)]
    done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    name = next((workspace / ".flows/logs").iterdir()).name
    wanted = {"flow_runs": {"name": {"any_": [name]}}, "task_runs": {"state": {"name": {"any_": ["Completed"]}}}}
    runs = httpx.post(f"{environment['PREFECT_API_URL']}/task_runs/filter", json=wanted).json()
    begun = min(datetime.fromisoformat(run["start_time"]) for run in runs)
    ended = max(datetime.fromisoformat(run["end_time"]) for run in runs)
    return (ended - begun).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "PREFECT_"))}
    environment |= {"MTCS_WORKERS": "1", "OMP_NUM_THREADS": "1", "DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared = folder / "prepared"
        prepared.mkdir()
        (prepared / "dvc.yaml").write_text(yaml.safe_dump(pipeline()))
        (prepared / "params.yaml").write_text(yaml.safe_dump(parameters(given.tasks, given.epochs)))
        for command in (["init", "--no-scm", "--quiet"], ["repro", "--quiet", "normalize"]):
            subprocess.run([sys.executable, "-m", "dvc", *command], cwd=prepared, env=environment, check=True)
        process = server(folder, environment)
        try:
            times: dict[int, list[float]] = {1: [], 2: []}
            for _ in range(given.repeats):
                for workers, durations in times.items():
                    load = os.getloadavg()[0]
                    durations.append(seconds(folder, environment, workers))
                    print(f"{workers} workers: {durations[-1]:.1f} s (load before: {load:.1f})", flush=True)
            speed_up = median(times[1]) / median(times[2])
            print(f"speed-up of two workers over one: {speed_up:.2f}, efficiency {speed_up / 2:.2f}")
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
