"""Progress of long work: a bar on a terminal, one changing line in a notebook, a plain line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

Advance = Callable[[int, str], None]
"""Called with the units done so far and a short text on how it goes."""


_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextmanager
def silence(silent: bool = True) -> Iterator[None]:
    """Within this block nothing is shown, where `silent`."""
    token = _silent.set(silent or _silent.get())
    try:
        yield
    finally:
        _silent.reset(token)


@contextmanager
def progress(what: str, total: int, unit: str, every: float = 10.0, patience: float = 0.0) -> Iterator[Advance]:
    """Yield a function that shows how far `what` has come, out of `total` units.

    All forms go to standard error, so that standard output holds results only. In a log the first and the last
    call are printed, and one at least `every` seconds after the one before. Nothing is shown until a call that comes
    `patience` seconds after the start, so that quick work is silent.
    """
    if _silent.get():
        yield lambda done, text: None
    elif patience > 0:
        with ExitStack() as stack:
            yield _patient(patience, total, lambda: stack.enter_context(progress(what, total, unit, every)))
    elif sys.stderr.isatty():
        with _bar(what, total, unit) as advance:
            yield advance
    elif type(sys.stderr).__module__.startswith("ipykernel."):  # a notebook's: no terminal, but it knows \r
        with _one_line() as show:
            yield _lines(what, total, unit, 0.2, show)
    else:
        yield _lines(what, total, unit, every, lambda line: print(line, file=sys.stderr, flush=True))


def _patient(patience: float, total: int, begin: Callable[[], Advance]) -> Advance:
    start, shown = time.monotonic(), None

    def advance(done: int, text: str) -> None:
        nonlocal shown
        if shown is None and done < total and time.monotonic() - start >= patience:
            shown = begin()
        if shown is not None:
            shown(done, text)

    return advance


def _lines(what: str, total: int, unit: str, every: float, show: Callable[[str], None]) -> Advance:
    start = last = time.monotonic()
    first: int | None = None  # where a continued run begins: its rate counts from there

    def advance(done: int, text: str) -> None:
        nonlocal first, last
        now = time.monotonic()
        if first is None:
            first = done
        elif done < total and now - last < every:
            return
        last = now
        rate = (done - first) / max(now - start, 1e-9)
        left = f", {_rate(rate)} {unit}/s, {_clock((total - done) / rate)} left" if rate > 0 and done < total else ""
        show(f"{what}: {done}/{total} {unit}{left}{f', {text}' if text else ''}")

    return advance


@contextmanager
def _one_line() -> Iterator[Callable[[str], None]]:
    """Each line shown takes the place of the one before; the last one stays."""
    width = 0

    def show(line: str) -> None:
        nonlocal width
        print(f"\r{line:<{width}}", end="", file=sys.stderr, flush=True)
        width = len(line)

    try:
        yield show
    finally:
        if width:
            print(file=sys.stderr, flush=True)


@contextmanager
def _bar(what: str, total: int, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    start, first = time.monotonic(), None
    with Progress(*columns, console=Console(stderr=True)) as bar:
        row = bar.add_task(what, total=total, text="")

        def advance(done: int, text: str) -> None:
            nonlocal first
            if first is None:
                first = done
            rate = (done - first) / max(time.monotonic() - start, 1e-9)
            bar.update(row, completed=done, text=f"{_rate(rate)} {unit}/s {text}")

        yield advance


def _rate(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
