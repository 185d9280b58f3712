"""The site of docs/ builds without a warning, so its links lead somewhere, and loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def build(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(site)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    site = tmp_path_factory.mktemp("site")
    done = build(ROOT, site)
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_text("utf-8") for path in site.glob("*.html")}


def test_every_document_is_a_page(pages):
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} == {Path(name).stem for name in pages} - {"404"}
    assert "covariance_similarity" in pages["api.html"]
    assert "Keep a Changelog" in pages["changelog.html"]


def test_pages_load_nothing_from_elsewhere(pages):
    loaded = [url for page in pages.values() for url in re.findall(r'(?:src|<link [^>]*href)="(https?:[^"]+)"', page)]
    assert not loaded


def test_a_broken_link_fails_the_build(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("[nowhere](missing.md)")
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    (tmp_path / "mkdocs.yml").write_text(
        re.sub(r"^(nav|hooks|plugins|exclude_docs):.*\n((  .*)?\n)*", "", text, flags=re.MULTILINE)
    )
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode == 1
    assert "missing.md" in done.stderr
