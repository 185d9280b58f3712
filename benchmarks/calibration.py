"""How far probabilities can be trusted, by what calibrates them: on held-out training series, and on test series.

    python benchmarks/calibration.py NORMALIZED MODEL PART_MODEL

NORMALIZED is the folder of a suite's normalised tasks, MODEL a model of all of them, and PART_MODEL one that was
trained without a quarter of their training series, as data/models/SUITE/mtcs_rocket/seed0/joint.safetensors
is of data/models/SUITE/mtcs/seed0/joint.safetensors.

Each is read by kernel ridge and by the SVM. The part model is measured on the quarter that it has not seen, which is
what chooses; the other one on test series. `unseen` are decisions of the part model for that quarter, as those of folds
of `mtcs fit --cv`. Prints means over tasks, and how many tasks are better than the plain softmax of the same decisions.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtcs.classifiers.calibration import (
    Calibration,
    brier_score,
    calibration_error,
    fit_sharpness,
    fit_with_floor,
    log_loss,
)
from mtcs.classifiers.classify import fit_reader
from mtcs.classifiers.kernel_ridge import FittedKernelRidge
from mtcs.classifiers.svm import FittedSVM, left_out_decisions
from mtcs.config.classifiers import SVM
from mtcs.config.packaged import packaged_classifier
from mtcs.data.splits import hold_out
from mtcs.data.task import Task, read_suite
from mtcs.evaluation.represent import represent_task
from mtcs.training.hardware import choose_hardware
from mtcs.training.model import load_model

SCORES = {"log loss": log_loss, "Brier": brier_score, "error": calibration_error}
SHARE, SEED = 0.25, 0


Representations = tuple[np.ndarray, np.ndarray]
"""Of the training part (n, D), and of the other part (m, D)."""


def calibrated(
    classifier: str, known: Representations, labels: np.ndarray
) -> tuple[np.ndarray, dict[str, Calibration]]:
    """Decisions (m, C) for the other part, and what their classifier's training series with labels (n,) calibrate."""
    spec = packaged_classifier(classifier)
    reader = fit_reader(spec, known[0], labels)
    assert isinstance(reader, FittedKernelRidge | FittedSVM)
    values, ways = reader.decisions(known[1]), {"none": Calibration(1.0)}
    if isinstance(reader, FittedKernelRidge):
        ways["temperature, leave-one-out"] = Calibration(float(reader.sharpness))
    elif isinstance(spec, SVM) and isinstance(reader, FittedSVM):
        left_out = left_out_decisions(known[0], labels, spec, float(reader.C))
        ways["temperature, five folds"] = Calibration(fit_sharpness(left_out, labels))
        ways["temperature and floor, five folds"] = fit_with_floor(left_out, labels)
    return values, ways


def rows_of(task: Task, part: Representations, complete: Representations) -> Iterator[dict[str, object]]:
    """Scores of a task by classifier, calibration and where it was measured."""
    held = hold_out(task, SHARE, SEED)
    for classifier in ("ridge", "svm"):
        unseen, ways = calibrated(classifier, part, held.train.labels)
        measured = [("held-out", unseen, held.test.labels, ways)]
        values, ways = calibrated(classifier, complete, task.train.labels)
        ways["temperature, unseen series"] = Calibration(fit_sharpness(unseen, held.test.labels))
        measured.append(("test", values, task.test.labels, ways))
        for where, values, truth, ways in measured:
            for way, calibration in ways.items():
                scores = {name: score(calibration(values), truth) for name, score in SCORES.items()}
                yield {"classifier": classifier, "series": where, "way": way, "task": task.name, **scores}


def table(results: Any) -> pd.DataFrame:
    """Means over tasks, and how many are better than with no calibration, by each score."""
    keys = ["series", "classifier", "way"]
    plain = results[results["way"] == "none"].set_index(["series", "classifier", "task"])[list(SCORES)]
    indexed = results.set_index(["series", "classifier", "task"])
    better = indexed[list(SCORES)].lt(plain.reindex(indexed.index)).assign(way=indexed["way"]).reset_index()
    means = results.groupby(keys, sort=False)[list(SCORES)].mean()
    counts = better.groupby(keys, sort=False)[list(SCORES)].sum().astype(int).add_prefix("better by ")
    return means.join(counts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("normalized", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("part_model", type=Path)
    options = parser.parse_args()
    complete, part = (load_model(path).method for path in (options.model, options.part_model))
    hardware, rows = choose_hardware("cpu"), []
    for task in read_suite(options.normalized):
        held, full = (
            represent_task(part, hold_out(task, SHARE, SEED), hardware),
            represent_task(complete, task, hardware),
        )
        rows += rows_of(task, (held.train, held.test), (full.train, full.test))
        print(task.name, flush=True)
    print(table(pd.DataFrame(rows)).to_string(float_format="%.3f"))


if __name__ == "__main__":
    main()
