"""`dtw_pairwise_distance(queries, references)` of aeon, full window, row by row its argmin and its minimum.

The search for the nearest neighbor of the DTW baseline of Table 1; `benchmarks/dtw.py` measures how much it gains.
The distance of two series is the least sum of squared differences along a warping path. The search prunes and abandons
as EAPrunedDTW does (Herrmann and Webb, Data Mining and Knowledge Discovery 35, 2021): the cost of one path, for equal
lengths the squared Euclidean distance, bounds each distance from above; references are tried in the order of that
bound; cells above the best distance so far are pruned at both ends, and a reference is abandoned when none is left.
The publication goes through the cost matrix by rows. Here it goes by anti-diagonals, whose cells do not depend on one
another, so that the processor computes several at a time.

Nothing is approximate: costs are not negative and rounding is monotone, so every cell within the limit holds, to the
last bit, the value of the full matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np
from numba import njit

from mtcs.errors import InputError

_CELLS = 2**26  # of all cost matrices of a block of queries: some hundredths of a second of work


def nearest_blocks(
    references: np.ndarray, queries: np.ndarray, threads: int = -1
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The nearest reference of every query, in blocks of consecutive queries, each as soon as those before it are done.

    Computes in float64. The result does not depend on `threads`. Queries do not depend on one another: whoever has kept
    the results of the first k continues with `queries[k:]`.

    Args:
        references: (n, T) floats, n >= 1; NaN at the end is padding, any other NaN is filled by `interpolated`.
        queries: (m, T') floats, likewise.
        threads: how many compute; -1 is one for every core.

    Yields:
        Row by row of a block of k queries the argmin, the smallest index among equals, and the minimum of the full
        (m, n) matrix of distances: indices (k,) int64 and distances (k,) float64.

    Raises:
        InputError: if there are no references, or a series has no observed value or an infinite one.
    """
    references, reference_lengths = _prepared("references", references)
    if len(references) == 0:
        raise InputError("There are no references, expected one series or more to search among.")
    queries, query_lengths = _prepared("queries", queries)
    size = max(1, _CELLS // (references.size * queries.shape[1]))

    def search(start: int) -> tuple[np.ndarray, np.ndarray]:
        block = slice(start, start + size)
        return _search(references, reference_lengths, queries[block], query_lengths[block])

    pool = ThreadPoolExecutor(joblib.cpu_count() if threads == -1 else threads)
    try:
        yield from pool.map(search, range(0, len(queries), size))
    finally:
        pool.shutdown(cancel_futures=True)  # when the caller takes no more blocks


def interpolated(series: np.ndarray) -> np.ndarray:
    """A float64 copy of series (n, T) in which missing values are filled.

    NaN between two observed values is interpolated linearly over time, and NaN before the first takes its value. NaN
    after the last observed value is padding, and stays.
    """
    filled = np.array(series, dtype=np.float64)
    times = np.arange(filled.shape[1])
    for row, length in zip(filled, _lengths(filled), strict=True):
        missing = np.isnan(row[:length])
        if missing.any():
            row[:length][missing] = np.interp(times[:length][missing], times[:length][~missing], row[:length][~missing])
    return filled


def _lengths(series: np.ndarray) -> np.ndarray:
    """Lengths (n,) of series (n, T) without their padding; 0 where no value is observed."""
    observed = ~np.isnan(series)
    return np.where(observed.any(axis=1), series.shape[1] - observed[:, ::-1].argmax(axis=1), 0)


def _prepared(what: str, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interpolated series (n, T) and their lengths (n,), checked."""
    if series.ndim != 2 or series.shape[1] == 0:
        raise InputError(f"The {what} have shape {series.shape}, expected (n, T) with T >= 1.")
    lengths = _lengths(series)
    for problem, bad in (("no observed", lengths == 0), ("an infinite", np.isinf(series).any(axis=1))):
        if bad.any():
            raise InputError(f"Series {bad.argmax()} of the {what} has {problem} value; correct it or leave it out.")
    return interpolated(series), lengths


def _compiled(function: Callable[..., Any]) -> Any:
    """Compiled by numba, and kept in `__pycache__` or the user's cache (NUMBA_CACHE_DIR), where one can be written.

    fastmath stays off: with reordered sums equal distances would no longer be equal.
    """
    try:
        return njit(function, cache=True, nogil=True)
    except RuntimeError:  # no place for a cache
        return njit(function, nogil=True)


@_compiled
def _search(
    references: np.ndarray, reference_lengths: np.ndarray, queries: np.ndarray, query_lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Indices (m,) and distances (m,) of the nearest of n references to m queries."""
    n, m = len(references), len(queries)
    indices, distances = np.empty(m, np.int64), np.empty(m)
    bounds = np.empty(n)
    rows = np.empty((3, references.shape[1] + 2))
    for q in range(m):
        query = queries[q, : query_lengths[q]]
        backwards = query[::-1].copy()
        for r in range(n):
            bounds[r] = _path_cost(references[r, : reference_lengths[r]], query)
        order = np.argsort(bounds)
        index, best = n, float(bounds[order[0]])
        for r in order:
            distance = _dtw(references[r, : reference_lengths[r]], backwards, best, rows)
            if distance < best or (distance == best and r < index):
                index, best = r, distance
        indices[q], distances[q] = index, best
    return indices, distances


@_compiled
def _path_cost(x: np.ndarray, y: np.ndarray) -> float:
    """Cost of the path that goes along the diagonal and then straight, summed in the order of the cost matrix."""
    total = 0.0
    for k in range(max(len(x), len(y))):
        total += (x[min(k, len(x) - 1)] - y[min(k, len(y) - 1)]) ** 2
    return total


@_compiled
def _dtw(x: np.ndarray, backwards: np.ndarray, limit: float, rows: np.ndarray) -> float:
    """The distance of x (n,) and a series given backwards (m,), or infinity where it exceeds `limit`.

    Cell (i, j) of the cost matrix lies on anti-diagonal i + j, and is kept at place i + 1 of one of the three `rows`
    (3, at least n + 2), which take turns. Only the cells from `low` to `high` of an anti-diagonal matter: those outside
    exceed the limit, and so does every path through them.
    """
    n, m = len(x), len(backwards)
    older, newer, cells = rows[0], rows[1], rows[2]
    # A path starts from (-1, -1), on anti-diagonal -2; the one after it is empty.
    older[0], newer[0], newer[1] = 0.0, np.inf, np.inf
    older_low, older_high, newer_low, newer_high = -1, -1, n, -1
    for diagonal in range(n + m - 1):
        # Steps keep or raise i by 1 to the next anti-diagonal, and raise it by 1 to the one after that.
        low = max(min(newer_low, older_low + 1), diagonal - m + 1, 0)
        high = min(max(newer_high, older_high) + 1, diagonal, n - 1)
        if low > high:
            return np.inf
        shift = m - 1 - diagonal  # j = diagonal - i is at place m - 1 - j
        for i in range(low, high + 1):
            # Unsigned, as a signed place could count from the end, and the check for that keeps the loop scalar.
            difference = x[np.uintp(i)] - backwards[np.uintp(i + shift)]
            least = min(min(newer[np.uintp(i)], newer[np.uintp(i + 1)]), older[np.uintp(i)])
            cells[np.uintp(i + 1)] = least + difference * difference
        cells[low], cells[high + 2] = np.inf, np.inf
        while low <= high and cells[low + 1] > limit:
            low += 1
        while high >= low and cells[high + 1] > limit:
            high -= 1
        if low > high:
            low, high = n, -1
        older_low, older_high, newer_low, newer_high = newer_low, newer_high, low, high
        older, newer, cells = newer, cells, older
    return newer[n] if newer_high == n - 1 else np.inf
