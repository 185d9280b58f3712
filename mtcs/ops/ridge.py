"""Ridge regression with an intercept for many penalties at once: each series predicted by a fit to all the others.

Equal to a loop that leaves one series out after the other, for every penalty; here all of it comes from one
decomposition. With features F (n, r), their columns centered, and F F^T = P diag(e) P^T, the fit of penalty p is
P diag(e / (e + p)) P^T y plus the mean of y; the residual of a series left out is its residual over 1 minus its
leverage, which is that matrix's diagonal plus 1/n for the intercept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_LARGE = 5_000
_ROWS = 1_024


def one_against_rest(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes (C,) int64 of labels (n,), and targets (n, C) of 1 for a series of the class and -1 for another."""
    classes, indices = np.unique(labels, return_inverse=True)
    return classes.astype(np.int64), 2.0 * (indices[:, np.newaxis] == np.arange(len(classes))) - 1


def centered_eigen(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvectors (n, n) and eigenvalues (n,) of a kernel (n, n), centered and scaled to trace n; and that scale.

    The kernel is overwritten. A large one needs one matrix more beside it, a small one, for speed, two.
    """
    from scipy.linalg import eigh  # not above: whoever predicts does without

    means = kernel.mean(axis=0)
    kernel -= means
    kernel -= (means - means.mean())[:, np.newaxis]
    scale = trace_scale(float(kernel.trace()), len(kernel))
    kernel *= scale
    driver = "evd" if len(kernel) <= _LARGE else "evr"
    # .T, which is the same kernel: LAPACK takes it where it is, and would have a copy of rows that follow one another.
    eigenvalues, basis = eigh(kernel.T, overwrite_a=True, check_finite=False, driver=driver)
    return basis, np.maximum(eigenvalues, 0), scale


def trace_scale(trace: float, n: int) -> float:
    """What takes a centered kernel to a trace of n; 1 where all series are the same and the rest is rounding."""
    return n / trace if trace > 1e-10 * n else 1.0


def leave_one_out(
    basis: np.ndarray, eigenvalues: np.ndarray, targets: np.ndarray, penalties: Sequence[float]
) -> tuple[np.ndarray, int]:
    """Decisions for each series by the fit to the others, of the penalty whose mean squared error is least.

    Args:
        basis: (n, r) orthonormal eigenvectors P of the centered kernel; r <= n.
        eigenvalues: (r,) e, not negative.
        targets: (n, C).
        penalties: added to the eigenvalues, positive.

    Returns:
        Decisions (n, C) with the best penalty, and its index; of equals the first.
    """
    n = len(targets)
    centered = targets - targets.mean(axis=0)
    shrunk = eigenvalues[:, np.newaxis] / np.add.outer(eigenvalues, penalties)  # (r, L)
    blocks = [slice(start, start + _ROWS) for start in range(0, n, _ROWS)]  # no second matrix of the basis' size
    leverage = np.concatenate([np.square(basis[rows]) @ shrunk for rows in blocks])
    slack = 1 - 1 / n - leverage  # (n, L)
    weights = shrunk[:, :, np.newaxis] * (basis.T @ centered)[:, np.newaxis]  # (r, L, C)
    fits = (basis @ weights.reshape(len(eigenvalues), -1)).reshape(n, len(penalties), -1)  # (n, L, C)
    residuals = (centered[:, np.newaxis] - fits) / slack[:, :, np.newaxis]
    best = int(np.square(residuals).mean(axis=(0, 2)).argmin())
    return targets - residuals[:, best], best
