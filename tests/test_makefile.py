"""How the Makefile makes `.venv`, with a Python that only pretends to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = """#!/bin/sh
case "$*" in
  "-m venv --clear .venv")
    rm -rf .venv
    mkdir -p .venv/bin
    ln -s "$PWD/base" .venv/bin/python
    if [ -e broken ]; then exit 1; fi
    touch .venv/bin/pip .venv/bin/activate ;;
  "-m pip "*) test -e .venv/bin/pip ;;
esac
"""


@pytest.fixture(autouse=True)
def makefile(here: Path) -> None:
    """The Makefile and a base Python, in the current folder."""
    shutil.copy(ROOT / "Makefile", here)
    for name in ("pyproject.toml", "constraints.txt"):
        Path(name).touch()
    Path("base").write_text(PYTHON)
    Path("base").chmod(0o755)


def install() -> list[str]:
    """What `make install` runs: the name of the module of each `python -m`."""
    done = subprocess.run(["make", "PYTHON=./base", "install"], capture_output=True, text=True)
    ran = [line.split(" -m ")[1].split()[0] for line in done.stdout.splitlines() if " -m " in line]
    return [*ran, *(["fails"] if done.returncode else [])]


def test_an_intact_environment_is_not_made_again():
    assert install() == ["venv", "pip", "pip"]
    assert install() == []


def test_an_environment_that_was_not_made_whole_is_made_again():
    Path("broken").touch()
    assert install() == ["venv", "fails"]
    Path("broken").unlink()
    assert install() == ["venv", "pip", "pip"]


def test_an_environment_whose_python_is_gone_is_made_again():
    install()
    Path(".venv/bin/python").unlink()
    Path(".venv/bin/python").symlink_to("/nowhere/python3")
    assert install() == ["venv", "pip", "pip"]
    assert install() == []
