"""What reads frozen representations: the RBF support vector machine of the T-Loss, TS2Vec and MTCS publications.

The protocol (Franceschi et al., NeurIPS 2019; Yue et al., AAAI 2022): a grid of C under five-fold cross-validation,
gamma = 1 / (D variance), features as they are. Scores equal those of scikit-learn's `GridSearchCV` and come several
times sooner, because every fold computes its kernel once instead of once for every C.

An infinite C is left out where it has no solution, because two series with different labels are the same to libsvm;
ElectricDevices holds 31 such groups. libsvm would take `max_iter` steps, hours in all, towards multipliers without
bound, and score what rounding leaves of them. It is left out, too, where multipliers overflow: several series that are
nearly the same have different labels.
"""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from mtcs.config.classifiers import MIN_SERIES, SVM
from mtcs.errors import InputError
from mtcs.layout import atomic_write

if TYPE_CHECKING:  # the functions import scikit-learn: whoever reads params.yaml needs no more than the spec
    from sklearn.svm import SVC

log = logging.getLogger(__name__)

_ROWS = 256  # of a kernel computed at a time, so that a block is still in the cache when it is read again


@dataclass(frozen=True)
class FittedSVM:
    """What `fit_svm` found.

    svc: fitted on the whole (subsampled) training set; predicts from raw representations (n, D), see `predict`.
    cost: the C it was fitted with: the best of the search, or an infinite one; if it has no solution, the next best of
        the search, or the largest of the grid.
    scores: mean accuracy of cross-validation by C, in the grid's order; NaN where a fold has no solution. None where
        the protocol asks for no search.
    unconverged: every C, of the search or the final fit, for which libsvm gave up after `max_iter` steps.
    """

    svc: SVC
    cost: float
    scores: dict[float, float] | None
    unconverged: tuple[float, ...]


def fit_svm(
    representations: np.ndarray,
    labels: np.ndarray,
    spec: SVM,
    workers: int = -1,
    progress: Callable[[int, int], None] | None = None,
) -> FittedSVM:
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
        InputError: if the representations are not finite or not one a label, if there is one class only, or if
            a stratified subsample of `max_train` series cannot be drawn.
    """
    from sklearn.exceptions import ConvergenceWarning

    _check(representations, labels)
    searched = len(labels) // len(np.unique(labels)) >= spec.folds and len(labels) >= MIN_SERIES
    if searched and len(labels) > spec.max_train:
        kept = _subsample(labels, spec.max_train)
        representations, labels = representations[kept], labels[kept]
    features = np.ascontiguousarray(representations, dtype=np.float64)  # as libsvm computes  (n, D)

    scores, unconverged = None, Counter[float]()
    preferred = [np.inf, *sorted(filter(np.isfinite, spec.costs), reverse=True)]
    total = spec.folds * len(spec.costs) * searched + 1
    with warnings.catch_warnings():
        # Fits that give up are counted, and logged once below; the filter holds for the threads of the search too.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if searched:
            table = np.empty((len(spec.costs), spec.folds))
            for done, (i, fold, score, converged) in enumerate(_search(features, labels, spec, workers), start=1):
                table[i, fold] = score
                unconverged[spec.costs[i]] += not converged
                if progress:
                    progress(done, total)
            means = table.mean(axis=1)
            ranked = np.argsort(-np.nan_to_num(means, nan=-1), kind="stable")  # the first of equals, as GridSearchCV
            preferred = [spec.costs[i] for i in ranked]
            scores = dict(zip(spec.costs, means.tolist(), strict=True))
        svc, cost = _first_fit(features, labels, preferred, gamma=_gamma(features), max_iter=spec.max_iter)
    unconverged[cost] += svc.fit_status_
    if progress:
        progress(total, total)

    gave_up = tuple(cost for cost, times in unconverged.items() if times)
    if gave_up:
        log.warning(
            "libsvm stopped at max_iter = %d, short of its tolerance, in %d of %d fits (C = %s).",
            *(spec.max_iter, unconverged.total(), total, ", ".join(f"{cost:g}" for cost in gave_up)),
        )
    return FittedSVM(svc, cost, scores, gave_up)


def _first_fit(
    features: np.ndarray, labels: np.ndarray, costs: Iterable[float], gamma: float, max_iter: int
) -> tuple[SVC, float]:
    """An SVC with the first C that has a solution, and that C."""
    for cost in costs:
        if np.isinf(cost) and _collide(features, labels, gamma):
            svc = None
        else:
            svc = _fit(features, labels, C=cost, gamma=gamma, max_iter=max_iter)
        if svc is not None:
            return svc, cost
        log.warning("C = %g has no solution: nearly equal series have different labels; fitted with another C.", cost)
    raise InputError(f"No C of the classifier's costs has a solution on these {len(labels)} series; add a smaller one.")


def _collide(features: np.ndarray, labels: np.ndarray, gamma: float) -> bool:
    """Whether two series with different labels are the same to libsvm, which keeps its kernel in single precision."""
    left, right = _factors(features, gamma)
    for start in range(0, len(labels), _ROWS):
        block = slice(start, start + _ROWS)
        apart = labels[block, np.newaxis] != labels  # (m, n)
        if (_rbf(left[block], right)[apart].astype(np.float32) >= 1).any():
            return True
    return False


def _fit(features: np.ndarray, labels: np.ndarray, **settings: Any) -> SVC | None:
    """A fitted SVC, or None if libsvm's multipliers overflow."""
    from sklearn.svm import SVC

    try:
        return SVC(**settings).fit(features, labels)
    except ValueError as error:
        if "not finite" not in str(error):
            raise
        return None


def predict(svc: SVC, representations: np.ndarray, workers: int = -1) -> np.ndarray:
    """Labels (n,) of representations (n, D): those of `svc.predict`, but several times sooner.

    libsvm takes one difference of two vectors after the other; here a block of the kernel is one matrix product. What
    rounding could decide is left to libsvm. Needs an SVC of `fit_svm`, whose gamma is a number.
    """
    features = np.asarray(representations, dtype=np.float64)
    left, _ = _factors(features, float(svc.gamma))
    _, right = _factors(svc.support_vectors_, float(svc.gamma))
    labels = np.empty(len(left), dtype=svc.classes_.dtype)

    def fill(block: slice) -> None:
        labels[block], sure = _vote(svc, _rbf(left[block], right))
        if not sure.all():
            labels[block][~sure] = svc.predict(features[block][~sure])

    with _threads(workers) as threads:
        _each_block(threads, fill, len(left))
    return labels


def fitted_rows(svc: SVC, labels: np.ndarray) -> np.ndarray:
    """Which of a task's training series, with labels (n,), an SVC of `fit_svm` was fitted on: (m,), m <= n."""
    fitted = svc.shape_fit_[0]
    return _subsample(labels, fitted) if fitted < len(labels) else np.arange(fitted)


def _check(representations: np.ndarray, labels: np.ndarray) -> None:
    if representations.ndim != 2 or labels.shape != representations.shape[:1]:
        raise InputError(
            f"Representations {representations.shape} and labels {labels.shape} do not match, "
            "expected (n, D) and (n,); run 'mtcs represent' again."
        )
    bad = np.flatnonzero(~np.isfinite(representations).all(axis=1))
    if bad.size:
        raise InputError(
            f"Representation {bad[0]} of {len(labels)} holds a value that is not finite; "
            "train the model again, with a smaller learning rate."
        )
    if len(np.unique(labels)) < 2:
        raise InputError(
            f"All {len(labels)} training series have one label ({', '.join(map(str, labels[:1]))}), "
            "expected two or more; take the task out of its suite."
        )


def _subsample(labels: np.ndarray, size: int) -> np.ndarray:
    """Indices of a stratified subsample, the one that TS2Vec's evaluation draws."""
    from sklearn.model_selection import train_test_split

    try:
        split = train_test_split(np.arange(len(labels)), train_size=size, random_state=0, stratify=labels)
    except ValueError as error:
        raise InputError(
            f"{len(labels)} training series cannot be cut to max_train = {size} with every class kept: "
            f"{str(error).rstrip('.')}; choose another max_train."
        ) from error
    return np.asarray(split[0])


def _search(
    features: np.ndarray, labels: np.ndarray, spec: SVM, workers: int
) -> Iterator[tuple[int, int, float, bool]]:
    """Cross-validate the grid; yields (index of C, fold, accuracy, converged)."""
    from sklearn.model_selection import StratifiedKFold

    with warnings.catch_warnings():
        # A class with fewer members than folds is absent from some. ECG5000 has such; the protocol lets it pass.
        warnings.filterwarnings("ignore", "The least populated class in y has only", UserWarning)
        folds = list(StratifiedKFold(spec.folds).split(features, labels))
    # One piece of memory for every fold's kernel: its first touch costs more time than filling it.
    memory = np.empty(max(len(train) for train, _ in folds) * len(labels))
    with _threads(workers) as threads:
        for number, (train, test) in enumerate(folds):
            fold = _Fold(features, labels, train, test, spec, memory, threads)
            # The largest C first: the others are compared with it.
            order = sorted(range(len(spec.costs)), key=lambda i: (spec.costs[i] < fold.largest, spec.costs[i]))
            results = threads.map(fold.score, [spec.costs[i] for i in order])
            for i, (score, converged) in zip(order, results, strict=True):
                yield i, number, score, converged


class _Fold:
    """One fold with its kernel, on which every C is fitted and scored."""

    def __init__(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        train: np.ndarray,
        test: np.ndarray,
        spec: SVM,
        memory: np.ndarray,
        threads: Executor,
    ) -> None:
        gamma = _gamma(features[train])
        # libsvm fits pairs of classes. With classes side by side it reads neighbours in memory, twice as fast; it
        # sorts stably by class itself, so the solution is the same.
        train = train[labels[train].argsort(kind="stable")]
        self.labels, self.test_labels = labels[train], labels[test]
        self.spec = spec
        self.fitted: dict[float, tuple[SVC, float]] = {}

        left, right = _factors(features[np.concatenate([train, test])], gamma)
        right = right[: len(train)]
        kernel = memory[: len(left) * len(right)].reshape(len(left), len(right))

        def fill(block: slice) -> None:
            _rbf(left[block], right, out=kernel[block])

        _each_block(threads, fill, len(left))
        np.fill_diagonal(kernel, 1)  # without the rounding of the matrix product
        self.kernel = kernel[: len(train)]  # (n_train, n_train)
        self.test_kernel = kernel[len(train) :]  # (n_test, n_train)
        self.largest = max((cost for cost in spec.costs if self._soluble(cost)), default=0.0)

    def _soluble(self, cost: float) -> bool:
        """Whether there are two classes and, for an infinite C, no two series of theirs are the same to libsvm."""
        bounds = np.flatnonzero(np.diff(self.labels)) + 1  # of the classes, which lie side by side
        if np.isfinite(cost) or not bounds.size:
            return bool(bounds.size)
        nearest = max(self.kernel[start:end, end:].max() for start, end in pairwise([0, *bounds]))
        return bool(np.float32(nearest) < 1)  # libsvm keeps its kernel in single precision

    def score(self, cost: float) -> tuple[float, bool]:
        """Accuracy on the test part with C = `cost`, NaN without solution; and whether libsvm converged."""
        if cost > self.largest:
            return np.nan, True
        found = self._known(cost) or self._fit(cost)
        if found is None:
            return np.nan, True
        svc, score = self.fitted[cost] = found
        return score, svc.fit_status_ == 0

    def _fit(self, cost: float) -> tuple[SVC, float] | None:
        svc = _fit(self.kernel, self.labels, C=cost, kernel="precomputed", max_iter=self.spec.max_iter)
        return svc and (svc, float((svc.predict(self.test_kernel) == self.test_labels).mean()))

    def _known(self, cost: float) -> tuple[SVC, float] | None:
        """The solution for `cost`, where other fits determine it.

        libsvm's multipliers grow from zero, and C enters only where one would exceed it. If a smaller C took the same
        steps to the same multipliers as the largest C, none ever met its bound, and none does in between.
        """
        largest = self.fitted.get(self.largest)
        smaller = [svc for c, (svc, _) in list(self.fitted.items()) if c < cost]  # a copy: other threads add to it
        if largest and any(_same_solution(svc, largest[0]) for svc in smaller):
            return largest
        return None


def _same_solution(a: SVC, b: SVC) -> bool:
    """Whether two fits on one kernel took as many steps for each pair of classes, to bit-equal multipliers."""
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("n_iter_", "support_", "dual_coef_"))


def _gamma(features: np.ndarray) -> float:
    """`gamma="scale"` of scikit-learn: 1 / (D variance) with the variance of all entries of features (n, D)."""
    variance = float(features.var())
    return 1 / (features.shape[1] * variance) if variance else 1.0


def _factors(features: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Two matrices (n, D + 2) of features (n, D) with left_i . right_j = -gamma |x_i - x_j|^2."""
    norms = -gamma * np.square(features).sum(axis=1, keepdims=True)
    ones = np.ones_like(norms)
    return np.hstack([2 * gamma * features, norms, ones]), np.hstack([features, ones, norms])


def _rbf(left: np.ndarray, right: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The kernel (m, n) between series given by their factors, (m, D + 2) and (n, D + 2)."""
    kernel = np.matmul(left, right.T, out=out)
    np.minimum(kernel, 0, out=kernel)  # rounding may leave a distance below zero
    return np.exp(kernel, out=kernel)


def _vote(svc: SVC, kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels (m,) by libsvm's rule, from the kernel (m, S) between m series and the support vectors.

    Every pair of classes casts one vote; among equals the first class wins. Also returns (m,) whether every decision
    stands clear of zero by more than rounding.
    """
    # sums[a][b] is the part of class a's support vectors in its decision against the b-th other class.
    bounds = np.cumsum([0, *svc.n_support_])
    weights = [svc.dual_coef_[:, start:end] for start, end in pairwise(bounds)]  # (C - 1, S_a) for every class a
    sums = [weight @ kernel[:, start:end].T for weight, (start, end) in zip(weights, pairwise(bounds), strict=True)]
    sizes = [abs(weight).sum(axis=1) for weight in weights]
    votes = np.zeros((len(svc.classes_), len(kernel)), dtype=np.int64)
    sure = np.ones(len(kernel), dtype=bool)
    for pair, (a, b) in enumerate(combinations(range(len(svc.classes_)), 2)):
        decision = sums[a][b - 1] + sums[b][a] + svc.intercept_[pair]
        first = decision > 0 if len(svc.classes_) > 2 else decision <= 0  # scikit-learn flips the sign of two classes
        votes[a] += first
        votes[b] += ~first
        sure &= np.abs(decision) > 1e-10 * (sizes[a][b - 1] + sizes[b][a])  # generous to the kernel's rounding
    return svc.classes_[votes.argmax(axis=0)], sure


@contextmanager
def _threads(workers: int) -> Iterator[Executor]:
    """Threads rather than processes: they share the kernel, and libsvm and numpy compute without Python's lock.

    Matrix products stay on the thread that asks for them; several threads each with threads of its own take turns.
    """
    threads = ThreadPoolExecutor(joblib.cpu_count() if workers == -1 else workers)
    with threadpool_limits(1, user_api="blas"), threads:
        yield threads


def _each_block(threads: Executor, work: Callable[[slice], None], n: int) -> None:
    """Run `work` on every block of `n` rows."""
    for _ in threads.map(work, [slice(start, start + _ROWS) for start in range(0, n, _ROWS)]):
        pass  # the loop waits, and raises what `work` raises


# A number that skops derives from an object's address: its `__id__`, and the name of an array's file.
_ADDRESS = re.compile(r'(?<="__id__": )\d+|(?<="file": ")\d+')

# All that a file may hold: skops on its own trusts every estimator and function of scikit-learn, numpy and scipy.
_SVC_TYPES = frozenset(
    ["sklearn.svm._classes.SVC", "numpy.ndarray", "builtins.dict", "builtins.list", "builtins.tuple", "builtins.str"]
)


def save_classifier(path: Path, svc: SVC) -> None:
    """Write a fitted SVC to `path` (`.skops`), whole or not at all; equal classifiers give equal bytes.

    Raises:
        OSError: if the file cannot be written.
    """
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(svc))) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    # skops names arrays and objects by their addresses and dates the entries: number the first, leave out the second.
    schema = content["schema.json"].decode()
    numbers = {address: str(i) for i, address in enumerate(dict.fromkeys(_ADDRESS.findall(schema)))}
    content["schema.json"] = _ADDRESS.sub(lambda found: numbers[found[0]], schema).encode()
    with atomic_write(path) as part, zipfile.ZipFile(part, "w") as archive:
        for name, data in content.items():
            stem, suffix = name.split(".")
            entry = zipfile.ZipInfo(f"{numbers.get(stem, stem)}.{suffix}")
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)


def load_classifier(path: Path) -> SVC:
    """Read the SVC that `save_classifier` wrote; no code of the file runs.

    Raises:
        InputError: if there is no such file, or it holds anything that is not part of an SVC.
    """
    import skops.io

    try:
        with zipfile.ZipFile(path) as archive:
            schema = json.loads(archive.read("schema.json"))
        foreign = sorted(set(_types(schema)) - _SVC_TYPES)
        if foreign or schema["__class__"] != "SVC":
            raise InputError(
                f"{path} holds {', '.join(foreign) or 'no SVC'}, expected the parts of an SVC alone; "
                "run 'mtcs classify' again."
            )
        return skops.io.load(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run 'mtcs classify'.") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} does not hold a classifier ({error}); run 'mtcs classify' again.") from error


def _types(node: Any) -> Iterator[str]:
    """The types that a skops schema would build."""
    if isinstance(node, dict):
        if "__loader__" in node:
            yield f"{node.get('__module__')}.{node.get('__class__')}"
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _types(child)
