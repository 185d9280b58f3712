"""Which methods belong together."""

from __future__ import annotations

import pytest

from mtcs.reports.titles import in_kinds, kind


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("ts2vec_joint", "In the paper"),
        ("dtw", "In the paper"),
        ("ts2vec_joint_ridge", "Under kernel ridge"),
        ("mtcs_rocket", "Built on the paper's"),
        ("mtcs_sum", "Built on the paper's"),
        ("quant", "Beyond the paper"),
        ("my_ridge", "Beyond the paper"),
    ],
)
def test_a_method_is_of_one_kind_by_its_name(method: str, expected: str) -> None:
    assert kind(method) == expected


def test_methods_of_a_kind_stand_side_by_side_in_their_order() -> None:
    methods = ["mtcs", "mtcs_rocket", "mtl", "quant", "dtw", "hydra"]
    assert in_kinds(methods) == ["mtcs", "mtl", "dtw", "mtcs_rocket", "quant", "hydra"]
