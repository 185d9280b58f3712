"""Probabilities from decisions by temperature scaling (Guo et al., ICML 2017): one number for a classifier.

Chosen on held-out training series of ucr10 over Platt's sigmoids and isotonic regression, see docs/findings.md. The
number comes from decisions for series that were left out. Where these are representations that were trained with their
labels, both decisions and probabilities are too sure of themselves; cross-validation with an encoder for each fold
leaves a series out of everything.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax


def probabilities(decisions: np.ndarray, sharpness: float | np.ndarray) -> np.ndarray:
    """Softmax of decisions (n, C) times an inverse temperature, one or (n, 1) -> (n, C)."""
    return softmax(decisions * sharpness, axis=1)


def fit_sharpness(decisions: np.ndarray, indices: np.ndarray) -> float:
    """The inverse temperature of least log loss on left-out decisions (n, C) of series with classes (n,).

    As in Platt's calibration, targets are as after one more series that could be of any class: otherwise decisions
    that are all right would be sharpened without end.
    """
    from scipy.optimize import minimize_scalar

    n, n_classes = decisions.shape
    targets = (n * (indices[:, np.newaxis] == np.arange(n_classes)) + 1 / n_classes) / (n + 1)

    def loss(log_sharpness: float) -> float:
        return -float((targets * log_softmax(decisions * np.exp(log_sharpness), axis=1)).sum(axis=1).mean())

    best: Any = minimize_scalar(loss, bounds=(-5, 5), method="bounded")
    return float(np.exp(best.x))


def calibration_error(probabilities: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: how far accuracy and mean probability of the predicted label are apart, on average.

    Args:
        probabilities: (n, C).
        truth: (n,) indices.
        bins: of equal width, by the probability of the predicted label; each counts by its series.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(np.abs(np.bincount(bin_of, right - confidence, bins)).sum() / len(truth))


def brier_score(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean squared distance of probabilities (n, C) from certainty of the right label (n,): from 0 to 2."""
    certain = truth[:, np.newaxis] == np.arange(probabilities.shape[1])
    return float(np.square(probabilities - certain).sum(axis=1).mean())


def log_loss(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean negative logarithm, in nats, of the probability (n, C) of the right label (n,)."""
    right = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(right, np.finfo(np.float64).tiny)).mean())
