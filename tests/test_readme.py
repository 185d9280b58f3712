"""What the README says: its tables are the reports', its commands exist. `make readme` runs this file as a script."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import typer.core
import typer.main
import yaml
from dvc.cli import parse_args
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mtcs.cli import app
from mtcs.config.experiment import read_experiment

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SECTION = re.compile(r"(<!-- results:(\w+) -->\n)(.*?)(<!-- /results:\2 -->)", re.DOTALL)
DOCUMENTS = ("README.md", "CONTRIBUTING.md")  # docs/orchestration.md has commands of other programs


def present(path: str) -> str:
    """A report of the working tree, empty where there is none."""
    return (ROOT / path).read_text("utf-8") if (ROOT / path).exists() else ""


def committed(path: str) -> str:
    """A report as committed, empty where there is none."""
    shown = subprocess.run(["git", "show", f"HEAD:{path}"], cwd=ROOT, capture_output=True, encoding="utf-8")
    return shown.stdout if shown.returncode == 0 else ""


def filled(text: str, report: Callable[[str], str] = present) -> str:
    """The README's text, its results sections the first part of `reports/<suite>/accuracy.md`: one row a method."""

    def section(match: re.Match[str]) -> str:
        body = report(f"reports/{match[2]}/accuracy.md").partition("\n")[2]  # without its title
        table = body.partition("\nAccuracy by task:")[0].strip()
        return match[1] + (f"\n{table}\n\n" if table else "") + match[4]

    return SECTION.sub(section, text)


def test_results_are_those_of_the_reports():
    text = README.read_text("utf-8")
    assert [match[2] for match in SECTION.finditer(text)] == ["ucr12", "ucr10", "demo"]
    # Another processor's `make demo` changes reports/demo: the README then still holds what is committed.
    assert text in (filled(text), filled(text, committed)), "README.md and reports/ differ; run 'make readme'"


def shell_lines() -> list[str]:
    """Lines of the documents' shell blocks, without variables that are set for one command."""
    text = "\n".join((ROOT / name).read_text("utf-8") for name in DOCUMENTS)
    lines = "".join(re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)).splitlines()
    return sorted({re.sub(r"^(\w+=\S+ )+", "", line.strip()) for line in lines})


def commands(program: str) -> list[str]:
    return [line for line in shell_lines() if line.split()[0] == program]


def test_every_shell_line_is_looked_at():
    assert {line.split()[0] for line in shell_lines()} == {"make", "dvc", "mtcs", "source", "rm"}


@pytest.mark.parametrize("command", commands("mtcs"))
def test_mtcs_commands(command):
    _, name, *arguments = shlex.split(command)
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    given = group.commands[name].make_context(name, arguments).params
    experiment = read_experiment(ROOT / "params.yaml")
    assert given.get("suite") in (None, *experiment.suites)
    assert given.get("method") in (None, *experiment.known)


@pytest.mark.parametrize("command", commands("dvc"))
def test_dvc_commands(command):
    arguments = parse_args(shlex.split(command)[1:])
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    suites = params["suites"]
    for target in getattr(arguments, "targets", None) or []:
        stage, run = target.split("@")
        assert stage in stages
        suite, *run = run.split("-")
        assert suite in (*suites, "mine")
        if run:
            method, seed = run
            matrix = stages[stage]["matrix"]
            assert suite in (*matrix["suite"], "mine")
            assert method in params[matrix["method"].strip("${}")]
            assert int(seed) in params[matrix["seed"].strip("${}")]


@pytest.mark.parametrize("command", commands("make"))
def test_make_commands(command):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(shlex.split(command)[1:]) <= set(targets)


def test_make_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    assert re.findall(r"^([a-z-]+):.*## \w", makefile, re.MULTILINE) == phony


def test_ci_runs_the_readmes_test_command():
    assert "make test" in commands("make")
    assert "\nmake test\n" in (ROOT / ".ci/run").read_text()


def test_every_machine_setting_is_told():
    from mtcs.config.machine import Machine

    told = set(re.findall(r"^\| `(MTCS_\w+)`", README.read_text("utf-8"), re.MULTILINE))
    assert told == {f"MTCS_{name.upper()}" for name in Machine.model_fields}


def test_links_lead_somewhere():
    for name in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text("utf-8")):
            assert (ROOT / link).exists(), f"{name}: {link}"


def dependencies(*extras: str) -> list[Requirement]:
    """What pyproject.toml asks for, with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = [line for extra in extras for line in project["optional-dependencies"][extra]]
    return [Requirement(line) for line in (*project["dependencies"], *optional)]


def test_every_package_that_is_imported_is_a_dependency():
    trees = [ast.parse(path.read_text()) for folder in ("mtcs", "flows") for path in (ROOT / folder).rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    foreign = {name.split(".")[0] for name in imported} - {"mtcs", "flows"} - sys.stdlib_module_names
    packages = packages_distributions()
    declared = {canonicalize_name(one.name) for one in dependencies("cluster")}
    assert not [name for name in foreign if not declared & set(map(canonicalize_name, packages[name]))]


def test_constraints_pin_every_dependency():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = dict(line.split("==") for line in lines)
    assert len(pins) == len(lines)
    assert not [pin for pin in pins.values() if not re.fullmatch(r"[0-9a-z.]+", pin)], (
        "a version alone, for any machine"
    )
    names = {canonicalize_name(name): version for name, version in pins.items()}
    for requirement in dependencies("dev", "cluster"):
        assert requirement.specifier.contains(names[canonicalize_name(requirement.name)]), requirement


if __name__ == "__main__":
    README.write_text(filled(README.read_text("utf-8")), "utf-8")
