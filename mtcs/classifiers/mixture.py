"""Kernel ridge on representations and random convolutional features together: two kernels, weighted for each task.

What weight is right differs by task, and representations that were trained with the labels look better on their
training series than they are. So it is chosen on training series that an encoder of its own was not trained with. That
encoder is a second opinion, too: the final fit reads its representations beside those of the one that saw all series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from mtcs.classifiers.calibration import fit_sharpness
from mtcs.classifiers.random_features import fit_features
from mtcs.classifiers.random_kernels import ROWS, RandomFeatureWeights, StandardizedFeatures
from mtcs.classifiers.subsample import subsample
from mtcs.config.classifiers import RANDOM_TRANSFORMS, Mixture
from mtcs.ops.rbf import rbf_kernel, scale_gamma
from mtcs.ops.ridge import centered_eigen, one_against_rest, trace_scale


class Choice(NamedTuple):
    """A task's weight of the representations' kernel, its penalty, and the inverse temperature of its probabilities.

    decisions: how many, for held-out series, the last one comes from; 0 where it is that of other tasks.
    """

    weight: float
    penalty: float
    sharpness: float
    decisions: int = 0


@dataclass(frozen=True)
class FittedMixture(RandomFeatureWeights):
    """A fitted mixture: weights of random features, and a kernel of representations.

    representations: (n, D) float32 of the training series; coefficients: (n, C) float64; gamma: () float64.
    weight: () float64, of the representations' kernel.
    """

    SHAPES: ClassVar[Mapping[str, str]] = {
        **RandomFeatureWeights.SHAPES,
        "representations": "f n D",
        "coefficients": "f n C",
        "gamma": "f",
        "weight": "f",
    }
    representations: np.ndarray
    coefficients: np.ndarray
    gamma: np.ndarray
    weight: np.ndarray

    @property
    def choice(self) -> Choice:
        """What it was fitted with."""
        return Choice(float(self.weight), float(self.penalty), float(self.sharpness))

    def decisions_of_both(self, representations: np.ndarray, series: np.ndarray, workers: int = -1) -> np.ndarray:
        """Values (m, C) of series (m, T), NaN where padded or missing, with representations (m, D)."""
        kernel = rbf_kernel(representations, self.representations, float(self.gamma), workers)
        return kernel @ self.coefficients + self.weighted(series, workers)

    def predict_by_both(self, representations: np.ndarray, series: np.ndarray, workers: int = -1) -> np.ndarray:
        """Classes (m,) of series (m, T), NaN where padded or missing, with representations (m, D)."""
        return self.classes[self.decisions_of_both(representations, series, workers).argmax(axis=1)]


@dataclass(frozen=True)
class HeldOut:
    """How well each weight and penalty does on a task's m held-out training series.

    errors: (weights, penalties) mean over series of the squared error summed over classes.
    decisions: (weights, penalties, m, C) float32; truth: (m,) indices of classes.
    """

    errors: np.ndarray
    decisions: np.ndarray
    truth: np.ndarray


def held_out_errors(
    spec: Mixture,
    representations: np.ndarray,
    series: np.ndarray,
    labels: np.ndarray,
    held: np.ndarray,
    seed: int = 0,
    workers: int = -1,
) -> HeldOut:
    """Errors of fits to a task's other training series.

    Args:
        spec: weights and penalties.
        representations: (n, D) of the training series, by an encoder that was trained without the held-out ones.
        series: (n, T) or (n, channels, T), NaN where padded or missing.
        labels: (n,) classes as integers.
        held: (n,) bool.
        seed: of the random features.
        workers: threads; -1 is one for every core.
    """
    if not held.any() or len(np.unique(labels[~held])) < 2:
        none = np.zeros((len(spec.weights), len(spec.penalties), 0, len(np.unique(labels))), np.float32)
        return HeldOut(none.sum(axis=(2, 3)), none, np.empty(0, np.int64))
    rows = subsample(labels, spec.max_choose)
    representations, series, held = representations[rows], series[rows], held[rows]
    _, targets = one_against_rest(labels[rows])
    kept = np.flatnonzero(~held)
    decisions = np.empty((len(spec.weights), len(spec.penalties), held.sum(), targets.shape[1]), np.float32)
    with threadpool_limits(joblib.cpu_count() if workers == -1 else workers, user_api="blas"):
        kernels = [
            rbf_kernel(representations, representations, scale_gamma(representations.astype(np.float64)), workers),
            StandardizedFeatures(fit_features(spec.transforms, series, seed, workers), series, workers).kernel,
        ]
        kernels = [kernel * _scale(kernel[np.ix_(kept, kept)]) for kernel in kernels]
        mean = targets[kept].mean(axis=0)
        for i, weight in enumerate(spec.weights):
            kernel = weight * kernels[0] + (1 - weight) * kernels[1]
            basis, eigenvalues, scale = centered_eigen(kernel[np.ix_(kept, kept)])
            new = kernel[np.ix_(held, kept)] - kernel[np.ix_(kept, kept)].mean(axis=0)
            projected = scale * (new @ basis)  # (m, r)
            fitted = basis.T @ (targets[kept] - mean)  # (r, C)
            for j, penalty in enumerate(spec.penalties):
                decisions[i, j] = mean + projected @ (fitted / (eigenvalues[:, np.newaxis] + penalty))
    errors = np.square(decisions - targets[held]).sum(axis=3, dtype=np.float64).mean(axis=2)
    return HeldOut(errors, decisions, targets[held].argmax(axis=1))


def choose(spec: Mixture, tasks: Sequence[HeldOut]) -> list[Choice]:
    """Weight and penalty of each task: least error, a task's own and, as `prior` series, the mean over all tasks.

    A task without series that are held out has the median sharpness of the others; where none has any, all have the
    middle of both grids.
    """
    known = [task.errors for task in tasks if len(task.truth)]
    if not known:
        middle = Choice(spec.weights[len(spec.weights) // 2], spec.penalties[len(spec.penalties) // 2], 1.0)
        return [middle] * len(tasks)
    common, chosen = np.mean(known, axis=0), []
    for task in tasks:
        n = len(task.truth)
        errors = n * task.errors + spec.prior * common if n else common
        weight, penalty = divmod(int(errors.argmin()), len(spec.penalties))
        sharpness = fit_sharpness(task.decisions[weight, penalty], task.truth) if n else np.nan
        chosen.append(Choice(spec.weights[weight], spec.penalties[penalty], sharpness, n))
    usual = float(np.nanmedian([choice.sharpness for choice in chosen]))
    return [choice._replace(sharpness=usual) if np.isnan(choice.sharpness) else choice for choice in chosen]


def beside(parts: Sequence[np.ndarray], channels: int = 1) -> np.ndarray:
    """Representations (n, channels * D) by each of k encoders -> (n, channels * k * D), as those of their ensemble."""
    by_channel = [part.reshape(len(part), channels, -1) for part in parts]
    return np.concatenate(by_channel, axis=2).reshape(len(parts[0]), -1)


def fit_mixture(
    spec: Mixture,
    representations: np.ndarray,
    series: np.ndarray,
    labels: np.ndarray,
    choice: Choice,
    seed: int = 0,
    workers: int = -1,
) -> FittedMixture:
    """Fit to all training series of a task with what was chosen for it.

    Args:
        spec: random transforms, and how many series are fitted at most.
        representations: (n, D) of the training series.
        series: (n, T) or (n, channels, T), NaN where padded or missing.
        labels: (n,) classes as integers.
        choice: weight of the representations' kernel, penalty, and inverse temperature.
        seed: of the random features.
        workers: threads; -1 is one for every core.
    """
    from scipy.linalg import cho_factor, cho_solve  # not above: whoever predicts does without

    rows = subsample(labels, spec.max_train)
    representations, series, (classes, targets) = representations[rows], series[rows], one_against_rest(labels[rows])
    features = fit_features(spec.transforms, series, seed, workers)
    gamma = scale_gamma(representations.astype(np.float64))
    with threadpool_limits(joblib.cpu_count() if workers == -1 else workers, user_api="blas"):
        standardized = StandardizedFeatures(features, series, workers)
        kernel, share = standardized.kernel, (1 - choice.weight) * _scale(standardized.kernel)
        kernel *= share
        # The other kernel is computed twice, some rows at a time, and never there as a whole.
        own = partial(_own_rows, representations, gamma, workers)
        own_means = np.sum([part.sum(axis=0) for _, part in own()], axis=0) / len(kernel)
        own_share = choice.weight * trace_scale((1 - own_means.mean()) * len(kernel), len(kernel))
        for block, part in own():
            kernel[block] += own_share * part
        means = kernel.mean(axis=0)
        kernel -= means
        kernel -= (means - means.mean())[:, np.newaxis]
        kernel.flat[:: len(kernel) + 1] += choice.penalty
        factor = cho_factor(kernel.T, lower=True, overwrite_a=True, check_finite=False)  # .T: where it is, in place
        dual = cho_solve(factor, targets - targets.mean(axis=0), check_finite=False)  # (n, C)
        weights = standardized.weights(share * dual)
    return FittedMixture(
        transforms=np.array([RANDOM_TRANSFORMS.index(name) for name in spec.transforms]),
        seed=np.array(seed),
        length=np.array(features.length),
        channels=np.array(features.channels),
        width=np.array(features.width),
        biases=features.biases,
        means=standardized.means,
        weights=weights,
        intercepts=targets.mean(axis=0) - own_share * (own_means @ dual),
        classes=classes,
        penalty=np.array(choice.penalty),
        sharpness=np.array(choice.sharpness),
        representations=representations,
        coefficients=own_share * dual,
        gamma=np.array(gamma),
        weight=np.array(choice.weight),
    )


def _own_rows(representations: np.ndarray, gamma: float, workers: int) -> Iterator[tuple[slice, np.ndarray]]:
    """The kernel (n, n) of representations (n, D), some of its rows after the other."""
    for start in range(0, len(representations), ROWS):
        block = slice(start, start + ROWS)
        yield block, rbf_kernel(representations[block], representations, gamma, workers)


def _scale(kernel: np.ndarray) -> float:
    """What takes a kernel (n, n), once it is centered, to a trace of n."""
    return trace_scale(float(kernel.trace() - kernel.mean() * len(kernel)), len(kernel))
