"""The examples of docs/own-data.md: each file is read as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy
import pandas
import pytest

import mtcs

PAGE = (Path(__file__).parent.parent / "docs/own-data.md").read_text("utf-8")
FILES = re.compile(r"\n(\*\*`[^\n]+(?:\n[^\n]+)*)\n\n```[ct]sv\n(.*?)```", re.DOTALL)
CODE = re.compile(r"```python\n((?:(?!import mtcs).)*?)```", re.DOTALL)
SAID = re.compile(r"^> (.*)$", re.MULTILINE)


def test_every_file_is_read_as_the_page_says(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for text, content in FILES.findall(PAGE):
        for name in re.findall(r"\*\*`([^`]+)`", text):
            path = Path("sensors", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    for code in CODE.findall(PAGE):
        exec(code, {"numpy": numpy, "pandas": pandas})
    data = mtcs.read_folder("sensors")
    message = capsys.readouterr().err.splitlines()
    expected = SAID.findall(PAGE)
    assert len(expected) == 7
    assert not set(expected) - set(message), message
    assert set(data) == {"pumps", "fans", "drives", "door", "gate", "valves", "motors", "Belt"}
    assert set(data.test) == {"Belt"}


@pytest.mark.parametrize("command", ["fit", "predict"])
def test_every_option_of_the_page_exists(command: str) -> None:
    from typer.main import get_command

    from mtcs.cli import app

    (table,) = re.findall(r"\| option of `fit`.*?\n\n", PAGE, re.DOTALL)
    known = {name for one in get_command(app).commands[command].params for name in (*one.opts, *one.secondary_opts)}
    named = set(re.findall(r"--[a-z][a-z-]+", table)) - ({"--missing"} if command == "predict" else set())
    assert len(named) >= 11
    assert named <= known
