"""Brings the reports' figures into the site: pages link to `../reports/...`, as they lie in the repository."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds every committed figure to the files of the site."""
    for path in sorted(ROOT.glob("reports/*/*.svg")):
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Points links to figures at their copies in the site."""
    return markdown.replace("](../reports/", "](reports/")
