"""A folder of recordings as {task: (X, y)}: every file or subfolder is a task."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mtcs.data.arrays import as_series
from mtcs.data.columns import ONE_RECORDING
from mtcs.data.doubts import check_labels, copies, doubts
from mtcs.data.files import SUFFIXES, TABLES, npz_split, read_file, read_npz_split
from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.recording_files import label_file, read_recording_files
from mtcs.data.recordings import Recordings, joined, other_channels
from mtcs.data.table_options import TableOptions, UnknownColumn
from mtcs.data.text import InvalidData, counted
from mtcs.data.tsv import UNKNOWN
from mtcs.errors import InputError, one_line
from mtcs.layout import regular

Labelled = tuple[list[np.ndarray], np.ndarray]


class FolderData(dict[str, Labelled]):
    """{task: (X, y)} of a folder; X is a list of n arrays (T_i,) or (channels, T_i) float64, NaN where missing.

    test: {task: (X, y)} of tasks that are split, as by `Name_TEST`; none of these is among the mapping's own series.
    groups: {task: (n,)} what each series comes from, where a column of groups was named; for `cross_validate`.
    ids: {task: n names} of series, where the file has some.
    channels: {task: names} of tasks of several channels, in their order, where the file has some.
    """

    def __init__(self) -> None:
        super().__init__()
        self.test: dict[str, Labelled] = {}
        self.groups: dict[str, np.ndarray] = {}
        self.ids: dict[str, list[str]] = {}
        self.channels: dict[str, tuple[str, ...]] = {}


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
        {task: (X, y)} in order of names, with the attributes `test`, `groups`, `ids` and `channels`, see `FolderData`.

    Raises:
        InputError: in one line, with the file and the cause.
    """
    options = TableOptions(label, id, time, task, group, values, layout, header, separator, decimal)
    data, sources, lacking = FolderData(), list(_sources(Path(path), verbose)), {}
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
            if train.channel_names:
                data.channels[name] = train.channel_names
            if test is not None:
                data.test[name] = (test.series, _labels(source, test))
                _check_test(source, train, test)
            if verbose:
                print(one_line(_line(source, name, train, test)), file=sys.stderr)
    for errors in lacking.values():
        if len(errors) == n_tables:
            raise errors[0]
    return data


@dataclass(frozen=True)
class _Source:
    """Where one task is, as a rule: a folder of recordings, or files for training and, if it is split, for tests."""

    name: str
    where: Path
    train: Sequence[Path]
    test: Sequence[Path] = ()
    recordings: bool = False

    @property
    def table(self) -> bool:
        """Whether it has columns that an option can name."""
        return self.recordings or any(file.suffix.lower() in TABLES for file in self.train)

    @property
    def files(self) -> str:
        names = [path.name for path in (*self.train, *self.test)]
        shown = names if len(names) < 5 else [names[0], "...", names[-1]]
        return f"{self.where.name}/" if self.recordings else ", ".join(shown)


def _sources(path: Path, verbose: bool) -> Iterator[_Source]:
    if regular(path).is_file():
        yield _Source(path.stem, path, [path])
        return
    if not path.is_dir():
        raise InputError(f"{path} does not exist; name a file, or a folder with a file or a subfolder for each task.")
    if label_file(path) is not None:
        yield _Source(path.resolve().name, path, [], recordings=True)
        return
    files: dict[str, list[Path]] = {}
    skipped = []
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if inside := [file for file in sorted(entry.iterdir()) if file.suffix.lower() in SUFFIXES]:
                if entry.name in files:
                    raise InputError(f"{entry} and {files[entry.name][0].name} would be one task; rename one.")
                files[entry.name] = inside
            else:
                skipped.append(f"{entry.name}/")
        elif entry.suffix.lower() in SUFFIXES:
            name = _part(entry)[0]
            if any(file.parent != path for file in files.get(name, [])):
                raise InputError(f"{entry} and the folder {name} would be one task; rename one.")
            files.setdefault(name, []).append(entry)
        else:
            skipped.append(entry.name)
    if not files:
        raise InputError(f"{path} holds no {', '.join(SUFFIXES)} file{_instead(path)}.")
    if skipped and verbose:
        print(
            one_line(f"{path}: not read, since it is none of {', '.join(SUFFIXES)}: {_first(skipped)}"), file=sys.stderr
        )
    _refuse_parts(path, list(files))
    for name, paths in files.items():
        if paths[0].parent != path and label_file(paths[0].parent) is not None:
            yield _Source(name, paths[0].parent, [], recordings=True)
            continue
        stems = Counter(file.stem for file in paths)
        if twice := [stem for stem in stems if stems[stem] > 1]:
            same = " and ".join(file.name for file in paths if file.stem == twice[0])
            raise InputError(f"{paths[0].parent} holds {same}, twice the same series it seems; leave one out.")
        test = [file for file in paths if _part(file)[1] == "TEST"]
        train = [file for file in paths if file not in test]
        _refuse_parts(paths[0].parent, [file.stem for file in train])
        if test and not train:
            raise InputError(f"{test[0]} has no {name}_TRAIN beside it; add that file, or rename this one.")
        yield _Source(name, paths[0], train, test)


def _instead(folder: Path) -> str:
    """What a folder without a file that is read holds, one level into its subfolders, and the way out."""

    def inside(entry: Path) -> str:
        return f"{entry.name}/ ({_first(names(entry)) or 'empty'})" if entry.is_dir() else entry.name

    def names(folder: Path) -> list[str]:
        return [f"{one.name}{'/' * one.is_dir()}" for one in sorted(folder.iterdir()) if not one.name.startswith(".")]

    if not (held := [inside(entry) for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]):
        return "; it is empty"
    way_out = "export what you have as CSV, a file for each task"
    if any(file.suffix.lower() in SUFFIXES for file in folder.glob("*/*/*")):
        way_out = "put a task's files side by side into its folder, recordings with labels.csv (file,label)"
    return f", only {_first(held)}; {way_out}"


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


_PART_WORD = re.compile(
    r"(?<![^\W_])(train|training|test|testing|val|valid|validation|dev|eval)(?![^\W_])", re.IGNORECASE
)


def _refuse_parts(folder: Path, names: Sequence[str]) -> None:
    """Raise where names differ by a word like `test` alone: what is to be held out would be trained on."""
    known: dict[str, str] = {}
    for name in names:
        key = re.sub(r"[\W_]", "", _PART_WORD.sub("", name)).lower()
        if (other := known.setdefault(key, name)) != name and (_PART_WORD.search(name) or _PART_WORD.search(other)):
            raise InputError(
                f"{folder} holds {other:.60} and {name:.60}, two parts of one task it seems; call them NAME_TRAIN and "
                "NAME_TEST, or leave one out."
            )


def _part(path: Path) -> tuple[str, str]:
    """The name of a file's task, and TRAIN or TEST where its own ends so."""
    name, _, part = path.stem.rpartition("_")
    return (name, part.upper()) if part.upper() in ("TRAIN", "TEST") and name else (path.stem, "")


_Tasks = list[tuple[str, Recordings, Recordings | None]]


def _read_known(source: _Source, options: TableOptions, strict: bool) -> tuple[_Tasks, list[UnknownColumn]]:
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


def _read_source(source: _Source, options: TableOptions) -> Iterator[tuple[str, Recordings, Recordings | None]]:
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
            if other := other_channels(recordings.channel_names, first.channel_names):
                raise InputError(f"{file} {other} as {files[0].name} has; write the same, or name them with --values.")
            if recordings is not first:
                parts[task].append(recordings)
    return {task: joined(pieces) for task, pieces in parts.items()}


def _labels(source: _Source, recordings: Recordings) -> np.ndarray:
    if recordings.labels is None:
        hint = "call their column `label`, or name it with --label"
        if source.train and source.train[0].suffix.lower() == ".npz":
            hint = "save them as array y (n,)"
        elif source.train and source.train[0].suffix.lower() in TABLES:
            hint += f"; {ONE_RECORDING}"
        raise InputError(f"{source.where} has no labels; {hint}.")
    unknown = [i for i, one in enumerate(recordings.labels.tolist()) if str(one).lower() in UNKNOWN]
    if unknown:
        name = f"{recordings.ids[unknown[0]]:.60}" if recordings.ids else str(unknown[0])
        raise InputError(f"{source.where}: series {name} has no label; label it or leave it out.")
    return recordings.labels


def _check_test(source: _Source, train: Recordings, test: Recordings) -> None:
    if test.channels != train.channels:
        raise InputError(
            f"{source.where}: test series have {counted(test.channels, 'channel')}, training series {train.channels}; "
            "give both the same."
        )
    if other := other_channels(test.channel_names, train.channel_names):
        raise InputError(f"{source.test[0]} {other} as {source.train[0].name} has; write the same.")
    known: set[Any] = set(np.asarray(train.labels).tolist())
    if new := [label for label in np.asarray(test.labels).tolist() if label not in known]:
        raise InputError(
            f"{source.where}: test label {new[0]!s:.40} has no training series; add some, or leave it out."
        )


def _line(source: _Source, name: str, train: Recordings, test: Recordings | None) -> str:
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
    written = f"; read with {train.written}" if train.written else ""
    return f"{source.files}{task}: {', '.join(facts)}, {train.note}: {shown}{written}"


def doubts_of(data: FolderData, missing: Sequence[float] = ()) -> list[str]:
    """What should be looked at before anything is trained on `data`, one sentence each.

    missing: values that stand for missing ones.

    Raises:
        InputError: if what stands in the place of labels is an index or a value.
    """
    sentences, digests = [], {}
    for name, given in data.items():
        train, test = (_raw_split(name, part, missing) for part in (given, data.test.get(name)))
        task = RawTask(name, train, test, tuple(dict.fromkeys(train.labels)), tuple(missing))
        try:
            check_labels(task)
        except InvalidData as fault:
            raise InputError(f"{fault}; say with --label in which column labels are; {ONE_RECORDING}.") from fault
        sentences += doubts(task, "add --missing {}")
        digests[name] = [sha256(values.tobytes()).digest() for values in train.series]
    return sentences + copies(digests)


def _raw_split(name: str, part: Labelled | None, missing: Sequence[float]) -> RawSplit:
    return RawSplit([], []) if part is None else RawSplit(as_series(part[0], name, missing), list(map(str, part[1])))
