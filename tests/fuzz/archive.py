"""Files of an archive, mutated: `.ts` and `.tsv` alone, tasks of two files in a folder, zips."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from fuzz import independent
from fuzz.mutation import damaged
from mtcs.cli import one_line
from mtcs.data.formats import read_raw
from mtcs.data.sources import fetch_task
from mtcs.data.text import InvalidData
from mtcs.data.ts import read_ts
from mtcs.data.tsv import read_tsv
from mtcs.errors import MtcsError

NUMBERS = ["1", "2", "-1", "007", "12"]
WORDS = ["OK", "ok", "not ok", "a:b", "Größe", "x'y", '"', "a,b", "#1"]
PARTS = ("TRAIN", "TEST")


def check(number: int) -> str:
    """Say "refused" or "accepted". AssertionError if an input is read as something else, or fails otherwise."""
    random = Random(number)
    with TemporaryDirectory(prefix="mtcs-fuzz-") as name:
        return random.choices((_one_file, _folder, _zip), (8, 2, 1))[0](Path(name), random)


def _one_file(folder: Path, random: Random) -> str:
    suffix = random.choice((".ts", ".tsv"))
    times = random.choice((0, 1, 1, 1, 2, 4))
    content = damaged(_text(random, suffix), random, times)
    path = folder / f"Mine_TRAIN{suffix}"
    path.write_bytes(content)
    try:
        if suffix == ".ts":
            file = read_ts(path, "Mine (train)")
            series, labels = file.series, file.labels
        else:
            series, labels = read_tsv(path)
    except InvalidData as fault:
        assert times, f"refused as it was made: {fault}"
        return _refused(fault)
    expected, known = independent.ts(content) if suffix == ".ts" else independent.tsv(content)
    assert independent.equal(series, expected), "other values"
    assert labels == known, f"labels {labels}, expected {known}"
    return "accepted"


def _folder(folder: Path, random: Random) -> str:
    """A task of two files, of which one is damaged, on its way through download and the reader of normalize."""
    suffix, times = random.choice((".ts", ".tsv")), random.choice((0, 1, 1, 2))
    contents = _parts(random, suffix)
    part = random.choice(PARTS)
    contents[part] = damaged(contents[part], random, times)
    source = folder / "source"
    source.mkdir()
    for name, content in contents.items():
        (source / f"Mine_{name}{suffix}").write_bytes(content)
    return _fetched(folder, source, {name: (suffix, content) for name, content in contents.items()}, times)


def _zip(folder: Path, random: Random) -> str:
    contents = _parts(random, ".ts")
    packed, times = io.BytesIO(), random.choice((0, 1, 1, 2))
    with zipfile.ZipFile(packed, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, content in contents.items():
            archive.writestr(f"{random.choice(('', 'Mine/'))}Mine_{name}.ts", content)
    source = folder / "source"
    source.mkdir()
    (source / "Mine.zip").write_bytes(damaged(packed.getvalue(), random, times))
    return _fetched(folder, source, {name: (".ts", content) for name, content in contents.items()}, times)


def _fetched(folder: Path, source: Path, contents: dict[str, tuple[str, bytes]], times: int) -> str:
    raw = folder / "raw/Mine"
    try:
        fetch_task("Mine", raw, str(source))
    except MtcsError as error:
        assert times, f"refused as it was made: {error}"
        assert not raw.exists(), "refused, and there"
        return _refused(error)
    task = read_raw(raw, "Mine")  # what has been let in can be read
    for part, split in (("TRAIN", task.train), ("TEST", task.test)):
        suffix, content = contents[part]
        expected, labels = independent.ts(content) if suffix == ".ts" else independent.tsv(content)
        assert independent.equal(split.series, independent.trimmed(expected)), f"other values in {part}"
        assert split.labels == labels, f"labels {split.labels}, expected {labels}"
    assert list(task.classes) == sorted(set(task.train.labels), key=task.classes.index)
    return "accepted"


def _refused(error: Exception) -> str:
    said = one_line(str(error))
    assert said.isprintable(), f"not printable: {said!r}"
    assert len(said) <= 400, said
    return "refused"


# Files as they should be


def _labels(random: Random, suffix: str) -> list[str]:
    numbers = random.random() < 0.5  # both kinds in one task may be a column of names, and are refused
    return random.sample(NUMBERS if numbers else WORDS[: 8 if suffix == ".tsv" else 9], random.randint(2, 4))


def _parts(random: Random, suffix: str) -> dict[str, bytes]:
    """Both files of a task, with the same labels and lengths."""
    labels, length = _labels(random, suffix), random.randint(3, 9)
    return {part: _text(random, suffix, labels, length) for part in PARTS}


def _text(random: Random, suffix: str, labels: list[str] | None = None, length: int | None = None) -> bytes:
    """A file of a few series in one of the ways in which such files are written."""
    labels = labels or _labels(random, suffix)
    n, bom = random.randint(len(labels), 9), "\ufeff" if length is None and random.random() < 0.1 else ""
    length = length or random.randint(3, 9)
    unequal, missing = random.random() < 0.3, random.random() < 0.3
    mark = random.choice(("?", "NaN", "nan")) if suffix == ".ts" else random.choice(("", "NaN", "nan"))
    rows = []
    for i in range(n):
        size = random.randint(2, length) if unequal and i else length
        values = [_value(random) for _ in range(size)]
        if missing and size > 2:
            values[random.randrange(1, size - 1)] = mark
        rows.append((labels[i % len(labels)] if i < len(labels) else random.choice(labels), values))
    end = random.choice(("\n", "\n", "\r\n", "\r"))
    if suffix == ".tsv":
        lines = ["\t".join([label, *values]) for label, values in rows]
    else:
        lines = _header(random, rows, labels) + [f"{','.join(values)}:{label}" for label, values in rows]
    text = end.join(lines) + random.choice((end, end, ""))
    return (bom + text).encode()


def _header(random: Random, rows: list[tuple[str, list[str]]], labels: list[str]) -> list[str]:
    lengths = {len(values) for _, values in rows}
    missing = any(value.lower() in ("?", "nan") for _, values in rows for value in values)
    lines = ["# a comment, with ümläuts", "@problemName Mine", "@timestamps false", "@univariate true"]
    lines += [f"@missing {'true' if missing else 'false'}", f"@equalLength {'true' if len(lengths) == 1 else 'false'}"]
    if len(lengths) == 1:
        lines.append(f"@seriesLength {max(lengths)}")
    lines = [line for line in lines if random.random() < 0.8]
    random.shuffle(lines)
    if random.random() < 0.2:
        lines.insert(0, "")
    return [*lines, f"@classLabel true {' '.join(labels)}", random.choice(("@data", "@DATA"))]


def _value(random: Random) -> str:
    value = random.gauss(0, 10 ** random.randint(-3, 3))
    return random.choice((f"{value:.3f}", f"{value:.17g}", f"{value:.7e}", f"{value:+.2f}", f"{int(value)}"))
