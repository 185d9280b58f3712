"""What is probably a mistake in somebody's own data, before anything is trained on it.

Labels that are none are refused; values and classes that may be meant so are doubts, one sentence each.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from mtcs.data.published import published_sizes
from mtcs.data.raw import RawTask
from mtcs.data.text import InvalidData, is_number, listed, quoted
from mtcs.data.tsv import tidy_label

MIN_SERIES = 4
"""Training series below which each may have a label of its own by intention."""
DOMINATING = 0.25
"""Share of the training values' sum of squares from which one value, or one time step, is worth a word.

Of 91 tasks of the UCR archive, no value has more than 0.07, and no first or last step more than 0.10.
"""


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
    if numbers and n >= MIN_SERIES and (np.diff(numbers) == 1).all():
        raise InvalidData(
            f"{name} (train) has labels {listed(labels)}, counted from series to series, expected labels that series "
            "share; is the first column an index?"
        )
    if n >= MIN_SERIES and distinct > n / 2 and any(not value.is_integer() for value in numbers):
        raise InvalidData(
            f"{name} (train) has {distinct} labels of {n} series ({listed(labels)}), expected labels that series "
            "share; is the first column a value?"
        )
    lengths = [{len(series) for series in split.series} for split in (task.train, task.test)]
    if len(lengths[0]) == len(lengths[1]) == 1 and abs(min(lengths[0]) - min(lengths[1])) == 1:
        raise InvalidData(
            f"{name} has series of {min(lengths[0])} values in train and of {min(lengths[1])} in test, expected as "
            "many; does each line begin with a label?"
        )


def doubts(task: RawTask) -> list[str]:
    """What should be looked at before training, one sentence each, most serious first."""
    return [*_odd_values(task), *_odd_steps(task), *_odd_labels(task)]


def _odd_values(task: RawTask) -> list[str]:
    """Values that alone make much of the spread: fill values such as -9999, or single faults of a sensor."""
    values = np.concatenate([series[~np.isnan(series)] for series in task.train.series])
    n, remarks = len(values), []
    with np.errstate(over="ignore", invalid="ignore"):
        while len(remarks) < 3:
            shares = {}
            for extreme in (values.min(), values.max()):
                rest = values[values != extreme]
                if len(rest) and rest.min() < rest.max():  # else a signal of two levels
                    shares[extreme] = 1 - _sum_of_squares(rest) / _sum_of_squares(values)
            extreme = max(shares, key=shares.__getitem__, default=None)
            if extreme is None or not shares[extreme] > DOMINATING:
                break
            count = int((values == extreme).sum())
            remarks.append(
                f"{task.name} (train): {shares[extreme]:.1%} of the spread comes from the value {extreme:.12g}, which "
                f"{count:,} of {n:,} values have; if it stands for a missing one, add 'missing: [{extreme:.12g}]' to "
                "the suite."
            )
            values = values[values != extreme]
    return remarks


def _sum_of_squares(values: np.ndarray) -> float:
    return float(values.var() * len(values))


def _odd_steps(task: RawTask) -> list[str]:
    """A first or last time step that is a column of something else: a time, an index, a label."""
    lengths = {len(series) for series in task.train.series}
    if len(lengths) > 1 or min(lengths) < MIN_SERIES or len(task.train.series) < MIN_SERIES:
        return []
    array = np.stack(task.train.series)  # (n, T)
    remarks = []
    for step, where in ((0, "first"), (-1, "last")):
        column, rest = array[:, step], np.delete(array, step, axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            share = 1 - np.nanvar(rest) * np.isfinite(rest).sum() / (np.nanvar(array) * np.isfinite(array).sum())
        steps = np.diff(column)
        counted = steps.size and steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-9, atol=0)
        if share > DOMINATING or counted:
            shown = f"{np.nanmin(column):.12g} to {np.nanmax(column):.12g}"
            reason = "they count the series" if counted else f"{share:.1%} of the spread comes from them"
            remarks.append(
                f"{task.name} (train) has values from {shown} at the {where} time step, and {reason}; if they are "
                "times or an index, take them out of the file."
            )
    return remarks


def _odd_labels(task: RawTask) -> list[str]:
    """Labels of single series, or with decimals; those of the UCR archive are meant so."""
    if task.name in published_sizes():
        return []
    counts = Counter(task.train.labels)
    remarks, single = [], [label for label in task.classes if counts[label] == 1]
    if single:
        remarks.append(
            f"{task.name} (train) has {len(single)} of {len(counts)} labels with a single series ({listed(single)}); "
            "nothing can be held out of these, and their accuracy says little."
        )
    decimals = [label for label in task.classes if is_number(label) and not float(label).is_integer()]
    if decimals:
        remarks.append(
            f"{task.name} (train) has labels with decimals ({listed(decimals)}); check that they are no values."
        )
    return remarks
