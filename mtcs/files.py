"""Files that are read and written with care: what may be read at all, and whole content or none."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mtcs.errors import InputError


def regular(path: Path) -> Path:
    """The path, through which whatever is read from outside or between two commands passes.

    Raises:
        InputError: if a device, pipe or socket is there, from which reading may never end.
    """
    with suppress(OSError, ValueError):  # opening it tells why
        if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode):
            raise InputError(f"{path} is no regular file, but a device, pipe or socket; put or name a file.")
    return path


def is_there(path: Path) -> bool:
    """Whether a name is taken, be it by a link that leads nowhere, which `Path.exists` takes for nothing.

    Raises:
        OSError: if its folder cannot be looked into.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def digest(path: Path) -> str:
    """The beginning of the SHA-256 of a file.

    Raises:
        InputError: if it is no regular file.
        OSError: if it cannot be read.
    """
    with regular(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that becomes `path` when the block ends well, and is removed if not.

    What killed writers of `path` have left there is removed, too.

    Raises:
        OSError: if the folder cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    part = path.with_name(f".{path.name}{TEMPORARY}{secrets.token_hex(4)}{path.suffix}")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # less what the umask takes
    except OSError as error:
        error.filename = str(path)  # of the temporary name nobody knows
        raise
    try:
        with locked(part):
            yield part
            with part.open("rb") as file:
                os.fsync(file.fileno())  # a name stands for whole content, after a loss of power too
            part.replace(path)
    except OSError as error:
        if error.filename is None:  # of a write to an open file: a full disk
            error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, in UTF-8 and with the line ends of the text.

    Raises:
        OSError: if the folder cannot be made or written.
    """
    with atomic_write(path) as part:
        part.write_text(text, "utf-8", newline="\n")


def replace_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files, by name, into a folder in place of what has their names; where one cannot be written, none is.

    Raises:
        OSError: if the folder or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    with (
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}{TEMPORARY}") as written,
        locked(Path(written)),
    ):
        for name, text in files.items():
            write_text(Path(written) / name, text)
        for name in files:
            if (folder / name).is_dir():  # before the first is replaced
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder / name))
        for name in files:
            (Path(written) / name).replace(folder / name)


TEMPORARY = ".part-"
"""Between the name of a file or folder and what tells its temporary ones apart, which are hidden and lie beside it."""


@contextmanager
def locked(temporary: Path) -> Iterator[None]:
    """Hold a lock on a temporary file or folder, which the kernel releases when its writer ends, killed or not."""
    handle = os.open(temporary, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system that knows no locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files and folders of `path` whose writers are gone."""
    with suppress(OSError):  # a folder that may not be listed
        for other in path.parent.iterdir():
            if other.name.startswith(f".{path.name}{TEMPORARY}"):
                remove_abandoned(other)


def remove_abandoned(temporary: Path) -> None:
    """Remove a file or folder that was being written, unless its writer still is."""
    with suppress(OSError):  # it is gone, or may not be removed, or its writer holds the lock
        handle = os.open(temporary, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - os.fstat(handle).st_mtime < 1:  # one that was just made may not be locked yet
                return
            shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink()
        finally:
            os.close(handle)
