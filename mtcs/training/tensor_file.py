"""A `.safetensors` file with metadata: written whole or not at all, and read without running code of it.

The metadata hold the format's version, the version of `mtcs`, and a digest of all. Torch is imported where tensors are,
so that whoever asks for the metadata alone need not wait for it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import mtcs
from mtcs.errors import InputError
from mtcs.files import atomic_write, regular

if TYPE_CHECKING:
    from torch import Tensor

MAX_HEADER = 100_000_000
"""Bytes, as in the format's own definition."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write tensors, metadata and a digest of both to `path`, whole or not at all; equal ones give equal bytes."""
    from safetensors.torch import save

    plain = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
    metadata = metadata | {"digest": _digest(plain, metadata)}
    with atomic_write(path) as part:
        part.write_bytes(_ordered(save(plain, metadata=metadata)))


def read_tensors(path: Path, expected: str, what: str, remedy: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a file of the format `expected`, which holds a `what`; no code is loaded.

    Raises:
        InputError: in one line, if there is no such file, it is not of that format, or not as it was written.
    """
    from safetensors.torch import load

    with _explained(path, what, remedy):
        content = regular(path).read_bytes()
        metadata = _metadata(content[8 : 8 + int.from_bytes(content[:8], "little")])
        tensors = load(content)
    _check_format(path, metadata, expected, remedy)
    if metadata.pop("digest", None) not in (None, _digest(tensors, metadata)):  # None: of an earlier version
        raise InputError(f"{path} holds other content than was written; {remedy}.")
    return metadata, tensors


def read_metadata(path: Path, expected: str, what: str, remedy: str) -> dict[str, str]:
    """As `read_tensors`, the metadata alone, without a look at the tensors.

    Raises:
        InputError: in one line, if there is no such file, or it is not of that format.
    """
    with _explained(path, what, remedy), regular(path).open("rb") as file:
        metadata = _metadata(file.read(min(int.from_bytes(file.read(8), "little"), MAX_HEADER)))
    _check_format(path, metadata, expected, remedy)
    return metadata


@contextmanager
def _explained(path: Path, what: str, remedy: str) -> Iterator[None]:
    """Raises InputError where a file cannot be read as one of tensors."""
    from safetensors import SafetensorError

    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; {remedy}.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; {remedy}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); make it readable.") from error
    except MemoryError:
        raise InputError(f"{path} is larger than the memory of this machine; {remedy}.") from None
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is no {what} of mtcs ({' '.join(str(error).split())[:200]}); {remedy}.") from error


def _check_format(path: Path, metadata: Mapping[str, str], expected: str, remedy: str) -> None:
    if metadata.get("format") == expected:
        return
    version = metadata.get("format", "of an earlier version")
    if newer := _newer_format(version, expected):
        raise InputError(f"{path} was written by a newer mtcs ({newer}); upgrade mtcs.")
    raise InputError(f"{path} has the format {version!r:.60}, expected {expected!r}; {remedy}.")


def _newer_format(version: str, expected: str) -> str | None:
    """Which format a file has, in words, if it is a later one than the expected "mtcs-model/1"."""
    kind, _, known = expected.partition("/")
    number = re.fullmatch(rf"{kind}/([0-9]{{1,6}})", version)
    if number is None or int(number[1]) <= int(known):
        return None
    return f"format {number[1]}; this one reads up to {known}"


def remedy_of(metadata: Mapping[str, str], remedy: str) -> str:
    """What to do about a file that cannot be used: upgrade if a later version of mtcs wrote it, else `remedy`."""
    written, own = (re.findall(r"[0-9]{1,6}", text)[:3] for text in (metadata.get("mtcs", ""), mtcs.__version__))
    if [*map(int, written)] <= [*map(int, own)]:
        return remedy
    return f"it was written by mtcs {'.'.join(written)}, newer than this {'.'.join(own)}: upgrade mtcs"


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    import torch

    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if tensor.numel():  # an empty one cannot be seen as bytes
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]


def _metadata(header: bytes) -> dict[str, str]:
    metadata = json.loads(header).get("__metadata__") or {}
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata are no texts")
    return metadata


def _ordered(content: bytes) -> bytes:
    """The same file with its metadata in a fixed order; safetensors writes them in the order of a hash map."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]
