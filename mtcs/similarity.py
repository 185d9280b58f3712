"""Task similarity: the covariance similarity of two tasks' representations (Figure 2; Wu, Zhang and Re, ICLR 2020)."""

from __future__ import annotations

import numpy as np

from mtcs.errors import InputError

SPECTRUM = 0.99
"""Share of the spectrum that the low-rank approximation of a covariance holds (Wu et al., Section 3.1)."""


def factor(x: np.ndarray, centered: bool = False) -> np.ndarray:
    """U D^1/2 of a task: its covariance C = X^T X, cut to the smallest rank r that holds 99 % of the spectrum.

    Many tasks are compared cheaply by factoring each once and passing pairs to `factor_similarity`.

    Args:
        x: (n, D) representations of a task's series.
        centered: subtract the mean representation first; the paper does not.

    Returns:
        (D, r) float64 with (U D^1/2)(U D^1/2)^T close to C; r = 0 where C is zero.

    Raises:
        InputError: if `x` is not a matrix of finite numbers.
    """
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or x.size == 0 or not np.isfinite(x).all():
        raise InputError(f"Representations of shape {x.shape}: expected (n, D), n and D at least 1, all finite.")
    power = np.square(x).sum()
    if centered:
        x = x - x.mean(0)
    wide = len(x) < x.shape[1]
    # X^T X and X X^T share their non-zero spectrum: decompose the smaller one.
    spectrum, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    spectrum, vectors = spectrum[::-1].clip(min=0), vectors[:, ::-1]
    held = np.cumsum(spectrum)
    if held[-1] <= np.finfo(np.float64).eps * power:  # rounding is all that is left
        return np.empty((x.shape[1], 0))
    rank = int(np.searchsorted(held, SPECTRUM * held[-1])) + 1
    if wide:
        return x.T @ vectors[:, :rank]  # X^T v is u * sqrt(lambda)
    return vectors[:, :rank] * np.sqrt(spectrum[:rank])


def factor_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Equation 5 of Wu et al. on two factors: ||A^T B||_F / (||A||_F ||B||_F).

    Args:
        a: (D, r1), from `factor`.
        b: (D, r2), from `factor`.

    Returns:
        A number in [0, 1]; NaN where a side has rank 0, since nothing can be said of it.

    Raises:
        InputError: if the two differ in D.
    """
    if len(a) != len(b):
        raise InputError(f"Representations of {len(a)} and {len(b)} dimensions: expected the same D on both sides.")
    if a.shape[1] == 0 or b.shape[1] == 0:
        return float("nan")
    return float(np.linalg.norm(a.T @ b) / (np.linalg.norm(a) * np.linalg.norm(b)))


def covariance_similarity(a: np.ndarray, b: np.ndarray, centered: bool = False) -> float:
    """Covariance similarity of two tasks (Wu, Zhang and Re, ICLR 2020, Equation 5).

    The paper's form is not centered, so that a mean common to both tasks saturates it: independent normal data
    with a common offset of three standard deviations give 0.909, and 0.056 when centered (D = 320). The similarity
    of a task with itself is about ||C||_F / tr(C), not 1.

    Args:
        a: (n1, D) representations of one task.
        b: (n2, D) representations of the other.
        centered: subtract each task's mean first; the paper does not.

    Returns:
        A number in [0, 1]; NaN where a side has no spectrum (all zero, or all equal when centered).

    Raises:
        InputError: if the two differ in D, or hold anything but finite numbers.
    """
    return factor_similarity(factor(a, centered), factor(b, centered))
