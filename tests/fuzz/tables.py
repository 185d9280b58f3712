"""Tables and other files of one's own, damaged: wide, long, `.arff`, `.npz`, Parquet, a file for each recording."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from fuzz import independent_tables as independent
from fuzz.mutation import damaged
from mtcs.cli import one_line
from mtcs.data.folder import read_folder
from mtcs.errors import InputError

LABELS = ["OK", "not ok", "a:b", "Größe", "x'y", 'say "a"', "1", "007", "a,b"]


def check(number: int) -> str:
    """Say "refused" or "accepted". AssertionError if a file is read as something else, or a refusal is not one line."""
    random = Random(number)
    form = random.choices((_wide, _long, _arff, _npz, _parquet, _recordings), (6, 6, 3, 1, 1, 2))[0]
    with TemporaryDirectory(prefix="mtcs-fuzz-") as name:
        return form(Path(name), random)


def _compare(path: Path, expected: Any, options: dict[str, Any], times: int) -> str:
    """Read a file with mtcs, and compare with `expected()`, the series and labels that an independent reader finds."""
    try:
        data = read_folder(path, verbose=False, **options)
    except InputError as error:
        said = one_line(str(error))
        assert times, f"refused as it was made: {said}"
        assert said.isprintable(), f"not printable: {said!r}"
        assert len(said) <= 400, said
        return "refused"
    series, labels = expected()
    (result, found_labels), *others = data.values()
    assert not others, "several tasks"
    assert independent.same(result, series), f"other values: {result} instead of {series}"
    assert list(map(str, found_labels)) == labels, f"labels {found_labels}, expected {labels}"
    return "accepted"


# Tables as text: with options all of the file is damaged, and without them all but the line of names, which are guessed


def _wide(folder: Path, random: Random) -> str:
    """One row a series."""
    separator, mark = random.choice(((",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ",")))
    n, length = random.randint(4, 8), random.randint(3, 7)
    with_id, labels = random.random() < 0.4, random.sample(LABELS, 2)
    names = ["id"] * with_id + ["label"] + [f"t{i}" for i in range(length)]
    rows = [
        [f"r{i}"] * with_id + [labels[i % 2]] + _cells(random, length, mark, random.choice(("", "NaN", "n/a", "?")))
        for i in range(n)
    ]
    columns = {"id": "id"} if with_id else {}
    options = {"label": "label", "layout": "wide", "header": True, "separator": separator, **columns}
    path, content, options, times = _text_file(folder, random, separator, names, rows, options)
    return _compare(path, lambda: independent.wide(content, separator, "id" if with_id else None), options, times)


def _long(folder: Path, random: Random) -> str:
    """One row a time step."""
    separator, mark = random.choice(((",", "."), (";", "."), (";", ","), ("\t", ".")))
    channels, labels = random.choice((["value"], ["x", "z"])), random.sample(LABELS, 2)
    rows = []
    for i in range(random.randint(3, 5)):
        steps = random.randint(2, 4)
        cells = [_cells(random, steps, mark, "NaN") for _ in channels]
        rows += [[f"r{i}", str(step), *(one[step] for one in cells), labels[i % 2]] for step in range(steps)]
    if random.random() < 0.3:
        random.shuffle(rows)
    options = {"label": "label", "id": "id", "time": "time", "layout": "long", "header": True, "separator": separator}
    names = ["id", "time", *channels, "label"]
    path, content, options, times = _text_file(folder, random, separator, names, rows, options)
    return _compare(path, lambda: independent.long(content, separator), options, times)


def _text_file(
    folder: Path, random: Random, separator: str, names: list[str], rows: list[list[str]], options: dict[str, Any]
) -> tuple[Path, bytes, dict[str, Any], int]:
    end, bom = random.choice(("\n", "\r\n")), "\ufeff" if random.random() < 0.1 else ""
    header = (bom + separator.join(names) + end).encode()
    body = "".join(separator.join(_quoted(field, separator, random) for field in row) + end for row in rows).encode()
    times = random.choice((0, 1, 1, 1, 2, 3))
    if random.random() < 0.5:
        content = damaged(header + body, random, times)
    else:
        content, options = header + damaged(body, random, times), {}
    path = folder / f"mine{'.tsv' if separator == chr(9) else random.choice(('.csv', '.txt'))}"
    path.write_bytes(content)
    return path, content, options, times


def _cells(random: Random, n: int, mark: str, missing: str) -> list[str]:
    """Values as they are written, the first and last of them known."""
    cells = [_value(random).replace(".", mark) for _ in range(n)]
    if n > 2 and random.random() < 0.2:
        cells[random.randrange(1, n - 1)] = missing
    return cells


def _value(random: Random) -> str:
    value = random.gauss(0, 10 ** random.randint(-3, 3))
    return random.choice((f"{value:.3f}", f"{value:.17g}", f"{value:.4e}", f"{value:+.2f}", f"{int(value)}"))


def _quoted(field: str, separator: str, random: Random) -> str:
    if separator in field or '"' in field or random.random() < 0.1:
        return '"' + field.replace('"', '""') + '"'
    return field


# Other files


def _arff(folder: Path, random: Random) -> str:
    n, length, labels = random.randint(2, 5), random.randint(2, 5), random.sample(["a", "b c", "1", "é"], 2)
    header = ["@relation mine", *(f"@attribute t{i} {random.choice(('numeric', 'REAL'))}" for i in range(length))]
    header += [f"@attribute target {{{','.join(_apostrophes(label) for label in labels)}}}", "@data"]
    rows = [",".join([*_cells(random, length, ".", "?"), _apostrophes(labels[i % 2])]) for i in range(n)]
    times = random.choice((0, 1, 1, 2))
    content = damaged("\n".join([*header, *rows, ""]).encode(), random, times)
    path = folder / "mine.arff"
    path.write_bytes(content)
    return _compare(path, lambda: independent.arff(content), {}, times)


def _apostrophes(label: str) -> str:
    return f"'{label}'" if " " in label else label


def _npz(folder: Path, random: Random) -> str:
    """A changed byte breaks a zip's check sum, or something that holds no value."""
    X, y = _arrays(random)
    packed, times = io.BytesIO(), random.choice((0, 1, 2))
    random.choice((np.savez, np.savez_compressed))(packed, X=X, y=y)
    path = folder / "mine.npz"
    path.write_bytes(damaged(packed.getvalue(), random, times))
    return _compare(path, lambda: (list(map(independent.trimmed, X)), list(map(str, y))), {}, times)


def _parquet(folder: Path, random: Random) -> str:
    """Compared with what pyarrow reads column by column, as nothing else reads them here."""
    X, y = _arrays(random)
    table = pa.table({"label": y.astype(str), **{f"t{i}": column for i, column in enumerate(X.T)}})
    packed, times = io.BytesIO(), random.choice((0, 1, 1))
    parquet.write_table(table, packed)
    path = folder / "mine.parquet"
    path.write_bytes(damaged(packed.getvalue(), random, times))

    def expected() -> tuple[list[np.ndarray], list[str]]:
        file = parquet.ParquetFile(path)
        columns = {name: file.read(columns=[name]).column(0).to_numpy() for name in file.schema_arrow.names}
        values = np.stack([column for name, column in columns.items() if name != "label"], 1)
        return list(map(independent.trimmed, values)), list(map(str, columns["label"]))

    return _compare(path, expected, {}, times)


def _arrays(random: Random) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(random.randrange(2**32))
    n, length = random.randint(3, 6), random.randint(3, 6)
    return rng.normal(size=(n, length)), np.array(["ok", "worn"])[np.arange(n) % 2]


def _recordings(folder: Path, random: Random) -> str:
    """A folder with a file for each recording and a table of labels, of which one file is damaged."""
    n, channels, labels = random.randint(2, 4), random.choice((["x"], ["x", "z"])), random.sample(LABELS, 2)
    contents = {}
    for i in range(n):
        columns = [_cells(random, random.choice((3, 4)), ".", "NaN") for _ in channels]
        rows = zip(*columns, strict=False)
        contents[f"r{i}.csv"] = "\n".join([",".join(channels), *map(",".join, rows), ""]).encode()
    lines = [f"r{i}.csv,{_quoted(labels[i % 2], ',', random)}" for i in range(n)]
    contents["labels.csv"] = "\n".join(["file,label", *lines, ""]).encode()
    times = random.choice((0, 1, 1, 2))
    name = random.choice(list(contents))
    header, _, body = contents[name].partition(b"\n")  # names of columns are guessed
    contents[name] = header + b"\n" + damaged(body, random, times)
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    return _compare(folder, lambda: independent.recordings(contents), {}, times)
