"""QUANT: the same as aeon's classifier, from a file that holds series and a seed."""

import warnings

import numpy as np
from aeon.classification.interval_based import QUANTClassifier

from mtcs.classifiers.classify import load_reader, save_reader
from mtcs.classifiers.quant import fit_quant
from mtcs.config.classifiers import Quant

SPEC = Quant(kind="quant")


def waves(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(n) % 3
    noise = np.random.default_rng(seed).normal(size=(n, 40))
    return (np.sin(np.linspace(0, 6, 40) * (1 + labels[:, np.newaxis])) + 2 * noise).astype(np.float32), labels


def test_it_predicts_what_aeons_classifier_predicts(tmp_path):
    (series, labels), (new, truth) = waves(45, 0), waves(60, 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array_wrap__", DeprecationWarning)
        oracle = QUANTClassifier(random_state=3).fit(series[:, np.newaxis], labels)
    seed = np.random.RandomState(3).randint(np.iinfo(np.int32).max)  # what aeon makes of 3
    reader = fit_quant(series, labels, SPEC, seed)
    predicted = reader.predict(new, 1)
    np.testing.assert_array_equal(predicted, oracle.predict(new[:, np.newaxis]))
    assert 0.5 < (predicted == truth).mean() < 1
    save_reader(tmp_path / "reader.safetensors", reader)
    np.testing.assert_array_equal(load_reader(tmp_path / "reader.safetensors").predict(new, 1), predicted)


def test_gaps_and_short_series():
    labels = np.arange(8) % 2
    series = np.where(labels[:, np.newaxis], [0.0, 9, 0], [5, 5, np.nan]).astype(np.float32)
    reader = fit_quant(series, labels, SPEC)
    np.testing.assert_array_equal(reader.predict(series, 1), labels)
    np.testing.assert_array_equal(reader.predict(np.pad(series, ((0, 0), (0, 3)), constant_values=np.nan)), labels)
