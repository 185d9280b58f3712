"""A `.npz` file of anyone: its arrays, or in a few words why there are none. No object is loaded, nor its code run."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mtcs.data.text import InvalidData
from mtcs.errors import MtcsError
from mtcs.files import regular


@contextmanager
def open_npz(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    """The arrays of a file, each read when the block asks for it.

    Raises:
        FileNotFoundError, PermissionError: if it is not there, or may not be read.
        InvalidData: if it is no `.npz` file, or an array is missing, damaged, or of objects.
    """
    try:
        with regular(path).open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise InvalidData("it is no .npz file")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                yield arrays
    except (FileNotFoundError, PermissionError, InvalidData, MtcsError):  # the last is of the block
        raise
    except MemoryError as error:
        raise InvalidData("it states more values than fit into memory") from error
    except Exception as error:  # of numpy, its parser of headers, zipfile and zlib: a dozen kinds
        what = "it holds objects" if "allow_pickle" in str(error) else " ".join(str(error).split())
        raise InvalidData(f"{what:.200}") from error
