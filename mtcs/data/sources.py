"""Where a task's files come from, and how they arrive whole: the aeon package, a folder, or a server.

A task is a folder with `<Name>_TRAIN.ts` and `<Name>_TEST.ts`. `.tsv` files of the 2018 archive are turned into `.ts`
when they arrive, and whatever arrives is checked before it gets its place.
"""

from __future__ import annotations

import asyncio
import filecmp
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import httpx
import tenacity

from mtcs.config.archive import published_sizes
from mtcs.data.address import shown, without_secrets
from mtcs.data.formats import ARCHIVE_SUFFIXES, PARTS, load_task
from mtcs.data.received import check_received, one_process_in
from mtcs.data.text import InvalidData
from mtcs.data.tsv import convert_to_ts
from mtcs.data.unpack import unpack
from mtcs.errors import InputError, WorkError, listed

TIMEOUT = 30.0
"""Seconds to connect, and seconds of silence within a transfer, before it counts as broken."""
MIN_RATE = 2**12
"""Bytes a second of a transfer, in the mean since its beginning, below which it counts as broken."""
ATTEMPTS = 5
BACKOFF = 1.0
"""Seconds before the second attempt, give or take chance; each further wait is about twice as long."""
MAX_WAIT = 30.0
MAX_DOWNLOAD = 512 * 2**20
"""Bytes of a zip; the archive's largest is about a fifth of it."""

Progress = Callable[[str, int, int | None], None]
"""Called during a transfer with the task, the bytes so far and the bytes in total, where the server says."""

_WAY_OUT = "set MTCS_ARCHIVE to a folder or a URL template with {name} that has it"
_log = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # below it, each address is logged whole, signatures included


def fetch_task(name: str, folder: Path, source: str, progress: Progress | None = None) -> bool:
    """Bring a task's two files into `folder`, which appears whole or not at all.

    What is there and passes the checks stays if it came from a server, or if the source's files still say the same;
    all else is replaced. Of several processes that fetch into the same parent folder, one works and the others wait.

    Args:
        name: the task's name in the archive.
        folder: receives `<name>_TRAIN.ts` and `<name>_TEST.ts`.
        source: "aeon" for the data inside the installed aeon package; or a folder that holds `<name>.zip`, or
            `<name>_TRAIN.ts` or `.tsv` (and TEST) directly or in `<name>/`; or an http(s) URL template with `{name}`.
        progress: told of the bytes of an HTTP transfer.

    Returns:
        Whether anything was fetched.

    Raises:
        InputError: if the name or the source is not valid, a local source does not have the task, or the user's own
            files, of a task that is not the archive's, do not pass the checks.
        WorkError: if a transfer fails, a zip cannot be unpacked, or what arrived does not pass the checks or does not
            fit into memory.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise InputError(f"{name!r} is not a task's name; expected letters, digits, '_' and '-' only.")
    if not _fault(name, folder) and not _local_files(name, source):
        return False
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with one_process_in(folder.parent), _scratch_beside(folder) as arrived:
            fault = _fault(name, folder)
            if not fault and not _local_files(name, source):  # another process has just brought it
                return False
            origin = _gather(name, source, arrived, progress)
            _check(name, arrived, source, origin)
            files = [f"{name}_{part}.ts" for part in PARTS]
            if not fault and filecmp.cmpfiles(arrived, folder, files, shallow=False)[0] == files:
                return False
            if folder.exists():
                _log.warning("%s; %s is replaced.", fault or f"{name} is another version in {origin}", folder)
                shutil.rmtree(folder)
            arrived.rename(folder)
            return True
    except OSError as error:
        raise WorkError(f"{name} cannot be brought into {folder} ({error}); make room or check the path.") from error


def local_folder(source: str) -> Path | None:
    """The folder that a source is; None where it is an address."""
    if source == "aeon":
        spec = find_spec("aeon.datasets")
        assert spec is not None and spec.submodule_search_locations
        return Path(spec.submodule_search_locations[0]) / "data"
    return None if "://" in source else Path(os.path.expanduser(source))  # noqa: PTH111, which fails without a home


def task_url(template: str, name: str) -> httpx.URL:
    """The http or https URL of a task.

    Raises:
        InputError: if the template is none, or holds a user's name or password.
    """
    try:
        url = httpx.URL(template.replace("{name}", name))
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.userinfo:
        raise InputError("MTCS_ARCHIVE holds a user's name or password before the host, which is not supported.")
    host = re.fullmatch(rb"[\w-]{1,63}(\.[\w-]{1,63})*\.?|[0-9a-f:.]+", url.raw_host)
    port = url.port is None or 0 < url.port < 2**16
    if "{name}" not in template or url.scheme not in ("http", "https") or not host or not port:
        raise InputError(
            f"MTCS_ARCHIVE is {shown(template)!r}; expected a folder, or an http or https URL with '{{name}}' in it."
        )
    return url


@contextmanager
def _scratch_beside(folder: Path) -> Iterator[Path]:
    scratch = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed run left
    try:
        scratch.mkdir()
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _fault(name: str, folder: Path) -> InvalidData | None:
    """What is wrong with a task that is there."""
    try:
        with suppress(InputError):  # a damaged record says nothing
            check_received(folder.parent, name)
        load_task(folder, name)
    except InvalidData as fault:
        return fault
    return None


def _check(name: str, folder: Path, source: str, origin: str) -> None:
    """Turn a `.tsv` into `.ts`, and check what has arrived."""
    try:
        for tsv in sorted(folder.glob("*.tsv"), reverse=True):  # TRAIN before TEST
            convert_to_ts(tsv)
        load_task(folder, name)
    except InvalidData as fault:
        if "://" not in source and name not in published_sizes():
            raise InputError(f"{fault}; repair the file in {origin}.") from fault
        raise WorkError(f"{fault}; {origin} is incomplete or another version: {_WAY_OUT}.") from fault


def _gather(name: str, source: str, into: Path, progress: Progress | None) -> str:
    """Put both parts of a task into `into`, as `.ts` or `.tsv`, and return where they came from."""
    folder = local_folder(source)
    if folder is None:
        url = task_url(source, name)
        origin, archive = shown(str(url)), into / "archive.zip"
        with archive.open("wb") as file:
            _download(name, url, file, progress)
        _unpack(name, archive, origin, into)
        archive.unlink()
        return origin
    if not folder.is_dir():
        raise InputError(
            f"MTCS_ARCHIVE is {shown(source)!r}, which is neither a folder nor a URL template with '{{name}}'."
        )
    files = _local_files(name, source)
    if files and files[0].suffix == ".zip":
        _unpack(name, files[0], str(files[0]), into)
        return str(files[0])
    for suffix in ARCHIVE_SUFFIXES:
        for place in (folder / name, folder):
            parts = [place / f"{name}_{part}{suffix}" for part in PARTS]
            if all(part in files for part in parts):
                for part in parts:
                    shutil.copyfile(part, into / part.name)
                return str(place.absolute())
    expected = f"expected {name}_TRAIN and {name}_TEST, both .ts or both .tsv (a line a series: label, tab, values)"
    if held := _similar_files(name, folder):
        raise InputError(f"{name} is in {folder} as {listed(held)}; {expected}; write or rename the files so.")
    if source == "aeon":
        known = sorted(task for task in published_sizes() if (folder / task).is_dir())
        raise InputError(f"{name} is not inside the aeon package (which has {', '.join(known)}); {_WAY_OUT}.")
    raise InputError(f"{name} is not in {folder} (no {name}.zip, {name}_TRAIN.ts or {name}_TRAIN.tsv); {_WAY_OUT}.")


def _local_files(name: str, source: str) -> list[Path]:
    """The files of a task that a folder holds, a zip first; none where the source is an address."""
    if (folder := local_folder(source)) is None:
        return []
    files = [f"{name}_{part}{suffix}" for suffix in ARCHIVE_SUFFIXES for part in PARTS]
    places = [folder / f"{name}.zip", *(place / file for place in (folder / name, folder) for file in files)]
    return [path for path in places if path.is_file()]


def _similar_files(name: str, folder: Path) -> list[str]:
    """Names of what a folder holds of a task in whatever format and case."""
    like = re.compile(rf"{re.escape(name)}([ _.-].*)?", re.IGNORECASE)
    places = [folder, *(path for path in sorted(folder.iterdir()) if path.is_dir() and like.fullmatch(path.name))]
    return sorted(
        {path.name for place in places for path in place.iterdir() if path.is_file() and like.fullmatch(path.name)}
    )


def _unpack(name: str, archive: Path, origin: str, into: Path) -> None:
    try:
        unpack(name, archive, into)
    except InvalidData as fault:
        raise WorkError(f"{name}: {origin} {fault}; {_WAY_OUT}.") from fault


# Over HTTP


class TransferError(Exception):
    """A transfer that may go better next time; `retry_after` is how many seconds the server asks for."""

    def __init__(self, reason: object, retry_after: float = 0.0) -> None:
        super().__init__(without_secrets(str(reason))[:200])
        self.retry_after = retry_after


def _download(name: str, url: httpx.URL, file: BinaryIO, progress: Progress | None) -> None:
    """Fill `file` with what `url` serves; a transfer that breaks begins anew."""

    def announce(state: tenacity.RetryCallState) -> None:
        failure = state.outcome and state.outcome.exception()
        attempt, seconds = state.attempt_number + 1, state.upcoming_sleep
        _log.warning("%s: %s; attempt %d of %d in %.1f s.", name, failure, attempt, ATTEMPTS, seconds)

    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        retry=tenacity.retry_if_exception_type(TransferError),
        wait=tenacity.wait_exponential(BACKOFF, max=MAX_WAIT)
        + tenacity.wait_random(0, BACKOFF)
        + tenacity.wait_exception(lambda error: getattr(error, "retry_after", 0.0)),
        sleep=time.sleep,
        before_sleep=announce,
        reraise=True,
    )
    try:
        attempts(lambda: asyncio.run(_receive(name, url, file, progress)))
    except TransferError as failure:
        raise WorkError(
            f"{name}: {shown(str(url))} failed {ATTEMPTS} times (at last: {failure}); try again later, or {_WAY_OUT}."
        ) from failure


async def _receive(name: str, url: httpx.URL, file: BinaryIO, progress: Progress | None) -> None:
    """One attempt. Asynchronous because nothing else ends a server that sends its headers byte by byte."""
    file.seek(0)
    file.truncate()
    started, received = asyncio.get_running_loop().time(), 0
    headers = {"User-Agent": "mtcs", "Accept-Encoding": "identity"}
    try:
        async with (
            asyncio.timeout(2 * TIMEOUT) as limit,
            httpx.AsyncClient(headers=headers, timeout=TIMEOUT, follow_redirects=True) as client,
            client.stream("GET", url) as response,
        ):
            _check_status(name, url, response)
            total = int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
            if (total or 0) > MAX_DOWNLOAD:
                raise _too_large(name, url)
            async for chunk in response.aiter_raw():
                file.write(chunk)
                received += len(chunk)
                if received > MAX_DOWNLOAD:
                    raise _too_large(name, url)
                limit.reschedule(started + 2 * TIMEOUT + received / MIN_RATE)
                if progress:
                    progress(name, received, total)
    except TimeoutError as error:
        raise TransferError(f"{received:,} bytes came at less than {MIN_RATE:,} a second") from error
    except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, ImportError) as error:  # of a redirection or a proxy
        raise _refused(name, url, without_secrets(str(error))) from error
    except ExceptionGroup as error:  # of the tasks that connect: a port that no address has
        raise TransferError(error.exceptions[0]) from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # ValueError: a host that cannot be written
        raise TransferError("timed out" if isinstance(error, httpx.TimeoutException) else error) from error


def _check_status(name: str, url: httpx.URL, response: httpx.Response) -> None:
    code = response.status_code
    reason = f"HTTP {code} {httpx.codes.get_reason_phrase(code)}".strip()  # not the server's own words
    if code == 429 or code >= 500:
        after = response.headers.get("Retry-After", "")
        raise TransferError(reason, min(float(after), MAX_WAIT) if after.isascii() and after.isdigit() else 0.0)
    if code != 200:
        raise _refused(name, url, reason)


def _refused(name: str, url: httpx.URL, reason: str) -> WorkError:
    return WorkError(f"{name} cannot be had from {shown(str(url))} ({reason}); check the name, or {_WAY_OUT}.")


def _too_large(name: str, url: httpx.URL) -> WorkError:
    most = f"{MAX_DOWNLOAD:,} bytes, no task of the archive is"
    return WorkError(f"{name}: {shown(str(url))} is larger than {most}; {_WAY_OUT}.")
