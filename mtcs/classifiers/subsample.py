"""Fewer training series where all of them are too many for a classifier."""

from __future__ import annotations

import numpy as np

from mtcs.errors import InputError


def subsample(labels: np.ndarray, size: int) -> np.ndarray:
    """Rows of a stratified subsample of labels (n,), the one that TS2Vec's evaluation draws, with every class in it.

    A class that the draw leaves out, as one of a single series, is kept by its first series. All rows where n <= size.

    Raises:
        InputError: if there are more classes than `size`.
    """
    from sklearn.model_selection import train_test_split

    if len(labels) <= size:
        return np.arange(len(labels))
    _, first, inverse, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    if len(counts) > size:
        raise InputError(f"{len(counts)} classes are more than max_train = {size} series; choose a larger max_train.")
    several = np.flatnonzero(counts[inverse] > 1)
    n_drawn = min(size - (counts == 1).sum(), len(several) - (counts > 1).sum())  # one of each class may be left out
    drawn = train_test_split(several, train_size=int(n_drawn), random_state=0, stratify=labels[several])[0]
    lost = np.setdiff1d(np.arange(len(counts)), inverse[drawn])
    return np.concatenate([drawn, first[lost]])
