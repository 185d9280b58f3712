"""`mtcs init`: a folder with a pipeline of its own for one suite."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mtcs.stages.options import WORKSPACE, comma_list, experiment


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
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="N,N,N",
            help="Also run it with so many training series of each label, as 5,10,20, for a curve in its report.",
        ),
    ] = None,
    draws: Annotated[
        int,
        typer.Option("--draws", metavar="N", min=1, max=100, help="How often --labels draws them, each with one seed."),
    ] = 1,
) -> None:
    """Write params.yaml and dvc.yaml of one suite into a folder, where `dvc repro` runs it and keeps a dvc.lock for it.

    DVC reads the pipelines of all folders as one. What a suite costs then does not depend on how many there are.
    """
    from mtcs.config.experiment_file import read_experiment
    from mtcs.config.packaged import packaged_experiment
    from mtcs.config.workspace import new_workspace
    from mtcs.errors import InputError
    from mtcs.files import is_there, write_text

    if is_there(folder) and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder.")
    if there := [name for name in ("params.yaml", "dvc.yaml") if is_there(folder / name)]:
        raise InputError(f"{folder / there[0]} exists; name a folder without a pipeline.")
    counts = [] if labels is None else _counts(labels)
    if draws > 1 and not counts:
        raise InputError(f"--draws is {draws}, but all series are kept; say --labels, too.")
    here = experiment() if is_there(WORKSPACE.params) else packaged_experiment()
    if tasks is None:
        known = here.suite(suite)
        entry = known.model_dump(mode="json", exclude_defaults=True)
        if counts and known.few_labels and counts[-1] >= known.few_labels[0]:
            raise InputError(
                f"--labels: {counts[-1]} is not fewer than labels_per_class {known.labels_per_class} of {suite}; "
                "name smaller numbers."
            )
    else:
        entry = {"tasks": "all" if tasks == "all" else comma_list(tasks)}
    chosen = None if methods is None else comma_list(methods)
    for name, text in new_workspace(suite, entry, chosen, counts, draws).items():
        write_text(folder / name, text)
    made = read_experiment(folder / "params.yaml")
    shared = [name for name in made.trained if name in here.known]
    if other := [name for name in shared if here.parameters(name) != made.parameters(name)]:
        note = f"Its parameters are the package's; those of {WORKSPACE.params} differ for {', '.join(other)}."
        print(note, file=sys.stderr)
    place = folder.resolve()
    begun = any((one / ".dvc").is_dir() for one in (place, *place.parents))
    first = "" if begun else " 'dvc init --no-scm',"
    steps = f"'cd {folder}',{first} then 'dvc repro report@{suite}'"
    print(f"{folder}: params.yaml and dvc.yaml of the suite {suite}; {steps}.")


def _counts(listed: str) -> list[int]:
    """Raises InputError for what is no number of labels."""
    from mtcs.errors import InputError

    names = comma_list(listed)
    for name in names or [listed]:
        if not (name.isascii() and name.isdigit() and 0 < int(name) < 10**6):
            raise InputError(f"--labels: {name!r} is not a number of training series; write --labels 5,10,20.")
    return sorted({int(name) for name in names})
