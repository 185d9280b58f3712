"""`mtcs inspect`: what a file of `mtcs fit` was trained on, how well it does, and with which versions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE.mtcs", help="What 'mtcs fit' or save() wrote.")],
) -> None:
    """Show the tasks of a fitted classifier, their labels and lengths, scores, versions and size."""
    from mtcs.bundles.contents import FORMAT, REMEDY, WHAT
    from mtcs.training.tensor_file import read_metadata

    read_metadata(file, FORMAT, WHAT, REMEDY)  # no such file: told at once

    from mtcs.bundles.card import model_card  # torch with it
    from mtcs.bundles.file import load_bundle

    bundle = load_bundle(file)
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB, {model_card(bundle)}")
