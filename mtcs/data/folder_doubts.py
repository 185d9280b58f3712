"""What should be looked at in the tasks of a folder before anything is trained on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from mtcs.data.arrays import as_series
from mtcs.data.columns import ONE_RECORDING
from mtcs.data.doubts import check_labels, copies, doubts
from mtcs.data.folder import FolderData, Labelled
from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.text import InvalidData
from mtcs.errors import InputError


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
        sentences += doubts(task, "add --missing {}") + _repeated_names(name, data)
        digests[name] = [sha256(values.tobytes()).digest() for values in train.series]
    return sentences + copies(digests)


def _repeated_names(name: str, data: FolderData) -> list[str]:
    """A sentence, if any, on series of one name, which folds may keep apart."""
    if name not in data.id_columns or name in data.groups:
        return []
    column, counts = data.id_columns[name], Counter(data.ids[name])
    n = sum(count for count in counts.values() if count > 1)
    sentence = (
        f"{name} (train): {n:,} of {counts.total():,} series share their `{column}` with another; if these are pieces "
        f"of one recording, add --group {column}, without which --cv flatters."
    )
    return [sentence] * bool(n)


def _raw_split(name: str, part: Labelled | None, missing: Sequence[float]) -> RawSplit:
    return RawSplit([], []) if part is None else RawSplit(as_series(part[0], name, missing), list(map(str, part[1])))
