"""Bounded spinning of waiting threads against the OpenMP library's default, and trainings side by side.

    python benchmarks/threads.py [--repeats 5] [--steps 60]

Every line is a ratio of two trainings of MTL on six generated tasks, in turn, each in a process of its own: the median
over the repeats, and their range. The last is of throughput: as many trainings as threads at the same time, with one
thread each, against the same number one after the other, each with all threads.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

DEFAULT = {"GOMP_SPINCOUNT": "", "OMP_WAIT_POLICY": ""}


def train(steps: int, threads: int) -> float:
    """Seconds of `steps` training steps, in this process."""
    import numpy as np
    import torch

    from mtcs.config.methods import MultiTaskSpec
    from mtcs.config.schedule import Schedule
    from mtcs.data.task import Split, Task
    from mtcs.methods import prepared_method
    from mtcs.training.hardware import choose_hardware
    from mtcs.training.loop import fit

    rng, tasks = np.random.default_rng(0), []
    for k, length in enumerate((24, 80, 150, 251, 361, 427)):
        split = Split(rng.standard_normal((64, length)).astype(np.float32), np.arange(64) % 4)
        tasks.append(Task(f"T{k}", split, split, ("a", "b", "c", "d")))
    schedule = Schedule(steps=5, batch_size=32, learning_rate=0.001)
    spec = MultiTaskSpec(kind="multitask", sharing_weight=0, schedule=schedule, classifier="svm")
    hardware = choose_hardware("cpu", threads=threads)
    torch.manual_seed(0)
    method = prepared_method(spec, tasks)
    fit(method, tasks, schedule, 0, hardware)  # warms up
    return fit(method, tasks, schedule.model_copy(update={"steps": steps}), 0, hardware).seconds


def measured(steps: int, threads: int, variables: dict[str, str]) -> float:
    environment = {name: value for name, value in os.environ.items() if name not in DEFAULT}
    environment |= {name: value for name, value in variables.items() if value}
    command = [sys.executable, __file__, "--one", "--steps", str(steps), "--threads", str(threads)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return float(done.stdout)


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Beside so many processes that compute."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def show(title: str, ratios: list[float]) -> None:
    print(f"{title:52} {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(train(given.steps, given.threads))
        return
    bounded = {"GOMP_SPINCOUNT": "10000"}
    all_threads = given.threads
    for title, others, first, second in (
        ("quiet: bounded against default", 0, (all_threads, bounded), (all_threads, DEFAULT)),
        ("beside one busy process: bounded against default", 1, (all_threads, bounded), (all_threads, DEFAULT)),
        ("beside one busy process: bounded against one thread", 1, (all_threads, bounded), (1, DEFAULT)),
    ):
        with busy(others):
            pairs = [(measured(given.steps, *first), measured(given.steps, *second)) for _ in range(given.repeats)]
        show(title, [one / other for one, other in pairs])
    ratios = []
    for _ in range(given.repeats):
        with ThreadPoolExecutor(all_threads) as pool:
            side_by_side = max(pool.map(lambda _: measured(given.steps, 1, bounded), range(all_threads)))
        ratios.append(all_threads * measured(given.steps, all_threads, bounded) / side_by_side)
    show(f"throughput of {all_threads} side by side, of one thread each", ratios)


if __name__ == "__main__":
    main()
