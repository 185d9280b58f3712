"""Kernel ridge against a loop that leaves one series out, on tiny and ill-conditioned inputs, and its probabilities."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.metrics.pairwise import rbf_kernel

from mtcs.classifiers import kernel_ridge
from mtcs.classifiers.classify import known_calibration
from mtcs.classifiers.kernel_ridge import FittedKernelRidge, fit_kernel_ridge
from mtcs.config.classifiers import KernelRidge
from tests.classifiers.overlapping import overlapping

SPEC = KernelRidge(kind="kernel_ridge")


def predict_proba(fitted: FittedKernelRidge, x: np.ndarray) -> np.ndarray:
    """Probabilities (n, C) of representations (n, D)."""
    calibration = known_calibration(fitted, len(fitted.series))
    assert calibration is not None
    return calibration(fitted.decisions(x))


def explicit(x: np.ndarray, labels: np.ndarray, penalty: float) -> np.ndarray:
    """(n, C): every series decided by a fit to the others, each with its own centering and intercept.

    The kernel's width and its scale are those of all series, as they are no part of a fit.
    """
    kernel = rbf_kernel(x.astype(np.float64), gamma=1 / (x.shape[1] * x.astype(np.float64).var()))
    n = len(x)
    center = np.eye(n) - 1 / n
    kernel *= n / np.trace(center @ kernel @ center)
    targets = 2.0 * (labels[:, None] == np.unique(labels)) - 1
    decisions = np.empty_like(targets)
    for i in range(n):
        rest = np.arange(n) != i
        # Ridge with an intercept b that is not penalized: (K + penalty) a + b = y, sum of a = 0.
        system = np.zeros((n, n))
        system[:-1, :-1] = kernel[np.ix_(rest, rest)] + penalty * np.eye(n - 1)
        system[-1, :-1] = system[:-1, -1] = 1
        solution = np.linalg.solve(system, np.vstack([targets[rest], np.zeros(targets.shape[1])]))
        decisions[i] = kernel[i, rest] @ solution[:-1] + solution[-1]
    return decisions


@pytest.mark.parametrize(("n", "classes"), [(60, 2), (45, 3), (20, 10), (3, 2)])
def test_the_penalty_is_that_of_an_explicit_loop(n, classes, monkeypatch):
    x, y = overlapping(n, classes)
    seen = []
    original = kernel_ridge.leave_one_out
    monkeypatch.setattr(kernel_ridge, "leave_one_out", lambda *of: seen.append(original(*of)) or seen[-1])
    fitted = fit_kernel_ridge(x, y, SPEC)
    targets = 2.0 * (y[:, None] == np.unique(y)) - 1
    decisions = [explicit(x, y, penalty) for penalty in SPEC.penalties]
    errors = [np.square(targets - one).mean() for one in decisions]
    assert fitted.penalty == SPEC.penalties[int(np.argmin(errors))]
    np.testing.assert_allclose(seen[0][0], decisions[int(np.argmin(errors))], rtol=1e-6, atol=1e-6)


def test_decisions_are_those_of_the_dual_problem():
    x, y = overlapping(50, 3)
    fitted = fit_kernel_ridge(x[:40], y[:40], SPEC)
    features = x.astype(np.float64)
    kernel = rbf_kernel(features, features[:40], gamma=1 / (12 * features[:40].var()))
    center = np.eye(40) - 1 / 40
    scale = 40 / np.trace(center @ kernel[:40] @ center)
    system = np.zeros((41, 41))
    system[:40, :40] = scale * kernel[:40] + float(fitted.penalty) * np.eye(40)
    system[40, :40] = system[:40, 40] = 1
    targets = 2.0 * (y[:40, None] == np.arange(3)) - 1
    solution = np.linalg.solve(system, np.vstack([targets, np.zeros(3)]))
    np.testing.assert_allclose(fitted.decisions(x), scale * kernel @ solution[:40] + solution[40], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("workers", [1, 2])
def test_it_classifies(workers):
    x, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(0).permutation(150)
    x, y = np.asarray(x, np.float32)[rows], np.asarray(y)[rows] + 5
    fitted = fit_kernel_ridge(x[:100], y[:100], SPEC, workers)
    assert (fitted.predict(x[100:], workers) == y[100:]).mean() >= 0.94
    assert set(fitted.predict(x).tolist()) == {5, 6, 7}


@pytest.mark.parametrize("classes", [2, 5])
def test_landmarks_that_are_all_series_change_nothing(classes):
    x, y = overlapping(120, classes)
    exact = fit_kernel_ridge(x, y, SPEC)
    approximated = fit_kernel_ridge(x, y, KernelRidge(kind="kernel_ridge", max_exact=100, landmarks=120))
    assert approximated.penalty == exact.penalty
    new, _ = overlapping(80, classes, seed=1)
    np.testing.assert_allclose(approximated.decisions(new), exact.decisions(new), rtol=1e-5, atol=1e-5)
    assert approximated.sharpness == pytest.approx(exact.sharpness, rel=1e-4)


def test_a_quarter_of_the_series_as_landmarks_comes_near():
    x, y = load_digits(return_X_y=True)
    x, y = np.asarray(x, np.float32), np.asarray(y)
    spec = KernelRidge(kind="kernel_ridge", max_exact=1000, landmarks=250)
    exact, approximated = fit_kernel_ridge(x[:1200], y[:1200], SPEC), fit_kernel_ridge(x[:1200], y[:1200], spec)
    assert len(exact.series) == 1200
    assert len(approximated.series) == 250
    new = x[1200:]
    assert (exact.predict(new) == y[1200:]).mean() > 0.95
    assert (approximated.predict(new) == exact.predict(new)).mean() > 0.95


def duplicates() -> tuple[np.ndarray, np.ndarray]:
    """Each series three times, some under two labels."""
    x, y = overlapping(20, 2)
    return np.concatenate([x, x, x]), np.concatenate([y, y, 1 - y])


def constant_features() -> tuple[np.ndarray, np.ndarray]:
    x, y = overlapping(30, 3)
    x[:, 2:] = 7
    return x, y


def tiny() -> tuple[np.ndarray, np.ndarray]:
    """Twenty series, two of a class, as many features as a representation has."""
    return overlapping(20, 10, width=320)


def far_from_zero() -> tuple[np.ndarray, np.ndarray]:
    x, y = overlapping(40, 2)
    return x + 1000, y


def single() -> tuple[np.ndarray, np.ndarray]:
    """A class of one series."""
    x, y = overlapping(30, 2)
    y[4] = 2
    return x, y


def one_apart() -> tuple[np.ndarray, np.ndarray]:
    """A series so far away that the others are one to the kernel."""
    x, y = overlapping(30, 2)
    x[0] += 1e6
    return x, y


HARD = {
    "duplicates": duplicates,
    "constant_features": constant_features,
    "tiny": tiny,
    "far_from_zero": far_from_zero,
    "single": single,
    "one_apart": one_apart,
    "two_series": lambda: overlapping(2, 2),
    "huge": lambda: (overlapping(30, 2)[0] * np.float32(1e30), overlapping(30, 2)[1]),
    "small": lambda: (overlapping(30, 2)[0] * np.float32(1e-30), overlapping(30, 2)[1]),
}


@pytest.mark.parametrize("approximated", [False, True], ids=["exact", "approximated"])
@pytest.mark.parametrize("name", HARD)
def test_ill_conditioned_inputs(name, approximated):
    x, y = HARD[name]()
    spec = KernelRidge(kind="kernel_ridge", max_exact=2, landmarks=max(2, len(x) // 2)) if approximated else SPEC
    fitted = fit_kernel_ridge(x, y, spec)
    for array in (fitted.coefficients, fitted.intercepts, fitted.decisions(x), predict_proba(fitted, x)):
        assert np.isfinite(array).all()
    if name in ("tiny", "far_from_zero", "single", "huge", "small") and not approximated:
        assert (fitted.predict(x) == y).mean() > 0.6  # by chance one half, of `tiny` a tenth


def test_series_that_are_all_the_same_get_the_most_frequent_class():
    y = np.array([3, 3, 3, 1, 1, 2])
    fitted = fit_kernel_ridge(np.ones((6, 4), np.float32), y, SPEC)
    assert fitted.predict(np.ones((2, 4), np.float32)).tolist() == [3, 3]
    np.testing.assert_allclose(fitted.decisions(np.ones((1, 4), np.float32)), [[2 / 3 - 1, -1 + 1 / 3, 0]], atol=1e-12)


def test_probabilities_are_calibrated():
    x, y = overlapping(1500, 3, width=4)
    fitted = fit_kernel_ridge(x[:500], y[:500], SPEC)
    probabilities = predict_proba(fitted, x[500:])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.array_equal(fitted.classes[probabilities.argmax(axis=1)], fitted.predict(x[500:]))
    right = fitted.predict(x[500:]) == y[500:]
    assert 0.5 < right.mean() < 0.95  # neither is trivial
    assert abs(probabilities.max(axis=1).mean() - right.mean()) < 0.05
    # Without the temperature they would be far too modest.
    assert (
        abs(np.exp(fitted.decisions(x[500:])).max(axis=1) / np.exp(fitted.decisions(x[500:])).sum(axis=1) - 1).mean()
        > 0.3
    )


def test_labels_that_say_nothing_get_modest_probabilities():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 5)).astype(np.float32), rng.integers(0, 2, 200)
    fitted = fit_kernel_ridge(x, y, SPEC)
    assert predict_proba(fitted, rng.normal(size=(200, 5))).max(axis=1).mean() < 0.65


def test_classes_that_are_far_apart_get_probabilities_below_one():
    x, y = overlapping(60, 2)
    fitted = fit_kernel_ridge(x + 50 * y[:, None].astype(np.float32), y, SPEC)
    assert 0.95 < predict_proba(fitted, x + 50 * y[:, None])[np.arange(60), y].min() < 1
