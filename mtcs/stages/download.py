"""`mtcs download`: a suite's data sets, from wherever they are, into data/raw."""

from __future__ import annotations

from typing import Annotated

import typer

from mtcs.errors import InputError, counted
from mtcs.progress import progress
from mtcs.stages.options import WORKSPACE, SuiteName, experiment


def download(
    suite: SuiteName,
    archive: Annotated[
        str | None,
        typer.Option("--archive", help="Folder of zip, .ts or .tsv files, or URL with {name}. Also MTCS_ARCHIVE."),
    ] = None,
) -> None:
    """Bring a suite's data sets into data/raw, checked; those of the UCR archive against its published sizes."""
    from mtcs.config.machine import read_machine
    from mtcs.data.received import record_received
    from mtcs.data.sources import fetch_task, local_folder

    wanted = experiment().suite(suite)
    source = "aeon" if wanted.source == "aeon" else archive or read_machine().archive
    if (folder := local_folder(source)) is not None and not folder.is_dir():
        raise InputError(f"MTCS_ARCHIVE is {source!r}, which is neither a folder nor a URL template with '{{name}}'.")
    total = len(wanted.tasks)
    with progress(f"download {suite}", total, "tasks") as advance:
        for done, name in enumerate(wanted.tasks):

            def show(what: str, received: int, size: int | None, done: int = done) -> None:
                advance(done, f"{what}: {received / 1e6:.1f} of {'?' if size is None else f'{size / 1e6:.1f}'} MB")

            folder = WORKSPACE.raw(suite, name)
            fetched = fetch_task(name, folder, source, show)
            record_received(folder.parent, name)
            advance(done + 1, f"{name} {'fetched' if fetched else 'there already'}")
    print(f"{suite}: {counted(total, 'task')} in {WORKSPACE.raw(suite, wanted.tasks[0]).parent}")
