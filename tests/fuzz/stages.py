"""Files between two commands, damaged: whatever goes on from them says so, or ends with the very same results."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import numpy as np
import safetensors.numpy
import yaml

from fuzz.mutation import damaged
from tests.command_line import run

STAGES = ("train", "represent", "classify", "measure", "report")
METHODS = ("mtcs", "dtw")
TIMES = ("trained", "represented", "digest")
"""Of a result: how long it took, and on what, which no two runs have in common, and what covers that, too."""


def check(number: int) -> str:
    """Say "refused" or "accepted". AssertionError if a damaged file changes a result, or a command says no line."""
    random = Random(number)
    with TemporaryDirectory(prefix="mtcs-fuzz-") as name:
        folder = Path(name, "workspace")
        shutil.copytree(finished(), folder)
        places = [*folder.glob("data/*/tiny/**/*"), *folder.glob("results/tiny/**/*")]
        files = [path for path in sorted(places) if path.is_file()]
        file = random.choice(files)
        _damage(file, files, random)
        what = file.relative_to(folder)
        with inside(folder):
            for command in _commands(what, random):
                code, _, said = run(*command, "tiny")
                if code:
                    _one_line(f"{command} after {what}", code, said)
                    return "refused"
        for method in METHODS:
            assert result(folder, method) == result(finished(), method), f"{what}: another result"
        table = "reports/tiny/accuracy.csv"
        assert (folder / table).read_bytes() == (finished() / table).read_bytes(), f"{what}: another report"
    return "accepted"


def _commands(what: Path, random: Random) -> list[list[str]]:
    """What somebody may run after a file was damaged: some stages from one on that reads it."""
    if what.parts[0] == "results":
        return [["report"]]
    kind, methods = what.parts[1], METHODS if what.parts[1] in ("raw", "normalized") else (what.parts[3],)
    first = 0 if kind == "raw" else random.randrange(len(STAGES) - 1)
    before = [["download"], ["normalize"]][random.randrange(2) :] if kind == "raw" else []
    return [*before, *([stage, method] for stage in STAGES[first:-1] for method in methods), ["report"]]


def _one_line(where: str, code: int, said: str) -> None:
    last = said.splitlines()[-1] if said else ""
    assert code in (1, 2), f"{where}: exit code {code}, {last}"
    assert last.startswith("mtcs: "), f"{where}: {said[-300:]!r}"
    assert "a defect of mtcs" not in last, f"{where}: {last}"
    assert len(last) <= 406, f"{where}: {last}"
    assert "Traceback" not in said, f"{where}: {said[-300:]!r}"


def result(folder: Path, method: str) -> dict[str, Any]:
    """A run's result without what no two runs have in common, and its predictions."""
    values = json.loads((folder / f"results/tiny/{method}/seed0.json").read_text())
    predictions = sorted((folder / f"data/predictions/tiny/{method}/seed0").glob("[!.]*.csv"))
    kept = {name: value for name, value in values.items() if name not in TIMES}
    return kept | {path.name: path.read_text() for path in predictions}


def _damage(file: Path, files: list[Path], random: Random) -> None:
    content = file.read_bytes()
    match random.choices(("bytes", "values", "other", "empty", "folder"), (5, 5, 2, 1, 1))[0]:
        case "bytes":
            file.write_bytes(damaged(content, random, random.choice((1, 1, 2))))
        case "values":
            change_values(file, random)
        case "other":
            others = [path for path in files if path.suffix == file.suffix and path != file]
            file.write_bytes(random.choice(others or files).read_bytes())
        case "empty":
            file.write_bytes(b"")
        case "folder":
            file.unlink()
            file.mkdir()


def change_values(file: Path, random: Random) -> None:
    """Change one value of a file that stays of its format."""
    match file.suffix:
        case ".npz":
            with np.load(file) as arrays:
                actual = dict(arrays)
            _change_array(actual, random)
            np.savez(file, **actual)
        case ".safetensors":
            content = file.read_bytes()
            length = int.from_bytes(content[:8], "little")
            metadata = json.loads(content[8 : 8 + length]).get("__metadata__")
            if actual := safetensors.numpy.load(content):  # DTW has no weights
                _change_array(actual, random)
            file.write_bytes(safetensors.numpy.save(actual, {} if not actual else metadata))
        case _:
            text = file.read_text()
            at = random.choice([i for i, letter in enumerate(text) if letter.isalnum()])
            file.write_text(text[:at] + random.choice("0123456789abcx") + text[at + 1 :])


def _change_array(arrays: dict[str, np.ndarray], random: Random) -> None:
    array = arrays[random.choice(sorted(name for name, array in arrays.items() if array.size))]
    flat = array.reshape(-1)  # a view, of arrays as they are loaded
    at = random.randrange(flat.size)
    if array.dtype.kind in "iu":
        flat[at] = (flat[at] + 1) % max(2, int(flat.max()) + 1)
    elif array.dtype.kind == "f":
        flat[at] = flat[at] * random.choice((-1, 2, 1.001)) + random.choice((0, 1e-3, 1e4))
    else:
        flat[at] = "x"


# A workspace in which all has been run


@cache
def finished() -> Path:
    """A workspace with one suite of two tasks, of which two methods were run to their report."""
    folder = Path(mkdtemp(prefix="mtcs-fuzz-finished-"))
    write_workspace(folder)
    with inside(folder):
        for command in (
            ["download"],
            ["normalize"],
            *([stage, m] for m in METHODS for stage in STAGES[:4]),
            ["report"],
        ):
            code, _, said = run(*command, "tiny")
            assert code == 0, f"{command}: {said}"
    return folder


def write_workspace(folder: Path) -> None:
    """Parameters of two small methods, and the data of two tasks."""
    schedule = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01}
    small = {"kind": "multitask", "depth": 2, "hidden": 4, "output": 8, "sharing_weight": 0.1}
    params = {
        "suites": {"tiny": {"tasks": ["Short", "Long"]}},
        "seeds": [0],
        "joint": ["mtcs"],
        "single_task": ["dtw"],
        "methods": {
            "mtcs": small | {"schedule": schedule, "classifier": "svm"},
            "dtw": {"kind": "dtw", "classifier": "n"},
        },
        "classifiers": {"svm": {"kind": "svm", "C": [1, 10], "folds": 2}, "n": {"kind": "nearest_neighbour"}},
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    (folder / "archive").mkdir()
    rng = np.random.default_rng(0)
    for name, length in (("Short", 12), ("Long", 20)):
        for part, n in (("TRAIN", 12), ("TEST", 10)):
            lines = []
            for i in range(n):
                wave = np.sin(np.linspace(0, (2 + 3 * (i % 2)) * np.pi, length)) + 0.4 * rng.normal(size=length)
                lines.append("\t".join([("slow", "fast")[i % 2], *(f"{value:.3f}" for value in wave)]))
            (folder / f"archive/{name}_{part}.tsv").write_text("\n".join(lines) + "\n")


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """In a workspace, with nothing of the machine's settings, and silent logs."""
    before, settings = Path.cwd(), {"MTCS_ARCHIVE": "archive", "MTCS_WORKERS": "1", "MTCS_DEVICE": "cpu"}
    old = {name: os.environ.get(name) for name in settings}
    os.chdir(folder)
    os.environ |= settings
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        os.chdir(before)
        logging.disable(logging.NOTSET)
        for name, value in old.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
