"""Similarities and affinities over runs, and which pairs of labels are relevant."""

from __future__ import annotations

import numpy as np
import pytest

from mtcs.reports.analysis import affinity

ACCURACIES = {"A": 0.5, "B": 0.6, "C": 0.7}


def test_similarity_is_the_mean_over_seeds(result) -> None:
    runs = [result("mtl", seed, ACCURACIES) for seed in range(3)]
    actual = affinity.gather(runs)
    assert actual is not None
    assert len(actual.similarity) == 3
    expected = np.mean([run.similarity.square() for run in runs], axis=0)
    np.testing.assert_allclose(actual.mean(), expected)
    assert list(actual.mean().index) == list(actual.mean().columns) == list(ACCURACIES)


def test_similarity_is_of_the_runs_that_have_it(result) -> None:
    runs = [result("mtcs", seed, ACCURACIES) for seed in range(3)]
    runs[1] = runs[1].model_copy(update={"similarity": None})
    actual = affinity.gather(runs)
    assert actual is not None
    assert len(actual.similarity) == 2
    assert affinity.gather(runs[1:2]) is None


def test_models_of_single_tasks_have_no_affinity(result) -> None:
    assert affinity.gather([result("tnc", 0, ACCURACIES)]) is None


def test_relevant_pairs_equal_equation_5_written_out() -> None:
    rng = np.random.default_rng(5)
    affinities = rng.random((6, 6)) ** 4
    affinities = affinities + affinities.T
    blocks = {"a": slice(0, 2), "b": slice(2, 6)}
    for rows in blocks.values():
        for columns in blocks.values():
            affinities[rows, columns] /= affinities[rows, columns].sum()
    labels = affinity.LabelAffinity(affinities, tuple("aabbbb"), ("1", "2", "x", "y", "z", "1"))
    expected = {}
    block = affinities[0:2, 2:6]
    for p in range(2):
        for q in range(4):
            if (relevance := 2 * 4 * block[p, q] / block.sum()) > 2:
                expected["12"[p], "xyz1"[q]] = relevance
    pairs = labels.pairs()
    assert list(pairs.columns) == ["task_k", "label_k", "task_j", "label_j", "affinity", "relevance"]
    assert {(row["label_k"], row["label_j"]): row["relevance"] for row in pairs.to_dict("records")} == (
        pytest.approx(expected)
    )
    assert expected
    assert set(pairs["task_k"]) == {"a"}
    assert pairs["relevance"].is_monotonic_decreasing


def test_runs_with_their_tasks_in_another_order_are_averaged_in_one(result) -> None:
    first, second = (result("mtcs", seed, ACCURACIES) for seed in (0, 1))
    order = [2, 0, 1]
    places = [3 * i + c for i in order for c in range(3)]

    def turned(triangle, by):
        return type(triangle).of(triangle.square()[np.ix_(by, by)])

    other = second.model_copy(
        update={
            "tasks": tuple(second.tasks[i] for i in order),
            "similarity": turned(second.similarity, order),
            "label_affinity": turned(second.label_affinity, places),
        }
    )
    expected, actual = affinity.gather([first, second]), affinity.gather([first, other])
    assert expected is not None and expected.labels is not None
    assert actual is not None and actual.labels is not None
    np.testing.assert_allclose(actual.mean(), expected.mean(), atol=1e-6)
    np.testing.assert_allclose(actual.labels.affinity, expected.labels.affinity, atol=1e-6)


def test_label_affinity_is_of_runs_with_the_same_labels(result) -> None:
    first, second = (result("mtcs", seed, ACCURACIES) for seed in (0, 1))
    renamed = second.tasks[0].model_copy(update={"classes": tuple(f"new {c}" for c in second.tasks[0].classes)})
    other = second.model_copy(update={"tasks": (renamed, *second.tasks[1:])})
    alone, both = affinity.gather([first]), affinity.gather([first, other])
    assert alone is not None and alone.labels is not None
    assert both is not None and both.labels is not None
    np.testing.assert_array_equal(both.labels.affinity, alone.labels.affinity)
    assert len(both.similarity) == 2
