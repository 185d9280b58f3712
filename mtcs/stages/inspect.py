"""`mtcs inspect`: what a file of `mtcs fit` was trained on, how well it does, and with which versions."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE.mtcs", help="What 'mtcs fit' or save() wrote.")],
) -> None:
    """Show the tasks of a fitted classifier, their labels and lengths, scores, versions and size."""
    from mtcs.evaluation.bundle_file import load_bundle

    bundle = load_bundle(file)
    weights = sum(weight.numel() for weight in bundle.model.method.parameters())
    print(f"{file}: {getattr(bundle.model.spec, 'kind', '')}, {weights:,} weights, {file.stat().st_size / 1e6:.1f} MB")
    for name, task in bundle.tasks.items():
        shortest, longest = task.lengths
        steps = f"{shortest} steps" if shortest == longest else f"{shortest} to {longest} steps"
        steps += f", {task.info.channels} channels" if task.info.channels > 1 else ""
        added = "" if any(name == one.name for one in bundle.model.tasks) else ", added later"
        count = task.n_series or "an unknown number of"
        print(f"  {name}: {count} series of {steps}{added}; labels {', '.join(map(str, task.labels.tolist()))}")
        for way, scores in groupby(bundle.scores.get(name, {}).items(), key=lambda score: score[0].split(" ")[0]):
            print(f"    {way} " + ", ".join(f"{key.removeprefix(f'{way} ')} {value:.3f}" for key, value in scores))
    print("  " + ", ".join(f"{package} {version}" for package, version in bundle.versions.items()))
