"""`mtcs init`: a folder with a pipeline of its own for one suite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtcs.stages.options import WORKSPACE, experiment


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder, or one without a pipeline.")],
    suite: Annotated[
        str, typer.Option("--suite", metavar="NAME", help="A suite of params.yaml; or with --tasks a new one.")
    ],
    tasks: Annotated[
        str | None, typer.Option("--tasks", metavar="NAMES", help="Of a new suite, as A,B,C; or all.")
    ] = None,
    methods: Annotated[
        str | None, typer.Option("--methods", metavar="NAMES", help="Those to run, as mtcs,mtl; default: all.")
    ] = None,
) -> None:
    """Write params.yaml and dvc.yaml of one suite into a folder, where `dvc repro` runs it and keeps a dvc.lock for it.

    DVC reads the pipelines of all folders as one. What a suite costs then does not depend on how many there are.
    """
    from mtcs.config.packaged import packaged_experiment
    from mtcs.config.workspace import new_workspace
    from mtcs.errors import InputError
    from mtcs.layout import atomic_write, is_there

    if there := [name for name in ("params.yaml", "dvc.yaml") if is_there(folder / name)]:
        raise InputError(f"{folder / there[0]} exists; name a folder without a pipeline.")
    if tasks is None:
        known = experiment() if is_there(WORKSPACE.params) else packaged_experiment()
        entry = known.suite(suite).model_dump(mode="json", exclude_defaults=True)
    else:
        entry = {"tasks": "all" if tasks == "all" else _names(tasks)}
    for name, text in new_workspace(suite, entry, None if methods is None else _names(methods)).items():
        with atomic_write(folder / name) as part:
            part.write_text(text, encoding="utf-8")
    print(f"{folder}: params.yaml and dvc.yaml of the suite {suite}; 'cd {folder}', then 'dvc repro report@{suite}'.")


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]
