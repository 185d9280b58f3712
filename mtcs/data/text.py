"""Lines and numbers of text files from outside: read as what they say, or refused with their place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mtcs.errors import InputError
from mtcs.files import regular

PIECE = 2**16
"""Characters of a line that are taken apart at once: a list of short strings takes thirty times as much memory."""

MAX_SERIES = 2**20
"""Series of a file, each of which takes a hundred bytes however short it is; the archive's largest has 16,800."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf(inity)?)", re.ASCII | re.IGNORECASE)
_PLAIN = b"0123456789+-.eEnNaA,? \t"
"""What a line of values consists of, as a rule; Python's `float` takes a number of it for nothing else."""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


class InvalidData(Exception):
    """What is wrong with a task's files: name, found and expected, without a way out."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Within, a file of series is read that messages on its content begin with the name of.

    Raises:
        InputError: in one line, with the file and the cause, if it cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name a file with series.") from None
    except InvalidData as fault:
        raise InputError(f"{path}{str(fault).removeprefix(path.name)}; repair the file or name another.") from fault
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it readable.") from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbers and text of lines, which end at LF, CR LF or CR alone. Bytes that are not UTF-8 become surrogates."""
    with regular(path).open(encoding="utf-8-sig", errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")  # a line may be the whole file, which is in memory once less
            yield number, line


def check_characters(where: str, text: str) -> None:
    """Raise InvalidData if a text is not UTF-8, or holds a character that is neither visible nor a space or tab."""
    if re.search(r"[\ud800-\udfff]", text):
        raise InvalidData(f"{where} is not UTF-8, expected a file saved as UTF-8")
    if control := _CONTROL.search(text):
        raise InvalidData(f"{where} holds the control character {control[0]!r}, expected none")


def check_count(name: str, n: int) -> None:
    """Raise InvalidData if a file has more series than are read."""
    if n > MAX_SERIES:
        raise InvalidData(f"{name} has more than {MAX_SERIES:,} series, expected at most so many; split the task")


def pieces(text: str, separator: str) -> Iterator[list[str]]:
    """The parts of a text between separators, some at a time."""
    begin = 0
    while begin <= len(text):
        end = text.find(separator, begin + PIECE)
        end = len(text) if end < 0 else end
        yield text[begin:end].split(separator)
        begin = end + 1


def parse_values(where: str, text: str, separator: str, missing: str) -> np.ndarray:
    """The numbers of a text (T,) float64, NaN where it has `missing` or "NaN".

    Raises:
        InvalidData: with the first that is neither a number nor missing.
    """
    values, end = np.empty(text.count(separator) + 1), 0
    for tokens in pieces(text, separator):
        start, end = end, end + len(tokens)
        piece = separator.join(tokens)
        if piece.isascii() and not piece.encode().translate(None, _PLAIN):
            try:
                values[start:end] = np.fromiter(map(float, tokens), np.float64, len(tokens))
                continue
            except ValueError:  # one of them is missing or none
                pass
        values[start:end] = [_value(where, token.strip(" \t"), missing) for token in tokens]
    return values


def _value(where: str, token: str, missing: str) -> float:
    if token == missing:
        return math.nan
    if not _NUMBER.fullmatch(token):
        check_characters(where, token)
        expected = f"a number or {missing!r}" if missing else "a number"
        raise InvalidData(f"{where}: value {token[:40]!r}, expected {expected}")
    return float(token)


def is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) and math.isfinite(float(text))
