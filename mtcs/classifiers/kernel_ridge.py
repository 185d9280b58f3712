"""Kernel ridge classification of representations: one RBF kernel, its penalty by exact leave-one-out.

Each class is regressed against the rest with targets of 1 and -1, whose mean is the intercept. The kernel is centered
and divided to a trace of n, so that penalties mean the same on every task; its width follows the SVM's rule, 1 / (D
variance). The penalty is the one of least mean squared leave-one-out error over all classes, and all of them come from
one eigendecomposition (`mtcs.ops.ridge`). With more training series than `max_exact` the kernel is replaced by its
Nystroem approximation on `landmarks` of them (Williams and Seeger, NeurIPS 2000).

Leave-one-out decisions also calibrate probabilities, see `mtcs.classifiers.calibration`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from mtcs.classifiers.calibration import fit_sharpness
from mtcs.config.classifiers import KernelRidge
from mtcs.ops.rbf import rbf_kernel, scale_gamma
from mtcs.ops.ridge import centered_eigen, leave_one_out, one_against_rest, trace_scale

_SMALL = 2_000**2  # entries of a kernel


@dataclass(frozen=True)
class FittedKernelRidge:
    """A fitted kernel ridge classifier, as arrays; m support it: all training series, or the landmarks.

    series: (m, D), of the kind of number that the representations have.
    coefficients: (m, C) float64; intercepts: (C,) float64.
    classes: (C,) int64, the classes seen in training.
    gamma, penalty: () float64.
    sharpness: () float64, the inverse temperature of probabilities.
    """

    SHAPES: ClassVar[Mapping[str, str]] = {
        "series": "f m D",
        "coefficients": "f m C",
        "intercepts": "f C",
        "classes": "i C",
        "gamma": "f",
        "penalty": "f",
        "sharpness": "f",
    }
    series: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    classes: np.ndarray
    gamma: np.ndarray
    penalty: np.ndarray
    sharpness: np.ndarray

    def decisions(self, representations: np.ndarray, workers: int = -1) -> np.ndarray:
        """Values (n, C) of representations (n, D), about 1 for a series of the class and -1 for another."""
        kernel = rbf_kernel(representations, self.series, float(self.gamma), workers)
        return kernel @ self.coefficients + self.intercepts

    def predict(self, representations: np.ndarray, workers: int = -1) -> np.ndarray:
        """Classes (n,) of representations (n, D)."""
        return self.classes[self.decisions(representations, workers).argmax(axis=1)]


def fit_kernel_ridge(
    representations: np.ndarray, labels: np.ndarray, spec: KernelRidge, workers: int = -1
) -> FittedKernelRidge:
    """Choose the penalty and fit.

    With n series, exactly: about n^3 / 10^10 seconds and four n x n matrices of doubles.

    Args:
        representations: (n, D), finite.
        labels: (n,) integers of at least two classes.
        spec: penalties and bounds.
        workers: threads for the kernel; -1 is one for every core.
    """
    features = np.asarray(representations, np.float64)
    classes, targets = one_against_rest(labels)  # (C,), (n, C)
    gamma = scale_gamma(features)
    exact = len(features) <= spec.max_exact
    rows = np.arange(len(features)) if exact else _landmarks(len(features), spec.landmarks)
    kernel = rbf_kernel(features, features[rows], gamma, workers)  # (n, m)
    means = kernel.mean(axis=0)
    # Several threads gain little on a small matrix, and lose much where others compute.
    threads = 1 if kernel.size < _SMALL else joblib.cpu_count() if workers == -1 else workers
    with threadpool_limits(threads, user_api="blas"):
        basis, eigenvalues, expansion = _exact(kernel) if exact else _nystroem(kernel, rows)
        left_out, best = leave_one_out(basis, eigenvalues, targets, spec.penalties)
        penalty = spec.penalties[best]
        projected = basis.T @ (targets - targets.mean(axis=0)) / (eigenvalues[:, np.newaxis] + penalty)  # (r, C)
        coefficients = expansion @ projected
    return FittedKernelRidge(
        series=representations[rows],
        coefficients=coefficients,
        intercepts=targets.mean(axis=0) - means @ coefficients,  # a new series' kernel is centered by these means
        classes=classes,
        gamma=np.array(gamma),
        penalty=np.array(penalty),
        sharpness=np.array(fit_sharpness(left_out, targets.argmax(axis=1))),
    )


def _exact(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a kernel (n, n), which is overwritten: eigenvectors (n, n) and eigenvalues (n,) of it centered, to trace n.

    Also the expansion (n, n): the fit of coefficients c in the basis is the kernel, centered, times expansion @ c.
    """
    basis, eigenvalues, scale = centered_eigen(kernel)
    return basis, eigenvalues, scale * basis


def _nystroem(kernel: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `_exact`, of the kernel (n, m) with landmarks that stand in `rows` (m,): (n, r), (r,) and (m, r), r <= m.

    The kernel of all series is replaced by K_nm K_mm^-1 K_mn, which is F F^T with features F = K_nm A.
    """
    from scipy.linalg import eigh  # not above: whoever predicts does without

    values, vectors = eigh(kernel[rows], check_finite=False, driver="evd")
    sound = values > values[-1] * len(values) * np.finfo(np.float64).eps  # the others are rounding
    expansion = vectors[:, sound] / np.sqrt(values[sound])  # A  (m, r)
    features = kernel @ expansion
    features -= features.mean(axis=0)
    scale = trace_scale(float(np.square(features).sum()), len(kernel))
    eigenvalues, vectors = eigh(scale * (features.T @ features), overwrite_a=True, check_finite=False, driver="evd")
    sound = eigenvalues > eigenvalues[-1] * len(eigenvalues) * np.finfo(np.float64).eps
    eigenvalues, vectors = eigenvalues[sound], vectors[:, sound]
    basis = features @ (vectors * np.sqrt(scale / eigenvalues))
    return basis, eigenvalues, expansion @ (vectors * np.sqrt(scale * eigenvalues))


def _landmarks(n: int, size: int) -> np.ndarray:
    """Rows of a random subsample, (size,), the same in every fit."""
    return np.sort(np.random.default_rng(0).permutation(n)[:size])
