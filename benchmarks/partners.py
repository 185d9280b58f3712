"""Sharing among the nearest tasks alone, against sharing among all: time and memory of a training step.

    python benchmarks/partners.py [--tasks 1000 10000] [--partners 3 10] [--steps 5]

Generated tasks of 10 labels and four series of 96 steps each; a step is a mini-batch of 32, in CPU seconds of one
thread, the median of so many, after one that is not counted. `prepare` is the search for the nearest tasks, once a
training. Memory is the peak of the process; each row is one of its own.
"""

import argparse
import resource
import subprocess
import sys
import time
from statistics import median

import numpy as np
import torch

from mtcs.config.packaged import packaged_method
from mtcs.data.task import Split, Task
from mtcs.methods import prepared_method
from mtcs.methods.base import Batch

LABELS, LENGTH, SERIES = 10, 96, 4


def make(number: int) -> Task:
    """A task of random series."""
    rng = np.random.default_rng(number)
    split = Split(rng.standard_normal((SERIES, LENGTH)).astype(np.float32), np.arange(SERIES) % LABELS)
    return Task(f"task{number}", split, split, tuple(f"{label}" for label in range(LABELS)))


def peak() -> float:
    """In MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(method: str, tasks: int, partners: int, steps: int) -> None:
    """Print one row."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    made = [make(number) for number in range(tasks)]
    known = {"like": method} | ({"partners": partners} if partners else {})
    start = time.process_time()
    model = prepared_method(packaged_method(known), made)
    prepared = time.process_time() - start
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    series = torch.randn(32, LENGTH)
    seconds = []
    for step in range(steps + 1):
        labels = torch.randint(0, LABELS, (32,))
        start = time.process_time()
        loss = model.loss(Batch(made[step].name, series, labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds.append(time.process_time() - start)
    who = f"MTCS, {partners} partners" if partners else "MTCS, all tasks" if method == "mtcs" else "MTL"
    seconds_a_step = f"{median(seconds[1:]):8.3f} s a step"
    print(f"{tasks:6,} tasks  {who:18} {seconds_a_step}, prepare {prepared:5.1f} s, peak {peak():6.0f} MB")


def main() -> None:
    """Every row in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--partners", type=int, nargs="+", default=[3, 10])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        method, tasks, partners = arguments.one
        return measure(method, int(tasks), int(partners), arguments.steps)
    for tasks in arguments.tasks:
        for method, partners in (("mtl", 0), *(("mtcs", k) for k in arguments.partners), ("mtcs", 0)):
            one = [
                sys.executable,
                __file__,
                "--steps",
                str(arguments.steps),
                "--one",
                method,
                str(tasks),
                str(partners),
            ]
            subprocess.run(one, check=True)
    return None


if __name__ == "__main__":
    main()
