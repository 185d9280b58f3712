"""Random numbers of the process, lent to one piece of work (no formula): a seed means the same beside other threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

_LENT = RLock()


@contextmanager
def own_random_numbers(device: torch.device) -> Iterator[None]:
    """Within, torch's generators are this thread's alone; others wait here. Afterwards they are as they were before.

    device: the one, beside the CPU, whose generator is used.
    """
    with _LENT, torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield
