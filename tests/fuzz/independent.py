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
    labelled = header.get("classlabel", "").lower().startswith("true")
    series, labels = [], []
    for line in lines[data + 1 :]:
        text, colon, label = line.partition(":")
        series.append(np.array([_number(word, "?") for word in text.split(",")]))
        labels.append(label.strip(" \t") if colon else None)
        if labelled != bool(colon) and "classlabel" in header:
            raise ValueError("a label where the header states none, or none where it states one")
    _check(header, series, labels, labelled)
    return series, labels


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
    return [values[: np.flatnonzero(~np.isnan(values))[-1] + 1] for values in series]


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


def _check(header: dict[str, str], series: list[np.ndarray], labels: list[str | None], labelled: bool) -> None:
    lengths = {len(values) for values in series}
    equal_length = header.get("equallength", "").lower()
    stated = int(header["serieslength"]) if "serieslength" in header else None
    wrong = [
        not series,
        equal_length == "true" and len(lengths) > 1,
        stated is not None and (max(lengths) > stated or (equal_length != "false" and lengths != {stated})),
        header.get("missing", "").lower() == "false" and any(np.isnan(values).any() for values in series),
        header.get("univariate", "").lower() == "false",
        header.get("timestamps", "").lower() == "true",
        any(header.get(name, "1").lstrip("0") != "1" for name in ("dimension", "dimensions")),
        labelled and any(f" {label} " not in f" {header['classlabel']} " for label in labels if label != "?"),
    ]
    if any(wrong):
        raise ValueError(f"not what the header states: {wrong}")
