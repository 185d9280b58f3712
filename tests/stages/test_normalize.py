"""What `mtcs normalize` warns of before anything is trained, and what it takes for missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from mtcs.cli import app
from mtcs.data.task import read_task
from mtcs.layout import Layout

LAYOUT = Layout()


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    params = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
    LAYOUT.params.write_text(
        yaml.safe_dump(
            params | {"suites": {"mine": {"tasks": ["Pump"]}, "filled": {"tasks": ["Pump"], "missing": [-9999]}}}
        )
    )


def write_pump(suite: str, train: Sequence[Sequence[float]], test: Sequence[Sequence[float]]) -> None:
    folder = LAYOUT.raw(suite, "Pump")
    folder.mkdir(parents=True)
    for part, series in (("TRAIN", train), ("TEST", test)):
        lines = ["@classLabel true sound worn", "@data"]
        lines += [f"{','.join(map(str, one))}:{('sound', 'worn')[i % 2]}" for i, one in enumerate(series)]
        (folder / f"Pump_{part}.ts").write_text("\n".join(lines) + "\n")


def normalize(suite: str) -> str:
    done = CliRunner().invoke(app, ["normalize", suite])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{suite}: 1 tasks in data/normalized/{suite}\n"
    return done.stderr


def test_test_series_of_the_training_part_are_counted() -> None:
    write_pump("mine", [[1, 2, 4], [2, 1, 3]], [[2, 1, 3], [5, 1, 2], [1, 2, 4]])
    said = "Warning: Pump: 2 of 3 test series are in the training split, too; take them out of one of the two."
    assert said in normalize("mine").splitlines()


def test_a_fill_value_is_reported_or_taken_for_missing() -> None:
    series = np.random.default_rng(0).normal(size=(6, 8)).round(3)
    series[2, 3] = -9999
    for suite in ("mine", "filled"):
        write_pump(suite, series.tolist(), [[1.0] * 7 + [0.0]] * 2)
    assert "comes from the value -9999, which 1 of 48 values have" in normalize("mine")
    assert "-9999" not in normalize("filled")
    task = read_task(LAYOUT.normalized("filled", "Pump"))
    assert np.isnan(task.train.series[2, 3])
    assert task.info.missing == (-9999.0,)  # which goes into the model's file, for new series


def test_series_that_a_fill_value_squashes_are_not_taken_for_the_same() -> None:
    series = np.random.default_rng(0).normal(size=(12, 8)).round(3)
    series[2, 3] = 9.96921e36
    write_pump("mine", series[:6].tolist(), series[6:].tolist())
    assert normalize("mine").splitlines()[1:] == [
        "Warning: Pump (train): 100.0% of the spread comes from the value 9.96921e+36, which 1 of 48 values have; if "
        "it stands for a missing one, add 'missing: [9.96921e+36]' to the suite."
    ]
    assert len(np.unique(read_task(LAYOUT.normalized("mine", "Pump")).test.series)) == 1
