"""The errors that are shown to a user as one line, the exit codes they end with, and what messages are made of."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class MtcsError(Exception):
    """Base of everything `mtcs` raises on purpose; the message is one line a user can act on."""

    exit_code = 1


class InputError(MtcsError):
    """The user's mistake: an unknown name, a bad parameter, a missing or malformed file."""

    exit_code = 2


class WorkError(MtcsError):
    """Work that was asked for correctly and failed: a transfer, a check, a diverging loss."""

    exit_code = 1


INTERRUPTED = "Interrupted; stages of the pipeline go on from where they were, other commands start anew."
"""What a command says that ends with exit code 130."""


def fault(error: OSError | ValidationError) -> str:
    """What is wrong with a file, in a few words: why it cannot be read, or the first fault of what it holds."""
    if isinstance(error, OSError):
        return str(error)
    first = error.errors()[0]
    what = first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(map(str, first['loc']))}: {what}".removeprefix(": ")


def one_line(message: str, limit: int = 390) -> str:
    """A message as one line of bounded length: control characters escaped, the middle cut, the way out kept."""
    text = printable(" ".join(message.split()))
    return text if len(text) <= limit else f"{text[: limit // 2]} ... {text[5 - limit // 2 :]}"


def quoted(name: str) -> str:
    """A name from outside for a message: escaped and cut."""
    return repr(name if len(name) <= 40 else f"{name[:40]}...")


def counted(n: int, noun: str) -> str:
    """A number with its noun: "1 channel", "3 channels"."""
    return f"{n} {noun}{'s' * (n != 1)}"


def listed(names: Iterable[object], limit: int = 150) -> str:
    """Names in a row: as many as fit `limit` characters, each at most 40 long, and how many more there are."""
    texts = [f"{name!s:.40}" for name in names]
    ends = list(accumulate(len(text) + 2 for text in texts))
    shown = max(1, sum(end <= limit + 2 for end in ends))
    return ", ".join(texts[:shown]) + f" and {len(texts) - shown} more" * (shown < len(texts))


def printable(text: str) -> str:
    """A text whose control characters, ends of lines among them, are escaped: a terminal does not obey them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
