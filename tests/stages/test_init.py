"""A pipeline of its own for one suite: what it holds, that it runs, and what is refused."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from typer.testing import CliRunner

from mtcs.cli import app
from mtcs.config.experiment_file import read_experiment

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("here")


def init(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["init", *arguments])
    return done.exit_code, done.output


def stages(folder: str) -> set[str]:
    Repo.init(no_scm=True)
    with Repo(folder) as repo:
        return {str(stage.name) for stage in repo.index.stages}


def test_the_pipeline_has_one_suite_and_some_methods():
    assert init("ten", "--suite", "ucr10", "--methods", "mtl, mtcs_rocket,ts2vec") == (
        0, "ten: params.yaml and dvc.yaml of the suite ucr10; 'cd ten', 'dvc init --no-scm', then 'dvc repro "
        "report@ucr10'.\n",
    )  # fmt: skip
    known, ours = read_experiment(Path("ten/params.yaml")), read_experiment(ROOT / "params.yaml")
    assert known.suites == {"ucr10": ours.suites["ucr10"]}
    assert (known.joint, known.single_task, known.ablation) == (("mtl", "mtcs_difference"), ("ts2vec",), ())
    assert set(known.readings) == {"mtcs_rocket", "mtl_ridge", "mtcs_difference_ridge", "ts2vec_ridge"}
    assert all(known.methods[name] == ours.methods[name] for name in ours.methods), (
        "parameters are those of the project"
    )
    names = stages("ten")
    assert len(names) == 90
    assert {"report@ucr10", "train@ucr10-mtl-4", "classify-mixture@ucr10-mtcs_rocket-0"} <= names
    assert not {name for name in names if "demo" in name or "ablation" in name or "dtw" in name}


def test_in_a_repository_none_is_begun():
    Repo.init(no_scm=True).close()
    assert init("ten", "--suite", "demo", "--methods", "mtl")[1].endswith("; 'cd ten', then 'dvc repro report@demo'.\n")


def test_without_methods_it_has_all_of_them():
    assert init("all", "--suite", "demo")[0] == 0
    known, ours = read_experiment(Path("all/params.yaml")), read_experiment(ROOT / "params.yaml")
    assert (known.joint, known.single_task, known.readings) == (ours.joint, ours.single_task, ours.readings)
    assert known.suites["demo"].source == "aeon"


def test_comments_stay_where_values_change():
    assert init("few", "--suite", "demo", "--methods", "mtl", "--labels", "5")[0] == 0
    parameters, pipeline = (Path("few", name).read_text() for name in ("params.yaml", "dvc.yaml"))
    assert "\nseeds: [0] # of joint methods\n" in parameters
    assert "    sharing_weight: 0.1 # alpha of Equation 6\n" in parameters
    assert pipeline.startswith((ROOT / "dvc.yaml").read_text().partition("\n")[0])
    runs = ("suites: [demo, demo_5]", "ablation_suites: []", "mixtures: []", "ridge: [mtl]", "ridge_single_task: []")
    assert "".join(f"\n    {line}" for line in runs) in pipeline


def test_names_that_are_numbers_to_yaml_stay_names():
    assert init("odd", "--suite", "0o17", "--tasks", "1e3,12,null", "--methods", "mtl")[0] == 0
    assert read_experiment(Path("odd/params.yaml")).suites["0o17"].tasks == ("1e3", "12", "null")
    assert "report@0o17" in stages("odd")


def test_methods_without_representations_have_no_readings():
    assert init("few", "--suite", "demo", "--methods", "dtw,quant")[0] == 0
    assert read_experiment(Path("few/params.yaml")).readings == {}


def test_a_new_suite():
    assert init("mine", "--suite", "pumps", "--tasks", "Inlet, Outlet", "--methods", "mtl")[0] == 0
    assert read_experiment(Path("mine/params.yaml")).suites["pumps"].tasks == ("Inlet", "Outlet")


def test_a_curve_over_labels_is_suites_of_fewer_and_a_report_after_all_of_them():
    arguments = ("--suite", "demo", "--methods", "mtl", "--labels", "10, 5", "--draws", "2")
    assert init("few", *arguments)[0] == 0
    known = read_experiment(Path("few/params.yaml"))
    assert {name: (one.labels_per_class, one.draw) for name, one in known.suites.items()} == {
        "demo": (None, None), "demo_5": (5, None), "demo_10": (10, None), "demo_5_1": (5, 1), "demo_10_1": (10, 1),
    }  # fmt: skip
    assert known.with_fewer_labels("demo") == {"demo_5": 5, "demo_10": 10, "demo_5_1": 5, "demo_10_1": 10}
    assert known.seeds == (0,)
    assert {"train@demo-mtl-0", "train@demo_10_1-mtl-0", "report@demo"} <= stages("few")
    pipeline = yaml.safe_load(Path("few/dvc.yaml").read_text())
    assert pipeline["stages"]["report"]["do"]["deps"] == ["results"], "which all suites leave"


def test_methods_and_seeds_of_a_suite_become_those_of_the_folder():
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text())
    parameters["suites"] = {"2024": {"tasks": ["A", "B"], "methods": ["mtcs", "mtl"], "seeds": [3, 4]}}
    parameters["methods"]["mtl"]["threshold"] = 1.0
    Path("params.yaml").write_text(yaml.safe_dump(parameters))
    code, output = init("year", "--suite", "2024")
    assert code == 0
    assert "Its parameters are the package's; those of params.yaml differ for mtl.\n" in output
    known = read_experiment(Path("year/params.yaml"))
    assert (known.joint, known.single_task, known.seeds_of("mtl", "2024")) == (("mtcs", "mtl"), (), (3, 4))
    assert init("few", "--suite", "2024", "--methods", "mtl", "--labels", "5")[0] == 0
    known = read_experiment(Path("few/params.yaml"))
    assert (known.seeds_of("mtl", "2024"), known.seeds_of("mtl", "2024_5")) == ((3,), (3,))
    assert {name for name in stages("few") if name.startswith("train@2024_5")} == {"train@2024_5-mtl-3"}


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("mtcs_alpha_001", "A workspace does not run mtcs_alpha_001; name others with --methods: mtcs, mtl,"),
        ("mtl_ridge", "mtl_ridge reads what mtl represents, which a workspace runs; name that with --methods, and"),
    ],
)
def test_no_method_of_a_suite_is_left_out_silently(method, message):
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text())
    parameters["suites"] = {"two": {"tasks": ["A", "B"], "methods": ["mtcs", method]}}
    Path("params.yaml").write_text(yaml.safe_dump(parameters))
    code, output = init("two", "--suite", "two")
    assert (code, output.startswith(f"mtcs: {message}")) == (2, True), output
    assert not Path("two").exists()
    assert init("two", "--suite", "two", "--methods", "mtcs")[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--labels", "0"), "--labels: '0' is not a number of training series; write --labels 5,10,20."),
        (("--labels", "5,x"), "--labels: 'x' is not a number of training series; write --labels 5,10,20."),
        (("--labels", ","), "--labels: ',' is not a number of training series; write --labels 5,10,20."),
        (("--draws", "2"), "--draws is 2, but all series are kept; say --labels, too."),
    ],
)
def test_labels_and_draws_that_make_no_sense_are_refused(options, message):
    assert init("few", "--suite", "demo", *options) == (2, f"mtcs: {message}\n")
    assert not Path("few").exists()


def test_fewer_labels_are_fewer_than_those_of_the_suite():
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text())
    parameters["suites"] = {"demo": {"tasks": ["A"], "labels_per_class": 5}}
    Path("params.yaml").write_text(yaml.safe_dump(parameters))
    assert init("few", "--suite", "demo", "--labels", "4,5") == (
        2, "mtcs: --labels: 5 is not fewer than labels_per_class 5 of demo; name smaller numbers.\n",
    )  # fmt: skip


def test_what_is_refused():
    assert init("mine", "--suite", "pumps") == (
        2, "mtcs: Unknown suite pumps; params.yaml has demo, ucr12, ucr10, ucr15, archive, archive91.\n",
    )  # fmt: skip
    assert init("mine", "--suite", "demo", "--methods", "mtl,svm")[1].startswith(
        "mtcs: A workspace does not run svm; name others with --methods: mtcs, mtl,"
    )
    assert init("mine", "--suite", "demo", "--methods", "mtl_ridge") == (
        2, "mtcs: mtl_ridge reads what mtl represents, which a workspace runs; name that with --methods, and after "
        "'dvc repro' run 'mtcs classify mtl_ridge demo' and 'mtcs measure mtl_ridge demo'.\n",
    )  # fmt: skip
    assert init("mine", "--suite", "pumps", "--tasks", "../a")[1].startswith("mtcs: suites.pumps.tasks.0: String")
    assert init("mine", "--suite", "a b", "--tasks", "A")[1].startswith("mtcs: suites.a b.[key]: String")
    assert not Path("mine").exists()
    assert init("mine", "--suite", "demo", "--methods", "mtl")[0] == 0
    before = Path("mine/params.yaml").read_text()
    assert init("mine", "--suite", "ucr10") == (2, "mtcs: mine/params.yaml exists; name a folder without a pipeline.\n")
    assert Path("mine/params.yaml").read_text() == before


@pytest.mark.slow
def test_it_runs(tmp_path):
    assert init("six", "--suite", "demo", "--methods", "mtl", "--labels", "3")[0] == 0
    params = Path("six/params.yaml")
    params.write_text(params.read_text().replace("epochs: 5\n", "epochs: 1\n"))
    Repo.init(no_scm=True)
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "report@demo"], cwd="six", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "3 (1 draw)" in Path("six/reports/demo/learning-curve.md").read_text()
    assert Path("six/reports/demo/report.html").exists()
    assert Path("six/dvc.lock").exists()
