"""What reads representations, whichever classifier `params.yaml` names: fit, predict, save and load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mtcs.classifiers.calibration import Calibration, fit_with_floor, least_floor
from mtcs.classifiers.fitted import load_arrays, save_arrays
from mtcs.classifiers.kernel_ridge import FittedKernelRidge, fit_kernel_ridge
from mtcs.classifiers.mixture import FittedMixture
from mtcs.classifiers.nearest import FittedNearestNeighbor
from mtcs.classifiers.quant import FittedQuant, fit_quant
from mtcs.classifiers.random_kernels import FittedRandomKernels, fit_random_kernels
from mtcs.classifiers.subsample import subsample
from mtcs.classifiers.svm import FittedSVM, fit_svm, left_out_decisions
from mtcs.config.classifiers import (
    SVM,
    ClassifierSpec,
    KernelRidge,
    Mixture,
    NearestNeighbor,
    Quant,
    RandomKernels,
)
from mtcs.errors import InputError

OneInput = FittedSVM | FittedNearestNeighbor | FittedKernelRidge | FittedRandomKernels | FittedQuant
"""Has `predict(representations, workers)`, and most have `decisions`."""
Reader = OneInput | FittedMixture
"""A mixture reads representations and series; the functions of `Encoded` below are for all of them."""

KINDS: dict[str, type[Reader]] = {
    "svm": FittedSVM,
    "nearest_neighbour": FittedNearestNeighbor,
    "kernel_ridge": FittedKernelRidge,
    "random_kernels": FittedRandomKernels,
    "quant": FittedQuant,
    "mixture": FittedMixture,
}

Progress = Callable[[int, int], None]
"""Called as `progress(done, total)`."""


class Encoded(NamedTuple):
    """n series of a task, as a classifier may read them.

    representations: (n, D), see `mtcs.evaluation.representations`.
    series: (n, T) or (n, channels, T) in the units of the task's training series, NaN where padded or missing.
    """

    representations: np.ndarray
    series: np.ndarray


def fit_reader(
    spec: ClassifierSpec,
    representations: np.ndarray,
    labels: np.ndarray,
    workers: int = -1,
    progress: Progress | None = None,
    seed: int = 0,
) -> OneInput:
    """Fit a classifier to the representations of a task's training series.

    Args:
        spec: its parameters.
        representations: (n, D), finite; of one that `reads_series` the series (n, T), where NaN is padding or missing.
        labels: (n,) classes as integers.
        workers: threads; -1 is one for every core.
        progress: of the fits of an SVM's search.
        seed: of classifiers that draw something at random.

    Raises:
        InputError: if representations and labels do not match or hold what cannot be fitted.
    """
    if isinstance(spec, NearestNeighbor):
        return FittedNearestNeighbor(representations, labels.astype(np.int64))
    if isinstance(spec, RandomKernels):
        return fit_random_kernels(representations, labels, spec, seed, workers)
    if isinstance(spec, Quant):
        return fit_quant(representations, labels, spec, seed)
    if isinstance(spec, Mixture):
        raise InputError("A mixture chooses its weights on all tasks together, see mtcs.classifiers.mixture.")
    _check(representations, labels)
    if isinstance(spec, KernelRidge):
        return fit_kernel_ridge(representations, labels, spec, workers)
    return fit_svm(representations, labels, spec, workers, progress).reader


def classify(
    spec: ClassifierSpec,
    train: np.ndarray,
    labels: np.ndarray,
    test: np.ndarray,
    workers: int = -1,
    progress: Progress | None = None,
    unfinished: Path | None = None,
    seed: int = 0,
) -> tuple[Reader, np.ndarray]:
    """Fit a classifier to training representations and predict the classes (m,) of test representations (m, D).

    Args:
        spec: its parameters.
        train: (n, D) or (n, T), see `fit_reader`.
        labels: (n,) classes as integers.
        test: (m, D) or (m, T').
        workers: threads; -1 is one for every core.
        progress: counts what `work` does.
        unfinished: folder in which a killed search for nearest neighbors continues; to be removed by the caller.
        seed: of classifiers that draw something at random.

    Raises:
        InputError: if representations and labels do not match or hold what cannot be fitted.
    """
    reader = fit_reader(spec, train, labels, workers, progress, seed)
    if isinstance(reader, FittedNearestNeighbor):
        return reader, reader.predict(test, workers, progress, unfinished)
    return reader, reader.predict(test, workers)


def predict(reader: Reader, encoded: Encoded, workers: int = -1) -> np.ndarray:
    """Classes (n,) of n series."""
    if isinstance(reader, FittedMixture):
        return reader.predict_by_both(encoded.representations, encoded.series, workers)
    return reader.predict(encoded.representations, workers)


def decisions(reader: Reader, encoded: Encoded, workers: int = -1) -> np.ndarray | None:
    """Values (n, C) of a reader's `classes`, larger where likelier; None of one that has none."""
    if isinstance(reader, FittedMixture):
        return reader.decisions_of_both(encoded.representations, encoded.series, workers)
    of: Any = getattr(reader, "decisions", None)
    return None if of is None else of(encoded.representations, workers)


def known_calibration(reader: Reader, n_decisions: int) -> Calibration | None:
    """How decisions become probabilities, of a reader whose fit has found its `sharpness` on left-out series.

    Args:
        reader: of any kind; None comes back for one without `sharpness`.
        n_decisions: how many series were left out for it, 0 where that is not known.
    """
    sharpness: Any = getattr(reader, "sharpness", None)
    return None if sharpness is None else Calibration(float(sharpness), least_floor(n_decisions))


def calibrate(
    spec: ClassifierSpec, reader: Reader, representations: np.ndarray, labels: np.ndarray, workers: int = -1
) -> Calibration | None:
    """How a reader's decisions become probabilities, by decisions for series that its fit leaves out.

    Args:
        spec: its parameters.
        reader: fitted to these representations and labels.
        representations: (n, D).
        labels: (n,) classes as integers.
        workers: threads; -1 is one for every core.

    Returns:
        None for one without decisions. Ridge regression knows its own; an SVM costs as many fits as it has folds, and
        has a softmax of its decisions where only one class has two series to leave one of them out.
    """
    if not isinstance(reader, FittedSVM):
        return known_calibration(reader, len(labels))
    assert isinstance(spec, SVM)
    rows = subsample(labels, spec.max_train)
    if np.partition(np.bincount(labels[rows]), -2)[-2] < 2:  # what is left of a fold would be of one class
        return Calibration(1.0)
    left_out = left_out_decisions(representations[rows], labels[rows], spec, float(reader.C), workers)
    return fit_with_floor(left_out, np.searchsorted(reader.classes, labels[rows]))


def work(spec: ClassifierSpec, n_test: int) -> tuple[int, str]:
    """How long `classify` takes on a task, in what its progress counts, and the name of that."""
    if isinstance(spec, SVM):
        return spec.folds * len(spec.C) + 1, "fits"
    return (n_test, "series") if isinstance(spec, NearestNeighbor) else (1, "fits")


def check_fittable(spec: ClassifierSpec, task: str, labels: np.ndarray) -> None:
    """Tell before any training what a classifier could not be fitted to: labels (n,) of a task's training series.

    Raises:
        InputError: if there is one class only, or an SVM would have to leave classes out.
    """
    if isinstance(spec, NearestNeighbor):
        return
    n_classes = len(np.unique(labels))
    if n_classes < 2:
        raise InputError(
            f"{task}: all {len(labels)} training series have one label, expected two or more; take the task out of its "
            "suite."
        )
    if isinstance(spec, SVM) and len(labels) > spec.max_train and n_classes > spec.max_train:
        raise InputError(
            f"{task} has {n_classes} classes, more than the {spec.max_train} training series that the classifier "
            "takes; choose a larger max_train."
        )


def save_reader(path: Path, reader: Reader) -> None:
    """Write a reader to `path` (`.safetensors`), whole or not at all; equal readers give equal bytes.

    Raises:
        OSError: if the file cannot be written.
    """
    save_arrays(path, kind_of(reader), reader)


def kind_of(reader: Reader) -> str:
    """The name of a reader's kind, a key of `KINDS`."""
    return next(kind for kind, of in KINDS.items() if type(reader) is of)


def load_reader(path: Path) -> Reader:
    """Read what `save_reader` wrote; nothing in the file can run code.

    Raises:
        InputError: if there is no such file, or it does not hold a reader.
    """
    return load_arrays(path, KINDS)


def _check(representations: np.ndarray, labels: np.ndarray) -> None:
    if representations.ndim != 2 or labels.shape != representations.shape[:1]:
        raise InputError(
            f"Representations {representations.shape} and labels {labels.shape} do not match, "
            "expected (n, D) and (n,); run 'mtcs represent' again."
        )
    bad = np.flatnonzero(~np.isfinite(representations).all(axis=1))
    if bad.size:
        raise InputError(
            f"Representation {bad[0]} of {len(labels)} holds a value that is not finite; "
            "train the model again, with a smaller learning rate."
        )
    if len(np.unique(labels)) < 2:
        raise InputError(
            f"All {len(labels)} training series have one label ({', '.join(map(str, labels[:1]))}), "
            "expected two or more; take the task out of its suite."
        )
