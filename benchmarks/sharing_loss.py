"""The sharing loss over 1,000 tasks of 10 labels against a training step, its memory, and against a loop over pairs.

    python benchmarks/sharing_loss.py [--tasks 1000] [--length 500] [--threads 1] [--repeats 7]

A training step is MTL's with as many heads: forward, backward and AdamW on a batch (32, T). The sharing loss is
forward and backward of Equation 3 over all pairs of heads on that batch's probabilities, (32, 10,000). Its cost depends
on how far labels' probabilities resemble each other from series to series, so several situations are measured: a batch
of one task, whose representations lie about a common mean as those of the demo's trained models do, under heads as they
are initialised and under 3 and 10 times larger ones; means, spreads and heads as large as those of models trained on
ucr10 and ucr12 are on average; series that differ as much as at most on the demo; and, as the worst case, probabilities
that are independent from series to series. Series differ from their mean in directions drawn at random, and heads are
random, both without the structure that training gives them. Sharing and step are timed in turn in one process, in CPU
seconds; printed are the least of each and their ratio. Memory is the most that the call holds in tensors beyond its
arguments; one S x S block of fp32 would be 400 MB.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.profiler import ProfilerActivity, profile

from mtcs.encoder import DilatedEncoder
from mtcs.methods.base import Batch
from mtcs.methods.multitask import MultiTask
from mtcs.sharing import affinity, relevant_pairs, sharing_loss, stacked_sharing

LABELS, WIDTH, BATCH = 10, 320, 32
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
        mean, apart = (normalize(torch.randn(n, WIDTH, generator=generator)) for n in (1, BATCH))
        logits = (common * mean + spread * apart) @ weights.T
    probabilities = logits.view(BATCH, tasks, LABELS).softmax(2).flatten(1)
    return weights.requires_grad_(), probabilities, torch.full((tasks,), LABELS)


def share(weights: Tensor, probabilities: Tensor, classes: Tensor) -> float:
    """Forward and backward; returns the share of relevant pairs."""
    weights.grad = None
    loss, relevant = stacked_sharing(weights, probabilities, classes)
    loss.backward()
    return float(relevant)


def share_by_pairs(weights: list[Tensor], probabilities: list[Tensor]) -> None:
    """Equation 3 as it is written: one pair of tasks after the other."""
    total = torch.zeros(())
    for k, w_k in enumerate(weights):
        for j, w_j in enumerate(weights):
            if j != k:
                relevant = relevant_pairs(affinity(probabilities[j], probabilities[k]))  # (M, N)
                total = total + ((w_j.unsqueeze(1) - w_k).square().mean(2) * relevant).mean()
    total.backward()


def share_at_once(weights: list[Tensor], probabilities: list[Tensor]) -> None:
    sharing_loss(weights, probabilities).backward()


def training_step(tasks: int, length: int) -> Callable[[], None]:
    """A step of MTL with as many heads."""
    torch.manual_seed(0)
    method = MultiTask(DilatedEncoder(), {str(k): LABELS for k in range(tasks)}, WIDTH, sharing_weight=0)
    optimizer = torch.optim.AdamW(method.parameters(), fused=True)
    batch = Batch("0", torch.randn(BATCH, length), torch.randint(LABELS, (BATCH,)))

    def step() -> None:
        optimizer.zero_grad()
        method.loss(batch).backward()
        optimizer.step()

    return step


def seconds(work: Callable[[], object]) -> float:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--length", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    step = training_step(options.tasks, options.length)
    step()
    print(f"{options.tasks} tasks of {LABELS} labels, D = {WIDTH}, batch ({BATCH}, {options.length}), fp32")
    for name, situation in SITUATIONS.items():
        arguments = heads(options.tasks, *situation)
        relevant = share(*arguments)
        times = [(seconds(lambda a=arguments: share(*a)), seconds(step)) for _ in range(options.repeats)]
        sharing, training = (min(column) for column in zip(*times, strict=True))
        print(
            f"{name:20}: sharing {1e3 * sharing:7.1f} ms, training step {1e3 * training:7.1f} ms, "
            f"ratio {sharing / training:.3f}, memory {memory(arguments):.0f} MB, {relevant:.2%} of pairs relevant",
            flush=True,
        )

    few = 50
    for name, situation in SITUATIONS.items():
        weights, probabilities, _ = heads(few, *situation)
        lists = [w.detach().requires_grad_() for w in weights.split(LABELS)], list(probabilities.split(LABELS, 1))
        share_by_pairs(*lists)
        times = [
            (seconds(lambda a=lists: share_by_pairs(*a)), seconds(lambda a=lists: share_at_once(*a)))
            for _ in range(options.repeats)
        ]
        pairs, once = (min(column) for column in zip(*times, strict=True))
        print(
            f"{few} tasks, {name}: loop over pairs {1e3 * pairs:.1f} ms, at once {1e3 * once:.2f} ms, "
            f"ratio {pairs / once:.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
