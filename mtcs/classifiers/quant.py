"""QUANT: quantiles of dyadic intervals, read by extremely randomised trees (Dempster et al., DMKD 2024).

The transform is aeon's, with the published depth of 6 and one quantile for four steps; the forest is scikit-learn's,
as published: 200 trees, entropy, a tenth of the features at each split.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mtcs.classifiers.fixed_length import MIN_LENGTH, fixed_length
from mtcs.config.classifiers import MAX_TREES, Quant

ROWS = 256
"""Series that are transformed at once."""


@dataclass(frozen=True)
class FittedQuant:
    """The labelled series from which the forest grows, again for every prediction: trees are larger than they are.

    series: (n, channels, T) float32 without gaps; labels: (n,) int64; seed, trees: () int64.
    """

    SHAPES: ClassVar[Mapping[str, str]] = {"series": "f? n c T", "labels": "i n", "seed": "i", "trees": "i"}
    series: np.ndarray
    labels: np.ndarray
    seed: np.ndarray
    trees: np.ndarray

    def __post_init__(self) -> None:
        """Raises ValueError if no such forest can be grown."""
        if not (1 <= self.trees <= MAX_TREES and 0 <= self.seed < 2**32):
            raise ValueError(f"it has {self.trees} trees and seed {self.seed}")

    def predict(self, series: np.ndarray, workers: int = -1) -> np.ndarray:
        """Classes (m,) of series (m, T') or (m, channels, T'), NaN where padded or missing, see `fixed_length`."""
        from aeon.transformations.collection.interval_based import QUANTTransformer  # it takes seconds to import
        from sklearn.ensemble import ExtraTreesClassifier

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "__array_wrap__", DeprecationWarning)  # torch's, of aeon's intervals
            transform = QUANTTransformer().fit(self.series)
        forest = ExtraTreesClassifier(
            int(self.trees),
            criterion="entropy",
            max_features=0.1,  # pyright: ignore[reportArgumentType]  # which knows the default's type only
            random_state=int(self.seed),
            n_jobs=workers,
        )
        forest.fit(_transformed(transform, self.series), self.labels)
        return forest.predict(_transformed(transform, fixed_length(series, self.series.shape[-1])))


def fit_quant(series: np.ndarray, labels: np.ndarray, spec: Quant, seed: int = 0) -> FittedQuant:
    """All that a forest grows from: series (n, T) or (n, channels, T), NaN where padded or missing, and labels (n,)."""
    known = fixed_length(series, max(series.shape[-1], MIN_LENGTH))
    return FittedQuant(known, labels.astype(np.int64), np.array(seed), np.array(spec.trees))


def _transformed(transform: Any, series: np.ndarray) -> np.ndarray:
    """Features (n, p) of series (n, channels, T)."""
    blocks = [transform.transform(series[start : start + ROWS]) for start in range(0, len(series), ROWS)]
    return np.concatenate(blocks)
