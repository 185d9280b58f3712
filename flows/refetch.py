"""Raw data that are downloaded again: the old ones stand aside until the new ones are there, and else come back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mtcs.layout import Layout


@contextmanager
def set_aside(
    root: Path, writers: Mapping[tuple[str, str], Sequence[str]], fetched: Callable[[str, str], None]
) -> Iterator[Callable[[str], None]]:
    """Within the block the raw data of those tasks are not in their place, so that they are downloaded.

    Args:
        root: the workspace.
        writers: the stages that download each (suite, task).
        fetched: called with each suite and task whose stages have finished.

    Yields:
        what is to be called with the name of each stage that has finished.
    """
    waiting = {wanted: set(stages) for wanted, stages in writers.items()}

    def finished(stage: str) -> None:
        for wanted in [wanted for wanted, stages in waiting.items() if stage in stages]:
            waiting[wanted].discard(stage)
            if not waiting[wanted]:
                del waiting[wanted]
                shutil.rmtree(_places(root, *wanted)[1], ignore_errors=True)
                fetched(*wanted)

    try:
        for wanted in waiting:
            raw, old = _places(root, *wanted)
            if raw.exists():
                shutil.rmtree(old, ignore_errors=True)
                raw.rename(old)
        yield finished
    finally:
        for wanted in waiting:
            _bring_back(*_places(root, *wanted))


def bring_all_back(root: Path) -> None:
    """Raw data that a killed flow left aside come back to their place, unless there are new ones."""
    for old in sorted(Layout(root).raw("suite", "task").parents[1].glob(".*.*.old")):
        suite, _, task = old.name[1:].removesuffix(".old").partition(".")
        _bring_back(Layout(root).raw(suite, task), old)


def _bring_back(raw: Path, old: Path) -> None:
    if raw.exists():  # another task of its stage has failed
        shutil.rmtree(old, ignore_errors=True)
    elif old.exists():
        raw.parent.mkdir(parents=True, exist_ok=True)
        old.rename(raw)


def _places(root: Path, suite: str, task: str) -> tuple[Path, Path]:
    """A task's raw data and where they stand aside: beside its suite's folder, which DVC may empty."""
    raw = Layout(root).raw(suite, task)
    return raw, raw.parent.with_name(f".{suite}.{task}.old")
