"""The estimators as a user's script or notebook has them, and their file."""

from __future__ import annotations

import doctest
import itertools
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import mtcs
from mtcs import InputError, MTCSClassifier, MultiTaskClassifier
from mtcs.bundles import fit as bundle_fit
from mtcs.bundles.card import model_card
from mtcs.classifiers.calibration import fit_temperature
from mtcs.classifiers.classify import classify, decisions, known_calibration
from mtcs.classifiers.kernel_ridge import FittedKernelRidge
from mtcs.classifiers.random_kernels import FittedRandomKernels
from mtcs.config.packaged import packaged_classifier, packaged_method, usual_classifier
from mtcs.data.arrays import as_labels
from mtcs.data.doubts import SwappedAxes
from mtcs.data.folder import FolderData
from mtcs.data.normalize import scaled, z_normalize
from mtcs.data.raw import RawSplit, RawTask
from mtcs.estimator import validate_model
from mtcs.evaluation.represent import represent, represent_task
from mtcs.training.hardware import choose_hardware
from mtcs.training.loop import train_method

TINY: dict[str, Any] = {"depth": 2, "hidden": 8, "output": 16, "schedule": {"learning_rate": 0.01}}


def recordings(labels: list[Any], n: int = 24, length: int = 40, seed: int = 0) -> tuple[np.ndarray, list[Any]]:
    """Noisy sines, the frequency of which says the label."""
    rng = np.random.default_rng(seed)
    given = [labels[i % len(labels)] for i in range(n)]
    X = rng.normal(scale=0.3, size=(n, length))
    for i, label in enumerate(given):
        X[i] += np.sin(np.arange(length) * (0.3 + 0.5 * labels.index(label)))
    return X, given


def tiny(**parameters: Any) -> MultiTaskClassifier:
    return MultiTaskClassifier(TINY, **{"random_state": 0, "device": "cpu", "precision": "fp32", **parameters})


@pytest.fixture(scope="module")
def data() -> dict[str, tuple[Any, Any]]:
    X, y = recordings(["a", "b"], length=30, seed=1)
    unequal = [row[: 20 + i % 11] for i, row in enumerate(X)]
    return {"pumps": recordings(["ok", "worn out"]), "fans": (unequal, np.array(y)), "3 valves": recordings([3, 1, 2])}


@pytest.fixture(scope="module")
def fitted(data) -> MultiTaskClassifier:
    return tiny().fit(data)


def test_fits_predicts_and_transforms(data, fitted):
    for task, (X, y) in data.items():
        probabilities = fitted.predict_proba(task, X)
        assert probabilities.shape == (len(y), len(set(y)))
        np.testing.assert_allclose(probabilities.sum(1), 1)
        np.testing.assert_array_equal(fitted.classes_[task][probabilities.argmax(1)], fitted.predict(task, X))
        assert (fitted.predict(task, X) == np.array(y)).mean() > 0.8
        assert fitted.transform(task, X).shape == (len(y), 16)


def test_it_is_what_the_stages_compute(data, fitted):
    """Their functions in their order, on the same series, labels and seed."""
    tasks = []
    for name, (X, y) in data.items():
        split = RawSplit([np.asarray(row, np.float64) for row in X], [str(label) for label in y])
        tasks.append(z_normalize(RawTask(name, split, split, tuple(map(str, sorted(set(y)))))))
    hardware = choose_hardware("cpu", "fp32")
    method, _ = train_method(packaged_method(TINY), tasks, 0, hardware)
    for task, (name, (X, _)) in zip(tasks, data.items(), strict=True):
        representations = represent_task(method, task, hardware)
        np.testing.assert_array_equal(representations.test, fitted.transform(name, X))
        reader, predicted = classify(
            packaged_classifier("ridge"), representations.train, task.train.labels, representations.test
        )
        np.testing.assert_array_equal(np.array(task.classes)[predicted], fitted.predict(name, X).astype(str))
        calibration = known_calibration(reader, len(task.train))
        assert isinstance(reader, FittedKernelRidge)
        assert calibration is not None
        probabilities = calibration(reader.decisions(representations.test))
        np.testing.assert_array_equal(probabilities, fitted.predict_proba(name, X))


def test_the_same_seed_repeats(data, fitted):
    again = tiny().fit(data)
    X = data["pumps"][0]
    np.testing.assert_array_equal(again.predict_proba("pumps", X), fitted.predict_proba("pumps", X))
    other = tiny(random_state=1).fit(data)
    assert (other.predict_proba("pumps", X) != fitted.predict_proba("pumps", X)).any()


@pytest.mark.parametrize(
    "labels",
    [
        [2, 7],
        np.array([2, 7], np.int16),
        [0.5, 1.5],
        [True, False],
        ["a", "b c"],
        np.array(["2020-01-01", "2021-01-01"], "datetime64[D]"),
        [1, "1"],
        [1, True],
        [("a", 1), ("b", 2)],
    ],
    ids=str,
)
def test_labels_come_back_as_they_were_given(labels, tmp_path):
    X, which = recordings([0, 1])
    y = np.array(labels)[which] if isinstance(labels, np.ndarray) else [labels[i] for i in which]
    model = tiny().fit({"t": (X, y)})
    model.save(tmp_path / "t.mtcs")
    for predicted in (model.predict("t", X), mtcs.load(tmp_path / "t.mtcs").predict("t", X)):
        expected = [(type(label), label) for label in y]
        agree = [(type(label), label) == want for label, want in zip(predicted, expected, strict=True)]
        if isinstance(labels, np.ndarray):
            assert predicted.dtype == y.dtype
        else:
            agree = [(type(p), p) == want for p, want in zip(predicted.tolist(), expected, strict=True)]
        assert np.mean(agree) > 0.8


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (torch.tensor([0, 1, 0, 1]), [0, 1, 0, 1]),
        ([torch.tensor(1.5), torch.tensor(0.5), torch.tensor(1.5)], [1.5, 0.5, 1.5]),
        ([*np.array(["ok", "worn"]), "ok"], ["ok", "worn", "ok"]),
        ([np.int64(1), 1, 2], [1, 1, 2]),
        (np.array([np.int64(1), 1, "1"], dtype=object), [1, 1, "1"]),
        ([np.bool_(True), 1, True], [True, 1, True]),
        ([np.datetime64(7, "ns"), "x", np.datetime64(7, "ns")], [np.datetime64(7, "ns"), "x", np.datetime64(7, "ns")]),
        (pd.Series(["b", "a"], dtype="string"), ["b", "a"]),
    ],
    ids=str,
)
def test_equal_labels_are_one_whatever_they_came_from(y, expected):
    labels, indices = as_labels(y, len(expected))
    assert [(type(one), one) for one in labels[indices].tolist()] == [(type(one), one) for one in expected]
    assert len(labels) == len({(type(one), one) for one in expected})


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (pd.Series(["a", "b", None], dtype="string"), "y: series 2 has no label"),
        (pd.Series([1, 2, None], dtype="Int64"), "y: series 2 has no label"),
        ([1, "b", pd.NaT], "y: series 2 has no label"),
        (torch.tensor([[0], [1], [0]]), r"y has shape \(3, 1\), expected \(3,\)"),
        ([torch.tensor([0]), torch.tensor([1]), torch.tensor([0])], "label 0 is an array itself"),
        ([np.zeros(2), np.zeros(2), np.zeros(2)], "label 0 is an array itself"),
        (np.array([b"a", b"b", b"a"]), r"y: labels are bytes, as b'a'; give y\.astype\(str\)"),
    ],
    ids=str,
)
def test_labels_that_are_none(y, words):
    with pytest.raises(InputError, match=words):
        as_labels(y, 3)


def test_series_may_be_frames_lists_and_one_channel(data, fitted):
    X = data["pumps"][0]
    expected = fitted.predict_proba("pumps", X)
    for form in (pd.DataFrame(X), X.tolist(), X[:, np.newaxis], [pd.Series(row) for row in X]):
        np.testing.assert_array_equal(fitted.predict_proba("pumps", form), expected)


def test_padding_changes_nothing(data, fitted):
    X = data["pumps"][0]
    padded = np.pad(X, ((0, 0), (0, 9)), constant_values=np.nan)
    np.testing.assert_allclose(fitted.transform("pumps", padded), fitted.transform("pumps", X), atol=1e-5)
    holed = X.copy()
    holed[0, 3] = np.nan
    assert np.isfinite(fitted.predict_proba("pumps", holed)).all()


def test_affinity_and_similarity_are_labelled(fitted):
    affinity, similarity = fitted.label_affinity_, fitted.task_similarity_
    assert list(affinity.index) == list(affinity.columns)
    assert ("3 valves", 2) in affinity.index
    assert affinity.loc["pumps", "pumps"].to_numpy().sum() == pytest.approx(1)
    assert list(similarity.index) == ["pumps", "fans", "3 valves"]
    np.testing.assert_array_equal(similarity, similarity.T)


def test_a_task_is_added_without_a_change_of_the_others(data, fitted, tmp_path):
    model = clone(fitted).fit(data)
    before = model.predict_proba("pumps", data["pumps"][0])
    X, y = recordings(["open", "shut"], length=50)
    model.add_task("doors", X, y)
    np.testing.assert_array_equal(model.predict_proba("pumps", data["pumps"][0]), before)
    assert (model.predict("doors", X) == np.array(y)).mean() > 0.8
    model.save(tmp_path / "m.mtcs")
    loaded = mtcs.load(tmp_path / "m.mtcs")
    np.testing.assert_array_equal(loaded.predict_proba("doors", X), model.predict_proba("doors", X))
    with pytest.raises(InputError, match="already has a task doors"):
        model.add_task("doors", X, y)


def test_no_task_is_added_to_an_encoder_whose_scale_is_a_tasks_own(data):
    small = {"like": "tst", "depth": 1, "hidden": 8, "output": 16, "heads": 2, "schedule": {"epochs": 1}}
    model = MultiTaskClassifier(small, random_state=0, device="cpu", precision="fp32").fit(data)
    with pytest.raises(InputError, match="TST reads a task at the scale of its length, so none can be added"):
        model.add_task("doors", *recordings(["open", "shut"]))


def test_an_encoder_comes_with_the_package(tmp_path):
    model = mtcs.load("ucr")
    assert model.classes_ == {}
    X, y = recordings(["open", "shut"], length=50)
    model.set_params(device="cpu", precision="fp32").add_task("doors", X, y)
    new, truth = recordings(["open", "shut"], length=50, seed=1)
    assert (model.predict("doors", new) == np.array(truth)).mean() > 0.8
    model.save(tmp_path / "doors.mtcs")
    loaded = mtcs.load(tmp_path / "doors.mtcs").set_params(device="cpu", precision="fp32")
    np.testing.assert_array_equal(loaded.predict_proba("doors", new), model.predict_proba("doors", new))


def test_what_a_first_task_was_read_by_is_remembered(tmp_path):
    model = mtcs.load("ucr").set_params(device="cpu", precision="fp32", classifier="svm")
    model.add_task("doors", *recordings(["open", "shut"], length=50)).save(tmp_path / "doors.mtcs")
    loaded = mtcs.load(tmp_path / "doors.mtcs").set_params(device="cpu", precision="fp32")
    assert loaded.get_params()["classifier"] == "svm"
    loaded.set_params(classifier="ridge").add_task("locks", *recordings(["open", "shut"], length=50))
    first, doors, locks, *_ = model_card(loaded.bundle_).splitlines()
    assert first.endswith("read by svm")
    assert "read by" not in doors
    assert "added later, read by kernel ridge" in locks


def test_the_same_seed_repeats_in_threads_and_leaves_the_random_numbers_of_others_alone(data, fitted):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with ThreadPoolExecutor(3) as pool:
        models = list(pool.map(lambda _: clone(fitted).fit(data), range(3)))
    assert torch.equal(torch.rand(3), expected)
    task, (X, _) = next(iter(data.items()))
    for model in models:
        np.testing.assert_array_equal(model.predict_proba(task, X), fitted.predict_proba(task, X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"device": "cuda:1"}, "device is 'cuda:1', expected auto, cpu, cuda; CUDA_VISIBLE_DEVICES chooses among GPUs"),
        ({"device": "gpu"}, "device is 'gpu', expected auto, cpu, cuda."),
        ({"precision": "fp16"}, "precision is 'fp16', expected auto, fp32, bf16."),
        ({"missing": -9999}, "missing is -9999, expected finite numbers, as (-9999,)"),
        ({"missing": "-9999"}, "missing is '-9999', expected finite numbers"),
        ({"n_jobs": "2"}, "n_jobs is '2', expected a whole number but 0, or None for every core."),
        ({"n_jobs": True}, "n_jobs is True, expected a whole number"),
        ({"random_state": True}, "random_state is True, expected a whole number from 0 to 2**32 - 1, or None."),
        ({"random_state": "a"}, "random_state is 'a', expected a whole number"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(data, parameters, message):
    with pytest.raises(InputError, match=re.escape(message)):
        MultiTaskClassifier(TINY, epochs=1, **parameters).fit(data)


@pytest.mark.parametrize("path", [None, 3, b"m.mtcs", ["m.mtcs"]])
def test_what_names_no_file_is_not_loaded(path):
    with pytest.raises(InputError, match=re.escape(f"path is {path!r}, expected the name of a file that 'mtcs fit'")):
        mtcs.load(path)


def test_a_model_of_another_kind_is_not_cross_validated(data):
    with pytest.raises(InputError, match="model is MTCSClassifier, expected MultiTaskClassifier"):
        mtcs.cross_validate(MTCSClassifier(TINY), data)


def test_groups_are_not_taken_in_another_order(data):
    X, y = data["doors"] if "doors" in data else next(iter(data.values()))
    frame = pd.DataFrame(np.stack([np.asarray(row)[:20] for row in X]))
    groups = pd.Series(np.arange(len(frame)) % 4)[::-1]
    with pytest.raises(InputError, match="X and groups have the same index in another order"):
        mtcs.cross_validate(MultiTaskClassifier(TINY), {"a": (frame, y)}, 2, {"a": groups})


def test_a_folder_is_no_file(fitted, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="is a folder, where a file is to be written"):
        fitted.save(tmp_path)
    with pytest.raises(InputError, match="is a folder; name a file"):
        mtcs.load(tmp_path)
    (tmp_path / "ucr").mkdir()
    monkeypatch.chdir(tmp_path)
    assert mtcs.load("ucr").classes_ == {}


@pytest.mark.parametrize("n_jobs", [None, 1, -1, -2, -100])
def test_n_jobs_are_those_of_joblib(n_jobs):
    assert MultiTaskClassifier(n_jobs=n_jobs)._workers == effective_n_jobs(n_jobs or -1) >= 1


def test_the_packaged_encoder_holds_weights_alone():
    path = Path(mtcs.__file__).parent / "reference/ucr.safetensors"
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header.pop("__metadata__")["description"])["tasks"] == []
    assert all(name.startswith("encoder.") for name in header)
    assert len(content) < 1_400_000


def test_saved_and_loaded(data, fitted, tmp_path):
    for name in ("one.mtcs", "two.mtcs"):
        fitted.save(tmp_path / name)
    assert (tmp_path / "one.mtcs").read_bytes() == (tmp_path / "two.mtcs").read_bytes()
    (tmp_path / "link.mtcs").symlink_to("two.mtcs")
    (tmp_path / "two.mtcs").write_bytes(b"")
    fitted.save(tmp_path / "link.mtcs")
    assert (tmp_path / "two.mtcs").stat().st_size, "what a link leads to is written, as predictions are"
    loaded = mtcs.load(tmp_path / "one.mtcs")
    assert loaded.get_params()["classifier"] == "ridge"
    assert mtcs.load("ucr").get_params()["method"] == "mtcs"
    for task, (X, _) in data.items():
        np.testing.assert_array_equal(loaded.predict_proba(task, X), fitted.predict_proba(task, X))
    pd.testing.assert_frame_equal(loaded.label_affinity_, fitted.label_affinity_)
    pd.testing.assert_frame_equal(loaded.task_similarity_, fitted.task_similarity_)


@pytest.mark.parametrize("classifier", ["svm", "ridge"])
@pytest.mark.parametrize("method", [{"experts": 2}, {"like": "ts2vec", "schedule": {"steps": 2}, "small_steps": 2}])
def test_other_methods_and_classifiers(data, tmp_path, method, classifier):
    model = clone(tiny(classifier=classifier)).set_params(method={**TINY, **method}).fit(data)
    model.save(tmp_path / "m.mtcs")
    X = data["pumps"][0]
    loaded, probabilities = mtcs.load(tmp_path / "m.mtcs"), model.predict_proba("pumps", X)
    np.testing.assert_array_equal(loaded.predict("pumps", X), model.predict("pumps", X))
    np.testing.assert_array_equal(loaded.predict_proba("pumps", X), probabilities)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (model.classes_["pumps"][probabilities.argmax(axis=1)] == model.predict("pumps", X)).mean() > 0.9
    if "like" in method:
        with pytest.raises(AttributeError, match="trains without labels"):
            _ = model.label_affinity_


def test_nearest_neighbors(tmp_path):
    X, y = recordings(["a", "b"])
    model = MultiTaskClassifier("dtw").fit({"t": (X, y)})
    model.save(tmp_path / "m.mtcs")
    np.testing.assert_array_equal(mtcs.load(tmp_path / "m.mtcs").predict("t", X), y)
    with pytest.raises(InputError, match="no probabilities; ridge, svm"):
        model.predict_proba("t", X)
    with pytest.raises(InputError, match="Classifier ridge reads representations, and this method makes none"):
        MultiTaskClassifier("dtw", classifier="ridge").fit({"t": (X, y)})
    with pytest.raises(InputError, match="Classifier quant reads series, not representations; name it as the method"):
        tiny(classifier="quant").fit({"t": (X, y)})


MIXED = {"kind": "mixture", "transforms": ["minirocket"], "weights": [0.25, 0.75]}


def test_random_kernels_beside_representations(tmp_path):
    (X, y), (new, truth) = recordings(["a", "b"]), recordings(["a", "b"], seed=1)
    three = np.stack([X, -X, X**2], axis=1)
    model = tiny(classifier=MIXED).fit({"pumps": (X, y), "fans": (three, y)})
    assert (model.predict("pumps", new) == np.array(truth)).mean() > 0.9
    model.add_task("doors", X[:, :20], y)  # whose labels the encoder has not seen
    model.set_params(classifier="ridge").add_task("gates", X[:, :20], y)
    model.save(tmp_path / "m.mtcs")
    loaded = mtcs.load(tmp_path / "m.mtcs")
    for task, series in {"pumps": X, "fans": three, "doors": X[:, :20], "gates": X[:, :20]}.items():
        probabilities = loaded.predict_proba(task, series)
        np.testing.assert_allclose(probabilities, model.predict_proba(task, series), rtol=1e-9)
        assert loaded.classes_[task][probabilities.argmax(axis=1)].tolist() == loaded.predict(task, series).tolist()
    scores = mtcs.cross_validate(tiny(classifier=MIXED), {"pumps": (X, y)}, folds=2)
    assert scores["log_loss"].notna().all()


def test_weights_are_chosen_by_an_encoder_that_has_not_seen_the_labels(monkeypatch):
    X, y = recordings(["a", "b"])
    trained = []
    monkeypatch.setattr(
        bundle_fit, "train_method", lambda *args: trained.append(len(args[1][0].train)) or train_method(*args)
    )
    tiny(classifier=MIXED).fit({"pumps": (X, y)})
    assert trained == [24, 18]


@pytest.mark.parametrize("method", ["minirocket", "hydra", "quant"])
def test_classifiers_of_series(method, tmp_path):
    (X, y), (new, truth) = recordings(["a", "b"]), recordings(["a", "b"], seed=1)
    model = MultiTaskClassifier(method, random_state=0).fit({"pumps": (X, y)})
    assert (model.predict("pumps", new) == np.array(truth)).mean() > 0.9
    model.save(tmp_path / "m.mtcs")
    loaded = mtcs.load(tmp_path / "m.mtcs")
    assert loaded.predict("pumps", new).tolist() == model.predict("pumps", new).tolist()
    if method != "quant":
        np.testing.assert_allclose(loaded.predict_proba("pumps", new), model.predict_proba("pumps", new), rtol=1e-9)
    else:
        with pytest.raises(InputError, match="no probabilities"):
            loaded.predict_proba("pumps", new)
    with pytest.raises(InputError, match="3 channels, and what reads series without an encoder reads one"):
        MultiTaskClassifier(method).fit({"pumps": (np.stack([X] * 3, axis=1), y)})


def test_features_that_cannot_be_drawn_again_are_refused():
    X, y = recordings(["a", "b"])
    reader = MultiTaskClassifier("minirocket", random_state=0).fit({"t": (X, y)}).bundle_.task("t").reader
    assert isinstance(reader, FittedRandomKernels)
    for change in ({"transforms": [3]}, {"length": 2**40}, {"length": 0}, {"seed": -1}, {"channels": 0}, {"width": 0}):
        with pytest.raises(ValueError, match="random features are none that mtcs draws"):
            replace(reader, **{name: np.array(value) for name, value in change.items()})
    for changes, words in (
        ({"biases": reader.biases[:-5]}, "biases, expected"),
        ({"means": reader.means[:-5], "weights": reader.weights[:-5]}, "features, too few"),
    ):
        with pytest.raises(InputError, match=words):
            replace(reader, **changes).predict(X)


def test_what_a_method_is_usually_read_by():
    usual = {"mtcs": "ridge", "mtl": "ridge", "mtcs_rocket": "with_random_kernels", "dtw": "nearest", "quant": "quant"}
    assert {method: usual_classifier(method) for method in usual} == usual
    assert packaged_method("mtcs_rocket").difference  # pyright: ignore[reportAttributeAccessIssue]


def test_files_that_are_no_bundle(fitted, tmp_path):
    path = tmp_path / "m.mtcs"
    fitted.save(path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])

    def with_metadata(**changes: str) -> bytes:
        metadata = {key: value for key, value in header["__metadata__"].items() if key != "digest"} | changes
        text = json.dumps(header | {"__metadata__": metadata}).encode()
        return len(text).to_bytes(8, "little") + text + content[8 + length :]

    contents = json.loads(header["__metadata__"]["contents"])
    wrong_reader = json.dumps(contents | {"tasks": [one | {"reader": "pickle 1"} for one in contents["tasks"]]})
    fewer = json.dumps(contents | {"tasks": contents["tasks"][:1]})
    huge = json.dumps(
        contents | {"tasks": [one | {"labels": {"dtype": "<V8", "values": [1]}} for one in contents["tasks"]]}
    )
    for bad in (
        b"",
        b"PK\x03\x04 a zip file of something",
        content[:-100],
        content[: length // 2],
        content[:-1] + bytes([content[-1] ^ 1]),
        with_metadata(format="mtcs-bundle/0"),
        with_metadata(description="{}"),
        with_metadata(contents="{}"),
        with_metadata(contents=wrong_reader),
        with_metadata(contents=fewer),
        with_metadata(contents=huge),
    ):
        path.write_bytes(bad)
        with pytest.raises(InputError, match=r"m\.mtcs") as error:
            mtcs.load(path)
        assert len(str(error.value)) <= 400 + len(str(tmp_path))
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="does not exist"):
        mtcs.load(tmp_path / "none.mtcs")


def test_columns_of_a_frame_in_another_order_are_refused(data, tmp_path):
    """As `MTCSClassifier` refuses them: the series would run through time another way."""
    X, y = data["pumps"]
    frame = pd.DataFrame(X, columns=[f"t{i}" for i in range(X.shape[1])])
    tiny().fit({"pumps": (frame, y)}).save(tmp_path / "m.mtcs")
    model = mtcs.load(tmp_path / "m.mtcs")
    expected = model.predict("pumps", X)
    np.testing.assert_array_equal(model.predict("pumps", frame), expected)
    np.testing.assert_array_equal(
        model.predict("pumps", pd.DataFrame(X[:, ::-1])[[*range(X.shape[1])][::-1]]), expected
    )
    with pytest.raises(InputError, match=r"pumps: X has the columns t\d+, .* expected t0, t1, .* as it was trained on"):
        model.predict("pumps", frame[frame.columns[::-1]])
    assert model.predict("pumps", frame.iloc[:, 1:]).shape == (len(X),)
    with pytest.raises(InputError, match=r"pumps: X has the columns t4, .* expected t3, .* as it was trained on"):
        model.predict("pumps", frame.drop(columns="t3"))


class Odd:
    """A label of which the file knows nothing."""


def test_masked_values_are_missing_ones(data, fitted):
    """Below a mask, as netCDF gives it, are fill values."""
    X = data["pumps"][0]
    hidden = np.random.default_rng(0).random(X.shape) < 0.1
    masked = np.ma.masked_array(np.where(hidden, 9.97e36, X), hidden)
    expected = fitted.predict_proba("pumps", np.where(hidden, np.nan, X))
    for form in (masked, list(masked)):
        np.testing.assert_array_equal(fitted.predict_proba("pumps", form), expected)


def test_mistakes_are_one_line(data, fitted, tmp_path):
    X, y = data["pumps"]
    odd = [Odd(), Odd()]
    for mistake, words in (
        (lambda: tiny().fit({}), "no task"),
        (lambda: tiny().fit(X), "data is a ndarray"),
        (lambda: tiny().fit({"": (X, y)}), "Task '': expected a name"),
        (lambda: tiny().fit({"a\nb": (X, y)}), "expected a name of visible characters"),
        (lambda: tiny().fit({"t": (X, y[:-1])}), r"y has shape \(23,\), expected \(24,\)"),
        (
            lambda: tiny().fit({"t": (pd.DataFrame(X), pd.Series(y, range(23, -1, -1)))}),
            r"X and y have the same index in another order; give y\.loc\[X\.index\]",
        ),
        (lambda: tiny().fit({"t": (X, ["a"] * 24)}), r"one class \(a\)"),
        (lambda: tiny().fit({"t": (X, [None, *y[1:]])}), "series 0 has no label"),
        (lambda: tiny().fit({"t": (np.zeros((24, 3, 9)), y)}), "t, channel 1 .* cannot be scaled"),
        (lambda: tiny().fit({"t": ([X[0], X[:2]], y[:2])}), "series 1 has 2 channels, expected 1 as the first has"),
        (lambda: fitted.predict("pumps", np.zeros((2, 3, 9))), "series 0 has 3 channels, expected 1 as pumps was"),
        (
            lambda: tiny().fit({"t": (np.zeros((24, 9)), y)}),
            "cannot be scaled to one; repair its values, or leave these",
        ),
        (lambda: tiny().fit({"t": ([], [])}), "no series"),
        (lambda: tiny().fit({"t": ([["a"]], ["a"])}), "series 0 is not of numbers"),
        (lambda: tiny(epochs=0).fit(data), "epochs is 0"),
        (lambda: tiny(random_state=-1).fit(data), "random_state is -1, expected a whole number from 0"),
        (lambda: tiny(random_state=2**32).fit(data), "random_state is 4294967296, expected"),
        (lambda: tiny().fit({"t": (X, y, y)}), r"Task 't' is no pair \(too many values .*; give \{task: \(X, y\)\}"),
        (lambda: mtcs.cross_validate(tiny(), {"t": None}), r"Task 't' is no pair \(cannot unpack"),
        (lambda: mtcs.cross_validate(tiny(), [(X, y)]), "data is a list, expected {task"),
        (
            lambda: tiny().fit({"t": (X, np.arange(24) / 7)}),
            "t: labels are 24 different numbers of 24 series, as 3.286;",
        ),
        (lambda: tiny().fit({"t": (None, y)}), "t: X is None, expected an array, a frame or a list of series"),
        (lambda: mtcs.load("ucr").predict("pumps", X), r"The model has no task yet; learn one with add_task\(\)"),
        (lambda: fitted.predict("pumps", torch.zeros(2, 40, requires_grad=True)), "pumps: series 0 is not of numbers"),
        (lambda: tiny(n_jobs=0).fit(data), "n_jobs is 0, expected a whole number but 0, or None for every core"),
        (
            lambda: MultiTaskClassifier("mtl_ridge").fit(data),
            "mtl_ridge is mtl under a classifier of its own; name",
        ),
        (
            lambda: fitted.predict("pumps", pd.DataFrame({"x": X[0]}, pd.MultiIndex.from_product([["a"], range(40)]))),
            "pumps: X has an index of several levels; give a frame with one row a series",
        ),
        (lambda: tiny(classifier=["ridge"]).fit(data), r"Unknown classifier \['ridge'\]; there are"),
        (lambda: fitted.predict(["pumps"], X), r"Unknown task \['pumps'\]; the model has pumps"),
        (lambda: tiny().fit({"t": (X.astype("M8[s]"), y)}), r"t: X is not of numbers \(it is of datetime64\[s\]\)"),
        (lambda: mtcs.load("ucr").save(tmp_path / "m"), r"an encoder without a task; learn one with add_task\(\)"),
        (lambda: tiny(missing=(np.nan,)).fit(data), r"missing is .nan,., expected finite numbers"),
        (
            lambda: mtcs.cross_validate(tiny(), data, 2, groups={"pumps": [None, *"ab" * 11, "a"]}),
            "pumps: series 0 has no group; name what it comes from, or leave it out",
        ),
        (
            lambda: mtcs.cross_validate(tiny(), data, 2, groups={"pump": ["a", "b"] * 12}),
            "groups has 'pump', which is no task, and task pumps, of as many series, has none; name them alike",
        ),
        (lambda: mtcs.cross_validate(tiny(), {"t": (X, y)}, 2, groups=np.zeros(24)), "groups is a ndarray, expected"),
        (lambda: tiny(classifier="forest").fit(data), "Unknown classifier forest; there are nearest, svm, ridge"),
        (lambda: MultiTaskClassifier("resnet").fit(data), "Unknown method resnet; there are mtcs"),
        (lambda: MultiTaskClassifier({"depht": 3}).fit(data), "depht"),
        (lambda: fitted.predict("pump", X), "Unknown task 'pump'; the model has pumps, fans, 3 valves"),
        (lambda: fitted.predict("pumps", X[0]), r"X\[np.newaxis\]"),
        (lambda: fitted.predict("pumps", X * np.nan), "no observed value"),
        (lambda: fitted.predict("pumps", X * 1e60), "beyond any"),
        (lambda: tiny().fit({"t": (X, odd * 12)}).save(tmp_path / "m"), "type Odd cannot be saved"),
        (lambda: mtcs.cross_validate(tiny(), data, folds=13), "12 series, fewer than the 13 folds"),
    ):
        with pytest.raises(InputError, match=words) as error:
            mistake()
        assert len(str(error.value)) <= 400
    with pytest.raises(NotFittedError):
        tiny().predict("pumps", X)


def test_swapped_axes_are_a_warning(data):
    """As arrays of other libraries have them, (n, T, channels); those in our order are none."""
    X, y = data["pumps"]
    three = np.stack([X, -X, X**2], axis=-1)
    with pytest.warns(SwappedAxes, match=r"t has series of 40 channels and 3 time steps; .*\(n, channels, T\)") as told:
        model = tiny().fit({"t": (three, y)})
    with pytest.warns(SwappedAxes, match="u has series of 40 channels") as told_of_added:
        model.add_task("u", three, y)
    assert [one.filename for one in (*told, *told_of_added)] == [__file__] * 2
    tiny().fit({"t": (three.transpose(0, 2, 1), y)})  # where a warning is an error


def test_cross_validation(data):
    model = tiny()
    table = mtcs.cross_validate(model, data, folds=3)
    assert list(table.columns) == ["task", "fold", "accuracy", "balanced_accuracy", "f1", "log_loss"]
    assert table.groupby("task").size().to_dict() == dict.fromkeys(data, 3)
    assert table["accuracy"].mean() > 0.7
    assert np.isfinite(table["log_loss"]).all()
    assert not hasattr(model, "bundle_")


def test_a_task_of_one_label_is_refused_before_any_fold(data, capsys):
    X, _ = data["pumps"]
    for learn in (tiny().fit, lambda given: mtcs.cross_validate(tiny(verbose=True), given, 2)):
        with pytest.raises(InputError, match=r"^t: all 24 series are of one class \(ok\), expected two or more; leave"):
            learn({**data, "t": (X, ["ok"] * 24)})
    assert capsys.readouterr() == ("", "")


def test_series_of_a_group_are_left_out_together(data, monkeypatch):
    seen, fit = [], MultiTaskClassifier.fit
    monkeypatch.setattr(MultiTaskClassifier, "fit", lambda self, part: seen.append(part) or fit(self, part))
    X, y = data["pumps"]
    groups = np.repeat(np.arange(6), 4)
    others = {"left out": np.arange(24), "another": ["a", "b"]}  # as read_folder gives them
    mtcs.cross_validate(tiny(), {"pumps": (X, y)}, folds=3, groups={"pumps": groups, **others})
    mtcs.cross_validate(tiny(), {"fans": (X, y)}, folds=2, groups={"pumps": groups})  # a folder's task by task
    assert len(seen) == 5
    for part in seen[:3]:
        rows = {row.tobytes() for row in part["pumps"][0]}
        inside = np.array([row.tobytes() in rows for row in X])
        assert all(len(set(inside[groups == group])) == 1 for group in range(6))


def test_groups_of_a_folder_are_left_out_together(data):
    X, y = data["pumps"]
    folder = FolderData()
    folder["pumps"] = (list(X), np.array(y))
    folder.groups["pumps"] = np.repeat(np.arange(6), 4)
    together = mtcs.cross_validate(tiny(), folder, 3)
    pd.testing.assert_frame_equal(together, mtcs.cross_validate(tiny(), {**folder}, 3, folder.groups))
    assert not together.equals(mtcs.cross_validate(tiny(), folder, 3, groups={}))


def test_probabilities_are_calibrated_by_series_that_were_left_out(data):
    model = tiny().fit(data)
    before = {name: (model.predict(name, X), model.predict_proba(name, X)) for name, (X, _) in data.items()}
    validations = validate_model(model, {"pumps": data["pumps"]}, 3)
    assert model.calibrate({"pumps": data["pumps"]}, 3) is model
    expected = fit_temperature(validations["pumps"].decisions, validations["pumps"].truth)
    for name, (X, _) in data.items():
        labels, probabilities = before[name]
        np.testing.assert_array_equal(model.predict(name, X), labels)
        assert np.array_equal(model.predict_proba(name, X), probabilities) == (name != "pumps")
    encoded, reader = model.encode("pumps", data["pumps"][0]), model.bundle_.task("pumps").reader
    np.testing.assert_array_equal(model.predict_proba("pumps", data["pumps"][0]), expected(decisions(reader, encoded)))


def test_nothing_is_calibrated_that_was_not_fitted(data):
    X, y = data["pumps"]
    model = tiny().fit({"pumps": (X, y)}).add_task("more", X, y)
    for name, labels, message in (
        ("more", y, "more was not fitted together with the encoder; calibrate leaves it as it is."),
        ("pumps", ["a", "b"] * 12, "pumps: data has other labels than the model; give the data that it was fitted to."),
    ):
        with pytest.raises(InputError, match=re.escape(message)):
            model.calibrate({name: (X, labels)})


def test_silent_unless_verbose(data, capsys):
    tiny().fit(data)
    assert capsys.readouterr() == ("", "")
    tiny(verbose=True).fit(data)
    assert "train" in capsys.readouterr().err


def test_classifiers_that_take_long_show_how_far_they_are(data, capsys, monkeypatch):
    tiny(verbose=True).fit(data)
    assert "classifiers" not in capsys.readouterr().err
    monkeypatch.setattr(bundle_fit, "MANY", 10)
    tiny(verbose=True).fit(data)
    said = capsys.readouterr().err
    assert "fit classifiers: 0/3 tasks, pumps\n" in said and "\nfit classifiers: 3/3 tasks\n" in said
    tiny().fit(data)
    mtcs.cross_validate(tiny(verbose=True), data, 2)
    assert "classifiers" not in capsys.readouterr().err


def test_long_prediction_shows_how_far_it_is_and_changes_nothing(data, fitted, capsys, monkeypatch):
    X = np.tile(data["pumps"][0], (80, 1))  # 1,920 series of 40 steps, 1,636 of which are one part
    bundle = fitted.bundle_
    info, hardware = bundle.task("pumps").info, choose_hardware("cpu", "fp32")
    expected = represent(bundle.model.method, scaled([*X], info.mean, info.std), hardware, "pumps")
    now = itertools.count(step=3)
    monkeypatch.setattr("mtcs.progress.time", SimpleNamespace(monotonic=lambda: next(now)))
    np.testing.assert_array_equal(fitted.transform("pumps", X), expected)
    assert capsys.readouterr() == ("", "")
    verbose = clone(fitted).set_params(verbose=True)
    verbose.bundle_ = bundle
    verbose.predict("pumps", X)
    assert capsys.readouterr().err == "represent: 409/1920 series\nrepresent: 1920/1920 series\n"


def test_import_is_light_and_lazy(tmp_path):
    code = "import sys, mtcs; print(sorted({'torch', 'pandas', 'sklearn', 'numpy'} & set(sys.modules)), *dir(mtcs))"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert shown.startswith("[] ")
    assert set(mtcs.__all__) <= set(shown.split())
    for name in mtcs.__all__:
        assert getattr(mtcs, name).__name__ == name
    assert (Path(mtcs.__file__).parent / "py.typed").exists()


def test_packaged_parameters_are_those_of_the_workspace():
    root = Path(__file__).parent.parent
    for name, ours in (("params.yaml", "params.yaml"), ("pipeline.yaml", "dvc.yaml")):
        assert (root / "mtcs/reference" / name).read_bytes() == (root / ours).read_bytes()
    assert packaged_method("mtcs").schedule.epochs == 5


def test_the_example_in_the_docstring():
    result = doctest.testmod(sys.modules["mtcs.estimator"])
    assert result.attempted and not result.failed


def test_within_scikit_learn():
    X, y = recordings(["a", "b"], 30)
    one = MTCSClassifier(TINY, random_state=0, device="cpu")
    assert cross_val_score(make_pipeline(FunctionTransformer(), one), X, y, cv=3).mean() > 0.8
    assert clone(one).get_params() == one.get_params()
    assert one.set_params(epochs=1).epochs == 1


def test_probabilities_are_there_where_the_classifier_gives_some():
    given = {method: hasattr(MTCSClassifier(method), "predict_proba") for method in ("mtcs", "hydra", "quant", "dtw")}
    assert given == {"mtcs": True, "hydra": True, "quant": False, "dtw": False}
    assert hasattr(MTCSClassifier(classifier="svm"), "predict_proba")


def test_masks_and_the_order_of_rows_are_seen_within_scikit_learn():
    X, y = recordings(["a", "b"], 30)
    hidden = np.random.default_rng(0).random(X.shape) < 0.1
    masked = np.ma.masked_array(np.where(hidden, -9999, X), hidden)
    model = MTCSClassifier(TINY, random_state=0, device="cpu")
    expected = model.fit(np.where(hidden, np.nan, X), y).predict_proba(X)
    for form in (masked, list(masked)):
        np.testing.assert_array_equal(model.fit(form, y).predict_proba(X), expected)
    expected = model.predict_proba(np.where(hidden, np.nan, X))
    np.testing.assert_array_equal(model.predict_proba(masked), expected)
    with pytest.raises(ValueError, match=r"X and y have the same index in another order; give y\.loc\[X\.index\]"):
        model.fit(pd.DataFrame(X), pd.Series(y)[::-1])


@parametrize_with_checks([MTCSClassifier(TINY, random_state=0, device="cpu")])
def test_scikit_learn_checks(estimator, check):
    """All of them; none is left out."""
    check(estimator)
