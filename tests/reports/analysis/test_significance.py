"""The tests of significance, and the bars that are drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mtcs.reports.analysis.significance import compare, groups, holm, pairs_apart, pairwise, signed_rank


def written_out(differences: np.ndarray) -> float:
    """The two-sided signed-rank test: every assignment of signs to the ranks of the sizes."""
    known = differences[differences != 0]
    sizes = np.abs(known)
    ranks = np.array([(sizes < size).sum() + ((sizes == size).sum() + 1) / 2 for size in sizes])
    result = abs(ranks[known > 0].sum() - ranks.sum() / 2)
    sums = [abs(np.dot(signs, ranks) - ranks.sum() / 2) for signs in product((0, 1), repeat=len(ranks))]
    return float(np.mean([total >= result - 1e-9 for total in sums]))


def steps(methods: Sequence[str], tasks: int, gap: float) -> pd.DataFrame:
    """Scores in which each method is `gap` below the one before on every task, by a little more on each."""
    base = np.random.default_rng(1).uniform(0.8, 0.9, tasks)
    columns = {method: base - i * (gap + 0.001 * np.arange(tasks)) for i, method in enumerate(methods)}
    return pd.DataFrame(columns, index=[f"T{t:02}" for t in range(tasks)]).round(9)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("count", [1, 2, 5, 9, 12])
def test_the_signed_rank_test_tries_every_sign(count: int, ties: bool) -> None:
    rng = np.random.default_rng(count)
    differences = rng.integers(-3, 6, size=count) / 100 if ties else rng.normal(0.3, 1, size=count)
    assert signed_rank(differences) == pytest.approx(written_out(differences))


@pytest.mark.parametrize("count", [20, 50])
def test_the_signed_rank_test_of_many_tasks_is_scipys_exact_one(count: int) -> None:
    differences = np.random.default_rng(count).normal(0.3, 1, size=count)
    assert signed_rank(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


def test_the_signed_rank_test_agrees_with_the_table_of_critical_values() -> None:
    """Of 10 differences, a smaller sum of ranks of 8 is significant at 0.05 two-sided and one of 9 is not."""
    for lost, expected in ((8, True), (9, False)):
        differences = np.arange(1.0, 11)
        differences[lost - 1] *= -1
        assert (signed_rank(differences) <= 0.05) == expected
    assert signed_rank(np.arange(1.0, 7)) == pytest.approx(2 / 2**6)
    assert signed_rank(np.zeros(5)) == 1


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1, 1])
    assert holm([]) == []


def test_wins_ties_and_losses_are_counted_against_the_reference() -> None:
    scores = pd.DataFrame({"mtcs": [0.6, 0.3, 0.9], "dtw": [0.7, 0.3, 0.8]}, index=list("ABC"))
    (result,) = compare(scores)
    assert (result.method, result.wins, result.ties, result.losses) == ("dtw", 1, 1, 1)
    (turned,) = compare(scores, "dtw")
    assert (turned.method, turned.wins, turned.direction) == ("mtcs", 1, -result.direction)
    assert compare(scores.drop(columns="mtcs")) == []


def test_too_few_tasks_decide_nothing() -> None:
    comparisons = compare(steps(["mtcs", "mtl", "tst"], 6, 0.02))
    assert [one.corrected for one in comparisons] == pytest.approx([0.0625, 0.0625])
    assert not any(one.decidable for one in comparisons)
    (alone,) = compare(steps(["mtcs", "mtl"], 6, 0.02))
    assert alone.decidable and alone.significant


def test_a_verdict_on_few_differences_needs_the_other_methods() -> None:
    """Of six differences the least p is 0.031: too much as one of two alike, enough as the last of two."""
    scores = steps(["mtcs", "mtl", "tst"], 12, 0.02)
    scores.loc[scores.index[6:], "tst"] = scores["mtcs"]
    mtl, tst = compare(scores)
    assert (tst.wins, tst.ties, tst.losses) == (0, 6, 6)
    assert (tst.corrected, tst.least) == (pytest.approx(2 / 2**6), pytest.approx(2 / 2**6))
    assert (mtl.corrected, mtl.least) == (pytest.approx(2 * 2 / 2**12), pytest.approx(2 * 2 / 2**12))


def test_better_and_worse_are_what_the_ranks_say_not_the_mean() -> None:
    scores = steps(["mtcs", "mtl"], 12, 0.02)
    scores["mtl"] = scores["mtcs"] + np.arange(1, 13) / 1000
    scores.loc["T11", "mtl"] = scores.loc["T11", "mtcs"] - 0.2
    (mtl,) = compare(scores)
    assert (mtl.wins, mtl.losses, mtl.direction) == (11, 1, 1)
    assert (scores["mtl"] - scores["mtcs"]).mean() < 0


def test_p_values_of_pairs_are_those_of_the_table_and_symmetric() -> None:
    rng = np.random.default_rng(4)
    scores = pd.DataFrame(rng.uniform(0.5, 0.9, (12, 5)), columns=["mtcs", "a", "b", "c", "d"])
    pairs = pairwise(scores)
    assert np.array_equal(pairs, pairs.T, equal_nan=True)
    assert np.isnan(np.diag(pairs)).all()
    for one in compare(scores):
        assert pairs.loc["mtcs", one.method] == one.corrected
    for reference in "abcd":
        for one in compare(scores, reference):
            if one.method != "mtcs":  # corrected either way, the larger counts
                assert pairs.loc[reference, one.method] >= one.corrected


def test_pairs_are_corrected_for_all_of_them_together() -> None:
    rng = np.random.default_rng(1)
    scores = pd.DataFrame(rng.uniform(0.5, 0.9, (14, 5)), columns=["mtcs", "a", "b", "c", "d"])
    scores["worse"] = scores["mtcs"] - rng.uniform(0.01, 0.02, 14)
    by_pair = [stats.wilcoxon(scores[a], scores[b]).pvalue for a, b in combinations(scores, 2)]
    expected = sum(p * (15 - i) <= 0.05 for i, p in enumerate(sorted(by_pair)))
    assert pairs_apart(scores) == expected > 0
    assert pairs_apart(scores[:5]) == pairs_apart(scores[["mtcs"]]) == 0


def brute_force(pairs: np.ndarray) -> list[tuple[int, int]]:
    """Every run of neighbours that has no significant pair inside and is in no longer one."""
    size = range(len(pairs))
    good = [
        (first, last)
        for first in size
        for last in range(first + 1, len(pairs))
        if all(pairs[a, b] > 0.05 for a in range(first, last + 1) for b in range(first, a))
    ]
    return [run for run in good if not any(o != run and o[0] <= run[0] and run[1] <= o[1] for o in good)]


def test_every_pair_inside_a_bar_passes() -> None:
    rng = np.random.default_rng(0)
    differing = 0
    for _ in range(300):
        raw = rng.choice([0.001, 0.2], (6, 6), p=[0.3, 0.7])
        pairs = np.maximum(raw, raw.T)
        assert groups(pairs) == brute_force(pairs)
        first_only = [max(b for b in range(a, 6) if (pairs[a, a + 1 : b + 1] > 0.05).all()) for a in range(6)]
        differing += any((a, b) not in brute_force(pairs) and b > a for a, b in enumerate(first_only))
    assert differing > 100  # a rule that compares with the first member alone draws other bars in these


def test_a_method_that_differs_from_the_second_ends_a_bar() -> None:
    """The first does not differ from the third; the second does: no bar may span all three."""
    pairs = np.array([[np.nan, 0.5, 0.5], [0.5, np.nan, 0.001], [0.5, 0.001, np.nan]])
    assert groups(pairs) == [(0, 1)]
