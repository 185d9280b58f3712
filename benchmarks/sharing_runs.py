"""MTCS minus MTL over all five-seed runs of both that git's history has: is there a gain from sharing?

    python benchmarks/sharing_runs.py [ucr12 ucr10]

Needs a clone with history. Runs of the same seeds differ in precision, machine and how products round. Prints the
differences of mean accuracy by seed, the t-test of the seeds' means over runs, and the tasks by their mean difference.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
from scipy.stats import ttest_1samp

ROOT = Path(__file__).parents[1]
RUNS = {
    "ucr12": ("d07ed75", "d9e58d1~1", "HEAD"),
    "ucr10": ("d07ed75", "8bd7078~1", "8bd7078", "2058693", "HEAD"),
}
"""Commits whose `results/` hold runs that are in no other of these."""
SEEDS = range(5)


def accuracies(commit: str, suite: str, method: str, seed: int) -> tuple[dict[str, float], str]:
    """By task, and the precision of the training."""
    name = f"{commit}:results/{suite}/{method}/seed{seed}.json"
    text = subprocess.run(["git", "show", name], cwd=ROOT, capture_output=True, check=True).stdout
    result = json.loads(text)
    return {task["task"]: task["accuracy"] for task in result["tasks"]}, result["trained"][0]["precision"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", default=list(RUNS), help="of ucr12 and ucr10")
    for suite in parser.parse_args().suites:
        differences, tasks = [], []
        for commit in RUNS[suite]:
            pairs = [[accuracies(commit, suite, method, seed) for method in ("mtcs", "mtl")] for seed in SEEDS]
            tasks = list(pairs[0][0][0])
            rows = np.array([[ours[0][task] - theirs[0][task] for task in tasks] for ours, theirs in pairs])
            differences.append(rows)  # (seeds, tasks)
            means = rows.mean(axis=1)
            precisions = "/".join(sorted({one[1] for pair in pairs for one in pair}))
            by_seed = " ".join(f"{mean:+.4f}" for mean in means)
            print(f"{suite} {commit:<10} {precisions}: {by_seed}   {means.mean():+.4f} ± {means.std(ddof=1):.4f}")
        every = np.array(differences)  # (runs, seeds, tasks)
        means = every.mean(axis=2)
        _, p = map(float, ttest_1samp(means.mean(axis=0), 0))
        print(
            f"{suite} all: {means.mean():+.4f} ± {means.std(ddof=1):.4f}, {(means > 0).sum()} of {means.size} up, "
            f"p = {p:.3f} (t-test of the seeds' means over runs)"
        )
        for i in np.argsort(-every.mean(axis=(0, 1))):
            of_task = every[:, :, i]
            print(f"  {tasks[i]:<24} {of_task.mean():+.4f}, {(of_task > 0).sum()} of {of_task.size} up")
        rest = [i for i, task in enumerate(tasks) if task not in ("Crop", "ChlorineConcentration")]
        if len(rest) < len(tasks):
            means = every[:, :, rest].mean(axis=2)
            _, p = map(float, ttest_1samp(means.mean(axis=0), 0))
            print(f"  without Crop and ChlorineConcentration {means.mean():+.4f}, {(means > 0).sum()} up, p = {p:.2f}")
