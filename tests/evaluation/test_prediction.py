"""Labels for new series: a model and a classifier that a run has left, used as a practitioner would."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from mtcs.cli import app
from mtcs.data.labels import same_label
from mtcs.layout import Layout, Run
from tests.command_line import run

LAYOUT = Layout()
METHODS = {
    "joint": {
        "kind": "multitask",
        "depth": 1,
        "hidden": 4,
        "output": 8,
        "sharing_weight": 0.1,
        "schedule": {"epochs": 3, "batch_size": 8, "learning_rate": 0.01},
        "classifier": "svm",
    },
    "dtw": {"kind": "dtw", "classifier": "nearest"},
}
PARAMS: dict[str, Any] = {
    "suites": {"mine": {"tasks": ["Pump", "Fan"]}},
    "seeds": [0],
    "joint": ["joint"],
    "single_task": ["dtw"],
    "methods": METHODS,
    "readings": {"joint_ridge": {"representations_of": "joint", "classifier": "ridge"}},
    "classifiers": {
        "svm": {"kind": "svm", "C": [1, 10], "folds": 2, "max_train": 100, "max_iter": 10000},
        "nearest": {"kind": "nearest_neighbour"},
        "ridge": {"kind": "kernel_ridge"},
    },
}


def lines(seed: int, length: int) -> list[str]:
    """A `.tsv`: sixteen noisy sines, of which those labelled `worn` are twice as fast, far from zero mean."""
    rng, steps = np.random.default_rng(seed), np.arange(length)
    rows = []
    for i in range(16):
        label, speed = ("worn", 1.2) if i % 2 else ("sound", 0.6)
        values = 50 + 5 * np.sin(speed * steps + rng.uniform(0, 6)) + rng.normal(0, 0.3, length)
        rows.append("\t".join([label, *(f"{value:.4f}" for value in values)]))
    return rows


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which both methods have been trained on two tasks of a user's own."""
    here = tmp_path_factory.mktemp("workspace")
    source = here / "source"
    source.mkdir()
    for number, (name, length) in enumerate((("Pump", 30), ("Fan", 24))):
        for part, seed in (("TRAIN", 2 * number), ("TEST", 2 * number + 1)):
            (source / f"{name}_{part}.tsv").write_text("\n".join(lines(seed, length)) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        LAYOUT.params.write_text(yaml.safe_dump(PARAMS, sort_keys=False))
        for command in (
            ("download", "mine", "--archive", source),
            ("normalize", "mine"),
            *((stage, method, "mine") for method in METHODS for stage in ("train", "represent", "classify")),
            ("classify", "joint_ridge", "mine"),
        ):
            code, _, said = run(*command)
            assert code == 0, said
    return here


@pytest.fixture
def there(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


@pytest.mark.parametrize("method", METHODS)
def test_the_test_file_is_predicted_as_classify_predicted_it(there: Path, method: str):
    code, out, said = run("predict", method, "mine", "Pump", "source/Pump_TEST.tsv", "--out", f"{method}.csv")
    assert (code, out) == (0, "")
    expected = pd.read_csv(Run("mine", method, 0).prediction("Pump"))
    result = pd.read_csv(f"{method}.csv")
    pd.testing.assert_frame_equal(result, expected)
    right = (expected["label"] == expected["predicted"]).mean()
    assert f"Pump: 16 series predicted in {method}.csv, accuracy {right:.4f} on 16 with a label" in said


def test_predictions_go_to_standard_output_alone(there: Path):
    code, out, said = run("predict", "joint", "mine", "Pump", "source/Pump_TEST.tsv")
    assert code == 0
    assert out == Run("mine", "joint", 0).prediction("Pump").read_text()
    assert said.splitlines()[-1].startswith("Pump: 16 series predicted, accuracy ")


def test_series_without_labels_are_predicted_and_not_scored(there: Path):
    unknown = ["\t".join(["?", *line.split("\t")[1:]]) for line in lines(1, 30)]
    Path("new.tsv").write_text("\n".join(unknown) + "\n")
    code, out, said = run("predict", "joint", "mine", "Pump", "new.tsv")
    assert code == 0
    assert "accuracy" not in said
    expected = pd.read_csv(Run("mine", "joint", 0).prediction("Pump"))[["predicted"]]
    assert out == expected.to_csv(index=False)


def test_only_series_with_a_label_are_scored(there: Path):
    rows = lines(1, 30)
    rows[0] = "\t".join(["?", *rows[0].split("\t")[1:]])
    Path("some.tsv").write_text("\n".join(rows) + "\n")
    code, out, said = run("predict", "joint", "mine", "Pump", "some.tsv")
    assert code == 0
    assert out.splitlines()[1].startswith(",")
    assert " on 15 with a label" in said


def test_a_ts_file_without_labels_is_read(there: Path):
    series = [line.split("\t")[1:] for line in lines(1, 30)]
    header = "@problemName new\n@timeStamps false\n@missing false\n@univariate true\n@equalLength true\n"
    body = "\n".join(",".join(values) for values in series)
    Path("new.ts").write_text(f"{header}@seriesLength 30\n@classLabel false\n@data\n{body}\n")
    code, out, said = run("predict", "joint", "mine", "Pump", "new.ts")
    assert code == 0, said
    expected = pd.read_csv(Run("mine", "joint", 0).prediction("Pump"))[["predicted"]]
    assert out == expected.to_csv(index=False)


@pytest.mark.parametrize("replaced", [False, True])
def test_where_no_file_can_be_replaced_predictions_are_written_into_it(there: Path, replaced: bool):
    expected = Run("mine", "joint", 0).prediction("Pump").read_text()
    out = Path(f"out{replaced}")
    if replaced:  # what a link leads to is replaced, the link stays
        out.symlink_to("behind.csv")
        assert run("predict", "joint", "mine", "Pump", "source/Pump_TEST.tsv", "--out", out)[0] == 0
        assert (out.is_symlink(), Path("behind.csv").read_text()) == (True, expected)
        return
    os.mkfifo(out)
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(out.read_text)
        assert run("predict", "joint", "mine", "Pump", "source/Pump_TEST.tsv", "--out", out)[0] == 0
        assert (out.is_fifo(), read.result(30)) == (True, expected)


def test_a_model_that_the_classifier_does_not_know_predicts_nothing(there: Path):
    path = Run("mine", "joint", 0).model()
    weights = path.read_bytes()
    try:
        code, _, said = run("train", "joint", "mine", "--seed", 1)
        assert code == 0, said
        path.write_bytes(Run("mine", "joint", 1).model().read_bytes())
        code, out, said = run("predict", "joint", "mine", "Pump", "source/Pump_TEST.tsv")
    finally:
        path.write_bytes(weights)
    assert (code, out) == (2, "")
    assert said.splitlines()[-1] == (
        "mtcs: The classifier of Pump was fitted to another model's representations; run 'mtcs represent joint mine "
        "--seed 0', then classify."
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_model_that_is_handed_over_needs_no_data_and_no_parameters(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
):
    run_here = Run("mine", method, 0)
    for folder in (run_here.models, run_here.classifiers, run_here.predictions):
        shutil.copytree(folder, tmp_path / folder)
    expected = run_here.prediction("Pump").read_text()
    monkeypatch.chdir(tmp_path)
    code, out, said = run("predict", method, "mine", "Pump", there / "source/Pump_TEST.tsv")
    assert code == 0, said
    assert out == expected
    run_here.classifier("Pump").write_bytes(run_here.classifier("Fan").read_bytes())
    code, out, said = run("predict", method, "mine", "Pump", there / "source/Pump_TEST.tsv")
    assert (code, out) == (2, "")
    assert "Pump.safetensors holds other content than was fitted; run 'mtcs classify" in said


def test_the_new_series_are_not_written_over(there: Path):
    new = Path("source/Pump_TEST.tsv")
    before = new.read_text()
    code, out, said = run("predict", "joint", "mine", "Pump", new, "--out", new.absolute())
    assert (code, out) == (2, "")
    assert said == f"mtcs: --out {new.absolute()} is a file that is read, {new}; name another.\n"
    assert new.read_text() == before


def test_a_classifier_of_a_part_of_the_training_series_predicts(there: Path):
    """More series than `max_train`: those that the SVM knows are no longer the first ones."""
    for part, first in (("TRAIN", 10), ("TEST", 20)):
        rows = [row for seed in range(first, first + 4) for row in lines(seed, 20)]
        Path(f"source/Many_{part}.tsv").write_text("\n".join(rows) + "\n")
    few = {**PARAMS, "suites": {"many": {"tasks": ["Many"]}}}
    few["classifiers"] = {**few["classifiers"], "svm": {**few["classifiers"]["svm"], "max_train": 50}}
    LAYOUT.params.write_text(yaml.safe_dump(few, sort_keys=False))
    try:
        for command in ("download", "normalize", "train", "represent", "classify"):
            of = ["joint", "many"] if command in ("train", "represent", "classify") else ["many"]
            more = ["--archive", "source"] if command == "download" else []
            code, _, said = run(command, *of, *more)
            assert code == 0, said
        code, out, said = run("predict", "joint", "many", "Many", "source/Many_TEST.tsv")
    finally:
        LAYOUT.params.write_text(yaml.safe_dump(PARAMS, sort_keys=False))
    assert code == 0, said
    assert out == Run("many", "joint", 0).prediction("Many").read_text()


def test_bf16_is_no_other_model(there: Path):
    code, _, said = run("predict", "joint", "mine", "Pump", "source/Pump_TEST.tsv", "--precision", "bf16")
    assert code == 0, said


@pytest.mark.parametrize(("ours", "theirs"), [("1.0", "1"), ("1", "1.0"), ("1.0", "1.0000e+00")])
def test_a_label_is_the_same_number_written_in_another_way(ours: str, theirs: str):
    assert [same_label(label, (ours, "2")) for label in (theirs, "2", "3")] == [ours, "2", None]


MISTAKES = [
    (("joint", "mine", "Pumpe", "source/Pump_TEST.tsv"), "Unknown task Pumpe; the model has Pump, Fan."),
    (("joint", "mine", "Pump", "none.tsv"), "none.tsv does not exist; name a file with series."),
    (
        ("joint", "mine", "Pump", "params.yaml"),
        "params.yaml is none of .csv, .tsv, .txt, .parquet, .ts, .arff, .npz; write it as one of these.",
    ),
    (
        ("joint", "mine", "Pump", "source/Pump_TEST.tsv", "--seed", 7),
        "seed7/joint.safetensors does not exist; run 'mtcs train joint mine --seed 7'.",
    ),
    (
        ("other", "mine", "Pump", "source/Pump_TEST.tsv"),
        "Unknown method other; params.yaml runs joint, dtw, joint_ridge.",
    ),
    (
        ("joint", "mine", "Pump", "source/Pump_TEST.tsv", "--out", "source"),
        "--out source is a folder; name a file in it.",
    ),
    (
        ("joint", "mine", "Pump", "source/Pump_TEST.tsv", "--task", "Pump"),
        "--task is for a .mtcs file, and Pump is the task here; leave --task out.",
    ),
    (("joint", "yours", "Pump", "source/Pump_TEST.tsv"), "Unknown suite yours; params.yaml has mine."),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_mistakes_are_told_in_one_line(there: Path, arguments: tuple[object, ...], message: str):
    code, out, said = run("predict", *arguments)
    assert (code, out) == (2, "")
    assert said.startswith("mtcs: ")
    assert said.count("\n") == 1
    assert message in said


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("worn\t1\t2,5", "bad.tsv, line 2: value '2,5', expected a number; repair the file or name another."),
        ("worn", "bad.tsv, line 2: only 'worn', expected a label and values with tabs between them"),
        ("worn\t\t", "bad.tsv has no observed value in series 1, expected at least one"),
        ("worn\t1\tinf", "bad.tsv has an infinite value in series 1, expected finite or missing values"),
    ],
)
def test_a_bad_line_is_named_and_nothing_written(there: Path, line: str, message: str):
    Path("bad.tsv").write_text(f"sound\t1\t2\n{line}\n")
    code, _, said = run("predict", "joint", "mine", "Pump", "bad.tsv", "--out", "bad.csv")
    assert code == 2
    assert message in said
    assert not Path("bad.csv").exists()


def test_a_classifier_that_is_not_there_is_told(there: Path):
    path = Run("mine", "joint", 0).classifier("Fan")
    kept = path.read_bytes()
    path.unlink()
    try:
        code, _, said = run("predict", "joint", "mine", "Fan", "source/Fan_TEST.tsv")
    finally:
        path.write_bytes(kept)
    assert code == 2
    assert f"{path} does not exist; run 'mtcs classify joint mine --seed 0'." in said


def test_values_beyond_any_of_training_and_other_labels_are_refused(there: Path):
    line = lines(1, 30)[0]
    for name, second, message in (
        (
            "huge.tsv",
            "worn\t1\t1e300",
            "huge.tsv: Pump: series 1 has values beyond any of its training series; check its unit, and name what "
            "stands for missing values when fitting (missing).",
        ),
        ("other.tsv", "c\t1\t1", "other.tsv: series 1 has label c, expected one of Pump's (sound, worn) or '?'"),
    ):
        Path(name).write_text(f"{line}\n{second}\n")
        code, out, said = run("predict", "joint", "mine", "Pump", name)
        assert (code, out) == (2, "")
        assert message in said
    Path("bare.tsv").write_text("".join(f"{row.partition(chr(9))[2]}\n" for row in lines(1, 30)))
    code, _, said = run("predict", "joint", "mine", "Pump", "bare.tsv")
    assert code == 2
    assert "bare.tsv has series of 29 values, expected 30: its lines seem to begin with a value" in said


def test_runs_read_what_is_read_with_a_file_of_fit(there: Path):
    """Tables, Parquet and standard input, with probabilities where the run's classifier has them."""
    rows = [line.split("\t") for line in lines(1, 30)]
    text = "".join(",".join(row) + "\n" for row in rows)
    Path("new.csv").write_text(text)
    frame = pd.DataFrame([[float(value) for value in row[1:]] for row in rows]).add_prefix("t")
    frame.assign(state=[row[0] for row in rows]).to_parquet("new.parquet")
    of = ("predict", "joint_ridge", "mine", "Pump")
    code, expected, said = run(*of, "source/Pump_TEST.tsv", "--proba")
    assert code == 0, said
    assert expected.startswith("label,predicted,margin,p_sound,p_worn\n")
    table = pd.read_csv(StringIO(expected))
    classified = pd.read_csv(Run("mine", "joint_ridge", 0).prediction("Pump"))
    pd.testing.assert_frame_equal(table[["label", "predicted"]], classified)
    np.testing.assert_allclose(table["p_sound"] + table["p_worn"], 1, atol=2e-6)
    assert run(*of, "new.csv", "--proba")[:2] == (0, expected)
    assert run(*of, "new.parquet", "--proba", "--label", "state")[:2] == (0, expected)
    done = CliRunner().invoke(app, [*of, "-", "--proba"], input=text)
    assert (done.exit_code, done.stdout) == (0, expected)
    for method, words in (
        ("joint", "Pump: its classifier, the SVM of a run, gives no probabilities; take a reading of the same"),
        ("dtw", "Pump: its classifier gives no probabilities; ridge, svm and random kernels of 'mtcs fit' do."),
    ):
        code, _, said = run("predict", method, "mine", "Pump", "new.csv", "--proba")
        assert code == 2
        assert words in said
