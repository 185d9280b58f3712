"""The example script does what it says, in an empty folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mtcs

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_example_of_own_data_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/own_data.py")], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "sensors").iterdir()} == {"pumps.csv", "fans.csv", "valves.csv"}
    assert "accuracy" in done.stdout
    assert list(mtcs.load(tmp_path / "machines.mtcs").classes_) == ["fans", "pumps", "valves"]
