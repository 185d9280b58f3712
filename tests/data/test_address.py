"""What messages show of an address."""

from __future__ import annotations

import pytest

from mtcs.data.address import MAX_SHOWN, shown, without_secrets


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://host/a/{name}.zip", "https://host/a/{name}.zip"),
        ("https://host:8443/a@2/{name}.zip", "https://host:8443/a@2/{name}.zip"),
        ("http://[::1]:80/{name}.zip", "http://[::1]:80/{name}.zip"),
        ("http://h/x.zip?sig=SECRET", "http://h/x.zip"),
        ("http://h/x.zip#SECRET", "http://h/x.zip"),
        ("http://h?sig=SECRET&mail=me@home", "http://h"),
        ("http://me:SECRET@h/{name}", "http://h/{name}"),
        ("//me:SECRET@h/{name}", "//h/{name}"),
        ("http:/me:SECRET@h/{name}", "http:/h/{name}"),
        ("me:SECRET@h/{name}", "h/{name}"),
        ("http://me:SEC/RET@h/{name}?sig=SECRET", "http://h/{name}"),
        ("http://me:SEC?RET@h/{name}", "http://h/{name}"),
        ("http://me:SEC@RET@h:port/{name}", "http://h:port/{name}"),
        ("s3://KEY:SECRET@bucket/path", "s3://bucket/path"),
        ("ssh://me@host/path", "ssh://host/path"),
        ("http://h/a\x1b[31m\n{name}", "http://h/a\\x1b[31m\\n{name}"),
        ("/data/archive", "/data/archive"),
        ("", ""),
    ],
)
def test_what_of_an_address_is_no_secret(address: str, public: str) -> None:
    assert shown(address) == public


def test_a_long_address_is_cut() -> None:
    assert len(shown("http://h/" + "x" * 10_000)) == MAX_SHOWN + len("...")


@pytest.mark.parametrize(
    ("text", "public"),
    [
        (
            "push to 'https://me:SECRET@h/cache?sig=SECRET' (s3://KEY:SECRET@b): 403",
            "push to 'https://h/cache' (s3://b): 403",
        ),
        ("http://user:SECRET@host/api: refused", "http://host/api: refused"),
        ("ssh://user:SEC/RET@host:22/path", "ssh://host:22/path"),
        ("webdavs://u:SEC?RET@h/a 's3://key:SECRET@bucket/a?x=SECRET'.", "webdavs://h/a 's3://bucket/a'."),
        ("http://u:SEC@RET@h, and no address: a@b?c", "http://h, and no address: a@b?c"),
        ("tcp://there:8786", "tcp://there:8786"),
        ("invalid address 'me:SECRET@127.0.0.1:1'; see (a:SEC/RET@h)", "invalid address '127.0.0.1:1'; see (h)"),
        ("at 12:30: mail to a@b", "at 12:30: mail to a@b"),
    ],
)
def test_addresses_in_a_text_of_another_program(text: str, public: str) -> None:
    assert without_secrets(text) == public
