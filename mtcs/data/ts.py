"""Reader of `.ts` files: labels and digits as they stand there, and what the header states is checked.

aeon documents the format (api_reference/file_specifications/ts.html); its own reader puts whole lines in lower case,
labels among them, and believes most of the header.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtcs.data.text import InvalidData, check_characters, check_count, parse_values, read_lines
from mtcs.errors import counted, listed, quoted

_BOOLEANS = ("timestamps", "missing", "univariate", "equallength", "targetlabel")
_COUNTS = ("dimensions", "dimension", "serieslength")


@dataclass(frozen=True)
class TsFile:
    """What a `.ts` file holds.

    series: n arrays (T_i,) float64, or (channels, T_i), NaN where a value is missing or a channel has ended.
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
    channels: list[np.ndarray] = []
    labels: list[str | None] = []
    known: dict[str, str] = {}
    in_data, announced, n_channels = False, "", 0
    for number, line in read_lines(path):
        where = f"{path.name}, line {number}"
        if in_data:
            texts, label = _channels(where, line, header, announced)
            channels += [parse_values(where, text, ",", "?") for text in texts]
            n_channels = n_channels or len(texts)
            if len(texts) != n_channels:
                counted_channels = counted(len(texts), "channel")
                raise InvalidData(f"{where} has {counted_channels}, expected {n_channels} as the first series has")
            labels.append(None if label is None else known.setdefault(label, label))
            check_count(what, len(labels))
        else:
            in_data = _read_header_line(header, where, line.strip(" \t"))
            announced = header.get("classlabel", "").partition(" ")[0].lower()
    if not in_data:
        raise InvalidData(f"{what} has no line '@data', expected one before its series")
    if not labels:
        raise InvalidData(f"{what} has no series, expected at least one")
    _check_header(what, header, channels, n_channels)
    series = [_together(channels[i : i + n_channels]) for i in range(0, len(channels), n_channels)]
    return TsFile(series, labels, _classes(what, header, set(known)), header.get("problemname"))


def _together(channels: list[np.ndarray]) -> np.ndarray:
    """(T,) of one channel, (channels, T) of several, NaN behind the end of a shorter one."""
    if len(channels) == 1:
        return channels[0]
    series = np.full((len(channels), max(map(len, channels))), np.nan)
    for row, values in zip(series, channels, strict=True):
        row[: len(values)] = values
    return series


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


def _channels(where: str, line: str, header: dict[str, str], announced: str) -> tuple[list[str], str | None]:
    """The texts of a line's channels, and its label; `announced` is whether it should have one."""
    if not line.strip(" \t"):
        raise InvalidData(f"{where} is empty, expected a series")
    if line.lstrip(" \t").startswith("("):
        raise InvalidData(f"{where} has time stamps, expected values at regular intervals without them")
    stated, classes = _stated_channels(header), f" {header.get('classlabel')} "
    if stated is None and f" {line.partition(':')[2].strip()} " in classes:  # a label may hold a colon
        stated = 1
    parts = line.split(":") if stated is None or announced == "false" else line.split(":", stated)
    last = parts[-1].strip(" \t")
    if announced == "true" and (len(parts) == 1 or (len(parts) == stated and f" {last} " not in classes)):
        raise InvalidData(
            f"{where} has no label after a ':' where its header announces labels; add ':?' where none is known"
        )
    labelled = announced == "true" or (announced != "false" and len(parts) > (stated or 1))
    texts, label = (parts[:-1], last) if labelled else (parts, None)
    excess = label is not None and ":" in label and f" {label} " not in classes
    if stated is not None and (len(texts) != stated or excess):
        n = line.count(":") + (not labelled)
        raise InvalidData(f"{where} has {counted(n, 'channel')}, its header states {stated}")
    if label is not None:
        check_characters(where, label)
    return texts, label


def _stated_channels(header: dict[str, str]) -> int | None:
    """How many channels the header states, None where it does not."""
    stated = header.get("dimensions", header.get("dimension"))
    if stated is None:
        return 1 if header.get("univariate", "").lower() == "true" else None
    return int(stated)


def _check_header(what: str, header: dict[str, str], channels: list[np.ndarray], n_channels: int) -> None:
    """Raise where lengths or missing values of the channels of all series are not what the header states."""
    lengths = np.array([len(values) for values in channels])
    stated = {name: text.lower() for name, text in header.items()}
    if (odd := lengths[lengths != lengths[0]]).size and stated.get("equallength") == "true":
        raise InvalidData(f"{what} has series of {lengths[0]} and {odd[0]} values, its header states @equalLength true")
    if (text := stated.get("serieslength")) is not None:
        n = int(text)
        wrong = lengths[lengths > n] if stated.get("equallength") == "false" else lengths[lengths != n]
        if wrong.size:
            hint = "; there may be a comma inside its numbers" if n and wrong[0] == 2 * n else ""
            raise InvalidData(f"{what} has a series of {wrong[0]} values, its header states @seriesLength {n}{hint}")
    if stated.get("missing") == "false" and any(np.isnan(values).any() for values in channels):
        raise InvalidData(f"{what} has missing values, its header states @missing false")
    univariate = {"true": n_channels == 1, "false": n_channels > 1}.get(stated.get("univariate", ""), True)
    if not univariate or (_stated_channels(header) or n_channels) != n_channels:
        has = "one channel" if n_channels == 1 else f"{n_channels} channels"
        raise InvalidData(f"{what} has series of {has}, its header states another number of them")


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
