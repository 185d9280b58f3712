"""One-nearest-neighbor classification of series under dynamic time warping: what reads the DTW baseline."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtcs.errors import InputError
from mtcs.files import atomic_write, regular

log = logging.getLogger(__name__)

_SAVE_SECONDS = 10.0  # between two writes of an unfinished search


@dataclass(frozen=True)
class FittedNearestNeighbor:
    """The labelled series among which the nearest is searched.

    series: (n, T) float32; NaN at the end is padding, a missing value inside is interpolated over time.
    labels: (n,) int64.
    """

    SHAPES: ClassVar[Mapping[str, str]] = {"series": "f? n T", "labels": "i n"}
    series: np.ndarray
    labels: np.ndarray

    def predict(
        self,
        queries: np.ndarray,
        workers: int = -1,
        progress: Callable[[int, int], None] | None = None,
        unfinished: Path | None = None,
    ) -> np.ndarray:
        """The label of each query's nearest series, (m,); of equally near ones the first counts.

        Args:
            queries: (m, T'), padded and with missing values like the series.
            workers: threads; -1 is one for every core. The result does not depend on it.
            progress: called as `progress(done, m)` after each block of queries.
            unfinished: folder in which the neighbors known so far are kept, so that a killed search continues. The
                caller removes it when the result is safe.

        Raises:
            InputError: if there are no series, or one has no observed value or an infinite one.
        """
        from mtcs.ops.dtw import nearest_blocks  # numba: whoever reads params.yaml needs no more than the spec

        path = unfinished and self.unfinished(unfinished, queries)
        known = _read_unfinished(path, len(self.series), len(queries)) if path else np.empty(0, np.int64)
        neighbors, done, saved = [known], len(known), time.monotonic()
        if progress:
            progress(done, len(queries))
        for indices, _ in nearest_blocks(self.series, queries[done:], workers) if done < len(queries) else ():
            neighbors.append(indices)
            done += len(indices)
            if path and (done == len(queries) or time.monotonic() - saved > _SAVE_SECONDS):
                _write_unfinished(path, np.concatenate(neighbors))
                saved = time.monotonic()
            if progress:
                progress(done, len(queries))
        return self.labels[np.concatenate(neighbors)]

    def unfinished(self, folder: Path, queries: np.ndarray) -> Path:
        """The file in which a search for these queries is kept, of the code as it is now."""
        digest = hashlib.sha256()
        for path in (Path(__file__), Path(__file__).parents[1] / "ops" / "dtw.py"):
            digest.update(path.read_bytes())
        for array in (self.series, self.labels, queries):
            digest.update(f"{array.dtype} {array.shape} ".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return folder / f"nearest-{digest.hexdigest()[:32]}.npy"


def _write_unfinished(path: Path, neighbors: np.ndarray) -> None:
    """Write the neighbors of the first queries, (k,) int64, followed by their digest as four more numbers."""
    with atomic_write(path) as part, part.open("wb") as file:
        np.save(file, np.concatenate([neighbors, _digest(path, neighbors)]), allow_pickle=False)


def _read_unfinished(path: Path, n: int, m: int) -> np.ndarray:
    """The neighbors, among `n`, of the first of `m` queries; none, and the file set aside, if it is not as written."""
    try:
        with regular(path).open("rb") as file:
            content = np.load(file, allow_pickle=False)
        neighbors = content[:-4]
        sound = content.dtype == np.int64 and content.ndim == 1 and len(neighbors) <= m
        if sound and np.array_equal(content[-4:], _digest(path, neighbors)) and (neighbors < n).all():
            return neighbors
    except FileNotFoundError:
        return np.empty(0, np.int64)
    except Exception as error:  # whatever a foreign file makes numpy raise
        log.debug("%s: %s", path, error)
    aside = path.with_suffix(f".{time.time_ns()}.damaged")
    try:
        path.rename(aside)
    except OSError as error:
        raise InputError(f"{path} is damaged and cannot be moved ({error.strerror}); remove it.") from error
    log.warning("%s is not as it was written: set aside as %s, and the search begins anew.", path, aside.name)
    return np.empty(0, np.int64)


def _digest(path: Path, neighbors: np.ndarray) -> np.ndarray:
    """SHA-256 of a search's name and its neighbors, as (4,) int64."""
    content = path.name.encode() + np.ascontiguousarray(neighbors, np.int64).tobytes()
    return np.frombuffer(hashlib.sha256(content).digest(), np.int64)
