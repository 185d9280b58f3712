"""Decisions become probabilities that are right as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from mtcs.classifiers.calibration import (
    Calibration,
    brier_score,
    calibration_error,
    fit_sharpness,
    fit_temperature,
    fit_with_floor,
    least_floor,
    log_loss,
)


def drawn(probabilities: np.ndarray, seed: int = 0) -> np.ndarray:
    """Labels (n,) at random by probabilities (n, C)."""
    rng = np.random.default_rng(seed)
    return (rng.random((len(probabilities), 1)) > probabilities.cumsum(axis=1)).sum(axis=1)


def decisions(n: int = 4_000, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 3))


def test_the_temperature_of_drawn_labels_is_found():
    values = decisions()
    truth = drawn(softmax(2.5 * values, axis=1))
    sharpness = fit_sharpness(values, truth)
    assert sharpness == pytest.approx(2.5, rel=0.05)
    assert calibration_error(Calibration(sharpness)(values), truth) < 0.02


def test_decisions_that_are_all_right_are_not_sharpened_without_end():
    truth = np.arange(20) % 2
    values = np.where(truth[:, np.newaxis] == np.arange(2), 0.5, -0.5)
    assert Calibration(fit_sharpness(values, truth))(values).max() == pytest.approx(1 - 0.5 / 21, abs=1e-3)
    assert fit_with_floor(values, truth).floor == pytest.approx(1 / 21)


def test_few_decisions_make_no_probability_of_one():
    truth = np.arange(20) % 2
    values = np.random.default_rng(0).uniform(0.1, 1, size=(20, 1)) * np.where(np.eye(2)[truth], 1, -1)
    assert Calibration(fit_sharpness(values, truth))(values).max() > 0.999
    fitted = fit_temperature(values, truth)
    assert fitted.sharpness == fit_sharpness(values, truth)
    assert fitted(values).max() <= 1 - 0.5 / 21
    assert least_floor(0) == 0


def test_sure_mistakes_need_a_floor_that_keeps_the_order():
    values = 3 * decisions()
    truth = drawn(0.9 * softmax(values, axis=1) + 0.1 / 3)
    fitted = fit_with_floor(values, truth)
    assert fitted.floor == 0.1
    assert fitted.sharpness == pytest.approx(1, rel=0.1)
    probabilities = fitted(values)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), values.argmax(axis=1))
    assert log_loss(probabilities, truth) < log_loss(Calibration(fit_sharpness(values, truth))(values), truth)


def test_scores_of_probabilities():
    probabilities, truth = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.1, 0.9]]), np.array([0, 1, 1, 1])
    assert brier_score(probabilities, truth) == pytest.approx(2 * (0.01 + 0.36 + 0.09 + 0.01) / 4)
    assert log_loss(probabilities, truth) == pytest.approx(-np.log([0.9, 0.4, 0.7, 0.9]).mean())
    assert calibration_error(probabilities, truth) == pytest.approx((2 * 0.1 + 0.6 + 0.3) / 4)
