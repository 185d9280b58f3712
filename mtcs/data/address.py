"""Addresses as messages and logs may show them: without user, password, query and fragment, which may be secrets."""

from __future__ import annotations

import re

from mtcs.errors import printable

MAX_SHOWN = 160
"""Characters of an address in a message; a line that holds one has at most 400."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]+")
_CREDENTIALS = re.compile(r"[^\s'\"(/@:]+:[^\s'\"@]*@")
_HOST = re.compile(r"([\w.-]*|\[[0-9A-Fa-f:.]*\])(:\d*)?")


def shown(address: str) -> str:
    """What of an address is no secret, printable and bounded; the address may be malformed."""
    prefix, rest = re.fullmatch(r"((?:[A-Za-z][A-Za-z0-9+.-]*:(?=/))?/*)(.*)", address, re.DOTALL).groups()  # pyright: ignore[reportOptionalMemberAccess]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not _HOST.fullmatch(authority):  # a password may itself hold '/', '?' or '@'
        rest = rest.rpartition("@")[2]
    public = prefix + re.split(r"[?#]", rest, maxsplit=1)[0]
    text = printable(public)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def without_secrets(text: str) -> str:
    """A text by somebody else, such as another program's error, with every address in it as `shown`.

    Some show an address without its scheme, and then its user and password, too.
    """
    return _CREDENTIALS.sub("", _ADDRESS.sub(lambda match: shown(match[0]), text))
