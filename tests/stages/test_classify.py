"""What a classifier cannot take is told before training; what it can is classified, a class of one series too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import load_file

import mtcs
from mtcs.classifiers.classify import load_reader
from mtcs.classifiers.mixture import held_out_errors
from mtcs.classifiers.nearest import FittedNearestNeighbor
from mtcs.data.formats import read_series
from mtcs.data.task import Task
from mtcs.evaluation.measure import task_similarity
from mtcs.evaluation.records import ClassifierRecord, RepresentationRecord, TrainingRecord, read_record, write_record
from mtcs.evaluation.representations import read_representations
from mtcs.evaluation.results import read_result
from mtcs.layout import Layout, Run
from mtcs.reports.analysis.cost import summarize
from mtcs.training.loop import train_method
from tests.command_line import run

LAYOUT = Layout()
PARAMS: dict[str, Any] = {
    "suites": {"mine": {"tasks": ["Pump"]}},
    "seeds": [0],
    "joint": ["joint", "joint_ridge"],
    "single_task": ["dtw"],
    "methods": {
        "joint": {
            "kind": "multitask",
            "depth": 1,
            "hidden": 4,
            "output": 8,
            "sharing_weight": 0.1,
            "schedule": {"epochs": 1, "batch_size": 8, "learning_rate": 0.01},
            "classifier": "svm",
        },
        "joint_ridge": {"like": "joint", "classifier": "ridge"},
        "dtw": {"kind": "dtw", "classifier": "nearest"},
    },
    "classifiers": {
        "svm": {"kind": "svm", "C": [1, 10], "folds": 2, "max_train": 50, "max_iter": 10000},
        "ridge": {"kind": "kernel_ridge"},
        "nearest": {"kind": "nearest_neighbour"},
    },
}
pytestmark = pytest.mark.usefixtures("here")


def workspace(labels: list[str], params: dict[str, Any] = PARAMS) -> None:
    """Normalised series of Pump: noise about a level for each label."""
    LAYOUT.params.write_text(yaml.safe_dump(params, sort_keys=False))
    rng = np.random.default_rng(0)
    levels = {label: 3 * i for i, label in enumerate(dict.fromkeys(labels))}
    source = Path("source")
    source.mkdir()
    for part in ("TRAIN", "TEST"):
        rows = [
            "\t".join([label, *(f"{value:.3f}" for value in levels[label] + rng.normal(size=12))]) for label in labels
        ]
        (source / f"Pump_{part}.tsv").write_text("\n".join(rows) + "\n")
    for command in (("download", "mine", "--archive", source), ("normalize", "mine")):
        code, _, said = run(*command)
        assert code == 0, said


def test_a_class_of_one_series_is_kept_beyond_max_train():
    workspace(["low"] * 40 + ["high"] * 40 + ["odd"])
    for stage in ("train", "represent", "classify"):
        code, _, said = run(stage, "joint", "mine")
        assert code == 0, said
    assert load_file(Run("mine", "joint", 0).classifier("Pump"))["classes"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("stage", ["train", "validate"])
def test_more_classes_than_max_train_are_told_before_training(stage):
    workspace([f"state{i // 4}" for i in range(51 * 4)])
    code, _, said = run(stage, "joint", "mine")
    assert code == 2
    assert said.splitlines()[-1] == (
        "mtcs: Pump has 51 classes, more than the 50 training series that the classifier takes; "
        "choose a larger max_train."
    )
    assert not Run("mine", "joint", 0).models.exists()
    assert run("train", "joint_ridge", "mine")[0] == 0


def test_representations_of_another_seed_are_refused():
    workspace(["low", "high"] * 20)
    for seed in (0, 1):
        for stage in ("train", "represent"):
            assert run(stage, "joint_ridge", "mine", "--seed", seed)[0] == 0
    one, other = (Run("mine", "joint_ridge", seed).representation("Pump") for seed in (0, 1))
    one.write_bytes(other.read_bytes())
    assert run("classify", "joint_ridge", "mine") == (
        2,
        "",
        f"mtcs: {one} holds other content than was written; run 'mtcs represent joint_ridge mine --seed 0'.\n",
    )
    assert not Run("mine", "joint_ridge", 0).prediction("Pump").exists()


def test_kernel_ridge_reads_representations():
    workspace(["low", "high"] * 20)
    for stage in ("train", "represent", "classify"):
        code, out, said = run(stage, "joint_ridge", "mine")
        assert code == 0, said
    assert "accuracy of the kernel ridge" in out
    predictions = pd.read_csv(Run("mine", "joint_ridge", 0).prediction("Pump"))
    assert (predictions["label"] == predictions["predicted"]).mean() > 0.7
    code, _, said = run("predict", "joint_ridge", "mine", "Pump", "source/Pump_TEST.tsv", "--out", "new.csv")
    assert code == 0, said
    pd.testing.assert_frame_equal(pd.read_csv("new.csv").drop(columns="margin"), predictions)


@pytest.mark.parametrize("method", ["joint", "joint_ridge"])
def test_a_run_is_loaded_and_says_what_predict_says(method):
    workspace(["low", "high"] * 20)
    for stage in ("train", "represent", "classify"):
        assert run(stage, method, "mine")[0] == 0
    assert run("predict", method, "mine", "Pump", "source/Pump_TEST.tsv", "--out", "new.csv")[0] == 0
    expected = pd.read_csv("new.csv")["predicted"]
    series, _ = read_series(Path("source/Pump_TEST.tsv"))
    model = mtcs.load(Run("mine", method, 0).model())
    assert model.predict("Pump", series).tolist() == expected.tolist()
    assert model.label_affinity_.to_numpy().sum() == pytest.approx(1)
    representations = read_representations(Run("mine", method, 0), "Pump")
    expected_similarity = task_similarity({"Pump": representations.train})
    np.testing.assert_array_equal(model.task_similarity_, expected_similarity)
    model.save("run.mtcs")
    assert mtcs.load("run.mtcs").predict("Pump", series).tolist() == expected.tolist()
    code, _, said = run("predict", "run.mtcs", "source/Pump_TEST.tsv", "--task", "Pump", "--out", "again.csv")
    assert code == 0, said
    assert pd.read_csv("again.csv")["predicted"].tolist() == expected.tolist()
    Run("mine", method, 0).representation("Pump").unlink()
    model = mtcs.load(Run("mine", method, 0).model())
    for name in ("label_affinity_", "task_similarity_"):
        with pytest.raises(AttributeError, match=f"{name} is not known: the representations of this run are gone"):
            getattr(model, name)
    Run("mine", method, 0).classifier("Pump").write_bytes(b"")
    with pytest.raises(mtcs.InputError, match="holds other content than was fitted; run 'mtcs classify"):
        mtcs.load(Run("mine", method, 0).model())
    with pytest.raises(mtcs.InputError, match="is no model of a run"):
        mtcs.load("other.safetensors")


def test_a_reading_is_loaded_by_its_own_name():
    params = PARAMS | {"readings": {"read": {"representations_of": "joint", "classifier": "ridge"}}}
    workspace(["low", "high"] * 20, params)
    for stage, method in (("train", "joint"), ("represent", "joint"), ("classify", "read")):
        code, _, said = run(stage, method, "mine")
        assert code == 0, said
    series, _ = read_series(Path("source/Pump_TEST.tsv"))
    model = mtcs.load("data/models/mine/read/seed0/joint.safetensors")
    expected = pd.read_csv(Run("mine", "read", 0).prediction("Pump"))["predicted"]
    assert model.predict("Pump", series).tolist() == expected.tolist()
    assert model.predict_proba("Pump", series).shape == (len(series), 2)
    model.save("read.mtcs")
    code, out, said = run("inspect", "read.mtcs")
    assert code == 0, said
    assert out.endswith("  Pump: an unknown number of series of up to 12 steps; labels high, low\n"), "no versions"
    with pytest.raises(mtcs.InputError, match="run 'mtcs classify joint mine --seed 0'"):
        mtcs.load("data/models/mine/joint/seed0/joint.safetensors")


def classified_mixture(seed: int = 0) -> None:
    """A run of `both`, which reads `joint` and an encoder of its own."""
    readings = {"both": {"representations_of": "joint", "classifier": "mixed", "held_out": 0.25}}
    classifiers = PARAMS["classifiers"] | {"mixed": {"kind": "mixture", "transforms": ["hydra"], "weights": [0.5]}}
    workspace(["low", "high"] * 20, PARAMS | {"readings": readings, "classifiers": classifiers})
    for method in ("joint", "both"):
        for stage in ("train", "represent"):
            assert run(stage, method, "mine", "--seed", seed)[0] == 0
    code, _, said = run("classify", "both", "mine", "--seed", seed)
    assert code == 0, said


def test_what_weights_are_chosen_on_was_left_out_of_training(monkeypatch):
    """With another seed than 0, which both sides would have if neither of them were told any."""
    trained: list[Task] = []
    weighed: list[tuple[np.ndarray, np.ndarray, int]] = []

    def train(spec, tasks, *arguments):
        trained[:] = tasks
        return train_method(spec, tasks, *arguments)

    def weigh(spec, representations, series, labels, held, seed, threads):
        weighed.append((series, held, seed))
        return held_out_errors(spec, representations, series, labels, held, seed, threads)

    monkeypatch.setattr("mtcs.training.loop.train_method", train)
    monkeypatch.setattr("mtcs.evaluation.classified.held_out_errors", weigh)
    classified_mixture(seed=1)
    (task,), ((series, held, seed),) = trained, weighed
    assert held.sum() == 10
    assert seed == 1
    assert {row.tobytes() for row in task.train.series} == {row.tobytes() for row in series[~held]}


def test_a_mixture_whose_encoder_held_out_another_share_is_refused():
    classified_mixture()
    params = yaml.safe_load(LAYOUT.params.read_text())
    params["readings"]["both"]["held_out"] = 0.5
    LAYOUT.params.write_text(yaml.safe_dump(params))
    assert run("classify", "both", "mine") == (
        2,
        "",
        "mtcs: both on mine, seed 0 chooses weights on a share of 0.5 of the training series, and its encoder was "
        "trained without 0.25; run 'mtcs train both mine --seed 0', then 'mtcs represent both mine --seed 0' and "
        "'mtcs classify both mine --seed 0'.\n",
    )
    one = Run("mine", "both", 0)
    record = read_record(one.classified, ClassifierRecord, one, "classify")
    write_record(one.classified, record.model_copy(update={"run": str(one), "held_out": 0.5}))
    code, _, said = run("measure", "both", "mine")
    assert (code, "trained without 0.25" in said) == (2, True), said


def test_a_mixture_of_encoders_with_different_parameters_is_refused():
    classified_mixture()
    before = LAYOUT.params.read_text()
    params = yaml.safe_load(before)
    params["methods"]["joint"]["sharing_weight"] = 5.0
    LAYOUT.params.write_text(yaml.safe_dump(params))
    for stage in ("train", "represent"):
        assert run(stage, "both", "mine")[0] == 0
    LAYOUT.params.write_text(before)
    assert run("classify", "both", "mine") == (
        2,
        "",
        "mtcs: The two encoders of both on mine, seed 0 were trained with different parameters; run 'mtcs train joint "
        "mine --seed 0' and 'mtcs train both mine --seed 0', then represent both and classify.\n",
    )


def test_few_decisions_leave_probabilities_of_a_run_room_for_doubt():
    """A share of 1 / (n + 1), where n decisions calibrate: 10 of 40 series are held out, and all are left out once."""
    classified_mixture()
    params = yaml.safe_load(LAYOUT.params.read_text())
    params["readings"]["read"] = {"representations_of": "joint", "classifier": "ridge"}
    params["classifiers"]["ridge"] = {"kind": "kernel_ridge"}
    LAYOUT.params.write_text(yaml.safe_dump(params))
    assert run("classify", "read", "mine")[0] == 0
    for name, n in (("both", 10), ("read", 40)):
        known = mtcs.load(f"data/models/mine/{name}/seed0/joint.safetensors").bundle_.task("Pump").calibration
        assert known is not None
        assert known.floor == pytest.approx(1 / (n + 1))


def test_whatever_model_of_a_mixture_is_missing_is_named():
    classified_mixture()
    listed = "\nboth: representations of joint and of an encoder trained without 0.25 of each task, classifier mixed\n"
    assert listed in run("methods")[1]
    for params in (True, False):
        if not params:  # what the run has left says as much
            LAYOUT.params.unlink()
        for name in ("joint", "both"):
            file = Run("mine", name, 0).model()
            content = file.read_bytes()
            file.unlink()
            code, _, said = run("predict", "both", "mine", "Pump", "source/Pump_TEST.tsv")
            assert (code, said) == (2, f"mtcs: {file} does not exist; run 'mtcs train {name} mine --seed 0'.\n")
            file.write_bytes(content)


def test_a_mixture_costs_what_both_of_its_encoders_cost():
    classified_mixture()
    for name, seconds in (("joint", 2.0), ("both", 3.0)):
        one = Run("mine", name, 0)
        represented = read_record(one.representation_cost, RepresentationRecord, one, "represent")
        write_record(one.representation_cost, represented.model_copy(update={"run": str(one), "seconds": seconds}))
    for stage, method in (("classify", "joint"), ("measure", "joint"), ("measure", "both")):
        assert run(stage, method, "mine")[0] == 0
    result = {name: read_result(Run("mine", name, 0).result, "mine", name, 0) for name in ("joint", "both")}
    own = read_record(Run("mine", "both", 0).record(), TrainingRecord, Run("mine", "both", 0), "train")
    assert [record.steps for record in result["both"].trained] == [result["joint"].trained[0].steps, own.steps]
    joint, both = summarize({name: [one] for name, one in result.items()})
    assert (joint.models, both.models) == (1, 2)
    assert both.training_seconds == pytest.approx((joint.training_seconds or 0) + own.seconds)
    assert both.series_per_second == pytest.approx((joint.series_per_second or 0) * 2 / 5)


def test_a_mixture_that_read_one_encoder_or_another_is_not_taken_for_one_that_read_both():
    classified_mixture()
    one = Run("mine", "both", 0)
    record = read_record(one.classified, ClassifierRecord, one, "classify")
    before = record.model_copy(update={"run": str(one), "held_out_weights": {}})  # as of an earlier version
    write_record(one.classified, before)
    assert run("measure", "both", "mine") == (
        2,
        "",
        f"mtcs: {one} was classified by other models than were represented; run 'mtcs classify both mine --seed 0'.\n",
    )
    assert run("predict", "both", "mine", "Pump", "source/Pump_TEST.tsv")[0] == 2
    assert run("classify", "both", "mine")[0] == run("measure", "both", "mine")[0] == 0
    params = yaml.safe_load(LAYOUT.params.read_text())
    params["readings"]["both"]["held_out"] = 0.5
    LAYOUT.params.write_text(yaml.safe_dump(params))
    assert run("train", "both", "mine")[0] == 0
    code, _, said = run("measure", "both", "mine")
    assert (code, said) == (
        2,
        f"mtcs: The representations of {one} are of other weights of joint than were trained last; run 'mtcs represent "
        "both mine --seed 0', then 'mtcs classify both mine --seed 0'.\n",
    )


def test_a_mixture_is_loaded_with_the_representations_that_it_reads():
    classified_mixture()
    series, _ = read_series(Path("source/Pump_TEST.tsv"))
    model = mtcs.load("data/models/mine/both/seed0/joint.safetensors")
    assert (
        model.predict("Pump", series).tolist()
        == pd.read_csv(Run("mine", "both", 0).prediction("Pump"))["predicted"].tolist()
    )
    np.testing.assert_allclose(model.predict_proba("Pump", series).sum(axis=1), 1)
    by_both = [read_representations(Run("mine", name, 0), "Pump").test for name in ("joint", "both")]
    np.testing.assert_allclose(model.transform("Pump", series), np.concatenate(by_both, 1), rtol=1e-5, atol=1e-6)
    model.save("run.mtcs")
    probabilities = mtcs.load("run.mtcs").predict_proba("Pump", series)
    np.testing.assert_array_equal(probabilities, model.predict_proba("Pump", series))
    Run("mine", "both", 0).model().write_bytes(Run("mine", "joint", 0).model().read_bytes())
    refused = (
        "fitted to another model's representations; run 'mtcs represent both mine --seed 0', then "
        "'mtcs classify both mine --seed 0'"
    )
    with pytest.raises(mtcs.InputError, match=f"The classifiers of both on mine, seed 0 were {refused}"):
        mtcs.load("data/models/mine/both/seed0/joint.safetensors")
    code, _, said = run("predict", "both", "mine", "Pump", "source/Pump_TEST.tsv")
    assert code == 2 and f"The classifier of Pump was {refused}" in " ".join(said.split())


def test_a_damaged_search_begins_anew(caplog):
    workspace(["low", "high"] * 20)
    for stage in ("train", "represent", "classify"):
        code, _, said = run(stage, "dtw", "mine")
        assert code == 0, said
    done = Run("mine", "dtw", 0)
    expected, reader = done.prediction("Pump").read_bytes(), load_reader(done.classifier("Pump"))
    assert isinstance(reader, FittedNearestNeighbor)
    # A search that was killed leaves its file; here one that was emptied since.
    path = reader.unfinished(done.unfinished_search, read_representations(done, "Pump").test)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    code, _, said = run("classify", "dtw", "mine")
    assert code == 0, said
    assert f"{path} is not as it was written: set aside" in caplog.text
    assert done.prediction("Pump").read_bytes() == expected
    assert not path.parent.exists()
