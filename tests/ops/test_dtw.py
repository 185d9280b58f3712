"""The nearest neighbor under dynamic time warping, against the plain cost matrix and against aeon."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from aeon.datasets import load_classification
from aeon.distances import dtw_distance, dtw_pairwise_distance

from mtcs.errors import InputError
from mtcs.ops import dtw
from mtcs.ops.dtw import interpolated, nearest_blocks


def nearest(references: np.ndarray, queries: np.ndarray, threads: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Indices (m,) and distances (m,) of all blocks."""
    indices, distances = zip(*nearest_blocks(references, queries, threads), strict=True)
    return np.concatenate(indices), np.concatenate(distances)


def plain_distance(x: np.ndarray, y: np.ndarray) -> float:
    """The whole cost matrix of x (n,) and y (m,), cell by cell."""
    cost = np.full((len(x) + 1, len(y) + 1), np.inf)
    cost[0, 0] = 0
    for i in range(len(x)):
        for j in range(len(y)):
            difference = x[i] - y[j]
            cost[i + 1, j + 1] = min(cost[i, j], cost[i, j + 1], cost[i + 1, j]) + difference * difference
    return float(cost[-1, -1])


def plain_matrix(references: list[np.ndarray], queries: list[np.ndarray]) -> np.ndarray:
    """Distances (m, n)."""
    return np.array([[plain_distance(x, y) for y in references] for x in queries])


def padded(series: list[np.ndarray]) -> np.ndarray:
    """Series of several lengths in one array (n, T), with NaN behind the shorter ones."""
    array = np.full((len(series), max(map(len, series))), np.nan)
    for row, values in zip(array, series, strict=True):
        row[: len(values)] = values
    return array


def demo_series(task: str, split: str) -> list[np.ndarray]:
    """Z-normalised series of a task that comes with aeon."""
    series = [np.asarray(one, dtype=np.float64).ravel() for one in load_classification(task, split=split)[0]]
    return [(one - one.mean()) / one.std() for one in series]


def assert_exact(references: list[np.ndarray], queries: list[np.ndarray]) -> None:
    """The search finds, to the last bit, what the matrix of all distances holds."""
    matrix = plain_matrix(references, queries)
    indices, distances = nearest(padded(references), padded(queries))
    np.testing.assert_array_equal(distances, matrix.min(axis=1))
    np.testing.assert_array_equal(indices, matrix.argmin(axis=1))
    assert indices.dtype == np.int64
    assert distances.dtype == np.float64


def assert_agrees(matrix: np.ndarray, indices: np.ndarray, distances: np.ndarray) -> None:
    """Indices and distances are those of a matrix (m, n) whose sums are rounded in another order."""
    np.testing.assert_allclose(distances, matrix.min(axis=1), rtol=1e-10)
    np.testing.assert_allclose(matrix[np.arange(len(matrix)), indices], matrix.min(axis=1), rtol=1e-10)


@pytest.mark.parametrize("length", [1, 2, 3, 17])
@pytest.mark.parametrize("kind", ["noise", "walk"])
def test_equal_lengths_are_exact(length: int, kind: str) -> None:
    series = np.random.default_rng(length).normal(size=(32, length))
    if kind == "walk":
        series = series.cumsum(axis=1)
    assert_exact(list(series[:20]), list(series[20:]))


@pytest.mark.parametrize(("shortest", "longest"), [(1, 3), (1, 20), (14, 16)])
def test_unequal_lengths_are_exact(shortest: int, longest: int) -> None:
    rng = np.random.default_rng(longest)
    series = [rng.normal(size=length).cumsum() for length in rng.integers(shortest, longest + 1, size=32)]
    assert_exact(series[:20], series[20:])


def test_references_and_queries_may_differ_in_length() -> None:
    rng = np.random.default_rng(0)
    short, long = list(rng.normal(size=(9, 5))), list(rng.normal(size=(9, 12)))
    assert_exact(short, long)
    assert_exact(long, short)


def test_the_first_of_equal_references_is_the_nearest() -> None:
    # Few values, hence many equal distances, which the order of the bounds does not follow.
    series = np.random.default_rng(0).integers(0, 3, size=(80, 6)).astype(np.float64)
    matrix = plain_matrix(list(series[:60]), list(series[60:]))
    assert ((matrix == matrix.min(axis=1, keepdims=True)).sum(axis=1) > 1).mean() > 0.5
    assert_exact(list(series[:60]), list(series[60:]))


def test_a_later_reference_with_the_better_bound_does_not_win_a_tie() -> None:
    query = np.array([[0.0, 1.0, 1.0, 2.0]])
    references = np.array([[9.0, 9.0, 9.0, 9.0], [0.0, 0.0, 1.0, 2.0], [0.0, 1.0, 1.0, 2.0]])  # 1 warps to distance 0
    assert nearest(references, query)[0].tolist() == [1]


def test_a_series_is_nearest_to_itself() -> None:
    series = np.random.default_rng(0).normal(size=(10, 30))
    indices, distances = nearest(series, series)
    assert indices.tolist() == list(range(10))
    assert distances.tolist() == [0.0] * 10


def test_constant_series() -> None:
    assert_exact([np.full(4, 2.0), np.full(4, 1.0), np.full(7, 1.0)], [np.full(4, 0.0), np.full(7, 1.0), np.zeros(1)])


def test_distances_too_large_for_a_float() -> None:
    indices, distances = nearest(np.full((2, 3), 1e200), np.full((1, 3), -1e200))
    assert (indices.tolist(), distances.tolist()) == ([0], [np.inf])


@pytest.mark.parametrize("lengths", [(40, 41), (5, 60)])
def test_random_series_agree_with_aeon(lengths: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    series = [rng.normal(size=length) for length in rng.integers(*lengths, size=40)]
    matrix = np.array([[dtw_distance(x, y) for y in series[:30]] for x in series[30:]])
    assert_agrees(matrix, *nearest(padded(series[:30]), padded(series[30:])))


@pytest.mark.parametrize(("task", "n", "m"), [("ItalyPowerDemand", 67, 40), ("GunPoint", 50, 10), ("ArrowHead", 36, 4)])
def test_demo_series_agree_with_aeon(task: str, n: int, m: int) -> None:
    references, queries = demo_series(task, "train")[:n], demo_series(task, "test")[:m]
    matrix = np.array([[dtw_distance(x, y) for y in references] for x in queries])
    assert_agrees(matrix, *nearest(padded(references), padded(queries)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*unsafe cast from uint64:numba.core.errors.NumbaTypeSafetyWarning")  # in aeon
@pytest.mark.timeout(1800)  # aeon computes 2e10 cells for ACSF1
@pytest.mark.parametrize(
    "task", ["ACSF1", "ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf", "PickupGestureWiimoteZ"]
)
def test_every_demo_task_agrees_with_aeon(task: str) -> None:
    references, queries = demo_series(task, "train"), demo_series(task, "test")
    assert_agrees(dtw_pairwise_distance(queries, references), *nearest(padded(references), padded(queries)))


def test_padding_is_no_part_of_a_series() -> None:
    rng = np.random.default_rng(0)
    references, queries = rng.normal(size=(8, 10)), rng.normal(size=(5, 10))
    wide = np.pad(references, ((0, 0), (0, 6)), constant_values=np.nan)
    for one, other in zip(nearest(wide, queries), nearest(references, queries), strict=True):
        np.testing.assert_array_equal(one, other)


def test_missing_values_are_interpolated() -> None:
    nan = np.nan
    series = np.array([[0, nan, nan, 3, nan], [nan, nan, 2, nan, 4], [5, 6, 7, 8, 9], [nan, 1, nan, nan, nan]])
    expected = [[0, 1, 2, 3, nan], [2, 2, 2, 3, 4], [5, 6, 7, 8, 9], [1, 1, nan, nan, nan]]
    np.testing.assert_array_equal(interpolated(series), expected)
    indices, distances = nearest(series, np.array([[0.0, 1, 2, 3, nan], [1, 1, 1, 1, 1]]))
    assert (indices.tolist(), distances.tolist()) == ([0, 3], [0, 0])


def test_inputs_stay_as_they_are() -> None:
    series = np.random.default_rng(0).normal(size=(9, 7)).astype(np.float32)
    series[1, 3] = series[2, 5:] = np.nan
    before = series.copy()
    series.flags.writeable = False
    _, distances = nearest(series[:5], series[5:])
    np.testing.assert_array_equal(series, before)
    np.testing.assert_array_equal(distances, nearest(series[:5].astype(np.float64), series[5:])[1])


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtw, "_CELLS", 1)  # a block for each query
    series = np.random.default_rng(0).normal(size=(60, 20))
    one, four = (nearest(series[:30], series[30:], threads=threads) for threads in (1, 4))
    np.testing.assert_array_equal(one[0], four[0])
    np.testing.assert_array_equal(one[1], four[1])


def test_blocks_come_in_order_and_the_search_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtw, "_CELLS", 2 * 9 * 5 * 5)  # two queries a block
    series = np.random.default_rng(0).normal(size=(14, 5))
    references, queries = series[:9], series[9:]
    assert [len(indices) for indices, _ in nearest_blocks(references, queries)] == [2, 2, 1]

    first = next(nearest_blocks(references, queries))
    rest = list(nearest_blocks(references, queries[2:]))
    for one, complete in zip(zip(first, *rest, strict=True), nearest(references, queries), strict=True):
        np.testing.assert_array_equal(np.concatenate(one), complete)
    assert list(nearest_blocks(references, queries[5:])) == []


def test_blocks_nobody_takes_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def search(*arrays: Any) -> tuple[np.ndarray, np.ndarray]:
        searched.append(threading.current_thread().name)
        time.sleep(0.01)
        return np.zeros(1, np.int64), np.zeros(1)

    monkeypatch.setattr(dtw, "_CELLS", 1)
    monkeypatch.setattr(dtw, "_search", search)
    blocks = nearest_blocks(np.zeros((1, 1)), np.zeros((500, 1)), threads=2)
    next(blocks)
    blocks.close()
    assert len(searched) < 500
    assert threading.main_thread().name not in searched


@pytest.mark.parametrize(
    ("references", "queries", "message"),
    [
        (np.zeros((0, 4)), np.zeros((2, 4)), "There are no references, expected one series or more to search among."),
        (np.zeros((2, 0)), np.zeros((2, 4)), "The references have shape (2, 0), expected (n, T) with T >= 1."),
        (np.zeros((2, 4)), np.zeros(4), "The queries have shape (4,), expected (n, T) with T >= 1."),
        (
            np.array([[1.0, 2.0], [np.nan, np.nan]]),
            np.zeros((2, 4)),
            "Series 1 of the references has no observed value; correct it or leave it out.",
        ),
        (
            np.zeros((2, 4)),
            np.array([[1.0, -np.inf]]),
            "Series 0 of the queries has an infinite value; correct it or leave it out.",
        ),
    ],
)
def test_mistakes(references: np.ndarray, queries: np.ndarray, message: str) -> None:
    with pytest.raises(InputError) as raised:
        nearest(references, queries)
    assert str(raised.value) == message
