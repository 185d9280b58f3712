"""A task checks what it is made of, and its file brings back what was written, running no code."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from mtcs.data.task import INDEX, Split, Task, fingerprint, read_suite, read_task, write_index, write_task
from mtcs.errors import InputError


def make_split(n: int = 4, length: int = 6) -> Split:
    series = np.arange(n * length, dtype=np.float32).reshape(n, length)
    series[0, -1] = np.nan
    return Split(series, np.arange(n) % 2)


def make_task(**splits: Split) -> Task:
    return Task("Tiny", **{"train": make_split(), "test": make_split(3, 8), **splits}, classes=("no", "yes"))


def with_value(value: float, rows: slice = slice(1, 2)) -> Split:
    split = make_split()
    split.series[rows] = value
    return split


def test_a_task_knows_its_sizes():
    task = make_task()
    assert (task.n_classes, task.length, len(task.train), len(task.test)) == (2, 6, 4, 3)


def test_a_file_brings_back_the_task(tmp_path):
    task = make_task()
    write_task(tmp_path / "Tiny.npz", task)
    result = read_task(tmp_path / "Tiny.npz")
    assert (result.name, result.classes) == ("Tiny", ("no", "yes"))
    for ours, expected in ((result.train, task.train), (result.test, task.test)):
        np.testing.assert_array_equal(ours.series, expected.series)
        np.testing.assert_array_equal(ours.labels, expected.labels)
    assert [path.name for path in tmp_path.iterdir()] == ["Tiny.npz"]


def test_the_same_task_is_the_same_bytes(tmp_path):
    for name in ("first.npz", "second.npz"):
        write_task(tmp_path / name, make_task())
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (
            Split(np.zeros((4, 6)), np.arange(4) % 2),
            "Tiny (train): series are float64 (4, 6), expected float32 (n, T) with T >= 1.",
        ),
        (
            Split(np.zeros((4, 0), np.float32), np.arange(4) % 2),
            "Tiny (train): series are float32 (4, 0), expected float32 (n, T) with T >= 1.",
        ),
        (
            Split(np.zeros((4, 6, 1), np.float32), np.arange(4) % 2),
            "Tiny (train): series are float32 (4, 6, 1), expected float32 (n, T) with T >= 1.",
        ),
        (
            Split(np.zeros((4, 6), np.float32), np.arange(3)),
            "Tiny (train): labels are int64 (3,), expected int64 (4,).",
        ),
        (
            Split(np.zeros((4, 6), np.float32), np.zeros(4, np.int32)),
            "Tiny (train): labels are int32 (4,), expected int64 (4,).",
        ),
        (Split(np.zeros((0, 6), np.float32), np.zeros(0, np.int64)), "Tiny (train): no series."),
        (Split(np.zeros((4, 6), np.float32), np.arange(4)), "Tiny (train): labels 0..3, expected 0..1."),
        (Split(np.zeros((4, 6), np.float32), np.arange(4) - 1), "Tiny (train): labels -1..2, expected 0..1."),
        (with_value(np.inf), "Tiny (train): series 1 holds an infinite value."),
        (with_value(np.nan, slice(2, 4)), "Tiny (train): series 2 holds no observed value."),
    ],
)
def test_what_is_wrong_with_a_split_is_said_in_one_line(split, message):
    with pytest.raises(InputError) as error:
        make_task(train=split)
    assert str(error.value) == message


def test_the_test_split_is_checked_too():
    with pytest.raises(InputError, match=r"^Tiny \(test\): series 1 holds an infinite value\.$"):
        make_task(test=with_value(-np.inf))


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "demo" / "Tiny.npz"
    with pytest.raises(InputError) as error:
        read_task(path)
    assert str(error.value) == f"{path} does not exist; run 'mtcs normalize demo'."


def fill(path, **arrays) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)


def arrays(**changes) -> dict[str, np.ndarray]:
    task = make_task()
    held = {
        "series_train": task.train.series,
        "labels_train": task.train.labels,
        "series_test": task.test.series,
        "labels_test": task.test.labels,
        "classes": np.array(task.classes),
        "mean": np.float64(1.5),
        "std": np.float64(2.0),
        "missing": np.array([-9999.0]),
    }
    return held | changes


def without(name: str) -> dict[str, np.ndarray]:
    return {key: array for key, array in arrays().items() if key != name}


def damage(path) -> None:
    fill(path, **arrays())
    held = path.read_bytes()
    path.write_bytes(held[:200] + bytes(byte ^ 255 for byte in held[200:220]) + held[220:])


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda path: path.write_text("label,value\n"), id="text"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(damage, id="damaged"),
        pytest.param(lambda path: zipfile.ZipFile(path, "w").close(), id="empty zip"),
        pytest.param(lambda path: fill(path, **without("classes")), id="no classes"),
        # Objects would be unpickled, which runs code.
        pytest.param(lambda path: fill(path, **arrays(classes=np.array(["a", {}], object))), id="objects"),
    ],
)
def test_a_file_that_does_not_hold_a_task(tmp_path, write):
    path = tmp_path / "Tiny.npz"
    write(path)
    with pytest.raises(InputError) as error:
        read_task(path)
    message = str(error.value)
    assert message.startswith(f"{path} does not hold a task (")
    assert message.endswith(f"); run 'mtcs normalize {tmp_path.name}'.")
    assert "\n" not in message


def test_a_file_with_wrong_labels_names_the_task_and_the_part(tmp_path):
    fill(tmp_path / "Tiny.npz", **arrays(labels_test=np.array([0, 1, 2])))
    with pytest.raises(InputError, match=r"^Tiny \(test\): labels 0\.\.2, expected 0\.\.1\.$"):
        read_task(tmp_path / "Tiny.npz")


# A suite


def write_suite(folder, *tasks: Task) -> None:
    for task in tasks:
        write_task(folder / f"{task.name}.npz", task)
    write_index(folder, [task.name for task in tasks], [fingerprint(task) for task in tasks])


def test_a_suite_has_its_tasks_in_order_with_their_scale(tmp_path):
    tasks = [replace(make_task(), name=name, mean=3.0, std=0.5, missing=(-9999.0,)) for name in ("Second", "First")]
    write_suite(tmp_path / "tiny", *tasks)
    result = read_suite(tmp_path / "tiny")
    assert [task.info for task in result] == [task.info for task in tasks]
    assert [task.name for task in read_suite(tmp_path / "tiny", ["Second", "First"])] == ["Second", "First"]


def test_a_suite_of_other_tasks_or_other_series_is_refused(tmp_path):
    folder = tmp_path / "tiny"
    with pytest.raises(InputError, match=r"tasks\.json does not exist; run 'mtcs normalize tiny'\.$"):
        read_suite(folder)
    one, other = make_task(), replace(make_task(train=with_value(7.0)), name="Other")
    write_suite(folder, one, other)
    with pytest.raises(
        InputError, match=r"tasks\.json lists Tiny, Other, expected Other, Tiny; run 'mtcs normalize tiny'"
    ):
        read_suite(folder, ["Other", "Tiny"])
    write_task(folder / "Tiny.npz", other)
    with pytest.raises(InputError, match=r"Tiny\.npz holds other series or labels than .*tasks\.json says; run"):
        read_suite(folder)
    (folder / INDEX).write_text('{"tasks": 3}')
    with pytest.raises(InputError, match=r"tasks\.json does not list a suite's tasks .*; run 'mtcs normalize tiny'\.$"):
        read_suite(folder)


def test_a_scale_that_divides_by_zero_is_refused():
    with pytest.raises(InputError, match=r"^Tiny: mean 0 and standard deviation 0, expected finite ones"):
        replace(make_task(), std=0.0)


def test_test_series_that_are_training_series_are_counted():
    train = make_split()
    longer = np.pad(train.series[:3], ((0, 0), (0, 2)), constant_values=np.nan)
    longer[2, 0] += 1
    assert make_task(test=Split(longer, np.arange(3) % 2)).repeated() == 2


def test_a_changed_scale_is_refused(tmp_path):
    """By which new series would be scaled; no fingerprint covers it."""
    write_suite(tmp_path / "tiny", make_task())
    write_task(tmp_path / "tiny/Tiny.npz", replace(make_task(), mean=99.0))
    with pytest.raises(
        InputError, match=r"Tiny\.npz holds another scale or other labels than were written; run 'mtcs n"
    ):
        read_suite(tmp_path / "tiny")


def test_an_index_without_digests_of_files_is_read(tmp_path):
    write_suite(tmp_path / "tiny", make_task())
    index = json.loads((tmp_path / "tiny" / INDEX).read_text())
    (tmp_path / "tiny" / INDEX).write_text(json.dumps({"tasks": index["tasks"]}))  # as earlier versions wrote it
    assert len(read_suite(tmp_path / "tiny")) == 1


@pytest.mark.parametrize("content", ["[" * 100_000, "3", '{"tasks": {}, "files": 3}', '{"tasks": 3}', "\udcff"])
def test_an_index_that_is_none_is_one_line(tmp_path, content):
    write_suite(tmp_path / "tiny", make_task())
    (tmp_path / "tiny" / INDEX).write_text(content, errors="surrogateescape")
    with pytest.raises(InputError, match=r"tasks\.json does not list a suite's tasks .*; run 'mtcs normalize tiny'\.$"):
        read_suite(tmp_path / "tiny")
