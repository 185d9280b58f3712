"""Tasks of several channels beside tasks of one: in every method, through all stages, and in the estimator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from typer.testing import CliRunner

import mtcs
from mtcs import InputError
from mtcs.cli import app
from mtcs.config.experiment_file import read_experiment
from mtcs.data.doubts import doubts
from mtcs.data.normalize import z_normalize
from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.task import Task, read_task, write_task
from mtcs.evaluation.measure import label_affinity
from mtcs.evaluation.represent import represent, represent_task
from mtcs.methods.base import Batch
from mtcs.methods.multitask import MultiTask
from mtcs.training.hardware import choose_hardware
from mtcs.training.loop import train_method
from mtcs.training.model import load_model, save_model

METHODS = read_experiment(Path(__file__).parents[1] / "params.yaml").methods
SMALL = {"depth": 2, "hidden": 8, "output": 16}
CPU = choose_hardware("cpu", "fp32")


def raw(name: str, channels: int, n: int = 12, seed: int = 0) -> RawTask:
    """Sines of unequal length, the frequency of which says the label; scales of channels lie far apart."""
    rng = np.random.default_rng(seed)
    splits = []
    for _ in range(2):
        series = []
        for i in range(n):
            steps = np.arange(24 - i % 3)
            values = np.sin(steps * (0.3 + 0.5 * (i % 2))) + rng.normal(scale=0.3, size=(channels, len(steps)))
            values[0, 5] = np.nan if i == 0 else values[0, 5]
            series.append(values * 10.0 ** np.arange(channels)[:, None] if channels > 1 else values[0])
        splits.append(RawSplit(series, [("ok", "worn")[i % 2] for i in range(n)]))
    return RawTask(name, *splits, ("ok", "worn"))


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return [z_normalize(raw("train", 3)), z_normalize(raw("a.b", 1)), z_normalize(raw("a", 2))]


OF_SERIES = [name for name, spec in METHODS.items() if spec.kind in ("dtw", "series")]


@pytest.fixture(params=[name for name in METHODS if name not in OF_SERIES])
def spec(request):
    spec = METHODS[request.param]
    small = {name: value for name, value in SMALL.items() if name in type(spec).model_fields}
    if "small_steps" in type(spec).model_fields:
        small["small_steps"] = 2
    return spec.model_copy(update=small | {"schedule": spec.schedule.model_copy(update={"steps": 3, "epochs": None})})


def test_channels_are_scaled_by_themselves(tasks, tmp_path):
    task = tasks[0]
    assert task.train.series.shape == (12, 3, 24)
    assert task.channels == task.info.channels == len(task.mean) == 3
    np.testing.assert_allclose(np.nanmean(task.train.series, axis=(0, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(np.nanstd(task.train.series, axis=(0, 2)), 1, atol=1e-5)
    for c, channel in enumerate(raw("train", 3).by_channel()):
        np.testing.assert_array_equal(z_normalize(channel).train.series, task.train.series[:, c])
    write_task(tmp_path / "train.npz", task)
    assert read_task(tmp_path / "train.npz").info == task.info


def test_every_method_reads_each_channel_as_a_series_of_its_own(spec, tasks, tmp_path):
    """Trained on tasks of 3, 1 and 2 channels, whatever torch calls its own attributes; the file remembers them."""
    method, _ = train_method(spec, tasks, 0, CPU)
    save_model(tmp_path / "m.safetensors", method, spec, [task.info for task in tasks], 0)
    model = load_model(tmp_path / "m.safetensors")
    assert model.tasks == tuple(task.info for task in tasks)
    for task in tasks:
        result = represent(model.method, task.test.series, CPU, task.name)
        assert result.shape == (12, 16 * task.channels)
        assert np.isfinite(result).all()
        np.testing.assert_array_equal(result, represent(method, task.test.series, CPU, task.name))
        for c in range(task.channels):
            series = task.test.series if task.channels == 1 else task.test.series[:, c]
            alone = np.concatenate([represent(method, one[None], CPU, task.name) for one in series])
            np.testing.assert_allclose(result[:, 16 * c : 16 * (c + 1)], alone, atol=1e-5)
    with pytest.raises(InputError, match=r"a has 1 channel, and not the 2 that the model was trained on; retrain\."):
        model.check_task(replace(tasks[2].info, mean=0.0, std=1.0), "retrain")
    with pytest.raises(InputError, match="a has other values that stand for missing ones than the model"):
        model.check_task(replace(tasks[2].info, missing=(-1.0,)), "retrain")


@pytest.mark.parametrize("name", OF_SERIES)
def test_methods_of_series_refuse_several_channels_before_any_work(name, tasks):
    with pytest.raises(
        InputError, match="train has 3 channels, and a method without an encoder reads series of one; leave the task"
    ):
        train_method(METHODS[name], tasks, 0, CPU)


def test_heads_read_the_mean_over_channels(tasks):
    spec = METHODS["mtcs"].model_copy(update=SMALL)
    torch.manual_seed(0)
    method = MultiTask([task.info for task in tasks], **spec.arguments())
    task = tasks[0]
    series, labels = torch.from_numpy(task.train.series), torch.from_numpy(task.train.labels)
    loss = method.loss(Batch("train", series.flatten(0, 1), labels, 3))
    x = torch.stack([method.represent(series[:, c]) for c in range(3)]).mean(0)
    head = method.head("train")
    assert head is not None
    expected = torch.nn.functional.cross_entropy(x @ head.T, labels)
    assert loss.item() - 0.1 * method.metrics["sharing_loss"].item() == pytest.approx(expected.item(), abs=1e-6)
    representations = represent_task(method, task, CPU)
    pooled = representations.test.reshape(12, 3, 16).mean(1)
    np.testing.assert_array_equal(representations.head_predictions(), (pooled @ head.numpy().T).argmax(1))
    assert label_affinity({"train": pooled}, {"train": head.numpy()}).shape == (2, 2)


def test_mistakes_name_the_channel():
    task = raw("Pump", 2)
    for split in (task.train, task.test):
        for values in split.series:
            values[1] = 7
    with pytest.raises(InputError, match=r"^Pump, channel 2 \(train\) has values 7\.\.7"):
        z_normalize(task)
    task = raw("Pump", 2)
    task.train.series[3][1, 2] = -9e5
    assert any(remark.startswith("Pump, channel 2 (train): ") for remark in doubts(task))
    with pytest.raises(InputError, match=r"Pump \(train\): series are float32 \(12, 2, 24\), expected float32"):
        replace(z_normalize(raw("Pump", 2)), mean=0.0, std=1.0)


def write_ts(folder: Path, task: RawTask) -> None:
    folder.mkdir(exist_ok=True)
    for part, split in (("TRAIN", task.train), ("TEST", task.test)):
        lines = [
            ":".join(",".join("?" if np.isnan(v) else f"{v:.6g}" for v in row) for row in np.atleast_2d(values))
            for values in split.series
        ]
        head = f"@problemName {task.name}\n@dimensions {task.channels}\n@classLabel true ok worn\n@data\n"
        text = head + "".join(f"{line}:{label}\n" for line, label in zip(lines, split.labels, strict=True))
        (folder / f"{task.name}_{part}.ts").write_text(text)


def test_a_suite_through_all_stages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MTCS_ARCHIVE", str(tmp_path / "archive"))
    for name, channels in (("train", 3), ("forward", 1), ("Walk", 2)):
        write_ts(tmp_path / "archive", raw(name, channels))
    methods = {name: METHODS[name].model_dump() | SMALL for name in ("mtcs", "ts2vec")}
    methods["ts2vec"]["small_steps"] = 2
    methods["mtcs"]["classifier"] = methods["ts2vec"]["classifier"] = "ridge"
    methods["dtw"] = METHODS["dtw"].model_dump()
    params = {
        "suites": {"mine": {"tasks": ["train", "forward", "Walk"]}},
        "seeds": [0],
        "joint": ["mtcs"],
        "single_task": ["ts2vec", "dtw"],
        "methods": methods,
        "classifiers": {"ridge": {"kind": "kernel_ridge"}, "nearest": {"kind": "nearest_neighbour"}},
    }
    Path("params.yaml").write_text(yaml.safe_dump(params))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    run("download", "mine")
    run("normalize", "mine")
    for method in ("mtcs", "ts2vec"):
        for stage in ("train", "represent", "classify", "measure"):
            run(stage, method, "mine")
        said = run("predict", method, "mine", "train", "archive/train_TEST.ts")
        assert said.splitlines()[1].startswith("ok,")
        stored = np.load(f"data/representations/mine/{method}/seed0/train.npz")
        assert stored["test"].shape == (12, 48)
    run("report", "mine", "--reference", "mtcs")
    accuracy = pd.read_csv("reports/mine/accuracy.csv")
    assert len(accuracy) == 6
    assert accuracy["accuracy"].mean() > 0.8
    failed = CliRunner().invoke(app, ["predict", "mtcs", "mine", "train", "archive/Walk_TEST.ts"])
    assert failed.exit_code == 2
    assert "series 0 has 2 channels, expected 3 as train was trained on" in failed.stderr
    failed = CliRunner().invoke(app, ["train", "dtw", "mine"])
    assert failed.exit_code == 2
    assert "train has 3 channels, and a method without an encoder reads series of one" in failed.stderr


@pytest.fixture(scope="module")
def model() -> mtcs.MultiTaskClassifier:
    data = {name: (raw(name, c).train.series, raw(name, c).train.labels) for name, c in (("a", 2), ("type", 1))}
    return mtcs.MultiTaskClassifier(SMALL | {"kind": "multitask", "like": "mtcs"}, 0, device="cpu").fit(data)


def test_the_estimator_takes_several_channels(model, tmp_path):
    X = raw("a", 2).test.series
    probabilities = model.predict_proba("a", X)
    assert model.transform("a", X).shape == (12, 32)
    assert (model.predict("a", X) == np.array(raw("a", 2).test.labels)).mean() > 0.8
    assert model.label_affinity_.shape == (4, 4)
    padded = np.full((12, 2, 40), np.nan)
    for row, values in zip(padded, X, strict=True):
        row[:, : values.shape[1]] = values
    np.testing.assert_allclose(model.predict_proba("a", padded), probabilities, atol=1e-5)
    model.add_task("c.d", raw("c", 5).train.series, raw("c", 5).train.labels)
    model.save(tmp_path / "m.mtcs")
    loaded = mtcs.load(tmp_path / "m.mtcs")
    np.testing.assert_array_equal(loaded.predict_proba("a", X), probabilities)
    assert loaded.transform("c.d", raw("c", 5).test.series).shape == (12, 80)
    said = CliRunner().invoke(app, ["inspect", str(tmp_path / "m.mtcs")]).stdout
    assert "a: 12 series of 22 to 24 steps, 2 channels; labels ok, worn" in said
    with pytest.raises(InputError, match="a: series 1 has 3 channels, expected 2 as the first has"):
        model.predict("a", [X[0], np.zeros((3, 9))])
    with pytest.raises(InputError, match="a: series 0 has 1 channel, expected 2 as a was trained on"):
        model.predict("a", [X[0][0]])


def test_values_that_stand_for_missing_ones_are_missing_in_new_series_too(tmp_path):
    X, y = np.array([values[0, :22] for values in raw("a", 2).train.series]), raw("a", 2).train.labels
    X = np.nan_to_num(X)
    holed, filled = X.copy(), X.copy()
    holed[:, 4:7], filled[:, 4:7] = np.nan, -9999
    expected = mtcs.MultiTaskClassifier(SMALL, 0, device="cpu").fit({"t": (holed, y)})
    result = mtcs.MultiTaskClassifier(SMALL, 0, device="cpu", missing=(-9999,)).fit({"t": (filled, y)})
    np.testing.assert_array_equal(result.transform("t", filled), expected.transform("t", holed))
    result.save(tmp_path / "m.mtcs")
    loaded = mtcs.load(tmp_path / "m.mtcs")
    assert loaded.missing == (-9999.0,)
    np.testing.assert_array_equal(loaded.transform("t", filled), expected.transform("t", holed))
    assert (filled == -9999).any(), "nothing is written into the input"
