"""Ridge classification of series by random convolutional features, 50,000 of them, within a bound of memory.

Features have mean 0 and variance 1 on the training series. The kernel between these is a sum over features, so it is
accumulated piece by piece, and no feature is kept; its ridge regression and penalty are those of
`mtcs.classifiers.kernel_ridge`. From the n dual coefficients a second pass over the pieces makes one weight a feature.
With n = 8,926 series (ElectricDevices) a process takes 2.1 GB, and 2.0 GB where a penalty is given (the mixture).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from mtcs.classifiers.calibration import fit_sharpness
from mtcs.classifiers.random_features import Piece, RandomFeatures, fit_features
from mtcs.classifiers.subsample import subsample
from mtcs.config.classifiers import RANDOM_TRANSFORMS, RandomKernels
from mtcs.errors import InputError
from mtcs.ops.ridge import centered_eigen, leave_one_out, one_against_rest

KEEP_BYTES = 1 << 30
"""Features of the training series up to which they are kept for the second pass; of more they are computed again."""
MAX_VALUES = 1 << 26
"""Of a series, in all its channels."""
ROWS = 1024
"""Series whose features are computed at once, and rows of a kernel."""


@dataclass(frozen=True)
class RandomFeatureWeights:
    """Weights of p random features, which are drawn again from their seed, as arrays.

    transforms: (K,) places in `RANDOM_TRANSFORMS`; seed, length, channels, width, biases: of `RandomFeatures`.
    means: (p,) float32, of the features of the training series; weights: (p, C) float32.
    intercepts: (C,) float64; classes: (C,) int64, the classes seen in training; penalty: () float64.
    sharpness: () float64, the inverse temperature of probabilities.
    """

    SHAPES: ClassVar[Mapping[str, str]] = {
        "transforms": "i K",
        "seed": "i",
        "length": "i",
        "channels": "i",
        "width": "i",
        "biases": "f B",
        "means": "f p",
        "weights": "f p C",
        "intercepts": "f C",
        "classes": "i C",
        "penalty": "f",
        "sharpness": "f",
    }
    transforms: np.ndarray
    seed: np.ndarray
    length: np.ndarray
    channels: np.ndarray
    width: np.ndarray
    biases: np.ndarray
    means: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray
    classes: np.ndarray
    penalty: np.ndarray
    sharpness: np.ndarray

    def __post_init__(self) -> None:
        """Raises ValueError if the features cannot be drawn again, or only with more memory than series ever take."""
        known = all(0 <= place < len(RANDOM_TRANSFORMS) for place in self.transforms.tolist())
        size, channels = int(self.length) * int(self.channels), int(self.channels)
        if not (known and 0 <= self.seed < 2**32 and self.width > 0 and channels > 0 and 0 < size <= MAX_VALUES):
            raise ValueError("its random features are none that mtcs draws")

    @property
    def features(self) -> RandomFeatures:
        """The transforms of the series."""
        names = tuple(RANDOM_TRANSFORMS[place] for place in self.transforms.tolist())
        sizes = (int(self.seed), int(self.length), int(self.channels))
        return RandomFeatures(names, *sizes, self.biases, int(self.width))

    def weighted(self, series: np.ndarray, workers: int = -1) -> np.ndarray:
        """Weighted features of series (n, T) or (n, channels, T) and the intercepts, summed: (n, C)."""
        features = self.features
        prepared, pieces = features.prepared(series), list(features.pieces(workers))
        sums = np.tile(self.intercepts, (len(series), 1))
        for start in range(0, len(series), ROWS):
            rows, column = slice(start, start + ROWS), 0
            for piece in pieces:
                values = piece(prepared[rows])
                columns = slice(column, column + values.shape[1])
                if columns.stop > len(self.means):
                    raise InputError(
                        f"The classifier has weights of {len(self.means)} features, too few; fit it again."
                    )
                sums[rows] += (values - self.means[columns]) @ self.weights[columns]
                column = columns.stop
        return sums


class FittedRandomKernels(RandomFeatureWeights):
    """A fitted ridge classifier of random features."""

    def decisions(self, series: np.ndarray, workers: int = -1) -> np.ndarray:
        """Values (n, C) of series (n, T), about 1 for a series of the class and -1 for another."""
        return self.weighted(series, workers)

    def predict(self, series: np.ndarray, workers: int = -1) -> np.ndarray:
        """Classes (n,) of series (n, T)."""
        return self.classes[self.decisions(series, workers).argmax(axis=1)]


class StandardizedFeatures:
    """Random features of a task's training series with mean 0 and variance 1, a piece after the other.

    kernel: (n, n) float64, their inner products; means, scales: (p,) float32.
    """

    def __init__(self, features: RandomFeatures, series: np.ndarray, workers: int) -> None:
        self.features, self.workers = features, workers
        self.series = features.prepared(series)
        self.kernel = np.zeros((len(series), len(series)))
        means, scales, kept, size = [], [], [], 0
        pieces = list(features.pieces(workers))
        for done, piece in enumerate(pieces, 1):
            values = _values(piece, self.series)
            means.append(values.mean(axis=0, dtype=np.float64).astype(np.float32))
            values -= means[-1]
            scales.append(_scales(values, means[-1]))
            values /= scales[-1]
            _add_products(self.kernel, values)
            size += values.nbytes
            few = size * len(pieces) <= KEEP_BYTES * done  # all of them, as far as those so far tell
            kept = [*kept, values] if few and len(kept) == done - 1 else []
        self._kept = kept if len(kept) == len(pieces) else None
        self.means, self.scales = np.concatenate(means), np.concatenate(scales)
        _mirror(self.kernel)

    def take_kernel(self) -> np.ndarray:
        """The kernel, from now on the caller's alone: there need be no room for it when the features come again."""
        kernel, self.kernel = self.kernel, np.empty((0, 0))
        return kernel

    def weights(self, dual: np.ndarray) -> np.ndarray:
        """Weights (p, C) float32 of features less their means, of coefficients (n, C) of the kernel."""
        products = [values.T @ dual.astype(np.float32) for values in self._standardized()]
        return np.concatenate(products) / self.scales[:, np.newaxis]

    def _standardized(self) -> Iterator[np.ndarray]:
        if self._kept is not None:
            yield from self._kept
            return
        column = 0
        for piece in self.features.pieces(self.workers):
            values = _values(piece, self.series)
            columns = slice(column, column + values.shape[1])
            values -= self.means[columns]
            values /= self.scales[columns]
            column = columns.stop
            yield values


def fit_random_kernels(
    series: np.ndarray, labels: np.ndarray, spec: RandomKernels, seed: int = 0, workers: int = -1
) -> FittedRandomKernels:
    """Choose the penalty and fit.

    Args:
        series: (n, T) or (n, channels, T), NaN where padded or missing, see `fixed_length`.
        labels: (n,) integers of at least two classes.
        spec: which transforms, and penalties.
        seed: of the kernels.
        workers: threads; -1 is one for every core.
    """
    rows = subsample(labels, spec.max_train)
    series, (classes, targets) = series[rows], one_against_rest(labels[rows])
    features = fit_features(spec.transforms, series, seed, workers)
    with threadpool_limits(joblib.cpu_count() if workers == -1 else workers, user_api="blas"):
        standardized = StandardizedFeatures(features, series, workers)
        dual, penalty, left_out = _fit_dual(standardized.take_kernel(), targets, spec.penalties)
        weights = standardized.weights(dual)
    return FittedRandomKernels(
        transforms=np.array([RANDOM_TRANSFORMS.index(name) for name in spec.transforms]),
        seed=np.array(seed),
        length=np.array(features.length),
        channels=np.array(features.channels),
        width=np.array(features.width),
        biases=features.biases,
        means=standardized.means,
        weights=weights,
        intercepts=targets.mean(axis=0),
        classes=classes,
        penalty=np.array(penalty),
        sharpness=np.array(fit_sharpness(left_out, targets.argmax(axis=1))),
    )


def _fit_dual(
    kernel: np.ndarray, targets: np.ndarray, penalties: Sequence[float]
) -> tuple[np.ndarray, float, np.ndarray]:
    """Coefficients (n, C) of a kernel (n, n), which is overwritten, the best penalty, and leave-one-out decisions."""
    basis, eigenvalues, scale = centered_eigen(kernel)
    left_out, best = leave_one_out(basis, eigenvalues, targets, penalties)
    projected = basis.T @ (targets - targets.mean(axis=0)) / (eigenvalues[:, np.newaxis] + penalties[best])  # (n, C)
    return scale * (basis @ projected), penalties[best], left_out


def _values(piece: Piece, series: np.ndarray) -> np.ndarray:
    """A piece of the features of series, some at a time: beside its result aeon needs several times as much memory."""
    first = piece(series[:ROWS])
    values = np.empty((len(series), first.shape[1]), np.float32)
    values[:ROWS] = first
    for start in range(ROWS, len(series), ROWS):
        values[start : start + ROWS] = piece(series[start : start + ROWS])
    return values


def _scales(centered: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Standard deviations (f,) float32 of centered features (n, f); 1 where they are the same but for rounding."""
    deviations = np.sqrt(np.einsum("ij,ij->j", centered, centered) / len(centered))
    return np.where(deviations > 1e-6 * np.abs(means), deviations, np.float32(1))


def _mirror(kernel: np.ndarray) -> None:
    """Copy the lower triangle of a kernel (n, n) to the upper one, some rows at a time."""
    for start in range(0, len(kernel), ROWS):
        rows = slice(start, start + ROWS)
        kernel[rows, rows.stop :] = kernel[rows.stop :, rows].T
        block = kernel[rows, rows]
        block[:] = np.tril(block) + np.tril(block, -1).T


def _add_products(kernel: np.ndarray, values: np.ndarray) -> None:
    """Add inner products of rows (n, f) to the lower triangle of a kernel (n, n), some rows at a time."""
    for start in range(0, len(values), ROWS):
        rows = slice(start, start + ROWS)
        kernel[rows, : rows.stop] += values[rows] @ values[: rows.stop].T
