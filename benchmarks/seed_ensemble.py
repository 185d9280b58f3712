"""What several seeds know together: kernel ridge on one seed's representations, on all side by side, by mean decision.

    python benchmarks/seed_ensemble.py SUITE METHOD [--seeds 5]

Reads data/normalized and data/representations of the current folder, as `mtcs represent` leaves them, and writes
nothing. Accuracies are of the test series.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from mtcs.config.classifiers import KernelRidge
from mtcs.config.experiment import read_experiment
from mtcs.data.task import read_task
from mtcs.evaluation.kernel_ridge import fit_kernel_ridge
from mtcs.evaluation.representations import read_representations
from mtcs.layout import Layout


def accuracies(suite: str, method: str, n_seeds: int) -> pd.DataFrame:
    """(tasks, ways): the mean over seeds, all representations side by side, and the mean of the seeds' decisions."""
    layout, rows = Layout(), {}
    experiment = read_experiment(layout.params)
    spec = KernelRidge(kind="kernel_ridge")
    for name in experiment.suite(suite).tasks:
        task = read_task(layout.normalized(suite, name))
        runs = [experiment.run(suite, method, seed) for seed in range(n_seeds)]
        known = [read_representations(run.representation(name)) for run in runs]
        decided = [fit_kernel_ridge(one.train, task.train.labels, spec).decisions(one.test) for one in known]
        beside = [np.hstack([getattr(parts, split) for parts in known]) for split in ("train", "test")]
        together = fit_kernel_ridge(beside[0], task.train.labels, spec).decisions(beside[1])
        right = [
            (values.argmax(1) == task.test.labels).mean() for values in (*decided, together, np.sum(decided, axis=0))
        ]
        rows[name] = {"one": np.mean(right[:-2]), "side by side": right[-2], "mean decision": right[-1]}
    return pd.DataFrame.from_dict(rows, "index")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite")
    parser.add_argument("method")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    table = accuracies(options.suite, options.method, options.seeds)
    print(table.to_string(float_format="%.3f"))
    print("mean", table.mean().to_string(float_format="%.4f"), sep="\n")


if __name__ == "__main__":
    main()
