"""Fetching from sources that behave and that do not, unpacking, parsing and checking."""

from __future__ import annotations

import fcntl
import io
import logging
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aeon.datasets
import numpy as np
import pytest
from aeon.datasets import load_from_tsv_file

from mtcs.data import archive
from mtcs.data.archive import fetch_task, published_sizes, read_raw, read_series
from mtcs.errors import InputError, WorkError

AEON = Path(aeon.datasets.__file__).parent / "data"
TRAIN = "@timestamps false\n@univariate true\n@equalLength true\n@classLabel true 2 10\n@data\n1,2.5,?:10\n4,5,6:2\n"
TEST = "@timestamps false\n@univariate true\n@equalLength true\n@classLabel true 2 10\n@data\n7,?,9:2\n"
FILES = {"Toy_TRAIN.ts": TRAIN, "Toy_TEST.ts": TEST}


def zipped(members: dict[str, str] | dict[str | zipfile.ZipInfo, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive whose bytes are the same at any time of day."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for member, text in members.items():
            dated = member if isinstance(member, zipfile.ZipInfo) else zipfile.ZipInfo(member)
            file.writestr(dated, text, method)
    return buffer.getvalue()


GOOD = zipped(FILES)


def write(folder: Path, contents: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text)
    return folder


def nothing_but(folder: Path, *names: str) -> bool:
    """Whether a folder holds just that, and perhaps the file that keeps other processes out."""
    held = [path.name for path in folder.iterdir() if path.suffix != ".lock"] if folder.exists() else []
    return sorted(held) == sorted(names)


# A server that says what it is told to say

Reply = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    server: Archive

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        self.server.replies.pop(0)(self)

    def say(self, status: int, body: bytes, declared: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if declared is None else declared))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Archive(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.replies: list[Reply] = []
        self.released = threading.Event()

    @property
    def template(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{{name}}.zip"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the client hangs up in the middle of some tests


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    monkeypatch.setattr(archive, "BACKOFF", 0.001)
    monkeypatch.setattr(archive, "TIMEOUT", 5.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Archive() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def good(handler: Handler) -> None:
    handler.say(200, GOOD, ETag='"v1"')


def first_half(handler: Handler) -> None:
    handler.say(200, GOOD[: len(GOOD) // 2], declared=len(GOOD), ETag='"v1"')
    handler.close_connection = True


def the_rest(handler: Handler) -> None:
    start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    handler.say(206, GOOD[start:], Content_Range=f"bytes {start}-{len(GOOD) - 1}/{len(GOOD)}", ETag='"v1"')


def silent_after_half(handler: Handler) -> None:
    handler.say(200, GOOD[: len(GOOD) // 2], declared=len(GOOD), ETag='"v1"')
    handler.server.released.wait(30)


def status(code: int, **headers: str) -> Reply:
    return lambda handler: handler.say(code, b"<html>no</html>", **headers)


def body(content: bytes) -> Reply:
    return lambda handler: handler.say(200, content)


# Over HTTP


def test_a_task_arrives_and_is_not_fetched_twice(server: Archive, tmp_path: Path) -> None:
    server.replies = [good]
    seen: list[tuple[str, int, int | None]] = []
    folder = tmp_path / "raw/demo/Toy"
    assert fetch_task("Toy", folder, server.template, progress=lambda *step: seen.append(step)) is True
    assert [path for path, _ in server.requests] == ["/Toy.zip"]
    assert seen[-1] == ("Toy", len(GOOD), len(GOOD))
    assert nothing_but(folder, "Toy_TRAIN.ts", "Toy_TEST.ts")
    assert nothing_but(folder.parent, "Toy")

    assert fetch_task("Toy", folder, server.template) is False
    assert len(server.requests) == 1


def test_an_address_is_asked_for_in_ascii_and_shown_without_its_signature(server: Archive, tmp_path: Path) -> None:
    server.replies = [status(404)]
    template = server.template.replace("{name}", "my données/{name}") + "?sig=a%2Fb&x=é"
    with pytest.raises(WorkError) as error:
        fetch_task("Toy", tmp_path / "Toy", template)
    assert [path for path, _ in server.requests] == ["/my%20donn%C3%A9es/Toy.zip?sig=a%2Fb&x=%C3%A9"]
    assert "/my%20donn%C3%A9es/Toy.zip (HTTP 404" in str(error.value)
    assert "sig" not in str(error.value)


def test_no_password_is_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a user's name or password before the host, which is not supported") as error:
        fetch_task("Toy", tmp_path / "Toy", "https://me:secret@localhost/{name}.zip")
    assert "secret" not in str(error.value)


def test_another_attempt_is_told(server: Archive, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server.replies = [status(503), good]
    fetch_task("Toy", tmp_path / "Toy", server.template)
    assert [record.getMessage().rpartition(" in ")[0] for record in caplog.records] == [
        "Toy: HTTP 503 Service Unavailable; attempt 2 of 5"
    ]
    assert caplog.records[0].levelno == logging.WARNING, "shown without any set-up of logging"


def test_404_is_final_and_says_what_to_do(server: Archive, tmp_path: Path) -> None:
    server.replies = [status(404)]
    url = server.template.format(name="Toy")
    message = (
        f"Toy cannot be had from {url} (HTTP 404 Not Found); check the name, or set MTCS_ARCHIVE to a folder or a URL "
        "template with {name} that has it."
    )
    with pytest.raises(WorkError, match=f"^{re.escape(message)}$"):
        fetch_task("Toy", tmp_path / "Toy", server.template)
    assert len(server.requests) == 1
    assert nothing_but(tmp_path)


@pytest.mark.parametrize("code", [500, 503, 429])
def test_a_server_error_is_tried_again(server: Archive, tmp_path: Path, code: int) -> None:
    server.replies = [status(code), status(code), good]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)
    assert len(server.requests) == 3


def test_attempts_are_bounded(server: Archive, tmp_path: Path) -> None:
    server.replies = [status(500)] * 9
    with pytest.raises(WorkError, match=r"Toy: http://.*/Toy.zip failed 5 times \(at last: HTTP 500 Internal Server"):
        fetch_task("Toy", tmp_path / "Toy", server.template)
    assert len(server.requests) == 5
    assert nothing_but(tmp_path)


def test_waits_grow_with_jitter_and_heed_retry_after(
    server: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(archive, "BACKOFF", 1.0)
    monkeypatch.setattr(archive.time, "sleep", waits.append)
    server.replies = [status(500), status(500), status(500), status(503, Retry_After="20"), good]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)
    assert all(0.5 * 2**i <= wait <= 2**i for i, wait in enumerate(waits[:3]))
    assert waits[3] == 20.0


def test_nobody_listens(server: Archive, tmp_path: Path) -> None:
    with Archive() as gone:
        template = gone.template
    with pytest.raises(WorkError, match=r"failed 5 times \(at last: .*refused\); try again later, or set MTCS_ARCHIVE"):
        fetch_task("Toy", tmp_path / "Toy", template)


def test_a_truncated_body_is_resumed(server: Archive, tmp_path: Path) -> None:
    server.replies = [first_half, the_rest]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)
    _, headers = server.requests[1]
    assert headers["Range"] == f"bytes={len(GOOD) // 2}-"
    assert headers["If-Range"] == '"v1"'


def test_without_a_validator_the_transfer_starts_again(server: Archive, tmp_path: Path) -> None:
    server.replies = [lambda handler: handler.say(200, GOOD[:50], declared=len(GOOD)), good]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)
    assert "Range" not in server.requests[1][1]


def test_a_server_without_ranges_starts_again(server: Archive, tmp_path: Path) -> None:
    server.replies = [first_half, good]
    seen: list[tuple[str, int, int | None]] = []
    assert fetch_task("Toy", tmp_path / "Toy", server.template, progress=lambda *step: seen.append(step))
    assert "Range" in server.requests[1][1]
    assert seen[-1] == ("Toy", len(GOOD), len(GOOD))


def test_a_new_version_without_a_validator_is_not_taken_for_the_old(server: Archive, tmp_path: Path) -> None:
    server.replies = [first_half, lambda handler: handler.say(200, GOOD[:50], declared=len(GOOD)), good]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)
    assert "Range" not in server.requests[2][1]


def test_a_range_that_the_server_lacks_starts_again(server: Archive, tmp_path: Path) -> None:
    server.replies = [first_half, status(416), good]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)
    assert "Range" not in server.requests[2][1]


@pytest.mark.parametrize(
    ("content_range", "tag"),
    [("bytes 0-9/10", '"v1"'), (None, '"v1"'), ("bytes {half}-{last}/{all}", '"v2"')],
    ids=["another place", "no place", "another version"],
)
def test_a_wrong_continuation_is_thrown_away(
    server: Archive, tmp_path: Path, content_range: str | None, tag: str
) -> None:
    def wrong(handler: Handler) -> None:
        half, last = len(GOOD) // 2, len(GOOD) - 1
        place = content_range and content_range.format(half=half, last=last, all=len(GOOD))
        handler.say(206, GOOD[half:], ETag=tag, **({"Content_Range": place} if place else {}))

    server.replies = [first_half, wrong, good]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)
    assert "Range" not in server.requests[2][1]


def test_a_silent_server_is_left_after_the_timeout(
    server: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "TIMEOUT", 0.1)
    server.replies = [silent_after_half, the_rest]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)

    server.replies = [silent_after_half] * 5
    with pytest.raises(WorkError, match=r"failed 5 times \(at last: timed out\)"):
        fetch_task("Toy", tmp_path / "Other", server.template)


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused(
    server: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: bool
) -> None:
    monkeypatch.setattr(archive, "MAX_DOWNLOAD", 1000)

    def endless(handler: Handler) -> None:
        handler.send_response(200)
        if declared:
            handler.send_header("Content-Length", "1001")
        handler.end_headers()
        if not declared:
            handler.wfile.write(bytes(1001))
        handler.server.released.wait(5)

    server.replies = [endless]
    with pytest.raises(WorkError, match=r"Toy: http://.*/Toy.zip is larger than 1,000 bytes"):
        fetch_task("Toy", tmp_path / "Toy", server.template)
    assert nothing_but(tmp_path)


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/Toy.zip"])
def test_only_http_redirections_are_followed(server: Archive, tmp_path: Path, target: str) -> None:
    server.replies = [status(302, Location=target)]
    with pytest.raises(WorkError, match=r"Toy cannot be had from .* \(HTTP 302 .*(not allowed|refused)\)"):
        fetch_task("Toy", tmp_path / "Toy", server.template)

    server.replies = [status(302, Location="/elsewhere/Toy.zip"), good]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)


def test_a_malformed_redirection_is_the_servers_mistake(server: Archive, tmp_path: Path) -> None:
    server.replies = [status(302, Location="http://[bad/Toy.zip")]
    url = re.escape(server.template.format(name="Toy"))
    with pytest.raises(WorkError, match=rf"^Toy cannot be had from {url} \(redirection to a malformed address: .*IPv6"):
        fetch_task("Toy", tmp_path / "Toy", server.template)
    assert nothing_but(tmp_path)


# What arrives is hostile or wrong


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


def flagged_as_encrypted(content: bytes) -> bytes:
    """Set the encryption flag in every local header and directory entry."""
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content = re.sub(
            re.escape(signature) + b"(" + b"." * (offset - 4) + b").",
            lambda found, s=signature: s + found[1] + b"\x01",
            content,
            flags=re.DOTALL,
        )
    return content


def corrupted(content: bytes) -> bytes:
    """One bit of the first member's stored data turned over."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as stored:
        for member in packed.namelist():
            stored.writestr(member, packed.read(member))
    return buffer.getvalue().replace(b"1,2.5,?", b"1,3.5,?", 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", r"is not a whole zip archive \(it starts with b'<!DOCTYPE html><'\)"),
        (GOOD[:-30], r"is not a whole zip archive \(it starts with b'PK"),
        (zipped({"Crop_TRAIN.ts": TRAIN, "Crop_TEST.ts": TEST}), "holds Crop_TEST.ts, Crop_TRAIN.ts, expected Toy_TR"),
        (zipped({}), "holds nothing, expected Toy_TRAIN.ts and Toy_TEST.ts, once each"),
        (zipped({"a/Toy_TRAIN.ts": TRAIN, **FILES}), "expected Toy_TRAIN.ts and Toy_TEST.ts, once each"),
        (zipped({**FILES, "../../evil": ""}), r"'../../evil' of .* leads outside the archive, refused"),
        (zipped({**FILES, "..\\evil": ""}), "leads outside the archive, refused"),
        (zipped({**FILES, "C:evil": ""}), "leads outside the archive, refused"),
        (zipped({**FILES, "/tmp/evil": ""}), "'/tmp/evil' of .* leads outside the archive, refused"),
        (
            zipped({link("Toy_TRAIN.ts"): "/etc/passwd", "Toy_TEST.ts": TEST}),
            "'Toy_TRAIN.ts' of .* is a symbolic link, refused",
        ),
        (flagged_as_encrypted(GOOD), "'Toy_TRAIN.ts' of .* is encrypted, refused"),
        (corrupted(GOOD), r"is a damaged zip archive \(Bad CRC-32 for file 'Toy_TRAIN.ts'\)"),
        (GOOD[10:], r"is a damaged zip archive \(a member begins 10 bytes before the file\)"),
        (zipped(FILES, zipfile.ZIP_BZIP2), "'Toy_TRAIN.ts' of .* is packed other than by deflate, refused"),
        (zipped({f"{i}": "" for i in range(101)}), "has 101 members, expected at most 100"),
    ],
    ids=[
        "html",
        "cut",
        "other",
        "empty",
        "double",
        "slip",
        "backslash",
        "drive",
        "absolute",
        "link",
        "encrypted",
        "crc",
        "beheaded",
        "bz2",
        "many",
    ],
)
def test_a_wrong_zip_is_refused(server: Archive, tmp_path: Path, content: bytes, message: str) -> None:
    server.replies = [body(content)]
    with pytest.raises(WorkError, match=f"^Toy: .*{message}.*set MTCS_ARCHIVE to a folder or a URL template"):
        fetch_task("Toy", tmp_path / "raw/Toy", server.template)
    assert nothing_but(tmp_path, "raw")
    assert nothing_but(tmp_path / "raw")


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("Toy", 2**28),  # nobody publishes its size
        ("Chinatown", 343 * 24 * 32 + 2**20),
        ("PLAID", 537 * 3000 * 32 + 2**20),  # of unequal lengths
        ("StarLightCurves", 2**28),
    ],
)
def test_a_zip_bomb_is_refused_before_it_unpacks(server: Archive, tmp_path: Path, name: str, most: int) -> None:
    part = f"{name}_TEST.ts"
    content = zipped({f"{name}_TRAIN.ts": TRAIN, part: TEST})
    declared = len(TEST).to_bytes(4, "little")
    honest = content.rindex(declared)  # in the list of members
    server.replies = [body(content[:honest] + (most + 1).to_bytes(4, "little") + content[honest + 4 :])]
    url = server.template.format(name=name)
    message = (
        f"{name}: '{part}' of {url} unpacks to {most + 1:,} bytes, expected at most {most:,}; set MTCS_ARCHIVE to "
    )
    with pytest.raises(WorkError, match=f"^{re.escape(message)}"):
        fetch_task(name, tmp_path / name, server.template)
    assert nothing_but(tmp_path)


def test_a_zip_that_cannot_be_read_is_not_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "Toy.zip").symlink_to("/proc/self/mem")  # whose first bytes nobody may read, as on a broken disk
    with pytest.raises(WorkError, match=r"^Toy: .*Toy.zip is a damaged zip archive \(\[Errno 5\] Input/output error\)"):
        fetch_task("Toy", tmp_path / "raw/Toy", str(tmp_path))


@pytest.mark.parametrize("large", [False, True])
def test_a_list_of_members_without_end_is_not_read(
    server: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    monkeypatch.setattr(archive, "MAX_READ", 4096)
    if large:  # more members than the plain end of a zip can count
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10)
    content = zipped({f"{i}": "" for i in range(101)})
    assert (b"PK\x06\x07" in content) is large
    server.replies = [body(content)]
    with pytest.raises(
        WorkError, match=r"is a damaged zip archive \(its list of members has 4,\d{3} bytes, expected at"
    ):
        fetch_task("Toy", tmp_path / "Toy", server.template)


def test_a_zip_bomb_that_declares_a_small_size_is_refused(server: Archive, tmp_path: Path) -> None:
    text = TEST + "1,2,3:2\n" * 10_000
    honest, small = len(text).to_bytes(4, "little"), (100).to_bytes(4, "little")
    content = zipped({"Toy_TRAIN.ts": TRAIN, "Toy_TEST.ts": text})
    assert content.count(honest) == 2
    server.replies = [body(content.replace(honest, small))]
    with pytest.raises(WorkError, match=r"is a damaged zip archive \(Bad CRC-32 for file 'Toy_TEST.ts'\)"):
        fetch_task("Toy", tmp_path / "Toy", server.template)


def test_a_task_that_does_not_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*arguments: object, **more: object) -> None:
        raise MemoryError

    monkeypatch.setattr(aeon.datasets, "load_from_ts_file", read)
    message = (
        f"Toy (train) does not fit into memory ({len(TRAIN)} bytes of text); take a larger machine, or fewer series."
    )
    with pytest.raises(WorkError, match=f"^{re.escape(message)}$"):
        fetch_task("Toy", tmp_path / "raw/Toy", str(write(tmp_path / "source", FILES)))
    assert nothing_but(tmp_path / "raw")


def test_a_known_task_of_another_size_is_refused(server: Archive, tmp_path: Path) -> None:
    server.replies = [body(zipped({"Chinatown_TRAIN.ts": TRAIN, "Chinatown_TEST.ts": TEST}))]
    with pytest.raises(WorkError) as error:
        fetch_task("Chinatown", tmp_path / "Chinatown", server.template)
    assert str(error.value) == (
        "Chinatown (train) has 2 series, expected 20 as the UCR archive publishes; "
        f"{server.template.format(name='Chinatown')} is incomplete or another version: "
        "set MTCS_ARCHIVE to a folder or a URL template with {name} that has it."
    )
    assert nothing_but(tmp_path)


# Killed half-way


def test_a_killed_download_leaves_nothing_that_looks_whole(server: Archive, tmp_path: Path) -> None:
    sent = threading.Event()

    def half_and_wait(handler: Handler) -> None:
        handler.say(200, GOOD[: len(GOOD) // 2], declared=len(GOOD))
        sent.set()
        handler.server.released.wait(30)

    server.replies = [half_and_wait]
    folder = tmp_path / "Toy"
    program = (
        f"from pathlib import Path; from mtcs.data.archive import fetch_task; fetch_task('Toy', Path({str(folder)!r}), "
    )
    process = subprocess.Popen([sys.executable, "-c", f"{program}{server.template!r})"], env={**os.environ})
    try:
        assert sent.wait(60)
        until = time.monotonic() + 10
        while not list(tmp_path.glob(".Toy.part/archive.zip")) and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert nothing_but(tmp_path, ".Toy.part")
    assert nothing_but(tmp_path / ".Toy.part", "archive.zip")

    server.replies = [good]
    assert fetch_task("Toy", folder, server.template)
    assert nothing_but(tmp_path, "Toy")


def test_a_failure_before_the_last_step_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    source = write(tmp_path / "source", FILES)
    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_task("Toy", tmp_path / "raw/Toy", str(source))
    assert nothing_but(tmp_path / "raw")


@pytest.mark.parametrize("damage", [{"Toy_TRAIN.ts": TRAIN[:-4]}, {"Toy_TEST.ts": TEST.replace("9:2", "9:3")}, {}])
def test_what_is_there_and_wrong_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: dict[str, str]
) -> None:
    source, folder = write(tmp_path / "source", FILES), write(tmp_path / "raw/Toy", {**FILES, **damage})
    if not damage:
        (folder / "Toy_TEST.ts").unlink()
    with caplog.at_level(logging.WARNING, logger="mtcs.data.archive"):
        assert fetch_task("Toy", folder, str(source)) is True
    assert f"; {folder} is replaced." in caplog.text
    assert {path.name: path.read_text() for path in folder.iterdir()} == FILES


# Local sources


@pytest.mark.parametrize("form", ["zip", "folder", "flat"])
def test_a_folder_may_hold_a_task_in_three_forms(tmp_path: Path, form: str) -> None:
    source = tmp_path / "source"
    if form == "zip":
        source.mkdir()
        (source / "Toy.zip").write_bytes(zipped({"Toy/Toy_TRAIN.ts": TRAIN, "Toy/Toy_TEST.ts": TEST, "Toy/a.arff": ""}))
    else:
        write(source / "Toy" if form == "folder" else source, FILES)
    assert fetch_task("Toy", tmp_path / "raw/Toy", str(source))
    assert {path.name: path.read_text() for path in (tmp_path / "raw/Toy").iterdir()} == FILES


def test_demo_tasks_come_from_the_aeon_package(tmp_path: Path) -> None:
    for name in ("ItalyPowerDemand", "PickupGestureWiimoteZ"):
        assert fetch_task(name, tmp_path / name, "aeon")
        assert nothing_but(tmp_path / name, f"{name}_TRAIN.ts", f"{name}_TEST.ts")
    with pytest.raises(
        InputError, match=r"^Crop is not inside the aeon package \(which has ACSF1, .*GunPoint.*\); set "
    ):
        fetch_task("Crop", tmp_path / "Crop", "aeon")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/no/such/folder", "MTCS_ARCHIVE is '/no/such/folder', which is neither a folder nor a URL template"),
        ("http://localhost/Toy.zip", "expected a folder, or an http or https URL with '{name}' in it."),
        ("ftp://localhost/{name}.zip", "MTCS_ARCHIVE is 'ftp://localhost/{name}.zip'; expected a folder, or an http"),
        ("file:///{name}.zip", "expected a folder, or an http or https URL with '{name}' in it."),
        ("http://localhost:port/{name}.zip", "expected a folder, or an http or https URL with '{name}' in it."),
        ("http://.example/{name}.zip", "expected a folder, or an http or https URL with '{name}' in it."),
        (f"http://{'x' * 64}.example/{{name}}.zip", "expected a folder, or an http or https URL with '{name}' in it."),
        ("http://my host/{name}.zip", "expected a folder, or an http or https URL with '{name}' in it."),
        (".", "Toy is not in . (no Toy.zip, Toy_TRAIN.ts or Toy_TRAIN.tsv); set MTCS_ARCHIVE to a folder or a URL"),
    ],
)
def test_a_wrong_source_is_the_users_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=re.escape(message)):
        fetch_task("Toy", tmp_path / "raw/Toy", source)
    assert nothing_but(tmp_path / "raw")


@pytest.mark.parametrize("name", ["../Toy", "a/b", "", "Toy ", "Toy\n", ".."])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is not a task's name; expected letters, digits, '_' and '-' only"):
        fetch_task(name, tmp_path / "Toy", "aeon")


def test_an_unwritable_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("a file")
    with pytest.raises(WorkError, match=r"^GunPoint cannot be brought into .*/raw/GunPoint \(.*\); make room or check"):
        fetch_task("GunPoint", tmp_path / "raw/GunPoint", "aeon")


# Reading


def test_series_labels_and_classes_are_the_archives(tmp_path: Path) -> None:
    task = read_raw(write(tmp_path, FILES), "Toy")
    assert [one.tolist() for one in task.train.series] == [[1, 2.5], [4, 5, 6]]  # missing at the end: as padding
    np.testing.assert_array_equal(task.test.series[0], [7, np.nan, 9])
    assert all(one.dtype == np.float64 for one in task.train.series)
    assert (task.train.labels, task.test.labels) == (["10", "2"], ["2"])
    assert task.classes == ("2", "10")


def test_classes_that_are_no_numbers_keep_the_headers_order(tmp_path: Path) -> None:
    contents = {
        name: text.replace("true 2 10", "true Walk Banana Rest").replace(":2", ":Walk").replace(":10", ":Banana")
        for name, text in FILES.items()
    }
    task = read_raw(write(tmp_path, contents), "Toy")
    assert task.classes == ("walk", "banana")  # aeon reads in lower case; 'Rest' is not in the training split
    assert task.train.labels == ["banana", "walk"]


def test_unequal_lengths_are_read(tmp_path: Path) -> None:
    contents = {**FILES, "Toy_TEST.ts": TEST.replace("equalLength true", "equalLength false") + "1:2\n1,2,3,4:10\n"}
    assert [len(one) for one in read_raw(write(tmp_path, contents), "Toy").test.series] == [3, 1, 4]


@pytest.mark.parametrize("in_zip", [False, True])
def test_a_tsv_reads_as_the_ts_does(tmp_path: Path, in_zip: bool) -> None:
    tsv = {
        "Toy_TRAIN.tsv": "1.0000000e+01\t1\t2.5\tNaN\n2\t4\t5\t6\n",
        "Toy_TEST.tsv": "2\t7\t\t9\n",
    }
    source = tmp_path / "source"
    if in_zip:
        source.mkdir()
        (source / "Toy.zip").write_bytes(zipped(tsv))
    else:
        write(source / "Toy", tsv)
    assert fetch_task("Toy", tmp_path / "raw/Toy", str(source))
    assert nothing_but(tmp_path / "raw/Toy", "Toy_TRAIN.ts", "Toy_TEST.ts")

    got, expected = read_raw(tmp_path / "raw/Toy", "Toy"), read_raw(write(tmp_path / "ts", FILES), "Toy")
    assert (got.classes, got.train.labels, got.test.labels) == (
        expected.classes,
        expected.train.labels,
        expected.test.labels,
    )
    for mine, theirs in zip(
        got.train.series + got.test.series, expected.train.series + expected.test.series, strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_a_byte_order_mark_is_no_part_of_a_label(tmp_path: Path) -> None:
    text = "\ufeff1\t1\t2\n2\t3\t4\n"
    fetch_task("Toy", tmp_path / "Toy", str(write(tmp_path / "source", {"Toy_TRAIN.tsv": text, "Toy_TEST.tsv": text})))
    assert read_raw(tmp_path / "Toy", "Toy").classes == ("1", "2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A\t1\nb\t2\na\t3\n", "Toy lists label 'a' twice, expected labels that differ in more than capitals"),
        ("1\t0,5\n2\t1\n", "Toy_TRAIN.tsv, line 1: value '0,5', expected a number"),
        ("1\t1\n\n2\t1_0\n", "Toy_TRAIN.tsv, line 3: value '1_0', expected a number"),
        (
            "1,0.5,0.7\n2,1,2\n",
            "Toy_TRAIN.tsv, line 1: only '1,0.5,0.7', expected a label and values with tabs",
        ),
        ("ok\t1\nbearing fault\t2\n", "Toy_TRAIN.tsv, line 2: label 'bearing fault', expected one without spaces"),
        ("ok\t1\n\t2\n", "Toy_TRAIN.tsv, line 2: label '', expected one without spaces"),
        ("\n", "Toy_TRAIN.tsv has no series, expected at least one"),
        ("label\t0\t1\n1\t5\t6\n2\t7\t8\n", "Toy_TRAIN.tsv, line 1: label 'label' where all others are numbers"),
        ("label\t0\t1\t2\na\t5\t6\t7\nb\t7\t8\t9\n", "Toy_TRAIN.tsv, line 1: values 0, 1, 2, ..., expected no header"),
        ("1\t1\n1\t2\n", "Toy (train) has label '1' alone, expected two labels or more"),
        ("ok\t1\nNaN\t2\n", "Toy has label 'nan', expected one that does not stand for a missing label"),
    ],
)
def test_a_mistake_in_ones_own_tsv_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    source = write(tmp_path / "source", {"Toy_TRAIN.tsv": text, "Toy_TEST.tsv": text})
    with pytest.raises(InputError, match=f"^{re.escape(message)}.*; repair the file in {re.escape(str(source))}.$"):
        fetch_task("Toy", tmp_path / "Toy", str(source))
    assert nothing_but(tmp_path, "source")


def test_one_part_alone_is_named(tmp_path: Path) -> None:
    source = write(tmp_path / "source", {"Toy_TRAIN.tsv": "1\t1\n2\t2\n", "Toy_TEST.ts": TEST})
    with pytest.raises(InputError, match=r"not whole in .* \(only Toy_TEST.ts, Toy_TRAIN.tsv\); expected .*both .ts"):
        fetch_task("Toy", tmp_path / "Toy", str(source))


def test_a_ts_file_whose_series_lack_their_labels(tmp_path: Path) -> None:
    path = tmp_path / "new.ts"
    path.write_text(TEST.replace("7,?,9:2", "7,8,9"))
    with pytest.raises(InputError, match="has no label after a ':' where its header announces labels; add ':"):
        read_series(path)


def test_of_two_processes_one_fetches(server: Archive, tmp_path: Path) -> None:
    server.replies = [good]
    with ThreadPoolExecutor(2) as pool, (tmp_path / ".raw.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as another process would
        fetching = [pool.submit(fetch_task, "Toy", tmp_path / "raw/Toy", server.template) for _ in range(2)]
        assert not wait(fetching, 0.5).done
        assert server.replies == [good]
        fcntl.flock(held, fcntl.LOCK_UN)
        assert sorted(one.result(30) for one in fetching) == [False, True]
    assert nothing_but(tmp_path / "raw/Toy", "Toy_TRAIN.ts", "Toy_TEST.ts")


def test_a_label_is_a_number_as_the_archive_writes_it(tmp_path: Path) -> None:
    text = "10\t1\n1_0\t2\n1.0e1\t3\n"
    fetch_task("Toy", tmp_path / "Toy", str(write(tmp_path / "source", {"Toy_TRAIN.tsv": text, "Toy_TEST.tsv": text})))
    assert read_raw(tmp_path / "Toy", "Toy").train.labels == ["10", "1_0", "10"]


def test_a_ts_whose_labels_differ_in_capitals_only_is_refused(tmp_path: Path) -> None:
    text = "@classLabel true A a N\n@data\n1,2:A\n1,3:a\n2,3:N\n"
    source = write(tmp_path / "source", {"Toy_TRAIN.ts": text, "Toy_TEST.ts": text})
    with pytest.raises(InputError, match="Toy lists label 'a' twice, expected labels that differ in more than"):
        fetch_task("Toy", tmp_path / "Toy", str(source))


def test_a_header_with_many_labels_takes_no_time(tmp_path: Path) -> None:
    text = TRAIN.replace("true 2 10", f"true 2 10 {' '.join(f'a{i}' for i in range(50_000))}")
    folder = write(tmp_path, {"Toy_TRAIN.ts": text, "Toy_TEST.ts": TEST})
    begun = time.monotonic()
    assert read_raw(folder, "Toy").classes == ("2", "10")
    assert time.monotonic() - begun < 5


def test_labels_that_differ_stay_apart(tmp_path: Path) -> None:
    labels = ["20240131123456788", "20240131123456789", "007", "7", "8.0", "8", "9e0", "-1"]
    text = "".join(f"{label}\t1\t{i}\n" for i, label in enumerate(labels))
    fetch_task("Toy", tmp_path / "Toy", str(write(tmp_path / "source", {"Toy_TRAIN.tsv": text, "Toy_TEST.tsv": text})))
    read = read_raw(tmp_path / "Toy", "Toy")
    assert read.train.labels == ["20240131123456788", "20240131123456789", "007", "7", "8", "8", "9", "-1"]


def test_an_empty_line_in_ones_own_ts_is_told(tmp_path: Path) -> None:
    text = "@problemName Toy\n@timestamps false\n@univariate true\n@classLabel true a b\n@data\n1,2:a\n3,4:b\n\n"
    source = write(tmp_path / "source", {"Toy_TRAIN.ts": text, "Toy_TEST.ts": text})
    with pytest.raises(InputError, match=r"Toy_TRAIN\.ts, line 8 is empty, expected a series; repair the file in "):
        fetch_task("Toy", tmp_path / "Toy", str(source))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("4,5,6", " ".join(["0.25"] * 1000), f"line 7: value '{'0.25 ' * 8}', expected a number or '?'"),
        ("4,5,6", "4, five ,6", "line 7: value 'five', expected a number or '?'"),
        ("4,5,6", "4,,6", "line 7: value '', expected a number or '?'"),
        ("4,5,6", "4,1_0,6", "line 7: value '1_0', expected a number or '?'"),
        ("@classLabel true 2 10", "@classLabel", "line 4: '@classLabel' alone, expected a value behind it"),
    ],
)
def test_a_mistake_in_ones_own_ts_is_told_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = TRAIN.replace(old, new)
    source = write(tmp_path / "source", {"Toy_TRAIN.ts": text, "Toy_TEST.ts": text})
    with pytest.raises(InputError, match=f"^Toy_TRAIN.ts, {re.escape(message)}; repair the file in "):
        fetch_task("Toy", tmp_path / "Toy", str(source))
    with pytest.raises(InputError, match=f"^Toy_TRAIN.ts, {re.escape(message)}; repair the file or name another.$"):
        read_series(source / "Toy_TRAIN.ts")


def test_a_label_and_a_comment_of_a_ts_may_hold_what_a_number_may_not(tmp_path: Path) -> None:
    text = "# 1_0\n@problemName 1_0\n@classLabel true 1_0 2_0\n@data\n1, NaN ,3:1_0\n4,?,6:2_0\n"
    folder = write(tmp_path, {"Toy_TRAIN.ts": text, "Toy_TEST.ts": text})
    assert read_raw(folder, "Toy").classes == ("1_0", "2_0")


def test_a_tsv_of_the_archive_agrees_with_aeons_reader(tmp_path: Path) -> None:
    tsv = AEON / "GunPoint/GunPoint_TRAIN.tsv"
    source = write(tmp_path / "source", {"Gun_TRAIN.tsv": tsv.read_text(), "Gun_TEST.tsv": tsv.read_text()})
    fetch_task("Gun", tmp_path / "Gun", str(source))
    task = read_raw(tmp_path / "Gun", "Gun")
    values, labels = load_from_tsv_file(str(tsv))
    np.testing.assert_allclose(np.stack(task.train.series), values[:, 0], rtol=1e-14)
    assert [int(label) for label in task.train.labels] == labels.tolist()
    assert task.classes == ("1", "2")


@pytest.mark.parametrize(
    ("part", "old", "new", "message"),
    [
        ("TEST", "9:2", "9:3", "Toy (test) has label '3', expected one of the training labels"),
        ("TRAIN", ":10", ":11", "Toy (train) has label '11', expected one of its header's: 2, 10"),
        ("TRAIN", "1,2.5,?", "?,?,?", "Toy (train) has no observed value in series 0, expected at least one"),
        ("TRAIN", "5,6", "inf,6", "Toy (train) has an infinite value in series 1, expected finite or missing values"),
        ("TEST", "7,?,9:2\n", "", "Toy (test) has no series, expected at least one"),
        (
            "TEST",
            "true 2 10\n@data\n7,?,9:2",
            "false\n@data\n7,?,9",
            "Toy (test) has no class labels, expected one for",
        ),
        ("TEST", "timestamps false", "timestamps true", "Toy (test) has time stamps, expected values at regular"),
        ("TEST", "7,?,9", "7,?,9:1,2,3", "Toy (test) has 2 channels, expected one"),
        ("TRAIN", "5,6", "5", "Toy (train) is not a .ts file that aeon can read (Channel 0 in case 2"),
        ("TRAIN", "5,6", "five,6", "Toy_TRAIN.ts, line 7: value 'five', expected a number or '?'"),
    ],
)
def test_a_wrong_file_is_named_with_what_was_expected(
    tmp_path: Path, part: str, old: str, new: str, message: str
) -> None:
    name = f"Toy_{part}.ts"
    assert old in FILES[name]
    folder = write(tmp_path / "data/raw/ucr12/Toy", {**FILES, name: FILES[name].replace(old, new)})
    with pytest.raises(InputError, match=rf"^{re.escape(message)}.*; run 'mtcs download ucr12'\.$"):
        read_raw(folder, "Toy")


def test_a_missing_file_names_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "data/raw/ucr12/Toy"
    message = f"{folder}/Toy_TRAIN.ts does not exist; run 'mtcs download ucr12'."
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        read_raw(folder, "Toy")


# Against what the archive publishes


def test_published_sizes() -> None:
    sizes = published_sizes()
    assert len(sizes) == 128
    assert sizes["Crop"] == (7200, 16800, 24, 46)
    assert sizes["PLAID"].length is None
    assert sizes["Chinatown"][:2] == (20, 343)  # as corrected in 2019
    assert sizes["MelbournePedestrian"][:2] == (1194, 2439)


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("GunPoint", lambda lines: lines[:-1], "GunPoint (train) has 49 series, expected 50 as the UCR archive publi"),
        (
            "GunPoint",
            lambda lines: [line.replace(":2", ":1") for line in lines],
            "GunPoint (test) has label '2', expected one of the training labels",
        ),
        (
            "PickupGestureWiimoteZ",
            lambda lines: [line.replace(":10", ":9") for line in lines],
            "PickupGestureWiimoteZ (test) has label '10', expected one of the training labels",
        ),
    ],
)
def test_an_edited_task_is_noticed(
    tmp_path: Path, name: str, edit: Callable[[list[str]], list[str]], message: str
) -> None:
    fetch_task(name, tmp_path / name, "aeon")
    train = tmp_path / name / f"{name}_TRAIN.ts"
    header, _, data = train.read_text().partition("@data\n")
    train.write_text(header + "@data\n" + "\n".join(edit(data.splitlines())) + "\n")
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        read_raw(tmp_path / name, name)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Chinatown", "1,2,3:{c}", "Chinatown has series of length 3, expected 24 as the UCR archive publishes"),
        ("PickupGestureWiimoteZ", "1,2,3:{c}", "has series of length 3 only, expected unequal lengths as the UCR"),
        ("GunPoint", "1,2,3:0", "GunPoint has 1 classes, expected 2 as the UCR archive publishes"),
    ],
)
def test_lengths_and_classes_are_compared(tmp_path: Path, name: str, text: str, message: str) -> None:
    size = published_sizes()[name]
    classes = " ".join(map(str, range(size.n_classes)))
    for part, n in (("TRAIN", size.n_train), ("TEST", size.n_test)):
        rows = "\n".join(text.format(c=i % size.n_classes) for i in range(n))
        write(tmp_path, {f"{name}_{part}.ts": f"@equalLength true\n@classLabel true {classes}\n@data\n{rows}\n"})
    with pytest.raises(InputError, match=message):
        read_raw(tmp_path, name)
