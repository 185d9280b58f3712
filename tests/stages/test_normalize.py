"""What `mtcs normalize` warns of before anything is trained, and what it takes for missing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from mtcs.cli import app
from mtcs.data.task import read_few_labels, read_task
from mtcs.layout import Layout

LAYOUT = Layout()


@pytest.fixture(autouse=True)
def workspace(here: Path) -> None:
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
    assert done.stdout == f"{suite}: 1 task in data/normalized/{suite}\n"
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


def test_the_index_says_how_many_series_of_a_label_are_kept() -> None:
    for suite, kept in (("mine", {}), ("few", {"labels_per_class": 2}), ("other", {"labels_per_class": 2, "draw": 3})):
        parameters = yaml.safe_load(LAYOUT.params.read_text())
        parameters["suites"][suite] = {"tasks": ["Pump"]} | kept
        LAYOUT.params.write_text(yaml.safe_dump(parameters))
        write_pump(suite, np.random.default_rng(0).normal(size=(8, 5)).tolist(), [[2, 1, 3]])
        normalize(suite)
    said = [read_few_labels(LAYOUT.normalized_suite(suite)) for suite in ("mine", "few", "other")]
    assert said == [None, (2, 0), (2, 3)]


def test_series_that_a_fill_value_squashes_are_not_taken_for_the_same() -> None:
    series = np.random.default_rng(0).normal(size=(12, 8)).round(3)
    series[2, 3] = 9.96921e36
    write_pump("mine", series[:6].tolist(), series[6:].tolist())
    assert normalize("mine").splitlines()[1:] == [
        "Warning: Pump (train): 100.0% of the spread comes from the value 9.96921e+36, which 1 of 48 values have; if "
        "it stands for a missing one, add 'missing: [9.96921e+36]' to the suite."
    ]
    assert len(np.unique(read_task(LAYOUT.normalized("mine", "Pump")).test.series)) == 1


PEAK = """
import re, sys
from pathlib import Path
import mtcs.data.doubts, mtcs.data.formats, mtcs.data.normalize, mtcs.data.sources, mtcs.data.task, mtcs.stages.options
from mtcs.config.archive import published_sizes
published_sizes(), mtcs.stages.options.experiment()
peak = lambda: 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
getattr(mtcs.stages, sys.argv[1])("mine", *sys.argv[2:])
print("peak", peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("suffix", [".ts", ".tsv"])
def test_a_large_file_takes_at_most_ten_times_its_text(suffix: str) -> None:
    """Of numbers of one digit, where a value has the fewest letters; from download to what is normalised."""
    size = 2**23
    Path("archive").mkdir()
    for part, n in (("TRAIN", size // 4), ("TEST", 2)):
        if suffix == ".ts":
            text = f"@classLabel true a b\n@data\n{'1,2,' * n}3:a\n1,2,1:b\n"
        else:
            text = "a" + "\t1\t2" * n + "\t3\nb\t1\t2\t1\n"
        Path(f"archive/Pump_{part}{suffix}").write_text(text)
    # What is freed goes back at once, not at the allocator's leisure: measured is what is held.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(2**20)}
    for command in (["download", "archive"], ["normalize"]):
        done = subprocess.run([sys.executable, "-c", PEAK, *command], capture_output=True, text=True, env=environment)
        assert done.stdout.splitlines()[-1:], done.stderr
        assert int(done.stdout.split()[-1]) < 10 * size, command


def test_padding_out_of_proportion_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtcs.data.normalize.MAX_PADDED", 100)
    write_pump("mine", [[1, 2]] * 9 + [list(range(40))], [[1, 2], [2, 1]])
    done = CliRunner().invoke(app, ["normalize", "mine"])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == (
        "mtcs: Pump (train) has 10 series of up to 40 values, 400 when padded to the longest but 58 in all, expected "
        "at most 100; cut its longest series, or take them out."
    )


def test_raw_files_that_were_edited_are_refused_and_fetched_again() -> None:
    Path("archive").mkdir()
    for part in ("TRAIN", "TEST"):
        Path(f"archive/Pump_{part}.tsv").write_text("sound\t1\t2\t4\nworn\t2\t1\t3\n")
    runner = CliRunner()
    assert runner.invoke(app, ["download", "mine", "--archive", "archive"]).exit_code == 0
    normalize("mine")
    path = LAYOUT.raw("mine", "Pump") / "Pump_TRAIN.ts"
    path.write_text(path.read_text().replace("4", "5"))
    done = runner.invoke(app, ["normalize", "mine"])
    assert done.exit_code == 2
    said = f"mtcs: {path} holds other content than was downloaded; run 'mtcs download mine'."
    assert done.stderr.splitlines()[-1] == said
    assert runner.invoke(app, ["download", "mine", "--archive", "archive"]).exit_code == 0
    assert "4" in path.read_text()
    normalize("mine")
    path.unlink()
    done = runner.invoke(app, ["normalize", "mine"])
    assert done.stderr.splitlines()[-1] == f"mtcs: {path} does not exist; run 'mtcs download mine'."


def test_a_damaged_record_of_what_was_downloaded_is_one_line() -> None:
    write_pump("mine", [[1, 2, 4], [2, 1, 3]], [[2, 1, 3]])
    record = LAYOUT.raw("mine", "Pump").with_name("files.json")
    record.write_text('{"Pump": 3}')
    done = CliRunner().invoke(app, ["normalize", "mine"])
    assert done.exit_code == 2
    assert f"mtcs: {record} does not list what was downloaded (Pump: " in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].endswith("; run 'mtcs download mine'.")
