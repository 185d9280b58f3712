"""Leave-one-out of many penalties against a loop that leaves one series out."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from mtcs.ops.ridge import leave_one_out

PENALTIES = (1e-4, 1e-2, 1.0, 30.0, 1e3)


def decomposed(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    basis, values, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    return basis, values**2


def explicit(features: np.ndarray, targets: np.ndarray, penalty: float) -> np.ndarray:
    """(n, C): each row predicted by scikit-learn's ridge, fitted to the others."""
    rows = np.arange(len(features))
    fits = [Ridge(alpha=penalty).fit(features[rows != i], targets[rows != i]) for i in rows]
    return np.concatenate([fit.predict(features[i : i + 1]).reshape(1, -1) for i, fit in enumerate(fits)])


@pytest.mark.parametrize(("n", "width"), [(30, 5), (12, 40), (2, 3)])
@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_a_loop_that_leaves_one_out(n, width, classes):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n, width))
    targets = 2.0 * (np.arange(n)[:, None] % classes == np.arange(classes)) - 1 + 0.3 * features[:, :1]
    for penalty in PENALTIES:
        decisions, _ = leave_one_out(*decomposed(features), targets, [penalty])
        np.testing.assert_allclose(decisions, explicit(features, targets, penalty), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.5, 5.0])
def test_the_penalty_is_the_best_of_the_loop(noise):
    rng = np.random.default_rng(1)
    features = rng.normal(size=(40, 30))
    targets = np.sign(features[:, :1] * [1, -1]) + noise * rng.normal(size=(40, 2))
    errors = [np.square(targets - explicit(features, targets, penalty)).mean() for penalty in PENALTIES]
    decisions, best = leave_one_out(*decomposed(features), targets, PENALTIES)
    assert best == np.argmin(errors)
    assert np.square(targets - decisions).mean() == pytest.approx(errors[best], rel=1e-6)
