"""One flow at a time in a workspace: a lock that lives as long as its flow, and what killed processes leave behind.

A flow holds an exclusive lock on one file. Each of its stages waits for that lock, wherever it runs: to get it means
that the flow is gone, killed or not, and that the stage must end too. The kernel, or the server of a shared file
system, gives the lock back whatever happens to the flow, so that nothing has to be cleaned by hand.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO, cast

import psutil
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLockFileCorruptedError, RWLockFileFormatError, _edit_rwlock

from mtcs.errors import InputError

STATE = Path(".flows")
"""What flows keep in a workspace: the lock, logs, what `watch` saw last."""
LOCK = STATE / "lock"
GRACE = 5.0
"""Seconds that a stage has between being asked to end and being killed."""


@contextmanager
def claimed(root: Path, run: str) -> Iterator[None]:
    """Hold the workspace for the flow run of that name; stages of a killed flow have ended when the block begins.

    Raises:
        InputError: if another flow holds it.
    """
    (root / STATE).mkdir(exist_ok=True)
    with (root / LOCK).open("a+") as file:
        _take(file, root)
        if _holder(file):  # the flow before did not end by itself; its stages may still wait for the lock
            fcntl.flock(file, fcntl.LOCK_UN)
            time.sleep(0.5)
            _take(file, root)
        file.truncate(0)
        facts = {"run": run, "pid": os.getpid(), "host": platform.node(), "since": f"{datetime.now():%H:%M:%S}"}
        file.write(json.dumps(facts))
        file.flush()
        yield
        file.truncate(0)  # not after an exception: stages may still be at work


def is_abandoned(root: Path) -> bool:
    """Whether no flow holds the workspace."""
    try:
        with (root / LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False


def _take(file: TextIO, root: Path) -> None:
    for _ in range(int(4 * GRACE) * 2):
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        if not is_abandoned(root):
            break
        time.sleep(0.25)  # stages of a killed flow share the lock while they end
    holder = _holder(file)
    who = "{run} (process {pid} on {host}, since {since})".format_map(holder) if holder else "Another flow"
    raise InputError(f"{who} is at work in {root.resolve()}; wait for it, or cancel it.")


def _holder(file: TextIO) -> dict[str, Any]:
    file.seek(0)
    try:
        return json.loads(file.read() or "{}")
    except json.JSONDecodeError:  # killed while it wrote
        return {"run": "Another flow", "pid": "?", "host": "?", "since": "?"}


def release_dead(repo: Repo) -> list[str]:
    """Drop what dead processes hold in DVC's table of locked paths, and return their commands.

    DVC drops entries of processes that do not exist; it believes one whose number another process has by now, and
    stops at a table that was cut off by a kill.
    """
    folder = str(repo.tmp_dir)
    hardlink = repo.config["core"].get("hardlink_lock", False)
    dead: list[str] = []

    def alive(entry: dict[str, Any]) -> bool:
        if not _runs(entry["pid"], entry["cmd"]):
            dead.append(entry["cmd"])
            return False
        return True

    try:
        with _edit_rwlock(folder, repo.fs, hardlink) as table:
            held = cast("dict[str, Any]", table)
            held["write"] = {path: entry for path, entry in held["write"].items() if alive(entry)}
            readers = {path: [entry for entry in entries if alive(entry)] for path, entries in held["read"].items()}
            held["read"] = {path: entries for path, entries in readers.items() if entries}
    except (RWLockFileCorruptedError, RWLockFileFormatError):
        Path(folder, RWLOCK_FILE).unlink()
        dead.append("a table that was cut off")
    return sorted(set(dead))


def _runs(pid: int, command: str) -> bool:
    """Whether that process exists and was started with those arguments; its program may go by another name."""
    try:
        started_with = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return " ".join(started_with).endswith(" ".join(command.split(" ")[1:]))
