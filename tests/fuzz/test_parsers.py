"""The parsers by property: what is written is read, and any text is refused or read as an independent reader does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import independent
from mtcs.data.text import InvalidData
from mtcs.data.ts import read_ts
from mtcs.data.tsv import read_tsv

ALWAYS_THE_SAME = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # a file, written anew for each
)
NUMBERS = st.floats(width=64, allow_nan=False, allow_infinity=False)
SERIES = st.lists(st.lists(NUMBERS | st.none(), min_size=1, max_size=5), min_size=1, max_size=4)
LABEL = st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="?"), min_size=1, max_size=8)
ODD = "0123456789.,:-+eE?@#aN \t\n\r\x0b\x0c\x1c\x1e\x85\xa0\u2028\u0661\ufeff"
TEXT = st.text(st.sampled_from(ODD) | st.characters(codec="utf-8"))


@ALWAYS_THE_SAME
@given(SERIES, st.data())
@pytest.mark.parametrize("suffix", [".ts", ".tsv"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str, series: list[list[float | None]], data: st.DataObject):
    labels = [data.draw(LABEL.filter(lambda label: ":" not in label or suffix == ".tsv")) for _ in series]
    separator, missing = (",", "?") if suffix == ".ts" else ("\t", "")
    rows = [separator.join(missing if value is None else repr(value) for value in one) for one in series]
    if suffix == ".ts":
        header = f"@classLabel true {' '.join(dict.fromkeys(labels))}\n@data\n"
        text = header + "".join(f"{row}:{label}\n" for row, label in zip(rows, labels, strict=True))
    else:
        text = "".join(f"{label}\t{row}\n" for row, label in zip(rows, labels, strict=True))
    path = tmp_path / f"written{suffix}"
    path.write_bytes(text.encode())
    result, found_labels = _read(path)
    assert found_labels == labels
    assert independent.equal(result, [np.array([np.nan if v is None else v for v in one]) for one in series])


@ALWAYS_THE_SAME
@given(TEXT)
@pytest.mark.parametrize("suffix", [".ts", ".tsv"])
def test_any_text_is_refused_or_read_as_it_stands(tmp_path: Path, suffix: str, text: str):
    _refused_or_read(tmp_path / f"any{suffix}", f"@data\n{text}" if suffix == ".ts" else text)


@ALWAYS_THE_SAME
@given(st.data())
@pytest.mark.parametrize("suffix", [".ts", ".tsv"])
def test_a_whole_file_with_an_odd_letter_is_refused_or_read_as_it_stands(
    tmp_path: Path, suffix: str, data: st.DataObject
):
    text = "@data\n1,2,3:a\n4,5,6:b\n" if suffix == ".ts" else "a\t1\t2\t3\nb\t4\t5\t6\n"
    at = data.draw(st.integers(0, len(text)))
    _refused_or_read(tmp_path / f"odd{suffix}", text[:at] + data.draw(st.sampled_from(ODD)) + text[at:])


def _refused_or_read(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    try:
        series, labels = _read(path)
    except InvalidData:
        return
    read = independent.ts if path.suffix == ".ts" else independent.tsv
    expected, known = read(path.read_bytes())
    assert independent.equal(series, expected)
    assert labels == known


def _read(path: Path) -> tuple[list[np.ndarray], list[str] | list[str | None]]:
    if path.suffix == ".tsv":
        return read_tsv(path)
    file = read_ts(path, path.name)
    return file.series, file.labels
