"""What `mtcs download` brought into a suite's folder, by digest: `mtcs normalize` reads that and nothing else."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mtcs.data.text import InvalidData
from mtcs.errors import InputError, fault
from mtcs.files import digest, regular, write_text

RECORD = "files.json"
_Digests = TypeAdapter(dict[str, dict[str, str]])


@contextmanager
def one_process_in(folder: Path) -> Iterator[None]:
    """Wait until no other process is in this block with the same folder; a process that ends, however, has left it."""
    with folder.with_name(f".{folder.name}.lock").open("w") as file:
        with suppress(OSError):  # a file system that knows no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def record_received(folder: Path, task: str) -> None:
    """Write the digests of a task's files beside those of the suite's other tasks."""
    with one_process_in(folder):
        try:
            known = read_received(folder)
        except InputError:  # a damaged record, which begins anew
            known = {}
        known[task] = {path.name: digest(path) for path in sorted((folder / task).glob("*.ts"))}
        write_text(folder / RECORD, json.dumps(known, indent=1) + "\n")


def read_received(folder: Path) -> dict[str, dict[str, str]]:
    """Digests of files by task and name; none where a suite was downloaded by an earlier version, or by hand.

    Raises:
        InputError: if the record is damaged.
    """
    path = folder / RECORD
    try:
        return _Digests.validate_json(regular(path).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        raise InputError(
            f"{path} does not list what was downloaded ({fault(error):.200}); run 'mtcs download {folder.name}'."
        ) from error


def check_received(folder: Path, task: str) -> None:
    """Raise InvalidData if a file of a task is not as it was downloaded."""
    for name, expected in read_received(folder).get(task, {}).items():
        path = folder / task / name
        if path.exists() and digest(path) != expected:
            raise InvalidData(f"{path} holds other content than was downloaded")
