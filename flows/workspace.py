"""One flow at a time in a workspace: a lock that lives as long as its flow, and what killed processes leave behind.

A flow holds an exclusive lock on one file. Each of its stages waits for that lock, wherever it runs: getting it means
that the flow has ended, killed or not, and that the stage must end too. The kernel, or the server of a shared file
system, releases the lock whatever happens to the flow, so nothing has to be cleaned up by hand.
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
from typing import Any, TextIO

import psutil
from dvc.lock import make_lock
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK, SCHEMA
from voluptuous import Invalid

from flows import GRACE_SECONDS
from mtcs.errors import InputError
from mtcs.files import write_text

STATE = Path(".flows")
"""What flows keep in a workspace: the lock, logs, what `watch` saw last."""
LOCK = STATE / "lock"


@contextmanager
def claimed(root: Path, run: str) -> Iterator[None]:
    """Hold the workspace for the flow run of that name; stages of a killed flow have ended when the block begins.

    Raises:
        InputError: if another flow holds it.
        OSError: if .flows cannot be made or written.
    """
    (root / STATE).mkdir(exist_ok=True)
    with (root / LOCK).open("a+") as file:
        _lock(file, root)
        if _holder(file):  # the previous flow was killed; its stages may still be waiting for the lock
            fcntl.flock(file, fcntl.LOCK_UN)
            time.sleep(0.5)
            _lock(file, root)
        file.truncate(0)
        since = datetime.now().isoformat(" ", "seconds")
        holder = {"run": run, "pid": os.getpid(), "host": platform.node(), "since": since}
        file.write(json.dumps(holder))
        file.flush()
        yield
        file.truncate(0)  # not after an exception: stages may still be running


def is_abandoned(root: Path) -> bool:
    """Whether no flow holds the workspace."""
    try:
        with (root / LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False


def _lock(file: TextIO, root: Path) -> None:
    deadline = time.monotonic() + 2 * GRACE_SECONDS
    while time.monotonic() < deadline:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        if not is_abandoned(root):
            break
        time.sleep(0.25)  # stages of a killed flow share the lock until they have ended
    holder = _holder(file)
    who = "{run} (process {pid} on {host}, since {since})".format_map(holder) if holder else "Another flow"
    raise InputError(f"{who} is at work in {root.resolve()}; wait for it, or cancel it.")


def _holder(file: TextIO) -> dict[str, Any]:
    file.seek(0)
    try:
        holder = json.loads(file.read() or "{}")
        return {name: holder[name] for name in ("run", "pid", "host", "since")} if holder else {}
    except (ValueError, TypeError, KeyError):  # killed while it wrote
        return {"run": "Another flow", "pid": "?", "host": "?", "since": "?"}


def release_dead(repo: Repo) -> list[str]:
    """Drop what dead processes hold in DVC's table of locked paths, and return their commands.

    DVC itself drops entries of processes that no longer exist. It keeps an entry whose process number now belongs to
    another process, and refuses to work at all if a kill left the table half written.
    """
    folder = str(repo.tmp_dir)
    path = Path(folder, RWLOCK_FILE)
    guard = make_lock(
        str(path.with_name(RWLOCK_LOCK)), tmp_dir=folder, hardlink_lock=repo.config["core"].get("hardlink_lock", False)
    )
    dead: list[str] = []

    def alive(entry: dict[str, Any]) -> bool:
        if not _runs(entry["pid"], entry["cmd"]):
            dead.append(entry["cmd"])
            return False
        return True

    with guard:
        try:
            table: Any = SCHEMA(json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return []
        except (ValueError, Invalid):
            path.unlink()
            return ["a table that was cut off"]
        writers = {held: entry for held, entry in table["write"].items() if alive(entry)}
        readers = {held: [entry for entry in entries if alive(entry)] for held, entries in table["read"].items()}
        if dead:
            table = {"write": writers, "read": {held: entries for held, entries in readers.items() if entries}}
            write_text(path, json.dumps(table))
    return sorted(set(dead))


def _runs(pid: int, command: str) -> bool:
    """Whether that process exists and was started with those arguments; the program may appear under another name."""
    try:
        arguments = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return " ".join(arguments).endswith(" ".join(command.split(" ")[1:]))
