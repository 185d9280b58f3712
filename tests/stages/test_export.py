"""An exported graph gives what torch gives, and what cannot be exported is refused in one line."""

from __future__ import annotations

import json
from importlib import import_module, util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import checker, load_from_string
from onnxruntime import InferenceSession

import mtcs
from mtcs.bundles.bundle import Bundle
from mtcs.bundles.file import load_bundle, save_bundle
from mtcs.bundles.fit import fit_bundle
from mtcs.classifiers.classify import decisions
from mtcs.config.packaged import packaged_method
from mtcs.training.hardware import choose_hardware
from tests.command_line import run

CPU = choose_hardware("cpu", "fp32")
LABELS = ("ok", "worn out", "naïve")
pytestmark = pytest.mark.usefixtures("here")


def sines(n: int = 24, length: int = 40, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Series far from mean 0 and deviation 1, a third of each label, float32 as a graph takes them."""
    rng = np.random.default_rng(seed)
    steps = np.arange(length)
    X = np.stack([np.sin((0.2 + 0.3 * (i % 3)) * steps) + rng.normal(scale=0.4, size=length) for i in range(n)])
    return (50 + 8 * X).astype(np.float32), [LABELS[i % 3] for i in range(n)]


MIXED = {"kind": "mixture", "transforms": ["minirocket"], "weights": [0.5]}


def bundle(
    classifier: str | dict[str, Any] = "ridge", channels: int = 1, missing: tuple[float, ...] = (), **changes: Any
) -> Bundle:
    """One small model, trained for an epoch."""
    from mtcs.config.packaged import packaged_classifier

    X, y = sines()
    if channels > 1:
        X = np.stack([X] * channels, axis=1)
    small = {"depth": 3, "hidden": 8, "output": 16, "schedule": {"epochs": 1}}
    spec = packaged_method({"like": "mtcs", **small, **changes})
    return fit_bundle(spec, packaged_classifier(classifier), {"pumps": (X, y)}, 0, CPU, 1, missing)


def padded(series: np.ndarray) -> np.ndarray:
    """Ends at different steps, gaps, one that begins late."""
    series = series.copy()
    for i, row in enumerate(series[1:], 1):
        row[len(row) - i % (len(row) // 2) :] = np.nan
    series[2, 3:6] = series[4, 2] = series[3, :4] = np.nan
    return series


def compare(made: Bundle, fill: float | None = None) -> None:
    """All outputs of the exported graph against the bundle's own, for several lengths, padded or not."""
    save_bundle(Path("m.mtcs"), made)
    code, out, err = run("export", "m.mtcs", "--onnx", "pumps.onnx")
    assert code == 0, err
    assert "pumps.onnx: encoder and classifier of pumps" in out
    assert "on 8 made-up series" in out
    content = Path("pumps.onnx").read_bytes()
    checker.check_model(load_from_string(content), full_check=True)
    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    labels = json.loads(metadata["labels"])
    reader, calibration = made.task("pumps").reader, made.task("pumps").calibration
    for length in (9, 40, 300):
        complete = sines(12, length, seed=length)[0]
        for series in (complete, padded(complete), complete[:1]):
            given = series if fill is None else np.nan_to_num(series, nan=fill)
            result = dict(
                zip((one.name for one in session.get_outputs()), session.run(None, {"series": given}), strict=True)
            )
            expected = made.encode("pumps", series, CPU)
            np.testing.assert_allclose(result["representations"], expected.representations, atol=1e-4)
            values = decisions(reader, expected, 1)
            assert values is not None
            assert calibration is not None
            np.testing.assert_allclose(result["decisions"], values, atol=1e-3)
            np.testing.assert_allclose(result["probabilities"], calibration(values), atol=1e-3)
            assert [labels[i] for i in result["label"]] == list(made.predict("pumps", expected, 1))


@pytest.mark.parametrize("classifier", ["ridge", "svm"])
def test_a_graph_gives_what_torch_gives(classifier: str) -> None:
    compare(bundle(classifier))


def test_a_graph_of_an_encoder_that_sees_differences() -> None:
    compare(bundle(difference=True))


def test_values_that_stand_for_missing_ones() -> None:
    compare(bundle(missing=(-9999.0,)), fill=-9999.0)


def test_a_graph_of_the_packaged_encoder() -> None:
    """Ten blocks, with dilations far beyond the series."""
    X, y = sines()
    model = mtcs.load("ucr")
    model.add_task("pumps", X, y)
    model.save("ucr.mtcs")
    compare(load_bundle(Path("ucr.mtcs")))


def test_without_onnxruntime_the_line_says_that_nothing_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    save_bundle(Path("m.mtcs"), bundle())
    without(monkeypatch, "onnxruntime")
    code, out, err = run("export", "m.mtcs", "--onnx", "pumps.onnx")
    assert code == 0, err
    assert "not checked, since onnxruntime is not installed (pip install 'mtcs[export]')" in out
    assert Path("pumps.onnx").exists()


def test_without_onnx_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "onnx")
    refused("pip install 'mtcs[export]'", "export", "m.mtcs", "--onnx", "pumps.onnx")


def test_a_graph_that_differs_from_torch_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    made, other = bundle(), bundle(schedule={"epochs": 2})
    save_bundle(Path("m.mtcs"), made)
    from mtcs.bundles.onnx_export import build_onnx

    content = build_onnx(other, "pumps")
    monkeypatch.setattr("mtcs.bundles.onnx_export.build_onnx", lambda *_: content)
    code, _, err = run("export", "m.mtcs", "--onnx", "pumps.onnx")
    assert code == 1
    assert "nothing was written" in err
    assert not Path("pumps.onnx").exists()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"channels": 2}, "pumps has 2 channels, and only tasks of one can be exported"),
        ({"experts": 2}, "a mixture of experts cannot be exported"),
        ({"classifier": MIXED}, "a mixture, which reads two encoders, cannot be exported"),
    ],
)
def test_what_cannot_be_exported(made: dict[str, Any], words: str) -> None:
    save_bundle(Path("m.mtcs"), bundle(**made))
    refused(words, "export", "m.mtcs", "--onnx", "pumps.onnx")


@pytest.mark.parametrize(("method", "classifier"), [("dtw", "nearest"), ("tst", "ridge"), ("t_loss", "ridge")])
def test_methods_that_cannot_be_exported(method: str, classifier: str) -> None:
    X, y = sines(12)
    epochs = None if method == "dtw" else 1
    model = mtcs.MultiTaskClassifier(method, random_state=0, classifier=classifier, epochs=epochs, device="cpu")
    model.fit({"pumps": (X, y)}).save("m.mtcs")
    refused(f"pumps: method {method} cannot be exported", "export", "m.mtcs", "--onnx", "pumps.onnx")


def test_mistakes_are_one_line() -> None:
    made = bundle()
    save_bundle(Path("m.mtcs"), made)
    refused("--onnx m.mtcs is a file that is read, m.mtcs; name another.", "export", "m.mtcs", "--onnx", "m.mtcs")
    refused("is a folder", "export", "m.mtcs", "--onnx", ".")
    refused("Unknown task 'pump'", "export", "m.mtcs", "--onnx", "pumps.onnx", "--task", "pump")
    refused("Unknown task ''; m.mtcs has pumps", "export", "m.mtcs", "--onnx", "pumps.onnx", "--task", "")
    refused("none.mtcs does not exist", "export", "none.mtcs", "--onnx", "pumps.onnx")
    load_bundle(Path("m.mtcs"))  # is as it was


def refused(words: str, *arguments: object) -> None:
    code, _, err = run(*arguments)
    assert code == 2, err
    assert words in err
    assert err.count("\n") == 1
    assert not Path("pumps.onnx").exists()


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    find = util.find_spec
    stage = import_module("mtcs.stages.export")  # its name within the package is the function's
    monkeypatch.setattr(stage, "find_spec", lambda name: None if name == package else find(name))
