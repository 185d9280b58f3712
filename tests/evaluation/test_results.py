"""The file of a run's result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from mtcs.errors import InputError
from mtcs.evaluation.records import TrainingRecord
from mtcs.evaluation.results import Curve, RunResult, TaskResult, Triangle, digits, read_result, write_result

CURVE = Curve(task="A", step=(1, 2.5), steps=(1, 2), loss=(0.5, 1), sharing_loss=(1, None), relevant_share=(1, None))


def result(**changes: object) -> RunResult:
    values = {
        "suite": "tiny",
        "method": "mtcs",
        "seed": 3,
        "joint": True,
        "parameters": {"C": [1, "Infinity"], "name": "é"},
        "tasks": [
            TaskResult(
                task=name,
                train=10,
                test=20,
                length=30,
                classes=("a", "1.0"),
                fingerprint="00ff",
                accuracy=1 / 3,
                head_accuracy=head,
            )
            for name, head in (("A", 0.5), ("B", None))
        ],
        "similarity": Triangle.of(np.array([[1.0, np.nan], [np.nan, 0.123456789]])),
        "curves": [
            Curve(task="A", step=(1, 2.5), steps=(1, 2), loss=(0.5, None), sharing_loss=(None, None), relevant_share=())
        ]
        if changes.pop("broken_curve", False)
        else [],
        **changes,
    }
    return RunResult.model_validate(values)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "results/tiny/mtcs/seed3.json"
    written = result()
    write_result(path, written)
    actual = read_result(path, "tiny", "mtcs", 3)
    assert actual == written
    assert actual.tasks[0].accuracy == 1 / 3  # all its digits: tables are made of it
    assert json.loads(path.read_text())["tasks"][1]["head_accuracy"] is None
    assert list(path.parent.iterdir()) == [path]


def test_an_entry_a_line(tmp_path: Path) -> None:
    write_result(tmp_path / "a.json", result())
    write_result(tmp_path / "b.json", result(seed=4))
    a, b = ((tmp_path / f"{name}.json").read_text().splitlines() for name in "ab")
    assert [x.split(":")[0] for x, y in zip(a, b, strict=True) if x != y] == [' "seed"', ' "digest"']


def test_a_changed_result_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seed3.json"
    write_result(path, result())
    text = path.read_text()
    path.write_text(text.replace('"test": 20', '"test": 21', 1))
    with pytest.raises(InputError, match=r"\(its content is not what was written\); run 'mtcs measure .* from git\.$"):
        read_result(path, "tiny", "mtcs", 3)
    entries = json.loads(text)
    path.write_text(json.dumps(entries, indent=4))  # in another form
    assert read_result(path, "tiny", "mtcs", 3) == result()
    del entries["digest"]  # by an earlier version
    path.write_text(json.dumps(entries))
    assert read_result(path, "tiny", "mtcs", 3) == result()


def test_a_triangle_is_a_symmetric_matrix_to_six_digits() -> None:
    matrix = np.array([[1.0, 0.25, np.nan], [0.25, 123456.789, -0.000123456789], [np.nan, -0.000123456789, 0.0]])
    square = Triangle.of(matrix).square()
    assert square == pytest.approx(matrix, rel=1e-5, nan_ok=True)
    assert square[1, 1] == 123457
    assert np.array_equal(square, square.T, equal_nan=True)
    assert digits(np.array([np.inf, 1.0])) == (None, 1.0)


TASK = result().tasks[0].model_dump()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"tasks": []}, "at least 1 item"),
        ({"label_affinity": Triangle(rows=((1.0,),))}, "label_affinity has 1 rows, expected 4"),
        ({"similarity": {"rows": [[1.0], [1.0]]}}, "row i of a lower triangle has i \\+ 1 entries"),
        ({"broken_curve": True}, "the columns of the curve of A are not equally long"),
        ({"tasks": [result().tasks[0]] * 2}, "a task stands there twice"),
        ({"curves": [CURVE.model_dump() | {"steps": (1, 0)}]}, "greater than or equal to 1"),
        ({"tasks": [TASK | {"wrong": {"a": {"b": [0]}}}]}, "A has no label 'b'"),
        ({"tasks": [TASK | {"wrong": {"a": {"1.0": [3, 20]}}}]}, "A has 20 test series, none has the number 20"),
        ({"tasks": [TASK | {"wrong": {"a": {"1.0": [-1]}}}]}, "greater than or equal to 0"),
        ({"more": 1}, "Extra inputs are not permitted"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        result(**changes)


def test_records_may_hold_more_than_is_kept() -> None:
    record = TrainingRecord.model_validate(
        {"device": "cpu", "precision": "fp32", "seconds": 1, "steps": 2, "peak_memory_mb": 3, "parameters": 4, "x": 5}
    )
    assert record.task is None
    assert "x" not in record.model_dump()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "Invalid JSON"),
        ("[]", "Input should be an object"),
        ('{"suite": "tiny"}', "method: Field required"),
    ],
)
def test_a_file_that_holds_no_result_is_refused(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "seed3.json"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"seed3\.json does not hold the result of a run \({what}.*\); run 'mtcs m"):
        read_result(path, "tiny", "mtcs", 3)


def test_the_result_of_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seed0.json"
    write_result(path, result())
    with pytest.raises(
        InputError,
        match=r"holds mtcs on tiny with seed 3, expected mtcs on tiny with seed 0; run 'mtcs measure mtcs tiny --seed ",
    ):
        read_result(path, "tiny", "mtcs", 0)
