"""Fetching from sources that behave and that do not: whole or not at all, bounded, and without showing secrets."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mtcs.data import sources
from mtcs.data.sources import fetch_task
from mtcs.errors import InputError, WorkError
from tests.data.toy import FILES, TEST, TRAIN, ZIP, nothing_but, write, zipped

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
    monkeypatch.setattr(sources, "BACKOFF", 0.001)
    monkeypatch.setattr(sources, "TIMEOUT", 5.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Archive() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def good(handler: Handler) -> None:
    handler.say(200, ZIP, ETag='"v1"')


def first_half(handler: Handler) -> None:
    handler.say(200, ZIP[: len(ZIP) // 2], declared=len(ZIP), ETag='"v1"')
    handler.close_connection = True


def silent_after_half(handler: Handler) -> None:
    handler.say(200, ZIP[: len(ZIP) // 2], declared=len(ZIP), ETag='"v1"')
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
    assert seen[-1] == ("Toy", len(ZIP), len(ZIP))
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


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("https://me:SECRET@localhost/{name}.zip", "a user's name or password before the host, which is not supported"),
        ("http://localhost/x.zip?sig=SECRET", "MTCS_ARCHIVE is 'http://localhost/x.zip'; expected"),
        ("http://localhost:port/{name}?sig=SECRET", "MTCS_ARCHIVE is 'http://localhost:port/{name}'; expected"),
        ("http://localhost:99999/{name}?sig=SECRET", "MTCS_ARCHIVE is 'http://localhost:99999/{name}'; expected"),
        ("//me:SECRET@h/{name}", "MTCS_ARCHIVE is '//h/{name}', which is neither"),
        ("http:/me:SECRET@h/{name}?SECRET", "MTCS_ARCHIVE is 'http:/h/{name}', which is neither"),
        ("ftp://me:SECRET@h/{name}", "a user's name or password"),
        ("http://me:SEC/RET@h/{name}", "MTCS_ARCHIVE is 'http://h/{name}'; expected"),
    ],
)
def test_no_secret_is_shown(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as error:
        fetch_task("Toy", tmp_path / "Toy", source)
    assert not re.search("SEC|RET|me", str(error.value).replace("name", ""))


def test_no_secret_is_logged(server: Archive, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server.replies = [status(503), good]
    with caplog.at_level(logging.DEBUG):
        assert fetch_task("Toy", tmp_path / "Toy", server.template + "?sig=SECRET")
    assert "503" in caplog.text
    assert "SECRET" not in caplog.text


def test_a_proxy_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BACKOFF", 0.001)
    for kind, port in (("socks5", 1), ("what", 1), ("http", 99999)):
        proxy = f"{kind}://me:SECRET@127.0.0.1:{port}"
        monkeypatch.setenv("ALL_PROXY", proxy)
        with pytest.raises(WorkError, match="Toy") as error:
            fetch_task("Toy", tmp_path / "Toy", "http://archive.example/{name}.zip")
        assert "SECRET" not in str(error.value)


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
    monkeypatch.setattr(sources, "BACKOFF", 1.0)
    monkeypatch.setattr(sources.time, "sleep", waits.append)
    server.replies = [status(500), status(500), status(500), status(503, Retry_After="20"), good]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)
    assert all(2**i <= wait <= 2**i + 1 for i, wait in enumerate(waits[:3]))
    assert 20.0 <= waits[3] <= 30.0


def test_nobody_listens(server: Archive, tmp_path: Path) -> None:
    with Archive() as gone:
        template = gone.template
    with pytest.raises(WorkError, match=r"failed 5 times \(at last: .+\); try again later, or set MTCS_ARCHIVE"):
        fetch_task("Toy", tmp_path / "Toy", template)


def test_a_truncated_body_starts_again(server: Archive, tmp_path: Path) -> None:
    server.replies = [first_half, good]
    seen: list[tuple[str, int, int | None]] = []
    assert fetch_task("Toy", tmp_path / "Toy", server.template, progress=lambda *step: seen.append(step))
    assert seen[-1] == ("Toy", len(ZIP), len(ZIP))


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_server_that_drips_is_left(
    server: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(sources, "TIMEOUT", 0.3)

    def drip(handler: Handler) -> None:
        text = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n" + (b"\r\n" if where == "body" else b"X-Long: ")
        handler.wfile.write(text)
        while not handler.server.released.wait(0.02):
            handler.wfile.write(b"x")

    server.replies = [drip] * 5
    begun = time.monotonic()
    with pytest.raises(WorkError, match=r"failed 5 times \(at last: \d+ bytes came at less than 4,096 a second\)"):
        fetch_task("Toy", tmp_path / "Toy", server.template)
    assert 1 <= time.monotonic() - begun < 20, "five attempts of twice the timeout"


def test_a_slow_server_has_the_time_it_needs(server: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "TIMEOUT", 0.3)
    monkeypatch.setattr(sources, "MIN_RATE", len(ZIP) // 4)

    def slow(handler: Handler) -> None:
        handler.say(200, b"", declared=len(ZIP))
        for i in range(0, len(ZIP), 20):
            handler.wfile.write(ZIP[i : i + 20])
            time.sleep(20 / len(ZIP))

    server.replies = [slow]
    begun = time.monotonic()
    assert fetch_task("Toy", tmp_path / "Toy", server.template)
    assert time.monotonic() - begun > 2 * sources.TIMEOUT


def test_a_silent_server_is_left_after_the_timeout(
    server: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "TIMEOUT", 1.0)  # a busy machine needs some of it
    server.replies = [silent_after_half, good]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)

    monkeypatch.setattr(sources, "TIMEOUT", 0.1)
    server.replies = [silent_after_half] * 5
    with pytest.raises(WorkError, match=r"failed 5 times \(at last: (timed out|\d+ bytes came at less)"):
        fetch_task("Toy", tmp_path / "Other", server.template)


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused(
    server: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: bool
) -> None:
    monkeypatch.setattr(sources, "MAX_DOWNLOAD", 1000)

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
    with pytest.raises(
        WorkError, match=r"Toy cannot be had from .* \(Request URL has an unsupported protocol '(ftp|file)"
    ):
        fetch_task("Toy", tmp_path / "Toy", server.template)

    server.replies = [status(302, Location="/elsewhere/Toy.zip"), good]
    assert fetch_task("Toy", tmp_path / "Toy", server.template)


def test_a_malformed_redirection_is_the_servers_mistake(server: Archive, tmp_path: Path) -> None:
    server.replies = [status(302, Location="http://h:port/Toy.zip")] * 5
    with pytest.raises(WorkError, match=r"^Toy: .*/Toy.zip failed 5 times \(at last: Invalid URL in location header"):
        fetch_task("Toy", tmp_path / "Toy", server.template)
    assert nothing_but(tmp_path)


def test_a_redirection_without_end_is_left(server: Archive, tmp_path: Path) -> None:
    server.replies = [status(302, Location="/Toy.zip")] * 50
    with pytest.raises(WorkError, match=r"Toy cannot be had from .*\(Exceeded maximum allowed redirects\.\)"):
        fetch_task("Toy", tmp_path / "Toy", server.template)


def test_a_servers_own_words_are_not_shown(server: Archive, tmp_path: Path) -> None:
    def rude(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 404 \x1b[31mGone http://u:secret@h/\r\nContent-Length: 0\r\n\r\n")

    server.replies = [rude]
    with pytest.raises(WorkError, match=r"\(HTTP 404 Not Found\)"):
        fetch_task("Toy", tmp_path / "Toy", server.template)


def test_a_wrong_zip_is_the_servers_mistake(server: Archive, tmp_path: Path) -> None:
    server.replies = [body(b"<!DOCTYPE html><html>Sign in</html>")]
    url = server.template.format(name="Toy")
    message = (
        f"Toy: {url} is not a whole zip archive (it starts with b'<!DOCTYPE html><'); set MTCS_ARCHIVE to a folder"
    )
    with pytest.raises(WorkError, match=f"^{re.escape(message)}"):
        fetch_task("Toy", tmp_path / "raw/Toy", server.template)
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
        handler.say(200, ZIP[: len(ZIP) // 2], declared=len(ZIP))
        sent.set()
        handler.server.released.wait(30)

    server.replies = [half_and_wait]
    folder = tmp_path / "Toy"
    program = (
        f"from pathlib import Path; from mtcs.data.sources import fetch_task; fetch_task('Toy', Path({str(folder)!r}), "
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
    with caplog.at_level(logging.WARNING, logger="mtcs.data.sources"):
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


def test_own_files_that_were_replaced_are_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, folder = write(tmp_path / "source", FILES), tmp_path / "raw/Toy"
    assert fetch_task("Toy", folder, str(source)) is True
    assert fetch_task("Toy", folder, str(source)) is False
    assert not caplog.records

    more = {**FILES, "Toy_TRAIN.ts": TRAIN + "3,4,5:2\n"}
    write(source, more)
    assert fetch_task("Toy", folder, str(source)) is True
    assert caplog.messages == [f"Toy is another version in {source}; {folder} is replaced."]
    assert {path.name: path.read_text() for path in folder.iterdir()} == more
    assert nothing_but(folder.parent, "Toy")


@pytest.mark.parametrize("form", ["zip", "tsv"])
def test_an_archives_files_are_compared_in_each_form(tmp_path: Path, form: str) -> None:
    source, folder = tmp_path / "source", tmp_path / "raw/Toy"
    source.mkdir()

    def place(value: str) -> None:
        tsv = {"Toy_TRAIN.tsv": f"1\t{value}\t2\n2\t3\t4\n", "Toy_TEST.tsv": "1\t1\t2\n"}
        if form == "zip":
            (source / "Toy.zip").write_bytes(zipped(tsv))
        else:
            write(source, tsv)

    place("1")
    assert [fetch_task("Toy", folder, str(source)) for _ in range(2)] == [True, False]
    place("5")
    assert [fetch_task("Toy", folder, str(source)) for _ in range(2)] == [True, False]
    assert "5,2:1" in (folder / "Toy_TRAIN.ts").read_text()


def test_own_files_that_were_broken_are_not_passed_over(tmp_path: Path) -> None:
    source, folder = write(tmp_path / "source", FILES), tmp_path / "raw/Toy"
    fetch_task("Toy", folder, str(source))
    write(source, {"Toy_TRAIN.ts": TRAIN.replace("5,6", "five,6")})
    with pytest.raises(InputError, match=r"Toy_TRAIN\.ts, line 7: value 'five'"):
        fetch_task("Toy", folder, str(source))
    assert {path.name: path.read_text() for path in folder.iterdir()} == FILES, "what was there stays"


def test_nothing_needs_the_archive_of_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "raw/Toy"
    fetch_task("Toy", folder, str(write(tmp_path / "source", FILES)))
    (tmp_path / "empty").mkdir()
    for source in (str(tmp_path / "gone"), str(tmp_path / "empty"), "http://127.0.0.1:9/{name}.zip"):
        assert fetch_task("Toy", folder, source) is False


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "archive", FILES)
    assert fetch_task("Toy", tmp_path / "raw/Toy", "~/archive")


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


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        (["Toy_TRAIN.tsv", "Toy_TEST.ts"], "Toy_TEST.ts, Toy_TRAIN.tsv"),
        (["Toy_TRAIN.csv", "Toy_TEST.csv"], "Toy_TEST.csv, Toy_TRAIN.csv"),
        (["toy/toy_train.ts", "toy/toy_test.ts"], "toy_test.ts, toy_train.ts"),
        (["Toy_TRAIN.TSV", "Toy_TEST.TSV"], "Toy_TEST.TSV, Toy_TRAIN.TSV"),
        (["Toy/Toy-train.arff", "Toys_TRAIN.ts"], "Toy-train.arff"),
        (["Toy.xlsx"], "Toy.xlsx"),
        (["TOY.ZIP"], "TOY.ZIP"),
        ([f"Toy_{i}.txt" for i in range(50)], "Toy_0.txt, Toy_1.txt"),
    ],
)
def test_what_is_there_in_another_format_is_named(tmp_path: Path, files: list[str], shown: str) -> None:
    source = tmp_path / "source"
    for file in files:
        write((source / file).parent, {Path(file).name: TRAIN})
    with pytest.raises(InputError) as error:
        fetch_task("Toy", tmp_path / "raw/Toy", str(source))
    assert str(error.value).startswith(f"Toy is in {source} as {shown}")
    assert "expected Toy_TRAIN and Toy_TEST, both .ts or both .tsv (a line a series: label, tab, values)" in str(
        error.value
    )
    assert len(str(error.value)) < 400 + len(str(source))
    assert "MTCS_ARCHIVE" not in str(error.value)


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
