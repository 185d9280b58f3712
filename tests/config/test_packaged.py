"""What a method or a classifier is called where its parameters are all that is known."""

from __future__ import annotations

from typing import Any

import pytest

from mtcs.config.packaged import display_name, packaged_classifier, packaged_experiment, packaged_method, short


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("mtcs", "mtcs"),
        ("mtl", "mtl"),
        ("mmoe", "mmoe"),
        ("tst", "tst"),
        ("dtw", "dtw"),
        ("minirocket", "minirocket"),
        ("mtcs_rocket", "mtcs_rocket"),
        ("mtcs_tau_4", "mtcs_tau_4"),
        ("ts2vec_joint", "ts2vec"),  # the same parameters
        ({"like": "mtl", "schedule": {"epochs": 40}, "members": 5}, "mtl"),
        ({"like": "mtcs", "depth": 2, "hidden": 8}, "like mtcs"),
        ({"like": "tst", "dropout": 0.5}, "like tst"),
    ],
)
def test_a_method_is_called_by_the_name_that_users_know(method: Any, name: str) -> None:
    assert display_name(packaged_method(method)) == name


def test_a_classifier_is_called_by_the_name_that_users_know() -> None:
    names = packaged_experiment().classifiers
    assert [display_name(packaged_classifier(name)) for name in names] == list(names)
    assert short(packaged_method("minirocket")) == short(packaged_classifier("minirocket")) == "minirocket"
    assert display_name(packaged_classifier({"kind": "kernel_ridge", "max_exact": 2000})) == "like ridge"
