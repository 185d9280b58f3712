"""`dvc.yaml` against the command line, the layout and the code's imports; and a whole run of a tiny suite."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer.core
import typer.main
import yaml
from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from dvc.stage import PipelineStage

from mtcs import stages
from mtcs.cli import app
from mtcs.config.experiment_file import read_experiment
from mtcs.layout import Layout, Run

ROOT = Path(__file__).parent.parent
EXPERIMENT = read_experiment(ROOT / "params.yaml")


def run_named(suite: str, method: str, seed: int) -> Run:
    return EXPERIMENT.run(suite, method, seed) if method else Run(suite, method, seed)


def environment(home: Path, **more: str) -> dict[str, str]:
    """Of this interpreter's `mtcs` and `dvc`, with nothing of the user's or the machine's configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "DVC_GLOBAL_CONFIG_DIR": str(home / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "system"),
        "DVC_SITE_CACHE_DIR": str(home / "site"),
        "DVC_NO_ANALYTICS": "1",
        "GIT_CEILING_DIRECTORIES": str(home.parent),
        **more,
    }


# dvc.yaml as it is


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[PipelineStage]]:
    """Every stage of `dvc.yaml`, expanded by DVC itself in a folder of its own."""
    folder = tmp_path_factory.mktemp("pipeline")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(folder / "home").items():
            patch.setenv(name, value)
        workspace = folder / "workspace"
        workspace.mkdir()
        for name in ("dvc.yaml", "params.yaml"):
            shutil.copy(ROOT / name, workspace)
        with Repo.init(str(workspace), no_scm=True) as repo:
            yield [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]


def stage_of(stage: PipelineStage) -> str:
    """The command that an entry of `dvc.yaml` runs: its name up to what tells apart entries of one command."""
    return stage.name.split("@")[0].split("-")[0]


def run_of(stage: PipelineStage) -> str:
    """Suite, method and seed of an entry; those that read a method's representations are named after the method."""
    group, _, run = stage.name.partition("@")
    if "-ridge" not in group:
        return run
    encoder, _, seed = run.rpartition("-")
    return f"{encoder}_ridge-{seed}"


def paths(stage: PipelineStage, what: str) -> list[str]:
    """Paths of a stage's `deps` or `outs` as `dvc.yaml` has them; parameters are not among them."""
    return [str(one.def_path) for one in getattr(stage, what) if not isinstance(one, ParamsDependency)]


def parsed(command: str) -> tuple[str, dict[str, Any]]:
    """A command of `mtcs` and its arguments, checked by the command line's own parser; nothing is run."""
    program, name, *arguments = command.split()
    assert program == "mtcs"
    return name, commands()[name].make_context(name, arguments).params


@cache
def commands() -> dict[str, Any]:
    """The command line's commands by name, built once."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return group.commands


def runs(pipeline: list[PipelineStage]) -> list[tuple[PipelineStage, str, dict[str, Any]]]:
    """Each stage with the name of its command and that command's suite, method and seed, as far as it has them."""
    result = []
    for stage in pipeline:
        name, arguments = parsed(stage.cmd)
        result.append((stage, name, {key: arguments[key] for key in ("suite", "method", "seed") if key in arguments}))
    return result


def test_every_command_parses(pipeline):
    assert len(pipeline) > 100
    for stage, name, run in runs(pipeline):
        assert stage_of(stage) == name
        assert run_of(stage) == "-".join(map(str, run.values())), stage.cmd


def test_outs_are_those_of_the_layout(pipeline):
    for stage, name, run in runs(pipeline):
        assert sorted(paths(stage, "outs")) == sorted(path.as_posix() for path in layout_outs(name, **run)), stage.name


def test_metrics_and_plots_cover_every_suite(pipeline):
    suites = set(read_experiment(ROOT / "params.yaml").suites)
    reports = [stage for stage, name, _ in runs(pipeline) if name == "report"]
    metrics = {out.def_path for stage in reports for out in stage.outs if out.metric}
    plots = {out.def_path for stage in reports for out in stage.outs if out.plot}
    assert metrics == {f"reports/{suite}/summary.json" for suite in suites}
    assert plots == {f"reports/{suite}/accuracy.csv" for suite in suites}


def test_a_report_that_cannot_be_made_anew_stays(pipeline):
    for stage, name, _ in runs(pipeline):
        if name == "report":
            assert all(out.persist and not out.use_cache for out in stage.outs), stage.name


def layout_outs(stage: str, suite: str = "", method: str = "", seed: int = -1) -> list[Path]:
    layout, run = Layout(), run_named(suite, method, seed)
    match stage:
        case "code":
            return [layout.code]
        case "download":
            return [layout.raw(suite, "T").parent]
        case "normalize":
            return [layout.normalized_suite(suite)]
        case "train":
            return [run.models, run.training]
        case "represent":
            return [run.representations, run.representation_cost]
        case "classify":
            return [run.predictions, run.classifiers]
        case "measure":
            return [run.result]
        case "report":
            return [layout.report(suite) / name for name in ("accuracy.csv", "report.html", "summary.json")]
    raise AssertionError(f"{stage} is no stage of dvc.yaml that this test knows")


def test_data_and_parameters_of_a_stage_are_those_it_reads(pipeline):
    for stage, name, run in runs(pipeline):
        assert sorted(paths(stage, "deps")) == sorted(path.as_posix() for path in layout_deps(name, **run)), stage.name
        listed = {
            str(dep.def_path): sorted(dep.params)
            for dep in stage.deps
            if isinstance(dep, ParamsDependency) and dep.params
        }
        expected = {"params.yaml": parameters_read(name, **run), "data/code.json": code_read(name, **run)}
        assert listed == {file: sorted(names) for file, names in expected.items() if names}, stage.name


def layout_deps(stage: str, suite: str = "", method: str = "", seed: int = -1) -> list[Path]:
    layout, run = Layout(), run_named(suite, method, seed)
    normalized = layout.normalized_suite(suite)
    match stage:
        case "code":
            return [Path("mtcs")]
        case "download":
            return []
        case "normalize":
            return [layout.raw(suite, "T").parent]
        case "train":
            return [normalized]
        case "represent":
            return [normalized, run.models]
        case "classify":
            return [*dict.fromkeys([normalized, run.representations, run.reading.representations])]
        case "measure":
            both = [[one.training, one.representations, one.representation_cost] for one in (run, run.reading)]
            return [normalized, run.predictions, *dict.fromkeys(both[0] + both[1])]
        case "report":
            return [layout.results(suite)]
    raise AssertionError(f"{stage} is no stage of dvc.yaml that this test knows")


def parameters_read(stage: str, suite: str = "", method: str = "", seed: int = -1) -> list[str]:
    match stage:
        case "code":
            return ["suites", "joint", "single_task", "ablation", "readings", "methods", "classifiers"]
        case "download" | "normalize":
            return []
        case "train":
            run = run_named(suite, method, seed)
            return [f"methods.{run.reads}", f"readings.{method}"] if run.reads else [f"methods.{method}"]
        case "represent" | "classify" | "measure":
            return []
        case "report":
            groups = ["seeds", "seeds_single_task", "joint", "single_task", "ablation", "readings", "titles"]
            return [*groups, "methods", "classifiers"]
    raise AssertionError(f"{stage} is no stage of dvc.yaml that this test knows")


def code_read(stage: str, suite: str = "", method: str = "", seed: int = -1) -> list[str]:
    if suite and not method:
        return [stage, f"suites.{suite}.{'report' if stage == 'report' else 'data'}"]
    return [] if stage == "code" else [f"{stage}.{method}"] if method and stage != "measure" else [stage]


def test_what_a_stage_reads_of_the_code_is_there(pipeline, tmp_path, monkeypatch):
    monkeypatch.setattr("mtcs.stages.options.WORKSPACE", Layout(ROOT))
    monkeypatch.setattr(sys.modules["mtcs.stages.code"], "WORKSPACE", Layout(tmp_path))
    stages.code()
    digests = json.loads((tmp_path / "data/code.json").read_text())
    for _, name, run in runs(pipeline):
        for key in code_read(name, **run):
            assert len(reduce(getitem, key.split("."), digests)) == 16


@pytest.mark.slow
def test_dvc_sets_and_shows_parameters_of_the_real_file(tmp_path):
    """A parameter that is set is set alone, methods that are like it follow, and what has changed is shown."""
    folder, names = tmp_path / "workspace", {"GIT_CONFIG_GLOBAL": os.devnull}
    names |= {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    settings = environment(tmp_path / "home", **names)
    folder.mkdir()
    shutil.copy(ROOT / "params.yaml", folder)
    stage = {"cmd": "echo done > out", "params": ["methods", "classifiers"], "outs": ["out"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"one": stage}}))

    def run(command: str) -> str:
        done = subprocess.run(command.split(), cwd=folder, env=settings, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    for command in ("git init -q .", "dvc init -q", "dvc repro -q", "git add -A", "git commit -qm start"):
        run(command)
    run("dvc exp run -q -S methods.mtcs.schedule.epochs=7 -S methods.mtl_epochs_20.schedule.epochs=21")
    before, after = EXPERIMENT.methods, read_experiment(folder / "params.yaml").methods
    assert (before["mtl"].schedule.epochs, after["mtl"].schedule.epochs) == (before["mtcs"].schedule.epochs, 7)
    assert after["mtl_epochs_20"].schedule.epochs == 21
    assert json.loads(run("dvc params diff --json")) == {
        "params.yaml": {
            "methods.mtcs.schedule.epochs": {"old": 5, "new": 7, "diff": 2},
            "methods.mtl_epochs_20.schedule.epochs": {"old": 20, "new": 21, "diff": 1},
        }
    }
    (shown, *_) = json.loads(run("dvc exp show --json"))
    assert shown["data"]["params"]["params.yaml"]["data"]["methods"]["mtcs"]["schedule"]["epochs"] == 7


def test_dvc_tells_nobody_that_it_is_used():
    config = ConfigParser()
    config.read(ROOT / ".dvc/config")
    assert not config.getboolean("core", "analytics")


def test_deps_are_outs_of_a_stage(pipeline):
    outs = {Path(out) for stage in pipeline for out in paths(stage, "outs")}
    made = {Path("mtcs"), *outs, *(folder for out in outs for folder in out.parents)}
    for stage in pipeline:
        for dep in map(Path, paths(stage, "deps")):
            assert dep in made, (stage.name, dep)


def test_runs_are_those_of_params(pipeline):
    experiment = read_experiment(ROOT / "params.yaml")
    wanted = {("code", "")}
    wanted |= {(stage, suite) for stage in ("download", "normalize", "report") for suite in experiment.suites}
    for suite in experiment.suites:
        for method in experiment.known:
            if method in experiment.ablation and suite != "ucr10":
                continue
            stages = ("train", "represent", "classify", "measure")[
                2 * (experiment.run(suite, method, 0).encoder != method) :
            ]
            seeds = experiment.seeds_of(method)
            wanted |= {(stage, f"{suite}-{method}-{seed}") for stage in stages for seed in seeds}
    assert {(stage_of(stage), run_of(stage)) for stage in pipeline} == wanted
    assert len(pipeline) == len(wanted)


# A whole run of a tiny suite


class Workspace:
    """A copy of the project, with parameters of its own, and DVC and git that know nothing of this machine's user."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "workspace"
        self.archive = folder / "archive"
        (folder / "home").mkdir()
        # The code of this copy: a stage's digest is of the code that runs.
        paths = {"MTCS_ARCHIVE": str(self.archive), "PYTHONPATH": str(self.root)}
        self.environment = environment(folder / "home", **paths)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "mtcs", self.root / "mtcs", ignore=ignored)
        (self.root / ".dvc").mkdir()
        for name in ("dvc.yaml", "params.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"):
            shutil.copy(ROOT / name, self.root / name)
        self.run("git", "init", "--quiet")

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def dvc(self, *arguments: str) -> str:
        return self.run("dvc", *arguments)

    def stale(self) -> set[str]:
        """Names of the stages that something changed for; what they make in turn is not looked at."""
        return set(json.loads(self.dvc("status", "--json")))

    def change(self, file: str, edit: Callable[[Any], object]) -> None:
        """Apply `edit` to the contents of a YAML file."""
        path = self.root / file
        contents = yaml.safe_load(path.read_text())
        edit(contents)
        path.write_text(yaml.safe_dump(contents, sort_keys=False))

    @contextmanager
    def changed(self, file: str, edit: Callable[[Any], object]) -> Iterator[None]:
        """As `change`, for as long as the block lasts."""
        before = (self.root / file).read_text()
        self.change(file, edit)
        yield
        (self.root / file).write_text(before)


def write_archive(folder: Path, lengths: dict[str, int]) -> None:
    """One zip a task: two classes of noisy waves, told apart by their number of periods."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, length in lengths.items():
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as file:
            for part, count in (("TRAIN", 24), ("TEST", 10)):
                lines = [f"@problemName {name}", "@timestamps false", "@univariate true", "@equalLength true"]
                lines += ["@classLabel true slow fast", "@data"]
                for i in range(count):
                    wave = np.sin(np.linspace(0, (2 + 4 * (i % 2)) * np.pi, length)) + 0.1 * rng.normal(size=length)
                    lines.append(",".join(f"{value:.4f}" for value in wave) + (":slow", ":fast")[i % 2])
                file.writestr(f"{name}_{part}.ts", "\n".join(lines) + "\n")


def tiny(folder: Path) -> Workspace:
    """A workspace whose only suite is of two tasks, with a small encoder and two seeds."""
    workspace = Workspace(folder)
    write_archive(workspace.archive, {"Short": 20, "Long": 40})

    def parameters(params: dict[str, Any]) -> None:
        params["suites"] = {"tiny": {"tasks": ["Short", "Long"]}}
        params["seeds"], params["joint"], params["single_task"], params["ablation"] = [0, 1], ["mtcs", "mtl"], [], []
        params["readings"], params["titles"] = {}, {}
        params["classifiers"]["svm"]["C"] = [1, 100]
        params["methods"]["mtcs"] |= {"depth": 2, "hidden": 8, "output": 16}  # mtl is like it
        params["methods"]["mtcs"]["schedule"] = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01}

    def suites(pipeline: dict[str, Any]) -> None:
        for name in [name for name in pipeline["stages"] if "-" in name]:
            del pipeline["stages"][name]
        for stage in ("train", "represent", "classify", "measure"):
            pipeline["stages"][stage]["matrix"]["suite"] = ["tiny"]

    workspace.change("params.yaml", parameters)
    workspace.change("dvc.yaml", suites)
    return workspace


@pytest.mark.timeout(900)  # fifteen commands and DVC, on whatever else the machine does
def test_tiny_suite_from_archive_to_report(tmp_path):
    workspace = tiny(tmp_path)
    workspace.dvc("repro")
    report_is_made(workspace)
    metrics_and_plots_are_shown(workspace)
    second_run_does_nothing(workspace)
    changed_parameters_are_shown(workspace)
    parameters_of_one_method_rerun_that_method_only(workspace)
    a_variant_is_stale_with_what_it_is_like(workspace)
    parameters_of_the_classifier_retrain_nothing(workspace)
    code_of_the_report_retrains_nothing(workspace)


def report_is_made(workspace: Workspace) -> None:
    report = workspace.root / "reports/tiny"
    accuracy = pd.read_csv(report / "accuracy.csv")
    assert sorted(map(tuple, accuracy[["method", "seed", "task"]].to_numpy().tolist())) == [
        (method, seed, task) for method in ("mtcs", "mtl") for seed in (0, 1) for task in ("Long", "Short")
    ]
    assert (accuracy["n_test"] == 10).all()
    assert (accuracy["accuracy"] >= 0.9).all()
    assert "</html>" in (report / "report.html").read_text()
    assert "Short" in (report / "accuracy.md").read_text()
    assert not list((workspace.root / ".checkpoints").glob("*"))


def metrics_and_plots_are_shown(workspace: Workspace) -> None:
    metrics = json.loads(workspace.dvc("metrics", "show", "--json"))[""]["data"]
    assert {"mtcs", "mtl"} <= set(metrics["reports/tiny/summary.json"]["data"])
    plots = json.loads(workspace.dvc("plots", "show", "--json"))["data"]
    assert len(plots) == 1
    assert all(plot["content"]["data"]["values"] for group in plots.values() for plot in group), plots


def second_run_does_nothing(workspace: Workspace) -> None:
    assert workspace.stale() == set()
    said = workspace.dvc("repro")
    assert "Running stage" not in said
    assert said.count("didn't change, skipping") == 20
    assert "up to date" in said


def changed_parameters_are_shown(workspace: Workspace) -> None:
    who = ("-c", "user.name=one", "-c", "user.email=one@example.com")
    workspace.run("git", "add", "dvc.lock", "dvc.yaml", "params.yaml")
    workspace.run("git", *who, "commit", "--quiet", "--message", "one")
    with workspace.changed("params.yaml", lambda params: params["methods"]["mtcs"].update(sharing_weight=0.2)):
        shown = json.loads(workspace.dvc("params", "diff", "--json"))
    assert shown == {"params.yaml": {"methods.mtcs.sharing_weight": {"old": 0.1, "new": 0.2, "diff": 0.1}}}


def parameters_of_one_method_rerun_that_method_only(workspace: Workspace) -> None:
    with workspace.changed("params.yaml", lambda params: params["methods"]["mtl"].update(sharing_weight=0.001)):
        expected = {f"train@tiny-mtl-{seed}" for seed in (0, 1)}
        assert workspace.stale() == {*expected, "code", "report@tiny"}
        assert expected <= set(running(workspace.dvc("repro", "--dry")))


def a_variant_is_stale_with_what_it_is_like(workspace: Workspace) -> None:
    """Its own entry does not change; the digest of its resolved parameters does."""
    with workspace.changed("params.yaml", lambda params: params["methods"]["mtcs"]["schedule"].update(epochs=3)):
        workspace.run("mtcs", "code")
        assert {"train@tiny-mtl-0", "train@tiny-mtcs-0"} <= workspace.stale()
    workspace.run("mtcs", "code")
    assert workspace.stale() == set()


def parameters_of_the_classifier_retrain_nothing(workspace: Workspace) -> None:
    with workspace.changed("params.yaml", lambda params: params["classifiers"]["svm"].update(folds=4)):
        runs = [f"tiny-{method}-{seed}" for method in ("mtcs", "mtl") for seed in (0, 1)]
        assert workspace.stale() == {"code", "report@tiny"}
        workspace.run("mtcs", "code")
        assert {name for name in workspace.stale() if "@tiny-" in name} == {f"classify@{run}" for run in runs}
    workspace.run("mtcs", "code")


def code_of_the_report_retrains_nothing(workspace: Workspace) -> None:
    page = workspace.root / "mtcs/reports/page.py"
    for addition, run in (("# another comment", ["code"]), ("another = 1", ["code", "report@tiny"])):
        page.write_text(f"{page.read_text()}\n{addition}\n")
        assert workspace.stale() == {"code"}
        assert running(workspace.dvc("repro")) == run


def running(said: str) -> list[str]:
    """The stages that `dvc repro` says it runs."""
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]
