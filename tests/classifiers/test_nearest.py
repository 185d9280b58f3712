"""Nearest neighbors under dynamic time warping: labels, and a search that is killed and continues."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mtcs.classifiers import nearest
from mtcs.classifiers.nearest import FittedNearestNeighbor
from mtcs.errors import InputError
from mtcs.ops.dtw import nearest_blocks


def waves(n: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes of noisy waves, shifted at random."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    phase = rng.uniform(0, 2, size=(n, 1))
    series = np.sin(np.linspace(0, 6, length) * (1 + labels[:, None]) + phase) + 0.1 * rng.normal(size=(n, length))
    return series.astype(np.float32), labels.astype(np.int64)


READER = FittedNearestNeighbor(*waves(8, 20, seed=0))
QUERIES, _ = waves(12, 20, seed=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_label_is_that_of_the_nearest_series(workers):
    series, labels = waves(20, 30, seed=0)
    queries, _ = waves(15, 24, seed=1)
    queries[0, 20:], queries[1, 3] = np.nan, np.nan
    expected = labels[np.concatenate([indices for indices, _ in nearest_blocks(series, queries)])]
    np.testing.assert_array_equal(FittedNearestNeighbor(series, labels).predict(queries, workers), expected)


def test_progress_ends_with_all_queries():
    seen = []
    READER.predict(QUERIES[:5], 1, lambda done, of: seen.append((done, of)))
    assert seen[0] == (0, 5)
    assert seen[-1] == (5, 5)


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a search for `QUERIES` that was killed when five of twelve neighbors were known."""
    monkeypatch.setattr("mtcs.ops.dtw._CELLS", 1)  # one query a block
    monkeypatch.setattr(nearest, "_SAVE_SECONDS", -1.0)

    def stop(done: int, of: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        READER.predict(QUERIES, 1, stop, tmp_path)
    return READER.unfinished(tmp_path, QUERIES)


def test_a_search_that_is_interrupted_continues(interrupted, tmp_path):
    steps = []
    labels = READER.predict(QUERIES, 1, lambda done, of: steps.append(done), tmp_path)
    assert steps == list(range(5, 13))
    np.testing.assert_array_equal(labels, READER.predict(QUERIES))
    np.testing.assert_array_equal(READER.predict(QUERIES, 1, None, tmp_path), labels)
    assert list(tmp_path.iterdir()) == [interrupted]


def rewrite(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        content = change(np.load(path))
        with path.open("wb") as file:
            np.save(file, content)

    return damage


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-60] ^= 1
    path.write_bytes(content)


def make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "content").write_text("")


def make_a_zip(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, neighbors=np.arange(5))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("nothing"),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-16]),
    "a_bit": flip_a_bit,
    "folder": make_a_folder,
    "other_neighbors": rewrite(lambda content: np.concatenate([content[:5][::-1], content[5:]])),
    "without_digest": rewrite(lambda content: content[:5]),
    "nothing_in_it": rewrite(lambda content: content[:0]),
    "a_table": rewrite(lambda content: content[:8].reshape(2, 4)),
    "a_number": rewrite(lambda content: content[0]),
    "floats": rewrite(lambda content: content.astype(np.float64)),
    "zip": make_a_zip,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_not_as_written_is_set_aside_and_the_search_begins_anew(interrupted, tmp_path, damage, caplog):
    DAMAGES[damage](interrupted)
    steps = []
    labels = READER.predict(QUERIES, 1, lambda done, of: steps.append(done), tmp_path)
    np.testing.assert_array_equal(labels, READER.predict(QUERIES))
    assert steps[0] == 0
    (aside,) = (path for path in tmp_path.iterdir() if path != interrupted)
    assert [record.getMessage() for record in caplog.records] == [
        f"{interrupted} is not as it was written: set aside as {aside.name}, and the search begins anew."
    ]


def test_a_file_that_cannot_be_moved_is_named(interrupted, tmp_path, monkeypatch):
    interrupted.write_bytes(b"")

    def refuse(path: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(InputError, match=r"nearest-\w+\.npy is damaged and cannot be moved \(Perm.*\); remove it\.$"):
        READER.predict(QUERIES, 1, None, tmp_path)


def test_a_file_of_another_search_is_set_aside(interrupted, tmp_path, caplog):
    other = READER.unfinished(tmp_path, QUERIES + 1)
    interrupted.rename(other)
    np.testing.assert_array_equal(READER.predict(QUERIES + 1, 1, None, tmp_path), READER.predict(QUERIES + 1))
    assert "is not as it was written" in caplog.text


def test_other_series_do_not_continue_it(tmp_path):
    readers = (READER, FittedNearestNeighbor(READER.series + 1, READER.labels))
    readers += (FittedNearestNeighbor(READER.series, 1 - READER.labels),)
    paths = {reader.unfinished(tmp_path, QUERIES) for reader in readers}
    assert len(paths | {READER.unfinished(tmp_path, QUERIES[:-1])}) == 4


def test_other_code_does_not_continue_it(tmp_path, monkeypatch):
    before = READER.unfinished(tmp_path, QUERIES)
    for name in ("classifiers/nearest.py", "ops/dtw.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    monkeypatch.setattr("mtcs.classifiers.nearest.__file__", str(tmp_path / "classifiers/nearest.py"))
    assert READER.unfinished(tmp_path, QUERIES) != before


def test_no_series_to_search_among():
    with pytest.raises(InputError, match="There are no references"):
        FittedNearestNeighbor(QUERIES[:0], np.empty(0, np.int64)).predict(QUERIES)
