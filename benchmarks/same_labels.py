"""Whether sharing finds labels that mean the same: relevance between tasks whose labels of one name mean one thing.

    python benchmarks/same_labels.py [SUITE METHOD TASK TASK ...]

Without arguments the three axes of the same gestures: ucr12 mtcs UWaveGestureLibraryX UWaveGestureLibraryY
UWaveGestureLibraryZ. Reads results/SUITE/METHOD/seed*.json of the current folder. For every seed, over all ordered
pairs of the tasks: how many labels have the one of their name as the most relevant one of the other task; how many
pairs of labels are relevant by Equation 5 (affinity over all training series), and how many of these have one name.
"""

from __future__ import annotations

import argparse
from itertools import permutations

import numpy as np
import pandas as pd

from mtcs.config.experiment_file import read_experiment
from mtcs.config.methods import MultiTaskSpec
from mtcs.evaluation.results import RunResult, read_result
from mtcs.layout import Layout

GESTURES = ("ucr12", "mtcs", "UWaveGestureLibraryX", "UWaveGestureLibraryY", "UWaveGestureLibraryZ")


def counts(result: RunResult, tasks: list[str], threshold: float) -> dict[str, float]:
    """How often labels of one name are most relevant, and relevant at all, to each other."""
    assert result.label_affinity is not None, f"{result.method} has no heads"
    affinity = result.label_affinity.square()  # (S, S)
    ends = np.cumsum([len(task.classes) for task in result.tasks])
    labels = {
        task.task: (task.classes, slice(end - len(task.classes), end))
        for task, end in zip(result.tasks, ends, strict=True)
    }
    found = {
        "labels": 0,
        "most relevant": 0,
        "expected by chance": 0.0,
        "pairs": 0,
        "of one name": 0,
        "relevant": 0,
        "both": 0,
    }
    for one, other in permutations(tasks, 2):
        (names, rows), (others, columns) = labels[one], labels[other]
        block = affinity[rows, columns]
        relevant = block / block.mean() > threshold
        same = np.array(names)[:, np.newaxis] == np.array(others)
        known = same.any(axis=1)
        found["labels"] += int(known.sum())
        found["most relevant"] += int((same[np.arange(len(names)), block.argmax(axis=1)] & known).sum())
        found["expected by chance"] += float(same.mean(axis=1).sum())
        found["pairs"] += same.size
        found["of one name"] += int(same.sum())
        found["relevant"] += int(relevant.sum())
        found["both"] += int((relevant & same).sum())
    return found


def main() -> None:
    """A row for each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=GESTURES)
    suite, method, *tasks = parser.parse_args().what
    layout = Layout()
    spec = read_experiment(layout.params).methods[method]
    assert isinstance(spec, MultiTaskSpec), f"{method} has no heads"
    rows = {}
    for path in sorted((layout.results(suite) / method).glob("seed*.json")):
        seed = int(path.stem.removeprefix("seed"))
        rows[seed] = counts(read_result(path, suite, method, seed), tasks, spec.threshold)
    print(pd.DataFrame.from_dict(rows, "index").to_string())


if __name__ == "__main__":
    main()
