"""Files that are written whole or not at all."""

import os
import stat
import subprocess
import sys
import time

import pytest

from mtcs.files import atomic_write, locked, remove_leftovers


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with atomic_write(path) as part:
        part.write_text("half")
        assert not path.exists()
        assert (part.parent, part.suffix) == (path.parent, ".txt")  # a rename within one file system
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half-way"), atomic_write(path) as part:
        part.write_text("half")
        raise RuntimeError("half-way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with atomic_write(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"


def test_permissions_are_those_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "file.txt"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o640


KILLED = """
import os, signal, sys
from pathlib import Path
from mtcs.files import atomic_write
with atomic_write(Path(sys.argv[1])) as part:
    part.write_text("half")
    print(part.name, flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def test_the_next_write_removes_what_a_killed_one_left_and_no_more(tmp_path):
    path = tmp_path / "seed0.json"
    others = [tmp_path / ".seed0.json.swp", tmp_path / ".seed1.json.part-abcdefgh.json"]
    for other in others:
        other.write_text("of somebody else")
    command = [sys.executable, "-c", KILLED, str(path)]
    subprocess.run([*command, "killed"], stdout=subprocess.PIPE, check=False)
    (left,) = set(tmp_path.iterdir()) - set(others)
    with subprocess.Popen([*command, "alive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        at_work = tmp_path / writer.stdout.readline().strip()
        for one in (left, at_work):
            os.utime(one, (time.time() - 60,) * 2)
        with atomic_write(path) as part:
            part.write_text("whole")
        assert not left.exists()
        assert at_work.exists()
        writer.communicate("")
    assert writer.returncode == 0
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])
    assert path.read_text() == "half"  # of the writer that ended last


def test_a_folder_that_a_killed_report_left_is_removed(tmp_path):
    left = tmp_path / ".demo.part-abcdefgh"
    left.mkdir()
    (left / "report.html").write_text("half")
    os.utime(left, (time.time() - 60,) * 2)
    with locked(left):
        remove_leftovers(tmp_path / "demo")
        assert left.exists()
    remove_leftovers(tmp_path / "demo")
    assert not left.exists()


def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """After a loss of power a name stands for whole content, or for the content before."""
    path, done = tmp_path / "file.txt", []
    monkeypatch.setattr("mtcs.files.os.fsync", lambda handle: done.append((os.fstat(handle).st_size, path.exists())))
    with atomic_write(path) as part:
        part.write_text("whole")
    assert done == [(5, False)]
