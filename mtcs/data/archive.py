"""The UCR archive: where a task comes from, how it arrives whole, and how it is parsed and checked.

A task is a folder with `<Name>_TRAIN.ts` and `<Name>_TEST.ts`. It comes from the data inside the installed `aeon`
package, from a folder, or over HTTP, and is checked against the sizes that the archive publishes
(`reference/archive_sizes.csv`; Dau et al., "The UCR time series archive", IEEE/CAA J. Autom. Sinica, 2019). Two data
sets are listed as they are since their correction in 2019: Chinatown (20 training and 343 test series) and
MelbournePedestrian (1194 and 2439, with missing values).
"""

from __future__ import annotations

import csv
import fcntl
import logging
import random
import re
import shutil
import stat
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from functools import cache
from http.client import HTTPException, HTTPResponse
from importlib.resources import files
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Literal, NamedTuple, cast
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import numpy as np

from mtcs.errors import InputError, WorkError

TIMEOUT = 30.0
"""Seconds to connect, and seconds of silence within a transfer, before it counts as broken."""
ATTEMPTS = 5
BACKOFF = 1.0
"""Seconds before the second attempt; each further wait is twice as long."""
LONGEST_WAIT = 30.0
MAX_DOWNLOAD = 512 * 2**20
"""Bytes of a zip; the archive's largest is about a fifth of it."""
MAX_MEMBER = 2**28
"""Bytes of an unpacked file, of which reading takes up to 70 times as many; the archive's largest is half of it."""
VALUE = 32
"""Bytes of a value and its separator in a file of a published task: the most, which numpy writes, are 26."""
HEADER = 2**20
"""Bytes of what else such a file holds: its header, with comments."""
LONGEST = 3000
"""Values of a series where lengths vary, the padding of the 2018 archive included; its longest series has 2,844."""
MAX_MEMBERS = 100
MAX_READ = 2**20
"""Bytes of a zip read at once; its list of members is, before they can be counted, and takes about 100 a member."""

Progress = Callable[[str, int, int | None], None]
"""Called during a transfer with the task, the bytes so far and the bytes in total, where the server says."""

_PARTS: tuple[Literal["TRAIN", "TEST"], ...] = ("TRAIN", "TEST")
_WAY_OUT = "set MTCS_ARCHIVE to a folder or a URL template with {name} that has it"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RawSplit:
    """Series as the archive has them.

    series: n arrays (T_i,) float64, NaN where a value is missing; missing values at the end are dropped, since the
        2018 archive pads with them.
    labels: n label strings of the archive.
    """

    series: list[np.ndarray]
    labels: list[str]


@dataclass(frozen=True)
class RawTask:
    """A task as the archive has it.

    classes: the labels of the training split; in numerical order if all are numbers, else in the header's order.
    """

    name: str
    train: RawSplit
    test: RawSplit
    classes: tuple[str, ...]


class Size(NamedTuple):
    """What the archive publishes about a task; `length` is None where lengths vary."""

    n_train: int
    n_test: int
    n_classes: int
    length: int | None


@cache
def published_sizes() -> dict[str, Size]:
    """Sizes of the archive's 128 tasks, by name."""
    with (files("mtcs") / "reference/archive_sizes.csv").open(encoding="utf-8") as file:
        return {
            row["task"]: Size(
                int(row["n_train"]),
                int(row["n_test"]),
                int(row["n_classes"]),
                None if row["length"] == "Vary" else int(row["length"]),
            )
            for row in csv.DictReader(file)
        }


def fetch_task(name: str, folder: Path, source: str, progress: Progress | None = None) -> bool:
    """Bring a task's two files into `folder`, which appears whole or not at all.

    What is already there and passes the checks stays, and nothing is fetched; what does not pass is replaced. Of
    several processes that fetch into the same parent folder, one works and the others wait.

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
    if not _fault(folder, name):
        return False
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(folder.parent):
            if not (fault := _fault(folder, name)):  # another process has just brought it
                return False
            if folder.exists():
                _log.warning("%s; %s is replaced.", fault, folder)
            _fetch(name, folder, source, progress)
            return True
    except OSError as error:
        raise WorkError(f"{name} cannot be brought into {folder} ({error}); make room or check the path.") from error


def read_raw(folder: Path, name: str) -> RawTask:
    """Read and check the task that `fetch_task` brought into `folder`.

    Raises:
        InputError: if a file is missing or malformed, or differs from what the archive publishes.
        WorkError: if a file does not fit into memory.
    """
    try:
        return _load(folder, name)
    except _Fault as fault:
        raise InputError(f"{fault}; run 'mtcs download {folder.parent.name}'.") from fault


def read_series(path: Path) -> tuple[list[np.ndarray], list[str | None]]:
    """Read series that need no labels, from a `.ts` or `.tsv` file.

    Returns:
        n arrays (T_i,) float64, NaN where a value is missing, and as many labels: None where the file has none, `?` or
        nothing instead.

    Raises:
        InputError: if there is no such file, or it does not hold such series.
        WorkError: if a `.ts` file does not fit into memory.
    """
    try:
        if path.suffix == ".ts":
            series, labels, _ = _parse(path, path.name)
        elif path.suffix == ".tsv":
            rows = _rows(path)
            labels = [label for _, label, _ in rows]
            series = [_trim(np.array([float(value or "nan") for value in values])) for _, _, values in rows]
            _check_series(series, path.name)
        else:
            raise _Fault(f"{path} is neither a .ts nor a .tsv file")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name a .ts or .tsv file with series.") from None
    except _Fault as fault:
        raise InputError(f"{fault}; repair the file or name another.") from fault
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a .ts or .tsv file with series.") from error
    known = [None if label in ("", "?", "nan") else label for label in map(str.lower, labels or [""] * len(series))]
    return series, known


# Sources


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process is in this block with the same folder; a process that ends, however, has left it."""
    with folder.with_name(f".{folder.name}.lock").open("w") as file:
        with suppress(OSError):  # a file system that knows no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fault(folder: Path, name: str) -> _Fault | None:
    try:
        _load(folder, name)
    except _Fault as fault:
        return fault
    return None


def _fetch(name: str, folder: Path, source: str, progress: Progress | None) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # what a killed run left
    try:
        part.mkdir()
        origin = _gather(name, source, part, progress)
        try:
            for tsv in sorted(part.glob("*.tsv"), reverse=True):  # TRAIN before TEST
                _convert(tsv)
            _load(part, name)
        except _Fault as fault:
            if "://" not in source and name not in published_sizes():
                raise InputError(f"{fault}; repair the file in {origin}.") from fault
            raise WorkError(f"{fault}; {origin} is incomplete or another version: {_WAY_OUT}.") from fault
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _gather(name: str, source: str, into: Path, progress: Progress | None) -> str:
    """Put both parts of a task into `into`, as `.ts` or `.tsv`, and return where they came from."""
    if source == "aeon":
        import aeon.datasets  # here and below where it is used: `published_sizes` needs no more than a table

        inside = Path(aeon.datasets.__file__).parent / "data"
        if not _copy(name, inside / name, into):
            known = sorted(task for task in published_sizes() if (inside / task).is_dir())
            raise InputError(f"{name} is not inside the aeon package (which has {', '.join(known)}); {_WAY_OUT}.")
        return str(inside / name)

    if "://" in source:
        if "@" in source.split("://", 1)[1].split("/", 1)[0]:
            raise InputError("MTCS_ARCHIVE holds a user's name or password before the host, which is not supported.")
        url = address_of(source.replace("{name}", name))
        if "{name}" not in source or url is None:
            raise InputError(
                f"MTCS_ARCHIVE is {source!r}; expected a folder, or an http or https URL with '{{name}}' in it."
            )
        archive = into / "archive.zip"
        with archive.open("wb") as file:
            _download(name, url, file, progress)
        _unpack(name, archive, _shown(url), into)
        archive.unlink()
        return _shown(url)

    folder = Path(source)
    if not folder.is_dir():
        raise InputError(f"MTCS_ARCHIVE is {source!r}, which is neither a folder nor a URL template with '{{name}}'.")
    archive = folder / f"{name}.zip"
    if archive.is_file():
        _unpack(name, archive, str(archive), into)
        return str(archive)
    for place in (folder / name, folder):
        if _copy(name, place, into):
            return str(place)
    parts = sorted({path.name for place in (folder, folder / name) for path in place.glob(f"{name}_T*.ts*")})
    if parts:
        both = f"expected {name}_TRAIN and {name}_TEST, both .ts or both .tsv"
        raise InputError(f"{name} is not whole in {folder} (only {', '.join(parts)}); {both}.")
    raise InputError(f"{name} is not in {folder} (no {name}.zip, {name}_TRAIN.ts or {name}_TRAIN.tsv); {_WAY_OUT}.")


def address_of(url: str) -> str | None:
    """An http or https URL in ASCII, as it is asked for; None where this is none."""
    try:
        address = urlsplit(url)
        host = (address.hostname or "").encode("idna").decode("ascii")
        port = "" if address.port is None else f":{address.port}"
    except ValueError:  # UnicodeError among them
        return None
    if address.scheme not in ("http", "https") or not re.fullmatch(r"[a-z0-9._:-]+", host) or port == ":0":
        return None
    netloc = f"[{host}]{port}" if ":" in host else host + port
    path, query = (quote(part, safe="%/:@!$&'()*+,;=~?") for part in (address.path, address.query))
    return address._replace(netloc=netloc, path=path, query=query, fragment="").geturl()


def _shown(url: str) -> str:
    """A URL for messages and logs: without its query, which may be a signature."""
    return urlsplit(url)._replace(query="").geturl()


def _copy(name: str, place: Path, into: Path) -> bool:
    for suffix in ("ts", "tsv"):
        parts = [place / f"{name}_{part}.{suffix}" for part in _PARTS]
        if all(part.is_file() for part in parts):
            for part in parts:
                shutil.copyfile(part, into / part.name)
            return True
    return False


# Transfer


class _Broken(Exception):
    """A transfer that may go better next time.

    wait: how many seconds the server asks for.
    resumable: whether what has arrived is worth keeping.
    """

    def __init__(self, reason: object, wait: float = 0.0, resumable: bool = True) -> None:
        super().__init__(str(reason))
        self.wait = wait
        self.resumable = resumable


class _HttpOnly(HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        address = address_of(newurl)
        if address is None:  # the standard library would follow to ftp
            raise HTTPError(req.full_url, code, f"redirection to {newurl!r} refused", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, address)


_opener = build_opener(_HttpOnly)


def _download(name: str, url: str, file: BinaryIO, progress: Progress | None) -> None:
    """Fill `file` with what `url` serves, resuming a broken transfer where the server lets us, else from the start."""
    shown = _shown(url)
    validator: str | None = None  # names the version that `file` holds the beginning of
    for attempt in range(ATTEMPTS):
        offset = file.tell()
        headers = {"User-Agent": "mtcs"}
        if validator and offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
        try:
            with _open(name, url, headers) as response:
                if response.status != 206:
                    file.seek(0)
                    file.truncate()
                    validator = None
                elif not _continues(response.headers, offset, validator):
                    raise _Broken("the server continued with another file or place", resumable=False)
                validator = _validator(response.headers) or validator
                _receive(name, url, response, file, progress)
                return
        except _Broken as broken:
            if attempt + 1 == ATTEMPTS:
                raise WorkError(
                    f"{name}: {shown} failed {ATTEMPTS} times (at last: {broken}); try again later, or {_WAY_OUT}."
                ) from broken
            if not broken.resumable:
                validator = None
            wait = max(min(BACKOFF * 2**attempt, LONGEST_WAIT) * random.uniform(0.5, 1.0), broken.wait)
            _log.warning("%s: %s; attempt %d of %d in %.1f s.", name, broken, attempt + 2, ATTEMPTS, wait)
            time.sleep(wait)


def _open(name: str, url: str, headers: dict[str, str]) -> HTTPResponse:
    try:
        return _opener.open(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416 or error.code == 429 or error.code >= 500:
            asked = error.headers.get("Retry-After", "")
            wait = min(float(asked), LONGEST_WAIT) if asked.isascii() and asked.isdigit() else 0.0
            raise _Broken(f"HTTP {error.code} {error.reason}", wait, resumable=error.code != 416) from error
        said = f"HTTP {error.code} {error.reason}"
        raise WorkError(f"{name} cannot be had from {_shown(url)} ({said}); check the name, or {_WAY_OUT}.") from error
    except (OSError, HTTPException) as error:
        raise _Broken(getattr(error, "reason", None) or error) from error
    except ValueError as error:  # after OSError, since some are both
        said = f"redirection to a malformed address: {error}"
        raise WorkError(f"{name} cannot be had from {_shown(url)} ({said}); check the name, or {_WAY_OUT}.") from error


def _validator(headers: Message) -> str | None:
    """What `If-Range` may carry: a strong entity tag, else the date of modification."""
    tag = headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")


def _continues(headers: Message, offset: int, validator: str | None) -> bool:
    """Whether a partial answer is the rest, from `offset` on, of the version that `validator` names."""
    begins = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return bool(begins) and int(begins[1]) == offset and _validator(headers) in (None, validator)


def _receive(name: str, url: str, response: HTTPResponse, file: BinaryIO, progress: Progress | None) -> None:
    done = file.tell()
    total = None if response.length is None else done + response.length
    too_large = WorkError(
        f"{name}: {_shown(url)} is larger than {MAX_DOWNLOAD:,} bytes, no task of the archive is; {_WAY_OUT}."
    )
    if total is not None and total > MAX_DOWNLOAD:
        raise too_large
    for chunk in _chunks(response):
        file.write(chunk)
        done += len(chunk)
        if done > MAX_DOWNLOAD:
            raise too_large
        if progress:
            progress(name, done, total)
    if total is not None and done != total:
        raise _Broken(f"{done:,} of {total:,} bytes arrived")


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read1(2**16):
            yield chunk
    except (OSError, HTTPException) as error:
        raise _Broken(error) from error


# Unpacking


class _Zip(BufferedReader):
    """A zip for `zipfile` to read, MAX_READ bytes at most at once, whatever sizes it claims.

    What cannot be read is `BadZipFile`, and OSError is left to what is written.
    """

    def seek(self, target: int, whence: int = 0, /) -> int:
        if whence == 0 and target < 0:  # where the first bytes are lost
            raise zipfile.BadZipFile(f"a member begins {-target:,} bytes before the file")
        return super().seek(target, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_READ:
            raise zipfile.BadZipFile(f"its list of members has {size:,} bytes, expected at most {MAX_READ:,}")
        try:
            return super().read(size)
        except OSError as error:
            raise zipfile.BadZipFile(str(error)) from error


def _unpack(name: str, archive: Path, origin: str, into: Path) -> None:
    """Unpack the two members that make the task, under names of our own, from a zip that may be hostile."""
    try:
        with _Zip(archive.open("rb", buffering=0)) as packed:
            start = packed.read(16)
            if not zipfile.is_zipfile(packed):
                raise WorkError(f"{name}: {origin} is not a whole zip archive (it starts with {start!r}); {_WAY_OUT}.")
            members = zipfile.ZipFile(packed)
            for chosen in _choose(name, origin, members.infolist()):
                size, most = chosen.file_size, _largest(name, _base(chosen))
                if size > most:  # `zipfile` unpacks no more than the size that a member declares
                    raise WorkError(
                        f"{name}: {chosen.filename!r} of {origin} unpacks to {size:,} bytes, "
                        f"expected at most {most:,}; {_WAY_OUT}."
                    )
                with members.open(chosen) as member, (into / _base(chosen)).open("wb") as file:
                    shutil.copyfileobj(member, file, MAX_READ)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise WorkError(f"{name}: {origin} is a damaged zip archive ({error}); {_WAY_OUT}.") from error


def _largest(name: str, part: str) -> int:
    """How many bytes a task's file may have: as many as its published size can need."""
    size = published_sizes().get(name)
    if size is None:
        return MAX_MEMBER
    n = size.n_train if "_TRAIN." in part else size.n_test
    return min(n * (size.length or LONGEST) * VALUE + HEADER, MAX_MEMBER)


def _choose(name: str, origin: str, members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    if len(members) > MAX_MEMBERS:
        raise WorkError(f"{name}: {origin} has {len(members)} members, expected at most {MAX_MEMBERS}; {_WAY_OUT}.")
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        for wrong, what in (
            (path.is_absolute() or ".." in path.parts or ":" in member.filename, "leads outside the archive"),
            (stat.S_ISLNK(member.external_attr >> 16), "is a symbolic link"),
            (bool(member.flag_bits & 1), "is encrypted"),
            # of the others `zipfile` unpacks a whole chunk before anyone can measure it
            (member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), "is packed other than by deflate"),
        ):
            if wrong:
                raise WorkError(f"{name}: {member.filename!r} of {origin} {what}, refused; {_WAY_OUT}.")
    for suffix in ("ts", "tsv"):
        wanted = [f"{name}_{part}.{suffix}" for part in _PARTS]
        found = [member for member in members if _base(member) in wanted]
        if sorted(map(_base, found)) == sorted(wanted):
            return found
    held = ", ".join(sorted(map(_base, members))[:4]) or "nothing"
    raise WorkError(
        f"{name}: {origin} holds {held}, expected {name}_TRAIN.ts and {name}_TEST.ts, once each; {_WAY_OUT}."
    )


def _base(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename.replace("\\", "/")).name


# Parsing and checking


class _Fault(Exception):
    """What is wrong with a task's files: name, found and expected, without a way out."""


def _convert(tsv: Path) -> None:
    """Turn a `.tsv` of the 2018 archive (label first, NaN for missing and padding) into `.ts`, digit for digit.

    By text and not by aeon's `load_from_tsv_file`, whose numbers may be off in the last digit.
    """
    labels, series = [], []
    for number, label, values in _rows(tsv):
        if not label or re.search(r"[\s:,?]", label):  # which could not be told apart in a `.ts`
            raise _Fault(
                f"{tsv.name}, line {number}: label {label[:40]!r}, expected one without spaces, ':', ',' and '?'"
            )
        labels.append(tidy_label(label))
        series.append(["?" if value.lower() in ("", "nan") else value for value in values])
    if sum(map(_is_number, labels)) == len(labels) - 1 and not _is_number(labels[0]) and len(labels) > 2:
        raise _Fault(f"{tsv.name}, line 1: label {labels[0]!r} where all others are numbers, expected no header line")
    numbered = [[str(i) for i in range(start, start + len(series[0]))] for start in (0, 1)]  # as pandas names columns
    if series[0] in numbered and len(series[0]) > 2 and labels.count(labels[0]) == 1 and not _is_number(labels[0]):
        raise _Fault(f"{tsv.name}, line 1: values {', '.join(series[0][:3])}, ..., expected no header line")
    header = {
        "problemName": tsv.stem.rpartition("_")[0],
        "timestamps": "false",
        "missing": _truth(any("?" in values for values in series)),
        "univariate": "true",
        "equalLength": _truth(len({len(values) for values in series}) <= 1),
        "classLabel": " ".join(["true", *_in_order(sorted(set(labels)))]),
    }
    with tsv.with_suffix(".ts").open("w", encoding="utf-8") as file:
        file.writelines(f"@{key} {value}\n" for key, value in header.items())
        file.write("@data\n")
        file.writelines(f"{','.join(values)}:{label}\n" for values, label in zip(series, labels, strict=True))
    tsv.unlink()


def _rows(tsv: Path) -> list[tuple[int, str, list[str]]]:
    """Number, label and values of each line of a `.tsv` that is not empty; values are numbers or nothing."""
    try:
        lines = tsv.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise _Fault(f"{tsv.name} is not a text file ({error})") from error
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            label, *values = (field.strip() for field in line.split("\t"))
            if not values:
                only = f"only {label[:40]!r}, expected a label and values with tabs between them"
                raise _Fault(f"{tsv.name}, line {number}: {only}")
            _check_numbers(f"{tsv.name}, line {number}", values, "")
            rows.append((number, label, values))
    if not rows:
        raise _Fault(f"{tsv.name} has no series, expected at least one")
    return rows


def _check_numbers(where: str, values: list[str], missing: str) -> None:
    """Raise the first of the values that is neither a number nor what stands for a missing one."""
    for value in map(str.strip, values):
        if value != missing and not _is_number(value):
            expected = f"a number or {missing!r}" if missing else "a number"
            raise _Fault(f"{where}: value {value[:40]!r}, expected {expected}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # which Python takes in numbers, and nobody else


def _truth(value: bool) -> str:
    return "true" if value else "false"


def tidy_label(label: str) -> str:
    """`1.0000000e+00` as `1`, as the archive's `.ts` files have it; `007` and long whole numbers stay as they are."""
    if not re.search(r"[.e]", label.lower()) or not _is_number(label) or not float(label).is_integer():
        return label
    return str(int(float(label))) if abs(float(label)) < 2**53 else label


def _in_order(labels: list[str]) -> list[str]:
    try:
        return sorted(labels, key=float)
    except ValueError:
        return labels


def _load(folder: Path, name: str) -> RawTask:
    train, listed = _load_part(folder, name, "TRAIN")
    test, _ = _load_part(folder, name, "TEST")
    seen = set(train.labels)
    if "nan" in seen.union(test.labels):
        raise _Fault(f"{name} has label 'nan', expected one that does not stand for a missing label")
    if twice := sorted(label for label, times in Counter(listed).items() if times > 1):
        raise _Fault(f"{name} lists label {twice[0]!r} twice, expected labels that differ in more than capitals")
    if unlisted := sorted(seen.difference(listed)):
        raise _Fault(f"{name} (train) has label {unlisted[0]!r}, expected one of its header's: {', '.join(listed)}")
    if unseen := sorted(set(test.labels) - seen):
        raise _Fault(f"{name} (test) has label {unseen[0]!r}, expected one of the training labels")
    task = RawTask(name, train, test, tuple(_in_order([label for label in listed if label in seen])))
    if name in published_sizes():
        _compare(task, published_sizes()[name])
    if len(seen) < 2:
        raise _Fault(f"{name} (train) has label {min(seen)!r} alone, expected two labels or more")
    return task


def _load_part(folder: Path, name: str, part: Literal["TRAIN", "TEST"]) -> tuple[RawSplit, list[str]]:
    """One split, and the classes its header lists."""
    path, what = folder / f"{name}_{part}.ts", f"{name} ({part.lower()})"
    if not path.is_file():
        raise _Fault(f"{path} does not exist")
    series, labels, classes = _parse(path, what)
    if labels is None:
        raise _Fault(f"{what} has no class labels, expected one for each series")
    return RawSplit(series, labels), classes


def _parse(path: Path, what: str) -> tuple[list[np.ndarray], list[str] | None, list[str]]:
    """Series of a `.ts` file, their labels in lower case where it has any, and the classes its header lists."""
    from aeon.datasets import load_from_ts_file

    try:
        read = cast("tuple[Any, Any, dict[str, Any]]", load_from_ts_file(str(path), return_meta_data=True))
    except (OSError, ValueError, IndexError) as error:
        _check_lines(path)
        said = re.sub(r"^Error loading <.*?>\. ", "", " ".join(str(error).split()))[:400]
        raise _Fault(f"{what} is not a .ts file that aeon can read ({said})") from error
    except MemoryError as error:
        size = f"{path.stat().st_size:,} bytes of text"
        raise WorkError(f"{what} does not fit into memory ({size}); take a larger machine, or fewer series.") from error
    values, labels, header = read  # n arrays (1, T_i), n labels, what the header says
    if len(values) == 0:
        raise _Fault(f"{what} has no series, expected at least one")
    if header["timestamps"]:
        raise _Fault(f"{what} has time stamps, expected values at regular intervals")
    if (channels := values[0].shape[0]) == 0:  # aeon takes what stands after the last ':' for the label
        raise _Fault(f"{what} has no label after a ':' where its header announces labels; add ':?' where none is known")
    if channels != 1:
        raise _Fault(f"{what} has {channels} channels, expected one")
    _check_lines(path, holding="_")

    series = [_trim(channel) for (channel,) in values]
    _check_series(series, what)
    # aeon puts a line in lower case and then writes every 'nan' in it as 'NaN', in a label too
    found = [str(label).strip().lower() for label in labels] if header["classlabel"] else None
    return series, found, header["class_values"]


def _check_series(series: list[np.ndarray], what: str) -> None:
    for i, one in enumerate(series):
        if len(one) == 0:
            raise _Fault(f"{what} has no observed value in series {i}, expected at least one")
        if np.isinf(one).any():
            raise _Fault(f"{what} has an infinite value in series {i}, expected finite or missing values")


def _check_lines(path: Path, holding: str = "") -> None:
    """Raise what is wrong with the first line of a `.ts` file that cannot be read, with its place.

    holding: what the values of a line have in them if it is to be checked.
    """
    in_data = False
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(map(str.strip, file), 1):
            where, values = f"{path.name}, line {number}", line.rsplit(":", 1)[0]
            if not in_data and line.lower() in ("@problemname", "@classlabel"):
                raise _Fault(f"{where}: {line!r} alone, expected a value behind it")
            if in_data and not line:
                raise _Fault(f"{where} is empty, expected a series")
            if in_data and holding in values:
                _check_numbers(where, re.split("[,:]", values), "?")
            in_data = in_data or line.lower() == "@data"


def _trim(values: np.ndarray) -> np.ndarray:  # (T,) -> (T_i,)
    observed = np.flatnonzero(~np.isnan(values))
    return values[: observed[-1] + 1 if observed.size else 0]


def _compare(task: RawTask, size: Size) -> None:
    published = "as the UCR archive publishes"
    for part, split, n in (("train", task.train, size.n_train), ("test", task.test, size.n_test)):
        if len(split.series) != n:
            raise _Fault(f"{task.name} ({part}) has {len(split.series)} series, expected {n} {published}")
    if len(task.classes) != size.n_classes:
        raise _Fault(f"{task.name} has {len(task.classes)} classes, expected {size.n_classes} {published}")
    lengths = {len(one) for one in (*task.train.series, *task.test.series)}
    if size.length is None and len(lengths) == 1:
        raise _Fault(f"{task.name} has series of length {max(lengths)} only, expected unequal lengths {published}")
    if size.length is not None and max(lengths) != size.length:
        raise _Fault(f"{task.name} has series of length {max(lengths)}, expected {size.length} {published}")
