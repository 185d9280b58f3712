"""Memory that one step frees, kept for the next: no formula, a setting of the allocator."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_LARGEST = 2**31 - 1  # bytes
_OLD_LARGEST = 2**25  # of the mapping threshold in older versions of glibc, which refuse more


def keep_freed_memory() -> None:
    """From now on, what this process frees stays with it, where the C library is glibc; elsewhere nothing happens.

    By default glibc gives large freed blocks back to the system, which hands them out again page by page, each filled
    with zeros: with the same tensors in every step, up to a quarter of a training step on a CPU went there.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    # Either setting freezes the other, which grows with what is freed: trimming alone would leave large blocks mapped.
    if mallopt and (mallopt(_MMAP_THRESHOLD, _LARGEST) or mallopt(_MMAP_THRESHOLD, _OLD_LARGEST)):
        mallopt(_TRIM_THRESHOLD, _LARGEST)
