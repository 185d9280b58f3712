"""What `conftest.py` keeps from the tests, whatever they are run by."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_settings_of_the_machine_and_of_git_reach_no_fixture():
    code = (
        "import os, conftest; print(*(f'{n}={v}' for n, v in sorted(os.environ.items()) if n[:4] in ('GIT_', 'MTCS')))"
    )
    theirs = {"GIT_DIR": "/elsewhere/.git", "GIT_INDEX_FILE": "/elsewhere/index", "MTCS_DEVICE": "tpu"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=Path(__file__).parent, env=os.environ | theirs, capture_output=True, text=True)
    assert done.stdout.split() == [f"GIT_CONFIG_GLOBAL={os.devnull}", "GIT_CONFIG_NOSYSTEM=1"], done.stderr
