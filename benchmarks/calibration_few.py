"""How far the probabilities of few labelled series can be trusted, with and without the least floor.

    python benchmarks/calibration_few.py ARCHIVE [--draws 6]

ARCHIVE is a folder of the UCR archive's data sets, as MTCS_ARCHIVE. Of data sets that the encoder `ucr` has not seen,
3, 5, 8 or 16 training series a label are drawn, kernel ridge is fitted to their representations, and the rest of the
training part, 600 series at most and 40 at least, is labelled; test series are not looked at. Ways to come from
decisions to probabilities, both with the temperature by leave-one-out:

    temperature    nothing else
    least floor    n series leave each label a share of 1 / (n + 1), divided by the number of labels

Prints by the number of labelled series means over draws: log loss, Brier score, calibration error, and of all series
the share of the sure ones (a page shows 100 %) and of the sure mistakes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mtcs
from mtcs.classifiers.calibration import Calibration, brier_score, calibration_error, least_floor, log_loss
from mtcs.classifiers.classify import fit_reader
from mtcs.classifiers.kernel_ridge import FittedKernelRidge
from mtcs.config.packaged import packaged_classifier
from mtcs.data.formats import load_task
from mtcs.data.sources import fetch_task

TASKS = (
    "AllGestureWiimoteX",
    "ChlorineConcentration",
    "DistalPhalanxOutlineAgeGroup",
    "DistalPhalanxOutlineCorrect",
    "DistalPhalanxTW",
    "ECG200",
    "ECG5000",
    "Lightning7",
    "MiddlePhalanxOutlineAgeGroup",
    "MiddlePhalanxOutlineCorrect",
    "MiddlePhalanxTW",
    "OSULeaf",
    "ProximalPhalanxOutlineAgeGroup",
    "ProximalPhalanxOutlineCorrect",
    "ProximalPhalanxTW",
    "TwoPatterns",
    "Wafer",
    "FreezerRegularTrain",
)
LABELLED, MOST, LEAST, SURE = (3, 5, 8, 16), 600, 40, 0.995


def read(name: str, archive: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Representations (n, D) of a task's training series, and their labels (n,) as indices."""
    fetch_task(name, folder / name, archive)
    part = load_task(folder / name, name).train
    rows = np.random.default_rng(0).permutation(len(part.labels))[:MOST]
    series, labels = [part.series[row] for row in rows], np.array(part.labels)[rows]
    return mtcs.load("ucr").add_task(name, series, labels).transform(name, series), np.unique(
        labels, return_inverse=True
    )[1]


def rows_of(name: str, representations: np.ndarray, labels: np.ndarray, draws: int) -> Iterator[dict[str, object]]:
    """Scores of each draw and way."""
    for per_label in LABELLED:
        for draw in range(draws):
            order = np.random.default_rng([draw, per_label]).permutation(len(labels))
            known = np.concatenate([order[labels[order] == label][:per_label] for label in np.unique(labels)])
            rest = np.setdiff1d(order, known)
            if len(rest) < LEAST:
                continue
            reader = fit_reader(packaged_classifier("ridge"), representations[known], labels[known], workers=1)
            assert isinstance(reader, FittedKernelRidge)
            decisions, truth = reader.decisions(representations[rest], workers=1), labels[rest]
            floors = {"temperature": 0.0, "least floor": least_floor(len(known))}
            for way, floor in floors.items():
                probabilities = Calibration(float(reader.sharpness), floor)(decisions)
                wrong, sure = probabilities.argmax(axis=1) != truth, probabilities.max(axis=1) >= SURE
                yield {
                    "task": name,
                    "labelled": len(known),
                    "way": way,
                    "log loss": log_loss(probabilities, truth),
                    "Brier": brier_score(probabilities, truth),
                    "error": calibration_error(probabilities, truth),
                    "sure": sure.mean(),
                    "sure and wrong": (sure & wrong).mean(),
                }


def main() -> None:
    """Measure, and print a table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="folder with the archive's data sets")
    parser.add_argument("--draws", type=int, default=6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            row
            for name in TASKS
            for row in rows_of(name, *read(name, options.archive, Path(folder)), draws=options.draws)
        ]
    scores = pd.DataFrame(rows)
    scores["labelled"] = pd.cut(scores["labelled"], [0, 20, 50, 1000], labels=["to 20", "21 to 50", "more"])
    print(f"{scores['task'].nunique()} tasks, {options.draws} draws")
    groups: Any = scores.groupby(["labelled", "way"], observed=True)
    means = groups.mean(numeric_only=True).round(4).assign(draws=groups.size())
    print(means.reset_index().to_markdown(index=False))


if __name__ == "__main__":
    main()
