"""The RBF kernel by matrix products: `sklearn.metrics.pairwise.rbf_kernel`, in blocks that several threads fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

ROWS = 256
"""Of a kernel computed at a time, so that a block is still in the cache when it is read again."""


def scale_gamma(features: np.ndarray) -> float:
    """`gamma="scale"` of scikit-learn: 1 / (D variance) with the variance of all entries of features (n, D)."""
    variance = float(features.var())
    return 1 / (features.shape[1] * variance) if variance else 1.0


def factors(features: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Two matrices (n, D + 2) of features (n, D) with left_i . right_j = -gamma |x_i - x_j|^2."""
    norms = -gamma * np.square(features).sum(axis=1, keepdims=True)
    ones = np.ones_like(norms)
    return np.hstack([2 * gamma * features, norms, ones]), np.hstack([features, ones, norms])


def kernel_block(left: np.ndarray, right: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The kernel (m, n) between series given by their factors, (m, D + 2) and (n, D + 2)."""
    kernel = np.matmul(left, right.T, out=out)
    np.minimum(kernel, 0, out=kernel)  # rounding may leave a distance below zero
    return np.exp(kernel, out=kernel)


def rbf_kernel(a: np.ndarray, b: np.ndarray, gamma: float, workers: int = -1) -> np.ndarray:
    """exp(-gamma |a_i - b_j|^2) of features (m, D) and (n, D), as (m, n) float64."""
    left, _ = factors(np.asarray(a, np.float64), gamma)
    _, right = factors(np.asarray(b, np.float64), gamma)
    kernel = np.empty((len(left), len(right)))

    def fill(block: slice) -> None:
        kernel_block(left[block], right, out=kernel[block])

    with blas_free_threads(workers) as threads:
        each_block(threads, fill, len(left))
    return kernel


@contextmanager
def blas_free_threads(workers: int = -1) -> Iterator[Executor]:
    """Threads (-1: one a core) that share their arrays: libsvm and numpy compute without Python's lock.

    Matrix products stay on the thread that calls them; several threads each with threads of its own take turns.
    """
    threads = ThreadPoolExecutor(joblib.cpu_count() if workers == -1 else workers)
    with threadpool_limits(1, user_api="blas"), threads:
        yield threads


def each_block(threads: Executor, work: Callable[[slice], None], n: int) -> None:
    """Run `work` on every block of `ROWS` of `n` rows."""
    for _ in threads.map(work, [slice(start, start + ROWS) for start in range(0, n, ROWS)]):
        pass  # the loop waits, and raises what `work` raises
