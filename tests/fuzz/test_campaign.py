"""The first inputs of every part of the campaign; `make fuzz` goes on from there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz import archive, independent, kills, models, parameters, stages, tables
from fuzz.__main__ import KINDS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("check", "n"),
    [(archive.check, 800), (tables.check, 300), (parameters.check, 60), (stages.check, 6), (models.check, 100)],
)
def test_damage_is_refused_or_harmless(check, n):
    outcomes = {check(number) for number in range(n)}
    assert "refused" in outcomes
    assert outcomes <= {"refused", "accepted"}


def test_a_killed_command_leaves_nothing_half_written():
    """In a process that has run nothing yet, whose children are killed."""
    code = "from fuzz import kills; print(*[kills.check(number) for number in range(1)])"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "killed" in done.stdout, done.stdout + done.stderr


def test_the_independent_readers_are_strict():
    """Of a `.ts` and a `.tsv` by hand; what they do not understand is no series to them."""
    text = b"@missing false\r\n@classLabel true a b\n@data\n1,2:a\r3,-4e1:b"
    series, labels = independent.ts(text)
    assert ([row.tolist() for row in series], labels) == ([[1.0, 2.0], [3.0, -40.0]], ["a", "b"])
    series, labels = independent.tsv(b"a\t1\t2.5\n\nb c\t-3\t4\n")
    assert ([row.tolist() for row in series], labels) == ([[1.0, 2.5], [-3.0, 4.0]], ["a", "b c"])
    for wrong in (text.replace(b"2", b"1_0"), text.replace(b"2", b"?"), text.replace(b":b", b":c"), b"1,2:a"):
        with pytest.raises(ValueError, match=r"."):
            independent.ts(wrong)
    with pytest.raises(ValueError, match="is no number"):
        independent.tsv("a\t1\u2028b\t2".encode())


def test_every_kind_is_in_the_campaign():
    assert [check for check, _, _ in KINDS.values()] == [
        module.check for module in (archive, tables, parameters, stages, models, kills)
    ]
