"""Zips that are damaged, hostile or without bounds."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from pathlib import Path

import pytest

from mtcs.data import unpack as unpacking
from mtcs.data.text import InvalidData
from mtcs.data.unpack import unpack
from tests.data.toy import FILES, TEST, TRAIN, ZIP, zipped


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


def flagged_as_encrypted(content: bytes) -> bytes:
    """Set the encryption flag in every local header and directory entry."""
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content = re.sub(
            re.escape(signature) + b"(" + b"." * (offset - 4) + b").",
            lambda result, s=signature: s + result[1] + b"\x01",
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
        (ZIP[:-30], r"is not a whole zip archive \(it starts with b'PK"),
        (
            zipped({"Crop_TRAIN.ts": TRAIN, "Crop_TEST.ts": TEST}),
            "holds 'Crop_TEST.ts', 'Crop_TRAIN.ts', expected Toy_TR",
        ),
        (zipped({}), "holds nothing, expected Toy_TRAIN.ts and Toy_TEST.ts, once each"),
        (zipped({"a/Toy_TRAIN.ts": TRAIN, **FILES}), "holds .*, expected Toy_TRAIN.ts and Toy_TEST.ts, once each"),
        (zipped({**FILES, "../../evil": ""}), "holds '../../evil', which leads outside the archive, refused"),
        (zipped({**FILES, "..\\evil": ""}), "holds '.*evil', which leads outside the archive, refused"),
        (zipped({**FILES, "C:evil": ""}), "holds '.*evil', which leads outside the archive, refused"),
        (zipped({**FILES, "/tmp/evil": ""}), "holds '/tmp/evil', which leads outside the archive, refused"),
        (
            zipped({link("Toy_TRAIN.ts"): "/etc/passwd", "Toy_TEST.ts": TEST}),
            "holds 'Toy_TRAIN.ts', which is a symbolic link, refused",
        ),
        (flagged_as_encrypted(ZIP), "holds 'Toy_TRAIN.ts', which is encrypted, refused"),
        (corrupted(ZIP), r"is a damaged zip archive \(Bad CRC-32 for file 'Toy_TRAIN.ts'\)"),
        (ZIP[10:], r"is a damaged zip archive \(a member begins 10 bytes before the file\)"),
        (zipped(FILES, zipfile.ZIP_BZIP2), "holds 'Toy_TRAIN.ts', which is packed other than by deflate, refused"),
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
def test_a_wrong_zip_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InvalidData, match=f"^{message}"):
        unpack("Toy", write(tmp_path / "Toy.zip", content), tmp_path)
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("Toy", 2**28),  # nobody publishes its size
        ("Chinatown", 343 * 24 * 32 + 2**20),
        ("PLAID", 537 * 3000 * 32 + 2**20),  # of unequal lengths
        ("StarLightCurves", 2**28),
    ],
)
def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path, name: str, most: int) -> None:
    part = f"{name}_TEST.ts"
    content = zipped({f"{name}_TRAIN.ts": TRAIN, part: TEST})
    declared = len(TEST).to_bytes(4, "little")
    honest = content.rindex(declared)  # in the list of members
    bomb = content[:honest] + (most + 1).to_bytes(4, "little") + content[honest + 4 :]
    message = f"holds {part} of {most + 1:,} bytes, expected at most {most:,}"
    with pytest.raises(InvalidData, match=f"^{re.escape(message)}$"):
        unpack(name, write(tmp_path / "a.zip", bomb), tmp_path)
    assert not (tmp_path / part).exists()


def test_the_two_files_are_unpacked_and_nothing_else(tmp_path: Path) -> None:
    content = zipped({"Toy/Toy_TRAIN.ts": TRAIN, "Toy/Toy_TEST.ts": TEST, "Toy/about.txt": "..."})
    archive = write(tmp_path / "a.zip", content)
    (folder := tmp_path / "into").mkdir()
    unpack("Toy", archive, folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == FILES


def test_a_zip_that_cannot_be_read_is_not_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "Toy.zip").symlink_to("/proc/self/mem")  # whose first bytes nobody may read, as on a broken disk
    with pytest.raises(InvalidData, match=r"is a damaged zip archive \(\[Errno 5\] Input/output error\)"):
        unpack("Toy", tmp_path / "Toy.zip", tmp_path)


@pytest.mark.parametrize("place", ["", "../"])
def test_names_of_members_are_escaped_and_cut(tmp_path: Path, place: str) -> None:
    content = zipped({place + "\x1b[31m" + "x" * 5000: "", "a\nb": ""})
    with pytest.raises(InvalidData) as error:
        unpack("Toy", write(tmp_path / "a.zip", content), tmp_path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 250


@pytest.mark.parametrize("large", [False, True])
def test_a_list_of_members_without_end_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    monkeypatch.setattr(unpacking, "MAX_READ", 4096)
    if large:  # more members than the plain end of a zip can count
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10)
    content = zipped({f"{i}": "" for i in range(101)})
    assert (b"PK\x06\x07" in content) is large
    with pytest.raises(
        InvalidData, match=r"is a damaged zip archive \(its list of members has 4,\d{3} bytes, expected at"
    ):
        unpack("Toy", write(tmp_path / "a.zip", content), tmp_path)


def test_a_zip_bomb_that_declares_a_small_size_is_refused(tmp_path: Path) -> None:
    text = TEST + "1,2,3:2\n" * 10_000
    honest, small = len(text).to_bytes(4, "little"), (100).to_bytes(4, "little")
    content = zipped({"Toy_TRAIN.ts": TRAIN, "Toy_TEST.ts": text})
    assert content.count(honest) == 2
    with pytest.raises(InvalidData, match=r"is a damaged zip archive \(Bad CRC-32 for file 'Toy_TEST.ts'\)"):
        unpack("Toy", write(tmp_path / "a.zip", content.replace(honest, small)), tmp_path)
