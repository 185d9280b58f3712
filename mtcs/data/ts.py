"""Reader of `.ts` files of one channel: labels and digits as they stand there, and what the header states is checked.

aeon documents the format (api_reference/file_specifications/ts.html); its own reader puts whole lines in lower case,
labels among them, and believes most of the header.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from mtcs.data.text import InvalidData, append_values, check_characters, check_count, listed, quoted, read_lines

_BOOLEANS = ("timestamps", "missing", "univariate", "equallength", "targetlabel")
_COUNTS = ("dimensions", "dimension", "serieslength")


@dataclass(frozen=True)
class TsFile:
    """What a `.ts` file holds.

    series: n arrays (T_i,) float64, NaN where a value is missing.
    labels: n label strings, None where a line has none.
    classes: the labels that the header lists and the file has, in the header's order; None without a list.
    problem: the data set's name in the header, None without one.
    """

    series: list[np.ndarray]
    labels: list[str | None]
    classes: list[str] | None
    problem: str | None


def read_ts(path: Path, what: str) -> TsFile:
    """Read a file; `what` names it in messages that have no line.

    Raises:
        InvalidData: if it holds anything else, or not what its header states.
        OSError: if it cannot be read.
    """
    header: dict[str, str] = {}
    values, ends = array("d"), array("q", [0])
    labels: list[str | None] = []
    known: dict[str, str] = {}
    in_data, announced = False, ""
    for number, line in read_lines(path):
        where = f"{path.name}, line {number}"
        if in_data:
            label = _append_series(values, where, line, header, announced)
            labels.append(None if label is None else known.setdefault(label, label))
            ends.append(len(values))
            check_count(what, len(labels))
        else:
            in_data = _read_header_line(header, where, line.strip(" \t"))
            announced = header.get("classlabel", "").partition(" ")[0].lower()
    if not in_data:
        raise InvalidData(f"{what} has no line '@data', expected one before its series")
    if not labels:
        raise InvalidData(f"{what} has no series, expected at least one")
    observed = np.frombuffer(values)
    _check_header(what, header, np.diff(ends), observed)
    series = [observed[start:end] for start, end in pairwise(ends)]
    return TsFile(series, labels, _classes(what, header, set(known)), header.get("problemname"))


def _read_header_line(header: dict[str, str], where: str, line: str) -> bool:
    """Add what a line states to `header`; whether data begin behind it."""
    if not line or line[0] in "#%":
        return False
    check_characters(where, line)
    key, _, text = line.replace("\t", " ").partition(" ")
    name, text = key[1:].lower(), text.strip(" ")
    if key[0] != "@":
        raise InvalidData(f"{where}: {quoted(line)}, expected a line that begins with '@' or '#' before '@data'")
    if name == "data":
        if text:
            raise InvalidData(f"{where}: {quoted(text)} behind '@data', expected series on lines of their own")
        return True
    if not text and name in (*_BOOLEANS, *_COUNTS, "problemname", "classlabel"):
        raise InvalidData(f"{where}: {quoted(key)} alone, expected a value behind it")
    if name in header:
        raise InvalidData(f"{where}: {quoted(key)} stands there twice, expected once")
    if name in _BOOLEANS or name == "classlabel":
        flag, _, rest = text.partition(" ")
        if flag.lower() not in ("true", "false") or (name != "classlabel" and rest):
            raise InvalidData(f"{where}: {quoted(line)}, expected true or false behind {key}")
        if name == "classlabel" and flag.lower() == "true" and not rest:
            raise InvalidData(f"{where}: {quoted(line)}, expected the labels behind it")
    if name in _COUNTS and not re.fullmatch(r"[0-9]{1,9}", text):
        raise InvalidData(f"{where}: {quoted(line)}, expected a whole number behind {key}")
    if (name, text.lower()) == ("timestamps", "true"):
        raise InvalidData(f"{where}: the file has time stamps, expected values at regular intervals without them")
    if (name, text.lower()) == ("targetlabel", "true"):
        raise InvalidData(f"{where}: the file has numbers to be predicted, expected labels")
    header[name] = text
    return False


def _append_series(values: array[float], where: str, line: str, header: dict[str, str], announced: str) -> str | None:
    """Append the values of a line to `values`, and return its label; `announced` is whether it should have one."""
    if not line.strip(" \t"):
        raise InvalidData(f"{where} is empty, expected a series")
    if line.lstrip(" \t").startswith("("):
        raise InvalidData(f"{where} has time stamps, expected values at regular intervals without them")
    text, colon, label = line.partition(":")
    label = label.strip(" \t")
    if colon and (announced == "false" or (":" in label and f" {label} " not in f" {header.get('classlabel')} ")):
        n = line.count(":") + (announced == "false")
        raise InvalidData(
            f"{where} has {n} channels, which this version does not read, expected one; write a task for each channel"
        )
    append_values(values, where, text, ",", "?")
    if not colon:
        if announced == "true":
            raise InvalidData(
                f"{where} has no label after a ':' where its header announces labels; add ':?' where none is known"
            )
        return None
    check_characters(where, label)
    return label


def _check_header(what: str, header: dict[str, str], lengths: np.ndarray, values: np.ndarray) -> None:
    """Raise where lengths or missing values are not what the header states."""
    stated = {name: text.lower() for name, text in header.items()}
    if (odd := lengths[lengths != lengths[0]]).size and stated.get("equallength") == "true":
        raise InvalidData(f"{what} has series of {lengths[0]} and {odd[0]} values, its header states @equalLength true")
    if (text := stated.get("serieslength")) is not None:
        n = int(text)
        wrong = lengths[lengths > n] if stated.get("equallength") == "false" else lengths[lengths != n]
        if wrong.size:
            hint = "; there may be a comma inside its numbers" if n and wrong[0] == 2 * n else ""
            raise InvalidData(f"{what} has a series of {wrong[0]} values, its header states @seriesLength {n}{hint}")
    if stated.get("missing") == "false" and np.isnan(values).any():
        raise InvalidData(f"{what} has missing values, its header states @missing false")
    dimensions = stated.get("dimensions", stated.get("dimension", "1"))
    if stated.get("univariate") == "false" or int(dimensions) != 1:
        raise InvalidData(f"{what} has series of one channel, its header states another number of them")


def _classes(what: str, header: dict[str, str], labels: set[str]) -> list[str] | None:
    """The header's labels that the file has; those with spaces are looked up in the list as it is written."""
    flag, _, text = header.get("classlabel", "false").partition(" ")
    if flag.lower() == "false":
        return None
    places, rest = {}, f" {text} "
    for label in sorted((label for label in labels if " " in label), key=len, reverse=True):
        if (place := rest.find(f" {label} ")) >= 0:
            places[label] = place
            rest = rest[: place + 1] + "\0" * len(label) + rest[place + 1 + len(label) :]
    for word in re.finditer(r"[^ \0]+", rest):
        places.setdefault(word[0], word.start())
    if unlisted := sorted(labels - places.keys() - {"?"}):
        raise InvalidData(
            f"{what} has label {quoted(unlisted[0])}, expected one of its header's: {listed(text.split())}"
        )
    return sorted(labels - {"?"}, key=places.__getitem__)
