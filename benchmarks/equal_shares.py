"""Shares of MultiRocket and Hydra in one kernel, and more groups of Hydra: accuracy on held-out training series.

    python benchmarks/equal_shares.py archive91 --out shares.jsonl

Of each task at most `--most` training series, in three folds; tasks of more than `--values` values are left out.
Ridge regression, its penalty by leave-one-out on the other two folds. `published` is every feature alike. A line of
`--out` is a task, so that a second run goes on; the table is of all lines: mean difference to `published`, standard
error over tasks, and on how many tasks it is better, equal and worse. No test series are read.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from mtcs.classifiers.random_features import fit_features
from mtcs.classifiers.random_kernels import StandardizedFeatures
from mtcs.classifiers.subsample import subsample
from mtcs.config.classifiers import PENALTIES, RandomTransform
from mtcs.data.task import read_task
from mtcs.layout import Layout
from mtcs.ops.ridge import centered_eigen, leave_one_out, one_against_rest, trace_scale

SHARES = (0.3, 0.5, 0.7)
DRAWS = (1, 2, 4, 8)
"""Of Hydra's 64 groups of kernels."""


def kernel_of(transform: RandomTransform, series: np.ndarray, seed: int) -> np.ndarray:
    """Inner products (n, n) of standardised features."""
    return StandardizedFeatures(fit_features((transform,), series, seed, 1), series, 1).kernel


def to_trace(kernel: np.ndarray) -> np.ndarray:
    """The kernel (n, n) times what takes it, once centered, to a trace of n."""
    return kernel * trace_scale(float(kernel.trace() - kernel.mean() * len(kernel)), len(kernel))


def accuracy(kernel: np.ndarray, labels: np.ndarray) -> float:
    """Of three folds, by a kernel (n, n) between n series."""
    right = 0
    for kept, held in StratifiedKFold(3, shuffle=True, random_state=0).split(labels, labels):
        classes, targets = one_against_rest(labels[kept])
        known = kernel[np.ix_(kept, kept)]
        new = kernel[np.ix_(held, kept)] - known.mean(axis=0)
        basis, eigenvalues, scale = centered_eigen(known)
        _, best = leave_one_out(basis, eigenvalues, targets, PENALTIES)
        projected = basis.T @ (targets - targets.mean(axis=0)) / (eigenvalues[:, np.newaxis] + PENALTIES[best])
        decisions = targets.mean(axis=0) + scale * (new @ basis) @ projected
        right += int((classes[decisions.argmax(axis=1)] == labels[held]).sum())
    return right / len(labels)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", help="of normalised data in this folder")
    parser.add_argument("--most", type=int, default=300, help="training series of a task")
    parser.add_argument("--values", type=int, default=120_000, help="of a task, all its series together")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    for path in sorted(Layout().normalized_suite(options.suite).glob("*.npz")):
        if path.stem in {row["task"] for row in done}:
            continue
        train = read_task(path).train
        rows = subsample(train.labels, options.most)
        series, labels = train.series[rows], train.labels[rows]
        if series.size > options.values or np.bincount(labels).min() < 3:
            continue
        with threadpool_limits(1, user_api="blas"):
            rocket = kernel_of("multirocket", series, 0)
            hydras = [kernel_of("hydra", series, seed) for seed in range(max(DRAWS))]
            row = {"task": path.stem, "published": accuracy(rocket + hydras[0], labels)}
            for draws in DRAWS:
                for share in SHARES:
                    mixed = (1 - share) * to_trace(rocket) + share * to_trace(np.sum(hydras[:draws], axis=0))
                    row[f"{64 * draws} groups, share {share}"] = accuracy(mixed, labels)
        done.append(row)
        with options.out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(path.stem, row["published"], flush=True)
    print(f"{len(done)} tasks, published {np.mean([row['published'] for row in done]):.4f}")
    for name in list(done[0])[2:] if done else ():
        gains = np.array([row[name] - row["published"] for row in done]).round(9)
        error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
        counts = "/".join(str(int((np.sign(gains) == sign).sum())) for sign in (1, 0, -1))
        print(f"{name:<24} {gains.mean():+.4f} ± {error:.4f}  {counts}")
