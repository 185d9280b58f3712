"""The files of a folder, task by task: which are for training, which for tests, and what cannot be told apart."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtcs.data.files import SUFFIXES, TABLES, is_hidden
from mtcs.data.recording_files import label_file
from mtcs.errors import InputError, one_line
from mtcs.files import regular


@dataclass(frozen=True)
class Source:
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
        """Their names, the first and the last of many."""
        names = [path.name for path in (*self.train, *self.test)]
        shown = names if len(names) < 5 else [names[0], "...", names[-1]]
        return f"{self.where.name}/" if self.recordings else ", ".join(shown)


def task_sources(path: Path, verbose: bool) -> Iterator[Source]:
    """The tasks of a folder or of a single file, in order of names.

    verbose: tell on standard error what is not read.

    Raises:
        InputError: if there are none, or files cannot be told apart.
    """
    if regular(path).is_file():
        yield Source(path.stem, path, [path])
        return
    if not path.is_dir():
        raise InputError(f"{path} does not exist; name a file, or a folder with a file or a subfolder for each task.")
    if label_file(path) is not None:
        yield Source(path.resolve().name, path, [], recordings=True)
        return
    files: dict[str, list[Path]] = {}
    skipped = []
    for entry in sorted(path.iterdir()):
        if is_hidden(entry.name):
            continue
        if entry.is_dir():
            inside = [file for file in sorted(entry.iterdir()) if file.suffix.lower() in SUFFIXES]
            if inside := [file for file in inside if not is_hidden(file.name)]:
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
            yield Source(name, paths[0].parent, [], recordings=True)
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
        yield Source(name, paths[0], train, test)


def _instead(folder: Path) -> str:
    """What a folder without a file that is read holds, one level into its subfolders, and the way out."""

    def inside(entry: Path) -> str:
        return f"{entry.name}/ ({_first(names(entry)) or 'empty'})" if entry.is_dir() else entry.name

    def names(folder: Path) -> list[str]:
        return [f"{one.name}{'/' * one.is_dir()}" for one in sorted(folder.iterdir()) if not is_hidden(one.name)]

    if not (held := [inside(entry) for entry in sorted(folder.iterdir()) if not is_hidden(entry.name)]):
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
