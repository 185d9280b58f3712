"""New series of a task, to be labelled: a file of any format, a folder of recordings, or standard input."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtcs.data.files import from_stdin, read_file
from mtcs.data.recording_files import read_recording_files
from mtcs.data.recordings import Recordings
from mtcs.data.table_options import TableOptions
from mtcs.errors import InputError

STDIN = Path("-")


def read_new_series(path: Path, task: str, options: TableOptions, known: frozenset[str]) -> Recordings:
    """The series of `task` in the order in which they stand there.

    Args:
        path: a file, a folder with a file for each recording, or `STDIN`.
        task: of a file with several tasks, the one whose series are taken.
        options: what is known of tables.
        known: the labels of the task; first numbers of rows that are not all among these are no labels.

    Raises:
        InputError: in one line, if there are no such series.
    """
    if path == STDIN:
        with tempfile.TemporaryDirectory() as folder:
            try:
                by_task = read_file(from_stdin(Path(folder)), options, known)
            except InputError as error:  # the file's place says nothing to whoever wrote to standard input
                raise InputError(str(error).replace(f"{folder}/", "")) from error
    elif path.is_dir():
        by_task: dict[str | None, Recordings] = {None: read_recording_files(path, options)}
    else:
        by_task = read_file(path, options, known)
    if None in by_task:
        return by_task[None]
    if task not in by_task:
        raise InputError(
            f"{path} has series of {', '.join(map(str, by_task))[:200]}, and none of task {task}; see --task."
        )
    return by_task[task]


def names_of(recordings: Recordings) -> list[str]:
    """What messages call the series: as the file does, or else by their number from 0."""
    return recordings.ids or [str(i) for i in range(len(recordings))]


def odd_series(recordings: Recordings, shortest: int) -> Iterator[str]:
    """Of series that a classifier can say little of, one sentence each.

    shortest: steps of the shortest training series.
    """
    for name, series in zip(names_of(recordings), recordings.series, strict=True):
        spans = np.nanmax(series, axis=-1) - np.nanmin(series, axis=-1)
        if not np.any(spans):
            yield f"series {name:.60} is constant, so its label means little."
        elif series.shape[-1] < shortest / 2:
            steps = f"{series.shape[-1]} steps, less than half of the shortest training series ({shortest})"
            yield f"series {name:.60} has {steps}."
