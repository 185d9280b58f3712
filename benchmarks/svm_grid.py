"""The SVM's search for C against scikit-learn's `GridSearchCV`, on representations of the size of Crop's.

    python benchmarks/svm_grid.py [--n 7200] [--seed 0] [--workers 2]

Prints both times, their ratio, both chosen C and the largest difference of a cross-validation score. Both sides search
the same grid with the same number of workers and fit the chosen C on all series.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from mtcs.classifiers.svm import fit_svm
from mtcs.config.classifiers import SVM

CLASSES, WIDTH, FACTORS = 24, 320, 40
SPEC = SVM(C=(1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1e3, 1e4, float("inf")))


def representations(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes (n, D) with correlated, skewed features, as a maximum over time gives; labels (n,)."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % CLASSES)
    factors = rng.normal(size=(CLASSES, FACTORS))[labels] + 2 * rng.normal(size=(n, FACTORS))
    activations = factors @ rng.normal(size=(FACTORS, WIDTH)) / FACTORS**0.5 + 0.3 * rng.normal(size=(n, WIDTH))
    return np.maximum(activations, 0.5 * rng.normal(size=(n, WIDTH))).astype(np.float32), labels


def main() -> None:
    """Time both on the same data, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=7200, help="series (default: 7200, Crop's training split)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    x, y = representations(arguments.n, arguments.seed)
    print(f"n = {arguments.n}, D = {WIDTH}, {CLASSES} classes, {arguments.workers} workers", flush=True)

    start = time.perf_counter()
    ours = fit_svm(x, y, SPEC, arguments.workers)
    seconds = time.perf_counter() - start
    assert ours.scores is not None, f"--n {arguments.n} is too small for a search"
    C = float(ours.reader.C)
    print(f"mtcs          {seconds:8.1f} s   C = {C:g}   accuracy {ours.scores[C]:.4f}", flush=True)

    start = time.perf_counter()
    grid = {"C": list(SPEC.C)}
    search = GridSearchCV(SVC(max_iter=SPEC.max_iter), grid, cv=SPEC.folds, n_jobs=arguments.workers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(x, y)
    reference = time.perf_counter() - start
    print(f"GridSearchCV  {reference:8.1f} s   C = {search.best_params_['C']:g}   accuracy {search.best_score_:.4f}")

    scores = np.array(list(ours.scores.values()))
    difference = np.abs(scores - search.cv_results_["mean_test_score"]).max()
    print(f"{reference / seconds:.1f} times as fast, largest difference of a score {difference:g}")


if __name__ == "__main__":
    main()
