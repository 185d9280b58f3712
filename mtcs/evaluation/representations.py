"""Representations of one task and their `.npz` file: what the stages after the encoder read."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtcs.errors import InputError
from mtcs.layout import atomic_write


@dataclass(frozen=True)
class Representations:
    """Instance representations of a task.

    train, test: (n, D) float32. Finite, but for a method that hands the series themselves on (DTW), where NaN is
        padding or a missing value.
    head: weight (C, D) of the task's linear head; None for a method that trains without labels.
    """

    train: np.ndarray
    test: np.ndarray
    head: np.ndarray | None = None

    def head_predictions(self) -> np.ndarray | None:
        """Labels (n,) that the head gives the test series (Equation 1); None without a head."""
        return None if self.head is None else (self.test @ self.head.T).argmax(1)


def write_representations(path: Path, found: Representations) -> None:
    """Write representations to `path` (`.npz`), whole or not at all."""
    arrays = {"train": found.train, "test": found.test}
    if found.head is not None:
        arrays["head"] = found.head
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]  # numpy's stub takes them for allow_pickle


def read_representations(path: Path) -> Representations:
    """Read what `write_representations` wrote.

    Raises:
        InputError: if there is no such file, or it does not hold representations.
    """
    suite, method, seed = path.parts[-4:-1]
    remedy = f"run 'mtcs represent {method} {suite} --seed {seed.removeprefix('seed')}'"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = dict(arrays)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {remedy}.") from None
    except PermissionError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it readable.") from error
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        what = "it is no .npz file" if not zipfile.is_zipfile(path) else " ".join(str(error).split())
        raise InputError(f"{path} does not hold representations ({what}); {remedy}.") from error
    missing = {"train", "test"} - set(found)
    if missing:
        raise InputError(f"{path} lacks {' and '.join(sorted(missing))}; {remedy}.")
    for part in ("train", "test"):
        if found[part].ndim != 2 or np.isinf(found[part]).any():
            raise InputError(
                f"{path}: '{part}' of shape {found[part].shape}, expected (n, D) and no infinity; {remedy}."
            )
    head = found.get("head")
    if head is not None and (head.ndim != 2 or head.shape[1] != found["test"].shape[1]):
        raise InputError(f"{path}: head of shape {head.shape}, expected (C, {found['test'].shape[1]}); {remedy}.")
    return Representations(found["train"], found["test"], head)
