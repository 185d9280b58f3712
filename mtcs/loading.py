"""Fitted classifiers from files, of the package and of runs of the pipeline."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import cast

from mtcs.bundles.file import load_bundle
from mtcs.bundles.from_run import load_run
from mtcs.bundles.pretrained import PRETRAINED, load_pretrained
from mtcs.config.methods import MethodSpec
from mtcs.config.packaged import short
from mtcs.errors import InputError
from mtcs.estimator import MultiTaskClassifier


def load(path: str | Path) -> MultiTaskClassifier:
    """The classifier that `MultiTaskClassifier.save` or `mtcs fit` wrote; no code in the file is run.

    Args:
        path: the file; "ucr", an encoder that comes with the package and waits for `add_task`; or the model of a run
            of the pipeline, `data/models/<suite>/<method>/seed<N>/joint.safetensors`, with its classifiers.

    Raises:
        InputError: in one line, if there is no such file, it is corrupt, or it is something else.
    """
    if not isinstance(path, str | PathLike):
        raise InputError(
            f"path is {path!r:.60}, expected the name of a file that 'mtcs fit' or save() wrote, or 'ucr'."
        )
    if path in PRETRAINED and not Path(path).is_file():  # a folder of that name may hold the data
        bundle = load_pretrained(str(path))
    else:
        bundle = (load_run if Path(path).suffix == ".safetensors" else load_bundle)(Path(path))
    model = MultiTaskClassifier(
        short(cast(MethodSpec, bundle.trained_with)),
        random_state=bundle.model.seed,
        classifier=short(bundle.classifier),
        precision=bundle.precision,
        missing=next((task.info.missing for task in bundle.tasks.values()), ()),
    )
    model.bundle_ = bundle
    return model
