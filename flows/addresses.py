"""Addresses as they are shown: without user, password and query, whichever program's message they are in."""

from __future__ import annotations

import re

_ADDRESS = re.compile(
    r"""
    (?P<scheme> [a-z][a-z0-9+.-]* ://)
    (?: [^\s'"]* @)?             # user and password; up to the last @, since a password may hold anything
    (?P<place> [^\s'"?\#]*)
    [^\s'"]*                     # query and fragment
    """,
    re.VERBOSE | re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """The text with every address in it reduced to scheme, host and path."""
    return _ADDRESS.sub(r"\g<scheme>\g<place>", text)
