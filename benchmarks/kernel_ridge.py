"""Kernel ridge with leave-one-out against the SVM's search for C, as readers of the same representations.

    python benchmarks/kernel_ridge.py [--n 1000] [--classes 5] [--workers 2] [--repeats 5] [--exact] [--ridge-only]

Prints the time of a fit (the best of three where it takes under a second), peak memory, and accuracy on as many further
series: of kernel ridge, exact, or on landmarks beyond `max_exact`; of the SVM's search as it is here;
and of scikit-learn's `GridSearchCV`, the plain form of that search. All in turn in one run, with the same number of
workers; ratios are medians over repeats, with the least and the largest.
"""

import argparse
import resource
import time
import warnings
from collections.abc import Callable
from statistics import median

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from mtcs.classifiers.kernel_ridge import fit_kernel_ridge
from mtcs.classifiers.svm import fit_svm
from mtcs.config.classifiers import SVM, KernelRidge

WIDTH, FACTORS = 320, 40
C = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3, 1e4, float("inf"))


def representations(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes (n, D) with correlated, skewed features, as a maximum over time gives; labels (n,)."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    factors = rng.normal(size=(classes, FACTORS))[labels] + 2 * rng.normal(size=(n, FACTORS))
    activations = factors @ rng.normal(size=(FACTORS, WIDTH)) / FACTORS**0.5 + 0.3 * rng.normal(size=(n, WIDTH))
    return np.maximum(activations, 0.5 * rng.normal(size=(n, WIDTH))).astype(np.float32), labels


def timed(name: str, fit: Callable[[], Callable[[np.ndarray], np.ndarray]], x: np.ndarray, y: np.ndarray) -> float:
    """Seconds of a fit, the best of three where it is short; prints them and the accuracy on series x with labels y."""
    seconds, predict = np.inf, None
    for _ in range(3):
        start = time.perf_counter()
        predict = fit()
        seconds = min(seconds, time.perf_counter() - start)
        if seconds > 1:
            break
    assert predict is not None
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{name:24} {seconds:8.3f} s   accuracy {(predict(x) == y).mean():.4f}   peak so far {memory:.2f} GB",
        flush=True,
    )
    return seconds


def main() -> None:
    """Time all on the same data, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="training series (default: 1000)")
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--exact", action="store_true", help="the exact fit, too, where n is beyond max_exact")
    parser.add_argument("--ridge-only", action="store_true", help="leave the SVM out")
    arguments = parser.parse_args()
    n, workers, times = arguments.n, arguments.workers, []
    x, y = representations(2 * n, arguments.classes, arguments.seed)
    print(f"n = {n}, D = {WIDTH}, {arguments.classes} classes, {workers} workers", flush=True)
    spec = KernelRidge(kind="kernel_ridge")

    def ridge(spec: KernelRidge) -> Callable[[], Callable[[np.ndarray], np.ndarray]]:
        return lambda: fit_kernel_ridge(x[:n], y[:n], spec, workers).predict

    name = "kernel ridge" if n <= spec.max_exact else f"kernel ridge, landmarks {spec.landmarks}"
    search = GridSearchCV(SVC(max_iter=10_000_000), {"C": list(C)}, cv=5, n_jobs=workers)
    for _ in range(arguments.repeats):
        seconds = timed(name, ridge(spec), x[n:], y[n:])
        if n > spec.max_exact and arguments.exact:
            timed("kernel ridge, exact", ridge(spec.model_copy(update={"max_exact": n})), x[n:], y[n:])
        if arguments.ridge_only:
            continue
        svm = timed("SVM", lambda: fit_svm(x[:n], y[:n], SVM(C=C), workers).reader.predict, x[n:], y[n:])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            grid = timed("GridSearchCV of SVC", lambda: search.fit(x[:n], y[:n]).predict, x[n:], y[n:])
        times.append((seconds, svm, grid))
    for other, name in ((1, "the SVM"), (2, "GridSearchCV")):
        ratios = sorted(row[other] / row[0] for row in times)
        if ratios:
            print(f"kernel ridge is {median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f}) times as fast as {name}")


if __name__ == "__main__":
    main()
