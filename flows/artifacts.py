"""What a run leaves on Prefect's page: each suite's report, and its result with the figure and the tables."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from prefect.artifacts import Artifact, create_markdown_artifact

from mtcs.layout import Layout


def show_report(root: Path, suite: str) -> None:
    """Make artifacts of a suite's report, which must exist; Prefect's page of the run shows them in this order."""
    report = Layout(root).report(suite)
    name = re.sub(r"[^a-z0-9]+", "-", suite.lower())
    page = page_content((report / "report.html").read_text("utf-8"))
    page_id = _stored(page, f"report-{name}", f"Report of {suite}")
    sentence, table, rest = (report / "accuracy.md").read_text("utf-8").partition("\n\n|")
    overview = f"![Mean accuracy by method]({_data_address((report / 'overview.svg').read_bytes())})"
    link = f"[The whole report](/artifacts/artifact/{page_id}); its files are in `{report.resolve()}`."
    result = f"{sentence}\n\n{overview}{table}{rest}\n\n{link}"
    create_markdown_artifact(result, f"accuracy-{name}", f"Accuracies of {suite}")


def _stored(page: str, key: str, description: str) -> Any:
    """The number of the artifact with that page: of the key's last one if it has the same, else of a new one."""
    last: Any = Artifact.get(key)  # a coroutine only where one is running
    if last is not None and last.data == page:
        return last.id
    return create_markdown_artifact(page, key, description)


def page_content(page: str) -> str:
    """The content of a report's page as Prefect shows it: no scripts or styles, and figures as images.

    Prefect removes the styles that the figures are drawn with, so each takes the page's along as an image of its own.
    """
    style = "".join(re.findall(r"<style>.*?</style>", page, re.DOTALL))

    def as_image(figure: re.Match[str]) -> str:
        return f'<img alt="" src="{_data_address(f"{figure[1]}{style}{figure[2]}".encode())}">'

    body = page.partition("<body>")[2].partition("</body>")[0] or page
    body = re.sub(r"<(nav|script)\b.*?</\1>", "", body, flags=re.DOTALL)
    body = re.sub(r'<(figure|p) class="(?:phone|cue)".*?</\1>', "", body, flags=re.DOTALL)  # of its styles
    body = re.sub(r"(<svg\b[^>]*>)(.*?</svg>)", as_image, body, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", "\n", body)  # an empty line, or an indented one, ends HTML within Markdown


def _data_address(picture: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture).decode('ascii')}"
