"""The file of a fitted reader: its arrays as safetensors, with its kind and format as metadata; no code is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mtcs.errors import InputError
from mtcs.files import atomic_write, regular

FORMAT = "1"
"""Of the arrays and their meaning."""


class Arrays(Protocol):
    """A dataclass of arrays alone."""

    SHAPES: ClassVar[Mapping[str, str]]
    """Of each array the kind of number, as numpy names it, and the dimensions: "f n D"; equal letters, equal sizes.

    "f?" is a kind of number that may be NaN or infinite.
    """


Fitted = TypeVar("Fitted", bound=Arrays)


def save_arrays(path: Path, kind: str, reader: Arrays) -> None:
    """Write a reader to `path`, whole or not at all; equal readers give equal bytes.

    Raises:
        OSError: if the file cannot be written.
    """
    with atomic_write(path) as part:
        part.write_bytes(save(to_arrays(reader), {"reader": f"{kind} {FORMAT}"}))


def load_arrays(path: Path, kinds: Mapping[str, type[Fitted]]) -> Fitted:
    """Read the reader, one of `kinds`, that `save_arrays` wrote.

    Raises:
        InputError: if there is no such file, or it does not hold the arrays of one of these.
    """
    try:
        # Python's own error where it is a folder, before that of safetensors.
        with regular(path).open("rb"), safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run 'mtcs classify'.") from None
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise InputError(f"{path} does not hold a classifier ({error}); run 'mtcs classify' again.") from error
    try:
        return from_arrays(metadata.get("reader", ""), arrays, kinds)
    except ValueError as error:
        raise InputError(f"{path} does not hold a classifier ({error}); run 'mtcs classify' again.") from error


def to_arrays(reader: Arrays) -> dict[str, np.ndarray]:
    """The arrays of a reader, by name."""
    return {name: np.asarray(getattr(reader, name), order="C") for name in reader.SHAPES}


def from_arrays(label: str, arrays: Mapping[str, np.ndarray], kinds: Mapping[str, type[Fitted]]) -> Fitted:
    """The reader that `to_arrays` took apart.

    label: its kind and its format, "svm 1".

    Raises:
        ValueError: if these are not the arrays of one of `kinds`.
    """
    kind, _, version = label.partition(" ")
    if version != FORMAT or kind not in kinds:
        raise ValueError(
            f"its metadata name reader '{kind:.40} {version:.10}', expected {' or '.join(kinds)}, {FORMAT}"
        )
    if wrong := _wrong(arrays, kinds[kind].SHAPES):
        raise ValueError(wrong)
    return kinds[kind](**arrays)


def _wrong(arrays: Mapping[str, Any], shapes: Mapping[str, str]) -> str | None:
    """What is wrong with arrays, in words."""
    if unequal := sorted(set(arrays) ^ set(shapes)):
        return f"{unequal[0]:.40} is {'missing' if unequal[0] in shapes else 'none of its arrays'}"
    sizes: dict[str, int] = {}
    for name, shape in shapes.items():
        number, *dimensions = shape.split()
        array = arrays[name]
        known = [sizes.setdefault(dimension, size) for dimension, size in zip(dimensions, array.shape, strict=False)]
        if array.dtype.kind != number[0] or array.ndim != len(dimensions) or known != list(array.shape):
            return f"{name} has shape {array.shape} of {array.dtype}, expected {shape}"
        if number == "f" and not np.isfinite(array).all():
            return f"{name} holds values that are not finite"
    return None
