"""Commands that are killed at any moment: what they leave is whole, and the same commands then end as ever.

Of ten, nine are commands of `mtcs` in a process that has its libraries, and one is a `dvc repro` with its children.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, mkdtemp

import mtcs.classifiers.classify  # before the first fork, so that no command spends its time on it
import mtcs.reports.page
import mtcs.stages
import mtcs.training.loop  # noqa: F401
from fuzz.stages import METHODS, STAGES, inside, result, write_workspace
from tests.command_line import run

COMMANDS = [["download"], ["normalize"], *([stage, method] for method in METHODS for stage in STAGES[:4]), ["report"]]
OUTPUTS = {
    "train": ("models", "training"),
    "represent": ("representations",),
    "classify": ("predictions", "classifiers"),
}
DVC_STAGES = [
    ("download", "", "data/raw/tiny"),
    ("normalize", "", "data/normalized/tiny"),
    ("train", "dtw", "data/models/tiny/dtw"),
    ("represent", "dtw", "data/representations/tiny/dtw"),
    ("classify", "dtw", "data/predictions/tiny/dtw"),
    ("measure", "dtw", "results/tiny/dtw"),
]
"""Stages of a pipeline, each with its method, and its output, of which the next is made."""
SAME = (".npz", ".safetensors", ".ts")
"""Of files that are the same bytes whenever they are written."""


def check(number: int) -> str:
    """Try a kill: "killed", or "done" before it. AssertionError if what a killed command left is wrong."""
    random = Random(number)
    if number % 10 == 9:
        return _check_dvc(random)
    i = random.randrange(len(COMMANDS))
    with TemporaryDirectory(prefix="mtcs-fuzz-") as name:
        folder, command = Path(name, "workspace"), COMMANDS[i]
        expected, seconds = finished()
        shutil.copytree(expected, folder)
        if random.random() < 0.5:
            for kind in OUTPUTS.get(command[0], ()):  # as DVC does
                shutil.rmtree(folder / "data" / kind / "tiny" / command[1])
        killed = _in_child(folder, [command], random.uniform(0, seconds[i]))
        _check_whole(folder, expected)
        assert not _in_child(folder, COMMANDS[i:])
        for method in METHODS:
            assert result(folder, method) == result(expected, method), f"{command}, then {method}: another result"
    return "killed" if killed else "done"


def _check_dvc(random: Random) -> str:
    """Kill a `dvc repro` that has some stage to run again, with all its children, and run it once more."""
    expected, seconds = finished_by_dvc()
    with TemporaryDirectory(prefix="mtcs-fuzz-") as name:
        folder = Path(shutil.copytree(expected, Path(name, "workspace")))
        shutil.rmtree(folder / random.choice([output for _, _, output in DVC_STAGES]))
        killed = _repro(folder, random.uniform(0, seconds))
        _check_whole(folder, expected)
        _repro(folder)
        assert result(folder, "dtw") == result(expected, "dtw"), "dvc repro: another result"
    return "killed" if killed else "done"


def _check_whole(folder: Path, expected: Path) -> None:
    """AssertionError if a file under its name is not as in `expected`; hidden ones are on their way there."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_dir() or any(part.startswith(".") for part in name.parts):
            continue
        if path.suffix in SAME:
            assert path.read_bytes() == (expected / name).read_bytes(), f"{name} is not whole"
        elif path.suffix == ".json":
            json.loads(path.read_bytes())


@cache
def finished_by_dvc() -> tuple[Path, float]:
    """A workspace in which `dvc repro` has run the stages of one method, and the seconds that the last of them took."""
    folder = Path(mkdtemp(prefix="mtcs-fuzz-finished-"))
    write_workspace(folder)
    stages = {
        stage: {"cmd": f"mtcs {stage} {method} tiny", "deps": [needs], "outs": [{output: {"cache": False}}]}
        for (stage, method, output), needs in zip(DVC_STAGES, ["archive", *(one for _, _, one in DVC_STAGES)])  # noqa: B905  # one more
    }
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    subprocess.run(["dvc", "init", "-q", "--no-scm"], cwd=folder, check=True)
    _repro(folder)
    shutil.rmtree(folder / DVC_STAGES[-1][-1])
    start = time.monotonic()
    _repro(folder)
    return folder, time.monotonic() - start


def _repro(folder: Path, kill_after: float | None = None) -> bool:
    """Run `dvc repro`; whether it was killed. AssertionError if it fails."""
    settings = {"MTCS_ARCHIVE": "archive", "MTCS_WORKERS": "1", "MTCS_DEVICE": "cpu"}
    process = subprocess.Popen(
        ["dvc", "repro", "-q", "--no-run-cache"],
        cwd=folder,
        env=os.environ | settings,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, said
    return False


@cache
def finished() -> tuple[Path, list[float]]:
    """A workspace in which all commands were run, and the seconds that each took."""
    folder = Path(mkdtemp(prefix="mtcs-fuzz-finished-"))
    write_workspace(folder)
    seconds = []
    for command in COMMANDS:
        start = time.monotonic()
        _in_child(folder, [command])
        seconds.append(time.monotonic() - start)
    return folder, seconds


def _in_child(folder: Path, commands: list[list[str]], kill_after: float | None = None) -> bool:
    """Run commands in a process of their own; whether it was killed. AssertionError if one fails."""
    child = os.fork()
    if child == 0:
        os._exit(_run_all(folder, commands))
    deadline = None if kill_after is None else time.monotonic() + kill_after
    while True:
        pid, status = os.waitpid(child, os.WNOHANG if deadline else 0)
        if pid:
            assert os.waitstatus_to_exitcode(status) == 0, f"{commands} failed, see above"
            return False
        if deadline and time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return True
        time.sleep(0.002)


def _run_all(folder: Path, commands: list[list[str]]) -> int:
    try:
        with inside(folder):
            for command in commands:
                code, _, said = run(*command, "tiny")
                if code:
                    print(f"{command}: {said}", flush=True)
                    return 1
    except BaseException as error:  # the child ends here, whatever happens
        print(repr(error), flush=True)
        return 1
    return 0
