"""Probabilities from decisions by temperature scaling (Guo et al., ICML 2017): one number for a classifier.

Chosen on held-out training series of ucr10 over Platt's sigmoids and isotonic regression, see docs/findings.md. The
number comes from decisions for series that were left out. Where these are representations that were trained with their
labels, both decisions and probabilities are too sure of themselves; cross-validation with an encoder for each fold
leaves a series out of everything. For the SVM without it a second number helps on held-out series, a floor. A floor
that does not have to be fitted follows from the number of decisions: see `least_floor`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FLOORS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""To choose from, those above one series' share of all."""


@dataclass(frozen=True)
class Calibration:
    """How the decisions of a classifier become probabilities.

    sharpness: the inverse temperature; floor: the share of probability that is spread over all labels alike.
    """

    sharpness: float
    floor: float = 0.0

    def __call__(self, decisions: np.ndarray) -> np.ndarray:
        """Probabilities (n, C) by decisions (n, C), in the same order."""
        return (1 - self.floor) * probabilities(decisions, self.sharpness) + self.floor / decisions.shape[1]


def probabilities(decisions: np.ndarray, sharpness: float) -> np.ndarray:
    """Softmax of decisions (n, C) times an inverse temperature -> (n, C)."""
    shares = decisions * sharpness
    shares = np.exp(shares - shares.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def least_floor(n: int) -> float:
    """The floor of probabilities that n decisions calibrate: one more series could be of any class (Laplace's rule).

    Without it a few decisions that are all right would make probabilities of 1, mistakes among them. 0 for n = 0, where
    the number is not known.
    """
    return 1 / (n + 1) if n else 0.0


def fit_temperature(decisions: np.ndarray, indices: np.ndarray) -> Calibration:
    """By `fit_sharpness`, with the least floor, of left-out decisions (n, C) of series with classes (n,)."""
    return Calibration(fit_sharpness(decisions, indices), least_floor(len(decisions)))


def fit_sharpness(decisions: np.ndarray, indices: np.ndarray) -> float:
    """The inverse temperature of least log loss on left-out decisions (n, C) of series with classes (n,).

    As in Platt's calibration, targets are as after one more series that could be of any class: otherwise decisions
    that are all right would be sharpened without end.
    """
    from scipy.optimize import minimize_scalar  # not above: whoever predicts does without
    from scipy.special import log_softmax

    n, n_classes = decisions.shape
    targets = (n * (indices[:, np.newaxis] == np.arange(n_classes)) + 1 / n_classes) / (n + 1)

    def loss(log_sharpness: float) -> float:
        return -float((targets * log_softmax(decisions * np.exp(log_sharpness), axis=1)).sum(axis=1).mean())

    best: Any = minimize_scalar(loss, bounds=(-5, 5), method="bounded")
    return float(np.exp(best.x))


def fit_with_floor(decisions: np.ndarray, indices: np.ndarray) -> Calibration:
    """Inverse temperature and floor of least log loss on left-out decisions (n, C) of series with classes (n,)."""
    from scipy.optimize import minimize_scalar

    least, fits = least_floor(len(decisions)), []
    for floor in (least, *(one for one in FLOORS if one > least)):

        def loss(log_sharpness: float, floor: float = floor) -> float:
            return log_loss(Calibration(float(np.exp(log_sharpness)), floor)(decisions), indices)

        best: Any = minimize_scalar(loss, bounds=(-5, 5), method="bounded")
        fits.append((float(best.fun), Calibration(float(np.exp(best.x)), floor)))
    return min(fits, key=lambda fit: fit[0])[1]


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
