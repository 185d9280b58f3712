"""A folder of recordings as {task: (X, y)}: every file or subfolder is a task."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from mtcs.data.columns import ONE_RECORDING
from mtcs.data.files import TABLES, npz_split, read_file, read_npz_split
from mtcs.data.folder_files import Source, task_sources
from mtcs.data.labels import is_missing, same_label
from mtcs.data.recording_files import read_recording_files
from mtcs.data.recordings import Recordings, joined, other_channels, other_order
from mtcs.data.table_options import TableOptions, UnknownColumn
from mtcs.errors import InputError, counted, one_line

Labelled = tuple[list[np.ndarray], np.ndarray]


class FolderData(dict[str, Labelled]):
    """{task: (X, y)} of a folder; X is a list of n arrays (T_i,) or (channels, T_i) float64, NaN where missing.

    test: {task: (X, y)} of tasks that are split, as by `Name_TEST`; none of these is among the mapping's own series.
    groups: {task: (n,)} what each series comes from, where a column of groups was named; for `cross_validate`.
    ids: {task: n names} of series, where the file has some.
    id_columns: {task: name} of the column of these, of tables with one row a series.
    channels: {task: names} of channels, in their order, where the file has some.
    columns: {task: names} of columns of values, in their order, of tables with one row a series.
    """

    def __init__(self) -> None:
        super().__init__()
        self.test: dict[str, Labelled] = {}
        self.groups: dict[str, np.ndarray] = {}
        self.ids: dict[str, list[str]] = {}
        self.id_columns: dict[str, str] = {}
        self.channels: dict[str, tuple[str, ...]] = {}
        self.columns: dict[str, tuple[str, ...]] = {}


def read_folder(
    path: str | Path,
    label: str | None = None,
    verbose: bool = True,
    *,
    id: str | None = None,
    time: str | None = None,
    task: str | None = None,
    group: str | None = None,
    values: Sequence[str] | None = None,
    layout: Literal["wide", "long"] | None = None,
    header: bool | None = None,
    separator: str | None = None,
    decimal: Literal[".", ","] | None = None,
) -> FolderData:
    """Read the labelled series of a folder; each file in it is a task, and so is each subfolder with its files.

    Read are tables (`.csv`, `.tsv`, `.txt`, `.parquet`) with one row a series (wide) or one row a time step (long:
    columns `id`, `time`, a column of values for each channel, and `label`), `.ts`, `.arff` and `.tsv` of the archive,
    `.npz` with arrays X (n, T) or (n, channels, T) and y (n,), and subfolders with a file for each recording and a
    table `labels.csv`. A table with a column `task` holds several tasks. `Name_TEST` beside `Name_TRAIN` is `test`.

    Columns are given by their name, or without a header by their number from 1. What is given holds for all tables that
    have such a column; at least one must.

    Args:
        path: the folder, or a single file.
        label: column of labels in tables, where it is not found.
        verbose: tell on standard error, one line a task, what was read and guessed.
        id: column of the names of series.
        time: column of times, of one row a time step.
        task: column of tasks.
        group: column that says what a series comes from, as a machine or a patient.
        values: columns of values, names or `first:last`; as a rule all others.
        layout: "wide" or "long".
        header: whether the first row of tables names columns.
        separator: one character, or tab, semicolon, comma or space.
        decimal: "." or ",".

    Returns:
        {task: (X, y)} in order of names, with the attributes of `FolderData`.

    Raises:
        InputError: in one line, with the file and the cause.
    """
    options = TableOptions(label, id, time, task, group, values, layout, header, separator, decimal)
    data, sources, lacking = FolderData(), list(task_sources(Path(path), verbose)), {}
    n_tables = sum(source.table for source in sources)
    for source in sources:
        tasks, unknown = _read_known(source, options, strict=n_tables < 1 + source.table)
        for error in unknown:
            lacking.setdefault(error.option, []).append(error)
        for name, train, test in tasks:
            if name in data:
                raise InputError(f"{source.where} holds task {name:.60}, and so does another file; rename one.")
            data[name] = (train.series, _labels(source, train))
            if train.groups is not None:
                data.groups[name] = train.groups
            if train.ids is not None:
                data.ids[name] = train.ids
            if train.id_column:
                data.id_columns[name] = train.id_column
            if train.channel_names:
                data.channels[name] = train.channel_names
            if train.columns:
                data.columns[name] = train.columns
            if test is not None:
                _check_channels(source, train, test)
                data.test[name] = (test.series, _test_labels(source, data[name][1], test))
            if verbose:
                print(one_line(_line(source, name, train, test)), file=sys.stderr)
    for errors in lacking.values():
        if len(errors) == n_tables:
            raise errors[0]
    return data


_Tasks = list[tuple[str, Recordings, Recordings | None]]


def _read_known(source: Source, options: TableOptions, strict: bool) -> tuple[_Tasks, list[UnknownColumn]]:
    """The tasks of a source; and for each option that names a column which only other tables have, how it failed."""
    unknown: list[UnknownColumn] = []
    while True:
        try:
            return list(_read_source(source, options)), unknown
        except UnknownColumn as error:
            if strict:
                raise
            unknown += [error] * source.table
            options = replace(options, **{error.option: None})
        except InputError as error:
            if not unknown:
                raise
            raise InputError(f"{str(unknown[0]).split('; ')[0]}; read without it: {error}") from error


def _read_source(source: Source, options: TableOptions) -> Iterator[tuple[str, Recordings, Recordings | None]]:
    """The tasks of a source: name, training part, test part where it is split."""
    if source.recordings:
        yield source.name, read_recording_files(source.where, options), None
        return
    if (
        not source.test
        and len(source.train) == 1
        and source.train[0].suffix.lower() == ".npz"
        and npz_split(source.train[0])
    ):
        yield source.name, *read_npz_split(source.train[0])
        return
    parts = [_by_task(files, options) for files in (source.train, source.test)]
    for task, recordings in parts[0].items():
        test = parts[1].pop(task, None)
        if source.test and test is None:
            raise InputError(f"{source.test[0]} has no series of task {task}; add them, or leave the task out.")
        yield task or source.name, recordings, test
    if parts[1]:
        raise InputError(
            f"{source.test[0]} has task {next(iter(parts[1]))}, and {source.train[0].name} has not; add it."
        )


def _by_task(files: Sequence[Path], options: TableOptions) -> dict[str | None, Recordings]:
    parts: dict[str | None, list[Recordings]] = {}
    for file in files:
        for task, recordings in read_file(file, options).items():
            first = parts.setdefault(task, [recordings])[0]
            if recordings.channels != first.channels:
                channels = counted(recordings.channels, "channel")
                raise InputError(f"{file} has series of {channels}, expected {first.channels} as {files[0].name} has.")
            if other := _other_names(recordings, first):
                raise InputError(f"{file} {other} as {files[0].name} has; write the same, or name them with --values.")
            if recordings is not first:
                parts[task].append(recordings)
    return {task: joined(pieces) for task, pieces in parts.items()}


def _labels(source: Source, recordings: Recordings) -> np.ndarray:
    if recordings.labels is None:
        hint = "call their column `label`, or name it with --label"
        if source.train and source.train[0].suffix.lower() == ".npz":
            hint = "save them as array y (n,)"
        elif source.train and source.train[0].suffix.lower() in TABLES:
            hint += f"; {ONE_RECORDING}"
        raise InputError(f"{source.where} has no labels; {hint}.")
    for i, label in enumerate(map(str, recordings.labels.tolist())):
        if is_missing(label):
            name = recordings.ids[i] if recordings.ids else str(i)
            where = recordings.places[i] if recordings.places else f"{source.where}, series {name:.60}"
            word = f" ({label})" if label else ""
            raise InputError(f"{where}: no label{word}; label the series or leave it out.")
    return recordings.labels


def _test_labels(source: Source, known: np.ndarray, test: Recordings) -> np.ndarray:
    """Labels of test series as those of training series are written."""
    by_name, labels = {str(label): label for label in known.tolist()}, []
    names = list(by_name)
    for label in map(str, _labels(source, test).tolist()):
        same = same_label(label, names)
        if same is None:
            raise InputError(
                f"{source.where}: test label {label:.40} has no training series; add some, or leave it out."
            )
        labels.append(by_name[same])
    return np.array(labels, dtype=known.dtype)


def _check_channels(source: Source, train: Recordings, test: Recordings) -> None:
    if test.channels != train.channels:
        raise InputError(
            f"{source.where}: test series have {counted(test.channels, 'channel')}, training series {train.channels}; "
            "give both the same."
        )
    if other := _other_names(test, train):
        raise InputError(f"{source.test[0]} {other} as {source.train[0].name} has; write the same.")


def _other_names(recordings: Recordings, expected: Recordings) -> str | None:
    """How channels or columns differ from those expected by name or order."""
    return other_channels(recordings.channel_names, expected.channel_names) or other_order(
        recordings.columns, expected.columns
    )


def _line(source: Source, name: str, train: Recordings, test: Recordings | None) -> str:
    """As "pumps.csv: 120 series of 84 to 311 steps, 3 channels, labels in column `state`: ok 80, worn 40"."""
    lengths = sorted({row.shape[-1] for row in train.series})
    steps = f"{lengths[0]} steps" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]} steps"
    facts = [f"{len(train)} series of {steps}"]
    if train.channels > 1:
        facts.append(f"{train.channels} channels")
    if train.groups is not None:
        facts.append(counted(len(np.unique(train.groups)), "group"))
    if test is not None:
        facts.append(f"{len(test)} more as test series")
    counts = Counter(np.asarray(train.labels).tolist()).most_common()
    shown = ", ".join(f"{label} {count}" for label, count in counts[:6]) + (", ..." if len(counts) > 6 else "")
    task = "" if name == source.name else f" (task {name})"
    written = dict.fromkeys((*train.written, *(test.written if test else ())))
    return "; ".join([f"{source.files}{task}: {', '.join(facts)}, {train.note}: {shown}", *written])
