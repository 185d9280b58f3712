"""Variants of MTCS, paired with it seed by seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mtcs.reports import tables
from mtcs.reports.analysis.ablation import differences
from mtcs.reports.words import sentences

UCR12 = ("Crop", "ElectricDevices", "Wafer", "TwoPatterns", "ECG5000", "FordA")


def test_ablations_are_paired_by_seed(report_of) -> None:
    cells = {
        "mtcs": {"A": [0.5, 0.6, 0.7], "B": [0.9, 0.8, 0.9]},
        "loose": {"A": [0.6, 0.7], "B": [0.8, 0.8]},
    }
    report = report_of(cells, ablation=["loose"])
    assert report.methods == ("mtcs",)
    reference, loose = report.variants
    assert (*reference.accuracy, reference.paired.seeds) == (
        pytest.approx(np.mean([0.7, 0.7, 0.8])),
        pytest.approx(np.std([0.7, 0.7, 0.8], ddof=1)),
        3,
    )
    by_seed = [0.7 - 0.7, 0.75 - 0.7]
    assert (*loose.paired.difference, loose.paired.seeds) == (
        pytest.approx(np.mean(by_seed)),
        pytest.approx(np.std(by_seed, ddof=1)),
        2,
    )
    assert (loose.paired.better, loose.paired.equal, loose.paired.worse) == (1, 0, 1)
    assert math.isnan(loose.printed)


def test_what_an_ablation_changes_is_said() -> None:
    reference = {"kind": "multitask", "threshold": 2.0, "schedule": {"epochs": 5, "clip": None}}
    for change, sentence in (
        ({}, ""),
        ({"schedule": {"epochs": 9, "clip": None}}, "schedule.epochs 9 instead of 5"),
        ({"threshold": 1.0, "experts": 4}, "threshold 1.0 instead of 2.0; experts 4 added"),
        ({"kind": "ts2vec", "threshold": 7}, "kind ts2vec instead of multitask"),
    ):
        assert differences({**reference, **change}, reference) == sentence


def test_ablations_stand_beside_the_papers(report_of) -> None:
    report = report_of({m: {t: [0.8, 0.8] for t in UCR12} for m in ("mtcs", "mtl", "mmoe", "ts2vec_joint")})
    assert [row.elsewhere for row in report.variants[1:]] == [False, True, True]
    printed = tables.ablation(report)["in the paper"].tolist()
    assert printed[2:] == ["\N{MINUS SIGN}0.001‡", "\N{MINUS SIGN}0.070‡"]
    other = report_of({m: {"Lightning2": [0.8, 0.8]} for m in ("mtcs", "mmoe")})  # of Table 2, which has no such means
    assert not any(row.elsewhere for row in other.variants)
    assert sentences(report)["ablation"].endswith("‡ Over the paper's 15 tasks, of which it prints these means alone.")
