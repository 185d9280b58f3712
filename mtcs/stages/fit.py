"""`mtcs fit`: a classifier of your own recordings, from a folder into one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mtcs.config.machine import read_machine
from mtcs.errors import InputError
from mtcs.stages.options import DeviceOption, PrecisionOption, SeedOption, WorkersOption, threads


def fit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A file or a subfolder for each task.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.mtcs", help="Where the classifier goes.")],
    cv: Annotated[
        int | None, typer.Option("--cv", min=2, metavar="N", help="Measure it first, by N-fold cross-validation.")
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="COLUMN", help="Column of labels, where it is not found.")
    ] = None,
    method: Annotated[str, typer.Option("--method", help="What trains the encoder.")] = "mtcs",
    classifier: Annotated[str, typer.Option("--classifier", help="What reads its representations.")] = "ridge",
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Passes over all series.")] = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
) -> None:
    """Learn all tasks of a folder together, into one file that labels new series; needs no params.yaml."""
    from dataclasses import replace

    from mtcs.data.folder import read_folder
    from mtcs.estimator import MultiTaskClassifier, cross_validate
    from mtcs.evaluation.bundle_file import save_bundle
    from mtcs.evaluation.metrics import SCORES

    if out.suffix != ".mtcs":
        raise InputError(f"--out {out} does not end in .mtcs, by which 'mtcs predict' knows it; name it so.")
    data, machine = read_folder(folder, label), read_machine()
    model = MultiTaskClassifier(
        method,
        random_state=seed,
        epochs=epochs,
        classifier=classifier,
        device=device or machine.device,
        precision=precision or machine.precision,
        n_jobs=threads(workers),
        verbose=True,
    )
    scores = {}
    if cv is not None:
        table = cross_validate(model, data, cv)
        means: Any = table.groupby("task", sort=False)[list(SCORES)].mean()
        print(means.to_string(float_format="%.3f"))
        scores = {
            str(task): {f"{cv}-fold {key}": value for key, value in row.items()}
            for task, row in means.to_dict("index").items()
        }
    bundle = replace(model.fit(data).bundle_, scores=scores)
    save_bundle(out, bundle)
    print(f"{out}: {len(data)} tasks, {out.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
