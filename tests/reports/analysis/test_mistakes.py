"""Test series that are wrong most often."""

from __future__ import annotations

from mtcs.reports.analysis.mistakes import Mistake, hardest, mistakes


def results(make, wrong: dict[str, list[dict | None]], tasks=("A",)):
    """A result a seed of each method, all tasks of which are wrong in the same way."""
    return [
        make(method, seed, dict.fromkeys(tasks, 0.9), bare=True, wrong=one)
        for method, several in wrong.items()
        for seed, one in enumerate(several)
    ]


def test_each_method_counts_once_however_many_seeds_it_has(result) -> None:
    made = results(
        result,
        {"mtcs": [{"a": {"b": (4,)}}, {"a": {"c": (4,)}}, {"a": {"b": (4, 5)}}, {}], "dtw": [{"a": {"c": (4,)}}]},
    )
    (actual,) = mistakes(made, ["A"], ["mtcs", "dtw"])
    assert (actual.task, actual.test, actual.methods, actual.never_right) == ("A", 100, ("mtcs", "dtw"), 0)
    assert actual.series == (
        Mistake(4, "a", 0.875, (("c", 0.625), ("b", 0.25))),
        Mistake(5, "a", 0.125, (("b", 0.125),)),
    )


def test_what_all_take_for_one_other_label_comes_first(result) -> None:
    made = results(
        result, {"mtcs": [{"a": {"b": (1,)}, "b": {"a": (9,)}}], "mtl": [{"a": {"c": (1,)}, "b": {"a": (9,)}}]}
    )
    (actual,) = mistakes(made, ["A"], ["mtcs", "mtl"])
    assert [one.series for one in actual.series] == [9, 1]
    assert actual.never_right == 2


def test_earlier_results_and_a_single_method_say_nothing(result) -> None:
    assert mistakes(results(result, {"mtcs": [None], "mtl": [None]}), ["A"], ["mtcs", "mtl"]) == []
    assert mistakes(results(result, {"mtcs": [{}, {}], "mtl": [None]}), ["A"], ["mtcs", "mtl"]) == []
    (nothing,) = mistakes(results(result, {"mtcs": [{}], "mtl": [{}]}), ["A"], ["mtcs", "mtl"])
    assert nothing.series == () and hardest([nothing], 10) == []


def test_the_hardest_are_shared_out_among_the_tasks(result) -> None:
    tasks = [f"T{i}" for i in range(5)]
    wrong = {"a": {"b": tuple(range(50))}}
    actual = mistakes(results(result, {"mtcs": [wrong], "mtl": [wrong]}, tasks), tasks, ["mtcs", "mtl"])
    assert [(task, one.series) for task, one in hardest(actual, 12)] == [(task, i) for task in tasks for i in (0, 1)]
    assert [task for task, _ in hardest(actual, 3)] == tasks[:3]
    seldom = mistakes(results(result, {"mtcs": [wrong, {}], "mtl": [{}]}), ["A"], ["mtcs", "mtl"])
    assert len(seldom[0].series) == 50 and hardest(seldom, 12) == []  # a quarter of the predictions
