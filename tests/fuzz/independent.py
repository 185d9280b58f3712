"""Strict readers of the archive's text formats that share nothing with those of mtcs: plain splits, numbers by numpy.

They raise ValueError for whatever they do not understand.
"""

from __future__ import annotations

import re

import numpy as np

_CHARACTERS = frozenset("0123456789+-.eE")
_WORDS = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)


def ts(content: bytes) -> tuple[list[np.ndarray], list[str | None]]:
    """Series (T_i,) and labels of a `.ts` file, after a check of what its header states."""
    lines = _lines(content)
    header: dict[str, str] = {}
    data = [line.strip(" \t").lower() for line in lines].index("@data")  # ValueError without one
    for line in lines[:data]:
        key, _, value = line.strip(" \t").replace("\t", " ").partition(" ")
        if key.startswith("@"):
            header[key[1:].lower()] = value.strip(" ")
    rows, labels = [], []
    for line in lines[data + 1 :]:
        channels, label = _parts(line, header)
        rows.append([np.array([_number(word, "?") for word in channel.split(",")]) for channel in channels])
        labels.append(label)
    _check(header, rows, labels)
    return [_together(channels) for channels in rows], labels


def tsv(content: bytes) -> tuple[list[np.ndarray], list[str]]:
    """Series (T_i,) and labels of a `.tsv` file."""
    series, labels = [], []
    for line in _lines(content):
        if line.strip(" "):
            label, *words = line.split("\t")
            if not words:
                raise ValueError("a line of one field")
            labels.append(label.strip(" "))
            series.append(np.array([_number(word, "") for word in words]))
    return series, labels


def trimmed(series: list[np.ndarray]) -> list[np.ndarray]:
    """Series without the missing values at their end."""
    known = [~np.isnan(np.atleast_2d(values)).all(0) for values in series]
    return [values[..., : np.flatnonzero(one)[-1] + 1] for values, one in zip(series, known, strict=True)]


def equal(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    """Whether series are the same, value by value."""
    return len(left) == len(right) and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(left, right))  # noqa: B905  # as many


def _lines(content: bytes) -> list[str]:
    lines = re.split("\r\n|\r|\n", content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape"))
    return lines[:-1] if lines[-1] == "" else lines


def _number(word: str, missing: str) -> float:
    word = word.strip(" \t")
    if word == missing:
        return np.nan
    if not word or not (_CHARACTERS.issuperset(word) or _WORDS.fullmatch(word)):
        raise ValueError(f"{word!r} is no number")
    return float(np.array(word).astype(np.float64))


def _parts(line: str, header: dict[str, str]) -> tuple[list[str], str | None]:
    """The channels of a line and its label, which is behind the last colon, or one of the header's with colons."""
    words, stated = line.split(":"), header.get("classlabel", "").lower()
    if stated.startswith("false") or ("classlabel" not in header and len(words) == 1):
        return words, None
    for n in range(1, len(words)):
        label = ":".join(words[n:]).strip(" \t")
        if f" {label} " in f" {header.get('classlabel', '')} " and _channels(header) in (None, n):
            return words[:n], label
    if len(words) == 1:
        raise ValueError("no label, where the header states labels")
    return words[:-1], words[-1].strip(" \t")


def _channels(header: dict[str, str]) -> int | None:
    stated = header.get("dimensions", header.get("dimension"))
    return (1 if header.get("univariate", "").lower() == "true" else None) if stated is None else int(stated)


def _together(channels: list[np.ndarray]) -> np.ndarray:
    longest = max(map(len, channels))
    padded = [np.concatenate([values, np.full(longest - len(values), np.nan)]) for values in channels]
    return padded[0] if len(padded) == 1 else np.stack(padded)


def _check(header: dict[str, str], rows: list[list[np.ndarray]], labels: list[str | None]) -> None:
    lengths = {len(channel) for channels in rows for channel in channels}
    counts = {len(channels) for channels in rows}
    equal_length = header.get("equallength", "").lower()
    stated = int(header["serieslength"]) if "serieslength" in header else None
    missing = any(np.isnan(channel).any() for channels in rows for channel in channels)
    wrong = [
        len(counts) != 1,
        _channels(header) not in (None, *counts),
        header.get("univariate", "").lower() == "false" and counts == {1},
        equal_length == "true" and len(lengths) > 1,
        stated is not None and (max(lengths) > stated or (equal_length != "false" and lengths != {stated})),
        header.get("missing", "").lower() == "false" and missing,
        header.get("timestamps", "").lower() == "true",
        "true" in header.get("classlabel", "").lower()[:4]
        and any(f" {label} " not in f" {header['classlabel']} " for label in labels if label != "?"),
    ]
    if any(wrong):
        raise ValueError(f"not what the header states: {wrong}")
