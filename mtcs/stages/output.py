"""Where a command writes, checked before it works: a file, whole or not at all, or a stream."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path

from mtcs.errors import InputError
from mtcs.files import TEMPORARY, write_text

STDOUT = Path("-")
"""As a command line names standard output."""


def check_output(out: Path | None, *sources: Path, option: str = "--out") -> None:
    """Raises InputError if what is to be written is a folder, or one of the files that are or would be read."""
    from mtcs.data.files import TABLES  # numpy with it

    if out is None:
        return
    if out.is_dir():
        raise InputError(f"{option} {out} is a folder; name a file in it.")
    existing_folder(out)
    for source in sources:
        files = [source]
        if source.is_dir():  # of recordings, perhaps with their labels
            files = [file for file in source.iterdir() if file.suffix.lower() in TABLES]
        for file in files:
            if out.exists() and file.exists() and out.samefile(file):
                raise InputError(f"{option} {out} is a file that is read, {file}; name another.")
        if source.is_dir() and out.suffix.lower() in TABLES and out.parent.resolve() == source.resolve():
            raise InputError(f"{option} {out} would be read next time, as all tables of {source}; name one elsewhere.")


def check_room(path: Path) -> None:
    """Whether a file can be written, without a trace: the folders that it lacks are made when it is written.

    Raises:
        InputError: if it is a folder, or a file is in the place of its folder.
        OSError: if nothing can be written there.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, where a file is to be written; name another.")
    try:
        with tempfile.NamedTemporaryFile(
            dir=existing_folder(path), prefix=f".{path.name}{TEMPORARY}", suffix=path.suffix
        ):
            pass
    except OSError as error:
        error.filename = str(path)  # not the temporary file's
        raise


def existing_folder(path: Path) -> Path:
    """The folder that is to hold a file, or the nearest one above that is there already.

    Raises:
        InputError: if that is no folder.
    """
    folder = next(folder for folder in path.parents if os.path.lexists(folder))
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder, so that {path} cannot be written; name another.")
    return folder


def page_beside(out: Path, report: str | None, measured: bool) -> Path | None:
    """The page of `--report`: as named, none, or that of the classifier's file; measured: whether there is `--cv`.

    Raises:
        InputError: if the classifier's file does not end in .mtcs, or the page in .html, or nothing is measured for it.
    """
    if out.suffix != ".mtcs":
        raise InputError(f"--out {out} does not end in .mtcs, by which 'mtcs predict' knows it; name it so.")
    page = None if report == "none" else out.with_suffix(".html") if report is None else Path(report)
    if page is not None and page.suffix != ".html":
        raise InputError(f"--report {page} does not end in .html; name it so, or 'none' for no page.")
    if report is not None and page is not None and not measured:
        raise InputError(f"--report {page} shows what --cv measures; add --cv 5, or leave --report out.")
    return page


def write_output(text: str, out: Path | None) -> None:
    """To standard output (None), a device or a pipe, or a file, which is replaced."""
    if out is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # labels as they are, in whatever terminal: as in a file
        print(text, end="")
    elif out.exists() and not out.is_file():  # a device or a pipe: no file that could be replaced by a whole one
        try:
            with out.open("w", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            error.filename = str(out)  # which a write to an open file does not say
            raise
    else:
        write_text(out.resolve(), text)  # of a link what it leads to
