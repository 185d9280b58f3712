"""Nearest neighbours under dynamic time warping: labels, and a search that is killed and continues."""

from pathlib import Path

import numpy as np
import pytest

from mtcs.errors import InputError
from mtcs.evaluation import nearest
from mtcs.evaluation.nearest import predict_nearest, read_neighbours, save_neighbours, unfinished
from mtcs.ops.dtw import nearest as search


def waves(n: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes of noisy waves, shifted at random."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    phase = rng.uniform(0, 2, size=(n, 1))
    series = np.sin(np.linspace(0, 6, length) * (1 + labels[:, None]) + phase) + 0.1 * rng.normal(size=(n, length))
    return series.astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_label_is_that_of_the_nearest_series(workers):
    series, labels = waves(20, 30, seed=0)
    queries, _ = waves(15, 24, seed=1)
    queries[0, 20:], queries[1, 3] = np.nan, np.nan
    expected = labels[search(series, queries)[0]]
    np.testing.assert_array_equal(predict_nearest(series, labels, queries, workers), expected)


def test_progress_ends_with_all_queries():
    (series, labels), (queries, _) = waves(6, 12, seed=0), waves(5, 12, seed=1)
    seen = []
    predict_nearest(series, labels, queries, 1, lambda done, of: seen.append((done, of)))
    assert seen[0] == (0, 5)
    assert seen[-1] == (5, 5)


def test_a_search_that_is_interrupted_continues(tmp_path, monkeypatch):
    (series, labels), (queries, _) = waves(8, 20, seed=0), waves(12, 20, seed=1)
    monkeypatch.setattr("mtcs.ops.dtw._CELLS", 1)  # one query a block
    monkeypatch.setattr(nearest, "_EVERY", -1.0)

    def stop(done: int, of: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_nearest(series, labels, queries, 1, stop, tmp_path)
    path = unfinished(tmp_path, series, labels, queries)
    assert len(np.load(path)) == 5
    asked = []
    found = predict_nearest(series, labels, queries, 1, lambda done, of: asked.append(done), tmp_path)
    assert asked == list(range(5, 13))
    np.testing.assert_array_equal(found, predict_nearest(series, labels, queries))
    np.testing.assert_array_equal(predict_nearest(series, labels, queries, 1, None, tmp_path), found)
    assert list(tmp_path.iterdir()) == [path]


def test_other_series_do_not_continue_it(tmp_path):
    (series, labels), (queries, _) = waves(8, 20, seed=0), waves(12, 20, seed=1)
    paths = {
        unfinished(tmp_path, series, labels, queries),
        unfinished(tmp_path, series + 1, labels, queries),
        unfinished(tmp_path, series, 1 - labels, queries),
        unfinished(tmp_path, series, labels, queries[:-1]),
    }
    assert len(paths) == 4


def test_other_code_does_not_continue_it(tmp_path, monkeypatch):
    (series, labels), (queries, _) = waves(8, 20, seed=0), waves(12, 20, seed=1)
    before = unfinished(tmp_path, series, labels, queries)
    for name in ("evaluation/nearest.py", "ops/dtw.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    monkeypatch.setattr("mtcs.evaluation.nearest.__file__", str(tmp_path / "evaluation/nearest.py"))
    assert unfinished(tmp_path, series, labels, queries) != before


def test_no_series_to_search_among():
    queries, _ = waves(2, 5, seed=0)
    with pytest.raises(InputError, match="There are no references"):
        predict_nearest(queries[:0], np.empty(0, np.int64), queries)


def test_neighbours_are_kept_without_pickle(tmp_path):
    series, labels = waves(4, 6, seed=0)
    save_neighbours(tmp_path / "Waves.npz", series, labels)
    with np.load(tmp_path / "Waves.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["series"], series)
        np.testing.assert_array_equal(arrays["labels"], labels)


def test_neighbours_that_are_no_npz_are_told(tmp_path: Path):
    path = tmp_path / "Toy.npz"
    with pytest.raises(InputError, match=r"does not exist; run 'mtcs classify'\."):
        read_neighbours(path)
    path.write_text("nothing")
    with pytest.raises(InputError, match=r"does not hold series and labels .*; run 'mtcs classify' again"):
        read_neighbours(path)
