"""`GridSearchCV(SVC(gamma="scale"), {"C": C}, cv=folds)`, its scores to the last bit, with one Gram matrix a fold.

Every fold computes its kernel once instead of once for every C, and a C whose solution another fit determines is not
fitted again.

An infinite C is left out where it has no solution, because two series with different labels are the same to libsvm;
ElectricDevices holds 31 such groups. libsvm would take `max_iter` steps, hours in all, towards multipliers without
bound, and score what rounding leaves of them. It is left out, too, where multipliers overflow: several series that are
nearly the same have different labels.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mtcs.ops.rbf import ROWS, blas_free_threads, each_block, factors, kernel_block, scale_gamma

if TYPE_CHECKING:  # the functions import scikit-learn: whoever reads params.yaml needs no more than the spec
    from sklearn.svm import SVC


def search(
    features: np.ndarray, labels: np.ndarray, grid: Sequence[float], folds: int, max_iter: int, workers: int = -1
) -> Iterator[tuple[int, int, float, bool]]:
    """Cross-validate every C of the grid.

    Args:
        features: (n, D) float64, finite.
        labels: (n,) integers.
        grid: the values of C; infinity is a hard margin.
        folds: parts of the stratified cross-validation.
        max_iter: steps after which libsvm gives up on a pair of classes.
        workers: threads; -1 is one for every core. The scores do not depend on it.

    Yields:
        (index of C, fold, accuracy, converged), as they are known; the accuracy is NaN where C has no solution.
    """
    from sklearn.model_selection import StratifiedKFold

    with warnings.catch_warnings():
        # A class with fewer members than folds is absent from some. ECG5000 has such; the protocol lets it pass.
        warnings.filterwarnings("ignore", "The least populated class in y has only", UserWarning)
        splits = list(StratifiedKFold(folds).split(features, labels))
    # One piece of memory for every fold's kernel: its first touch costs more time than filling it.
    memory = np.empty(max(len(train) for train, _ in splits) * len(labels))
    with blas_free_threads(workers) as threads:
        for number, (train, test) in enumerate(splits):
            fold = _Fold(features, labels, train, test, grid, max_iter, memory, threads)
            # The largest C first: the others are compared with it.
            order = sorted(range(len(grid)), key=lambda i: (grid[i] < fold.largest, grid[i]))
            results = threads.map(fold.score, [grid[i] for i in order])
            for i, (score, converged) in zip(order, results, strict=True):
                yield i, number, score, converged


def collide(features: np.ndarray, labels: np.ndarray, gamma: float) -> bool:
    """Whether two series with different labels are the same to libsvm, which keeps its kernel in single precision.

    Args:
        features: (n, D) of the series.
        labels: (n,) classes as integers.
        gamma: of the RBF kernel.
    """
    left, right = factors(features, gamma)
    for start in range(0, len(labels), ROWS):
        block = slice(start, start + ROWS)
        different_labels = labels[block, np.newaxis] != labels  # (m, n)
        if (kernel_block(left[block], right)[different_labels].astype(np.float32) >= 1).any():
            return True
    return False


def fit_svc(features: np.ndarray, labels: np.ndarray, **settings: Any) -> SVC | None:
    """A fitted SVC, or None if libsvm's multipliers overflow.

    Args:
        features: (n, D) of the series; with `kernel="precomputed"`, their kernel (n, n).
        labels: (n,) classes as integers.
        settings: arguments of `SVC`.
    """
    from sklearn.svm import SVC

    try:
        return SVC(**settings).fit(features, labels)
    except ValueError as error:
        if "not finite" not in str(error):
            raise
        return None


class _Fold:
    """One fold with its kernel, on which every C is fitted and scored."""

    def __init__(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        train: np.ndarray,
        test: np.ndarray,
        grid: Sequence[float],
        max_iter: int,
        memory: np.ndarray,
        threads: Executor,
    ) -> None:
        gamma = scale_gamma(features[train])
        # libsvm fits pairs of classes. With classes side by side it reads neighbors in memory, twice as fast; it
        # sorts stably by class itself, so the solution is the same.
        train = train[labels[train].argsort(kind="stable")]
        self.labels, self.test_labels = labels[train], labels[test]
        self.max_iter = max_iter
        self.fitted: dict[float, tuple[SVC, float]] = {}

        left, right = factors(features[np.concatenate([train, test])], gamma)
        right = right[: len(train)]
        kernel = memory[: len(left) * len(right)].reshape(len(left), len(right))

        def fill(block: slice) -> None:
            kernel_block(left[block], right, out=kernel[block])

        each_block(threads, fill, len(left))
        np.fill_diagonal(kernel, 1)  # without the rounding of the matrix product
        self.kernel = kernel[: len(train)]  # (n_train, n_train)
        self.test_kernel = kernel[len(train) :]  # (n_test, n_train)
        self.largest = max((C for C in grid if self._soluble(C)), default=0.0)

    def _soluble(self, C: float) -> bool:
        """Whether there are two classes and, for an infinite C, no two series of theirs are the same to libsvm."""
        bounds = np.flatnonzero(np.diff(self.labels)) + 1  # of the classes, which lie side by side
        if np.isfinite(C) or not bounds.size:
            return bool(bounds.size)
        nearest = max(self.kernel[start:end, end:].max() for start, end in pairwise([0, *bounds]))
        return bool(np.float32(nearest) < 1)  # libsvm keeps its kernel in single precision

    def score(self, C: float) -> tuple[float, bool]:
        """Accuracy on the test part, NaN without solution; and whether libsvm converged."""
        if self.largest < C:
            return np.nan, True
        result = self._known(C) or self._fit(C)
        if result is None:
            return np.nan, True
        svc, score = self.fitted[C] = result
        return score, svc.fit_status_ == 0

    def _fit(self, C: float) -> tuple[SVC, float] | None:
        svc = fit_svc(self.kernel, self.labels, C=C, kernel="precomputed", max_iter=self.max_iter)
        return svc and (svc, float((svc.predict(self.test_kernel) == self.test_labels).mean()))

    def _known(self, C: float) -> tuple[SVC, float] | None:
        """The solution for this C, where other fits determine it.

        libsvm's multipliers grow from zero, and C enters only where one would exceed it. If a smaller C took the same
        steps to the same multipliers as the largest C, none ever met its bound, and none does in between.
        """
        largest = self.fitted.get(self.largest)
        smaller = [svc for other, (svc, _) in list(self.fitted.items()) if other < C]  # a copy: other threads add to it
        if largest and any(same_solution(svc, largest[0]) for svc in smaller):
            return largest
        return None


def same_solution(a: SVC, b: SVC) -> bool:
    """Whether two fits on one kernel took as many steps for each pair of classes, to bit-equal multipliers."""
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("n_iter_", "support_", "dual_coef_"))
