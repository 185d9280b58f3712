"""What the choice of `auto` between fp32 and bf16 costs against the better of the two, by method and length.

    python benchmarks/precision.py [--repeats 5] [--threads 2]

Each pair of trainings is done in turn, on a generated task of one length; `cost` is the median time with what `auto`
takes over the smaller of the two medians, 1.00 where it takes the better one.
"""

from __future__ import annotations

import argparse
import os
from statistics import median

import numpy as np
import torch

from mtcs.config.machine import PrecisionName
from mtcs.config.methods import Spec
from mtcs.config.packaged import packaged_method
from mtcs.config.schedule import Schedule
from mtcs.data.task import Split, Task
from mtcs.methods import prepared_method
from mtcs.progress import silence
from mtcs.training.hardware import choose_hardware
from mtcs.training.loop import fit

PRECISIONS: tuple[PrecisionName, PrecisionName] = ("fp32", "bf16")


def make_task(length: int) -> Task:
    series = np.random.default_rng(0).standard_normal((64, length)).astype(np.float32)
    split = Split(series, np.arange(64) % 4)
    return Task(f"T{length}", split, split, ("a", "b", "c", "d"))


def seconds(spec: Spec, task: Task, precision: PrecisionName, threads: int, steps: int) -> float:
    """Of so many training steps, after a few that are not counted."""
    hardware = choose_hardware("cpu", precision, threads=threads)
    schedule = Schedule(**{**spec.schedule.model_dump(exclude={"epochs"}), "steps": 2})
    torch.manual_seed(0)
    method = prepared_method(spec, [task])
    fit(method, [task], schedule, 0, hardware)
    return fit(method, [task], schedule.model_copy(update={"steps": steps}), 0, hardware).seconds / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--methods", nargs="+", default=["mtl", "ts2vec", "t_loss", "tnc", "ts_tcc", "tst"])
    parser.add_argument("--lengths", nargs="+", type=int, default=[46, 152, 500, 1024])
    options = parser.parse_args()
    for name in options.methods:
        spec = packaged_method(name)
        for length in options.lengths if name == "mtl" else options.lengths[1:3]:
            task, times = make_task(length), {precision: [] for precision in PRECISIONS}
            with silence():
                for _ in range(options.repeats):
                    for precision in PRECISIONS:
                        times[precision].append(seconds(spec, task, precision, options.threads, options.steps))
            middle = {precision: median(times[precision]) for precision in PRECISIONS}
            auto = choose_hardware("cpu", "auto", spec.fixed_length)
            cost = middle[auto.precision] / min(middle.values())
            print(
                f"{name:7} T = {length:4}: fp32 {1e3 * middle['fp32']:7.1f} ms, bf16 {1e3 * middle['bf16']:7.1f} ms a "
                f"step; auto takes {auto.precision} ({auto.reason}), cost {cost:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
