"""Memory that is freed and taken again."""

import ctypes
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import SimpleNamespace

import pytest

from mtcs.ops.memory import keep_freed_memory

GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt")


def page_faults(megabytes: int, times: int) -> int:
    """Pages that the system had to hand out while so much memory was taken, written and freed so many times."""
    library = ctypes.CDLL(None)
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    library.memset.argtypes = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        memory = library.malloc(megabytes << 20)
        library.memset(memory, 1, megabytes << 20)
        library.free(memory)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not GLIBC, reason="only glibc can be told to keep what is freed")
def test_freed_memory_is_taken_again_without_asking_the_system():
    if not ctypes.CDLL(None).mallopt(-3, 2**31 - 1):
        pytest.skip("this version of glibc maps blocks so large whatever it is told")
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:  # where no other test has left its mark on the heap
        assert fresh.submit(faults_when_kept).result() < 1000  # 204,800 if all were handed out anew


def faults_when_kept() -> int:
    keep_freed_memory()
    page_faults(80, 2)  # more than glibc would keep by itself
    return page_faults(80, 10)


@pytest.mark.parametrize(("most", "taken"), [(2**31 - 1, 2**31 - 1), (2**25, 2**25), (0, None)])
def test_trimming_is_set_only_with_a_threshold_that_the_library_takes(monkeypatch, most, taken):
    """A library that refuses the threshold for mapping would keep its smallest one once trimming is set."""
    settings = {}

    def mallopt(name: int, value: int) -> int:
        if name == -3 and value > most:
            return 0
        settings[name] = value
        return 1

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=mallopt))
    keep_freed_memory()
    assert settings == ({} if taken is None else {-3: taken, -1: 2**31 - 1})


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_no_library_is_asked(monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("the C library was loaded"))
    keep_freed_memory()


def test_a_library_without_that_setting_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    keep_freed_memory()
