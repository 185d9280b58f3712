"""Mistakes in a folder of recordings that would be learned without a word: each is refused, doubted or put right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from mtcs import InputError, read_folder
from mtcs.data.fields import has_header
from mtcs.data.folder_doubts import doubts_of
from mtcs.data.new_series import read_new_series
from mtcs.data.table_options import KnownTask, TableOptions


@pytest.fixture(autouse=True)
def data(here: Path) -> None:
    Path("data").mkdir()


def test_recordings_are_in_the_order_of_their_times(capsys):
    """As rows of one table are; a log may have its newest line first."""
    Path("data/labels.csv").write_text("file,label\nr1,ok\nr2,worn\n")
    Path("data/r2.csv").write_text("time,x\n1,1\n1,2\n2,3\n")  # a clock that is coarser than the steps
    for times in ((3, 1, 2), ("2026-01-03", "2026-01-01", "2026-01-02"), ("10:00:00", "09:59:59", "09:59:59.5")):
        rows = [f"{t},{x}\n" for t, x in zip(times, (30, 10, 20), strict=True)]
        Path("data/r1.csv").write_text("time,x\n" + "".join(rows))
        (X, _) = read_folder("data", verbose=False)["data"]
        assert [one.tolist() for one in X] == [[10, 20, 30], [1, 2, 3]]
    Path("data/r1.csv").write_text("time,x\n2,30\n1,10\n1,20\n")
    with pytest.raises(InputError, match=r"r1\.csv, line 4: a second row of r1 at the same time"):
        read_folder("data")
    Path("data/r1.csv").write_text("time,x\n31.1.2026,10\n1.2.2026,20\n")
    assert read_folder("data")["data"][0][0].tolist() == [10, 20]
    assert "times of 1 of them not understood, read in the order of lines, labels in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("train", "test", "reordered"), [("0011", "0011", False), ("0110", "0011", True), ("0011", "0110", True)]
)
def test_rows_that_were_sorted_are_reported(train, test, reordered, capsys):
    """Of training or of test series; not where series stand between one another, each in its order."""
    for part, times in (("TRAIN", train), ("TEST", test)):
        rows = [f"{name},{time},7,ok\n" for name, time in zip("abab", times, strict=True)]
        held(f"fans_{part}.csv", content="id,time,x,label\n" + "".join(rows))
        held(f"pumps/{part}.csv", content=f"time;x\n{times[1]};1\n{times[3]};2\n")
    held("pumps/labels.csv", content="file,label\nTRAIN,ok\nTEST,worn\n")
    read_folder("data")
    fans, pumps = capsys.readouterr().err.splitlines()
    assert fans.endswith("labels in column `label`: ok 2" + "; rows sorted by `time`" * reordered)
    assert pumps.endswith("ok 1, worn 1; read with `;`" + "; rows sorted by `time`" * reordered)


def test_times_without_names_of_series_are_no_values():
    Path("data/a.csv").write_text("time,x,label\n0,0.1,ok\n1,0.2,ok\n2,0.1,worn\n3,0.4,worn\n")
    with pytest.raises(InputError, match=r"a\.csv has one row a time step, but no column `id` that says of which"):
        read_folder("data")
    assert len(read_folder("data", layout="wide", verbose=False)["a"][1]) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("train.csv", "test.csv"),
        ("pumps/train.csv", "pumps/test.csv"),
        ("pumps-train.csv", "pumps-test.csv"),
        ("train_pumps.csv", "test_pumps.csv"),
        ("Pumps Training.csv", "pumps testing.csv"),
        ("pumps.csv", "pumps_val.csv"),
        ("train/pumps.csv", "test/pumps.csv"),
    ],
)
def test_what_is_to_be_held_out_is_not_trained_on(one, other):
    for name in (one, other):
        (Path("data") / name).parent.mkdir(exist_ok=True)
        (Path("data") / name).write_text("t0,t1,label\n1,2,ok\n3,4,worn\n")
    with pytest.raises(
        InputError, match=r"two parts of one task it seems; call them NAME_TRAIN and NAME_TEST, or leave"
    ):
        read_folder("data")


def test_names_that_are_no_parts_stay_tasks():
    for name in ("test_rig_1", "test_rig_2", "train", "tram", "contest", "con"):
        Path(f"data/{name}.csv").write_text("t0,t1,label\n1,2,ok\n3,4,worn\n")
    assert len(read_folder("data", verbose=False)) == 6


def test_labels_may_stand_first_or_last_but_one_is_said():
    """Of whole numbers on either side, one may be a machine's."""
    rows = [f"{1 + i // 3},{i / 7:.3f},{i / 3:.3f},{i % 2}\n" for i in range(6)]
    Path("data/a.csv").write_text("".join(rows))
    with pytest.raises(InputError, match=r"a\.csv has whole numbers in its first and its last column, and no header;"):
        read_folder("data")
    data = read_folder("data", label="4", group="1", verbose=False)
    assert list(data["a"][1]) == ["0", "1"] * 3
    assert list(data.groups["a"]) == ["1"] * 3 + ["2"] * 3
    assert [len(one) for one in data["a"][0]] == [2] * 6


@pytest.mark.parametrize("end", ["", "  "])
def test_several_spaces_separate_as_one(end):
    """As in the archive's `.txt` files; an empty field between would be a missing value."""
    Path("data/a.txt").write_text(f"  1.0  0.5   -2.5{end}\r\n  2.0  1.5   3.5{end}\r\n")
    (X, y) = read_folder("data", separator="space", verbose=False)["a"]
    assert [one.tolist() for one in X] == [[0.5, -2.5], [1.5, 3.5]]
    assert list(y) == ["1.0", "2.0"]


def test_copies_and_labels_that_are_nearly_alike_are_doubted():
    rows = "t0,t1,t2,label\n1,2,4,OK\n3,4,1,ok\n2,2,7,worn\n5,1,1,worn\n"
    Path("data/a.csv").write_text(rows + "1,2,4,OK\n3,4,1,ok\n")
    Path("data/b.csv").write_text(rows.replace("OK", "ok"))
    sentences = doubts_of(read_folder("data", verbose=False))
    assert "a (train): 2 of 6 series are copies of others, which flatters --cv; leave them out." in sentences
    assert "a and b have 4 training series in common; leave them out of one of the two." in sentences
    held("c.csv", content="t0,t1,t2,label\n1,2,4,OK\n2,8,7,worn\n")
    one_line = "a and b have 4 training series in common, and 2 more pairs of tasks have some; leave them out of one of"
    assert [line for line in doubts_of(read_folder("data", verbose=False)) if "in common" in line] == [
        f"{one_line} the two."
    ]
    same = "a (train) has labels 'OK' and 'ok', which count as two; if they are meant as one, write them alike."
    assert same in sentences
    assert not [one for one in sentences if one.startswith("b (train): ") and "copies" in one]


@pytest.mark.parametrize(("one", "other", "alike"), [("01", "1", True), ("007", "7", True), ("10", "1", False)])
def test_labels_of_one_number_with_and_without_zeros_are_doubted(one, other, alike):
    held("a.csv", content=f"t0,t1,label\n1,2,{one}\n3,5,{other}\n4,4,{one}\n0,7,{other}\n")
    expected = f"a (train) has labels '{one}' and '{other}', which count as two; if they are meant as one, write them"
    assert doubts_of(read_folder("data", verbose=False)) == [f"{expected} alike."] * alike


def test_a_label_none_may_be_a_class_and_is_doubted():
    Path("data/pump.csv").write_text("t0,t1,label\n1,2,None\n3,5,None\n4,4,worn\n0,7,worn\n")
    assert doubts_of(read_folder("data", verbose=False)) == [
        "pump (train) has the label 'None'; if it says that a series has no label, leave its series out."
    ]


def test_a_label_that_single_rows_of_a_series_lack():
    Path("data/pump.csv").write_text("id,time,x,label\na,0,1,NA\na,1,2,ok\nb,0,3,worn\nb,1,5,\n")
    assert read_folder("data", verbose=False)["pump"][1].tolist() == ["ok", "worn"]


def test_series_of_one_name_may_be_pieces_of_one_recording():
    held("a.csv", content="id,t0,t1,label\nr1,1,2,ok\nr1,3,4,ok\nr2,5,7,worn\nr3,6,7,worn\nr3,8,7,worn\n")
    held("b.csv", content=",t0,t1,label\n0,1,5,ok\n0,2,5,ok\n1,1,6,worn\n1,2,6,worn\n")  # of frames that were joined
    assert [one for one in doubts_of(read_folder("data", verbose=False)) if "share their" in one] == [
        "a (train): 4 of 5 series share their `id` with another; if these are pieces of one recording, add --group id, "
        "without which --cv flatters."
    ]
    assert not [one for one in doubts_of(read_folder("data", group="id", verbose=False)) if "share their" in one]


def held(*names: str, content: str = "") -> None:
    for name in names:
        path = Path("data", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "file; it is empty."),
        (("fans.xlsx", "pumps.xlsx", ".hidden"), "file, only fans.xlsx, pumps.xlsx; export what you have as CSV, a"),
        (("ok/1.wav", "worn/1.wav"), "file, only ok/ (1.wav), worn/ (1.wav); export what you have as CSV"),
        ([f"{name}.xls" for name in "abcdefgh"], "file, only a.xls, b.xls, c.xls, d.xls, e.xls, ...; export"),
        (("pumps/ok/1.csv", "pumps/worn/1.csv"), "file, only pumps/ (ok/, worn/); put a task's files side by side"),
    ],
)
def test_a_folder_without_a_table_is_refused_with_what_it_holds(names, words):
    held(*names)
    with pytest.raises(InputError) as error:
        read_folder("data")
    assert str(error.value).startswith("data holds no .csv, .tsv,")
    assert words in str(error.value)
    assert len(str(error.value)) < 300


def test_what_is_not_read_beside_recordings_is_told(capsys):
    """As beside tables; subfolders may hold the other half of them."""
    held("drives/r1.csv", "drives/more/r2.csv", "drives/notes.pdf", "drives/old.csv/r3.csv", content="x\n1\n2\n")
    held("drives/labels.csv", content="file,label\nr1,ok\n")
    read_folder("data")
    assert capsys.readouterr().err == (
        "drives/: 1 series of 2 steps, labels in labels.csv: ok 1; not read: more/, notes.pdf, old.csv/\n"
    )
    new = read_new_series(Path("data/drives"), "drives", TableOptions(), KnownTask(frozenset()))
    assert new.written == ("not read: more/, notes.pdf, old.csv/",)


def test_what_systems_and_excel_put_beside_files_is_no_data(capsys):
    held("drives/r1.csv", "drives/r2.csv", content="x\n1\n2\n")
    held("drives/labels.csv", content="file,label\nr1,ok\nr2,worn\n")
    held("pumps/pumps_TRAIN.csv", "fans.csv", content="t0,t1,label\n1,2,ok\n3,5,worn\n")
    for folder in ("", "drives/", "pumps/"):
        held(*(f"{folder}{name}" for name in ("._r1.csv", "~$r1.csv", ".DS_Store", "__MACOSX/._r1.csv", "Thumbs.db")))
    assert list(read_folder("data")) == ["drives", "fans", "pumps"]
    assert "not read" not in capsys.readouterr().err
    assert len(read_new_series(Path("data/drives"), "drives", TableOptions(), KnownTask(frozenset()))) == 2


@pytest.mark.parametrize(
    "content",
    ["time,x,y\n0,0.5,1\n1,0.7,2\n", "x,y\n0.5,1\n0.7,2\n", "0.5\n0.7\n0.6\n", "0.5,1.5\n0.7,2\n0.6,1\n3,4\n"],
)
def test_a_folder_for_each_label_is_refused_with_the_layout_that_is_read(content):
    held("ok/1.csv", "ok/2.csv", "worn/1.csv", content=content)
    words = r"if each file is one recording, put those of all labels into one folder, with labels\.csv \(file,label"
    with pytest.raises(InputError, match=words) as error:
        doubts_of(read_folder("data"))
    assert len(str(error.value)) < 390


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Recordings of three machines.\n\nSampled at 50 Hz, by J. Doe.\nSee also: pumps, fans.\n", "3 of 3 lines"),
        ("Sensors 2026\n", "1 of 1 line"),
        ("Sensors\n\nAt 50 Hz, in rooms\n12\nof 3, 4 or 5\n", "3 of 4 lines"),
        ("machine,place\na,hall\nb,yard\n", "3 of 3 lines"),
    ],
)
def test_a_text_among_the_tables_is_named_and_not_left_out(text, lines):
    """What looks like prose may be a table that was written in an unusual way."""
    held("README.txt", content=text)
    held("pumps.csv", content="t0,t1,label\n1,2,ok\n3,4,worn\n")
    words = rf"README\.txt: {lines} have no number between separators; if it is no table of series, move it"
    with pytest.raises(InputError, match=words):
        read_folder("data", verbose=False)


def test_a_table_whose_series_are_mostly_missing_is_no_text():
    held("a.csv", content="ok,1,2\nworn,,3\nok,?,4\n")
    assert len(read_folder("data", verbose=False)["a"][1]) == 3


def test_new_series_are_of_one_task():
    """Of a folder that fit reads, the file of the task is named; recordings with whatever names are read."""
    labels, options = KnownTask(frozenset({"ok", "worn"})), TableOptions()
    held("pumps.csv", "fans.csv", content="t0,t1,t2,state\n1,2,3,ok\n3,4,3,worn\n")
    held("valves/labels.csv", "Belt_TEST.tsv", "Belt_TRAIN.tsv")
    Path("monday").mkdir()
    Path("monday/new.csv").write_text(Path("data/pumps.csv").read_text())
    for task, name in (("pumps", "pumps.csv"), ("valves", "valves"), ("Belt", "Belt_TEST.tsv")):
        with pytest.raises(
            InputError, match=rf"^data has {name}, all of task {task} it seems; name data/{name} itself"
        ):
            read_new_series(Path("data"), task, options, labels)
    with pytest.raises(InputError, match=r"'ok' is no finite number; .*each file of a folder is one recording"):
        read_new_series(Path("monday"), "pumps", options, labels)
    assert len(read_new_series(Path("data/pumps.csv"), "pumps", options, labels)) == 2
    held("new/pumps.csv", "new/p2.csv", content="x\n1\n2\n")
    held("new/labels.csv", content="file,label\npumps,ok\np2,worn\n")
    assert read_new_series(Path("data/new"), "pumps", options, labels).ids == ["pumps", "p2"]


@pytest.mark.parametrize(
    ("content", "known", "labels"),
    [
        ("?,1.5,2\n?,3,4\n", {"1", "2"}, ["?", "?"]),
        ("?,1.5,2\n2,3,4\n", {"1", "2"}, ["?", "2"]),
        ("?,1.5,2\n2.0,3,4\n", {"1", "2"}, ["?", "2.0"]),
        ("?,1.5,2\n?,3,4\n?,3,4\nok,3,4\n", {"ok", "worn"}, ["?", "?", "?", "ok"]),
        ("NaN,1.5,2\n,3,4\n", {"ok", "worn"}, None),
        ("r1,2,1.5,2\nr2,?,3,4\n", {"1", "2"}, ["2", "?"]),
        ("r1,0.5,1.5,2\nr2,?,3,4\n", {"1", "2"}, None),
        ("?,1.5,2\n3,3,4\n", {"1", "2"}, None),
    ],
)
def test_labels_of_new_series_may_be_unknown(content, known, labels):
    """They stand first without a header, or behind the names of series, and are no values."""
    held("new.csv", content=content)
    options = TableOptions(id="1" if content.startswith("r1") else None)
    read = read_new_series(Path("data/new.csv"), "pumps", options, KnownTask(frozenset(known)))
    assert (None if read.labels is None else read.labels.tolist()) == labels
    assert read.series[0].tolist()[-2:] == [1.5, 2]
    assert len(read.series[0]) == 2 + (labels is None)


@pytest.mark.parametrize(
    ("first", "second", "header"),
    [
        ("y,0.5,-0.3,0.4", "n,0.1,0.2,0.3", False),
        ("y,0.5,?,-0.3,0.4", "n,0.1,0.2,0.3,1", False),
        ("y,0.5,0.6,0.8", "y,0.1,0.2,0.3", False),
        ("0.5,0.6,0.8,y", "0.1,0.2,0.3,y", False),
        ("r1,y,0.5,-0.3", "r2,y,0.1,0.2", False),
        ("y,0,1,2", "y,0.1,0.2,0.3", True),
        ("y,0.0,0.1,0.2", "n,0.1,0.2,0.3", True),
        ("label,4000.5,3996,3990", "n,0.1,0.2,0.3", True),
        ("0,0,1,1,y", "0.1,0.2,0.3,0.4,n", True),
        ("id,400,410,y", "r1,0.1,0.2,n", True),
        ("y,t0,t1,t2", "y,0.1,0.2,0.3", True),
    ],
)
def test_a_first_label_that_is_a_name_of_labels_is_no_header(first, second, header):
    rows = [[field.strip() for field in row.split(",")] for row in (first, second, second)]
    assert has_header(rows, TableOptions()) == header


EMPTY_ROWS = [
    ('x\n1\n""\n3\n', [1, None, 3]),
    ('1\n""\n3\n', [1, None, 3]),
    ('""\n1\n3\n', [None, 1, 3]),
    ("x\n\n1\n\n3\n \n", [1, 3]),  # blank lines
    ("x,y\n1,1\n,\n\n3,3\n", [1, None, 3]),
    (",\n1,1\n,\n3,3\n", [None, 1, None, 3]),
    ("x\ty\n1\t1\n\t\n\t\n3\t3\n", [1, None, None, 3]),
    ("x;y\r\n1,5;1\r\n;\r\n3;3\r\n;\r\n\r\n;\r\n", [1.5, None, 3]),  # a spreadsheet's end
    ("\n,\nx,y\n1,1\n3,3\n", [1, 3]),  # above a header
    ('x,y\n1,1\n""\n3,3\n', [1, 3]),
    ("time,x,y\n2,3,3\n,,\n1,1,1\n", [1, 3]),  # the order is that of times
]


@pytest.mark.parametrize(("content", "values"), EMPTY_ROWS)
def test_a_row_without_values_is_a_missing_step_of_a_recording(content, values):
    held("r1.csv", content=content)
    held("labels.csv", content="file,label\n,\nr1,ok\n")
    (one,) = read_folder("data", verbose=False)["data"][0]
    np.testing.assert_array_equal(np.atleast_2d(one)[0], np.array(values, float))


@pytest.mark.parametrize("separator", ",;\t")
@pytest.mark.parametrize("header", ["id,state,t0,t1\n", ""])
def test_a_row_without_values_is_no_series(header, separator):
    """It is named by its line, not left out, since predictions stand in the order of rows; at the end it is no row."""
    rows = f"{header}r1,ok,1,2\n\nr2,worn,2,4\n,,,\nr3,ok,3,1\n,,,\n,,,\n".replace(",", separator)
    options = {} if header else {"id": "1", "label": "2"}
    held("a.csv", content=rows)
    with pytest.raises(InputError, match=rf"^data/a\.csv, line {4 + bool(header)}: no observed value; repair the"):
        read_folder("data", verbose=False, **options)
    held("a.csv", content=rows.replace(f"{separator * 3}\n", "", 1))
    assert len(read_folder("data", verbose=False, **options)["a"][1]) == 3


@pytest.mark.parametrize(
    "rows", ["id,t0,t1,state\nr1,1,2,ok\n", "1,2,ok\n", "t0,t1,state\n1,2,ok\n", "id,time,x,label\nr1,0,2,ok\n"]
)
def test_a_remark_before_the_header_is_refused(rows):
    held("a.csv", content=f"\n# made by x\n{rows}")
    with pytest.raises(InputError, match=r"^data/a\.csv, line 2: '# made by x' is neither a header nor a series; take"):
        read_folder("data", verbose=False)


def test_a_row_without_values_is_of_no_series_in_a_long_table():
    held("a.csv", content="id,t,x,label\nr1,1,20,ok\nr1,0,10,ok\n,,,\nr2,0,3,worn\nr2,1,5,worn\n")
    assert [one.tolist() for one in read_folder("data", verbose=False)["a"][0]] == [[10, 20], [3, 5]]
    held("a.csv", content="id,x,label\nr1,10,ok\n,,\nr1,20,ok\nr2,3,worn\n")
    with pytest.raises(InputError, match=r"a\.csv, line 3: nothing in column `id`; write there which .* drop the row"):
        read_folder("data", verbose=False, layout="long")


def test_tables_of_many_columns_are_read_in_time_that_grows_with_their_number():
    """With a search through all columns for each of them, this takes a minute."""
    n = 60_000
    rows = f"{','.join(['0.5'] * n)},ok\n{','.join(['0.7'] * n)},worn\n"
    started = process_time()
    held("wide.csv", content=f"{','.join(map(str, range(n)))},quality\n{rows}")
    held("drives/r1.csv", content=",".join(f"c{i}" for i in range(n)) + f"\n{','.join(['1'] * n)}\n")
    held("drives/labels.csv", content="file,label\nr1,ok\n")
    read_folder("data", verbose=False)
    assert process_time() - started < 15


def test_words_are_the_first_columns_that_are_listed_where_one_is_not_known():
    held("a.csv", content=f"{','.join(map(str, range(80)))},t0,state\n{'1,' * 81}ok\n")
    with pytest.raises(InputError, match=r"no column foo \(--label\); it has state, t0, 0, 1, 2, .* more"):
        read_folder("data", label="foo")
    Path("data/a.csv").unlink()
    held("r1.csv", content=f"{','.join(map(str, range(80)))},flow\n{'1,' * 80}1\n")
    held("labels.csv", content="file,label\nr1,ok\n")
    with pytest.raises(InputError, match=r"no column foo \(--values\); it has flow, 0, 1, 2, .* more"):
        read_folder("data", values=["foo"])


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (["t0:t3"], {}, r"--values includes column `label`, which is taken for that of --label; leave it out, or name"),
        (
            ["t0:t1", "machine"],
            {"group": "machine"},
            r"--values includes column `machine`, which is taken for that",
        ),
        (["id", "t0"], {}, r"--values includes column `id`, which is taken for that of --id;"),
        (["t3:t0"], {}, r"in --values t3:t0 the second column is left of the first; turn them"),
        (["t0:t1", "t1"], {}, r"--values names column `t1` twice; name it once"),
    ],
)
def test_values_are_no_labels_and_none_stands_twice(values, options, message):
    rows = [f"s{i},{i % 3},{i}.5,{i}.1,{i % 2},{i}.2,{i}.3\n" for i in range(6)]
    held("fans.csv", content="id,machine,t0,t1,label,t2,t3\n" + "".join(rows))
    with pytest.raises(InputError, match=rf"fans\.csv: {message}"):
        read_folder("data", values=values, **options)
    data = read_folder("data", values=["t0:t1", "t2:t3"], verbose=False)
    assert data["fans"][0][1].tolist() == [1.5, 1.1, 1.2, 1.3]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (["z:x"], {}, r"in --values z:x the second column is left of the first; turn them"),
        (["x", "x:z"], {}, r"--values names column `x` twice; name it once"),
        (["x:z"], {"time": "y"}, r"--values includes column `y`, which is taken for that of --time;"),
    ],
)
def test_channels_are_no_times_and_none_stands_twice(values, options, message):
    held("r1.csv", content="x,y,z\n1,2,3\n4,5,6\n")
    held("labels.csv", content="file,label\nr1,ok\n")
    with pytest.raises(InputError, match=rf"r1\.csv: {message}"):
        read_folder("data", values=values, **options)


def test_a_first_series_without_values_is_named_and_not_the_header():
    held("new.csv", content="id,a,b,c\nr0,,,\nr1,1,2,4\nr2,2,1,3\n")
    with pytest.raises(InputError, match="line 2: no observed value; repair the series or leave it out"):
        read_new_series(Path("data/new.csv"), "pumps", TableOptions(), KnownTask(frozenset({"ok"})))


def test_a_first_series_with_the_label_y_is_read():
    held("a.csv", content="y,0.5,0.6\nn,0.1,0.2\ny,0.3,0.1\n")
    X, y = read_folder("data", verbose=False)["a"]
    assert y.tolist() == ["y", "n", "y"]
    assert X[0].tolist() == [0.5, 0.6]


@pytest.mark.parametrize(
    ("times", "order"),
    [
        (("23:59:58", "23:59:59", "00:00:00", "00:00:01"), [0, 1, 2, 3]),
        (("22:00:00", "23:00:00", "06:00:00.5", "22:30:00"), [0, 1, 2, 3]),
        (("10:00:00", "11:00:00", "09:58:00", "09:59:00"), [2, 3, 0, 1]),
        (("23:59:58", "00:00:00", "23:59:59", "00:00:01"), [1, 3, 0, 2]),
        (("2026-01-02T23:59:59", "2026-01-01T00:00:00", "2026-01-01T00:00:01"), [1, 2, 0]),
        ((86399, 86400, 0, 1), [2, 3, 0, 1]),
    ],
)
def test_a_clock_that_passes_midnight(times, order, capsys):
    rows = [f"{time},{i}" for i, time in enumerate(times)]
    held("fans.csv", content="id,time,x,label\n" + "".join(f"{name},{row},ok\n" for row in rows for name in "ab"))
    held("pumps/r1.csv", content="\n".join(["time,x", *rows]))
    held("pumps/labels.csv", content="file,label\nr1,ok\n")
    data = read_folder("data")
    assert [one.tolist() for one in data["fans"][0]] == [order, order]
    assert data["pumps"][0][0].tolist() == order
    assert ("unequal" in capsys.readouterr().err) == (order != [0, 1, 2, 3] or times[0] != "23:59:58")


STEPS = [(f"f{i}", step, i + step / 7, ("ok", "worn")[i % 2]) for i in range(4) for step in range(3)]


def table(header: str, rows: Sequence[tuple[object, ...]]) -> str:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)])


@pytest.mark.parametrize("header", ["id,sample,x,label", "file,Abtastung,x,state"])
def test_time_steps_are_not_read_as_series(header):
    """Where their times have a name that is not known."""
    held("fans.csv", content=table(header, STEPS))
    identity, time = header.split(",")[:2]
    words = rf"fans\.csv: column `{identity}` has 4 names in 12 rows; if each is a time step, say with --time"
    with pytest.raises(InputError, match=words):
        read_folder("data")
    with pytest.raises(InputError, match=words):
        read_folder("data", id=identity)
    assert [len(one) for one in read_folder("data", time=time, verbose=False)["fans"][0]] == [3] * 4
    assert len(read_folder("data", layout="wide", verbose=False)["fans"][0]) == 12
    unlabelled = read_new_series(
        Path("data/fans.csv"), "fans", TableOptions(label="none", time=time, values=["x"]), KnownTask(frozenset())
    )
    assert len(unlabelled) == 4


@pytest.mark.parametrize(
    "names",
    [
        [f"{channel}_{step}" for channel in ("acc", "gyr") for step in range(3)],
        [f"{channel}{step}" for step in range(3) for channel in "xyz"],
    ],
)
def test_channels_side_by_side_are_not_read_as_one_series(names):
    rows = [(*range(len(names)), label) for label in ("ok", "worn") * 2]
    held("fans.csv", content=table(",".join([*names, "label"]), rows))
    with pytest.raises(InputError, match=rf"like `{names[0]}` and like `.*` seem to be (2|3) channels; write one row"):
        read_folder("data")
    data = read_folder("data", values=[f"{names[0]}:{names[-1]}"], verbose=False)
    assert data["fans"][0][0].tolist() == list(range(len(names)))
    known = KnownTask(frozenset({"ok", "worn"}), data.columns["fans"])
    assert len(read_new_series(Path("data/fans.csv"), "fans", TableOptions(), known)) == 4, "as it was trained on"


@pytest.mark.parametrize("name", ["{0:02}:{1}0", "week{0}_day{1}", "2020-0{0}-1{1}"])
def test_times_of_two_numbers_name_the_steps_of_one_series(name):
    names = [name.format(i, j) for i in range(3) for j in range(3)]
    held("fans.csv", content=table(",".join([*names, "label"]), [(*range(9), label) for label in ("ok", "worn") * 2]))
    assert read_folder("data", verbose=False)["fans"][0][0].tolist() == list(range(9))


@pytest.mark.parametrize("time", ["timestamp_ms", "Time (s)", "time [ms]", "t(s)", "Time_s"])
def test_times_with_a_unit_are_times(time):
    held("fans.csv", content=table(f"id,{time},x,label", STEPS[::-1]))
    held("pumps/r1.csv", content=f"{time},x\n1,7\n0,5\n")
    held("pumps/labels.csv", content="file,label\nr1,ok\n")
    data = read_folder("data", verbose=False)
    assert [len(one) for one in data["fans"][0]] == [3] * 4
    assert data["pumps"][0][0].tolist() == [5, 7]


def held_both_ways(header: str, rows: Sequence[Sequence[object]]) -> None:
    """Two series with these columns, in a long table `fans.csv` and as recordings `pumps/`."""
    long = [(name, *row, label) for name, label in (("r1", "ok"), ("r2", "worn")) for row in rows]
    held("fans.csv", content=table(f"id,{header},label", long))
    held("pumps/r1.csv", "pumps/r2.csv", content=table(header, [tuple(row) for row in rows]))
    held("pumps/labels.csv", content="file,label\nr1,ok\nr2,worn\n")


@pytest.mark.parametrize("T", [(20.5, 19.5, 21.25), (20.5, 20.5, 21.25)])
def test_a_channel_that_is_called_as_a_time_may_be_does_not_sort_the_rows(T, capsys):
    held_both_ways("T,p", list(zip(T, (1, 2, 3), strict=True)))
    words = "column `T` may hold times, but does not rise from row to row; name it with --time T, or if it is a channel"
    for name, end in (("fans.csv", "--values and add --layout long."), ("pumps", "--values.")):
        with pytest.raises(InputError, match=words) as error:
            read_folder(f"data/{name}", verbose=False)
        assert str(error.value).endswith(f", name all channels with {end}")
    for name, layout in (("fans.csv", "long"), ("pumps", None)):
        data = read_folder(f"data/{name}", values=["T", "p"], layout=layout, verbose=False)
        ((X, _),) = data.values()
        assert [one.tolist() for one in X] == [[list(T), [1, 2, 3]]] * 2
    capsys.readouterr()
    if T[0] > T[1]:
        for name in ("fans.csv", "pumps"):
            ((X, _),) = read_folder(f"data/{name}", time="T").values()
            assert [one.tolist() for one in X] == [[2, 1, 3]] * 2
            assert capsys.readouterr().err.endswith("; rows sorted by `T`\n")


@pytest.mark.parametrize(
    ("name", "times", "reordered"),
    [
        ("t", (0, 0.1, 0.25), False),
        ("seconds", (0.2, 0, 0.1), True),
        ("step", (7, 1, 3), True),
        ("t", ("2026-01-03", "2026-01-01", "2026-01-02"), True),
    ],
)
def test_a_name_that_channels_have_too_is_a_time_where_it_looks_like_one(name, times, reordered, capsys):
    """In a long table, whose rows may stand in any order; and it is said."""
    held_both_ways(f"{name},x", list(zip(times, (1, 2, 3), strict=True)))
    order = sorted((1, 2, 3), key=lambda i: times[i - 1])
    ((X, _),) = read_folder("data/fans.csv").values()
    assert [one.tolist() for one in X] == [order] * 2
    line = capsys.readouterr().err
    assert f"times in column `{name}`, labels in column `label`" in line
    assert line.endswith(f"; rows sorted by `{name}`\n") == reordered


@pytest.mark.parametrize(
    ("header", "rows", "options", "left_out"),
    [
        ("time,T,p", [(0, 20.5, 1), (1, 19.5, 2), (2, 21.5, 3)], {}, None),
        ("T,time,p", [(20.5, 0, 1), (19.5, 1, 2), (21.5, 2, 3)], {}, None),
        ("T,seconds,p", [(20.5, 0, 1), (19.5, 1, 2), (21.5, 2, 3)], {}, None),
        ("timestamp,seconds,p", [(f"2026-01-01 00:00:0{i}", i / 10, i) for i in (1, 3, 2)], {}, "seconds"),
        ("time,timestamp,p", [(i, f"1.1.2026 00:00:0{i}", i) for i in (1, 2, 3)], {}, "timestamp"),
        ("Zeit,seconds,p", [(i, i / 10, i) for i in (1, 2, 3)], {"time": "Zeit"}, "seconds"),
        ("seconds,T", [(1, 1), (2, 2), (3, 3)], {}, None),
    ],
)
def test_a_second_column_of_times_is_no_channel(header, rows, options, left_out, capsys):
    """But only where it rises as the first does, and it is said."""
    held_both_ways(header, rows)
    data = read_folder("data", **options)
    for X, _ in data.values():
        assert [one.ndim for one in X] == [1 if left_out or header == "seconds,T" else 2] * 2
    if not left_out and header != "seconds,T":
        assert data.channels == {"fans": ("T", "p"), "pumps": ("T", "p")}
    for line in capsys.readouterr().err.splitlines():
        assert line.endswith(f"`{left_out}` left out as a second time") == bool(left_out)


def test_a_column_that_is_named_otherwise_is_no_time():
    held("fans.csv", content="id,step,time,x\na,heat,0,1\na,heat,1,2\nb,cool,0,3\nb,cool,1,4\n")
    held("pumps.csv", content="id,step,seconds,x\na,0,0,1\na,0,1,2\nb,1,0,3\nb,1,1,4\n")
    data = read_folder("data", label="step", verbose=False)
    assert [one.tolist() for X, _ in data.values() for one in X] == [[1, 2], [3, 4]] * 2


@pytest.mark.parametrize("first", ["01.01.2026 00:00:00", "1/31/2026", "9:00", "31 Jan 2026, 10:00"])
def test_dates_that_are_not_called_times_are_named(first):
    held("pumps/r1.csv", "pumps/r2.csv", content=f'Zeit,p\n"{first}",1\n"{first}",2\n')
    held("pumps/labels.csv", content="file,label\nr1,ok\nr2,worn\n")
    words = rf"r1\.csv, line 2: '{first}' is no finite number; if column `Zeit` holds times, say so with --time Zeit\."
    with pytest.raises(InputError, match=words):
        read_folder("data", verbose=False)
    X, _ = read_folder("data", time="Zeit", verbose=False)["pumps"]
    assert [one.tolist() for one in X] == [[1, 2]] * 2
    held("fans.csv", content=f'id,Zeit,p,label\nr1,"{first}",1,ok\nr1,"{first}",2,ok\n')
    with pytest.raises(InputError, match="say what column `Zeit` is with --label, --id, --group or --time"):
        read_folder("data/fans.csv", verbose=False)


def test_times_of_recordings_that_are_misspelt_are_refused():
    held_both_ways("time,p", [(0, 1), (1, 2)])
    with pytest.raises(InputError, match=r"r1\.csv has no column Time \(--time\); it has time, p\."):
        read_folder("data/pumps", time="Time", verbose=False)


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("name,t0,t1,label", STEPS),  # pieces of recordings
        ("id,00:00,00:15,label", STEPS),
        ("id,a,b,label", [(i % 6, 1, 2 * i, "ok" if i < 6 else "worn") for i in range(12)]),  # counted in each class
        ("name,a,b,label", [(f"m{i // 6}", 1, 2 * i, "ok" if i % 2 else "worn") for i in range(12)]),  # machines
        ("id,a,b,label", [("f0", 1, 2, "ok"), *[(f"f{i}", i, 1, "ok") for i in range(11)]]),
        (",a,b,label", [(i % 6, 1, 2 * i, "ok") for i in range(12)]),  # of frames that were joined
        ("task,id,a,label", [("pumps" if i < 6 else "fans", i % 6, i, "ok") for i in range(12)]),
        ("id,t_s,a,label", STEPS[::3]),
    ],
)
def test_names_that_come_again_need_not_be_of_time_steps(header, rows):
    held("fans.csv", content=table(header, rows))
    assert sum(len(X) for X, _ in read_folder("data", verbose=False).values()) == len(rows)


def test_a_recording_does_not_say_its_own_label():
    held("labels.csv", content="file,label\nr1,0\nr2,1\n")
    held("r1.csv", content="time,x,y,Label\n0,1,5,0\n1,2,7,0\n")
    held("r2.csv", content="time,x,y,Label\n0,3,2,1\n1,4,1,1\n")
    words = (
        r"r1\.csv: column `Label` stands among the channels, and may say the label of the recording; .* --values x,y\."
    )
    with pytest.raises(InputError, match=words):
        read_folder("data")
    assert [one.shape for one in read_folder("data", values=["x", "y"], verbose=False)["data"][0]] == [(2, 2)] * 2
    for name in ("r1.csv", "r2.csv"):
        held(name, content="time,x,state\n0,1,0\n1,2,1\n")  # a valve's, say
    assert read_folder("data", verbose=False).channels == {"data": ("x", "state")}
