"""What a method or a classifier is called where its parameters are all that is known."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

from mtcs.config.classifiers import Classifier
from mtcs.config.packaged import display_name, packaged_classifier, packaged_experiment, packaged_method, short
from mtcs.data.task import Split, Task
from mtcs.training.loop import count_steps


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


def test_a_classifier_that_no_block_has_is_called_by_its_kind():
    class Centroid(Classifier, frozen=True):
        kind: Literal["centroid"] = "centroid"

    assert display_name(Centroid()) == "centroid"


def test_so_many_passes_are_so_many_whatever_else_ends_a_method():
    split = Split(np.zeros((30, 40), np.float32), np.arange(30) % 2)
    tasks = [Task("one", split, split, ("a", "b")), Task("other", split, split, ("a", "b"))]
    names = ["mtcs", "mtcs_rocket", "ts2vec", "t_loss", "tnc", "ts_tcc", "tst"]
    schedules = {name: packaged_method(name).for_passes(5_000).schedule_for(tasks) for name in names}
    passes = {name: count_steps(one, tasks) / (2 * one.batches(30)) for name, one in schedules.items()}
    assert passes == dict.fromkeys(names, 5_000)
