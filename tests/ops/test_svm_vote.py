"""Votes of an SVM's pairs of classes against `SVC.predict`."""

import numpy as np
import pytest
from sklearn.svm import SVC

from mtcs.ops.svm_vote import decide


def voted(svc: SVC, series: np.ndarray, workers: int = -1) -> np.ndarray:
    return svc.classes_[np.rint(decisions(svc, series, workers)).argmax(axis=1)]


def decisions(svc: SVC, series: np.ndarray, workers: int = -1) -> np.ndarray:
    sign = -1 if len(svc.classes_) == 2 else 1
    return decide(
        series,
        svc.support_vectors_,
        sign * svc.dual_coef_,
        sign * svc.intercept_,
        svc.n_support_,
        float(svc._gamma),
        workers,
    )


def overlapping(n: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n) % classes)
    return rng.normal(size=(classes, 12))[labels] + 1.2 * rng.normal(size=(n, 12)), labels


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_votes_are_those_of_the_svc(classes, workers):
    x, y = overlapping(700, classes)
    svc = SVC(C=1.0).fit(x[:300], y[:300] + 5)
    assert np.array_equal(voted(svc, x, workers), svc.predict(x))
    assert voted(svc, x[:0]).shape == (0,)


@pytest.mark.parametrize("classes", [3, 7])
def test_decisions_are_those_of_the_svc(classes):
    x, y = overlapping(700, classes)
    svc = SVC(C=1.0).fit(x[:300], y[:300])
    np.testing.assert_allclose(decisions(svc, x), svc.decision_function(x), atol=1e-9)


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("width", [1, 3])
def test_ties_fall_as_in_libsvm(classes, width):
    # Whole numbers on a small grid, each under every label: decisions are zero but for rounding, often exactly.
    grid = np.stack(np.meshgrid(*[np.arange(3.0)] * width), axis=-1).reshape(-1, width)
    x, y = np.tile(grid, (classes, 1)), np.repeat(np.arange(classes), len(grid))
    for C in (0.5, 1.0, 100.0):
        svc = SVC(C=C, gamma=1.0).fit(x, y)
        assert np.array_equal(voted(svc, grid), svc.predict(grid)), C


@pytest.mark.parametrize("classes", [2, 3])
def test_series_that_are_all_the_same_tie(classes):
    y = np.arange(60) % classes
    svc = SVC(C=1.0).fit(np.ones((60, 4)), y)
    assert np.array_equal(voted(svc, np.ones((5, 4))), svc.predict(np.ones((5, 4))))
