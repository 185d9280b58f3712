"""Progress as plain lines in a log, as a bar on a terminal, and as one line that is rewritten in a notebook."""

import io
import sys

import pytest

from mtcs import progress as module
from mtcs.progress import progress, silence


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def lines(capsys) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == "", "standard output is for results"
    return captured.err.splitlines()


def test_a_log_has_the_first_and_the_last_line_and_one_now_and_then(clock, capsys):
    with progress("train", 1000, "series", every=10) as advance:
        for done in range(0, 1001, 100):
            advance(done, f"loss {done}")
            clock.now += 4
    assert lines(capsys) == [
        "train: 0/1000 series, loss 0",
        "train: 300/1000 series, 25 series/s, 0:28 left, loss 300",
        "train: 600/1000 series, 25 series/s, 0:16 left, loss 600",
        "train: 900/1000 series, 25 series/s, 0:04 left, loss 900",
        "train: 1000/1000 series, loss 1000",
    ]


def test_quick_work_is_silent_where_that_is_wanted(clock, capsys):
    for seconds, expected in (
        (0.1, []),
        (1, ["fit: 2/4 tasks", "fit: 4/4 tasks"]),
        (2, ["fit: 1/4 tasks", "fit: 4/4 tasks"]),
        (0.5, []),  # the last call alone says nothing
    ):
        with progress("fit", 4, "tasks", patience=2) as advance:
            for done in range(5):
                advance(done, "")
                clock.now += seconds
        assert lines(capsys) == expected


def test_the_rate_of_a_continued_run_counts_from_where_it_begins(clock, capsys):
    with progress("train", 1000, "series", every=1) as advance:
        advance(900, "epoch 9")
        clock.now += 10
        advance(950, "epoch 10")
    assert lines(capsys)[-1] == "train: 950/1000 series, 5 series/s, 0:10 left, epoch 10"


def test_long_times_have_hours(clock, capsys):
    with progress("train", 10_000, "series", every=1) as advance:
        advance(0, "")
        clock.now += 60
        advance(60, "")
    assert lines(capsys) == ["train: 0/10000 series", "train: 60/10000 series, 1 series/s, 2:45:40 left"]


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("classify", 40, "fits") as advance:
        advance(0, "GunPoint")
        advance(40, "ArrowHead")
    shown = terminal.getvalue()
    assert "classify" in shown
    assert "40/40" in shown
    assert "ArrowHead" in shown
    assert "\x1b[" in shown
    assert capsys.readouterr().out == ""


def notebook_stream(monkeypatch) -> io.StringIO:
    """Standard error of the kind that the kernel of a notebook has; set within the test, since pytest sets its own."""
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_a_notebook_gets_one_line_that_is_rewritten(clock, monkeypatch, capsys):
    notebook = notebook_stream(monkeypatch)
    with progress("train", 1000, "series") as advance:
        for done in (0, 10, 500, 1000):
            advance(done, "loss 0.5")
            clock.now += 0.125
    assert notebook.getvalue().endswith("\n")
    blank, *shown = notebook.getvalue().removesuffix("\n").split("\r")
    assert blank == ""
    assert [line.rstrip() for line in shown] == [
        "train: 0/1000 series, loss 0.5",
        "train: 500/1000 series, 2000 series/s, 0:00 left, loss 0.5",
        "train: 1000/1000 series, loss 0.5",
    ]
    assert len(shown[2]) == len(shown[1]), "nothing of a longer line is left over"
    assert capsys.readouterr().out == ""


def test_a_silent_notebook_shows_nothing(monkeypatch):
    notebook = notebook_stream(monkeypatch)
    with silence(), progress("train", 10, "series") as advance:
        advance(10, "")
    assert notebook.getvalue() == ""


def test_a_notebook_line_ends_where_work_fails(monkeypatch):
    notebook = notebook_stream(monkeypatch)
    with pytest.raises(RuntimeError), progress("train", 10, "series") as advance:
        advance(1, "")
        raise RuntimeError
    assert notebook.getvalue().endswith("series\n")


def test_a_failure_passes_through():
    with pytest.raises(RuntimeError, match="half-way"), progress("train", 10, "series") as advance:
        advance(1, "")
        raise RuntimeError("half-way")
