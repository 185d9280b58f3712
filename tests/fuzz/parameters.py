"""Parameter files, damaged as text and as values; what is accepted has the values of the file."""

from __future__ import annotations

import copy
import math
import time
from datetime import date
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import torch  # noqa: F401  # with which some names are compared: not the time of the first file that has one
import yaml
from pydantic import BaseModel

from fuzz.mutation import damaged
from mtcs.cli import one_line
from mtcs.config.experiment_file import read_experiment
from mtcs.config.parameter_file import read_yaml
from mtcs.errors import InputError

ROOT = Path(__file__).parents[2]
OWN = (ROOT / "params.yaml").read_text("utf-8")
EARLIER = """\
suites: {mine: {tasks: [Pump, Fan], methods: [mtcs, dtw], seeds: [0]}}
seeds: [0]
joint: [mtcs, mtl]
alone: [tnc, dtw]
methods:
  mtcs: &mtcs {kind: multitask, depth: 4, hidden: 16, output: 32, sharing_weight: 0.1, schedule: &s {epochs: 3, batch_size: 32, learning_rate: 0.001}, classifier: svm}
  mtl: {<<: *mtcs, sharing_weight: 0}
  tnc: {kind: tnc, depth: 4, parts: 5, shortest: 4, longest: 400, samples: 5, schedule: {<<: *s, steps: 10}, classifier: svm}
  dtw: {kind: dtw, classifier: nearest}
classifiers: {nearest: {kind: nearest_neighbour}, svm: {kind: svm, costs: [0.01, 1, 100, .inf], folds: 5}}
"""  # noqa: E501  # as such files are written
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 2**31, 2**53, 2**63, 10**30, 0.5, -0.0, 1e-300, 1e300, math.inf, math.nan),
    *(
        "",
        "no",
        "1:30",
        "012",
        "0x1F",
        "1_000",
        "svm",
        "mtcs",
        "train",
        "type",
        "a.b",
        "../x",
        "/etc/passwd",
        "x" * 300,
    ),
    *(
        "two\nlines",
        "\x1b[31m",
        "é",
        "{name}",
        "~",
        [],
        {},
        [[]],
        [None],
        {"a": 1},
        {"like": "mtcs"},
        ["A", "a"],
        date(2001, 1, 1),
    ),
]
SECONDS = 5.0
"""Of a processor that a file may take; the project's own needs a tenth on a slow one."""


def check(number: int) -> str:
    """Say "refused" or "accepted". AssertionError if values are not those of the file, or a refusal not one line."""
    random = Random(number)
    text = random.choice((OWN, EARLIER))
    if random.random() < 0.5:
        text = damaged(text.encode(), random, random.choice((1, 1, 2, 3))).decode("utf-8", "surrogateescape")
    else:
        text = _changed(text, random)
    with TemporaryDirectory(prefix="mtcs-fuzz-") as folder:
        path = Path(folder, "params.yaml")
        path.write_text(text, "utf-8", "surrogateescape", newline="")
        start = time.process_time()
        try:
            experiment = read_experiment(path)
        except InputError as error:
            said = one_line(str(error))
            assert said.isprintable(), f"not printable: {said!r}"
            assert len(said) <= 400, said
            return "refused"
        finally:
            assert time.process_time() - start < SECONDS, "it took too long"
    result = read_yaml(text)
    for kind in ("suites", "methods", "classifiers"):
        for name, block in getattr(experiment, kind).items():
            _check_block(f"{kind}.{name}", block, result[kind][name])
    assert list(experiment.seeds) == result["seeds"], "other seeds"
    return "accepted"


def _check_block(where: str, block: BaseModel, values: dict[str, Any]) -> None:
    """AssertionError if a block, or one in it, has other values than its file."""
    for key, value in values.items():
        if key not in type(block).model_fields:
            continue
        parameter = getattr(block, key)
        if isinstance(parameter, BaseModel) and isinstance(value, dict):
            _check_block(f"{where}.{key}", parameter, value)
        elif not (isinstance(parameter, tuple) and not isinstance(value, list)):  # tasks by a rule
            parameter = list(parameter) if isinstance(parameter, tuple) else parameter
            assert parameter == value, f"{where}.{key} is {parameter}, not {value}"


def _changed(text: str, random: Random) -> str:
    """The file with one value replaced, removed, or moved, written anew."""
    content = copy.deepcopy(yaml.safe_load(text))
    for _ in range(random.choice((1, 1, 2))):
        inner = content
        while True:
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            if not keys:
                break
            key = random.choice(keys)
            if isinstance(inner[key], (dict, list)) and inner[key] and random.random() < 0.85:
                inner = inner[key]
                continue
            _replace(inner, key, random)
            break
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=random.random() < 0.5)


def _replace(inner: Any, key: Any, random: Random) -> None:
    what = random.random()
    if what < 0.15:
        del inner[key]
    elif what < 0.3 and isinstance(inner, dict):
        inner[random.choice(VALUES[:30])] = inner.pop(key)
    else:
        inner[key] = random.choice(VALUES)
