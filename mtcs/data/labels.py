"""Labels as tables have them: which words say that a series has none, and which two spellings are one label."""

from __future__ import annotations

from collections.abc import Sequence

from mtcs.data.tsv import tidy_label

NO_LABEL = ("", "?", "nan", "na", "n/a", "#n/a", "<na>", "null")
"""What stands for a missing label, in small letters. Not `none`, which may be a class, as of no fault."""


def is_missing(label: str) -> bool:
    """Whether a word stands for a label that is missing."""
    return label.lower() in NO_LABEL


def same_label(label: str, names: Sequence[str]) -> str | None:
    """The one of a task's labels that is this one, or the same number written in another way; None if none is."""
    if label in names:
        return label
    same = [name for name in names if tidy_label(name) == tidy_label(label)]
    return same[0] if len(same) == 1 else None
