"""Everything that is to be known of a GPU, in one command and one JSON file; the data are generated.

    python benchmarks/gpu.py [--out gpu.json] [--device cuda] [--epochs 5]

1. The tests marked `gpu`.
2. MTCS on the shapes of ucr12 in fp32, tf32 and bf16: seconds for the epochs, steps a minute, memory.
3. Losses of the first steps and representations against the CPU's in fp32, with the bounds below.
4. For T = 46, 152, 500, 1024: time of a step, share of the matrix rate measured beside it, kernels a step, and how much
   of the time the CPU needs to start them (1 is bound by the CPU).
5. What a CUDA graph gains for the encoder at that length, or why none can be captured.

Takes under six minutes on an H100; `--device cpu --quick` runs every line of it on a CPU. Exit code 1 if a test fails
or a bound is exceeded.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from roofline import matrix_rate, step_flops, wait

from mtcs.config.methods import MultiTaskSpec
from mtcs.config.schedule import Schedule
from mtcs.data.task import Split, Task
from mtcs.encoders.dilated import DilatedEncoder
from mtcs.errors import MtcsError
from mtcs.evaluation.represent import represent
from mtcs.methods import prepared_method
from mtcs.provenance import commit, versions
from mtcs.training.hardware import Hardware, choose_hardware, peak_memory
from mtcs.training.loop import count_steps, fit

UCR12 = {  # name: training series, length, classes
    "Crop": (7200, 46, 24),
    "ElectricDevices": (8926, 96, 7),
    "Wafer": (1000, 152, 2),
    "TwoPatterns": (1000, 128, 4),
    "ECG5000": (500, 140, 5),
    "FordA": (3601, 500, 2),
    "UWaveGestureLibraryAll": (896, 945, 8),
    "UWaveGestureLibraryX": (896, 315, 8),
    "UWaveGestureLibraryY": (896, 315, 8),
    "UWaveGestureLibraryZ": (896, 315, 8),
    "FordB": (3636, 500, 2),
    "ChlorineConcentration": (467, 166, 3),
}
QUICK = {"Short": (64, 24, 3), "Long": (32, 64, 2)}
PRECISIONS = ("fp32", "tf32", "bf16")
BOUNDS = {"fp32": 1e-3, "tf32": 1e-2, "bf16": 5e-2}
"""Largest difference to the CPU's fp32: of a loss in the first steps, and of a representation relative to the largest
entry."""


def suite(quick: bool) -> list[Task]:
    """Tasks of the shapes of ucr12, or a few small ones: a sine of a frequency for each class, in noise."""
    rng, tasks = np.random.default_rng(0), []
    for name, (n, length, classes) in QUICK.items() if quick else UCR12.items():
        labels = np.arange(n) % classes
        waves = np.sin(np.outer(1 + labels, np.linspace(0, 6, length)))
        split = Split((waves + rng.standard_normal((n, length))).astype(np.float32), labels)
        test = Split(split.series[:32], labels[:32])
        tasks.append(Task(name, split, test, tuple(f"c{c}" for c in range(classes))))
    return tasks


def spec(**limits: int) -> MultiTaskSpec:
    schedule = Schedule(batch_size=32, learning_rate=0.001, **limits)  # pyright: ignore[reportArgumentType]
    return MultiTaskSpec(kind="multitask", sharing_weight=0.1, schedule=schedule, classifier="svm")


def train(tasks: list[Task], hardware: Hardware, **limits: int) -> tuple[Any, Any]:
    torch.manual_seed(0)
    method, how = prepared_method(spec(**limits), tasks), spec(**limits)
    return method, fit(method, tasks, how.schedule_for(tasks), 0, hardware)


@contextmanager
def computing(precision: str, device: str) -> Iterator[Hardware]:
    """The hardware for a precision; tf32 is fp32 whose products round."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield choose_hardware("cuda" if device == "cuda" else "cpu", "bf16" if precision == "bf16" else "fp32")
    finally:
        torch.set_float32_matmul_precision(before)


def whole_training(tasks: list[Task], device: str, epochs: int) -> dict[str, Any]:
    results = {}
    for precision in PRECISIONS:
        with computing(precision, device) as hardware:
            train(tasks, hardware, steps=len(tasks))  # kernels are chosen before they are timed
            _, trained = train(tasks, hardware, epochs=epochs)
        steps = count_steps(spec(epochs=epochs).schedule, tasks)
        results[precision] = {
            "epochs": epochs,
            "steps": steps,
            "seconds": round(trained.seconds, 2),
            "steps_per_minute": round(60 * steps / trained.seconds),
            "peak_memory_mb": round(peak_memory(hardware)),
            "last_loss": float(trained.curves["loss"].iloc[-1]),
        }
    return results


def agreement(tasks: list[Task], device: str, steps: int) -> dict[str, Any]:
    """Losses of the first steps and representations after them, against the CPU in fp32."""
    series = tasks[-1].test.series
    with computing("fp32", "cpu") as cpu:
        reference, trained = train(tasks, cpu, steps=steps)
        losses, expected = trained.curves["loss"].to_numpy(), represent(reference, series, cpu)
    results = {}
    for precision in PRECISIONS:
        with computing(precision, device) as hardware:
            _, trained = train(tasks, hardware, steps=steps)
            deviation = np.abs(represent(reference.to(hardware.device), series, hardware) - expected).max()
        reference.to("cpu")
        loss = np.abs(trained.curves["loss"].to_numpy() - losses).max()
        relative = float(deviation / np.abs(expected).max())
        results[precision] = {
            "steps": steps,
            "loss": float(loss),
            "representations": relative,
            "bound": BOUNDS[precision],
            "holds": bool(max(loss, relative) <= BOUNDS[precision]),
        }
    return results


def single_steps(device: str, lengths: tuple[int, ...], repeats: int) -> list[dict[str, Any]]:
    rows = []
    for precision in PRECISIONS:
        with computing(precision, device) as hardware:
            rate = matrix_rate(hardware.device, torch.bfloat16 if precision == "bf16" else torch.float32)
            for length in lengths:
                rows += [{"precision": precision, "T": length, **one_length(hardware, length, rate, repeats)}]
    return rows


def one_length(hardware: Hardware, length: int, rate: float, repeats: int) -> dict[str, Any]:
    torch.manual_seed(0)
    encoder, device = DilatedEncoder().to(hardware.device), hardware.device
    series = torch.randn(32, length, device=device)

    def step() -> None:
        encoder.zero_grad()
        with hardware.autocast():
            loss = encoder(series).square().sum()
        loss.backward()

    starting, lasting = [], []
    for _ in range(3):
        step()
    for _ in range(repeats):
        wait(device)
        start = time.perf_counter()
        step()
        started = time.perf_counter()
        wait(device)
        lasting.append(time.perf_counter() - start)
        starting.append(started - start)
    seconds = median(lasting)
    return {
        "milliseconds": round(1e3 * seconds, 3),
        "share_of_matrix_rate": round(step_flops(encoder, 32 * length) / seconds / rate, 4),
        "matrix_rate_tflops": round(rate / 1e12, 2),
        "starts_per_step": launches(step, device),
        "cpu_share": round(median(starting) / seconds, 3),
        "cuda_graph": graph_gain(encoder, series, hardware, repeats),
    }


def launches(step: Callable[[], None], device: torch.device) -> int:
    """Kernels that a step starts on a GPU; on a CPU, operations."""
    from torch.profiler import ProfilerActivity, profile

    gpu = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if gpu else ProfilerActivity.CPU]) as seen:
        step()
        wait(device)
    return sum(event.count for event in seen.key_averages() if gpu or event.key.startswith("aten::"))


def graph_gain(encoder: DilatedEncoder, series: torch.Tensor, hardware: Hardware, repeats: int) -> Any:
    """How many times as fast forward and backward are as one CUDA graph, or why none can be captured."""
    if hardware.device.type != "cuda":
        return "no CUDA"

    def seconds(call: Callable[[torch.Tensor], torch.Tensor]) -> float:
        times = []
        for _ in range(repeats):
            wait(hardware.device)
            start = time.perf_counter()
            call(series).square().sum().backward()
            wait(hardware.device)
            times.append(time.perf_counter() - start)
        return median(times)

    try:
        with torch.autocast("cuda", torch.bfloat16, enabled=hardware.bf16, cache_enabled=False):
            plain = seconds(encoder)
            graphed: Any = torch.cuda.make_graphed_callables(encoder, (series.clone(),))
            return round(plain / seconds(graphed), 2)
    except RuntimeError as error:
        return f"not captured: {str(error).splitlines()[0]}"


def tests() -> dict[str, Any]:
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    return {"passed": done.returncode == 0, "last_line": (done.stdout.strip().splitlines() or [""])[-1]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two small tasks, two lengths, no tests")
    given = parser.parse_args()
    try:
        hardware = choose_hardware(given.device)
    except MtcsError as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    tasks = suite(given.quick)
    lengths, repeats = ((24, 64), 1) if given.quick else ((46, 152, 500, 1024), 20)
    results: dict[str, Any] = {"device": str(hardware), "commit": commit(), "versions": versions()}
    parts: dict[str, Callable[[], Any]] = {
        "agreement": lambda: agreement(tasks, given.device, 3 if given.quick else 10),
        "training": lambda: whole_training(tasks, given.device, given.epochs),
        "steps": lambda: single_steps(given.device, lengths, repeats),
    }
    if not given.quick:
        parts = {"tests": tests, **parts}
    for name, part in parts.items():
        start = time.perf_counter()
        results[name] = part()
        given.out.write_text(json.dumps(results, indent=1) + "\n")  # what there is, if the time ends here
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    print(json.dumps(results, indent=1))
    failed = [name for name, one in results["agreement"].items() if not one["holds"]]
    if failed or not results.get("tests", {"passed": True})["passed"]:
        print(f"{sys.argv[0]}: tests failed or bounds exceeded: {', '.join(failed) or 'tests'}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
