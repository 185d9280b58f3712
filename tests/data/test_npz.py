"""A foreign or damaged `.npz` in the place of any of ours is one line, whatever numpy and zipfile raise."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mtcs.data.folder import read_folder
from mtcs.data.task import read_task
from mtcs.errors import InputError
from mtcs.evaluation.representations import read_representations
from mtcs.layout import Layout, Run

NAMES = ("series_train", "train", "X")
"""The first array that each reader asks for."""
HEADERS = {
    "cut off": "{'descr': '<f4', 'shape': (",  # tokenize.TokenError
    "nested": "(" * 9000,  # MemoryError or RecursionError of Python's parser
    "of no type": "{'descr': '<f4,,', 'fortran_order': False, 'shape': (2, 3), }",  # SyntaxError
    "of objects": "{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }",
    "without end": f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**14},), }}",  # MemoryError
    "negative": "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }",
    "empty": "",
}


def write(path: Path, header: str, flags: int = 0) -> None:
    """A zip of arrays whose headers are as given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(500)
    with zipfile.ZipFile(path, "w") as packed:
        for name in NAMES:
            packed.writestr(zipfile.ZipInfo(f"{name}.npy"), content)
    if flags:  # of the list of members, too: an unknown way to pack, or a password
        raw = path.read_bytes()
        for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            start = -1
            while (start := raw.find(mark, start + 1)) >= 0:
                raw = raw[: start + at] + struct.pack("<HH", flags & 1, flags >> 1) + raw[start + at + 4 :]
        path.write_bytes(raw)


def run_of(path: Path) -> Run:
    return Run("tiny", "mtcs", 0, Layout(path.parents[5]))


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (read_task, "data/normalized/tiny/Tiny.npz"),
        (lambda path: read_representations(run_of(path), path.stem), "data/representations/tiny/mtcs/seed0/Tiny.npz"),
        (lambda path: read_folder(path, verbose=False), "Tiny.npz"),
    ],
)
@pytest.mark.parametrize("damage", [*HEADERS, "password", "packed otherwise", "folder"])
def test_a_broken_npz_is_one_line(tmp_path: Path, read: Callable[[Path], object], name: str, damage: str) -> None:
    path = tmp_path / name
    if damage == "folder":
        path.mkdir(parents=True)
    else:
        plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
        write(path, HEADERS.get(damage, plain), {"password": 1, "packed otherwise": 2 * 99}.get(damage, 0))
    with pytest.raises(InputError, match="Tiny") as error:
        read(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400 + len(str(tmp_path))


def test_what_stands_beside_the_arrays_is_not_read(tmp_path: Path) -> None:
    """Of a file of one's own, which may hold objects that are not asked for."""
    np.savez(tmp_path / "mine.npz", X=np.arange(6.0).reshape(2, 3), y=["a", "b"], notes=np.array([{}], object))
    (series, labels), *_ = read_folder(tmp_path / "mine.npz", verbose=False).values()
    assert (len(series), list(labels)) == (2, ["a", "b"])
