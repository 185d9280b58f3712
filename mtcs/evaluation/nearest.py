"""One-nearest-neighbour classification of series under dynamic time warping: what reads the DTW baseline."""

from __future__ import annotations

import hashlib
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mtcs.errors import InputError
from mtcs.layout import atomic_write

_EVERY = 10.0  # seconds between two writes of what has been found


def predict_nearest(
    series: np.ndarray,
    labels: np.ndarray,
    queries: np.ndarray,
    workers: int = -1,
    progress: Callable[[int, int], None] | None = None,
    folder: Path | None = None,
) -> np.ndarray:
    """The label of each query's nearest series, (m,); of equally near ones the first counts.

    Args:
        series: (n, T); NaN at the end is padding, a missing value inside is interpolated over time.
        labels: (n,) integers.
        queries: (m, T'), likewise.
        workers: threads; -1 is one for every core. The result does not depend on it.
        progress: called as `progress(done, m)` after each block of queries.
        folder: where the neighbours found so far are kept, so that a killed search continues. The caller removes
            what `unfinished` names when the result is safe.

    Raises:
        InputError: if there are no series, or one has no observed value or an infinite one.
    """
    from mtcs.ops.dtw import nearest_blocks  # numba: whoever reads params.yaml needs no more than the spec

    path = None if folder is None else unfinished(folder, series, labels, queries)
    found = [np.load(path, allow_pickle=False) if path and path.exists() else np.empty(0, np.int64)]
    done, saved = len(found[0]), time.monotonic()
    if progress:
        progress(done, len(queries))
    for indices, _ in nearest_blocks(series, queries[done:], workers) if done < len(queries) else ():
        found.append(indices)
        done += len(indices)
        if path and (done == len(queries) or time.monotonic() - saved > _EVERY):
            with atomic_write(path) as part, part.open("wb") as file:
                np.save(file, np.concatenate(found), allow_pickle=False)
            saved = time.monotonic()
        if progress:
            progress(done, len(queries))
    return labels[np.concatenate(found)]


def unfinished(folder: Path, series: np.ndarray, labels: np.ndarray, queries: np.ndarray) -> Path:
    """The file in which `predict_nearest` keeps what it has found for these series, with the code as it is now."""
    digest = hashlib.sha256()
    for path in (Path(__file__), Path(__file__).parents[1] / "ops" / "dtw.py"):
        digest.update(path.read_bytes())
    for array in (series, labels, queries):
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return folder / f"nearest-{digest.hexdigest()[:32]}.npy"


def save_neighbours(path: Path, series: np.ndarray, labels: np.ndarray) -> None:
    """Write the series (n, T) and their labels (n,) that later predictions need (`.npz`), whole or not at all."""
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez(file, series=series, labels=labels)


def read_neighbours(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The series (n, T) and labels (n,) among which a nearest neighbour is searched, as `save_neighbours` wrote them.

    Raises:
        InputError: if there is no such file, or it does not hold them.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return arrays["series"], arrays["labels"]
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run 'mtcs classify'.") from None
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} does not hold series and labels ({error}); run 'mtcs classify' again.") from error
