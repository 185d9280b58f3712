"""Every reader behind one door: fit, predict, what is refused, and the file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_iris

from mtcs.classifiers.calibration import Calibration
from mtcs.classifiers.classify import (
    KINDS,
    calibrate,
    check_fittable,
    classify,
    fit_reader,
    load_reader,
    save_reader,
    work,
)
from mtcs.config.classifiers import (
    SVM,
    ClassifierSpec,
    KernelRidge,
    NearestNeighbor,
    Quant,
    RandomKernels,
)
from mtcs.errors import InputError

SPECS: dict[str, ClassifierSpec] = {
    "svm": SVM(C=(0.1, 1.0, 10.0), max_train=100),
    "nearest_neighbour": NearestNeighbor(kind="nearest_neighbour"),
    "kernel_ridge": KernelRidge(kind="kernel_ridge"),
    "random_kernels": RandomKernels(kind="random_kernels", transforms=("hydra",)),
    "quant": Quant(kind="quant", trees=20),
}
VECTORS = {kind: spec for kind, spec in SPECS.items() if not spec.reads_series}


def iris() -> tuple[np.ndarray, np.ndarray]:
    data, labels = load_iris(return_X_y=True)
    rows = np.random.default_rng(0).permutation(150)
    return np.asarray(data, np.float32)[rows], np.asarray(labels)[rows].astype(np.int64)


def test_every_classifier_of_the_parameters_has_a_reader():
    assert list(KINDS) == [*(spec.kind for spec in SPECS.values()), "mixture"]  # which reads two things


@pytest.mark.parametrize("kind", SPECS)
def test_it_classifies_and_counts_its_work(kind):
    x, y = iris()
    steps = []
    reader, predicted = classify(SPECS[kind], x[:100], y[:100], x[100:], 2, lambda *step: steps.append(step))
    assert isinstance(reader, KINDS[kind])
    assert (predicted == y[100:]).mean() > 0.9
    assert predicted.dtype == np.int64
    amount, unit = work(SPECS[kind], 50)
    if amount > 1:  # not a single fit, which nobody has to watch
        assert steps[-1] == (amount, amount)
    assert unit == ("series" if kind == "nearest_neighbour" else "fits")


@pytest.mark.parametrize("kind", SPECS)
def test_a_saved_reader_predicts_the_same(kind, tmp_path):
    x, y = iris()
    reader = fit_reader(SPECS[kind], x[:100], y[:100] + 2)
    path = tmp_path / "made" / "Task.safetensors"
    save_reader(path, reader)
    loaded = load_reader(path)
    assert type(loaded) is type(reader)
    np.testing.assert_array_equal(loaded.predict(x), reader.predict(x))
    save_reader(tmp_path / "again.safetensors", loaded)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    assert [file.name for file in path.parent.iterdir()] == ["Task.safetensors"]


FIT_AND_SAVE = """
import sys, numpy as np
from pathlib import Path
from mtcs.config.classifiers import SVM, KernelRidge
from mtcs.classifiers.classify import fit_reader, save_reader
x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
for spec in SVM(C=(1.0,)), KernelRidge(kind="kernel_ridge"):
    save_reader(Path(sys.argv[1]) / spec.kind, fit_reader(spec, x, np.arange(60) % 2))
"""


@pytest.mark.slow  # two interpreters
def test_equal_readers_of_two_processes_have_equal_bytes(tmp_path):
    for name in ("a", "b"):
        subprocess.run([sys.executable, "-c", FIT_AND_SAVE, tmp_path / name], check=True)
    for kind in VECTORS:
        assert (tmp_path / "a" / kind).read_bytes() == (tmp_path / "b" / kind).read_bytes()


@pytest.mark.parametrize("kind", VECTORS)
def test_one_class_is_an_error(kind):
    with pytest.raises(InputError, match=r"^All 60 training series have one label \(3\), expected two or more; take "):
        fit_reader(SPECS[kind], np.zeros((60, 2), np.float32), np.full(60, 3))


@pytest.mark.parametrize("kind", VECTORS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_an_error(kind, value):
    x, y = iris()
    x[[17, 40], 3] = value
    with pytest.raises(InputError, match=r"^Representation 17 of 150 holds a value that is not finite; train the mode"):
        fit_reader(SPECS[kind], x, y)


@pytest.mark.parametrize("kind", VECTORS)
def test_representations_of_another_split_are_an_error(kind):
    x, y = iris()
    with pytest.raises(
        InputError, match=r"^Representations \(149, 4\) and labels \(150,\) do not match, .*'mtcs repres"
    ):
        fit_reader(SPECS[kind], x[:149], y)


def test_labels_that_no_classifier_could_take_are_told_before_training():
    many = np.repeat(np.arange(101), 6)
    with pytest.raises(
        InputError, match=r"^Pump has 101 classes, more than the 100 training series that .*max_train\.$"
    ):
        check_fittable(SPECS["svm"], "Pump", many)
    for kind in VECTORS:
        with pytest.raises(
            InputError, match=r"^Pump: all 9 training series have one label, expected two or more; take"
        ):
            check_fittable(SPECS[kind], "Pump", np.ones(9))
    check_fittable(SPECS["nearest_neighbour"], "Pump", np.ones(9))
    check_fittable(SPECS["kernel_ridge"], "Pump", many)
    check_fittable(SPECS["svm"], "Pump", many[:600])


@pytest.mark.parametrize("counts", [(1, 3), (1, 1), (1, 1, 1), (1, 1, 4), (2, 2)])
def test_an_svm_of_very_few_series_has_probabilities(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    representations = np.random.default_rng(0).normal(size=(len(labels), 5)).astype(np.float32)
    reader = fit_reader(SPECS["svm"], representations, labels)
    calibration = calibrate(SPECS["svm"], reader, representations, labels)
    assert (calibration == Calibration(1.0)) == (sorted(counts)[-2] < 2)


def damaged(path: Path, how: str) -> None:
    x, y = iris()
    save_reader(path, fit_reader(SPECS["svm"], x, y))
    arrays, metadata = load_file(path), {"reader": "svm 1"}
    if how == "missing array":
        del arrays["gamma"]
    elif how == "other array":
        arrays["extra"] = arrays["gamma"]
    elif how == "other size":
        arrays["counts"] = arrays["counts"][1:]
    elif how == "other number":
        arrays["classes"] = arrays["classes"].astype(np.float32)
    elif how == "other dimensions":
        arrays["gamma"] = arrays["gamma"].reshape(1)
    elif how == "other format":
        metadata["reader"] = "svm 99"
    elif how == "other reader":
        metadata["reader"] = "oracle 1"
    elif how == "no metadata":
        metadata = None
    save_file(arrays, path, metadata)
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("nothing")
    elif how == "folder":
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("missing array", "gamma is missing"),
        ("other array", "extra is none of its arrays"),
        ("other size", r"classes has shape \(3,\) of int64, expected i C"),
        ("other number", "classes has shape .* of float32, expected i C"),
        ("other dimensions", r"gamma has shape \(1,\) of float64, expected f"),
        ("other format", "reader 'svm 99', expected svm or nearest_neighbour or .*, 1"),
        ("other reader", "reader 'oracle 1', expected svm or"),
        ("no metadata", "reader ' ', expected svm or"),
        ("cut", ".*"),
        ("empty", ".*"),
        ("text", ".*"),
        ("folder", ".*Is a directory.*"),
    ],
)
def test_a_damaged_file_is_an_error(tmp_path, how, why):
    path = tmp_path / "Task.safetensors"
    damaged(path, how)
    with pytest.raises(InputError, match=rf"does not hold a classifier \(.*({why}).*\); run 'mtcs classify' again\.$"):
        load_reader(path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"Task\.safetensors does not exist; run 'mtcs classify'\.$"):
        load_reader(tmp_path / "Task.safetensors")
