"""Labels that are none are refused, odd values and classes reported, and the archive's tasks are above suspicion."""

from __future__ import annotations

from pathlib import Path

import aeon.datasets
import numpy as np
import pytest

from mtcs.data.doubts import check_labels, doubts
from mtcs.data.formats import read_raw
from mtcs.data.raw import RawSplit, RawTask
from mtcs.data.text import InvalidData

AEON = Path(aeon.datasets.__file__).parent / "data"


def task(
    labels: list[str], length: int = 20, test_length: int | None = None, series: np.ndarray | None = None
) -> RawTask:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(len(labels), length)) if series is None else series
    classes = tuple(dict.fromkeys(labels))
    test = [rng.normal(size=(*values.shape[1:-1], test_length or values.shape[-1])) for _ in labels]
    return RawTask("Toy", RawSplit(list(values), labels), RawSplit(test, labels), classes)


SHARED = ["a", "b"] * 10


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([str(i) for i in range(40)], "labels 0, 1, 2, .*, 17 and 22 more, counted from series to series"),
        ([str(i) for i in range(101, 105)], "labels 101, 102, 103, 104, counted from series to series"),
        ([str(1_700_000_000 + 60 * i) for i in range(12)], "labels 1700000000, .*, counted from series to series"),
        ([f"{0.137 * i - 2:.4f}" for i in range(30)], "has 30 labels of 30 series .*; the first column may be a value"),
        (["1.0", "2"] * 5 + ["1"] * 5, "has labels '1.0' and '1', expected one way to write a number"),
    ],
)
def test_labels_that_are_none_are_refused(labels: list[str], message: str) -> None:
    with pytest.raises(InvalidData, match=f"^Toy .*{message}") as error:
        check_labels(task(labels))
    assert len(str(error.value)) < 300


def test_series_that_lack_their_labels_are_refused() -> None:
    with pytest.raises(
        InvalidData, match=r"has series of 20 values in train and of 19 in test, .*lines may lack their labels"
    ):
        check_labels(task(SHARED, test_length=19))


@pytest.mark.parametrize("labels", [SHARED, ["1", "2", "3"] * 3, ["0.5", "1.5"] * 4, ["0", "1"], list("abcdef")])
def test_labels_that_may_be_meant_are_taken(labels: list[str]) -> None:
    check_labels(task(labels))


@pytest.mark.parametrize("fill", [-9999.0, 9.96921e36, 1e20, 65535.0])
def test_a_fill_value_is_reported(fill: float) -> None:
    series = np.random.default_rng(1).normal(size=(20, 50))
    series[3, 7] = series[4, 9:12] = fill
    (doubt,) = doubts(task(SHARED, series=series))
    assert f"of the spread comes from the value {fill:.12g}, which 4 of 1,000 values have" in doubt
    assert f"'missing: [{fill:.12g}]'" in doubt
    assert len(doubt) < 300


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_a_fill_value_is_reported_among_few_values(n: int) -> None:
    """And what is the largest of a few is not taken for one."""
    mistaken = 0
    for seed in range(20):
        series = np.random.default_rng(seed).normal(size=(2, n)).round(1)
        mistaken += any("spread" in doubt for doubt in doubts(task(["a", "b"], series=series)))
        series[0, n // 2] = -9999
        assert f"the value -9999, which 1 of {2 * n} values have" in doubts(task(["a", "b"], series=series))[0]
    assert mistaken <= 1
    series = np.random.default_rng(1).normal(20, 1, size=(4, 10))
    series[2, 5] = 0
    assert "the value 0, which 1 of 40 values have" in doubts(task(["a", "b"] * 2, series=series))[0]


def test_the_ends_of_short_series_are_no_times() -> None:
    ramps = np.arange(5) + np.random.default_rng(1).normal(scale=0.1, size=(8, 5))
    assert doubts(task(["a", "b"] * 4, series=ramps)) == []
    ramps[:, 0] = 1.7e9 + 3600 * np.random.default_rng(1).random(8)
    assert "at the first time step" in doubts(task(["a", "b"] * 4, series=ramps))[-1]


def test_two_fill_values_are_both_reported() -> None:
    series = np.random.default_rng(1).normal(size=(20, 50))
    series[:6, 3], series[7, 30] = -9999, 9.96921e36
    first, second = doubts(task(SHARED, series=series))
    assert "the value 9.96921e+36, which 1 of" in first
    assert "the value -9999, which 6 of" in second
    series[:6, 3], series[7:13, 30] = -9999, 9999
    assert len(doubts(task(SHARED, series=series))) == 2


def test_a_fill_value_of_several_channels_is_reported_once() -> None:
    series = np.random.default_rng(1).normal(size=(20, 4, 50))
    series[3, :3, 7], series[5, 3, 8] = -9999, 9999
    first, second = doubts(task(SHARED, series=series))
    assert "Toy, channel 1 (train): " in first
    assert "the value -9999, which 1 of 1,000 values have, and so in 2 more channels; if it stands" in first
    assert "Toy, channel 4 (train): " in second
    assert "the value 9999, which 1 of 1,000 values have; if it stands" in second


def test_most_values_may_be_a_fill_value() -> None:
    series = np.random.default_rng(1).normal(size=(20, 50))
    series[:, 10:] = -9999
    assert "-9999, which 800 of 1,000 values have" in doubts(task(SHARED, series=series))[0]


@pytest.mark.parametrize("step", [0, -1])
@pytest.mark.parametrize("column", [1.7e9 + 3600 * np.arange(20), np.random.default_rng(0).normal(1e4, 10, 20)])
def test_a_column_of_something_else_is_reported(step: int, column: np.ndarray) -> None:
    series = np.random.default_rng(1).normal(size=(20, 50))
    series[:, step] = column
    doubt = doubts(task(SHARED, series=series))[-1]
    assert f"at the {'first' if step == 0 else 'last'} time step" in doubt


def test_an_index_beside_the_label_is_reported() -> None:
    series = np.random.default_rng(1).normal(size=(20, 50))
    series[:, 0] = np.arange(20) / 100  # too small to make much of the spread
    (doubt,) = doubts(task(SHARED, series=series))
    assert doubt.startswith("Toy (train) has values from 0 to 0.19 at the first time step, and they count the series;")


def test_single_series_and_decimals_are_reported() -> None:
    assert "has 1 of 3 labels with a single series (c)" in doubts(task([*SHARED, "c"]))[0]
    assert "has labels with decimals (0.5, 1.5)" in doubts(task(["0.5", "1.5"] * 4))[0]
    names = "every series has a label of its own (a.wav, b.wav, c.wav, d.wav); check that these are labels, not names"
    assert names in doubts(task(["a.wav", "b.wav", "c.wav", "d.wav"]))[0]
    assert "has labels like dates (2026-01-31, 1.2.2026)" in doubts(task(["2026-01-31", "1.2.2026"] * 4))[0]


def test_channels_in_the_place_of_time_steps_are_reported() -> None:
    """As arrays of other libraries have them, (n, T, channels); what else is odd is said, too."""
    series = np.random.default_rng(1).normal(size=(20, 50, 3))
    (doubt,) = doubts(task(SHARED, series=series))
    assert doubt.startswith("Toy (train) has series of 50 channels and 3 time steps; if these are swapped, write")
    assert doubts(task(SHARED, series=series.transpose(0, 2, 1))) == []
    assert "write arrays as (n, channels, T), and tables with a row per time step and a column per channel." in doubt
    series[3, 7:9, 1] = -9999
    first, fill, single = doubts(task([*SHARED[:-1], "c"], series=series))
    assert first == doubt
    assert "the value -9999, which 1 of 60 values have, and so in 1 more channel;" in fill
    assert "has 1 of 3 labels with a single series (c)" in single
    series = np.random.default_rng(1).normal(size=(20, 50, 6))
    series[..., 5] += np.random.default_rng(2).uniform(-1e6, 1e6, size=(20, 50))
    (doubt,) = doubts(task(SHARED, series=series))  # and nothing of the last time step, which may be a channel
    assert "50 channels and 6 time steps" in doubt


def test_files_of_two_tasks_are_reported() -> None:
    (doubt,) = doubts(task(SHARED, length=20, test_length=12))
    assert doubt.startswith(
        "Toy has series of 20 values in train and of 12 in test; if one of the two files is another"
    )


def test_a_signal_of_two_levels_and_plain_data_are_no_doubt() -> None:
    series = (np.random.default_rng(1).random((20, 50)) < 0.02) * 100.0
    assert doubts(task(SHARED, series=series)) == []
    assert doubts(task(SHARED)) == []


@pytest.mark.parametrize(
    "name", ["ACSF1", "ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf", "PickupGestureWiimoteZ"]
)
def test_the_archives_tasks_are_no_doubt(name: str) -> None:
    assert doubts(read_raw(AEON / name, name)) == []
