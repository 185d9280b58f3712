"""What a digest of the code covers: a change of one method concerns no other, and wiring concerns nothing."""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mtcs.config.experiment import Experiment
from mtcs.config.experiment_file import read_experiment
from mtcs.provenance import imports, meaning, suite_digests

ROOT = Path(__file__).parents[1]
READINGS = read_experiment(ROOT / "params.yaml").readings
RIDGE = tuple(name for name, reading in READINGS.items() if reading.classifier == "ridge")
SUPERVISED = ("mtcs", "mtl", "mmoe", "mtcs_alpha_001", "mtcs_alpha_1", "mtcs_tau_1", "mtcs_tau_4", "mtcs_sum",
              "mtcs_epochs_20", "mtl_epochs_20", "mtcs_rocket", "mtcs_difference",
              "mtcs_covariance", "mtcs_random_pairs", "mtcs_partners_3")  # fmt: skip
ENCODERS = (*SUPERVISED, "ts2vec", "ts2vec_joint", "tnc", "ts_tcc")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., set[str]]:
    """Which digests differ after one file of a copy of the package has changed."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "mtcs", copy / "mtcs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "params.yaml", copy)

    def digests() -> dict[str, Any]:
        command = [sys.executable, "-c", "from mtcs.cli import main; main()", "code"]
        environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
        result = json.loads((copy / "data/code.json").read_text())
        assert result.pop("suites")
        return {
            f"{stage}.{name}".rstrip("."): digest
            for stage, value in result.items()
            for name, digest in (value if isinstance(value, dict) else {"": value}).items()
        }

    before = digests()

    def change(file: str, edit: Callable[[str], str] = lambda text: text + "\nchanged = 1\n") -> set[str]:
        path = copy / file
        text = path.read_text()
        assert edit(text) != text
        path.write_text(edit(text))
        try:
            after = digests()
        finally:
            path.write_text(text)
        assert before.keys() == after.keys()
        return {name for name in before if before[name] != after[name]}

    return change


def of(stages: tuple[str, ...], methods: tuple[str, ...]) -> set[str]:
    return {f"{stage}.{method}" for stage in stages for method in methods}


def test_a_change_of_a_method_concerns_that_method_alone(changed):
    assert changed("mtcs/methods/tnc.py") == of(("train", "represent"), ("tnc",))
    assert changed("mtcs/methods/multitask.py") == of(("train", "represent"), SUPERVISED)
    assert changed("mtcs/ops/causal.py") == of(("train", "represent"), ("t_loss",))
    assert changed("mtcs/ops/convolution.py") == of(("train", "represent"), ENCODERS)


def test_words_concern_nothing(changed):
    def documented(text: str) -> str:
        return "# new\n" + text.replace('"""', '"""Changed. ', 1).replace(':\n    """', ':\n    """Changed. ')

    for file in ("data/text.py", "methods/multitask.py", "config/methods.py"):
        assert changed(f"mtcs/{file}", documented) == set(), file


def test_what_code_means_is_the_same_in_all_versions_of_python():
    code = '''
        """A module."""
        class A(C): # no more
            x: int = None
            """Of it."""
            async def f(self, a, /, *b, c=-1.5e3, **d) -> f"{x!r:>3} z":
                return [not i for i in b if 0 < i] or {**d, 1: b"two"} or (yield from lambda: ...)
    '''
    text = meaning(ast.parse(textwrap.dedent(code)))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "ba268077d16b8b42", text


def test_a_change_of_a_default_concerns_the_methods_that_have_it(changed):
    assert changed(
        "mtcs/config/methods.py",
        lambda text: text.replace("max_window: int = Field(default=100", "max_window: int = Field(default=99"),
    ) == {"train.tnc"}


def test_a_change_of_parameters_concerns_variants_too(changed):
    result = changed("params.yaml", lambda text: text.replace("      epochs: 5\n", "      epochs: 6\n"))
    assert result == of(("train",), tuple(name for name in SUPERVISED if not name.endswith("epochs_20")))


def test_a_change_of_how_long_is_trained_concerns_all_training(changed):
    result = changed(
        "mtcs/config/schedule.py", lambda text: text.replace("return max(1, whole)", "return max(2, whole)")
    )
    assert of(("train",), ENCODERS) <= result
    assert {name.partition(".")[0] for name in result} == {"train"}


def test_a_suite_like_another_changes_with_it():
    def digests(**changes: Any) -> dict[str, dict[str, str]]:
        base = {"tasks": ["A"], **changes}
        suites = {"base": base, "few": {"like": "base", "labels_per_class": 5}}
        parameters = yaml.safe_load((ROOT / "params.yaml").read_text()) | {"suites": suites}
        known = Experiment.model_validate(parameters)
        return {name: suite_digests(suite) for name, suite in known.suites.items()}

    before, after, seeds = digests(), digests(missing=[-9]), digests(seeds=[1])
    assert before["few"]["data"] not in (before["base"]["data"], after["few"]["data"])
    assert {name: one["data"] for name, one in before.items()} == {name: one["data"] for name, one in seeds.items()}
    assert before["few"]["report"] != seeds["few"]["report"]


def test_wiring_concerns_nothing(changed):
    for file in (
        "cli.py",
        "errors.py",
        "files.py",
        "layout.py",
        "progress.py",
        "stages/train.py",
        "config/experiment.py",
    ):
        assert changed(f"mtcs/{file}") == set(), file


def test_a_change_of_a_classifier_concerns_its_methods_alone(changed):
    assert changed("mtcs/classifiers/kernel_ridge.py") == of(("classify",), RIDGE)
    assert changed("mtcs/ops/dtw.py") == of(("classify",), ("dtw",))
    svm = changed("mtcs/ops/svm_grid.py")
    assert of(("classify",), tuple(name for name in ENCODERS if name not in READINGS)) <= svm
    assert not svm & of(("classify",), ("dtw", "minirocket", "quant", "mtcs_rocket", *RIDGE))
    assert svm == changed(
        "mtcs/config/classifiers.py",
        lambda text: text.replace("min_series: ClassVar[int] = 50", "min_series: ClassVar[int] = 5"),
    )
    random = changed("mtcs/classifiers/random_features.py")
    assert random == of(("classify",), ("multirocket_hydra", "minirocket", "hydra", "mtcs_rocket"))
    weighing = changed("mtcs/evaluation/classified.py", lambda text: text.replace("run.held_out, run.seed)", "0.5, 0)"))
    assert weighing == of(("classify",), ("mtcs_rocket",))
    assert of(("classify",), ("mtcs_rocket",)) <= changed("mtcs/data/splits.py")


def test_reports_concern_the_report_alone(changed):
    for file in ("page.py", "analysis/parameters.py"):
        assert changed(f"mtcs/reports/{file}") == {"report"}
    for path in sorted((ROOT / "mtcs/reports").glob("*.jinja")):
        assert changed(f"mtcs/reports/{path.name}") == {"report"}
    assert changed("mtcs/reference/published.csv") == {"report"}


def test_the_sizes_of_the_archive_concern_what_reads_it(changed):
    sizes = changed("mtcs/reference/archive_sizes.csv", lambda text: text.replace("ACSF1,100,", "ACSF1,101,"))
    assert {"download", "normalize"} <= sizes


def test_what_only_a_type_checker_sees_is_no_import():
    assert "mtcs.config.methods" not in imports("mtcs.layout")
    assert "mtcs.ops.contrast" in imports("mtcs.methods.ts2vec")
