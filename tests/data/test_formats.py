"""Parsing and checking: a file is read as what it says, or refused with its place."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import aeon.datasets
import numpy as np
import pytest
from aeon.datasets import load_from_tsv_file

from mtcs.config.archive import published_sizes
from mtcs.data import ts
from mtcs.data.formats import read_raw, read_series
from mtcs.data.normalize import z_normalize
from mtcs.data.sources import fetch_task
from mtcs.data.task import read_task, write_task
from mtcs.errors import InputError, WorkError
from tests.data.toy import FILES, TEST, TRAIN, nothing_but, write

AEON = Path(aeon.datasets.__file__).parent / "data"


def test_series_labels_and_classes_are_the_archives(tmp_path: Path) -> None:
    task = read_raw(write(tmp_path, FILES), "Toy")
    assert [one.tolist() for one in task.train.series] == [[1, 2.5], [4, 5, 6]]  # missing at the end: as padding
    np.testing.assert_array_equal(task.test.series[0], [7, np.nan, 9])
    assert all(one.dtype == np.float64 for one in task.train.series)
    assert (task.train.labels, task.test.labels) == (["10", "2"], ["2"])
    assert task.classes == ("2", "10")


def test_classes_that_are_no_numbers_keep_the_headers_order(tmp_path: Path) -> None:
    contents = {
        name: text.replace("true 2 10", "true Walk Banana Rest").replace(":2", ":Walk").replace(":10", ":Banana")
        for name, text in FILES.items()
    }
    task = read_raw(write(tmp_path, contents), "Toy")
    assert task.classes == ("Walk", "Banana")  # 'Rest' is not in the training split
    assert task.train.labels == ["Banana", "Walk"]


def test_unequal_lengths_are_read(tmp_path: Path) -> None:
    contents = {**FILES, "Toy_TEST.ts": TEST.replace("equalLength true", "equalLength false") + "1:2\n1,2,3,4:10\n"}
    assert [len(one) for one in read_raw(write(tmp_path, contents), "Toy").test.series] == [3, 1, 4]


def test_a_tsv_reads_as_the_ts_does(tmp_path: Path) -> None:
    tsv = {
        "Toy_TRAIN.tsv": "10\t1\t2.5\tNaN\n2\t4\t5\t6\n",
        "Toy_TEST.tsv": "2\t7\t\t9\n",
    }
    source = write(tmp_path / "source/Toy", tsv).parent
    assert fetch_task("Toy", tmp_path / "raw/Toy", str(source))
    assert nothing_but(tmp_path / "raw/Toy", "Toy_TRAIN.ts", "Toy_TEST.ts")

    got, expected = read_raw(tmp_path / "raw/Toy", "Toy"), read_raw(write(tmp_path / "ts", FILES), "Toy")
    assert (got.classes, got.train.labels, got.test.labels) == (
        expected.classes,
        expected.train.labels,
        expected.test.labels,
    )
    for mine, theirs in zip(
        got.train.series + got.test.series, expected.train.series + expected.test.series, strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_a_byte_order_mark_is_no_part_of_a_label(tmp_path: Path) -> None:
    text = "\ufeff1\t1\t2\n2\t3\t4\n"
    fetch_task("Toy", tmp_path / "Toy", str(write(tmp_path / "source", {"Toy_TRAIN.tsv": text, "Toy_TEST.tsv": text})))
    assert read_raw(tmp_path / "Toy", "Toy").classes == ("1", "2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.0\t1\n2\t2\n1\t3\n", "Toy has labels '1' and '1.0', expected one way to write a number"),
        ("1\t0,5\n2\t1\n", "Toy_TRAIN.tsv, line 1: value '0,5', expected a number"),
        ("1\t1\n\n2\t1_0\n", "Toy_TRAIN.tsv, line 3: value '1_0', expected a number"),
        (
            "1,0.5,0.7\n2,1,2\n",
            "Toy_TRAIN.tsv, line 1: only '1,0.5,0.7', expected a label and values with tabs",
        ),
        ("ok\t1\n\t2\n", "Toy_TRAIN.tsv, line 2: label '', expected one that is known"),
        ("ok\t1\n?\t2\n", "Toy_TRAIN.tsv, line 2: label '?', expected one that is known"),
        ("\n", "Toy_TRAIN.tsv has no series, expected at least one"),
        ("label\t0\t1\n1\t5\t6\n2\t7\t8\n", "Toy_TRAIN.tsv, line 1: label 'label' where all others are numbers"),
        ("label\t0\t1\t2\na\t5\t6\t7\nb\t7\t8\t9\n", "Toy_TRAIN.tsv, line 1: values 0, 1, 2, ..., expected no header"),
        ("1\t1\n1\t2\n", "Toy (train) has label '1' alone, expected two labels or more"),
        ("ok\t1\nNaN\t2\n", "Toy_TRAIN.tsv, line 2: label 'NaN', expected one that is known"),
        ("ok\t1\nb\x0bad\t2\n", "Toy_TRAIN.tsv, line 2 holds the control character '\\x0b', expected none"),
    ],
)
def test_a_mistake_in_ones_own_tsv_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    source = write(tmp_path / "source", {"Toy_TRAIN.tsv": text, "Toy_TEST.tsv": text})
    with pytest.raises(InputError, match=f"^{re.escape(message)}.*; repair the file in {re.escape(str(source))}.$"):
        fetch_task("Toy", tmp_path / "Toy", str(source))
    assert nothing_but(tmp_path, "source")


def test_a_ts_file_whose_series_lack_their_labels(tmp_path: Path) -> None:
    path = tmp_path / "new.ts"
    path.write_text(TEST.replace("7,?,9:2", "7,8,9"))
    with pytest.raises(InputError, match="has no label after a ':' where its header announces labels; add ':"):
        read_series(path)


@pytest.mark.parametrize("suffix", ["ts", "tsv"])
def test_labels_are_kept_as_they_were_given(tmp_path: Path, suffix: str) -> None:
    labels = ["OK", "ok", "bearing fault", "bearing", "fault: left", "x,y", "N/A", "None", "Ä ö", "why?", "true"]
    if suffix == "tsv":
        text = "".join(f"{label}\t{i}\t1\n" for i, label in enumerate(labels))
    else:
        rows = "".join(f"{i},1:{label}\n" for i, label in enumerate(labels))
        text = f"@classLabel true {' '.join(labels)}\n@data\n{rows}"
    source = write(tmp_path / "source", {f"Toy_{part}.{suffix}": text for part in ("TRAIN", "TEST")})
    fetch_task("Toy", tmp_path / "Toy", str(source))
    task = read_raw(tmp_path / "Toy", "Toy")
    assert task.train.labels == task.test.labels == labels
    assert set(task.classes) == set(labels)
    assert read_series(source / f"Toy_TEST.{suffix}")[1] == labels
    write_task(tmp_path / "Toy.npz", z_normalize(task))
    assert read_task(tmp_path / "Toy.npz").classes == task.classes


def test_labels_of_the_archives_tsv_are_those_of_its_ts(tmp_path: Path) -> None:
    tsv = {}
    for part in ("TRAIN", "TEST"):
        data = (AEON / f"GunPoint/GunPoint_{part}.ts").read_text().partition("@data\n")[2]
        rows = [line.split(":") for line in data.splitlines()]
        tsv[f"GunPoint_{part}.tsv"] = "".join(f"{label}.0000000e+00\t{v.replace(',', chr(9))}\n" for v, label in rows)
    fetch_task("GunPoint", tmp_path / "GunPoint", str(write(tmp_path / "source", tsv)))
    task, expected = read_raw(tmp_path / "GunPoint", "GunPoint"), read_raw(AEON / "GunPoint", "GunPoint")
    assert (task.classes, task.test.labels) == (expected.classes, expected.test.labels)
    np.testing.assert_array_equal(np.stack(task.train.series), np.stack(expected.train.series))


def test_a_header_with_many_labels_takes_no_time(tmp_path: Path) -> None:
    text = TRAIN.replace("true 2 10", f"true 2 10 {' '.join(f'a{i}' for i in range(50_000))}")
    folder = write(tmp_path, {"Toy_TRAIN.ts": text, "Toy_TEST.ts": TEST})
    begun = time.monotonic()
    assert read_raw(folder, "Toy").classes == ("2", "10")
    assert time.monotonic() - begun < 5


def test_labels_that_differ_stay_different(tmp_path: Path) -> None:
    labels = ["20240131123456788", "20240131123456789", "007", "7", "8.5", "9e0", "-1", "1_0"]
    text = "".join(f"{label}\t1\t{i}\n" for i, label in enumerate(labels))
    fetch_task("Toy", tmp_path / "Toy", str(write(tmp_path / "source", {"Toy_TRAIN.tsv": text, "Toy_TEST.tsv": text})))
    assert read_raw(tmp_path / "Toy", "Toy").train.labels == labels


def test_an_empty_line_in_ones_own_ts_is_told(tmp_path: Path) -> None:
    text = "@problemName Toy\n@timestamps false\n@univariate true\n@classLabel true a b\n@data\n1,2:a\n3,4:b\n\n"
    source = write(tmp_path / "source", {"Toy_TRAIN.ts": text, "Toy_TEST.ts": text})
    with pytest.raises(InputError, match=r"Toy_TRAIN\.ts, line 8 is empty, expected a series; repair the file in "):
        fetch_task("Toy", tmp_path / "Toy", str(source))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("4,5,6", " ".join(["0.25"] * 1000), f"line 7: value '{'0.25 ' * 8}', expected a number or '?'"),
        ("4,5,6", "4, five ,6", "line 7: value 'five', expected a number or '?'"),
        ("4,5,6", "4,,6", "line 7: value '', expected a number or '?'"),
        ("4,5,6", "4,1_0,6", "line 7: value '1_0', expected a number or '?'"),
        ("@classLabel true 2 10", "@classLabel", "line 4: '@classLabel' alone, expected a value behind it"),
    ],
)
def test_a_mistake_in_ones_own_ts_is_told_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = TRAIN.replace(old, new)
    source = write(tmp_path / "source", {"Toy_TRAIN.ts": text, "Toy_TEST.ts": text})
    with pytest.raises(InputError, match=f"^Toy_TRAIN.ts, {re.escape(message)}; repair the file in "):
        fetch_task("Toy", tmp_path / "Toy", str(source))
    path = source / "Toy_TRAIN.ts"
    with pytest.raises(InputError, match=f"^{re.escape(f'{path}, {message}')}; repair the file or name another.$"):
        read_series(path)


def test_a_label_and_a_comment_of_a_ts_may_hold_what_a_number_may_not(tmp_path: Path) -> None:
    text = "# 1_0\n@problemName 1_0\n@classLabel true 1_0 2_0\n@data\n1, NaN ,3:1_0\n4,?,6:2_0\n"
    folder = write(tmp_path, {"Toy_TRAIN.ts": text, "Toy_TEST.ts": text})
    assert read_raw(folder, "Toy").classes == ("1_0", "2_0")


def test_a_tsv_of_the_archive_agrees_with_aeons_reader(tmp_path: Path) -> None:
    tsv = AEON / "GunPoint/GunPoint_TRAIN.tsv"
    source = write(tmp_path / "source", {"Gun_TRAIN.tsv": tsv.read_text(), "Gun_TEST.tsv": tsv.read_text()})
    fetch_task("Gun", tmp_path / "Gun", str(source))
    task = read_raw(tmp_path / "Gun", "Gun")
    values, labels = load_from_tsv_file(str(tsv))
    np.testing.assert_allclose(np.stack(task.train.series), values[:, 0], rtol=1e-14)
    assert [int(label) for label in task.train.labels] == labels.tolist()
    assert task.classes == ("1", "2")


@pytest.mark.parametrize(
    ("part", "old", "new", "message"),
    [
        ("TEST", "9:2", "9:3", "Toy (test) has label '3', expected one of its header's: 2, 10"),
        ("TEST", "9:2", "9:?", "Toy (test) has label '?' of series 0, expected one that is known"),
        ("TRAIN", "@classLabel true 2 10\n", "", "Toy (train) has no class labels, expected '@classLabel true' with"),
        ("TRAIN", "@data\n", "", "Toy_TRAIN.ts, line 5: '1,2.5,?:10', expected a line that begins with '@' or '#'"),
        ("TRAIN", ":10", ":11", "Toy (train) has label '11', expected one of its header's: 2, 10"),
        ("TRAIN", "1,2.5,?", "?,?,?", "Toy (train) has no observed value in series 0, expected at least one"),
        ("TRAIN", "5,6", "1e999,6", "Toy (train) has an infinite value in series 1, expected finite or missing values"),
        ("TRAIN", "5,6", "inf,6", "Toy (train) has an infinite value in series 1, expected finite or missing values"),
        ("TEST", "7,?,9:2\n", "", "Toy (test) has no series, expected at least one"),
        (
            "TEST",
            "true 2 10\n@data\n7,?,9:2",
            "false\n@data\n7,?,9",
            "Toy (test) has no class labels, expected '@classLabel true' with all labels",
        ),
        ("TEST", "timestamps false", "timestamps true", "Toy_TEST.ts, line 1: the file has time stamps, expected"),
        ("TEST", "7,?,9", "7,?,9:1,2,3", "Toy_TEST.ts, line 6 has 2 channels, its header states 1"),
        ("TRAIN", "5,6", "5", "Toy (train) has series of 3 and 2 values, its header states @equalLength true"),
        ("TRAIN", "5,6", "five,6", "Toy_TRAIN.ts, line 7: value 'five', expected a number or '?'"),
    ],
)
def test_a_wrong_file_is_named_with_what_was_expected(
    tmp_path: Path, part: str, old: str, new: str, message: str
) -> None:
    name = f"Toy_{part}.ts"
    assert old in FILES[name]
    folder = write(tmp_path / "data/raw/ucr12/Toy", {**FILES, name: FILES[name].replace(old, new)})
    with pytest.raises(InputError, match=rf"^{re.escape(message)}.*; run 'mtcs download ucr12'\.$"):
        read_raw(folder, "Toy")


def test_a_missing_file_names_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "data/raw/ucr12/Toy"
    message = f"{folder}/Toy_TRAIN.ts does not exist; run 'mtcs download ucr12'."
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        read_raw(folder, "Toy")


def test_a_task_that_does_not_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(ts, "parse_values", read)
    message = (
        f"Toy (train) does not fit into memory ({len(TRAIN)} bytes of text); take a larger machine, or fewer series."
    )
    with pytest.raises(WorkError, match=f"^{re.escape(message)}$"):
        read_raw(write(tmp_path, FILES), "Toy")


# Against what the archive publishes


def test_published_sizes() -> None:
    sizes = published_sizes()
    assert len(sizes) == 128
    assert sizes["Crop"] == (7200, 16800, 24, 46)
    assert sizes["PLAID"].length is None
    assert sizes["Chinatown"][:2] == (20, 343)  # as corrected in 2019
    assert sizes["MelbournePedestrian"][:2] == (1194, 2439)


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("GunPoint", lambda lines: lines[:-1], "GunPoint (train) has 49 series, expected 50 as the UCR archive publi"),
        (
            "GunPoint",
            lambda lines: [line.replace(":2", ":1") for line in lines],
            "GunPoint (test) has label '2', expected one of the training labels",
        ),
        (
            "PickupGestureWiimoteZ",
            lambda lines: [line.replace(":10", ":9") for line in lines],
            "PickupGestureWiimoteZ (test) has label '10', expected one of the training labels",
        ),
    ],
)
def test_an_edited_task_is_noticed(
    tmp_path: Path, name: str, edit: Callable[[list[str]], list[str]], message: str
) -> None:
    fetch_task(name, tmp_path / name, "aeon")
    train = tmp_path / name / f"{name}_TRAIN.ts"
    header, _, data = train.read_text().partition("@data\n")
    train.write_text(header + "@data\n" + "\n".join(edit(data.splitlines())) + "\n")
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        read_raw(tmp_path / name, name)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Chinatown", "1,2,3:{c}", "Chinatown has series of length 3, expected 24 as the UCR archive publishes"),
        ("PickupGestureWiimoteZ", "1,2,3:{c}", "has series of length 3 only, expected unequal lengths as the UCR"),
        ("GunPoint", "1,2,3:0", "GunPoint has 1 classes, expected 2 as the UCR archive publishes"),
    ],
)
def test_lengths_and_classes_are_compared(tmp_path: Path, name: str, text: str, message: str) -> None:
    size = published_sizes()[name]
    classes = " ".join(map(str, range(size.n_classes)))
    for part, n in (("TRAIN", size.n_train), ("TEST", size.n_test)):
        rows = "\n".join(text.format(c=i % size.n_classes) for i in range(n))
        write(tmp_path, {f"{name}_{part}.ts": f"@equalLength true\n@classLabel true {classes}\n@data\n{rows}\n"})
    with pytest.raises(InputError, match=message):
        read_raw(tmp_path, name)


# New series


def test_a_file_without_labels_is_not_read_as_one_with(tmp_path: Path) -> None:
    for name, text in (
        ("bare.tsv", "1\t2\t3\n2\t4\t5\n"),
        ("known.tsv", "?\t2\t3\n\t4\t5\n"),
        ("mixed.tsv", "1\t2\t3\n2\t4\t5\t6\n"),
        ("bare.ts", "@data\n2,3:1\n4,5:2\n"),
    ):
        (tmp_path / name).write_text(text)
    for name in ("known.tsv", "mixed.tsv", "bare.ts"):
        assert len(read_series(tmp_path / name, length=3)[0]) == 2
    assert read_series(tmp_path / "bare.tsv", length=2)[1] == ["1", "2"]
    with pytest.raises(
        InputError, match=r"has series of 2 values, expected 3: its lines seem to begin with a value; be"
    ):
        read_series(tmp_path / "bare.tsv", length=3)


# Values that stand for missing ones


def test_values_that_stand_for_missing_ones(tmp_path: Path) -> None:
    text = "1\t9.969209968386869e36\t2\t-9999\n2\t-9999.5\t-9999\t9\n"
    source = write(tmp_path / "source", {"Toy_TRAIN.tsv": text, "Toy_TEST.tsv": text})
    fetch_task("Toy", tmp_path / "Toy", str(source))
    missing = (-9999.0, 9.96921e36)  # as netCDF's fill is printed
    expected = [[np.nan, 2], [-9999.5, np.nan, 9]]
    for series in (
        read_raw(tmp_path / "Toy", "Toy", missing).test.series,
        read_series(source / "Toy_TEST.tsv", missing)[0],
    ):
        for values, wanted in zip(series, expected, strict=True):
            np.testing.assert_array_equal(values, wanted)
    with pytest.raises(InputError, match=r"Toy \(train\) has no observed value in series 0"):
        read_raw(tmp_path / "Toy", "Toy", (*missing, 2.0))
