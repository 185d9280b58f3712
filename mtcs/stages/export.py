"""`mtcs export`: one task of a file of `mtcs fit` as an ONNX graph, for programs without Python or torch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mtcs.errors import InputError, WorkError
from mtcs.files import atomic_write
from mtcs.stages.output import check_output

TOLERANCE = 1e-4
"""Largest difference from torch, relative to the largest entry of a representation."""

INSTALL = "pip install 'mtcs[export]'"


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.mtcs", help="What 'mtcs fit' or save() wrote.")],
    onnx: Annotated[Path, typer.Option("--onnx", metavar="FILE.onnx", help="Where the graph goes.")],
    task: Annotated[str | None, typer.Option("--task", help="Of FILE.mtcs, where it has several.")] = None,
) -> None:
    """Write encoder and classifier of a task as an ONNX graph, checked against torch where onnxruntime is installed.

    It takes raw series (n, T), NaN where padded or missing, and gives representations, decisions, probabilities and the
    index of the label; the labels stand in its metadata. For tasks of one channel and methods with one dilated encoder.
    """
    check_output(onnx, file, option="--onnx")
    if find_spec("onnx") is None:
        raise InputError(f"mtcs export needs the package onnx, which is not installed; {INSTALL}.")

    from mtcs.bundles.contents import chosen_task

    name, _ = chosen_task(file, task)

    from mtcs.bundles.file import load_bundle  # torch with it
    from mtcs.bundles.onnx_export import build_onnx, compare_with_torch

    bundle = load_bundle(file)
    content = build_onnx(bundle, name)
    checked = f"not checked, since onnxruntime is not installed ({INSTALL})"
    if find_spec("onnxruntime") is not None:
        result = compare_with_torch(content, bundle, name)
        if not result.difference <= TOLERANCE:
            raise WorkError(
                f"{name}: the graph and torch differ by {result.difference:.1e} of the largest entry, expected at most "
                f"{TOLERANCE:.0e}; nothing was written. Use 'mtcs predict', and report this."
            )
        checked = (
            f"it and torch differ by at most {result.difference:.0e} of the largest entry on {result.n} made-up "
            f"series, {result.same_labels} with the same label"
        )
    with atomic_write(onnx.resolve()) as part:
        part.write_bytes(content)
    print(f"{onnx}: encoder and classifier of {name}, {len(content) / 1e6:.1f} MB; {checked}.")
