"""The lock of a workspace, and what killed processes leave in DVC's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, rwlock

from flows.workspace import LOCK, claimed, is_abandoned, release_dead
from mtcs.errors import InputError

HOLD = """
import sys, time
from pathlib import Path
from flows.workspace import claimed
with claimed(Path("."), "slow-snail"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def repo(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    (tmp_path / "repo").mkdir()
    with Repo.init(str(tmp_path / "repo"), no_scm=True) as repo:
        yield repo


def test_held_by_one_at_a_time(tmp_path):
    with claimed(tmp_path, "first"):
        assert not is_abandoned(tmp_path)
        with (
            pytest.raises(InputError, match=rf"^first \(process {os.getpid()} on .* since .*\) is at work in "),
            claimed(tmp_path, "second"),
        ):
            pass
    assert is_abandoned(tmp_path)
    with claimed(tmp_path, "second"):
        pass


@pytest.mark.parametrize("content", ["{", "3", "[1]", '{"run": "a"}', "\udcff"])
def test_a_lock_with_another_content_is_taken(tmp_path, content):
    (tmp_path / LOCK).parent.mkdir()
    (tmp_path / LOCK).write_text(content, errors="surrogateescape")
    with claimed(tmp_path, "first"), pytest.raises(InputError, match=r"^first "), claimed(tmp_path, "second"):
        pass


def test_given_up_by_a_process_that_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert not is_abandoned(tmp_path)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    start = time.monotonic()
    with claimed(tmp_path, "next"):
        assert time.monotonic() - start >= 0.5, "what the killed flow left has time to notice"


def test_entries_of_dead_processes_are_dropped(repo):
    ours = " ".join(["python", *sys.orig_argv[1:]])
    table = {
        "write": {
            "/dead": {"pid": 2**22 + 1, "cmd": "dvc repro a"},
            "/other": {"pid": os.getpid(), "cmd": "dvc repro b"},  # the number is another process's by now
            "/alive": {"pid": os.getpid(), "cmd": ours},
        },
        "read": {"/both": [{"pid": 2**22 + 1, "cmd": "dvc repro a"}, {"pid": os.getpid(), "cmd": ours}]},
    }
    path = Path(str(repo.tmp_dir), "rwlock")
    path.write_text(json.dumps(table))
    assert release_dead(repo) == ["dvc repro a", "dvc repro b"]
    left = json.loads(path.read_text())
    assert list(left["write"]) == ["/alive"]
    assert left["read"] == {"/both": [{"pid": os.getpid(), "cmd": ours}]}
    assert release_dead(repo) == []


def test_dvc_and_flows_read_each_others_table(repo):
    """DVC documents neither the table's place nor its format: a release that changes them must fail here."""
    path = Path(str(repo.tmp_dir), RWLOCK_FILE)
    with rwlock(str(repo.tmp_dir), repo.fs, " ".join(sys.orig_argv), ["/in"], ["/out"], hardlink=False):
        assert release_dead(repo) == []
        table = json.loads(path.read_text())
        assert [list(table["write"]), list(table["read"])] == [["/out"], ["/in"]]
        table["write"]["/dead"] = {"pid": os.getpid(), "cmd": "dvc repro b"}
        path.write_text(json.dumps(table))
        assert release_dead(repo) == ["dvc repro b"]
    assert json.loads(path.read_text()) == {}, "DVC has found its entries in the table as it was rewritten"


def test_a_table_that_was_cut_off_is_removed(repo):
    Path(str(repo.tmp_dir), "rwlock").write_text('{"write": {"/a": {"pi')
    assert release_dead(repo) == ["a table that was cut off"]
    assert release_dead(repo) == []
