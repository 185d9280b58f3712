"""The file of a task's representations: what goes in comes out, and one line for each way it can be wrong."""

import numpy as np
import pytest

from mtcs.errors import InputError
from mtcs.evaluation.representations import Representations, read_representations, write_representations
from mtcs.layout import Layout, Run

REMEDY = "run 'mtcs represent mtcs tiny --seed 3'."


@pytest.fixture
def run(tmp_path) -> Run:
    return Run("tiny", "mtcs", 3, Layout(tmp_path))


@pytest.fixture
def path(run):
    return run.representation("Waves")


def make(head: bool = True) -> Representations:
    rng = np.random.default_rng(0)
    train, test, weight = (rng.normal(size=(n, 5)).astype(np.float32) for n in (7, 4, 3))
    return Representations(train, test, weight if head else None)


@pytest.mark.parametrize("head", [True, False])
def test_what_is_written_is_read(run, path, head):
    made = make(head)
    write_representations(path, made)
    result = read_representations(run, "Waves")
    np.testing.assert_array_equal(result.train, made.train)
    np.testing.assert_array_equal(result.test, made.test)
    assert (result.head is not None) == head
    if head:
        np.testing.assert_array_equal(result.head, made.head)


def test_equal_representations_are_equal_bytes(path, tmp_path):
    write_representations(path, make())
    write_representations(tmp_path / "again.npz", make())
    assert path.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_series_themselves_may_have_missing_values(run, path):
    series = np.array([[1, np.nan, 2], [3, 4, np.nan]], np.float32)
    write_representations(path, Representations(series, series))
    np.testing.assert_array_equal(read_representations(run, "Waves").test, series)


def test_the_heads_predictions_are_its_largest_logits():
    head = np.array([[1, 0], [0, 1], [-1, -1]], np.float32)
    test = np.array([[3, 1], [1, 3], [-1, -2]], np.float32)
    assert Representations(test, test, head).head_predictions().tolist() == [0, 1, 2]
    assert Representations(test, test).head_predictions() is None


def test_a_file_that_is_not_there(run, path):
    with pytest.raises(InputError) as error:
        read_representations(run, "Waves")
    assert str(error.value) == f"{path} does not exist; {REMEDY}"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"train": np.zeros((2, 3), np.float32)}, "lacks test; "),
        ({}, "lacks test and train; "),
        (
            {"train": np.zeros(3), "test": np.zeros((2, 3))},
            ": 'train' of shape (3,), expected (n, D) and no infinity; ",
        ),
        (
            {"train": np.zeros((1, 1)), "test": np.full((1, 1), np.inf)},
            "'test' of shape (1, 1), expected (n, D) and no inf",
        ),
        (
            {"train": np.zeros((2, 3)), "test": np.zeros((2, 3)), "head": np.zeros((4, 2))},
            ": head of shape (4, 2), expected (C, 3); ",
        ),
    ],
)
def test_arrays_that_are_not_representations(run, path, arrays, message):
    path.parent.mkdir(parents=True)
    np.savez(path, **arrays)
    with pytest.raises(InputError) as error:
        read_representations(run, "Waves")
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)
    assert str(error.value).endswith(REMEDY)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 half"])
def test_a_damaged_file(run, path, content):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_representations(run, "Waves")
    assert str(error.value) == f"{path} does not hold representations (it is no .npz file); {REMEDY}"


def test_no_object_is_loaded(run, path):
    path.parent.mkdir(parents=True)
    np.savez(path, train=np.array([{}], dtype=object), test=np.zeros((1, 1)))
    with pytest.raises(InputError, match="does not hold representations"):
        read_representations(run, "Waves")
