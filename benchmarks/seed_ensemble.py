"""What several seeds know together: kernel ridge on one seed's representations, on all side by side, by mean decision.

    python benchmarks/seed_ensemble.py SUITE METHOD [--seeds 5] [--votes]

Reads data/normalized and data/representations of the current folder, as `mtcs represent` leaves them, and writes
nothing. With --votes only results/, which the repository has: the label that most seeds predict, by whatever classifier
the method has. Accuracies are of the test series.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from mtcs.classifiers.kernel_ridge import fit_kernel_ridge
from mtcs.config.classifiers import KernelRidge
from mtcs.config.experiment_file import read_experiment
from mtcs.data.task import read_task
from mtcs.evaluation.representations import read_representations
from mtcs.evaluation.results import read_result
from mtcs.layout import Layout


def accuracies(suite: str, method: str, n_seeds: int) -> pd.DataFrame:
    """(tasks, ways): the mean over seeds, all representations side by side, and the mean of the seeds' decisions."""
    layout, rows = Layout(), {}
    experiment = read_experiment(layout.params)
    spec = KernelRidge(kind="kernel_ridge")
    for name in experiment.suite(suite).tasks:
        task = read_task(layout.normalized(suite, name))
        runs = [experiment.run(suite, method, seed) for seed in range(n_seeds)]
        known = [read_representations(run, name) for run in runs]
        decided = [fit_kernel_ridge(one.train, task.train.labels, spec).decisions(one.test) for one in known]
        beside = [np.hstack([getattr(parts, split) for parts in known]) for split in ("train", "test")]
        together = fit_kernel_ridge(beside[0], task.train.labels, spec).decisions(beside[1])
        right = [
            (values.argmax(1) == task.test.labels).mean() for values in (*decided, together, np.sum(decided, axis=0))
        ]
        rows[name] = {"one": np.mean(right[:-2]), "side by side": right[-2], "mean decision": right[-1]}
    return pd.DataFrame.from_dict(rows, "index")


def votes(suite: str, method: str, n_seeds: int) -> pd.DataFrame:
    """(tasks, ways): the mean over seeds, and the label that most of them predict; of equals the task's first one."""
    paths = [Layout().results(suite) / method / f"seed{seed}.json" for seed in range(n_seeds)]
    results = [read_result(path, suite, method, seed) for seed, path in enumerate(paths)]
    rows = {}
    for parts in zip(*(result.tasks for result in results), strict=True):
        classes = parts[0].classes
        counts, truth = np.zeros((parts[0].test, len(classes)), np.int64), np.full(parts[0].test, -1)
        for part in parts:
            assert part.wrong is not None, f"{part.task}: an earlier result, which does not say what is wrong"
            for label, others in part.wrong.items():
                for predicted, series in others.items():
                    truth[[*series]] = classes.index(label)
                    counts[[*series], classes.index(predicted)] += 1
        ever_wrong = np.flatnonzero(truth >= 0)
        counts[ever_wrong, truth[ever_wrong]] = n_seeds - counts[ever_wrong].sum(axis=1)
        lost = (counts[ever_wrong].argmax(axis=1) != truth[ever_wrong]).sum()
        rows[parts[0].task] = {"one": np.mean([part.accuracy for part in parts]), "vote": 1 - lost / parts[0].test}
    return pd.DataFrame.from_dict(rows, "index")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite")
    parser.add_argument("method")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--votes", action="store_true")
    options = parser.parse_args()
    table = (votes if options.votes else accuracies)(options.suite, options.method, options.seeds)
    print(table.to_string(float_format="%.3f"))
    print("mean", table.mean().to_string(float_format="%.4f"), sep="\n")


if __name__ == "__main__":
    main()
