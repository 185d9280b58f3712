"""What each method costs on a suite, all methods in one run on one machine, each in a fresh process.

    python benchmarks/method_costs.py [--suite ucr10] [--methods mtcs mtl ...] [--steps 3] [--series 16] [--threads 2]

Reads params.yaml and data/normalized/<suite> of the current folder and writes nothing. On every task, `--steps`
training steps are timed after one that warms up, and the representation of `--series` series; for DTW, that many
searches for a nearest neighbour. From these follow the time of a whole training, each task with the steps it has in it,
and the series that one second represents, each task with all of its series. Peak memory is that of the process,
libraries, data and the optimiser's state included; for CUDA, that of the device.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from mtcs.errors import MtcsError
from mtcs.layout import Layout


class Cost(NamedTuple):
    hardware: str
    training: float
    """Seconds of a whole training of the suite, as projected; 0 where there is nothing to train."""
    inference: float
    """Series a second."""
    parameters: int
    """Of one model."""
    memory: float
    """MB."""


def measure(suite: str, method: str, steps: int, n: int, threads: int) -> Cost:
    """To be called in a fresh process, since peak memory is the process's."""
    import torch

    from mtcs.experiment import read_experiment
    from mtcs.nearest import predict_nearest
    from mtcs.tasks import read_task
    from mtcs.training import _steps, fit, hardware, peak_memory, represent

    torch.set_num_threads(threads)
    layout = Layout()
    experiment = read_experiment(layout.params)
    spec = experiment.method(method)
    tasks = [read_task(layout.normalized(suite, name)) for name in experiment.suite(suite).tasks]
    on = hardware(steady=spec.steady)
    training = inference = 0.0
    parameters = 0
    for scope in [[task] for task in tasks] if method in experiment.alone else [tasks]:
        torch.manual_seed(0)
        model = spec.build(scope)
        parameters = max(parameters, sum(weight.numel() for weight in model.parameters()))
        schedule = spec.schedule_for(scope)
        once = schedule.model_copy(update={"steps": None, "epochs": 1})
        total, epoch = _steps(schedule, scope), _steps(once, scope)
        for task in scope:
            if total:
                fit(model, [task], schedule.model_copy(update={"steps": 1, "epochs": None}), 0, on)
                few = schedule.model_copy(update={"steps": steps, "epochs": None})
                taken = fit(model, [task], few, 0, on)
                training += taken.seconds / steps * total * _steps(once, [task]) / epoch
            queries = task.test.series[:n]
            if not parameters:
                predict_nearest(task.train.series, task.train.labels, queries[:1], threads)  # compiles
            start = time.perf_counter()
            if total:
                represent(model, queries, on, task.name)
            else:
                predict_nearest(task.train.series, task.train.labels, queries, threads)
            each = (time.perf_counter() - start) / len(queries)
            inference += each * (len(task.test) + (len(task.train) if total else 0))
    count = sum(len(task.test) + (len(task.train) if parameters else 0) for task in tasks)
    return Cost(f"{on}, {on.precision}", training, count / inference, parameters, peak_memory(on))


def _quietly(*arguments: object) -> Cost:
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        return measure(*arguments)  # pyright: ignore[reportArgumentType]


def main() -> None:
    from mtcs.experiment import read_experiment

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="ucr10")
    parser.add_argument("--methods", nargs="+", help="default: those of the suite")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--series", type=int, default=16)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    try:
        methods = given.methods or list(read_experiment(Layout().params).runs(given.suite))
        print(f"| method | training of {given.suite} | inference, series/s | parameters | peak memory |")
        print("| --- | ---: | ---: | ---: | ---: |")
        machines = set()
        for method in methods:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
                run = (given.suite, method, given.steps, given.series, given.threads)
                cost = fresh.submit(_quietly, *run).result()
            machines.add(cost.hardware)
            trained = f"{cost.training / 60:.1f} min" if cost.parameters else "-"
            size = f"{cost.parameters:,}" if cost.parameters else "-"
            print(f"| {method} | {trained} | {cost.inference:.0f} | {size} | {cost.memory:,.0f} MB |", flush=True)
        print(f"\n{'; '.join(machines)}; load {os.getloadavg()[0]:.1f} at the end")
    except MtcsError as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
