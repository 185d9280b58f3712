"""What a folder of recordings may hold: every format is read as what it says, or refused by file, line and cause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aeon
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from aeon.datasets import load_from_ts_file
from pyarrow import parquet

import mtcs
from mtcs import InputError, read_folder

LONG = "id,time,x,y,state\na,0,1,10,ok\na,1,2,20,ok\nb,0,3,30,worn\nb,2,5,50,worn\nb,1,4,,worn\n"


@pytest.fixture(autouse=True)
def data(here: Path) -> None:
    Path("data").mkdir()


def read(name: str, content: str | bytes, **options: Any) -> tuple[list[np.ndarray], list[Any]]:
    """The series and labels of a folder with one file."""
    Path("data", name).write_bytes(content if isinstance(content, bytes) else content.encode())
    ((X, y),) = read_folder("data", verbose=False, **options).values()
    return X, list(y)


def check_long(X: list[np.ndarray], y: list[Any]) -> None:
    assert y == ["ok", "worn"]
    np.testing.assert_array_equal(X[0], [[1, 2], [10, 20]])
    np.testing.assert_array_equal(X[1], [[3, 4, 5], [30, np.nan, 50]])


def test_one_row_a_time_step(capsys):
    Path("data/pumps.csv").write_text(LONG)
    data = read_folder("data")
    assert capsys.readouterr().err == (
        "pumps.csv: 2 series of 2 to 3 steps, 2 channels, labels in column `state`: ok 1, worn 1; "
        "rows sorted by `time`\n"
    )
    check_long(data["pumps"][0], list(data["pumps"][1]))
    X, _ = read("pumps.csv", LONG, values=["y"])
    np.testing.assert_array_equal(X[1], [30, np.nan, 50])


@pytest.mark.parametrize("write", [lambda f, p: f.to_parquet(p), lambda f, p: f.to_parquet(p, index=False)])
def test_parquet(write):
    frame = pd.DataFrame({"id": list("aabbb"), "time": pd.to_datetime([0, 1, 0, 2, 1], unit="s")})
    frame["x"], frame["y"], frame["state"] = [1, 2, 3, 5, 4], [10, 20, 30, 50, np.nan], ["ok", "ok", *["worn"] * 3]
    write(frame, Path("data/pumps.parquet"))
    ((X, y),) = read_folder("data", verbose=False).values()
    check_long(X, list(y))


def test_wide_parquet_keeps_every_digit():
    values = np.random.default_rng(0).normal(size=(4, 5))
    frame = pd.DataFrame(values, columns=[f"t{i}" for i in range(5)]).assign(label=["a", "b", "a", "b"])
    frame.to_parquet("data/p.parquet")
    X, y = read_folder("data", verbose=False)["p"]
    np.testing.assert_array_equal(X, values)
    assert list(y) == ["a", "b", "a", "b"]


def test_text_in_binary_columns_of_parquet_is_text():
    """As Spark and HDF5 write it."""
    frame = pd.DataFrame({"id": [b"r1", b"r2"], "a": [1.0, 2], "b": [3.0, 5], "label": ["größer".encode(), b"ok"]})
    frame.to_parquet("data/p.parquet")
    data = read_folder("data", verbose=False)
    assert (data["p"][1].tolist(), data.ids["p"]) == (["größer", "ok"], ["r1", "r2"])
    frame.assign(label=[b"\xff", b"ok"]).to_parquet("data/p.parquet")
    with pytest.raises(InputError, match="has text that is not UTF-8"):
        read_folder("data", verbose=False)


def test_the_index_of_a_frame_is_no_value_in_parquet():
    """One without a name stands last there, as of rows that were chosen."""
    frame = pd.DataFrame({"a": [1.5, 2, 3, 5], "b": [4.0, 7, 6, 8], "label": ["ok", "ok", "worn", "worn"]})
    frame.drop(index=1).to_parquet("data/p.parquet")
    data = read_folder("data", verbose=False)
    np.testing.assert_array_equal(data["p"][0], [[1.5, 4], [3, 6], [5, 8]])
    assert data.ids["p"] == ["0", "2", "3"]
    Path("data/p.parquet").unlink()
    frame.drop(index=1)[["a", "b"]].to_parquet("data/r1.parquet")
    Path("data/labels.csv").write_text("file,label\nr1,ok\n")
    np.testing.assert_array_equal(read_folder("data", verbose=False)["data"][0][0], [[1.5, 3, 5], [4, 6, 8]])


def test_npz_of_several_channels_and_with_both_parts():
    X = np.random.default_rng(0).normal(size=(4, 3, 5))
    np.savez("data/p.npz", X=X, y=[1, 2, 1, 2], groups=["m", "m", "n", "n"])
    np.savez("data/q.npz", X_train=X, y_train=[1, 2, 1, 2], X_test=X[:2], y_test=[1, 2])
    data = read_folder("data", verbose=False)
    np.testing.assert_array_equal(data["p"][0], X)
    assert list(data.groups["p"]) == ["m", "m", "n", "n"]
    np.testing.assert_array_equal(data.test["q"][0], X[:2])
    np.savez("data/q.npz", X=np.array([{}], object))
    with pytest.raises(InputError, match=r"q\.npz does not hold arrays .* objects"):
        read_folder("data", verbose=False)


def test_arff_of_the_archive():
    X, y = read("Toy.arff", "% c\n@relation 'Toy'\n@attribute t0 numeric\n@ATTRIBUTE t1 REAL\n"
                "@attribute target {1,'a b'}\n@data\n0.5,?,1\n1,2,'a b'\n")  # fmt: skip
    np.testing.assert_array_equal(X[0], [0.5])
    np.testing.assert_array_equal(X[1], [1, 2])
    assert y == ["1", "a b"]
    folder = Path(aeon.__file__).parent / "datasets/data/BasicMotions"
    data = read_folder(folder / "BasicMotions_TRAIN.arff", verbose=False)
    ((X, y),) = data.values()
    expected, labels = load_from_ts_file(str(folder / "BasicMotions_TRAIN.ts"))
    np.testing.assert_array_equal(np.array(X), expected)
    assert [label.lower() for label in y] == list(labels)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("@relation a\n@attribute t0 numeric\n@attribute c {a}\n@data\n1,2,a\n", "line 5 has 2 values, its header"),
        ("@relation a\n@attribute t0 string\n@data\n1\n", "line 2: attribute of type 'string'"),
        ("@relation a\n@attribute t0 numeric\n@attribute c {a}\n@data\n1,b\n", "line 5: label 'b', expected one of"),
        ("@relation a\n@attribute t0 numeric\n@attribute c {a}\n@data\n1;5,a\n", "line 5: value '1;5'"),
        (
            "@relation a\n@attribute r relational\n@attribute c {a}\n@data\n'1,2\\n3',a\n",
            "line 5 has channels of 1 and",
        ),
        ("@relation a\n@attribute t0 numeric\n", "has no line @data"),
        ("1,2,a\n", "line 1: '1,2,a', expected @relation"),
    ],
)
def test_arff_that_cannot_be_read(content, words):
    with pytest.raises(InputError) as error:
        read("Toy.arff", content)
    assert words in str(error.value)
    assert "Toy.arff" in str(error.value)


def test_a_test_label_is_the_same_number_written_in_another_way():
    """As `mtcs predict` takes them: pandas writes `1.0` where a label was missing once."""
    Path("data/pump_TRAIN.csv").write_text("t0,t1,label\n1,2,1.0\n3,5,2.0\n")
    Path("data/pump_TEST.csv").write_text("t0,t1,label\n1,3,2\n4,5,1\n")
    data = read_folder("data", verbose=False)
    assert data.test["pump"][1].tolist() == ["2.0", "1.0"]


@pytest.mark.parametrize(
    "labels",
    ["file,condition\nr1.csv,ok\nr2.csv,worn\n", "label;name\nok;r1\nworn;r2\n", "r1,ok\nr2,worn\n"],
)
def test_one_file_a_recording(labels, capsys):
    folder = Path("data/pumps")
    folder.mkdir()
    (folder / "labels.csv").write_text(labels)
    (folder / "r1.csv").write_text("time,x,y\n0,1,10\n1,2,20\n")
    (folder / "r2.csv").write_text("time,x,y\n0,3,30\n1,4,\n2,5,50\n")
    data = read_folder("data")
    message = "pumps/: 2 series of 2 to 3 steps, 2 channels, labels in labels.csv: ok 1"
    assert capsys.readouterr().err.startswith(message)
    for X, y in (data["pumps"], read_folder(folder, verbose=False)["pumps"]):
        check_long(X, list(y))
    (folder / "r3.csv").write_text("time,x,y\n0,1,10\n")
    with pytest.raises(InputError, match=r"labels\.csv has no label of r3\.csv"):
        read_folder("data", verbose=False)
    (folder / "r3.csv").unlink()
    (folder / "r2.csv").write_text("time,y,x\n0,3,30\n")
    with pytest.raises(InputError, match=r"r2\.csv has the channels y, x, expected x, y"):
        read_folder("data", verbose=False)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.csv", "id,file,label\n0,r1.csv,ok\n1,r2.csv,worn\n"),
        ("labels.csv", ",file,label\n0,r1,ok\n1,r2,worn\n"),
        ("labels.csv", "label,name,path\nok,1,sensors/pumps/r1.csv\nworn,2,sensors/pumps/r2.csv\n"),
        ("labels.csv", "C:\\pumps\\r1.csv,ok\nC:\\pumps\\r2.csv,worn\n"),
        ("Labels.CSV", "file,label\nr1,ok\nr2,worn\n"),
    ],
)
def test_labels_of_recordings_are_found_by_the_files_that_they_name(name, content):
    Path("data/pumps").mkdir()
    for recording in ("r1", "r2"):
        Path(f"data/pumps/{recording}.csv").write_text("time,x\n0,1\n1,2\n")
    Path("data/pumps", name).write_text(content)
    data = read_folder("data", verbose=False)
    assert data.ids["pumps"] == ["r1", "r2"]
    assert data["pumps"][1].tolist() == ["ok", "worn"]
    Path("data/pumps", name).write_text("id,which,label\n0,r1.mat,ok\n1,r2.mat,worn\n")
    words = "'0' is no file in data/pumps; correct the name, or name the column of files with --id.$"
    with pytest.raises(InputError, match=words):
        read_folder("data", verbose=False)


@pytest.mark.parametrize("header", ["time,x,y:1,z", ""])
def test_values_of_recordings_may_be_a_range(header):
    Path("data/pumps").mkdir()
    Path("data/pumps/labels.csv").write_text("file,label\nr1,ok\nr2,worn\n")
    for name in ("r1", "r2"):
        Path(f"data/pumps/{name}.csv").write_text(f"{header}\n0,1.5,2,3\n1,4,5,6\n".lstrip())
    Path("data/fans.csv").write_text("label,t0,t1\nup,1,2\ndown,3,4\n")
    first, second, third = header.split(",")[1:] or "234"
    for values, rows in (
        ([f"{first}:{second}"], [0, 1]),
        ([third, f"{first}:{second}"], [2, 0, 1]),
        ([second], [1]),
    ):
        X, _ = read_folder("data", verbose=False, values=values)["pumps"]
        np.testing.assert_array_equal(np.atleast_2d(X[0]), np.array([[1.5, 4], [2, 5], [3, 6]])[rows])
    with pytest.raises(InputError, match=r"r1\.csv has no column w \(--values\)"):
        read_folder("data/pumps", verbose=False, values=[f"{first}:w"])


def test_one_table_with_a_column_of_tasks():
    text = "task,name,t0,t1,label,machine\npumps,a,1,2,ok,m1\nfans,b,3,4,up,m1\npumps,c,5,6,worn,m2\n"
    Path("data/all.csv").write_text(text)
    data = read_folder("data", verbose=False, group="machine")
    assert list(data) == ["pumps", "fans"]
    np.testing.assert_array_equal(data["pumps"][0], [[1, 2], [5, 6]])
    assert list(data["pumps"][1]) == ["ok", "worn"]
    assert list(data.groups["pumps"]) == ["m1", "m2"]
    with pytest.raises(InputError, match=r"column `machine` .*--group"):
        read_folder("data", verbose=False)


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".tsv", "1\t0.5\t2\n2\t3\t4\n"),
        (".csv", "label,a,b\n1,0.5,2\n2,3,4\n"),
        (".ts", "@univariate true\n@classLabel true 1 2\n@data\n0.5,2:1\n3,4:2\n"),
        (
            ".arff",
            "@relation x\n@attribute a numeric\n@attribute b numeric\n@attribute c {1,2}\n@data\n0.5,2,1\n3,4,2\n",
        ),
    ],
)
@pytest.mark.parametrize("parts", [("TRAIN", "TEST"), ("train", "test")])
def test_splits_are_used(suffix, content, parts, capsys):
    for part in parts:
        Path(f"data/Pump_{part}{suffix}").write_text(content)
    data = read_folder("data")
    assert "2 series of 2 steps, 2 more as test series" in capsys.readouterr().err
    for X, y in (data["Pump"], data.test["Pump"]):
        np.testing.assert_array_equal(X, [[0.5, 2], [3, 4]])
        assert list(y) == ["1", "2"]


@pytest.mark.parametrize(
    "content",
    [
        "state;t0;t1\nok;1,5;2\nworn;3;4,25\n",
        "\ufeffstate;t0;t1\r\n\"ok\";1,5;2,0\r\n\"worn\";3,0;4,25\r\n",
        "sep=;\nstate;t0;t1\nok;1,5;2\nworn;3;4,25\n",
        'state,"t0;a","t1;a"\nok,1.5,2\nworn,3,4.25\n',
        "state\tt0\tt1\nok\t1,5\t2\nworn\t3\t4,25\n",
        "state,t0,t1\n\nok,+1.5,2e0\n\nworn,3.,4.25\n",
        "t0,t1,state\n1.5,2,ok\n3,4.25,worn\n",
        ",t0,t1,state\n0,1.5,2,ok\n1,3,4.25,worn\n",
        ",0,1,fault\n0,1.5,2,ok\n1,3,4.25,worn\n",
        "Nr;t0;t1;Zustand\n1;1,5;2;ok\n2;3;4,25;worn\n",
        "pump_id,t0,t1,state\np1,1.5,2,ok\np2,3,4.25,worn\n",
    ],
)  # fmt: skip
def test_what_programs_write(content):
    X, y = read("t.csv", content)
    np.testing.assert_array_equal(X, [[1.5, 2], [3, 4.25]])
    assert y == ["ok", "worn"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", "state;t0;t1\nok;1,5;2\nworn;3;4,25\n", "; read with `;` and decimal commas"),
        ("t.csv", "state\tt0\tt1\nok\t1.5\t2\nworn\t3\t4.25\n", "; read with tabs"),
        ("t.tsv", "state\tt0\tt1\nok\t1,5\t2\nworn\t3\t4,25\n", "; read with decimal commas"),
        ("t.tsv", "state\tt0\tt1\nok\t1.5\t2\nworn\t3\t4.25\n", ""),
        ("t.csv", "state,t0,t1\nok,1.5,2\nworn,3,4.25\n", ""),
    ],
)
def test_how_a_text_was_taken_apart_is_told(name, content, words, capsys):
    Path("data", name).write_text(content)
    read_folder("data")
    assert capsys.readouterr().err == f"{name}: 2 series of 2 steps, labels in column `state`: ok 1, worn 1{words}\n"


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("1.5,2,ok,u\n3,4.25,worn,v\n", {"label": "3", "id": "4"}),
        ("a,b,c,d\n1.5,2,1,x\n3,4.25,2,y\n", {"label": "c", "id": "d"}),
        ("ok,1.5,2\nworn,3,4.25\n", {"header": False}),
        ("n,7,s,1.5,2\nm,8,t,3,4.25\n", {"values": ["4:5"], "label": "3", "id": "1"}),
        ("label,note,t0,t1\nok,7,1.5,2\nworn,8,3,4.25\n", {"values": ["t0:t1"]}),
        ("ok 1.5 2\nworn 3 4.25\n", {"separator": "space"}),
        ("id,time,a,b,label\nx,7,1.5,2,ok\ny,8,3,4.25,worn\n", {"layout": "wide", "values": ["a", "b"]}),
        ("who,when,v,label\nx,1,1.5,1\nx,2,2,1\ny,1,3,2\ny,2,4.25,2\n", {"id": "who", "time": "when"}),
        ("id,v,label\nx,1.5,1\nx,2,1\ny,3,2\ny,4.25,2\n", {"layout": "long"}),
    ],
)
def test_every_guess_can_be_overruled(content, options):
    X, y = read("t.csv", content, **options)
    np.testing.assert_array_equal(X, [[1.5, 2], [3, 4.25]])
    assert len(set(y)) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,time,x,label\na,0,1,ok\na,0,2,ok\n", "line 3: a second row of a at the same time"),
        ("id,time,x,label\na,0,1,ok\na,1,2,worn\n", "line 3: label 'worn', where earlier rows of the same series"),
        ("id,time,x,label\na,0,1,ok\n,1,2,ok\n", "line 3: nothing in column `id`"),
        ("id,time,x,label\na,noon,1,ok\na,1,2,ok\n", "column `time` holds neither numbers nor times"),
        ("id,time,x,label\na,,1,ok\na,1,2,ok\n", "line 2: no time in column `time`"),
        ("id,time,x,note,label\na,0,1,hot,ok\na,1,2,cold,ok\n", "line 2: 'hot' is no number; say what column `note`"),
        ("id,time,x,y,label\na,0,1,,ok\na,1,2,,ok\n", "line 2: no observed value in channel 2"),
        ("id,time,x,label\na,0,1,ok\nb,0,1,ok\n", "add --layout wide"),
        ("label,state,a\nok,ok,1\n", "columns label and state; name that of labels"),
        ("label,machine,t0,t1,t2\nok,3,1,2,3\n", "column `machine` stands among values named like `t0`"),
        ("label,a,b\nok,1,1e999\n", "line 2: '1e999' is no finite number"),
        ("label,a,b\nok,1,1_000\n", "line 2: '1_000' is no"),
        ("label;a;b\nok;1.234,5;2\n", "line 2: '1.234,5' is no"),
        ("ok 1 2\nworn 3 4\n", "has neither commas, semicolons nor tabs"),
        ("label,a\nok,1\n,2\n", "data/t.csv, line 3: no label; label the series or"),
        *((f"label,a\nok,1\n{word},2\n", f"line 3: no label ({word})") for word in ("NaN", "NA", "n/a", "null")),
        ("id,time,x,label\na,0,1,ok\nb,0,1,<NA>\nb,1,2,<NA>\n", "line 3: no label (<NA>)"),
        ("task,label,a\np,ok,1\n,ok,2\n", "line 3: no task"),
    ],
)
def test_tables_that_are_refused(content, words):
    with pytest.raises(InputError) as error:
        read("t.csv", content)
    assert words in str(error.value)
    assert "t.csv" in str(error.value)
    assert len(str(error.value)) <= 400
    assert "\n" not in str(error.value)


def test_what_is_said_of_odd_names_is_one_line(capsys):
    Path("data/a\n\x1b[31mb.csv").write_text("ok,1\nworn,2\n")
    Path("data/of another program").mkdir()
    Path("data/of another program/c.xlsx").touch()
    read_folder("data")
    skipped, read_file = capsys.readouterr().err.splitlines()
    assert skipped.endswith(": of another program/")
    assert read_file.startswith("a \\x1b[31mb.csv: 2 series of 1 steps")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_table_in_another_encoding_is_to_be_saved_as_utf_8(encoding):
    Path("data/t.csv").write_text("label,a\nok,1\nworn,2\n", encoding=encoding)
    with pytest.raises(InputError, match="save it as UTF-8"):
        read_folder("data", verbose=False)


def test_what_an_arff_or_npz_lacks_is_said_with_its_path():
    Path("data/a.arff").write_text("@relation p\n@attribute t0 numeric\n@attribute target {a,b}\n@data\n")
    with pytest.raises(InputError, match=r"^data/a\.arff has no series"):
        read_folder("data", verbose=False)
    Path("data/a.arff").unlink()
    np.savez("data/a.npz", X=np.ones((2, 3)))
    with pytest.raises(InputError, match=r"^data/a\.npz has no labels; save them as array y \(n,\)\.$"):
        read_folder("data", verbose=False)
    np.savez("data/a.npz", X=np.ones((2, 3)), y=np.array([b"ok", b"worn"]))
    with pytest.raises(InputError, match=r"^data/a\.npz: labels are bytes, as b'ok'; give y\.astype\(str\), or save"):
        read_folder("data", verbose=False)


def test_folders_that_are_refused():
    Path("data/a.csv").write_text("ok,1\nworn,2\n")
    Path("data/a.ts").write_text("@data\n1:a\n")
    with pytest.raises(InputError, match=r"a\.csv and a\.ts, twice the same series"):
        read_folder("data", verbose=False)
    Path("data/a.ts").rename("data/b_TEST.csv")
    with pytest.raises(InputError, match="no b_TRAIN beside it"):
        read_folder("data", verbose=False)
    Path("data/b_TEST.csv").write_text("up,1\n")
    Path("data/b_TRAIN.csv").write_text("ok,1\nworn,2\n")
    with pytest.raises(InputError, match="test label up has no training series"):
        read_folder("data", verbose=False)
    for content in (b"", b"PAR1"):
        Path("data/b_TEST.csv").unlink(missing_ok=True)
        Path("data/b_TRAIN.csv").unlink(missing_ok=True)
        Path("data/c.parquet").write_bytes(content)
        with pytest.raises(InputError, match=r"c\.parquet"):
            read_folder("data", verbose=False)


def test_recordings_without_labels_are_told_where_these_go():
    for name in ("r1", "r2"):
        Path(f"data/{name}.csv").write_text("x,y\n1,2\n3,4\n")
    with pytest.raises(InputError, match=r"r1\.csv has no labels; .*if each file is one recording, put those of"):
        read_folder("data", verbose=False)


def test_files_that_are_not_read_are_told(capsys):
    Path("data/a.csv").write_text("ok,1\nworn,2\n")
    Path("data/b.xlsx").write_bytes(b"PK")
    read_folder("data")
    assert "b.xlsx" in capsys.readouterr().err


def test_an_option_holds_for_the_tables_that_have_its_column(capsys):
    Path("data/a.csv").write_text("label,t0,t1\nok,1,2\nworn,3,4\n")
    Path("data/b.csv").write_text("ride,time,x,surface,rider\nr,0,1,ice,a\nr,1,2,ice,a\ns,0,1,mud,b\ns,1,5,mud,b\n")
    Path("data/c.ts").write_text("@problemName c\n@classLabel true 1 2\n@data\n1,2:1\n2,3:2\n")
    data = read_folder("data", id="ride", label="surface", group="rider")
    assert data.ids == {"b": ["r", "s"]}
    assert {name: list(groups) for name, groups in data.groups.items()} == {"b": ["a", "b"]}
    assert "b.csv: 2 series of 2 steps, 2 groups, labels in column `surface`: ice 1, mud 1" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"^data/a\.csv has no column rdier \(--group\); it has label, t0, t1\.$"):
        read_folder("data", verbose=False, id="ride", label="surface", values=["x"], group="rdier")
    with pytest.raises(
        InputError, match=r"b\.csv has no column rdier \(--group\); read without it: .*'ice' is no number"
    ):
        read_folder("data", verbose=False, id="ride", group="rdier")
    Path("data/a.csv").unlink()
    with pytest.raises(InputError, match=r"b\.csv has no column rdier \(--group\)"):
        read_folder("data", verbose=False, id="ride", group="rdier")
    Path("data/b.csv").unlink()
    with pytest.raises(InputError, match=r"c\.ts has no columns"):
        read_folder("data", verbose=False, group="rider")


def test_groups_reach_cross_validation():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(12, 8)), columns=[f"t{i}" for i in range(8)])
    frame["machine"], frame["label"] = np.repeat(list("abcdef"), 2), ["ok", "worn"] * 6
    frame.to_csv("data/p.csv", index=False)
    data = read_folder("data", verbose=False, group="machine")
    assert list(data.groups["p"]) == list(frame["machine"])
    model = mtcs.MultiTaskClassifier({"depth": 1, "hidden": 4, "output": 8}, random_state=0, device="cpu")
    assert len(mtcs.cross_validate(model, data, folds=3, groups=data.groups)) == 3
    groups = {"p": np.where(frame["label"] == "ok", "a", frame["machine"])}
    with pytest.raises(InputError, match="label ok, from 1 group, are in one fold"):
        mtcs.cross_validate(model, data, folds=2, groups=groups)


# What the campaign of damaged files found


def test_a_column_without_a_name_is_an_index_only_at_the_beginning(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("label,a,,b\nok,1,2,3\nworn,4,5,6\nok,7,8,9\n")
    (X, _), *_ = read_folder(path, verbose=False).values()
    assert [one.tolist() for one in X] == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    path.write_text(",label,a,b,\n0,ok,1,2,\n1,worn,3,4,\n")  # pandas, and a separator at the end of lines
    (X, _), *_ = read_folder(path, verbose=False).values()
    assert [one.tolist() for one in X] == [[1, 2], [3, 4]]


def test_a_channel_without_a_name_is_no_index(tmp_path):
    (tmp_path / "labels.csv").write_text("file,label\na,ok\nb,worn\n")
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("x,\n1,2\n3,4\n")
    (X, _), *_ = read_folder(tmp_path, verbose=False).values()
    assert X[0].tolist() == [[1, 3], [2, 4]]


def test_a_decimal_comma_in_a_label_stays(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("id;label;t0;t1\n1,0;0,5;1,5;2\n2,0;1,0;3;4\n3,0;0,5;5;6\n")
    data = read_folder(path, verbose=False)
    (X, y), *_ = data.values()
    assert y.tolist() == ["0,5", "1,0", "0,5"]
    assert data.ids["mine"] == ["1,0", "2,0", "3,0"]
    assert X[0].tolist() == [1.5, 2]


def test_a_control_character_is_refused_by_line(tmp_path):
    """Numpy drops a zero at the end of a text."""
    path = tmp_path / "mine.csv"
    path.write_text("label,t0,t1\nok,1,2\nworn\x00,3,4\n")
    with pytest.raises(InputError, match=r"mine\.csv, line 3 holds the control character '\\x00'; take it out\.$"):
        read_folder(path, verbose=False)


def test_a_compressed_npz_that_is_damaged(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, X=np.arange(4000.0).reshape(40, 100), y=np.arange(40) % 2)
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(range(60))
    path.write_bytes(content)
    with pytest.raises(InputError, match="does not hold arrays X"):
        read_folder(path, verbose=False)


def test_a_parquet_file_with_text_that_is_not_utf_8(tmp_path):
    path = tmp_path / "mine.parquet"
    labels = pa.array(["Größe", "ok"])
    parquet.write_table(pa.table({"label": labels, "a": [1.0, 2.0], "b": [3.0, 4.0]}), path, compression="none")
    path.write_bytes(path.read_bytes().replace("ö".encode(), b"\xc3\xc3"))
    with pytest.raises(InputError, match="has text that is not UTF-8"):
        read_folder(path, verbose=False)


def long_table(path, channels, labels=("ok", "worn")):
    """Of two recordings a label, in a table with one row a time step."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "id": f"r{i}",
            "time": step,
            **dict(zip(channels, rng.normal(size=len(channels)), strict=True)),
            "label": label,
        }
        for i, label in enumerate(labels * 2)
        for step in range(6)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)


def test_channels_in_another_order_are_refused():
    """Their values would be taken for one another's."""
    long_table("data/pump_TRAIN.csv", ["x", "z"])
    assert read_folder("data", verbose=False).channels == {"pump": ("x", "z")}
    long_table("data/pump_TEST.csv", ["z", "x"])
    with pytest.raises(
        InputError, match=r"pump_TEST\.csv has the channels z, x, expected x, z as pump_TRAIN\.csv has;"
    ):
        read_folder("data", verbose=False)
    assert read_folder("data", verbose=False, values=["x", "z"]).channels == {"pump": ("x", "z")}
    Path("data/pump").mkdir()
    for name, day in (("TRAIN", "tuesday"), ("TEST", "monday")):
        Path(f"data/pump_{name}.csv").rename(f"data/pump/{day}.csv")
    with pytest.raises(
        InputError, match=r"tuesday\.csv has the channels x, z, expected z, x as monday\.csv has; write the"
    ):
        read_folder("data", verbose=False)


def test_numbered_columns_are_in_their_order():
    """As text `t10` comes before `t2`, and values would be scrambled in time."""
    X, y = np.random.default_rng(0).normal(size=(6, 12)), ["ok", "worn"] * 3
    frame = pd.DataFrame(X, columns=[f"t{i}" for i in range(12)])
    frame["label"] = y
    frame[sorted(frame)].to_csv("data/pump.csv", index=False)
    with pytest.raises(
        InputError, match=r"pump\.csv: column `t2` stands behind `t11`; put the columns of values in the"
    ):
        read_folder("data", verbose=False)
    (series, _) = read_folder("data", verbose=False, values=[f"t{i}" for i in range(12)])["pump"]
    np.testing.assert_allclose(series[0], X[0])
    for names in (["t11", "t10", "t9"], [f"{i}" for i in range(3, 0, -1)]):  # back in time, and forth in another file
        frame[["t0", "t1", "t2", "label"]].set_axis([*names, "label"], axis=1).to_csv("data/pump.csv", index=False)
        with pytest.raises(InputError, match=f"`{names[1]}` stands behind `{names[0]}`; put the columns of values in"):
            read_folder("data", verbose=False)
    for names in (
        [f"lag_{i}" for i in range(11, -1, -1)],
        [f"t-{i}" for i in range(11, -1, -1)],
        [f"{i / 4}" for i in range(12)],
        list("abcdefghijkl"),
    ):
        frame.set_axis([*names, "label"], axis=1).to_csv("data/pump.csv", index=False)
        np.testing.assert_allclose(read_folder("data", verbose=False)["pump"][0][0], X[0])
