"""The sharing loss over 1,000 tasks of 10 labels: in training, alone, its memory, and against a loop over pairs.

    python benchmarks/sharing_loss.py [--tasks 1000] [--length 500] [--threads 1] [--steps 300] [--repeats 7]

In training: MTCS and MTL, of the same first weights, are trained in turn on the same mini-batches (32, T) of as many
generated tasks, with the settings of the paper and the precision that training chooses here. The difference of a step
is all that sharing costs: probabilities of all heads, the loss and its gradients, and that all heads are updated. The
sharing loss is timed by itself, too, forward and backward, on the heads and the mini-batch of each step. Printed are
means over stretches of the training, and over all of it.

Alone: forward and backward of Equation 3 over all pairs of heads against a training step of MTL in fp32. Its cost
depends on how far labels' probabilities resemble each other from series to series, so several situations are measured:
a batch of one task, whose representations lie about a common mean as those of the demo's trained models do, under heads
as they are initialised and under 3 and 10 times larger ones; means, spreads and heads as large as those of models
trained on ucr10 and ucr12 are on average; series that differ as much as at most on the demo; and, as the worst case,
probabilities that are independent from series to series. Series differ from their mean in directions drawn at random,
and heads are random, both without the structure that training gives them.

All times are CPU seconds in one process. Memory is the most that the call holds in tensors beyond its arguments; one
S x S block of fp32 would be 400 MB.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import accumulate, cycle
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.profiler import ProfilerActivity, profile

from mtcs.config.methods import MultiTaskSpec
from mtcs.config.schedule import Schedule
from mtcs.data.task import TaskInfo
from mtcs.methods import build_method
from mtcs.methods.base import Batch
from mtcs.methods.multitask import MultiTask
from mtcs.ops.memory import keep_freed_memory
from mtcs.ops.sharing import stacked_sharing
from mtcs.sharing import sharing_loss
from mtcs.training.hardware import Hardware, choose_hardware

LABELS, WIDTH, BATCH = 10, 320, 32
STRETCHES = 1, 10, 30, 100, 300, 1000, 2000, 3000, 4000
"""Last steps of the parts of a training that are printed."""
SITUATIONS: dict[str, tuple[float | None, float, float]] = {
    "heads as initialised": (1.0, 9.0, 4.0),
    "moderately trained": (3.0, 9.0, 4.0),
    "very confident": (10.0, 9.0, 4.0),
    "as large as on ucr10": (0.9, 12.2, 11.0),
    "as large as on ucr12": (1.5, 9.2, 13.7),
    "series far apart": (3.0, 9.0, 14.0),
    "independent": (None, 0.0, 3.0),
}
"""How much larger than initialised the heads are, the norm of the batch's mean representation, and that of a series'
distance from it; None for logits that are independent, with their standard deviation last."""


def heads(tasks: int, scale: float | None, common: float, spread: float) -> tuple[Tensor, Tensor, Tensor]:
    """Stacked weights (S, D), probabilities (B, S) and numbers of labels (K,), as `stacked_sharing` takes them."""
    generator = torch.Generator().manual_seed(0)
    weights = (torch.rand(tasks * LABELS, WIDTH, generator=generator) * 2 - 1) / WIDTH**0.5
    if scale is None:
        logits = spread * torch.randn(BATCH, len(weights), generator=generator)
    else:
        weights *= scale
        mean, deviation = (normalize(torch.randn(n, WIDTH, generator=generator)) for n in (1, BATCH))
        logits = (common * mean + spread * deviation) @ weights.T
    probabilities = logits.view(BATCH, tasks, LABELS).softmax(2).flatten(1)
    return weights.requires_grad_(), probabilities, torch.full((tasks,), LABELS)


def share(weights: Tensor, probabilities: Tensor, classes: Tensor) -> float:
    """Forward and backward; returns the share of relevant pairs."""
    weights.grad = None
    loss, relevant = stacked_sharing(weights, probabilities, classes)
    loss.backward()
    return float(relevant)


def share_by_pairs(weights: list[Tensor], probabilities: list[Tensor]) -> None:
    """The same by Equations 3 to 5 as printed, one pair of tasks after the other."""
    sharing_loss(weights, probabilities).backward()


def generated_batches(tasks: int, length: int) -> list[Batch]:
    """A mini-batch of each task: every label is a smooth curve, seen with a shift in time and with noise."""
    generator = torch.Generator().manual_seed(0)
    curves = torch.randn(tasks, LABELS, length, generator=generator).cumsum(2)
    batches = []
    for k, curve in enumerate(curves):
        labels = torch.randint(LABELS, (BATCH,), generator=generator)
        shifts = torch.randint(length // 10 + 1, (BATCH, 1), generator=generator)
        series = curve[labels].gather(1, (torch.arange(length) + shifts) % length)
        series = (series - series.mean()) / series.std() + 0.3 * torch.randn(BATCH, length, generator=generator)
        batches.append(Batch(str(k), series, labels))
    return batches


class Training:
    """Steps of MTCS, or with a weight of 0 of MTL, on so many tasks."""

    def __init__(self, tasks: int, length: int, sharing_weight: float, on: Hardware) -> None:
        torch.manual_seed(0)
        self.on = on
        schedule = Schedule(steps=1, batch_size=BATCH, learning_rate=0.001)
        spec = MultiTaskSpec(
            kind="multitask", schedule=schedule, classifier="svm", output=WIDTH, sharing_weight=sharing_weight
        )
        infos = [TaskInfo(str(k), tuple(map(str, range(LABELS))), length) for k in range(tasks)]
        method = build_method(spec, infos)
        assert isinstance(method, MultiTask)
        self.method = method
        self.optimizer = torch.optim.AdamW(method.parameters(), fused=True)

    def step(self, batch: Batch) -> None:
        with self.on.autocast():
            loss = self.method.loss(batch)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def arguments(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """What the sharing loss would be of now, as `heads` gives it."""
        with torch.no_grad(), self.on.autocast():
            x = self.method.represent(batch.series, batch.task)  # (B, D)
        weights = torch.cat([self.method.head(name) for name in self.method.heads])
        probabilities = (x @ weights.T).unflatten(1, (-1, LABELS)).softmax(2).flatten(1)
        return weights.requires_grad_(), probabilities, torch.full((len(self.method.heads),), LABELS)


def train(tasks: int, length: int, steps: int) -> None:
    """Print what a step of MTCS takes beyond one of MTL, over stretches of a training, and its sharing loss alone."""
    on = choose_hardware("cpu")
    batches = generated_batches(tasks, length)
    mtl, mtcs = Training(tasks, length, 0, on), Training(tasks, length, 0.1, on)
    order = [int(k) for _ in range(-(-steps // tasks)) for k in torch.randperm(tasks)][:steps]
    print(f"in training, {on.precision}")
    times = []  # of MTL, MTCS and the sharing loss, and the share of relevant pairs, a step
    for step, k in enumerate(order, 1):
        spent = [cpu_seconds(lambda t=training, b=batches[k]: t.step(b)) for training in (mtl, mtcs)]
        now = mtcs.arguments(batches[k])
        times.append([*spent, cpu_seconds(lambda a=now: share(*a)), float(mtcs.method.metrics["relevant_share"])])
        if step in STRETCHES or step == steps:
            first = max((last + 1 for last in STRETCHES if last < step), default=1)
            stretch(first, times[first - 1 :])
    stretch(1, times)


def stretch(first: int, times: list[list[float]]) -> None:
    mtl, mtcs, alone, relevant = (sum(column) / len(times) for column in zip(*times, strict=True))
    print(
        f"steps {first:4} to {first + len(times) - 1:4}: MTL {1e3 * mtl:5.1f} ms; MTCS {1e3 * mtcs:5.1f} ms, more by a "
        f"share of {mtcs / mtl - 1:.3f}; sharing loss {1e3 * alone:5.1f} ms, a share of {alone / mtl:.3f}; "
        f"{relevant:.2%} of pairs relevant",
        flush=True,
    )


def best_in_turn(repeats: int, *works: Callable[[], object]) -> list[float]:
    """The least CPU seconds of each, all run in turn so often, after one run each that does not count."""
    times = [[cpu_seconds(work) for work in works] for _ in range(repeats + 1)][1:]
    return [min(column) for column in zip(*times, strict=True)]


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def memory(arguments: tuple[Tensor, Tensor, Tensor]) -> float:
    """MB of tensors that the sharing loss holds at most, beyond its arguments, by torch's own account."""
    arguments[0].grad = None
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        share(*arguments)
    results: Any = record.profiler and record.profiler.kineto_results
    events = [event for event in results.events() if event.name() == "[memory]"]
    return max(accumulate(event.nbytes() for event in sorted(events, key=lambda e: e.start_ns()))) / 1e6


def compare_alone(tasks: int, length: int, repeats: int) -> None:
    """Print the sharing loss against a step of MTL, in each situation."""
    mtl = Training(tasks, length, 0, choose_hardware("cpu", "fp32"))
    batches = cycle(generated_batches(min(tasks, 100), length))  # of one alone, once learned, gradients are denormal
    print("alone, fp32")
    for name, situation in SITUATIONS.items():
        arguments = heads(tasks, *situation)
        relevant = share(*arguments)
        sharing, training = best_in_turn(repeats, lambda a=arguments: share(*a), lambda: mtl.step(next(batches)))
        print(
            f"{name:20}: sharing {1e3 * sharing:7.1f} ms, training step {1e3 * training:7.1f} ms, "
            f"ratio {sharing / training:.3f}, memory {memory(arguments):.0f} MB, {relevant:.2%} of pairs relevant",
            flush=True,
        )


def compare_with_pairs(tasks: int, repeats: int) -> None:
    """Print a loop over pairs of tasks against the sharing loss, in each situation."""
    for name, situation in SITUATIONS.items():
        stacked = heads(tasks, *situation)
        weights, probabilities, _ = stacked
        lists = [w.detach().requires_grad_() for w in weights.split(LABELS)], list(probabilities.split(LABELS, 1))
        pairs, once = best_in_turn(repeats, lambda a=lists: share_by_pairs(*a), lambda a=stacked: share(*a))
        print(
            f"{tasks} tasks, {name}: loop over pairs {1e3 * pairs:.1f} ms, at once {1e3 * once:.2f} ms, "
            f"ratio {pairs / once:.0f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--length", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=300, help="of the training")
    parser.add_argument("--repeats", type=int, default=7, help="of all else; the least time counts")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as training does

    print(f"{options.tasks} tasks of {LABELS} labels, D = {WIDTH}, batch ({BATCH}, {options.length})")
    train(options.tasks, options.length, options.steps)
    compare_alone(options.tasks, options.length, options.repeats)
    compare_with_pairs(50, options.repeats)


if __name__ == "__main__":
    main()
