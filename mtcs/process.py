"""The process that a command runs in: its streams, its limit on memory, and how its threads wait."""

from __future__ import annotations

import io
import os
import resource
import sys

from mtcs.errors import WorkError


def usable_streams() -> None:
    """Make standard streams take whatever is written: letters they lack are escaped, a closed one leads nowhere.

    A closed one would be the next file that is opened, into which libraries write their warnings then.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest descriptor that is free
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def check_address_space() -> None:
    """Refuse a limit on memory (`ulimit -v`) below what libraries need: they abort, hang or blame a file then.

    Raises:
        WorkError: if there is such a limit.
    """
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < ADDRESS_SPACE:
        raise WorkError(
            f"Memory is limited to {limit / 1e9:.1f} GB of addresses (ulimit -v), and the libraries of mtcs need "
            f"{ADDRESS_SPACE / 1e9:.0f} GB; raise that limit."
        )


ADDRESS_SPACE = 2_000_000_000
"""Bytes, with which every command works on small data; at 1.5 GB threads of libraries hang."""


def bounded_spinning() -> None:
    """Threads that wait for one that is not running soon give way; read by the OpenMP library when torch loads it.

    By default they spin for milliseconds, while the thread that they wait for may want their core. What the user has
    set stays. `benchmarks/threads.py` measures what it is worth on a machine.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
