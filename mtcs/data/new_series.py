"""New series of a task, to be labelled: a file of any format, a folder of recordings, or standard input."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mtcs.data.files import SUFFIXES, from_stdin, read_file
from mtcs.data.formats import read_series
from mtcs.data.recording_files import label_file, read_recording_files
from mtcs.data.recordings import Recordings
from mtcs.data.table_options import KnownTask, TableOptions
from mtcs.data.task import TaskInfo
from mtcs.errors import InputError, listed

STDIN = Path("-")
MAX_NAMED = 10
"""Odd series that are named one by one."""
FAR = 100.0
"""Standard deviations from the training mean; of 86 tasks of the UCR archive, no test value is beyond 36."""


def read_new_series(path: Path, task: str, options: TableOptions, known: KnownTask) -> Recordings:
    """The series of `task` in the order in which they stand there.

    Args:
        path: a file, a folder with a file for each recording, or `STDIN`.
        task: of a file with several tasks, the one whose series are taken.
        options: what is known of tables.
        known: what is known of the task, see `read_table`.

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
        _refuse_tasks(path, task)
        by_task: dict[str | None, Recordings] = {None: read_recording_files(path, options)}
    else:
        by_task = read_file(path, options, known)
    if None in by_task:
        return by_task[None]
    if task not in by_task:
        raise InputError(f"{path} has series of {listed(by_task, 200)}, and none of task {task}; see --task.")
    return by_task[task]


def read_new_series_of_suite(path: Path, task: TaskInfo, options: TableOptions) -> Recordings:
    """As `read_new_series`, of a task of a suite: a `.tsv` has the form of the archive, unless `options` say anything.

    Raises:
        InputError: in one line, if there are no such series.
    """
    if path.suffix.lower() != ".tsv" or path.is_dir() or options != TableOptions():
        return read_new_series(path, task.name, options, KnownTask(frozenset(task.classes)))
    series, labels = read_series(path, task.missing, task.length)
    return Recordings(series, np.array([label or "" for label in labels]) if any(labels) else None)


def _refuse_tasks(folder: Path, task: str) -> None:
    """Raise where a folder has a file or a subfolder for each task, as `mtcs fit` reads them."""
    name = re.compile(rf"{re.escape(task)}((_TRAIN|_TEST)?({'|'.join(map(re.escape, SUFFIXES))}))?", re.IGNORECASE)
    own = [entry for entry in sorted(folder.iterdir()) if name.fullmatch(entry.name)]
    if own and label_file(folder) is None:
        raise InputError(
            f"{folder} has {own[0].name}, all of task {task:.60} it seems; name {own[0]} itself: each file of a "
            "folder is one recording."
        )


def names_of(recordings: Recordings) -> list[str]:
    """What messages call the series: as the file does, or else by their number from 0."""
    return recordings.ids or [str(i) for i in range(len(recordings))]


def odd_series(recordings: Recordings, lengths: tuple[int, int]) -> list[str]:
    """Sentences on series of which little can be said, one if all are so, and on a length that betrays a column.

    lengths: steps of the shortest and of the longest training series.
    """
    sentences, reasons = [], []
    for name, series in zip(names_of(recordings), recordings.series, strict=True):
        spans = np.nanmax(series, axis=-1) - np.nanmin(series, axis=-1)
        if not np.any(spans):
            sentences.append(f"series {name:.60} is constant, so its label means little.")
            reasons.append("constant")
        elif series.shape[-1] < lengths[0] / 2:
            steps = f"{series.shape[-1]} steps, less than half of the shortest training series ({lengths[0]})"
            sentences.append(f"series {name:.60} has {steps}.")
            reasons.append(f"shorter than half of the shortest training series ({lengths[0]} steps)")
    if 1 < len(reasons) == len(recordings):
        reason = " or ".join(dict.fromkeys(reasons))
        sentences = [f"all {len(reasons):,} series are {reason}, so their labels mean little."]
    if n_more := len(sentences[MAX_NAMED:]):
        sentences[MAX_NAMED:] = [f"{n_more:,} more series are constant or as short."]
    own = {series.shape[-1] for series in recordings.series}
    if lengths[0] == lengths[1] and len(own) == 1 and own != {lengths[0]}:
        likely = (
            "if their first column is an index or a label, say so with --id or --label."
            if abs(min(own) - lengths[0]) == 1
            else "if rows and columns are swapped, or these are another task's, give others."
        )
        sentences.append(f"all series have {min(own)} steps, those of training {lengths[0]}; {likely}")
    return sentences


def far_values(series: np.ndarray, names: Sequence[str]) -> list[str]:
    """A sentence, if any, on values of scaled series (n, T) or (n, channels, T) far beyond those of training."""
    far = np.flatnonzero((np.abs(series) > FAR).reshape(len(series), -1).any(1))
    if not far.size:
        return []
    return [
        f"{len(far):,} of {len(series):,} series, the first {names[far[0]]:.60}, have values more than {FAR:g} "
        "standard deviations from the mean of training; what stands for missing values is named when fitting (missing)."
    ]
