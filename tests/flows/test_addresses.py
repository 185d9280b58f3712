"""No message shows a user, a password or a query."""

from __future__ import annotations

import pytest

from flows.addresses import without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://host:9000/a/b.zip?sig=SECRET#x", "https://host:9000/a/b.zip"),
        ("http://user:SECRET@host/api: refused", "http://host/api: refused"),
        ("ssh://user:SEC/RET@host:22/path", "ssh://host:22/path"),
        ("webdavs://u:SEC?RET@h/a 's3://key:SECRET@bucket/a?x=SECRET'.", "webdavs://h/a 's3://bucket/a'."),
        ("http://u:SEC@RET@h, and no address: a@b?c", "http://h, and no address: a@b?c"),
        ("tcp://there:8786", "tcp://there:8786"),
    ],
)
def test_what_is_shown_of_addresses(text, shown):
    assert without_secrets(text) == shown
