"""What a `.ts` file may hold, and that its header is not believed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import aeon
import numpy as np
import pytest
from aeon.datasets import load_from_ts_file

from mtcs.data import text
from mtcs.data.text import PIECE, InvalidData
from mtcs.data.ts import read_ts

HEADER = (
    "@problemName Toy\n@timeStamps false\n@univariate true\n@equalLength true\n@seriesLength 3\n@classLabel true a b\n"
)


def file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "Toy.ts"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_end_in_three_ways(tmp_path: Path, newline: str) -> None:
    read = read_ts(file(tmp_path, (HEADER + "@data\n1,2,3:a\n4,?,6:b\n").replace("\n", newline)), "Toy")
    np.testing.assert_array_equal(np.stack(read.series), [[1, 2, 3], [4, np.nan, 6]])
    assert read.labels == ["a", "b"]


@pytest.mark.parametrize("mark", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\x00", "\x1b"])
@pytest.mark.parametrize("line", ["1,2{},3:a", "1,2,3:{}a", "1,2,3:a{}", "{}1,2,3:a", "1,2,3{}:a"])
def test_control_characters_are_refused(tmp_path: Path, mark: str, line: str) -> None:
    with pytest.raises(InvalidData, match=r"^Toy\.ts, line 9 holds the control character '\\") as error:
        read_ts(file(tmp_path, HEADER + "@data\n1,2,3:a\n" + line.format(mark) + "\n"), "Toy")
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "value",
    ["-?", "+?", "??", "1 2", "1_0", "0x1", "\u0661", "\u00bd", "1e", ".", "-", "", "--1", "infinite", "\xa01"],
)
def test_what_is_no_value_is_refused(tmp_path: Path, value: str) -> None:
    message = f"Toy.ts, line 8: value {value!r}, expected a number or '?'"
    with pytest.raises(InvalidData, match=f"^{re.escape(message)}$"):
        read_ts(file(tmp_path, HEADER + f"@data\n1,{value},3:a\n"), "Toy")


@pytest.mark.parametrize("value", ["-1.5", "+2", "1.", ".5", "1e-3", "1E+3", " 7 ", "NaN", "nan", "-nan", "?", " ? "])
def test_what_is_a_value_is_read(tmp_path: Path, value: str) -> None:
    (series,) = read_ts(file(tmp_path, HEADER + f"@data\n1,{value},3:a\n"), "Toy").series
    expected = float("nan") if "?" in value else float(value)
    np.testing.assert_array_equal(series, [1, expected, 3])


def test_a_line_of_many_pieces_is_read_as_aeon_does(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=PIECE // 4).astype(str)
    values[[0, 1000, -1]] = "?"
    path = file(tmp_path, f"@equalLength false\n@classLabel true a\n@data\n{','.join(values)}:a\n1:a\n")
    assert len(path.read_text()) > 3 * PIECE
    expected, _ = load_from_ts_file(str(path))
    for mine, aeons in zip(read_ts(path, "Toy").series, expected, strict=True):
        np.testing.assert_array_equal(mine, aeons[0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("4,5,6", "4,0,5,0,6,0", "Toy has series of 3 and 6 values, its header states @equalLength true"),
        ("@equalLength true\n", "", "Toy has a series of 2 values, its header states @seriesLength 3"),
        ("@equalLength true", "@equalLength false", None),
        ("@seriesLength 3", "@seriesLength 2", "Toy has a series of 3 values, its header states @seriesLength 2"),
        ("@seriesLength 3", "@seriesLength many", "line 5: '@seriesLength many', expected a whole number"),
        ("@univariate true", "@univariate false", "Toy has series of one channel, its header states another number"),
        ("@univariate true", "@dimensions 2", "line 8 has 1 channel, its header states 2"),
        ("@univariate true", "@missing false", "Toy has missing values, its header states @missing false"),
        ("@univariate true", "@univariate yes", "line 3: '@univariate yes', expected true or false"),
        ("@univariate true", "@equalLength true", "line 4: '@equalLength' stands there twice"),
        ("@univariate true", "univariate true", "line 3: 'univariate true', expected a line that begins with '@'"),
        ("@timeStamps false", "@timeStamps true", "line 2: the file has time stamps"),
        ("@timeStamps false", "@targetlabel true", "line 2: the file has numbers to be predicted, expected labels"),
        ("@classLabel true a b", "@classLabel true a", "Toy has label 'b', expected one of its header's: a"),
        ("@classLabel true a b", "@classLabel true", "line 6: '@classLabel true', expected the labels behind it"),
        ("@classLabel true a b", "@classLabel false", "line 8 has 2 channels"),
        ("@classLabel true a b", "@classLabel true A B", "Toy has label 'a', expected one of its header's: A, B"),
        ("4,5,6:b", "4,5,6:1,2,3:b", "line 9 has 2 channels, its header states 1"),
        ("4,5,6:b", "(0,4),(1,5),(2,6):b", "line 9 has time stamps"),
        ("4,5,6:b", "4,5,6", "line 9 has no label after a ':' where its header announces labels"),
        ("4,5,6:b", "", "line 9 is empty, expected a series"),
        ("@data\n", "", "line 7: '1,2,?:a', expected a line that begins with '@'"),
        ("@data", "@data x", "line 7: 'x' behind '@data'"),
    ],
)
def test_what_a_header_states_is_checked(tmp_path: Path, old: str, new: str, message: str | None) -> None:
    text = HEADER + "@data\n1,2,?:a\n4,5,6:b\n"
    if old == "@equalLength true\n" or (old, new) == ("@equalLength true", "@equalLength false"):
        text = text.replace("4,5,6", "4,5")
    assert old in text
    path = file(tmp_path, text.replace(old, new))
    if message is None:
        assert [len(series) for series in read_ts(path, "Toy").series] == [3, 2]
        return
    with pytest.raises(InvalidData, match=re.escape(message)):
        read_ts(path, "Toy")


def test_a_comma_inside_numbers_is_suspected(tmp_path: Path) -> None:
    message = "Toy has a series of 6 values, its header states @seriesLength 3; there may be a comma inside its numbers"
    with pytest.raises(InvalidData, match=re.escape(message)):
        read_ts(file(tmp_path, HEADER + "@data\n0,5,1,5,2,5:a\n1,5,2,5,3,5:b\n"), "Toy")


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    latin = (HEADER.replace(" a b", " ä b") + "@data\n1,2,3:ä\n").encode("latin-1")
    with pytest.raises(InvalidData, match=r"^Toy\.ts, line 6 is not UTF-8, expected a file saved as UTF-8$"):
        read_ts(file(tmp_path, latin), "Toy")
    with pytest.raises(InvalidData, match=r"line 1 "):
        read_ts(file(tmp_path, (HEADER + "@data\n1,2,3:a\n").encode("utf-16")), "Toy")


def test_a_comments_bytes_do_not_matter(tmp_path: Path) -> None:
    text = "# Zürich \x0b\n% by M\xfcller\n".encode("latin-1") + (HEADER + "@data\n1,2,3:a\n").encode()
    assert read_ts(file(tmp_path, text), "Toy").labels == ["a"]


def test_labels_with_spaces_are_found_in_the_header(tmp_path: Path) -> None:
    text = "@classLabel true fault, left fault  fault bearing fault\n@data\n1:bearing fault\n2:fault, left\n3:fault\n"
    read = read_ts(file(tmp_path, text), "Toy")
    assert read.labels == ["bearing fault", "fault, left", "fault"]
    assert read.classes == ["fault, left", "fault", "bearing fault"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_large_file_takes_at_most_ten_times_its_text(tmp_path: Path) -> None:
    size = 2**23
    path = file(tmp_path, f"@classLabel true a b\n@data\n{'1,2,' * (size // 4)}3:a\n1:b\n")
    program = """
import re, sys
from pathlib import Path
from mtcs.data.ts import read_ts
peak = lambda: 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
read_ts(Path(sys.argv[1]), "Toy")
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 10 * size


def test_more_series_than_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MAX_SERIES", 2)
    with pytest.raises(InvalidData, match="Toy has more than 2 series, expected at most so many; split the task"):
        read_ts(file(tmp_path, HEADER + "@data\n" + "1,2,3:a\n" * 3), "Toy")


def test_several_channels_are_read_as_aeon_does() -> None:
    folder = Path(aeon.__file__).parent / "datasets/data"
    for name in ("BasicMotions/BasicMotions_TRAIN.ts", "JapaneseVowels/JapaneseVowels_TEST.ts"):
        mine = read_ts(folder / name, "it")
        expected, labels = load_from_ts_file(str(folder / name))
        for ours, aeons in zip(mine.series, expected, strict=True):
            np.testing.assert_array_equal(ours, aeons)
        assert [(label or "").lower() for label in mine.labels] == list(labels)


@pytest.mark.parametrize(
    ("header", "line", "labels"),
    [
        ("@dimensions 2\n@classLabel true a b:c\n", "1,2:3,4:b:c\n5,6:7,8:a\n", ["b:c", "a"]),
        ("@univariate false\n@classLabel true a b\n", "1,2:3,4:b\n5,6:7,8:a\n", ["b", "a"]),
        ("@classLabel false\n", "1,2:3,4\n5,6:7,8\n", [None, None]),
        ("@dimensions 2\n", "1,2:3,4\n5,6:7,8\n", [None, None]),
        ("", "1,2:3,4:x\n5,6:7,8:y\n", ["x", "y"]),
    ],
)
def test_where_channels_end_and_labels_begin(tmp_path: Path, header: str, line: str, labels: list[str]) -> None:
    read = read_ts(file(tmp_path, f"{header}@data\n{line}"), "Toy")
    np.testing.assert_array_equal(np.stack(read.series), [[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
    assert read.labels == labels


def test_a_shorter_channel_is_padded_and_another_number_of_channels_refused(tmp_path: Path) -> None:
    (series,) = read_ts(file(tmp_path, "@classLabel true a\n@data\n1,2,3:4:a\n"), "Toy").series
    np.testing.assert_array_equal(series, [[1, 2, 3], [4, np.nan, np.nan]])
    with pytest.raises(InvalidData, match="line 4 has 1 channel, expected 2 as the first series has"):
        read_ts(file(tmp_path, "@classLabel true a\n@data\n1,2:3,4:a\n1,2:a\n"), "Toy")
