"""The validation split: stratified, without overlap, and blind to the test series."""

import numpy as np
import pytest

from mtcs.data.splits import hold_out
from mtcs.data.task import Split, Task
from mtcs.errors import InputError


def make_task(counts: tuple[int, ...] = (20, 8, 3, 1)) -> Task:
    """A series is its row number, repeated; test series are negative."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    train = Split(np.repeat(np.arange(len(labels), dtype=np.float32)[:, None], 5, 1), labels)
    return Task("Tiny", train, Split(-train.series - 1, labels), tuple(map(str, range(len(counts)))))


def rows(split: Split) -> list[int]:
    return split.series[:, 0].astype(int).tolist()


def test_training_series_are_divided_and_test_series_stay_out():
    task = make_task()
    result = hold_out(task, 0.25)
    assert sorted(rows(result.train) + rows(result.test)) == rows(task.train)
    for split in (result.train, result.test):
        np.testing.assert_array_equal(split.labels, task.train.labels[rows(split)])
    assert (result.name, result.classes) == (task.name, task.classes)


@pytest.mark.parametrize(("share", "held"), [(0.25, [5, 2, 1, 0]), (0.5, [10, 4, 2, 0]), (0.95, [19, 7, 2, 0])])
def test_every_class_gives_its_share_and_keeps_one_series(share, held):
    result = hold_out(make_task(), share)
    assert np.bincount(result.test.labels, minlength=4).tolist() == held
    assert np.bincount(result.train.labels, minlength=4).min() >= 1


def test_the_seed_decides():
    first, again, other = (hold_out(make_task(), 0.25, seed) for seed in (0, 0, 1))
    assert rows(first.test) == rows(again.test)
    assert rows(first.test) != rows(other.test)


def test_the_task_is_left_as_it_was():
    task = make_task()
    result = hold_out(task, 0.5)
    result.train.series[:] = 7
    result.test.series[:] = 7
    np.testing.assert_array_equal(task.train.series, make_task().train.series)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (
            (1, 1, 1),
            "Tiny has one training series in each of its 3 classes, and none can be held out; take the task out",
        ),
        ((2, 1, 1), "Tiny has too few training series .* share of 0.2; take a larger one, up to 0.5, or the task out"),
    ],
)
def test_the_way_out_is_one_that_helps(counts, message):
    with pytest.raises(InputError, match=message):
        hold_out(make_task(counts), 0.2)


def test_a_larger_share_does_help():
    assert len(hold_out(make_task((2, 1, 1)), 0.5).test) == 1
