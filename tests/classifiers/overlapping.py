"""Noisy classes that no classifier tells apart entirely."""

import numpy as np


def overlapping(n: int, classes: int, seed: int = 0, width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, width), float32 as an encoder's are, and labels (n,)."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    means = rng.normal(size=(classes, width))
    return (means[labels] + 1.2 * rng.normal(size=(n, width))).astype(np.float32), labels
