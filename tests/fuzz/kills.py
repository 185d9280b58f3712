"""Commands that are killed at any moment: what they leave is whole, and the same commands then end as ever."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, mkdtemp

import mtcs.evaluation.classify  # before the first fork, so that no command spends its time on it
import mtcs.reports.page
import mtcs.stages
import mtcs.training.loop  # noqa: F401
from fuzz.stages import METHODS, STAGES, inside, result, run, write_workspace

COMMANDS = [["download"], ["normalize"], *([stage, method] for method in METHODS for stage in STAGES[:4]), ["report"]]
OUTPUTS = {
    "train": ("models", "training"),
    "represent": ("representations",),
    "classify": ("predictions", "classifiers"),
}
SAME = (".npz", ".safetensors", ".ts")
"""Of files that are the same bytes whenever they are written."""


def check(number: int) -> str:
    """Try a kill: "killed", or "done" before it. AssertionError if what a killed command left is wrong."""
    random = Random(number)
    i = random.randrange(len(COMMANDS))
    with TemporaryDirectory(prefix="mtcs-fuzz-") as name:
        folder, command = Path(name, "workspace"), COMMANDS[i]
        expected, seconds = finished()
        shutil.copytree(expected, folder)
        if random.random() < 0.5:
            for kind in OUTPUTS.get(command[0], ()):  # as DVC does
                shutil.rmtree(folder / "data" / kind / "tiny" / command[1])
        killed = _in_child(folder, [command], random.uniform(0, seconds[i]))
        for path in folder.rglob("*"):
            if path.suffix in SAME and not path.name.startswith(".") and ".checkpoints" not in path.parts:
                assert path.read_bytes() == (expected / path.relative_to(folder)).read_bytes(), f"{path} is not whole"
            elif path.suffix == ".json" and not path.name.startswith("."):
                json.loads(path.read_bytes())
        assert not _in_child(folder, COMMANDS[i:])
        for method in METHODS:
            assert result(folder, method) == result(expected, method), f"{command}, then {method}: another result"
    return "killed" if killed else "done"


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
                code, said = run(*command, "tiny")
                if code:
                    print(f"{command}: {said}", flush=True)
                    return 1
    except BaseException as error:  # the child ends here, whatever happens
        print(repr(error), flush=True)
        return 1
    return 0
