"""The paths that others rely on."""

from pathlib import Path

import pytest

from mtcs.layout import Layout, Run

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
