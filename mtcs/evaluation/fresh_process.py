"""A function in a process that has done nothing else, so that its peak memory is its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TypeVar

from mtcs.errors import WorkError

_Result = TypeVar("_Result")


def in_fresh_process(function: Callable[..., _Result], *arguments: object) -> _Result:
    """What a function of a module returns or raises; no memory is held from before."""
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_end_with_parent) as fresh:
            return fresh.submit(function, *arguments).result()
    except BrokenProcessPool as error:
        raise WorkError(
            f"A process was killed while it worked on {', '.join(map(str, filter(None, arguments)))}, perhaps for lack "
            "of memory; see the system's log."
        ) from error


def _end_with_parent() -> None:
    """Let this process end when its parent is gone, killed perhaps, and nobody waits for what it does."""

    def watch() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()
