"""The paths that others rely on, and files that are written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from mtcs.layout import Layout, write_whole

HERE = Layout()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (HERE.params, "params.yaml"),
        (HERE.raw("demo", "GunPoint"), "data/raw/demo/GunPoint"),
        (HERE.raw_part("demo", "GunPoint", "TRAIN"), "data/raw/demo/GunPoint/GunPoint_TRAIN.ts"),
        (HERE.normalized("demo", "GunPoint"), "data/normalized/demo/GunPoint.npz"),
        (HERE.model("demo", "mtcs", 3), "data/models/demo/mtcs/seed3/joint.safetensors"),
        (HERE.model("demo", "ts2vec", 3, "GunPoint"), "data/models/demo/ts2vec/seed3/GunPoint.safetensors"),
        (HERE.curves("demo", "mtcs", 3), "data/training/demo/mtcs/seed3/joint.csv"),
        (HERE.record("demo", "mtcs", 3), "data/training/demo/mtcs/seed3/joint.json"),
        (HERE.representation("demo", "mtcs", 3, "GunPoint"), "data/representations/demo/mtcs/seed3/GunPoint.npz"),
        (HERE.representation_cost("demo", "mtcs", 3), "data/costs/demo/mtcs/seed3.json"),
        (HERE.prediction("demo", "mtcs", 3, "GunPoint"), "data/predictions/demo/mtcs/seed3/GunPoint.csv"),
        (HERE.classifier("demo", "mtcs", 3, "GunPoint"), "data/classifiers/demo/mtcs/seed3/GunPoint.skops"),
        (HERE.result("demo", "mtcs", 3), "results/demo/mtcs/seed3.json"),
        (HERE.report("demo"), "reports/demo"),
    ],
)
def test_paths(found, expected):
    assert found == Path(expected)


def test_paths_begin_at_the_root():
    assert Layout(Path("/there")).normalized("demo", "GunPoint") == Path("/there/data/normalized/demo/GunPoint.npz")


def test_checkpoints_lie_outside_what_dvc_deletes():
    assert HERE.checkpoints.parts[0] != "data"


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with write_whole(path) as part:
        part.write_text("half")
        assert not path.exists()
        assert (part.parent, part.suffix) == (path.parent, ".txt")  # a rename within one file system
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half-way"), write_whole(path) as part:
        part.write_text("half")
        raise RuntimeError("half-way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with write_whole(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"


def test_permissions_are_those_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        with write_whole(tmp_path / "file.txt"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o640
