"""Joint training of a suite in a fresh process: seconds an epoch, series a second, and peak memory.

    python benchmarks/joint_training.py [--suite ucr12] [--method mtcs] [--epochs 1] [--threads 2]

Reads params.yaml and data/normalized/<suite> of the current folder and writes nothing. Peak memory is that of the
whole process, libraries and data included; for CUDA, that of the device.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from mtcs.config.device_names import PrecisionName
from mtcs.errors import MtcsError
from mtcs.layout import Layout


class Measured(NamedTuple):
    hardware: str
    tasks: int
    series: int
    """Training series of the suite."""
    seconds: float
    peak: float
    """MB."""


def measure(suite: str, method: str, epochs: int, threads: int, precision: PrecisionName) -> Measured:
    """Train for `epochs` epochs; to be called in a fresh process, since peak memory is the process's."""
    import torch

    from mtcs.config.experiment_file import read_experiment
    from mtcs.data.task import read_task
    from mtcs.methods import prepared_method
    from mtcs.training.hardware import choose_hardware, peak_memory
    from mtcs.training.loop import fit

    layout = Layout()
    experiment = read_experiment(layout.params)
    spec = experiment.method(method)
    tasks = [read_task(layout.normalized(suite, name)) for name in experiment.suite(suite).tasks]
    on = choose_hardware("auto", precision, spec.fixed_length, threads)
    torch.manual_seed(0)
    schedule = spec.schedule_for(tasks).model_copy(update={"epochs": epochs})
    seconds = fit(prepared_method(spec, tasks), tasks, schedule, 0, on).seconds
    return Measured(f"{on}, {on.precision}", len(tasks), sum(len(t.train) for t in tasks), seconds, peak_memory(on))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="ucr12")
    parser.add_argument("--method", default="mtcs")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    options = parser.parse_args()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        try:
            measured = fresh.submit(measure, **vars(options)).result()
        except MtcsError as error:
            print(f"{sys.argv[0]}: {error}", file=sys.stderr)
            sys.exit(error.exit_code)
    print(
        f"{options.method} on {options.suite}: {measured.tasks} tasks, {measured.series:,} training series; "
        f"{measured.hardware}"
    )
    print(
        f"{options.epochs} epochs in {measured.seconds:.1f} s: {measured.seconds / options.epochs:.1f} s an epoch, "
        f"{measured.series * options.epochs / measured.seconds:.0f} series/s, peak memory {measured.peak:.0f} MB"
    )
    if options.epochs != 5:
        print(f"Projected, not measured: 5 epochs in {5 * measured.seconds / options.epochs / 60:.1f} minutes.")


if __name__ == "__main__":
    main()
