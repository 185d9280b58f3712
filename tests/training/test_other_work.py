"""Advice on threads where other processes compute, by what the system counts."""

import subprocess
import sys
import time

import pytest

from mtcs.training import other_work
from mtcs.training.other_work import OtherWork


def of(monkeypatch: pytest.MonkeyPatch, *counts: tuple[float, float, float] | None, cores: int = 4) -> OtherWork:
    """Seconds by the clock, of all processes and of this one, at the beginning and when asked."""
    monkeypatch.setattr(other_work, "_available", lambda: set(range(cores)))
    monkeypatch.setattr(other_work, "_seconds", iter(counts).__next__)
    return OtherWork()


@pytest.mark.parametrize(
    ("busy", "own", "others", "better"),
    [(0.1, 0.1, 0.0, None), (2.1, 2.0, 0.05, None), (3.0, 1.0, 1.0, 3), (8.0, 0.5, 3.75, 1), (0.0, 0.4, 0.0, None)],
)
def test_as_many_threads_as_others_leave_cores(monkeypatch, busy, own, others, better):
    counted = (10.0, 50.0, 7.0), (12.0, 50.0 + busy, 7.0 + own)
    assert of(monkeypatch, *counted).cores() == pytest.approx(others)
    advice = of(monkeypatch, *counted).advice(4)
    if better is None:
        assert advice is None
    else:
        assert advice is not None
        assert f"keep {others:.1f} of 4 cores busy" in advice
        assert f"--workers {better} (MTCS_WORKERS={better})" in advice
        assert of(monkeypatch, *counted).advice(better) is None, "as it says"


def test_where_nothing_is_counted_nothing_is_said(monkeypatch):
    assert of(monkeypatch, None).advice(4) is None
    assert of(monkeypatch, (1.0, 1.0, 1.0), None).advice(4) is None


@pytest.mark.skipif(other_work._seconds() is None, reason="the system does not count")
def test_a_busy_process_is_seen():
    """On a machine with other work there is more to see, never less."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        time.sleep(0.3)  # it starts
        others = OtherWork()
        time.sleep(0.5)
        seen = others.cores()
        process.kill()
    assert seen > 0.4
