"""Ridge classification by random features: pieces against all features at once, and the fit against a plain one."""

import os
import subprocess
import sys
import tracemalloc
from functools import partial

import numpy as np
import pytest

from mtcs.classifiers import random_features, random_kernels
from mtcs.classifiers.classify import load_reader, save_reader
from mtcs.classifiers.random_features import RandomFeatures, fit_features
from mtcs.classifiers.random_kernels import StandardizedFeatures, fit_random_kernels
from mtcs.config.classifiers import PENALTIES, RandomKernels

COMPILED = pytest.mark.slow  # numba compiles these for a minute where it has not before
HYDRA = RandomKernels(kind="random_kernels", transforms=("hydra",))
TRANSFORMS = [
    pytest.param(("hydra",), id="hydra"),
    pytest.param(("minirocket",), id="minirocket", marks=COMPILED),
    pytest.param(("multirocket",), id="multirocket", marks=COMPILED),
    pytest.param(("multirocket", "hydra"), id="both", marks=COMPILED),
]


def waves(n: int = 60, length: int = 50, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes that differ in frequency; two series end early or have a gap."""
    labels = np.arange(n) % 3
    noise = np.random.default_rng(seed).normal(size=(n, length))
    series = np.sin(np.linspace(0, 6, length) * (1 + labels[:, np.newaxis])) + 0.5 * noise
    series[0, length * 2 // 3 :] = np.nan
    series[1, 4:6] = np.nan
    return series.astype(np.float32), labels.astype(np.int64)


def explicit(features: RandomFeatures, series: np.ndarray, new: np.ndarray | None = None) -> np.ndarray:
    """All features at once, of `series` or of `new` ones, by aeon's transforms fitted to `series`: (n, p) float64."""
    prepared, columns = features.prepared(series), []
    for name in features.transforms:
        transform = random_features._fit(name, prepared, features.seed, 1)
        values = transform.transform(prepared if new is None else features.prepared(new))
        columns.append(np.sqrt(np.maximum(values.numpy(), 0)) if name == "hydra" else values)
    return np.concatenate(columns, axis=1).astype(np.float64)


def standardized(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Features less the means of the known series' features, over their deviations where these are not rounding."""
    means, deviations = known.mean(axis=0), known.std(axis=0)
    return (values - means) / np.where(deviations > 1e-6 * np.abs(means), deviations, 1)


@pytest.mark.parametrize("transforms", TRANSFORMS)
def test_the_kernel_of_pieces_is_the_kernel_of_all_features(transforms, monkeypatch):
    series, _ = waves()
    monkeypatch.setattr(random_features, "PIECE_BYTES", 2_000_000)
    monkeypatch.setattr(random_kernels, "ROWS", 25)
    features = fit_features(transforms, series, seed=5, workers=1)
    known = explicit(features, series)
    z = standardized(known, known)
    result = StandardizedFeatures(features, series, 1)
    assert result.means.shape == (z.shape[1],)
    np.testing.assert_allclose(result.kernel, z @ z.T, rtol=0, atol=1e-5 * z.shape[1])
    if "multirocket" in transforms:
        assert len(list(features.pieces(1))) > 3
        sizes = [piece(features.prepared(series)).nbytes for piece in features.pieces(1)]
        assert max(sizes) <= 3_000_000


@pytest.mark.parametrize("transforms", TRANSFORMS)
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "computed again"])
def test_the_fit_is_that_of_a_ridge_regression_on_all_features(transforms, kept, monkeypatch):
    series, labels = waves()
    monkeypatch.setattr(random_kernels, "KEEP_BYTES", 1 << 30 if kept else 0)
    spec = RandomKernels(kind="random_kernels", transforms=transforms)
    reader = fit_random_kernels(series, labels, spec, seed=5, workers=1)
    assert float(reader.penalty) in PENALTIES

    new, _ = waves(n=20, seed=1)
    features = fit_features(transforms, series, seed=5, workers=1)
    known, fresh = explicit(features, series), explicit(features, series, new)
    z, z_new = standardized(known, known), standardized(fresh, known)
    kernel = z @ z.T
    targets = 2.0 * (labels[:, np.newaxis] == np.arange(3)) - 1
    scale = len(z) / kernel.trace()
    dual = np.linalg.solve(scale * kernel + float(reader.penalty) * np.eye(len(z)), targets - targets.mean(axis=0))
    expected = scale * (z_new @ z.T) @ dual + targets.mean(axis=0)
    np.testing.assert_allclose(reader.decisions(new, 1), expected, atol=2e-3)


def test_beside_the_kernel_there_is_only_a_piece(monkeypatch):
    def columns(start: int, series: np.ndarray) -> np.ndarray:
        return series[:, 0, start : start + 8].copy()

    monkeypatch.setattr(random_kernels, "KEEP_BYTES", 0)
    monkeypatch.setattr(RandomFeatures, "pieces", lambda *_: iter([partial(columns, i) for i in (0, 8)]))
    features = RandomFeatures(("minirocket",), 0, 16, 1, np.empty(0, np.float32), 1)
    series = np.random.default_rng(0).normal(size=(3000, 16)).astype(np.float32)
    tracemalloc.start()
    standardized = StandardizedFeatures(features, series, 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    expected = (series - series.mean(axis=0)) / series.std(axis=0)
    np.testing.assert_allclose(standardized.kernel, expected @ expected.T, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(standardized.kernel, standardized.kernel.T)
    assert peak < 1.5 * standardized.kernel.nbytes


def test_a_label_depends_on_its_series_alone(tmp_path):
    series, labels = waves()
    reader = fit_random_kernels(series, labels, HYDRA, seed=3, workers=1)
    new, truth = waves(n=30, seed=2)
    together = reader.decisions(new, 1)
    assert (together.argmax(axis=1) == truth).mean() > 0.9
    padded = np.pad(new, ((0, 0), (0, 9)), constant_values=np.nan)
    for row in (0, 1, 7):
        np.testing.assert_allclose(reader.decisions(padded[row : row + 1], 1)[0], together[row], atol=1e-4)
    save_reader(tmp_path / "reader.safetensors", reader)
    loaded = load_reader(tmp_path / "reader.safetensors")
    np.testing.assert_array_equal(loaded.predict(new, 1), reader.predict(new, 1))


def test_the_seed_draws_the_kernels_and_nothing_else_changes():
    series, labels = waves()
    state = np.random.get_state()[1].copy()  # noqa: NPY002  # aeon uses it
    one, again, other = (fit_random_kernels(series, labels, HYDRA, seed=seed, workers=1) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.weights, again.weights)
    assert not np.array_equal(one.weights, other.weights)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_short_constant_and_few_series():
    labels = np.array([0, 0, 1, 1, 1], dtype=np.int64)
    series = np.array([[0, 1, 0], [0, 1, 0.1], [5, 5, 5], [5, 5, 5], [5, 5, 4.9]], np.float32)
    reader = fit_random_kernels(series, labels, HYDRA, workers=1)
    np.testing.assert_array_equal(reader.predict(series, 1), labels)
    same = fit_random_kernels(np.zeros((6, 20), np.float32), np.arange(6) % 2, HYDRA, workers=1)
    assert np.isfinite(same.decisions(series, 1)).all()


def test_more_series_than_max_train_are_left_out():
    series, labels = waves()
    spec = HYDRA.model_copy(update={"max_train": 30})
    fewer = fit_random_kernels(series, labels, spec, workers=1)
    assert not np.array_equal(fewer.weights, fit_random_kernels(series, labels, HYDRA, workers=1).weights)
    new, truth = waves(n=30, seed=2)
    assert (fewer.predict(new, 1) == truth).mean() > 0.8


@COMPILED
def test_no_more_threads_than_numba_has():
    code = "import numpy; from mtcs.classifiers.random_features import fit_features; " + (
        "print(fit_features(['minirocket'], numpy.random.default_rng(0).normal(size=(4, 1, 20)), 0, -1).seed)"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "0\n", done.stderr


def test_several_channels():
    series, labels = waves()
    channels = np.stack([series, series[:, ::-1]], axis=1)
    reader = fit_random_kernels(channels, labels, HYDRA, workers=1)
    assert int(reader.channels) == 2
    assert (reader.predict(channels, 1) == labels).all()
