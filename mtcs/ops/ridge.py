"""Ridge regression with an intercept for many penalties at once: each series predicted by a fit to all the others.

Equal to a loop that leaves one series out after the other, for every penalty; here all of it comes from one
decomposition. With features F (n, r), their columns centered, and F F^T = P diag(e) P^T, the fit of penalty p is
P diag(e / (e + p)) P^T y plus the mean of y; the residual of a series left out is its residual over 1 minus its
leverage, which is that matrix's diagonal plus 1/n for the intercept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


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
    slack = 1 - 1 / n - np.square(basis) @ shrunk  # 1 minus the leverage  (n, L)
    weights = shrunk[:, :, np.newaxis] * (basis.T @ centered)[:, np.newaxis]  # (r, L, C)
    fits = (basis @ weights.reshape(len(eigenvalues), -1)).reshape(n, len(penalties), -1)  # (n, L, C)
    residuals = (centered[:, np.newaxis] - fits) / slack[:, :, np.newaxis]
    best = int(np.square(residuals).mean(axis=(0, 2)).argmin())
    return targets - residuals[:, best], best
