"""Two kernels in one ridge regression: against a plain solution, and how weights are chosen."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from mtcs.classifiers.classify import load_reader, save_reader
from mtcs.classifiers.mixture import Choice, HeldOut, choose, fit_mixture, held_out_errors
from mtcs.classifiers.random_features import fit_features
from mtcs.classifiers.random_kernels import StandardizedFeatures, fit_random_kernels
from mtcs.config.classifiers import Mixture, RandomKernels
from mtcs.ops.rbf import scale_gamma

SPEC = Mixture(kind="mixture", transforms=("hydra",), weights=(0, 0.25, 1), penalties=(0.01, 1.0, 100.0))


def waves(n: int = 60, seed: int = 0, noise: float = 0.8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series (n, 40) of three frequencies, representations (n, 5) that tell two of them apart, and labels (n,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    series = np.sin(np.linspace(0, 6, 40) * (1 + labels[:, np.newaxis])) + noise * rng.normal(size=(n, 40))
    representations = np.minimum(labels, 1)[:, np.newaxis] + 0.3 * rng.normal(size=(n, 5))
    return series.astype(np.float32), representations.astype(np.float32), labels


def centered(kernel: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A kernel (m, n) less its means over the n known series, of whose kernel (n, n) these are taken."""
    return kernel - kernel.mean(axis=1, keepdims=True) - known.mean(axis=0) + known.mean()


def plain(
    own: np.ndarray, features: np.ndarray, targets: np.ndarray, known: np.ndarray, new: np.ndarray, weight: float,
    penalty: float,
) -> np.ndarray:  # fmt: skip
    """Decisions for `new` rows by a fit to `known` rows of two kernels (n, n), by centering and solving."""
    mixed = np.zeros((len(known) + len(new), len(known)))
    for kernel, share in ((own, weight), (features, 1 - weight)):
        inner = kernel[np.ix_(known, known)]
        scale = len(known) / centered(inner, inner).trace()
        mixed += share * scale * centered(kernel[np.ix_(np.concatenate([known, new]), known)], inner)
    mean = targets[known].mean(axis=0)
    dual = np.linalg.solve(mixed[: len(known)] + penalty * np.eye(len(known)), targets[known] - mean)
    return mixed[len(known) :] @ dual + mean


def kernels(series: np.ndarray, representations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    own = rbf_kernel(representations.astype(np.float64), gamma=scale_gamma(representations.astype(np.float64)))
    return own, StandardizedFeatures(fit_features(SPEC.transforms, series, 4, 1), series, 1).kernel


def test_held_out_errors_are_those_of_a_plain_solution():
    series, representations, labels = waves()
    held = np.arange(60) % 5 == 2
    result = held_out_errors(SPEC, representations, series, labels, held, seed=4, workers=1)
    targets = 2.0 * (labels[:, np.newaxis] == np.arange(3)) - 1
    own, features = kernels(series, representations)
    known, new = np.flatnonzero(~held), np.flatnonzero(held)
    for i, weight in enumerate(SPEC.weights):
        for j, penalty in enumerate(SPEC.penalties):
            decisions = plain(own, features, targets, known, new, weight, penalty)
            expected = np.square(decisions - targets[new]).sum(axis=1).mean()
            assert result.errors[i, j] == pytest.approx(expected, rel=1e-4)
    assert len(result.truth) == 12


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_the_fit_is_that_of_a_plain_solution(weight, tmp_path):
    series, representations, labels = waves()
    reader = fit_mixture(SPEC, representations, series, labels, Choice(weight, 1.0, 2.0), seed=4, workers=1)
    targets = 2.0 * (labels[:, np.newaxis] == np.arange(3)) - 1
    rows = np.arange(60)
    expected = plain(*kernels(series, representations), targets, rows, rows, weight, 1.0)
    own = rbf_kernel(representations, gamma=float(reader.gamma)) @ reader.coefficients
    np.testing.assert_allclose(own + reader.weighted(series, 1), expected, atol=1e-3)
    save_reader(tmp_path / "reader.safetensors", reader)
    loaded = load_reader(tmp_path / "reader.safetensors")
    assert type(loaded) is type(reader)
    new_series, new_representations, truth = waves(seed=1)
    predicted = reader.predict_by_both(new_representations, new_series, 1)
    np.testing.assert_array_equal(loaded.predict_by_both(new_representations, new_series, 1), predicted)
    assert (predicted == truth).mean() > (0.5 if weight == 1 else 0.8)  # two labels have the same representations


def test_without_representations_it_is_the_ridge_regression_on_random_features():
    series, representations, labels = waves()
    spec = RandomKernels(kind="random_kernels", transforms=("hydra",))
    alone = fit_random_kernels(series, labels, spec, seed=4, workers=1)
    mixed = fit_mixture(
        SPEC, representations, series, labels, Choice(0.0, float(alone.penalty), 1.0), seed=4, workers=1
    )
    assert not mixed.coefficients.any()
    np.testing.assert_allclose(mixed.weighted(series, 1), alone.decisions(series, 1), atol=1e-3)


def test_few_held_out_series_follow_the_suite_and_many_do_not():
    errors = np.array([[3.0, 2.0, 3.0], [3.0, 1.0, 3.0], [3.0, 3.0, 3.0]])
    other = np.array([[3.0, 3.0, 3.0], [3.0, 3.0, 3.0], [1.5, 3.0, 3.0]])

    def chosen(spec: Mixture, errors_of_last: np.ndarray, n: int) -> tuple[float, float]:
        tasks = [HeldOut(errors, np.zeros((3, 3, 50, 2), np.float32), np.arange(50) % 2)] * 5
        last = HeldOut(errors_of_last, np.zeros((3, 3, n, 2), np.float32), np.arange(n) % 2)
        return choose(spec, [*tasks, last])[-1][:2]

    assert chosen(SPEC, other, 5) == (0.25, 1.0)
    assert chosen(SPEC, other, 5000) == (1, 0.01)
    assert chosen(SPEC, np.zeros((3, 3)), 0) == (0.25, 1.0), "none held out"
    assert chosen(SPEC.model_copy(update={"prior": 0.0}), other, 5) == (1, 0.01)
    assert chosen(SPEC.model_copy(update={"prior": 0.0}), np.zeros((3, 3)), 0) == (0.25, 1.0), "whatever the prior"


def test_where_nothing_is_held_out_the_middle_is_taken():
    series, representations, labels = waves()
    result = held_out_errors(SPEC, representations, series, labels, np.zeros(60, bool), workers=1)
    assert len(result.truth) == 0
    middle = (SPEC.weights[len(SPEC.weights) // 2], SPEC.penalties[len(SPEC.penalties) // 2], 1, 0)
    assert choose(SPEC, [result, result]) == [middle, middle]


def test_a_task_without_held_out_series_is_as_sure_as_the_others():
    rng, truth = np.random.default_rng(0), np.arange(50) % 2
    decisions = (np.eye(2)[truth] + rng.normal(scale=0.8, size=(3, 3, 50, 2))).astype(np.float32)
    known = HeldOut(np.ones((3, 3)), decisions, truth)
    none = HeldOut(np.zeros((3, 3)), np.zeros((3, 3, 0, 2), np.float32), np.empty(0, np.int64))
    first, second = choose(SPEC, [known, none])
    assert second.sharpness == first.sharpness != 1


def test_representations_that_know_their_labels_are_found_out():
    """On the training series they look perfect, and held-out ones tell that they are worth nothing."""
    series, _, labels = waves(n=90, noise=0.5)
    held = np.arange(90) % 4 == 1
    rng = np.random.default_rng(0)
    leaking = np.eye(3)[np.where(held, rng.permutation(labels), labels)] + 0.01 * rng.normal(size=(90, 3))
    result = held_out_errors(SPEC, leaking.astype(np.float32), series, labels, held, workers=1)
    assert choose(SPEC, [result])[0][0] == 0
