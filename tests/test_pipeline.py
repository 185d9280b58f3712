"""`dvc.yaml` against the command line, the layout and the code's imports; and a whole run of a tiny suite."""

from __future__ import annotations

import ast
import inspect
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from contextlib import contextmanager
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
from mtcs.config.experiment import read_experiment
from mtcs.layout import Layout
from mtcs.specs.multitask import MultiTaskSpec

ROOT = Path(__file__).parent.parent

WIRING = {
    "mtcs",
    "mtcs.cli",
    "mtcs.evaluation.cluster",
    "mtcs.errors",
    "mtcs.config.classifiers",
    "mtcs.config.experiment",
    "mtcs.layout",
    "mtcs.config.machine",
    "mtcs.ops.memory",
    "mtcs.methods",
    "mtcs.progress",
    "mtcs.specs",
    "mtcs.stages",
    "mtcs.training",
    "mtcs.data.splits",
}
"""Modules no number passes through: they carry values from one place to another, so a change there retrains nothing."""

NO_PART = {"represent": {"mtcs.sharing"}}
"""Imported on the way, but used in training alone: a new sharing loss gives a new model, which is a dep itself."""


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


def paths(stage: PipelineStage, what: str) -> list[str]:
    """Paths of a stage's `deps` or `outs` as `dvc.yaml` has them; parameters are not among them."""
    return [str(one.def_path) for one in getattr(stage, what) if not isinstance(one, ParamsDependency)]


def parsed(command: str) -> tuple[str, dict[str, Any]]:
    """A command of `mtcs` and its arguments, checked by the command line's own parser; nothing is run."""
    program, name, *arguments = command.split()
    assert program == "mtcs"
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return name, group.commands[name].make_context(name, arguments).params


def test_every_command_parses(pipeline):
    assert len(pipeline) > 100
    for stage in pipeline:
        name, arguments = parsed(stage.cmd)
        assert stage_of(stage) == name
        expected = "-".join(str(arguments[key]) for key in ("suite", "method", "seed") if key in arguments)
        assert stage.name.split("@")[1] == expected, stage.cmd


def test_outs_are_those_of_the_layout(pipeline):
    for stage in pipeline:
        name, arguments = parsed(stage.cmd)
        run = {key: arguments[key] for key in ("suite", "method", "seed") if key in arguments}
        assert sorted(paths(stage, "outs")) == sorted(path.as_posix() for path in layout_outs(name, **run)), stage.name


def test_a_report_that_cannot_be_made_anew_stays(pipeline):
    for stage in pipeline:
        if parsed(stage.cmd)[0] == "report":
            assert all(out.persist and not out.use_cache for out in stage.outs), stage.name


def layout_outs(stage: str, suite: str, method: str = "", seed: int = -1) -> list[Path]:
    layout, run = Layout(), (suite, method, seed)
    match stage:
        case "download":
            return [layout.raw(suite, "T").parent]
        case "normalize":
            return [layout.normalized(suite, "T").parent]
        case "train":
            return [layout.models(*run), layout.training(*run)]
        case "represent":
            return [layout.representation(*run, "T").parent, layout.representation_cost(*run)]
        case "classify":
            return [layout.prediction(*run, "T").parent, layout.classifier(*run, "T").parent]
        case "measure":
            return [layout.result(*run)]
        case "report":
            return [layout.report(suite)]
    raise AssertionError(f"{stage} is no stage of dvc.yaml that this test knows")


def test_data_and_parameters_of_a_stage_are_those_it_reads(pipeline):
    for stage in pipeline:
        name, arguments = parsed(stage.cmd)
        run = {key: arguments[key] for key in ("suite", "method", "seed") if key in arguments}
        data = [dep for dep in paths(stage, "deps") if not dep.startswith("mtcs/")]
        assert sorted(data) == sorted(path.as_posix() for path in layout_deps(name, **run)), stage.name
        listed = [key for dep in stage.deps if isinstance(dep, ParamsDependency) for key in dep.params]
        assert sorted(listed) == sorted(parameters_read(name, **run)), stage.name


def layout_deps(stage: str, suite: str, method: str = "", seed: int = -1) -> list[Path]:
    layout, run = Layout(), (suite, method, seed)
    normalized = layout.normalized(suite, "T").parent
    match stage:
        case "download":
            return []
        case "normalize":
            return [layout.raw(suite, "T").parent]
        case "train":
            return [normalized]
        case "represent":
            return [normalized, layout.models(*run)]
        case "classify":
            return [normalized, layout.representation(*run, "T").parent]
        case "measure":
            costs, predictions = layout.representation_cost(*run), layout.prediction(*run, "T").parent
            return [normalized, layout.training(*run), layout.representation(*run, "T").parent, costs, predictions]
        case "report":
            return [layout.costs(suite).parent]
    raise AssertionError(f"{stage} is no stage of dvc.yaml that this test knows")


def parameters_read(stage: str, suite: str, method: str = "", seed: int = -1) -> list[str]:
    match stage:
        case "download" | "normalize":
            return [f"suites.{suite}"]
        case "train" | "represent":
            return [f"suites.{suite}.tasks", f"methods.{method}"]
        case "classify":
            return [f"suites.{suite}.tasks", f"methods.{method}.classifier", "classifiers"]
        case "measure":
            return [f"suites.{suite}.tasks", f"methods.{method}", "classifiers"]
        case "report":
            runs = ["seeds", "seeds_alone", "joint", "alone", "ablation"]
            return [f"suites.{suite}", *runs, "methods", "classifiers"]
    raise AssertionError(f"{stage} is no stage of dvc.yaml that this test knows")


def test_dvc_tells_nobody_that_it_is_used():
    config = ConfigParser()
    config.read(ROOT / ".dvc/config")
    assert not config.getboolean("core", "analytics")


def test_deps_are_files_of_the_package_or_outs_of_a_stage(pipeline):
    outs = [Path(out) for stage in pipeline for out in paths(stage, "outs")]
    for stage in pipeline:
        for dep in map(Path, paths(stage, "deps")):
            if dep.parts[0] in ("data", "results"):
                assert any(dep == out or dep in out.parents for out in outs), f"{stage.name}: nothing makes {dep}"
            else:
                assert (ROOT / dep).exists(), f"{stage.name}: there is no {dep}"


def test_code_deps_are_the_modules_a_stage_imports(pipeline):
    wrong = set()
    methods = read_experiment(ROOT / "params.yaml").methods
    imported = {name: closure(stage_imports(name)) for name in {stage_of(stage) for stage in pipeline}}
    for stage in pipeline:
        name = stage_of(stage)
        needed = imported[name] - WIRING - NO_PART.get(name, set())
        if method := parsed(stage.cmd)[1].get("method"):  # of the methods, its own; a group may list more
            own = type(methods[method]).__module__.split(".")[-1]
            kept = {f"mtcs.{part}.{module}" for part in ("methods", "specs") for module in (own, "base")}
            needed = {one for one in needed if not one.startswith(("mtcs.methods.", "mtcs.specs.")) or one in kept}
            if not isinstance(methods[method], MultiTaskSpec):
                needed.discard("mtcs.sharing")
        listed = set()
        for dep in paths(stage, "deps"):
            found = sorted((ROOT / dep).rglob("*.py")) if (ROOT / dep).is_dir() else [ROOT / dep]
            listed |= {module_name(path) for path in found if dep.startswith("mtcs/") and path.suffix == ".py"}
        wrong |= {f"{name} imports {module} and does not list it among its deps" for module in needed - listed}
        foreign = listed - imported[name]
        wrong |= {f"{name} lists {module} among its deps and does not import it" for module in foreign}
    assert not sorted(wrong)


def test_data_of_the_package_is_a_dep_of_a_stage(pipeline):
    listed = {dep for stage in pipeline for dep in paths(stage, "deps")}
    for path in (ROOT / "mtcs").rglob("*"):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and path.suffix != ".py" and path.parent.name != "__pycache__":
            assert any(name == dep or name.startswith(f"{dep}/") for dep in listed), f"no stage depends on {name}"


def test_runs_are_those_of_params(pipeline):
    experiment = read_experiment(ROOT / "params.yaml")
    wanted = {(stage, suite) for stage in ("download", "normalize", "report") for suite in experiment.suites}
    for suite in experiment.suites:
        runs = experiment.runs(suite)
        if suite == "ucr10":
            runs |= dict.fromkeys(experiment.ablation, experiment.seeds)
        for method, seeds in runs.items():
            stages = ("train", "represent", "classify", "measure")
            wanted |= {(stage, f"{suite}-{method}-{seed}") for stage in stages for seed in seeds}
    assert {(stage_of(stage), stage.name.split("@")[1]) for stage in pipeline} == wanted
    assert len(pipeline) == len(wanted)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def module_file(name: str) -> Path | None:
    """The file of a module, None where the name is something else, such as a function inside a module."""
    base = ROOT.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def imports(tree: ast.AST) -> set[str]:
    """Our modules that code imports, wherever in it, less what only a type checker sees."""
    found = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None and node.level == 0, "relative imports are not followed"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        waiting += ast.iter_child_nodes(node)
    return {name for name in found if name.split(".")[0] == "mtcs" and module_file(name)}


def stage_imports(name: str) -> set[str]:
    """Our modules that a stage function imports, itself or through the functions of `stages.py` it mentions."""
    tree = ast.parse(inspect.getsource(stages))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    reached, waiting = set(), [name]
    while waiting:
        if (function := waiting.pop()) in functions and function not in reached:
            reached.add(function)
            body = functions[function].body  # decorators and annotations run nothing
            waiting += [node.id for part in body for node in ast.walk(part) if isinstance(node, ast.Name)]
    return {module for function in reached for part in functions[function].body for module in imports(part)} - WIRING


def closure(modules: set[str]) -> set[str]:
    """The modules, and whatever of ours they import in turn."""
    reached, waiting = set(), sorted(modules)
    while waiting:
        if (module := waiting.pop()) not in reached:
            reached.add(module)
            file = module_file(module)
            assert file is not None
            waiting += imports(ast.parse(file.read_text()))
    return reached


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from mtcs.data.task import Task, read_task", {"mtcs.data.task"}),
        ("from mtcs import training", {"mtcs", "mtcs.training"}),
        ("import mtcs.methods.base\nimport torch", {"mtcs.methods.base"}),
        ("def f():\n    from mtcs.sharing import affinity", {"mtcs.sharing"}),
        (
            "if TYPE_CHECKING:\n    from mtcs.sharing import affinity\nelse:\n    import mtcs.data.task",
            {"mtcs.data.task"},
        ),
    ],
)
def test_imports_are_found(code, expected):
    assert imports(ast.parse(code)) == expected


def test_closure_goes_through_modules_that_are_wiring_themselves():
    assert {"mtcs.specs", "mtcs.methods.multitask", "mtcs.encoders.dilated"} <= closure({"mtcs.training.loop"})


# A whole run of a tiny suite


class Workspace:
    """A copy of the project, with parameters of its own, and DVC and git that know nothing of this machine's user."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "workspace"
        self.archive = folder / "archive"
        (folder / "home").mkdir()
        self.environment = environment(folder / "home", MTCS_ARCHIVE=str(self.archive))
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
        params["seeds"], params["joint"], params["alone"], params["ablation"] = [0, 1], ["mtcs", "mtl"], [], []
        params["classifiers"]["svm"]["costs"] = [1, 100]
        for method in params["joint"]:
            params["methods"][method] |= {"depth": 2, "hidden": 8, "output": 16}
            params["methods"][method]["schedule"] = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01}

    def suites(pipeline: dict[str, Any]) -> None:
        for what in ("metrics", "plots"):
            ours = [entry for entry in pipeline[what] if "demo" in json.dumps(entry)]
            pipeline[what] = json.loads(json.dumps(ours).replace("demo", "tiny"))
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
    assert len(plots) == 2
    assert all(plot["content"]["data"]["values"] for group in plots.values() for plot in group), plots


def second_run_does_nothing(workspace: Workspace) -> None:
    assert workspace.stale() == set()
    said = workspace.dvc("repro")
    assert "Running stage" not in said
    assert said.count("didn't change, skipping") == 19
    assert "up to date" in said


def changed_parameters_are_shown(workspace: Workspace) -> None:
    who = ("-c", "user.name=one", "-c", "user.email=one@example.com")
    workspace.run("git", "add", "dvc.lock", "dvc.yaml", "params.yaml")
    workspace.run("git", *who, "commit", "--quiet", "--message", "one")
    with workspace.changed("params.yaml", lambda params: params["methods"]["mtcs"].update(sharing_weight=0.2)):
        shown = json.loads(workspace.dvc("params", "diff", "--json"))
    assert shown == {"params.yaml": {"methods.mtcs.sharing_weight": {"old": 0.1, "new": 0.2, "diff": 0.1}}}


def parameters_of_one_method_rerun_that_method_only(workspace: Workspace) -> None:
    with workspace.changed("params.yaml", lambda params: params["methods"]["mtcs"].update(sharing_weight=0.2)):
        expected = {f"{stage}@tiny-mtcs-{seed}" for stage in ("train", "represent", "measure") for seed in (0, 1)}
        assert workspace.stale() == {*expected, "report@tiny"}
        said = workspace.dvc("repro", "--dry")
        assert expected <= set(running(said))
        assert not [name for name in running(said) if "mtl" in name]


def parameters_of_the_classifier_retrain_nothing(workspace: Workspace) -> None:
    with workspace.changed("params.yaml", lambda params: params["classifiers"]["svm"].update(folds=4)):
        runs = [f"tiny-{method}-{seed}" for method in ("mtcs", "mtl") for seed in (0, 1)]
        expected = {f"{stage}@{run}" for stage in ("classify", "measure") for run in runs}
        assert workspace.stale() == {*expected, "report@tiny"}
        assert set(running(workspace.dvc("repro", "--dry"))) == {*expected, "report@tiny"}


def code_of_the_report_retrains_nothing(workspace: Workspace) -> None:
    (workspace.root / "mtcs/reports/page.py").write_text("# something else")
    assert workspace.stale() == {"report@tiny"}


def running(said: str) -> list[str]:
    """The stages that `dvc repro` says it runs."""
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]
