"""The file of what methods cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mtcs.errors import InputError
from mtcs.evaluation.cost import SuiteCosts, read_costs, write_costs

FACTS: dict[str, Any] = {
    "suite": "tiny",
    "tasks": ["A", "B"],
    "steps": 15,
    "series": 128,
    "fitted": 2000,
    "load": 0.1,
    "versions": {"torch": "2.13.0"},
    "commit": None,
    "methods": [
        {
            "method": "dtw",
            "parameters": {"C": [1, "Infinity"]},
            "models": 0,
            "training_seconds": None,
            "reading_seconds": 7.25,
            "series_per_second": 12.5,
            "weights": 0,
            "peak_memory_mb": 400.0,
            "device": "cpu: Xeon, 2 threads",
            "precision": "fp32",
        }
    ],
}


def test_costs_are_read_as_they_were_written(tmp_path: Path) -> None:
    costs = SuiteCosts.model_validate(FACTS)
    write_costs(tmp_path / "a/cost.json", costs)
    assert read_costs(tmp_path / "a/cost.json", "tiny") == costs
    written = json.loads((tmp_path / "a/cost.json").read_text())
    assert len(written.pop("digest")) == 12
    assert written == FACTS
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["cost.json"]


def test_costs_of_before_reading_was_measured_are_read(tmp_path: Path) -> None:
    earlier = {name: value for name, value in FACTS.items() if name != "fitted"}
    (method,) = FACTS["methods"]
    earlier["methods"] = [{name: value for name, value in method.items() if name != "reading_seconds"}]
    (tmp_path / "cost.json").write_text(json.dumps(earlier))
    costs = read_costs(tmp_path / "cost.json", "tiny")
    assert (costs.fitted, costs.methods[0].reading_seconds) == (None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", r"does not hold the costs of a suite \(suite: Field required\)"),
        ("[", r"does not hold the costs of a suite \(Invalid JSON"),
        (json.dumps({**FACTS, "methods": []}), r"\(methods: Tuple should have at least 1 item"),
        (json.dumps({**FACTS, "steps": 0}), r"\(steps: Input should be greater than or equal to 1\)"),
        (json.dumps({**FACTS, "suite": "other"}), "holds the costs of other, expected those of tiny"),
        (json.dumps({**FACTS, "digest": "0123456789ab"}), r"\(its content is not what was written\)"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "cost.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        read_costs(path, "tiny")
    assert str(refused.value).endswith("; run 'mtcs cost tiny', or remove the file.")
