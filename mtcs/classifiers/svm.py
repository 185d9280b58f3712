"""The RBF support vector machine of the T-Loss, TS2Vec and MTCS publications: what reads frozen representations.

The protocol (Franceschi et al., NeurIPS 2019; Yue et al., AAAI 2022): C by a grid under five-fold stratified
cross-validation, gamma = 1 / (D variance), features as they are; at most 10,000 training series. With fewer than 50
series, or fewer than five a class on average, there is no search and C is infinite.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mtcs.classifiers.subsample import subsample
from mtcs.config.classifiers import SVM
from mtcs.errors import InputError
from mtcs.ops.rbf import scale_gamma
from mtcs.ops.svm_grid import collide, fit_svc, search
from mtcs.ops.svm_vote import decide

if TYPE_CHECKING:  # the functions import scikit-learn: whoever reads params.yaml needs no more than the spec
    from sklearn.svm import SVC

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FittedSVM:
    """A fitted SVM, as arrays: S support vectors of C classes, class by class.

    vectors: (S, D), of the kind of number that the representations have.
    multipliers: (C - 1, S) float64, signed, as libsvm lays them out.
    intercepts: (C (C - 1) / 2,) float64, one for each pair of classes.
    counts: (C,) int64, support vectors of each class.
    classes: (C,) int64, the classes seen in training.
    gamma, C: () float64.
    """

    SHAPES: ClassVar[Mapping[str, str]] = {
        "vectors": "f S D",
        "multipliers": "f C-1 S",
        "intercepts": "f P",
        "counts": "i C",
        "classes": "i C",
        "gamma": "f",
        "C": "f?",
    }
    vectors: np.ndarray
    multipliers: np.ndarray
    intercepts: np.ndarray
    counts: np.ndarray
    classes: np.ndarray
    gamma: np.ndarray
    C: np.ndarray

    def __post_init__(self) -> None:
        """Raises ValueError if these are not support vectors of so many classes, and of every pair of them."""
        n = len(self.classes)
        fits = (len(self.multipliers), len(self.intercepts), len(self.counts)) == (n - 1, n * (n - 1) // 2, n)
        if not fits or self.counts.min() < 0 or self.counts.sum() != len(self.vectors):
            raise ValueError(f"its arrays are not those of {n} classes and {len(self.vectors)} support vectors")

    def predict(self, representations: np.ndarray, workers: int = -1) -> np.ndarray:
        """Classes (m,) of representations (m, D): those of `SVC.predict`, several times sooner."""
        return self.classes[np.rint(self.decisions(representations, workers)).argmax(axis=1)]

    def decisions(self, representations: np.ndarray, workers: int = -1) -> np.ndarray:
        """Values (m, C) of representations (m, D): those of `SVC.decision_function`, one against the rest."""
        return decide(
            representations,
            self.vectors,
            self.multipliers,
            self.intercepts,
            self.counts,
            float(self.gamma),
            workers,
        )


@dataclass(frozen=True)
class SVMFit:
    """What `fit_svm` returns.

    reader: fitted on all training series, or on their subsample. Its C is the best of the search, or an infinite one;
        if that has no solution, the next best of the search, or the largest of the grid.
    scores: mean accuracy of cross-validation by C, in the grid's order; NaN where a fold has no solution. None where
        the protocol asks for no search.
    unconverged: every C, of the search or the final fit, for which libsvm gave up after `max_iter` steps.
    """

    reader: FittedSVM
    scores: dict[float, float] | None
    unconverged: tuple[float, ...]


def fit_svm(
    representations: np.ndarray,
    labels: np.ndarray,
    spec: SVM,
    workers: int = -1,
    progress: Callable[[int, int], None] | None = None,
) -> SVMFit:
    """Choose C and fit the SVM under the protocol.

    The result does not depend on `workers`. Peak memory beside the input: one kernel of 0.8 n x n doubles that all
    workers share (0.33 GB at n = 7,200; 0.64 GB at n = 10,000), and three copies of the representations as doubles.

    Args:
        representations: (n, D), finite.
        labels: (n,) integers of at least two classes.
        spec: grid, folds and bounds.
        workers: threads; -1 is one for every core.
        progress: called as `progress(done, total)` after each fit of the search and after the final one.

    Raises:
        InputError: if there are more classes than `max_train`, or no C of the grid has a solution.
    """
    from sklearn.exceptions import ConvergenceWarning

    searched = searches(labels, spec)
    rows = subsample(labels, spec.max_train) if searched else np.arange(len(labels))
    features = np.ascontiguousarray(representations[rows], dtype=np.float64)  # as libsvm computes  (n, D)
    labels = labels[rows]

    scores, unconverged = None, Counter[float]()
    preferred = [np.inf, *sorted(filter(np.isfinite, spec.C), reverse=True)]
    total = spec.folds * len(spec.C) * searched + 1
    with warnings.catch_warnings():
        # Fits that give up are counted, and logged once below; the filter holds for the threads of the search too.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if searched:
            table = np.empty((len(spec.C), spec.folds))
            results = search(features, labels, spec.C, spec.folds, spec.max_iter, workers)
            for done, (i, fold, score, converged) in enumerate(results, start=1):
                table[i, fold] = score
                unconverged[spec.C[i]] += not converged
                if progress:
                    progress(done, total)
            means = table.mean(axis=1)
            ranked = np.argsort(-np.nan_to_num(means, nan=-1), kind="stable")  # the first of equals, as GridSearchCV
            preferred = [spec.C[i] for i in ranked]
            scores = dict(zip(spec.C, means.tolist(), strict=True))
        svc = _first_fit(features, labels, preferred, scale_gamma(features), spec.max_iter)
    unconverged[svc.C] += svc.fit_status_
    if progress:
        progress(total, total)

    gave_up = tuple(C for C, times in unconverged.items() if times)
    if gave_up:
        log.warning(
            "libsvm stopped at max_iter = %d, short of its tolerance, in %d of %d fits (C = %s).",
            *(spec.max_iter, unconverged.total(), total, ", ".join(f"{C:g}" for C in gave_up)),
        )
    return SVMFit(_reader(svc, representations, rows), scores, gave_up)


def left_out_decisions(
    representations: np.ndarray, labels: np.ndarray, spec: SVM, C: float, workers: int = -1
) -> np.ndarray:
    """Decisions (n, C) for representations (n, D) by SVMs that were not fitted to them, in stratified folds.

    Args:
        representations: (n, D), finite.
        labels: (n,) integers of at least two classes.
        spec: folds, fewer where a class has fewer series, and bounds.
        C: of all of them; the next one below it in the grid where it has no solution.
        workers: threads for the kernel; -1 is one for every core.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import StratifiedKFold

    classes, counts = np.unique(labels, return_counts=True)
    grid = [C, *sorted((one for one in spec.C if one < C), reverse=True)]
    folds = StratifiedKFold(max(2, min(spec.folds, counts.min())), shuffle=True, random_state=0)
    result = np.empty((len(labels), len(classes)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The least populated class in y has only", UserWarning)  # a single series
        for train, test in folds.split(representations, labels):
            features = np.ascontiguousarray(representations[train], dtype=np.float64)
            svc = _first_fit(features, labels[train], grid, scale_gamma(features), spec.max_iter)
            decisions = _reader(svc, representations, train).decisions(representations[test], workers)
            result[test] = decisions.min(axis=1, keepdims=True)  # of a class that was not left in
            result[np.ix_(test, np.searchsorted(classes, svc.classes_))] = decisions
    return result


def searches(labels: np.ndarray, spec: SVM) -> bool:
    """Whether the protocol searches for C on training series of these labels (n,)."""
    return len(labels) >= spec.min_series and len(labels) // len(np.unique(labels)) >= spec.folds


def _first_fit(features: np.ndarray, labels: np.ndarray, grid: Iterable[float], gamma: float, max_iter: int) -> SVC:
    """An SVC with the first C that has a solution."""
    for C in grid:
        svc = None
        if np.isfinite(C) or not collide(features, labels, gamma):
            svc = fit_svc(features, labels, C=C, gamma=gamma, max_iter=max_iter)
        if svc is not None:
            return svc
        log.warning("C = %g has no solution: nearly equal series have different labels; fitted with another C.", C)
    raise InputError(f"No C of the classifier has a solution on these {len(labels)} series; add a smaller one.")


def _reader(svc: SVC, representations: np.ndarray, rows: np.ndarray) -> FittedSVM:
    sign = -1 if len(svc.classes_) == 2 else 1  # scikit-learn turns the sign that libsvm gives two classes
    return FittedSVM(
        vectors=representations[rows[svc.support_]],
        multipliers=sign * svc.dual_coef_,
        intercepts=sign * svc.intercept_,
        counts=svc.n_support_.astype(np.int64),
        classes=svc.classes_.astype(np.int64),
        gamma=np.array(svc.gamma, np.float64),
        C=np.array(svc.C, np.float64),
    )
