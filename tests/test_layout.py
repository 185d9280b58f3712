"""The paths that others rely on, and files that are written whole or not at all."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtcs.layout import Layout, Run, atomic_write, locked, remove_leftovers

HERE = Layout()
RUN = Run("demo", "mtcs", 3)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (HERE.params, "params.yaml"),
        (HERE.raw("demo", "GunPoint"), "data/raw/demo/GunPoint"),
        (HERE.normalized("demo", "GunPoint"), "data/normalized/demo/GunPoint.npz"),
        (RUN.model(), "data/models/demo/mtcs/seed3/joint.safetensors"),
        (Run("demo", "ts2vec", 3).model("GunPoint"), "data/models/demo/ts2vec/seed3/GunPoint.safetensors"),
        (RUN.curves(), "data/training/demo/mtcs/seed3/joint.csv"),
        (RUN.record(), "data/training/demo/mtcs/seed3/joint.json"),
        (RUN.representation("GunPoint"), "data/representations/demo/mtcs/seed3/GunPoint.npz"),
        (RUN.representation_cost, "data/costs/demo/mtcs/seed3.json"),
        (RUN.prediction("GunPoint"), "data/predictions/demo/mtcs/seed3/GunPoint.csv"),
        (RUN.classifier("GunPoint"), "data/classifiers/demo/mtcs/seed3/GunPoint.safetensors"),
        (RUN.result, "results/demo/mtcs/seed3.json"),
        (HERE.report("demo"), "reports/demo"),
    ],
)
def test_paths(path, expected):
    assert path == Path(expected)


def test_a_run_says_what_to_run():
    assert str(RUN) == "mtcs on demo, seed 3"
    assert RUN.remedy("train") == "run 'mtcs train mtcs demo --seed 3'"
    assert (
        RUN.remedy("train", "represent", "classify")
        == "run 'mtcs train mtcs demo --seed 3', then represent and classify"
    )


def test_a_run_that_reads_another_methods_representations():
    reading = Run("demo", "mtcs_ridge", 3, reads="mtcs")
    assert reading.representation("GunPoint") == RUN.representation("GunPoint")
    assert (reading.models, reading.training, reading.represented) == (RUN.models, RUN.training, RUN.represented)
    assert reading.representation_cost == RUN.representation_cost
    assert reading.classified == Path("data/predictions/demo/mtcs_ridge/seed3/classifier.json")
    assert reading.result == Path("results/demo/mtcs_ridge/seed3.json")
    assert (
        reading.remedy("represent", "classify")
        == "run 'mtcs represent mtcs demo --seed 3', then 'mtcs classify mtcs_ridge demo --seed 3'"
    )


def test_paths_begin_at_the_root():
    assert Run("demo", "mtcs", 3, Layout(Path("/there"))).result == Path("/there/results/demo/mtcs/seed3.json")
    assert Layout(Path("/there")).normalized("demo", "GunPoint") == Path("/there/data/normalized/demo/GunPoint.npz")


def test_checkpoints_lie_outside_what_dvc_deletes():
    assert HERE.checkpoints.parts[0] != "data"


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
from mtcs.layout import atomic_write
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
    monkeypatch.setattr("mtcs.layout.os.fsync", lambda handle: done.append((os.fstat(handle).st_size, path.exists())))
    with atomic_write(path) as part:
        part.write_text("whole")
    assert done == [(5, False)]
