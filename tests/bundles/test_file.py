"""Files of fitted classifiers that are whole, but hold what none was written with: refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import mtcs
from mtcs import InputError, WorkError
from mtcs.bundles.bundle import TaskClassifier
from mtcs.bundles.card import model_card
from mtcs.bundles.contents import FORMAT
from mtcs.bundles.file import _check_task
from mtcs.data.task import TaskInfo
from mtcs.training.tensor_file import read_tensors, write_tensors

X = np.random.default_rng(0).normal(size=(24, 16)) + np.arange(24)[:, np.newaxis] % 3
Y = np.array(["a", "b", "c"] * 8)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file by the classifier in it."""
    folder, paths = tmp_path_factory.mktemp("files"), {}
    for classifier in ("svm", "ridge", "minirocket"):
        small = {"depth": 2, "hidden": 4, "output": 8} if classifier != "minirocket" else classifier
        reader = None if classifier == "minirocket" else classifier
        model = mtcs.MultiTaskClassifier(small, 0, classifier=reader, device="cpu", precision="fp32")
        paths[classifier] = folder / f"{classifier}.mtcs"
        model.fit({"pumps": (X, Y)}).save(paths[classifier])
    return paths


def edited(path: Path, out: Path, edit: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    """A file with the digest of its own, wrong, content."""
    metadata, tensors = read_tensors(path, FORMAT, "file", "")
    contents = json.loads(metadata["contents"])
    edit(tensors, contents)
    write_tensors(out, tensors, metadata | {"contents": json.dumps(contents)})
    return out


def of_arrays(change: Callable[[torch.Tensor], torch.Tensor], part: str) -> Callable[[dict[str, Any], Any], None]:
    def edit(tensors: dict[str, Any], _: Any) -> None:
        names = [name for name in tensors if name.startswith(part)]
        assert names
        for name in names:
            tensors[name] = change(tensors[name])

    return edit


def with_labels(**labels: Any) -> Callable[[Any, dict[str, Any]], None]:
    def edit(_: Any, contents: dict[str, Any]) -> None:
        contents["tasks"][0]["labels"] = labels

    return edit


def with_lengths(_: Any, contents: dict[str, Any]) -> None:
    contents["tasks"][0]["lengths"] = [10**9, 10**9]


@pytest.mark.parametrize(
    ("classifier", "edit", "words"),
    [
        ("ridge", of_arrays(lambda one: one * float("nan"), "model."), "values that are not finite"),
        ("ridge", of_arrays(lambda one: one.to(torch.complex64), "model."), "of complex64, expected"),
        ("ridge", of_arrays(lambda one: one * float("inf"), "reader.0.coefficients"), "coefficients holds values"),
        ("svm", of_arrays(lambda one: one * float("nan"), "reader.0.gamma"), "gamma holds values"),
        ("svm", of_arrays(lambda one: one * 0, "reader.0.counts"), "3 classes and"),
        ("svm", of_arrays(lambda one: one[:1], "reader.0.multipliers"), "3 classes and"),
        ("svm", of_arrays(lambda one: one[:1], "reader.0.intercepts"), "3 classes and"),
        ("ridge", of_arrays(lambda one: one.bfloat16(), "similarity"), "does not hold a fitted classifier"),
        ("ridge", of_arrays(lambda one: one.to(torch.int64), "affinity"), "not those it describes"),
        ("minirocket", of_arrays(lambda one: one * 0 + 9, "reader.0.channels"), "series of other sizes"),
        ("minirocket", of_arrays(lambda one: one * 0 + 10**6, "reader.0.length"), "series of other sizes"),
        ("ridge", with_lengths, "less than or equal to 10000000"),
        ("ridge", with_labels(dtype="<i8", values=[1e300, 2, 3]), "labels are not of dtype <i8"),
        ("ridge", with_labels(dtype="|b1", values=[1, 2, 3]), "labels are not of dtype"),
        ("ridge", with_labels(dtype="<U1", values=["a", "b", "a"]), "a label stands there twice"),
    ],
)
def test_what_no_file_was_written_with(written, tmp_path, classifier, edit, words):
    path = edited(written[classifier], tmp_path / "m.mtcs", edit)
    with pytest.raises(InputError, match=words) as error:
        mtcs.load(path)
    assert "\n" not in str(error.value)


def test_an_encoder_that_overflows_gives_no_labels(written, tmp_path):
    path = edited(written["ridge"], tmp_path / "m.mtcs", of_arrays(lambda one: one * 1e30, "model."))
    with pytest.raises(WorkError, match="pumps: the encoder has no finite values for series 0"):
        mtcs.load(path).predict("pumps", X)


def test_a_label_of_control_characters_does_not_reach_the_terminal(written, tmp_path):
    labels = with_labels(dtype="object", values=["\x1b[2Jx", "b\nmtcs: ok", "c"])
    card = model_card(mtcs.bundles.file.load_bundle(edited(written["svm"], tmp_path / "m.mtcs", labels)))
    assert r"labels \x1b[2Jx, b\nmtcs: ok, c" in card


def test_a_file_larger_than_memory(written, monkeypatch):
    def too_large(_: Path) -> bytes:
        raise MemoryError

    monkeypatch.setattr(Path, "read_bytes", too_large)
    with pytest.raises(InputError, match="is larger than the memory of this machine"):
        mtcs.load(written["svm"])


def test_a_classifier_of_a_kind_of_ones_own_is_checked_by_its_classes():
    info = TaskInfo("pumps", ("ok", "worn"), 3)
    for classes in ([0, 1], [0, 2]):
        reader: Any = SimpleNamespace(classes=np.array(classes))
        known = TaskClassifier(info, np.array(["ok", "worn"]), reader, 4, (3, 3))
        if classes == [0, 1]:
            _check_task(known, 8)
            continue
        with pytest.raises(ValueError, match="pumps has labels that its classifier does not know"):
            _check_task(known, 8)
