"""Few labelled series of a task: as many of each label as asked for, drawn anew for each task and draw."""

import numpy as np
import pytest

from mtcs.data.few_labels import with_few_labels
from mtcs.data.raw import RawSplit, RawTask


def make(name: str = "Pump") -> RawTask:
    """Forty training series of `ok`, thirty of `worn` and two of `odd`, each its row number; test series as many."""
    labels = np.random.default_rng(0).permutation(["ok"] * 40 + ["worn"] * 30 + ["odd"] * 2).tolist()
    series = [np.full(3, float(row)) for row in range(len(labels))]
    return RawTask(name, RawSplit(series, labels), RawSplit(series, labels), ("ok", "worn", "odd"))


def rows(task: RawTask) -> list[int]:
    return [int(values[0]) for values in task.train.series]


@pytest.mark.parametrize(("n", "kept"), [(1, (1, 1, 1)), (5, (5, 5, 2)), (35, (35, 30, 2)), (100, (40, 30, 2))])
def test_so_many_of_each_label_are_kept(n: int, kept: tuple[int, ...]) -> None:
    task, few = make(), with_few_labels(make(), n)
    assert tuple(few.train.labels.count(label) for label in task.classes) == kept
    assert [task.train.labels[row] for row in rows(few)] == few.train.labels
    assert rows(few) == sorted(rows(few)), "in the order they had"
    assert few.test is not None and len(few.test.series) == len(task.test.series)


def test_the_draw_and_the_task_decide() -> None:
    first = rows(with_few_labels(make(), 5))
    assert first == rows(with_few_labels(make(), 5))
    assert first != rows(with_few_labels(make(), 5, draw=1))
    assert first != rows(with_few_labels(make("Fan"), 5))
