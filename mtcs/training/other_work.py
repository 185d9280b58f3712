"""How busy other processes keep the cores of this one, and what that says of its threads.

Threads that compute one training step wait for one another after every operation. Beside a process that takes a core,
all wait for the thread that shares it: two threads on two cores take several times as long as one
(docs/performance.md).
"""

from __future__ import annotations

import os
import time

import psutil

_BUSY = ("user", "nice", "system", "irq", "softirq", "steal")  # interrupts too, and what a hypervisor took


class OtherWork:
    """What other processes compute from now on, on the cores that this one may use."""

    def __init__(self) -> None:
        self.start = _seconds()

    def cores(self) -> float:
        """How many cores they have kept busy on average, at least 0."""
        if self.start is None or (now := _seconds()) is None:
            return 0.0
        wall, busy, own = (after - before for after, before in zip(now, self.start, strict=True))
        return max(0.0, (busy - own) / wall) if wall > 0 else 0.0

    def advice(self, threads: int) -> str | None:
        """A sentence where fewer than `threads` would be quicker."""
        others, available = self.cores(), _available()
        better = max(1, len(available) - round(others))
        if threads <= better:
            return None
        return (
            f"Other processes keep {others:.1f} of {len(available)} cores busy, and threads wait for one another: "
            f"--workers {better} (MTCS_WORKERS={better}) is quicker while they do."
        )


def _seconds() -> tuple[float, float, float] | None:
    """By now: by the clock, of all processes on the available cores, of this process alone."""
    try:
        cores = psutil.cpu_times(percpu=True)
        busy = sum(getattr(cores[number], field, 0.0) for number in _available() for field in _BUSY)
    except (OSError, IndexError):  # it is not counted, or not of these cores
        return None
    return time.perf_counter(), busy, time.process_time()


def _available() -> set[int]:
    """The cores that this process may use, by number."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
