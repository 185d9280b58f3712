"""What is probably a mistake in somebody's own data, before anything is trained on it.

Labels that are none are refused; values and classes that may be meant so are doubts, one sentence each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from unicodedata import normalize

import numpy as np

from mtcs.config.archive import published_sizes
from mtcs.data.raw import RawTask
from mtcs.data.text import InvalidData, is_number
from mtcs.data.tsv import tidy_label
from mtcs.errors import counted, listed, quoted

MIN_SERIES = 4
"""Training series below which each may have a label of its own by intention."""
DOMINATING = 0.25
"""Share of the training values' sum of squares from which one value, or one time step, is worth a word.

Of 91 tasks of the UCR archive, no value has more than 0.07, and no first or last step more than 0.10.
"""


_DATE = re.compile(r"\d{4}-\d\d?-\d\d?|\d\d?([./])\d\d?\1\d{4}", re.ASCII)
"""What begins as 2026-01-31, 31.1.2026 or 1/31/2026."""


def check_labels(task: RawTask) -> None:
    """Raise InvalidData if what stands in the place of labels is an index, a value, or one number in two spellings."""
    labels, name = task.train.labels, task.name
    n, distinct = len(labels), len(set(labels))
    if name in published_sizes():
        return
    spellings: dict[str, str] = {}
    for label in task.classes:
        if (other := spellings.setdefault(tidy_label(label), label)) != label:
            raise InvalidData(
                f"{name} has labels {quoted(other)} and {quoted(label)}, expected one way to write a number"
            )
    numbers = [float(label) for label in labels] if all(map(is_number, labels)) else []
    steps = np.diff(numbers)
    if numbers and n >= MIN_SERIES and steps[0] and (steps == steps[0]).all():
        raise InvalidData(
            f"{name} (train) has labels {listed(labels, 60)}, counted from series to series, expected labels that "
            "series share; the first column may be an index"
        )
    if n >= MIN_SERIES and distinct > n / 2 and any(not value.is_integer() for value in numbers):
        raise InvalidData(
            f"{name} (train) has {distinct} labels of {n} series ({listed(labels, 60)}), expected labels that series "
            "share; the first column may be a value"
        )
    lengths = [{series.shape[-1] for series in split.series} for split in (task.train, task.test)]
    if len(lengths[0]) == len(lengths[1]) == 1 and abs(min(lengths[0]) - min(lengths[1])) == 1:
        raise InvalidData(
            f"{name} has series of {min(lengths[0])} values in train and of {min(lengths[1])} in test, expected as "
            "many; lines may lack their labels"
        )


def doubts(task: RawTask, remedy: str = "add 'missing: [{}]' to the suite") -> list[str]:
    """What should be looked at before training, one sentence each, most serious first.

    remedy: what to do about a value that stands for a missing one.
    """
    remarks = []
    if repeated := task.repeated():  # as they were given: what is squashed by a fill value becomes equal
        remarks.append(
            f"{task.name}: {repeated:,} of {len(task.test.series):,} test series are in the training split, too; "
            "take them out of one of the two."
        )
    lengths = [{series.shape[-1] for series in split.series} for split in (task.train, task.test)]
    if len(lengths[0]) == len(lengths[1]) == 1 and lengths[0] != lengths[1]:
        remarks.append(
            f"{task.name} has series of {min(lengths[0]):,} values in train and of {min(lengths[1]):,} in test; if one "
            "of the two files is another task's, replace it."
        )
    channels = task.by_channel()
    if swapped := swapped_axes(f"{task.name} (train)", task.channels, max(lengths[0])):
        remarks.append(swapped)
    remarks += _odd_values(channels, remedy)
    if not swapped:  # the first and the last step may be channels
        remarks += [remark for one in channels for remark in _odd_steps(one)]
    return remarks + _odd_labels(task)


def copies(digests: Mapping[str, Sequence[bytes]]) -> list[str]:
    """Sentences on training series that stand in a task, or in two tasks, more than once.

    digests: of each series, by task.
    """
    remarks = [
        f"{name} (train): {n:,} of {len(own):,} series are copies of others, which flatters --cv; leave them out."
        for name, own in digests.items()
        if (n := len(own) - len(set(own)))
    ]
    common = {pair: len(set(digests[pair[0]]) & set(digests[pair[1]])) for pair in combinations(digests, 2)}
    if any(common.values()):
        one, other = max(common, key=common.__getitem__)
        more = sum(n > 0 for n in common.values()) - 1
        remarks.append(
            f"{one:.60} and {other:.60} have {common[one, other]:,} training series in common"
            + f", and {counted(more, 'more pair')} of tasks have some" * (more > 0)
            + "; leave them out of one of the two."
        )
    return remarks


class SwappedAxes(UserWarning):
    """Series have more channels than time steps."""


def swapped_axes(name: str, channels: int, steps: int) -> str | None:
    """A sentence on series that seem to be (n, T, channels), as other libraries have them; None where they do not."""
    if channels <= max(steps, 2):
        return None
    return (
        f"{name} has series of {channels:,} channels and {steps:,} time steps; if these are swapped, write arrays "
        "as (n, channels, T), and tables with a row per time step and a column per channel."
    )


def _odd_values(channels: Sequence[RawTask], remedy: str) -> list[str]:
    """Values that alone make much of a channel's spread, each once: fill values, or single faults of a sensor."""
    remarks: dict[float, list[str]] = {}
    for task in channels:
        for value, remark in _dominating(task):
            remarks.setdefault(value, []).append(remark)
    return [
        first
        + f", and so in {counted(len(others), 'more channel')}" * bool(others)
        + f"; if it stands for a missing one, {remedy.format(f'{value:.12g}')}."
        for value, (first, *others) in remarks.items()
    ]


def _dominating(task: RawTask) -> Iterator[tuple[float, str]]:
    """Up to three values of one channel, largest part of the spread first, and what is odd about each."""
    values = task.train.observed()
    for _ in range(3):
        spread = _Spread.of(values)
        extremes = (float(np.nanmin(values)), float(np.nanmax(values)))
        counts = {value: sum(int((block == value).sum()) for block in _blocks(values)) for value in extremes}
        shares = {value: spread.share(_Spread(n, value, 0.0)) for value, n in counts.items()}
        value = max(shares, key=shares.__getitem__)
        if not _dominates(shares[value], spread.n) or sum(counts.values()) == spread.n:
            break  # with two values alone, each makes the spread: a signal of two levels
        yield (
            value,
            f"{task.name} (train): {shares[value]:.1%} of the spread comes from the value {value:.12g}, which "
            f"{counts[value]:,} of {spread.n:,} values have",
        )
        for block in _blocks(values):  # in place, where a copy takes as much memory again
            block[block == value] = np.nan


def _dominates(share: float, n: int) -> bool:
    """Whether one of n values, or of n time steps, makes more of the spread than one of a few does by chance.

    Of n normal values, one makes more than `DOMINATING` + 5 / n in about one set of a hundred, or fewer.
    """
    return share > min(DOMINATING + 5 / n, 0.999)  # a value such as -9999 makes more, of however few


def _odd_steps(task: RawTask) -> list[str]:
    """A first or last time step that is a column of something else: a time, an index."""
    series = task.train.series
    if len({len(values) for values in series}) > 1 or min(len(series), len(series[0])) < MIN_SERIES:
        return []
    spread, remarks = _Spread.of(np.concatenate(series)), []
    for step, where in ((0, "first"), (-1, "last")):
        column = np.array([values[step] for values in series])
        part, steps = _Spread.of(column), np.diff(column)
        share = spread.share(part)
        counting = steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-9, atol=0)
        if counting or _dominates(share, len(series[0])):
            reason = "they count the series" if counting else f"{share:.1%} of the spread comes from them"
            least, most = np.nanmin(column), np.nanmax(column)
            remarks.append(
                f"{task.name} (train) has values from {least:.12g} to {most:.12g} at the {where} time step, and "
                f"{reason}; if they are times or an index, take them out of the file."
            )
    return remarks


def _blocks(values: np.ndarray) -> list[np.ndarray]:
    """Views of values (n,), some at a time: what is computed of all at once is a copy of all."""
    return [values[i : i + 2**16] for i in range(0, len(values), 2**16)]


@dataclass(frozen=True)
class _Spread:
    """Number, mean and sum of squared deviations of values."""

    n: int
    mean: float
    squares: float

    @classmethod
    def of(cls, values: np.ndarray) -> _Spread:
        blocks = _blocks(values)
        n = sum(int(np.isfinite(block).sum()) for block in blocks)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = sum(float(np.nansum(block)) for block in blocks) / max(n, 1)
            return cls(n, mean, sum(float(np.nansum((block - mean) ** 2)) for block in blocks))

    def share(self, part: _Spread) -> float:
        """By what share the sum of squares would fall without a part of the values."""
        if not 0 < part.n < self.n or not 0 < self.squares < np.inf:
            return 0.0
        between = part.n * self.n / (self.n - part.n) * (part.mean - self.mean) ** 2
        return (part.squares + between) / self.squares


def _odd_labels(task: RawTask) -> list[str]:
    """Labels of single series, or with decimals; those of the UCR archive are meant so."""
    if task.name in published_sizes():
        return []
    counts = Counter(task.train.labels)
    remarks, single = [], [label for label in task.classes if counts[label] == 1]
    if len(single) == len(task.train.labels) >= MIN_SERIES:
        remarks.append(
            f"{task.name} (train): every series has a label of its own ({listed(single, 60)}); check that these are "
            "labels, not names or times."
        )
    elif single:
        remarks.append(
            f"{task.name} (train) has {len(single)} of {len(counts)} labels with a single series "
            f"({listed(single, 60)}); nothing can be held out of these, and their accuracy says little."
        )
    spellings: dict[str, str] = {}
    for label in task.classes:
        key = re.sub(r"^0+(?=\d)", "", "".join(normalize("NFKC", label).casefold().split()))
        if (other := spellings.setdefault(key, label)) != label:
            remarks.append(
                f"{task.name} (train) has labels {quoted(other)} and {quoted(label)}, which count as two; if they are "
                "meant as one, write them alike."
            )
    if none := [label for label in task.classes if label.lower() == "none"]:
        remarks.append(
            f"{task.name} (train) has the label {quoted(none[0])}; if it says that a series has no label, leave its "
            "series out."
        )
    decimals = [label for label in task.classes if is_number(label) and not float(label).is_integer()]
    dates = [label for label in task.classes if _DATE.match(label)]
    for odd, what in ((decimals, "with decimals"), (dates, "like dates")):
        if odd:
            remarks.append(f"{task.name} (train) has labels {what} ({listed(odd, 60)}); check that they are labels.")
    return remarks
