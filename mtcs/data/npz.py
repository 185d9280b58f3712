"""A `.npz` file of anyone: its arrays, or in one line why there are none. No object is loaded, nor its code run."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mtcs.errors import InputError, MtcsError
from mtcs.files import regular


@contextmanager
def open_npz(path: Path, what: str, remedy: str) -> Iterator[np.lib.npyio.NpzFile]:
    """The arrays of a file, each read when the block asks for it.

    Args:
        path: the file.
        what: it should hold, for messages.
        remedy: what to do if it does not.

    Raises:
        InputError: if it is not there or may not be read, or is no `.npz` file; or an array is missing, damaged, or of
            objects.
    """
    try:
        with regular(path).open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is no .npz file")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                yield arrays
    except MtcsError:  # of the block
        raise
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {remedy}.") from None
    except PermissionError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it readable.") from error
    except Exception as error:  # of numpy, its parser of headers, zipfile and zlib: a dozen kinds
        fault = "it holds objects" if "allow_pickle" in str(error) else " ".join(str(error).split())
        if isinstance(error, MemoryError):
            fault = "it states more values than fit into memory"
        raise InputError(f"{path} does not hold {what} ({fault:.200}); {remedy}.") from error
