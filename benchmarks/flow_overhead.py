"""What a flow costs beyond `dvc repro`: the stages of a suite, with commands that take no time.

    python benchmarks/flow_overhead.py [--suite demo] [--methods METHOD ...] [--work 540]

The project's own dvc.yaml and params.yaml are run in two empty workspaces, by `dvc repro` and by the flow with one
worker, with an `mtcs` that only writes what the stage must write. What is left is what DVC and Prefect themselves
take: in seconds by the clock, and in CPU seconds of all processes, the server's included, which mean the same on a
busy machine. Then once more, with everything up to date. `--work` is how many seconds the suite's commands really
take (540: the demo on two quiet cores when it had two methods and five seeds); the ratio is of both sums.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = """#!/bin/sh
if [ "$1" = code ]; then mkdir -p data; exec cp "$OUTS/code.json" data/code.json; fi
while read -r out; do mkdir -p "$(dirname "$out")"; echo "$*" > "$out"; done < "$OUTS/$(echo "$*" | tr ' ' _)"
"""


def prepare(folder: Path, suite: str, methods: list[str]) -> tuple[dict[str, str], list[str]]:
    """Two workspaces `dvc` and `flow` in `folder`; returns their environment and the names of the stages to run."""
    from dvc.repo import Repo

    from flows.graph import Graph

    for name in ("dvc", "flow"):
        (folder / name).mkdir()
        for part in ("dvc.yaml", "params.yaml"):
            shutil.copy(ROOT / part, folder / name)
        shutil.copytree(ROOT / "mtcs", folder / name / "mtcs", ignore=shutil.ignore_patterns("__pycache__"))
        Repo.init(str(folder / name), no_scm=True).close()
    (folder / "bin").mkdir()
    (folder / "bin/mtcs").write_text(PROGRAM)
    (folder / "bin/mtcs").chmod(0o755)
    (folder / "outs").mkdir()
    graph = Graph(folder / "dvc")
    stages = graph.select(suites=[suite], methods=methods)
    outs = {stage.addressing: [out.def_path for out in stage.outs] for stage in graph.repo.index.stages}
    for stage in stages.values():
        paths = "".join(f"{out}\n" for out in outs[stage.name])
        if stage.words[1] == "report":  # the flow shows the report's table
            paths = f"{outs[stage.name][0]}/accuracy.md\n{outs[stage.name][0]}/report.html\n"
        (folder / "outs" / "_".join(stage.words[1:])).write_text(paths)
    subprocess.run(["mtcs", "code"], cwd=folder / "dvc", check=True)
    (folder / "dvc/data/code.json").rename(folder / "outs/code.json")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MTCS_", "DVC_"))}
    environment |= {
        "PATH": f"{folder / 'bin'}{os.pathsep}{environment['PATH']}",
        "OUTS": str(folder / "outs"),
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
        "PREFECT_HOME": str(folder / "prefect"),
        "DVC_NO_ANALYTICS": "1",
    }
    return environment, [name.rpartition(":")[2] for name in stages]  # without the path from here


def run(folder: Path, environment: dict[str, str], *command: str) -> tuple[float, float]:
    """Seconds by the clock, and CPU seconds of the command and all its descendants."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="demo")
    parser.add_argument("--methods", nargs="+", default=[], help="their results only, and no report")
    parser.add_argument("--work", type=float, default=540.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment, stages = prepare(folder, given.suite, given.methods)
        count = len(stages)
        print(json.dumps({"suite": given.suite, "stages": count, "cores": os.cpu_count(), "load": os.getloadavg()[0]}))
        flow = ["flows.reproduce", "--suites", given.suite, "--workers", "1"]
        flow += ["--methods", *given.methods] if given.methods else []
        run(folder / "dvc", environment, "flows.reproduce", "--help")  # files are in memory, for both
        for what in ("all to do", "up to date"):
            clock, work = run(folder / "dvc", environment, "dvc", "repro", "--single-item", *stages)
            flow_clock, flow_work = run(folder / "flow", environment, *flow)
            print(
                f"{what}: dvc repro {clock:.1f} s ({work:.1f} CPU), flow {flow_clock:.1f} s ({flow_work:.1f} CPU); "
                f"more by {flow_clock - clock:.1f} s ({flow_work - work:.1f} CPU), "
                f"{(flow_clock - clock) / count:.2f} s a stage ({(flow_work - work) / count:.2f} CPU)",
                flush=True,
            )
            if what == "all to do":
                ratio = (given.work + flow_work) / (given.work + work)
                print(f"with {given.work:.0f} s of work: {ratio:.3f} of dvc repro, counted in CPU seconds", flush=True)


if __name__ == "__main__":
    main()
