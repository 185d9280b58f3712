"""Toy, a task as an archive holds it: two `.ts` files, in a folder or in a zip."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

TRAIN = "@timestamps false\n@univariate true\n@equalLength true\n@classLabel true 2 10\n@data\n1,2.5,?:10\n4,5,6:2\n"
TEST = "@timestamps false\n@univariate true\n@equalLength true\n@classLabel true 2 10\n@data\n7,?,9:2\n"
FILES = {"Toy_TRAIN.ts": TRAIN, "Toy_TEST.ts": TEST}


def zipped(members: dict[str, str] | dict[str | zipfile.ZipInfo, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive whose bytes are the same at any time of day."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for member, text in members.items():
            dated = member if isinstance(member, zipfile.ZipInfo) else zipfile.ZipInfo(member)
            file.writestr(dated, text, method)
    return buffer.getvalue()


ZIP = zipped(FILES)


def write(folder: Path, contents: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text)
    return folder


def nothing_but(folder: Path, *names: str) -> bool:
    """Whether a folder holds just that, and perhaps the file that keeps other processes out."""
    held = [path.name for path in folder.iterdir() if path.suffix != ".lock"] if folder.exists() else []
    return sorted(held) == sorted(names)
