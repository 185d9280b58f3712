"""z-normalisation by training statistics, padding, and what cannot be normalised."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from mtcs.data.normalize import z_normalize
from mtcs.data.raw import RawSplit, RawTask
from mtcs.errors import InputError


def split(labels: list[str], *series: list[float]) -> RawSplit:
    return RawSplit([np.array(one, dtype=np.float64) for one in series], labels)


TASK = RawTask(
    "Toy",
    train=split(["b", "a"], [1.0, np.nan, 3.0], [5.0, 7.0]),
    test=split(["a", "b", "b"], [4.0, 9.0, -1.0, 4.0], [np.nan, 4.0], [0.0]),
    classes=("a", "b"),
)


def test_by_hand() -> None:
    task = z_normalize(TASK)  # observed training values 1, 3, 5, 7: mean 4, variance 5
    nan, scale = np.nan, 5**0.5
    np.testing.assert_array_equal(
        task.train.series, np.array([[-3 / scale, nan, -1 / scale], [1 / scale, 3 / scale, nan]], np.float32)
    )
    np.testing.assert_array_equal(
        task.test.series,
        np.array([[0, 5 / scale, -5 / scale, 0], [nan, 0, nan, nan], [-4 / scale, nan, nan, nan]], np.float32),
    )
    assert task.train.series.dtype == task.test.series.dtype == np.float32
    assert (task.name, task.classes) == ("Toy", ("a", "b"))
    assert task.train.labels.tolist() == [1, 0]
    assert task.test.labels.tolist() == [0, 1, 1]
    assert task.train.labels.dtype == np.int64


def test_training_values_have_mean_zero_and_deviation_one() -> None:
    random = np.random.default_rng(0)
    series = [random.normal(1e6, 3.0, size=length) for length in (50, 80, 20)]
    train = z_normalize(dataclasses.replace(TASK, train=RawSplit(series, ["a", "b", "a"]))).train.series
    assert train.shape == (3, 80)
    assert abs(np.nanmean(train, dtype=np.float64)) < 1e-6
    assert abs(np.nanstd(train, dtype=np.float64) - 1) < 1e-6


@pytest.mark.parametrize(
    "test",
    [
        split(["a"], [1e30, -1e30, np.nan, 1.0, 2.0, 3.0, 4.0, 5.0]),
        split(["b", "b"], [0.0], [0.0]),
    ],
    ids=["longer and wilder", "constant"],
)
def test_the_test_split_does_not_reach_the_training_split(test: RawSplit) -> None:
    mine, other = z_normalize(TASK).train, z_normalize(dataclasses.replace(TASK, test=test)).train
    assert mine.series.tobytes() == other.series.tobytes()
    assert mine.labels.tobytes() == other.labels.tobytes()


def test_the_input_is_left_alone() -> None:
    before = [one.copy() for one in TASK.train.series]
    z_normalize(TASK)
    for one, copy in zip(TASK.train.series, before, strict=True):
        np.testing.assert_array_equal(one, copy)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (
            split(["a", "b"], [0.1] * 7, [0.1, np.nan] * 6),  # 13 values, whose mean is not exactly 0.1
            "Toy (train) has values 0.1..0.1 of standard deviation ",
        ),
        (
            split(["a", "b"], [1e300, -1e300], [1e300]),
            "Toy (train) has values -1e+300..1e+300 of standard deviation inf, which cannot be scaled to one; "
            "repair its values, or leave these series or the task out.",
        ),
        (
            split(["a", "b"], [np.nan], [np.nan, np.nan]),
            "Toy (train) has no observed value; repair its values or leave the task out.",
        ),
        (split(["a", "b"], [1.0, 2.0], [np.nan]), "Toy (train): series 1 holds no observed value."),
    ],
    ids=["constant", "too large", "all missing", "one missing"],
)
def test_what_cannot_be_normalised(train: RawSplit, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        z_normalize(dataclasses.replace(TASK, train=train))


def test_a_test_value_beyond_float32_is_reported() -> None:
    with pytest.raises(InputError, match=re.escape("Toy (test): series 0 holds an infinite value.")):
        z_normalize(dataclasses.replace(TASK, test=split(["a"], [1e200])))
