"""CONTRIBUTING.md says how to add a method in four files: a scratch copy of the project does it."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
FILES = {"mtcs/methods/noisy.py", "mtcs/config/methods.py", "params.yaml", "tests/methods/test_noisy.py"}


def blocks() -> tuple[str, str, str, str]:
    """The method, its spec, its entry in params.yaml, and its test."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text[text.index("## Adding a method") : text.index("## Tests")]
    result = re.findall(r"    ```(python|yaml)\n(.*?)    ```", section, re.DOTALL)
    assert [language for language, _ in result] == ["python", "python", "yaml", "python"]
    method, spec, entry, test = (textwrap.dedent(body) for _, body in result)
    return method, spec, entry, test


def test_a_method_is_added_in_four_files(tmp_path: Path):
    for name in ("mtcs", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    section = (ROOT / "CONTRIBUTING.md").read_text()
    assert set(re.findall(r"^\d\. \*\*`([^`]+)`\*\*", section, re.MULTILINE)) == FILES
    method, spec, entry, test = blocks()
    (tmp_path / "mtcs/methods/noisy.py").write_text(method)
    (tmp_path / "tests/methods/test_noisy.py").write_text(test)
    specs = tmp_path / "mtcs/config/methods.py"
    text = specs.read_text().replace("MethodSpec = Annotated", f"{spec}\n\nMethodSpec = Annotated")
    specs.write_text(text.replace("| SeriesSpec,\n", "| SeriesSpec | NoisySpec,\n"))
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    params["methods"] |= yaml.safe_load(entry)
    params["single_task"].append("noisy")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    test_files = ("tests/methods/test_contract.py", "tests/methods/test_noisy.py")
    commands = (
        ("-m", "ruff", "check", "mtcs/config", "mtcs/methods", "tests/methods"),
        ("-m", "ruff", "format", "--check", "mtcs/config", "mtcs/methods", "tests/methods"),
        ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "noisy", *test_files),
        ("-c", "from mtcs.cli import main; main()", "code"),
    )
    for command in commands:
        run = [sys.executable, *command]
        done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
