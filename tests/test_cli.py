"""The command line as a user meets it: what it lists, and one line for each mistake."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
import yaml
from typer.testing import CliRunner

import mtcs
from mtcs.cli import app, one_line
from mtcs.config.machine import Machine, read_machine
from mtcs.data.task import Split, Task, fingerprint, read_task, write_index, write_task
from mtcs.errors import INTERRUPTED, listed
from mtcs.estimator import MultiTaskClassifier
from mtcs.evaluation import held_out
from mtcs.evaluation.cost import read_costs
from mtcs.evaluation.records import RepresentationSources, TrainingRecord, read_record, write_record
from mtcs.evaluation.representations import read_representations, write_representations
from mtcs.evaluation.results import read_result
from mtcs.files import TEMPORARY, digest
from mtcs.layout import Layout, Run
from mtcs.process import bounded_spinning

PARAMS = {
    "suites": {"tiny": {"tasks": ["Short", "Long"]}, "toy": {"source": "aeon", "tasks": ["GunPoint"]}},
    "seeds": [0, 1],
    "joint": ["joint"],
    "single_task": ["alone"],
    "methods": {
        name: {
            "kind": "multitask",
            "depth": 1,
            "hidden": 4,
            "output": 8,
            "sharing_weight": 0.1,
            "schedule": {"epochs": 1, "batch_size": 8, "learning_rate": 0.01},
            "classifier": "svm",
        }
        for name in ("joint", "alone", "spare")
    },
    "classifiers": {"svm": {"kind": "svm", "C": [1, 10], "folds": 2, "max_train": 100, "max_iter": 1000}},
}
LAYOUT = Layout()
RUN = Run("tiny", "joint", 0)


@pytest.fixture(autouse=True)
def workspace(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only `params.yaml`, in the current folder."""
    monkeypatch.setenv("COLUMNS", "200")
    LAYOUT.params.write_text(yaml.safe_dump(PARAMS, sort_keys=False))


def normalized(few_labels: tuple[int, int] | None = None) -> None:
    """What `mtcs normalize tiny` leaves."""
    rng, fingerprints = np.random.default_rng(0), []
    for name, length in (("Short", 12), ("Long", 20)):
        splits = [
            Split(rng.normal(size=(16, length)).astype(np.float32), np.arange(16, dtype=np.int64) % 2) for _ in "ab"
        ]
        task = Task(name, *splits, ("no", "yes"))
        write_task(LAYOUT.normalized("tiny", name), task)
        fingerprints.append(fingerprint(task))
    write_index(LAYOUT.normalized_suite("tiny"), ("Short", "Long"), fingerprints, few_labels)


def mtcs_says(*arguments: str) -> str:
    """Standard output of a command that succeeds."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def fails(code: int, *arguments: str) -> str:
    """What a command says that ends with `code`: one line, after lines of progress, and no traceback."""
    done = CliRunner().invoke(app, arguments)
    *before, last = done.stderr.splitlines()
    assert done.exit_code == code, done.output
    assert last.startswith("mtcs: ")
    assert not [line for line in before if line.startswith(("mtcs: ", "Traceback"))], done.output
    return last.removeprefix("mtcs: ")


# What there is


def test_a_message_is_one_printable_line_that_keeps_its_way_out():
    said = one_line("a\x1b[31m\nb " + "x" * 5000 + "; run it again.")
    assert said.startswith("a\\x1b[31m b xxx")
    assert said.endswith("; run it again.")
    assert said.isprintable()
    assert len(said) <= 400


def test_version():
    assert mtcs_says("--version") == f"mtcs {mtcs.__version__}\n"


def test_help_lists_every_command_with_its_purpose():
    said = mtcs_says("--help")
    for name in (
        "code",
        "download",
        "normalize",
        "train",
        "represent",
        "classify",
        "measure",
        "report",
        "cost",
        "validate",
        "predict",
        "export",
        "init",
        "suites",
        "methods",
    ):
        assert f" {name} " in said
    assert "Z-normalise a suite's tasks" in said
    own, pipeline = said.split("\nYour own series:\n")[1].split("\n\nThe pipeline of params.yaml:\n")
    assert own.startswith("  fit      Learn all tasks of a folder together, into one file that labels new\n")
    assert pipeline.startswith("  code ")
    assert "..." not in pipeline  # sentences are whole


def test_help_lists_options_under_their_headings():
    said = mtcs_says("fit", "--help")
    _, arguments, options, tables = re.split("\n\n(?:Arguments|Options|How tables are read[^\n]*):\n", said)
    assert "FOLDER" in arguments
    assert "--epochs" in options
    assert "--label" in tables


def test_help_is_written_without_rich():
    code = "import sys; from mtcs.cli import app; app(['fit', '--help'], standalone_mode=False)"
    code += "; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("\nFalse\n")


@pytest.mark.parametrize(
    ("command", "variable"),
    [("download", "ARCHIVE"), ("train", "DEVICE"), ("train", "PRECISION"), ("train", "WORKERS"), ("classify", "DASK")],
)
def test_help_names_the_variable_beside_each_machine_setting(command, variable):
    assert f"MTCS_{variable}" in mtcs_says(command, "--help")


def test_no_arguments_show_help():
    done = CliRunner().invoke(app, [])
    assert "Usage: " in done.output
    assert "Traceback" not in done.output


def test_importing_the_command_line_is_light():
    code = "import sys, mtcs.cli; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "sklearn", "scipy", "aeon", "numba", "pandas", "matplotlib", "numpy", "pydantic"} & set(loaded)


def test_what_classifies_and_reports_loads_no_torch():
    modules = "mtcs.evaluation.classified, mtcs.evaluation.results, mtcs.reports.page"
    code = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" not in loaded and "mtcs.classifiers.svm" in loaded


def test_names_are_listed_as_far_as_there_is_room():
    assert listed([]) == ""
    assert listed(["a"], 1) == "a"
    assert listed(["ab", "cd"], 6) == "ab, cd"
    assert listed(range(100), 10) == "0, 1, 2, 3 and 96 more"
    assert listed(["x" * 99, "y"], 30) == "x" * 40 + " and 1 more"


HEAVY = {"torch", "sklearn", "scipy", "aeon", "numba", "pandas", "matplotlib"}


def refused(command: str, folder: Path) -> tuple[str, set[str]]:
    """What a command of `mtcs`, in a process of its own, says with exit code 2, and the packages it loads."""
    code = f"""
import sys
from mtcs.cli import main
sys.argv = ["mtcs", *{command.split()!r}]
try:
    main()
finally:
    print(*sorted({{name.split(".")[0] for name in sys.modules}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 2 and "mtcs" in done.stdout
    return done.stderr.removeprefix("mtcs: ").strip(), set(done.stdout.split())


@pytest.mark.parametrize("command", ["train mtsc demo", "represent mtsc demo", "classify mtsc demo", "report nope"])
def test_an_unknown_name_is_reported_before_anything_heavy_is_loaded(command: str):
    message, loaded = refused(command, Path(__file__).parents[1])
    assert message.startswith("Unknown ") and not HEAVY & loaded


def test_a_mistake_in_files_is_reported_before_anything_heavy_is_loaded(tmp_path: Path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 12)), np.array(["a", "b"] * 3)
    MultiTaskClassifier(epochs=1, verbose=False).fit({"pumps": (X, y), "fans": (X, y)}).save(tmp_path / "m.mtcs")
    (tmp_path / "new.csv").write_text(
        "\n".join(f"{label},{','.join(map(str, row))}" for label, row in zip(y, X, strict=True))
    )
    for command, expected in (
        ("fit none --out new.mtcs", "none does not exist"),
        ("fit new.csv --label stat --out new.mtcs", "new.csv has no column stat"),
        ("inspect none.mtcs", "none.mtcs does not exist"),
        ("inspect new.csv", "new.csv is no fitted classifier"),
        ("predict none.mtcs new.csv", "none.mtcs does not exist"),
        ("predict m.mtcs new.csv", "m.mtcs has the tasks pumps, fans; choose one with --task."),
        ("predict m.mtcs new.csv --task pump", "Unknown task 'pump'; m.mtcs has pumps, fans."),
        ("predict m.mtcs none.csv --task pumps", "none.csv does not exist"),
        ("predict mtcs demo", "mtcs is no .mtcs file"),
        ("export m.mtcs --onnx new.onnx", "m.mtcs has the tasks pumps, fans; choose one with --task."),
    ):
        message, loaded = refused(command, tmp_path)
        assert message.startswith(expected), command
        assert not HEAVY & loaded, command


def test_suites_are_listed_with_sizes():
    said = mtcs_says("suites")
    assert "tiny: 2 tasks" in said
    assert "toy: 1 task, 50 training series, 2 labels (from aeon)" in said
    assert "GunPoint                         50 train    150 test   2 labels  length 150" in said
    assert "Short                        not in the UCR archive" in said
    assert "tiny" not in mtcs_says("suites", "toy")
    assert "GunPoint" in mtcs_says("suites", "toy")
    assert fails(2, "suites", "tin") == "Unknown suite tin; params.yaml has tiny, toy."


def test_methods_are_listed_with_parameters():
    said = mtcs_says("methods")
    assert "joint: one model for a suite" in said
    assert "alone: one model for each task" in said
    assert "spare" not in said, "it is not run"
    assert "learning_rate 0.01" in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mtcs nor", ["normalize"]),
        ("mtcs normalize ", ["tiny", "toy"]),
        ("mtcs train a", ["alone"]),
        ("mtcs train joint t", ["tiny", "toy"]),
        ("mtcs train joint tiny --device c", ["cpu", "cuda"]),
    ],
)
def test_shell_completion(words, expected):
    environment = {
        "_MTCS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = CliRunner().invoke(app, [], prog_name="mtcs", env=environment)
    assert done.stdout.split() == expected


@pytest.mark.parametrize("content", [None, b"suites: 2024-13-45\n", "suites: {größe: {}}\n".encode("latin-1")])
def test_shell_completion_without_params_is_empty(content):
    LAYOUT.params.unlink()
    if content is not None:
        LAYOUT.params.write_bytes(content)
    environment = {"_MTCS_COMPLETE": "complete_bash", "COMP_WORDS": "mtcs normalize ", "COMP_CWORD": "2"}
    done = CliRunner().invoke(app, [], prog_name="mtcs", env=environment)
    assert done.stdout.split() == []
    assert "Traceback" not in done.output


# Names


@pytest.mark.parametrize("command", ["download", "normalize", "report"])
def test_unknown_suite(command):
    assert fails(2, command, "tinny") == "Unknown suite tinny; params.yaml has tiny, toy."


@pytest.mark.parametrize("command", ["train", "represent", "classify", "validate"])
def test_unknown_names_of_a_run(command):
    assert fails(2, command, "joint", "tinny") == "Unknown suite tinny; params.yaml has tiny, toy."
    assert fails(2, command, "jiont", "tiny") == "Unknown method jiont; params.yaml runs joint, alone."
    assert fails(2, command, "spare", "tiny") == (
        "spare is under methods, but not in joint, single_task or ablation; add it to one."
    )


def test_task_option():
    normalized()
    assert fails(2, "train", "alone", "tiny", "--task", "Wide") == "Unknown task Wide; the suite has Short, Long."
    assert fails(2, "train", "joint", "tiny", "--task", "Short") == (
        "joint trains one model for the whole suite; leave out --task Short."
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["trian", "joint", "tiny"], "No such command 'trian'. Did you mean 'train'? See 'mtcs --help'."),
        (["--bug"], "No such option: --bug (Possible options: --debug). See 'mtcs --help'."),
        (["train", "joint"], "Missing argument 'SUITE'. See 'mtcs train --help'."),
        (
            ["train", "joint", "tiny", "--seed", "-1"],
            "Invalid value for '--seed': Input should be greater than or equal to 0 (is -1). See 'mtcs train --help'.",
        ),
        (
            ["train", "joint", "tiny", "--device", "tpu"],
            "Invalid value for '--device': 'tpu' is not one of 'auto', 'cpu', 'cuda'. See 'mtcs train --help'.",
        ),
        (
            ["train", "joint", "tiny", "--sed", "1"],
            "No such option: --sed (Possible options: --seed). See 'mtcs train --help'.",
        ),
        *(
            (
                arguments,
                f"Invalid value for '{name}': it is empty, perhaps a variable that is not set. "
                f"See 'mtcs {arguments[0]} --help'.",
            )
            for arguments, name in (
                (["fit", "", "--out", "m.mtcs"], "FOLDER"),
                (["fit", "sensors", "--out", ""], "--out"),
                (["predict", "m.mtcs", ""], "DATA|SUITE"),
                (["predict", "", "new.csv"], "FILE.mtcs|METHOD"),
                (["predict", "m.mtcs", "new.csv", "--out="], "--out"),
                (["report", "tiny", "--export", ""], "--export"),
                (["export", "m.mtcs", "--onnx", ""], "--onnx"),
                (["train", "joint", ""], "SUITE"),
            )
        ),
    ],
)
def test_a_command_line_that_makes_no_sense_is_one_line(arguments, expected):
    done = CliRunner().invoke(app, arguments, prog_name="mtcs")
    assert (done.exit_code, done.output) == (2, f"mtcs: {expected}\n")


def test_no_arguments_are_help():
    assert CliRunner().invoke(app, [], prog_name="mtcs").output.startswith("Usage: mtcs [OPTIONS] COMMAND")


# params.yaml


def test_params_missing():
    LAYOUT.params.unlink()
    assert fails(2, "suites") == "params.yaml does not exist; run mtcs in the folder that holds params.yaml."


def replaced(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert text.count(old) >= 1
        return text.replace(old, new, 1)

    return edit


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda _: "suites: [}", "params.yaml: line 1: did not find expected node content."),
        (lambda _: "", "params.yaml is empty; write it as the one of the project."),
        (lambda _: "- a\n- b\n", "params.yaml: Input should be"),
        (replaced("seeds:", "sedes:"), "params.yaml: sedes: Extra inputs are not permitted (is [0, 1]); and 1 more"),
        (replaced("epochs: 1", "epochs: 0"), "methods.joint.schedule.epochs: Input should be greater than or equal to"),
        (replaced("epochs: 1", "epochs: 0"), "(is 0)."),
        (replaced("epochs: 1", "epochs: many"), "(is 'many')."),
        (replaced("depth: 1", "detph: 1"), "methods.joint.detph: Extra inputs are not permitted (is 1)."),
        (replaced("depth: 1", "depth: 99"), "methods.joint.depth: Input should be less than or equal to 16 (is 99)."),
        (replaced("learning_rate: 0.01", "learning_rate: .nan"), "methods.joint.schedule.learning_rate: Input should"),
        (replaced("sharing_weight: 0.1", "sharing_weight: .inf"), "methods.joint.sharing_weight: Input should be"),
        (
            replaced("kind: multitask", "kind: other"),
            "methods.joint: Input tag 'other' found using 'kind' does not match any of the expected tags: 'multi",
        ),
        (replaced("folds: 2", "folds: 1"), "classifiers.svm.folds: Input should be greater than or equal to 2 (is 1)."),
        (
            replaced("classifier: svm", "classifier: tree"),
            "methods.joint.classifier: tree is not among classifiers (svm).",
        ),
        (
            replaced("- joint", "- joined"),
            "joint, single_task and ablation: joined is not among methods (joint, alone, spare).",
        ),
        (replaced("- alone", "- joint"), "joint, single_task, ablation and readings: joint stands there twice."),
        (replaced("- 1", "- 0"), "seeds: 0 stands there twice."),
        (replaced("- 1", "- -1"), "seeds.1: Input should be greater than or equal to 0 (is -1)."),
        (replaced("- Long", "- Short"), "suites.tiny.tasks: Short stands there twice."),
        (replaced("- Long", "- ../../etc"), "suites.tiny.tasks.1: String should match pattern"),
        (replaced("source: aeon", "source: web"), "suites.toy.source: Input should be 'archive' or 'aeon' (is 'web')."),
    ],
)
def test_params_malformed(edit, expected):
    LAYOUT.params.write_text(edit(LAYOUT.params.read_text()))
    said = fails(2, "methods")
    assert said.startswith("params.yaml")
    assert expected in said


def test_params_that_are_not_text():
    LAYOUT.params.write_bytes(b"\xff\xfe\x00")
    assert fails(2, "methods") == "params.yaml, line 1 is not UTF-8; save it as UTF-8."


# Files that are missing or damaged


def test_an_archive_in_the_home_folder(here, monkeypatch):
    (here / "archive").mkdir()
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("MTCS_ARCHIVE", "~/archive")
    assert "Short is not in " in fails(2, "download", "tiny")


def test_download_from_nowhere(monkeypatch):
    monkeypatch.setenv("MTCS_ARCHIVE", "nowhere")
    assert fails(2, "download", "tiny") == (
        "MTCS_ARCHIVE is 'nowhere', which is neither a folder nor a URL template with '{name}'."
    )
    assert fails(2, "download", "tiny", "--archive", "http://127.0.0.1/zip") == (
        "MTCS_ARCHIVE is 'http://127.0.0.1/zip'; expected a folder, or an http or https URL with '{name}' in it."
    )


def test_download_of_a_task_that_is_not_there(here):
    (here / "archive").mkdir()
    assert fails(2, "download", "tiny", "--archive", "archive").startswith("Short is not in archive (no Short.zip, ")


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (
            {"labels_per_class": 9},
            "tiny was normalised with labels_per_class 8, draw 0, and params.yaml says labels_per_class 9, draw 0",
        ),
        (
            {"labels_per_class": 8, "draw": 1},
            "tiny was normalised with labels_per_class 8, draw 0, and params.yaml says labels_per_class 8, draw 1",
        ),
        ({}, "tiny was normalised with labels_per_class 8, draw 0, and params.yaml says all training series"),
        (
            {"labels_per_class": 8, "missing": [-9999]},
            "Short of tiny was normalised with missing [], and params.yaml says [-9999.0]",
        ),
    ],
)
def test_data_normalised_before_an_edit_of_the_suite_are_not_trained_on(edit, fault):
    normalized(few_labels=(8, 0))
    edited = PARAMS | {"suites": {"tiny": PARAMS["suites"]["tiny"] | edit}}
    LAYOUT.params.write_text(yaml.safe_dump(edited))
    for command in ("train", "validate"):
        assert fails(2, command, "joint", "tiny") == f"{fault}; run 'mtcs normalize tiny'."


def test_a_result_says_which_training_series_its_data_keep():
    edited = PARAMS | {"suites": {"tiny": PARAMS["suites"]["tiny"] | {"labels_per_class": 8}}}
    LAYOUT.params.write_text(yaml.safe_dump(edited))
    normalized(few_labels=(8, 0))
    for stage in ("train", "represent", "classify", "measure"):
        mtcs_says(stage, "joint", "tiny")
    assert read_result(Run("tiny", "joint", 0).result, "tiny", "joint", 0).few_labels == (8, 0)


def test_stage_before_was_not_run():
    assert "run 'mtcs download tiny'" in fails(2, "normalize", "tiny")
    for command in ("train", "represent", "classify", "measure", "validate"):
        assert fails(2, command, "joint", "tiny") == (
            "data/normalized/tiny/tasks.json does not exist; run 'mtcs normalize tiny'."
        )
    normalized()
    assert fails(2, "represent", "joint", "tiny", "--seed", "3") == (
        "data/models/tiny/joint/seed3/joint.safetensors does not exist; run 'mtcs train joint tiny --seed 3'."
    )
    assert fails(2, "classify", "joint", "tiny", "--seed", "3") == (
        "data/representations/tiny/joint/seed3/sources.json does not exist; run 'mtcs represent joint tiny --seed 3'."
    )
    for stage in ("train", "represent"):
        mtcs_says(stage, "joint", "tiny")
    assert fails(2, "measure", "joint", "tiny") == (
        "data/predictions/tiny/joint/seed0/classifier.json does not exist; run 'mtcs classify joint tiny --seed 0'."
    )
    assert fails(2, "report", "tiny") == "tiny has no results of joint, alone; run 'mtcs measure joint tiny --seed 0'."


DAMAGE = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "text": lambda content: b"<html>404</html>",
    "flipped": lambda content: content[:200] + bytes(byte ^ 0xFF for byte in content[200:260]) + content[260:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_data(damage):
    normalized()
    path = LAYOUT.normalized("tiny", "Short")
    path.write_bytes(damage(path.read_bytes()))
    said = fails(2, "train", "joint", "tiny")
    assert said.startswith("data/normalized/tiny/Short.npz ")
    assert said.endswith("; run 'mtcs normalize tiny'.")
    assert "pickle" not in said, "no advice to load what may run code"


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_model_and_representation(damage):
    normalized()
    mtcs_says("train", "joint", "tiny")
    mtcs_says("represent", "joint", "tiny")
    path = RUN.model()
    if damage is not DAMAGE["flipped"]:  # weights are numbers: any bytes are some
        path.write_bytes(damage(path.read_bytes()))
        said = fails(2, "represent", "joint", "tiny")
        assert said.startswith("data/models/tiny/joint/seed0/joint.safetensors is no model of mtcs (")
        assert said.endswith("; run 'mtcs train joint tiny --seed 0'.")
    path = RUN.representation("Short")
    path.write_bytes(damage(path.read_bytes()))
    said = fails(2, "classify", "joint", "tiny")
    assert said.startswith("data/representations/tiny/joint/seed0/Short.npz ")
    assert said.endswith("; run 'mtcs represent joint tiny --seed 0'.")
    assert "pickle" not in said, "no advice to load what may run code"


def test_representations_of_other_data():
    normalized()
    mtcs_says("train", "joint", "tiny")
    mtcs_says("represent", "joint", "tiny")
    path = LAYOUT.normalized("tiny", "Short")
    task = read_task(path)
    for part, train, test in (("training", 14, 16), ("test", 16, 14)):
        splits = (Split(task.train.series[:n], task.train.labels[:n]) for n in (train, test))
        changed = Task("Short", *splits, task.classes)
        write_task(path, changed)
        long = read_task(LAYOUT.normalized("tiny", "Long"))
        write_index(path.parent, ("Short", "Long"), [fingerprint(changed), fingerprint(long)])
        assert fails(2, "classify", "joint", "tiny") == (
            f"data/representations/tiny/joint/seed0/Short.npz has 16 {part} representations, expected 14; "
            "run 'mtcs represent joint tiny --seed 0'."
        )


def test_what_another_seed_left_is_not_taken_for_this_ones():
    """As after a copy of its folders, by which the spread over seeds would be zero."""
    normalized()
    for stage in ("train", "represent", "classify", "measure"):
        mtcs_says(stage, "joint", "tiny")
    for path in Path("data").glob("*/tiny/joint/seed0"):
        shutil.copytree(path, path.with_name("seed1"))
    shutil.copy("data/costs/tiny/joint/seed0.json", "data/costs/tiny/joint/seed1.json")
    assert fails(2, "represent", "joint", "tiny", "--seed", "1") == (
        "data/models/tiny/joint/seed1/joint.safetensors was trained with seed 0; run 'mtcs train joint tiny --seed 1'."
    )
    for stage, file, remedy in (
        ("classify", "representations/tiny/joint/seed1/sources.json", "represent"),
        ("measure", "training/tiny/joint/seed1/joint.json", "train"),
    ):
        assert fails(2, stage, "joint", "tiny", "--seed", "1") == (
            f"data/{file} is of joint on tiny, seed 0, expected joint on tiny, seed 1; "
            f"run 'mtcs {remedy} joint tiny --seed 1'."
        )
    for stage in ("train", "represent", "classify", "measure"):
        mtcs_says(stage, "joint", "tiny", "--seed", "1")


def test_a_training_says_in_which_precision_and_why():
    normalized()
    said = mtcs_says("train", "joint", "tiny", "--precision", "auto")
    record = read_record(RUN.record(), TrainingRecord, RUN, "train")
    assert record.precision_reason
    assert said.splitlines()[-1].endswith(f", {record.precision} on {record.device} ({record.precision_reason})")


@pytest.mark.parametrize(("threshold", "said"), [(1.0, False), (1e6, True)])
def test_a_training_in_which_no_heads_shared_says_so(threshold, said):
    methods = PARAMS["methods"] | {"joint": PARAMS["methods"]["joint"] | {"threshold": threshold}}
    LAYOUT.params.write_text(yaml.safe_dump(PARAMS | {"methods": methods}))
    normalized()
    done = CliRunner().invoke(app, ["train", "joint", "tiny"])
    told = [line for line in done.stderr.splitlines() if "relevant" in line]
    assert told == ["joint: no two labels were relevant to each other in any step: no heads shared."] * said


def test_representations_that_are_not_finite():
    normalized()
    mtcs_says("train", "joint", "tiny")
    mtcs_says("represent", "joint", "tiny")
    path = RUN.representation("Short")
    actual = read_representations(RUN, "Short")
    actual.test[3, 0] = np.nan
    write_representations(path, actual)
    sources = read_record(RUN.represented, RepresentationSources, RUN, "represent")
    write_record(
        RUN.represented,
        sources.model_copy(update={"representations": sources.representations | {"Short": digest(path)}}),
    )
    assert fails(2, "classify", "joint", "tiny") == (
        "data/representations/tiny/joint/seed0/Short.npz has no finite representation of test series 3; "
        "run 'mtcs represent joint tiny --seed 0'."
    )


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_a_machine_that_is_too_small_is_no_defect(monkeypatch, error):
    normalized()

    def fail(*arguments, **more):
        raise error

    monkeypatch.setattr("mtcs.training.loop.fit", fail)
    assert fails(1, "train", "joint", "tiny").startswith("Out of memory; take a smaller `schedule.batch_size` ")


def test_validations_of_two_shares_leave_each_other_alone():
    normalized()
    said = {share: mtcs_says("validate", "joint", "tiny", "--share", share) for share in ("0.25", "0.5")}
    assert said["0.25"] != said["0.5"]
    held = [pd.read_csv(RUN.validation(share))["held_out"].sum() for share in (0.25, 0.5)]
    assert held == [8, 16]


@pytest.mark.parametrize("method", ["joint", "alone"])
def test_validation_that_is_killed_goes_on(monkeypatch, method):
    normalized()
    complete = mtcs_says("validate", method, "tiny")
    classify, calls = held_out.classify, []

    def killed(*arguments, **more):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return classify(*arguments, **more)

    monkeypatch.setattr(held_out, "classify", killed)
    fails(130, "validate", method, "tiny")
    kept = sorted(path.name for path in LAYOUT.checkpoints.iterdir())
    assert [name.rpartition("-")[0] for name in kept] == {
        "joint": ["validate0.25-tiny-joint-0-joint"],
        "alone": ["validate0.25-tiny-alone-0-Long", "validate0.25-tiny-alone-0-Short"],
    }[method]
    monkeypatch.setattr("mtcs.training.loop._Training.epoch", None)
    assert mtcs_says("validate", method, "tiny") == complete
    assert not list(LAYOUT.checkpoints.iterdir())


def test_only_the_checkpoints_of_a_finished_run_go():
    normalized()
    key = "0" * 32
    LAYOUT.checkpoints.mkdir()
    for name in (f"tiny-alone-0-Long-{key}", f"tiny-alone-0-Short-2-{key}", f".tiny-alone-0-Short-{key}.safetensors.x"):
        (LAYOUT.checkpoints / f"{name}.safetensors").touch()
        os.utime(LAYOUT.checkpoints / f"{name}.safetensors", (0, 0))
    mtcs_says("train", "alone", "tiny", "--task", "Short")
    assert sorted(path.name for path in LAYOUT.checkpoints.iterdir()) == [
        f"tiny-alone-0-Long-{key}.safetensors",
        f"tiny-alone-0-Short-2-{key}.safetensors",
    ]


def test_the_costs_of_a_suite_are_measured_and_shown(monkeypatch):
    assert fails(2, "cost", "tiny") == "data/normalized/tiny/tasks.json does not exist; run 'mtcs normalize tiny'."
    normalized()
    monkeypatch.setattr("os.getloadavg", lambda: (1.26, 0.0, 0.0))
    done = CliRunner().invoke(app, ["cost", "tiny", "--device", "cpu", "--precision", "fp32", "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert "1.3 processes were busy here in the last minute: times will be too long." in done.stderr.splitlines()
    assert not [line for line in done.stderr.splitlines() if line.startswith("train")]
    assert [line.split()[0] for line in done.stdout.splitlines()[2:4]] == ["joint", "alone"]
    assert done.stdout.endswith("\nresults/tiny/cost.json\n")
    costs = read_costs(LAYOUT.costs("tiny"), "tiny")
    assert [(one.method, one.models) for one in costs.methods] == [("joint", 1), ("alone", 2)]
    assert {one.device.rpartition(", ")[2] for one in costs.methods} == {"1 thread"}
    assert costs.load == 1.3


def test_a_process_that_is_killed_while_costs_are_measured(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1])  # the process finds `die` by its name
    monkeypatch.setattr(sys.modules["mtcs.stages.cost"], "_method_costs", die)
    assert fails(1, "cost", "tiny") == (
        "A process was killed while it worked on tiny, joint, perhaps for lack of memory; see the system's log."
    )
    assert Path("killed").exists()
    assert not LAYOUT.costs("tiny").exists()


def test_nothing_goes_on_when_the_measurement_of_costs_is_killed(here):
    program = (
        "from mtcs.evaluation.fresh_process import in_fresh_process as run; from tests.test_cli import stay; run(stay)"
    )
    path = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ | path)
    try:
        child = int(eventually(lambda: (here / "child").read_text() if (here / "child").exists() else ""))
    finally:
        process.kill()
        process.wait()
    eventually(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def stay() -> None:
    """Work that takes long, and says where it is done."""
    part = Path("child.part")
    part.write_text(str(os.getpid()))
    part.rename("child")
    time.sleep(600)


def eventually(condition: Callable[[], Any]) -> Any:
    """What a condition gives as soon as that is true."""
    until = time.monotonic() + 240  # a process may start late on a busy machine
    while not (actual := condition()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return actual


def die(*arguments: object) -> None:
    """As if the system had killed the process, to free memory."""
    Path("killed").touch()
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_reading_has_a_classifier_and_a_result_of_its_own():
    reading = {"representations_of": "joint", "classifier": "ridge"}
    ridge = {"ridge": {"kind": "kernel_ridge"}}
    known = PARAMS | {"readings": {"joint_ridge": reading}, "classifiers": PARAMS["classifiers"] | ridge}
    LAYOUT.params.write_text(yaml.safe_dump(known, sort_keys=False))
    normalized()
    assert fails(2, "train", "joint_ridge", "tiny") == (
        "joint_ridge has no models of its own, it reads the representations of joint; run 'mtcs train joint tiny "
        "--seed 0', then 'mtcs represent joint tiny --seed 0' and 'mtcs classify joint_ridge tiny --seed 0'."
    )
    assert fails(2, "classify", "joint_ridge", "tiny").endswith("run 'mtcs represent joint tiny --seed 0'.")
    for stage in ("train", "represent", "classify", "measure"):
        mtcs_says(stage, "joint", "tiny")
    before = {path: path.read_bytes() for path in Path("data").rglob("*") if path.is_file()}
    assert "kernel ridge" in mtcs_says("classify", "joint_ridge", "tiny")
    mtcs_says("measure", "joint_ridge", "tiny")
    assert all(path.read_bytes() == content for path, content in before.items()), "the method's own files stay"
    result = read_result(Path("results/tiny/joint_ridge/seed0.json"), "tiny", "joint_ridge", 0)
    assert result.parameters["classifier"]["kind"] == "kernel_ridge"
    assert (result.trained, result.curves, result.similarity) == ((), (), None), "they are in the method's own result"
    assert [row.split() for row in mtcs_says("methods").splitlines() if row.startswith("joint_ridge")] == [
        ["joint_ridge:", "representations", "of", "joint,", "classifier", "ridge"]
    ]
    mtcs_says("report", "tiny", "--reference", "joint")
    assert "| joint ridge " in Path("reports/tiny/readings.md").read_text()
    file = Path("new.tsv")
    file.write_text("\t".join(["yes", *map(str, np.sin(np.arange(9.0)))]) + "\n")
    said = mtcs_says("predict", "joint_ridge", "tiny", "Short", str(file))
    LAYOUT.params.unlink()
    assert mtcs_says("predict", "joint_ridge", "tiny", "Short", str(file)) == said, "its record says what it reads"


def test_a_mixture_has_a_model_that_did_not_see_what_it_weighs_by():
    mixture = {"kind": "mixture", "transforms": ["hydra"], "weights": [0, 0.5, 1]}
    reading = {"representations_of": "joint", "classifier": "both", "held_out": 0.25}
    known = PARAMS | {"readings": {"mixed": reading}, "classifiers": PARAMS["classifiers"] | {"both": mixture}}
    LAYOUT.params.write_text(yaml.safe_dump(known, sort_keys=False))
    normalized()
    mtcs_says("train", "joint", "tiny")
    assert fails(2, "represent", "mixed", "tiny").endswith("run 'mtcs train mixed tiny --seed 0'.")
    mtcs_says("train", "mixed", "tiny")
    own, complete = (Run("tiny", name, 0).model().read_bytes() for name in ("mixed", "joint"))
    assert own != complete
    mtcs_says("represent", "mixed", "tiny")
    assert fails(2, "classify", "mixed", "tiny").endswith("run 'mtcs represent joint tiny --seed 0'.")
    mtcs_says("represent", "joint", "tiny")
    assert fails(2, "classify", "mixed", "tiny", "--dask", "tcp://nowhere:1").endswith(
        "leave out --dask tcp://nowhere:1."
    )
    assert fails(2, "validate", "mixed", "tiny").endswith("validate joint, whose representations it reads.")
    said = mtcs_says("classify", "mixed", "tiny")
    assert "weight" in said
    mtcs_says("measure", "mixed", "tiny")
    result = read_result(Path("results/tiny/mixed/seed0.json"), "tiny", "mixed", 0)
    assert result.parameters["held_out"] == 0.25
    assert {task.weight for task in result.tasks} <= {0, 0.5, 1}
    assert len(result.trained) == 2, "of both encoders"
    mtcs_says("report", "tiny", "--reference", "mixed")
    assert "mixed" in Path("reports/tiny/accuracy.md").read_text()
    file = Path("new.tsv")
    file.write_text("\t".join(["yes", *map(str, np.sin(np.arange(9.0)))]) + "\n")
    said = mtcs_says("predict", "mixed", "tiny", "Short", str(file))
    LAYOUT.params.unlink()
    assert mtcs_says("predict", "mixed", "tiny", "Short", str(file)) == said, "its record says what it reads"
    mtcs_says("measure", "mixed", "tiny")
    mixed = Run("tiny", "mixed", 0)
    path, known = mixed.representation("Short"), read_representations(mixed, "Short")
    write_representations(path, replace(known, test=known.test[::-1].copy()))
    assert "holds other content than were written" in fails(2, "measure", "mixed", "tiny")


def test_a_model_needs_no_parameters():
    """What params.yaml says by now is of no concern to the models that there are."""
    normalized()
    mtcs_says("train", "joint", "tiny")
    LAYOUT.params.write_text(LAYOUT.params.read_text().replace("output: 8", "output: 9"))
    mtcs_says("represent", "joint", "tiny")
    LAYOUT.params.unlink()
    mtcs_says("represent", "joint", "tiny")


# The machine


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MTCS_DEVICE", "tpu", "MTCS_DEVICE: Input should be 'auto', 'cpu' or 'cuda' (is 'tpu'); "),
        ("MTCS_PRECISION", "fp8", "MTCS_PRECISION: Input should be 'auto', 'fp32' or 'bf16' (is 'fp8'); "),
        ("MTCS_WORKERS", "-2", "MTCS_WORKERS: Input should be greater than or equal to 0 (is '-2'); "),
    ],
)
def test_machine_settings(monkeypatch, name, value, expected):
    normalized()
    monkeypatch.setenv(name, value)
    assert fails(2, "train", "joint", "tiny") == f"{expected}correct or unset that variable."


def test_cuda_where_there_is_none(monkeypatch):
    normalized()
    mtcs_says("train", "joint", "tiny", "--device", "cpu")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    expected = "device is cuda, but no CUDA device is available here; take --device cpu or auto."
    for command in ("train", "represent", "validate"):
        assert fails(2, command, "joint", "tiny", "--device", "cuda") == expected
    monkeypatch.setenv("MTCS_DEVICE", "cuda")
    assert fails(2, "train", "joint", "tiny") == expected


def test_disk_is_full(monkeypatch):
    normalized()

    def full(path: Path, flags: int, *arguments: Any, real: Any = os.open, **options: Any) -> int:
        if flags & os.O_CREAT and TEMPORARY in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, flags, *arguments, **options)

    monkeypatch.setattr("mtcs.files.os.open", full)
    assert fails(1, "train", "joint", "tiny").startswith("No space left on device: .checkpoints/tiny-joint-0-joint-")


def test_disk_is_full_when_weights_are_written(monkeypatch):
    normalized()

    def full(path: Path, content: bytes, real: Any = Path.write_bytes) -> int:
        if "models" in path.parts:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as the write to an open file says it
        return real(path, content)

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    said = "No space left on device: data/models/tiny/joint/seed0/joint.safetensors."
    assert fails(1, "train", "joint", "tiny") == said


def test_a_variable_that_is_empty_is_unset(monkeypatch):
    monkeypatch.setenv("MTCS_ARCHIVE", "")
    monkeypatch.setenv("MTCS_WORKERS", "")
    assert read_machine() == Machine()
    assert Machine().archive.startswith("https://")


def test_what_cannot_be_read_is_not_called_missing(monkeypatch):
    normalized()

    opened = Path.open

    def denied(path: Path, *how: Any, **more: Any) -> object:
        if path.suffix == ".npz":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *how, **more)

    monkeypatch.setattr("mtcs.data.task.Path.open", denied)
    assert "cannot be read (Permission denied); make it readable." in fails(2, "represent", "joint", "tiny")


def test_folder_cannot_be_made():
    LAYOUT.root.joinpath("data").write_text("a file in the way")
    said = fails(1, "download", "toy")
    assert "data/raw/toy" in said
    assert "Not a directory" in said


# Work that fails


def test_diverging_loss():
    normalized()
    LAYOUT.params.write_text(LAYOUT.params.read_text().replace("learning_rate: 0.01", "learning_rate: 1.0e+30"))
    said = fails(1, "train", "joint", "tiny")
    assert said.startswith("The loss is ")
    assert "with learning rate 1e+30; lower `schedule.learning_rate`" in said
    assert not RUN.model().exists()


def test_interruption(monkeypatch):
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mtcs.config.experiment_file.read_experiment", interrupted)
    assert fails(130, "methods").startswith("Interrupted; stages of the pipeline go on from where they were")


def test_interruption_before_a_command_is_known(monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mtcs.help.SectionedGroup.make_context", interrupted)
    assert fails(130, "methods").startswith("Interrupted; stages of the pipeline go on from where they were")


@pytest.mark.parametrize("module", ["mtcs.cli", "mtcs.errors", "typer", "mtcs.stages.fit"])
def test_interruption_while_modules_are_imported(module):
    code = f"""
import runpy, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "{module}":
            sys.meta_path.remove(self)
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
sys.argv = ["mtcs", "--version"]
runpy.run_module("mtcs", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"mtcs: {INTERRUPTED}\n")


def test_the_command_and_the_module_are_one():
    entry = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["scripts"]["mtcs"]
    assert entry == "mtcs.__main__:main"
    done = subprocess.run([sys.executable, "-m", "mtcs", "--version"], capture_output=True, text=True)
    assert done.stdout == f"mtcs {mtcs.__version__}\n"


@pytest.mark.parametrize("error", [ZeroDivisionError, AttributeError, AssertionError, EOFError, KeyError])
def test_a_defect_is_told_as_one(monkeypatch, error):
    def defective(_: Path) -> None:
        raise error("this and that\nand more")

    monkeypatch.setattr("mtcs.config.experiment_file.read_experiment", defective)
    said = fails(1, "methods")
    assert said.startswith(f"{error.__name__}: ")
    assert said.endswith(" (a defect of mtcs; --debug shows where)")


def test_waiting_threads_spin_for_a_while_only_unless_the_user_says_otherwise(monkeypatch):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    bounded_spinning()
    assert os.environ["GOMP_SPINCOUNT"] == "10000"
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    bounded_spinning()
    assert os.environ["GOMP_SPINCOUNT"] == "7"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    bounded_spinning()
    assert "GOMP_SPINCOUNT" not in os.environ


def test_debug_shows_the_traceback():
    done = CliRunner().invoke(app, ["--debug", "normalize", "tinny"])
    assert done.exit_code == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1] == "mtcs: Unknown suite tinny; params.yaml has tiny, toy."


def test_closed_pipe_is_no_error(here):
    """`mtcs suites | head -1`: the rest has no reader, and nothing is said about it."""
    command = [sys.executable, "-c", "from mtcs.cli import main; main()", "suites"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, cwd=here)
    assert "Traceback" not in done.stderr


def test_representations_of_a_model_that_is_there_no_more_are_not_classified():
    normalized()
    for command in ("train", "represent", "classify"):
        mtcs_says(command, "joint", "tiny")
    edited = PARAMS | {"methods": {**PARAMS["methods"], "joint": PARAMS["methods"]["joint"] | {"sharing_weight": 0}}}
    LAYOUT.params.write_text(yaml.safe_dump(edited))
    mtcs_says("train", "joint", "tiny")
    assert fails(2, "classify", "joint", "tiny") == (
        "The representations of joint on tiny, seed 0 are of other weights of joint than were trained last; "
        "run 'mtcs represent joint tiny --seed 0'."
    )


def test_a_model_of_fewer_tasks_represents_nothing():
    normalized()
    fewer = PARAMS | {"suites": PARAMS["suites"] | {"tiny": {"tasks": ["Short"]}}}
    task = read_task(LAYOUT.normalized("tiny", "Short"))
    write_index(LAYOUT.normalized_suite("tiny"), ("Short",), [fingerprint(task)])
    LAYOUT.params.write_text(yaml.safe_dump(fewer))
    mtcs_says("train", "joint", "tiny")
    normalized()
    said = fails(2, "represent", "joint", "tiny")
    assert said == "The model was trained on Short, not on Long; run 'mtcs train joint tiny --seed 0'."
    assert not RUN.representations.exists()


def test_files_in_the_place_of_folders_and_folders_in_that_of_files(here):
    Path("file").touch()
    assert fails(2, "init", "file", "--suite", "tiny") == "file is a file; name a folder."
    assert fails(2, "report", "tiny", "--export", "file") == "--export file is a file; name a folder."
    assert fails(2, "download", "tiny", "--archive", "none") == (
        "MTCS_ARCHIVE is 'none', which is neither a folder nor a URL template with '{name}'."
    )
    LAYOUT.params.unlink()
    LAYOUT.params.mkdir()
    assert fails(2, "suites") == "params.yaml is a folder; run mtcs in the folder that holds the file params.yaml."


def test_a_method_that_trains_one_model_for_each_task_now_leaves_no_joint_model():
    normalized()
    mtcs_says("train", "joint", "tiny")
    LAYOUT.params.write_text(yaml.safe_dump(PARAMS | {"joint": [], "single_task": ["joint", "alone"]}))
    being_written, folder = RUN.models / ".other.safetensors.part-1", RUN.models / "notes"
    being_written.touch()
    folder.mkdir()
    mtcs_says("train", "joint", "tiny")
    being_written.unlink()
    folder.rmdir()
    assert sorted(path.name for path in RUN.models.iterdir()) == ["Long.safetensors", "Short.safetensors"]
    assert {path.stem for path in RUN.training.iterdir()} == {"Long", "Short"}


# What a run records


def test_the_commit_is_marked_where_code_differs_and_not_where_results_do(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from mtcs.provenance import commit

    monkeypatch.setattr("mtcs.provenance.PACKAGE", here / "mtcs")

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=one", "-c", "user.email=one@example.com")
        return subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    for name in ("code.py", "dvc.lock", "reports/tiny/accuracy.md", "mtcs/__init__.py"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("before")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    head = git("rev-parse", "--short=12", "HEAD")
    for name in ("dvc.lock", "reports/tiny/accuracy.md", "new.py"):
        Path(name).write_text("after")
    assert commit() == head
    Path("code.py").write_text("after")
    assert commit() == f"{head}-dirty"
    Path("study").mkdir()
    monkeypatch.chdir("study")
    assert commit() == f"{head}-dirty", "from a folder below, too"
    installed = here / "site-packages/mtcs"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    monkeypatch.setattr("mtcs.provenance.PACKAGE", installed)
    assert commit() is None, "the repository around it is another project's"
    assert "No git commit to record: the code is not in a git checkout." in capsys.readouterr().err


def test_bf16_goes_to_methods_that_repeat_their_lengths(monkeypatch: pytest.MonkeyPatch):
    from mtcs.config.experiment_file import read_experiment
    from mtcs.stages.options import hardware

    monkeypatch.setattr("mtcs.training.hardware._cpuinfo", lambda: ["flags : fpu amx_bf16"])
    methods = read_experiment(Path(mtcs.__file__).parent.parent / "params.yaml").methods
    chosen = {name: hardware(spec, "cpu", None, 1).precision for name, spec in methods.items()}
    assert chosen["mtcs"] == chosen["tst"] == "bf16"
    assert chosen["ts2vec"] == chosen["ts2vec_joint"] == chosen["t_loss"] == "fp32"
    assert hardware(methods["ts2vec"], "cpu", "bf16", 1).precision == "bf16"
