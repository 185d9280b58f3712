"""How long DVC's index and a flow's graph take, by the number of stages.

    python benchmarks/index_time.py [--runs 40 400 4000]

A synthetic dvc.yaml has, for each run (one task, method and seed), the stages train, represent and classify, with as
many dependencies as the project's own, and one download, normalize and report for each hundred runs. Times are CPU
seconds of this process, so that they mean the same on a busy machine. `select` is what a flow does at its start,
`up to date` its look at one stage that has never run, and `record` what DVC does in dvc.lock after each stage.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

PER_SUITE = 100
CODE = [f"code{i}.py" for i in range(6)]


def write(folder: Path, runs: int) -> None:
    """A workspace of that many runs."""
    suites = {f"suite{i}": {"tasks": ["a"]} for i in range(-(-runs // PER_SUITE))}
    each = {"suite": list(suites), "method": ["m"], "seed": list(range(min(runs, PER_SUITE)))}

    def stage(name: str, inputs: list[str], out: str) -> dict[str, object]:
        run = "${item.suite}/${item.method}/seed${item.seed}"
        deps = [*CODE, "data/normalized/${item.suite}", *(f"data/{one}/{run}" for one in inputs)]
        return {
            "matrix": each,
            "cmd": f"mtcs {name} ${{item.method}} ${{item.suite}} --seed ${{item.seed}}",
            "deps": deps,
            "params": ["suites.${item.suite}"],
            "outs": [f"data/{out}/{run}"],
        }

    def suite(name: str, deps: list[str], out: str) -> dict[str, object]:
        one = {"cmd": f"mtcs {name} ${{key}}", "deps": deps, "params": ["suites.${key}"], "outs": [out]}
        return {"foreach": "${suites}", "do": one}

    stages = {
        "download": suite("download", CODE[:1], "data/raw/${key}"),
        "normalize": suite("normalize", ["data/raw/${key}"], "data/normalized/${key}"),
        "train": stage("train", [], "models"),
        "represent": stage("represent", ["models"], "representations"),
        "classify": stage("classify", ["representations"], "predictions"),
        "report": suite("report", ["data/models/${key}", "data/predictions/${key}"], "reports/${key}"),
    }
    (folder / "params.yaml").write_text(yaml.safe_dump({"suites": suites}))
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    for name in CODE:
        (folder / name).write_text("")


def write_lock(folder: Path, stages: dict[str, Any]) -> None:
    """A dvc.lock in which each stage has as many lines as in the project's own, about 25."""
    digest = {"hash": "md5", "md5": "0" * 32, "size": 1000}
    entry = {
        "deps": [{"path": path, **digest} for path in (*CODE[:3], "data/normalized/suite0")],
        "params": {"params.yaml": {"suites.suite0": {"tasks": ["a"]}}},
        "outs": [{"path": "data/models/suite0", **digest}],
    }
    lock = {name: {"cmd": stage.command, **entry} for name, stage in stages.items()}
    text = yaml.dump({"schema": "2.0", "stages": lock}, Dumper=NoAliases, sort_keys=False)
    (folder / "dvc.lock").write_text(text)


class NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def measure(folder: Path) -> None:
    """Print one row of the table, about the workspace in `folder`."""
    from dvc.repo import Repo
    from dvc.utils.serialize import modify_yaml

    from flows.graph import Graph

    Repo.init(str(folder), no_scm=True).close()
    start = time.process_time()
    graph = Graph(folder)
    opened = time.process_time()
    stages = graph.select()
    selected = time.process_time()
    names = list(stages)[:20]
    for name in names:
        graph.is_up_to_date(name)
    looked = (time.process_time() - selected) / len(names)
    write_lock(folder, stages)
    before = time.process_time()
    with modify_yaml(str(folder / "dvc.lock")):  # what DVC does after a stage
        pass
    recorded = time.process_time() - before
    opened, selected = opened - start, selected - opened
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(stages):7,} stages: index and graph {opened:7.2f} s ({1e3 * opened / len(stages):.2f} ms a stage), "
        f"select {selected:6.2f} s, up to date {1e3 * looked:.1f} ms, record {recorded:.2f} s, memory {memory:.0f} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[40, 400, 4000])
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)  # a process of its own for each size
    given = parser.parse_args()
    if given.one:
        return measure(given.one)
    for runs in given.runs:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), runs)
            subprocess.run([sys.executable, __file__, "--one", folder], check=True)
    return None


if __name__ == "__main__":
    main()
