"""The site of docs/ builds without a warning, so its links lead somewhere, and loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(site)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_text("utf-8") for path in site.glob("*.html")}


def test_every_document_is_a_page(pages):
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} == {Path(name).stem for name in pages} - {"404"}
    assert "covariance_similarity" in pages["api.html"]
    assert "Keep a Changelog" in pages["changelog.html"]


def test_pages_load_nothing_from_elsewhere(pages):
    loaded = [url for page in pages.values() for url in re.findall(r'(?:src|<link [^>]*href)="(https?:[^"]+)"', page)]
    assert not loaded


def test_a_broken_link_fails_the_build():
    configuration = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    assert configuration["strict"] is True, "warnings are errors"
    assert set(configuration["validation"].values()) == {"warn"}
