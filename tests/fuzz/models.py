"""Files of models and classifiers that are handed on, damaged: refused in one line, or they answer as before."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np

import mtcs
from fuzz.mutation import damaged
from fuzz.stages import change_values
from mtcs.cli import one_line
from mtcs.errors import InputError

X = np.random.default_rng(0).normal(size=(12, 16))
Y = np.where(np.arange(12) % 2, "worn", "ok")


def check(number: int) -> str:
    """Say "refused" or "accepted". AssertionError if a damaged file answers otherwise, or a refusal is not one line."""
    random = Random(number)
    content, expected = random.choice(files())
    with TemporaryDirectory(prefix="mtcs-fuzz-") as name:
        path = Path(name, "m.mtcs")
        if random.random() < 0.3:
            path = path.with_suffix(".safetensors")
            path.write_bytes(content)
            change_values(path, random)
        else:
            path.write_bytes(damaged(content, random, random.choice((1, 1, 2, 5))))
        try:
            result = answers(path)
        except InputError as error:
            said = one_line(str(error))
            assert said.isprintable(), f"not printable: {said!r}"
            assert len(said) <= 400, said
            return "refused"
    assert result == expected, "other answers"
    return "accepted"


@cache
def files() -> list[tuple[bytes, bytes]]:
    """Contents and answers of a model's file, and of one with classifiers of each kind."""
    folder = Path(mkdtemp(prefix="mtcs-fuzz-models-"))
    made = []
    for i, (method, classifier) in enumerate((("mtcs", "svm"), ("mtl", "ridge"), ("dtw", "nearest"))):
        small = method if method == "dtw" else {"like": method, "depth": 2, "hidden": 4, "output": 8}
        model = mtcs.MultiTaskClassifier(small, 0, classifier=classifier, device="cpu").fit({"pumps": (X, Y)})
        path = folder / f"{i}.mtcs"
        model.save(path)
        made.append((path.read_bytes(), answers(path)))
    return made


def answers(path: Path) -> bytes:
    """What a file says of some series, bit by bit."""
    model = mtcs.load(path)
    return model.transform("pumps", X).tobytes() + "".join(map(str, model.predict("pumps", X))).encode()
