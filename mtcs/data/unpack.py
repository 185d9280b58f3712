"""A task's two files out of a zip that may be hostile: what leads outside or has no bounds is refused."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from io import BufferedReader
from pathlib import Path, PurePosixPath

from mtcs.config.archive import published_sizes
from mtcs.data.formats import ARCHIVE_SUFFIXES, PARTS
from mtcs.data.text import InvalidData

MAX_MEMBER = 2**28
"""Bytes of an unpacked file; the archive's largest is half of it."""
MAX_MEMBERS = 100
MAX_READ = 2**20
"""Bytes of a zip read at once; its list of members is, before they can be counted, and takes about 100 a member."""
MAX_LENGTH = 3000
"""Values of a series where lengths vary, the padding of the 2018 archive included; its longest series has 2,844."""
VALUE_BYTES = 32
"""Bytes of a value and its separator in a published task's file: the most, which numpy writes, are 26."""
HEADER_BYTES = 2**20
"""Bytes of what else such a file holds: its header, with comments."""


def unpack(name: str, archive: Path, folder: Path) -> None:
    """Unpack the two members that make the task into `folder`, under names of our own.

    Raises:
        InvalidData: if the zip is damaged, does not hold the task, or holds anything that is refused.
        OSError: if a file cannot be written.
    """
    try:
        with _Zip(archive.open("rb", buffering=0)) as packed:
            start = packed.read(16)
            if not zipfile.is_zipfile(packed):
                raise InvalidData(f"is not a whole zip archive (it starts with {start!r})")
            members = zipfile.ZipFile(packed)
            for chosen in _choose(name, members.infolist()):
                size, most = chosen.file_size, _max_bytes(name, _base(chosen))
                if size > most:  # `zipfile` unpacks no more than the size that a member declares
                    raise InvalidData(f"holds {_base(chosen)} of {size:,} bytes, expected at most {most:,}")
                with members.open(chosen) as member, (folder / _base(chosen)).open("wb") as file:
                    shutil.copyfileobj(member, file, MAX_READ)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise InvalidData(f"is a damaged zip archive ({str(error)[:120]})") from error


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


def _choose(name: str, members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    if len(members) > MAX_MEMBERS:
        raise InvalidData(f"has {len(members)} members, expected at most {MAX_MEMBERS}")
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        for refused, reason in (
            (path.is_absolute() or ".." in path.parts or ":" in member.filename, "leads outside the archive"),
            (stat.S_ISLNK(member.external_attr >> 16), "is a symbolic link"),
            (bool(member.flag_bits & 1), "is encrypted"),
            # of the others `zipfile` unpacks a whole chunk before anyone can measure it
            (member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), "is packed other than by deflate"),
        ):
            if refused:
                raise InvalidData(f"holds {member.filename[:60]!r}, which {reason}, refused")
    for suffix in ARCHIVE_SUFFIXES:
        wanted = [f"{name}_{part}{suffix}" for part in PARTS]
        chosen = [member for member in members if _base(member) in wanted]
        if sorted(map(_base, chosen)) == sorted(wanted):
            return chosen
    held = ", ".join(repr(base[:40]) for base in sorted(map(_base, members))[:4]) or "nothing"
    raise InvalidData(f"holds {held}, expected {name}_TRAIN.ts and {name}_TEST.ts, once each")


def _base(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename.replace("\\", "/")).name


def _max_bytes(name: str, file: str) -> int:
    """How many bytes a task's file may have: as many as its published size can need."""
    size = published_sizes().get(name)
    if size is None:
        return MAX_MEMBER
    n = size.n_train if "_TRAIN." in file else size.n_test
    return min(n * (size.length or MAX_LENGTH) * VALUE_BYTES + HEADER_BYTES, MAX_MEMBER)
