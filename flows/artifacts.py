"""What a run leaves to look at: each suite's table of accuracies and its heat map of task similarities."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from prefect.artifacts import create_image_artifact, create_markdown_artifact

from mtcs.layout import Layout


def show_report(root: Path, suite: str) -> None:
    """Make artifacts of a suite's report, which must exist."""
    report = (Layout(root).report(suite)).resolve()
    name = re.sub(r"[^a-z0-9]+", "-", suite.lower())
    page = report / "report.html"
    table = (report / "accuracy.md").read_text("utf-8")
    create_markdown_artifact(
        f"{table}\n\nThe whole report: [{page}]({page.as_uri()})", f"accuracy-{name}", f"Accuracies of {suite}"
    )
    drawn = sorted(report.glob("similarity-*.svg"))
    for heat_map in [report / "similarity-mtcs.svg"] if report / "similarity-mtcs.svg" in drawn else drawn[:1]:
        picture = base64.b64encode(heat_map.read_bytes()).decode("ascii")
        create_image_artifact(
            f"data:image/svg+xml;base64,{picture}", f"similarity-{name}", f"Task similarities of {suite}, {page}"
        )
