"""What the documents say: their tables are the reports', their commands exist. `make readme` runs this file."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from itertools import takewhile
from pathlib import Path

import pandas as pd
import pytest
import typer.core
import typer.main
import yaml
from dvc.cli import parse_args
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mtcs.cli import app
from mtcs.config.experiment_file import read_experiment

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
RESULTS = ROOT / "docs/results.md"
SHORT = re.compile(r"(<!-- results:(\w+) -->\n)(.*?)(<!-- /results:\2 -->)", re.DOTALL)
WHOLE = re.compile(r"(<!-- report:([\w/.]+) -->\n)(.*?)(<!-- /report:\2 -->)", re.DOTALL)
# docs/orchestration.md has commands of other programs.
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/reproduce.md", "docs/own-data.md", "docs/performance.md")


def present(path: str) -> str:
    """A report of the working tree, empty where there is none."""
    return (ROOT / path).read_text("utf-8") if (ROOT / path).exists() else ""


def committed(path: str) -> str:
    """A report as committed, empty where there is none."""
    shown = subprocess.run(["git", "show", f"HEAD:{path}"], cwd=ROOT, capture_output=True, encoding="utf-8")
    return shown.stdout if shown.returncode == 0 else ""


def short_table(report: str) -> str:
    """The first table of a report, one row a method, without the columns that need explaining."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in first_table(report)]
    kept = [index for index, title in enumerate(rows[0]) if title in ("method", "accuracy", "paper", "seeds")]
    rows = [[row[index] for index in kept] for row in (rows[0], *rows[2:])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |"
        for row in (rows[0], rule, *rows[1:])
    )


def first_table(text: str) -> list[str]:
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("|"))
    return list(takewhile(lambda line: line.startswith("|"), lines[start:]))


def filled(text: str, report: Callable[[str], str] = present) -> str:
    """A document's text with the tables of the reports, short ones (README) or whole reports without their titles."""

    def section(match: re.Match[str]) -> str:
        if match.re is SHORT:
            content = report(f"reports/{match[2]}/accuracy.md")
            body = short_table(content) if content else ""
        else:
            body = report(f"reports/{match[2]}").partition("\n")[2].strip()
        return match[1] + (f"\n{body}\n\n" if body else "") + match[4]

    return WHOLE.sub(section, SHORT.sub(section, text))


@pytest.mark.parametrize("document", [README, RESULTS], ids=lambda path: path.name)
def test_results_are_those_of_the_reports(document):
    text = document.read_text("utf-8")
    # Another processor's `make demo` changes reports/demo: the documents then still hold what is committed.
    assert text in (filled(text), filled(text, committed)), f"{document.name} and reports/ differ; run 'make readme'"


def test_every_report_is_shown():
    suites = {path.parent.name for path in ROOT.glob("reports/*/accuracy.md")}
    assert {match[2] for match in SHORT.finditer(README.read_text("utf-8"))} == suites - {"demo", "archive91"}
    shown = {match[2] for match in WHOLE.finditer(RESULTS.read_text("utf-8"))}
    assert {f"{suite}/accuracy.md" for suite in suites} <= shown


@pytest.mark.parametrize(
    ("method", "title"), [("mtcs", "MTCS"), ("mtl", "MTL"), ("mmoe", "MMoE"), ("ts2vec_joint", "TS2Vec joint")]
)
def test_ranks_of_related_pairs_in_the_findings_are_those_of_the_report(method, title):
    ranks = pd.read_csv(ROOT / "reports/ucr10/separation.csv").set_index(["method", "form"])["mean_rank"]
    paper, centered = ranks[method, "the paper's form"], ranks[method, "centered"]
    row = f"| {title} | {paper:.1f} | {centered:.1f} |"
    assert row in (ROOT / "docs/findings.md").read_text("utf-8")


def test_the_readme_is_short():
    assert len(README.read_text("utf-8").splitlines()) <= 150


def shell_lines() -> list[str]:
    """Lines of the documents' shell blocks, without variables that are set for one command."""
    text = "\n".join((ROOT / name).read_text("utf-8") for name in DOCUMENTS)
    lines = "".join(re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)).splitlines()
    return sorted({re.sub(r"^(\w+=\S+ )+", "", line.strip()) for line in lines})


def commands(program: str) -> list[str]:
    return [line for line in shell_lines() if line.split()[0] == program]


def test_every_shell_line_is_looked_at():
    assert {line.split()[0] for line in shell_lines()} == {"make", "dvc", "mtcs", "python", "source"}


@pytest.mark.parametrize("command", commands("mtcs"))
def test_mtcs_commands(command):
    _, name, *arguments = shlex.split(command)
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    given = group.commands[name].make_context(name, arguments).params
    experiment = read_experiment(ROOT / "params.yaml")
    assert given.get("suite") in (None, "mine", *experiment.suites)
    assert given.get("method") in (None, *experiment.known)


@pytest.mark.parametrize("command", commands("dvc"))
def test_dvc_commands(command):
    arguments = parse_args(shlex.split(command)[1:])
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    stages, planned = pipeline["stages"], pipeline["vars"][0]["runs"]["suites"]
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
            assert suite in (*planned, "mine")
            assert method in params[matrix["method"].strip("${}")]
            assert int(seed) in params[matrix["seed"].strip("${}")]


@pytest.mark.parametrize("command", commands("python"))
def test_benchmarks(command):
    script, *arguments = shlex.split(command)[1:]
    text = (ROOT / script).read_text("utf-8")
    assert all(f'"{argument}"' in text for argument in arguments if argument.startswith("--"))


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
    steps = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make test"]


def test_pre_commit_runs_what_make_lint_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    recipe = re.findall(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[0]
    assert [hook["entry"] for hook in hooks] == [line.strip() for line in recipe.splitlines()]


def test_every_machine_setting_is_told():
    from mtcs.config.machine import Machine

    message = set(re.findall(r"^\| `(MTCS_\w+)`", (ROOT / "docs/reproduce.md").read_text("utf-8"), re.MULTILINE))
    assert message == {f"MTCS_{name.upper()}" for name in Machine.model_fields}


def test_links_lead_somewhere():
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "data/README.md"):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert (path.parent / link).exists(), f"{path.relative_to(ROOT)}: {link}"


def test_tests_that_the_documents_name_are_there():
    rows = re.findall(
        r"^\|.*\|(.*`\S+\.py`.*)\|(.*)\|$", (ROOT / "docs/reliability.md").read_text("utf-8"), re.MULTILINE
    )
    named = [
        (re.findall(r"`(\S+\.py)`", files), name)
        for files, tests in rows
        for name in re.findall(r"`(test_\w+)`", tests)
    ]
    assert len(named) > 60
    for files, name in named:
        assert any(f"def {name}(" in (ROOT / "tests" / file).read_text("utf-8") for file in files), name


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
    declared = {canonicalize_name(one.name) for one in dependencies("cluster", "export")}
    assert not [name for name in foreign if not declared & set(map(canonicalize_name, packages[name]))]


def test_constraints_pin_every_dependency():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = dict(line.split("==") for line in lines)
    assert len(pins) == len(lines)
    assert not [pin for pin in pins.values() if not re.fullmatch(r"[0-9a-z.]+", pin)], (
        "a version alone, for any machine"
    )
    names = {canonicalize_name(name): version for name, version in pins.items()}
    for requirement in dependencies("dev", "cluster", "docs", "export"):
        assert requirement.specifier.contains(names[canonicalize_name(requirement.name)]), requirement


if __name__ == "__main__":
    for document in (README, RESULTS):
        document.write_text(filled(document.read_text("utf-8")), "utf-8")
