"""How well similarity separates the pairs of tasks that the paper calls related."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mtcs.reports.analysis import separation

UCR10 = ("Lightning2", "Computers", "EOGVerticalSignal", "Lightning7", "Chinatown", "EOGHorizontalSignal")


def test_separation_equals_ranks_written_out() -> None:
    rng = np.random.default_rng(2)
    raw = rng.random((3, 6, 6)).round(1)  # rounded: some pairs are equally similar
    similarities = (raw + raw.transpose(0, 2, 1)) / 2
    result = separation.separate(similarities, UCR10)
    assert result is not None

    def ranks(square: np.ndarray) -> dict[frozenset[int], float]:
        pairs = {frozenset(pair): square[pair] for pair in combinations(range(6), 2)}
        return {
            a: sum(other > value for other in pairs.values())
            + (1 + sum(other == value for other in pairs.values())) / 2
            for a, value in pairs.items()
        }

    chosen = frozenset((0, 3)), frozenset((2, 5))
    drawn = ranks(similarities.mean(0))
    assert result.ranks == pytest.approx([drawn[pair] for pair in chosen])
    assert result.by_seed == pytest.approx([np.mean([ranks(one)[pair] for pair in chosen]) for one in similarities])
    assert (result.pairs, result.chance) == (15, 8)
    every = [sum(choice) for choice in combinations(drawn.values(), 2)]
    assert result.p == pytest.approx(np.mean([total <= sum(result.ranks) + 1e-9 for total in every]))
    assert result.over_seeds[1] == pytest.approx(np.std(result.by_seed, ddof=1))


def test_separation_of_all_45_pairs() -> None:
    """The three named pairs first: one choice of 14,190 is as low. Last: all are."""
    assert separation.share_as_low(np.arange(1.0, 46), 6, 3) == pytest.approx(1 / 14190)
    assert separation.share_as_low(np.arange(1.0, 46), 7, 3) == pytest.approx(2 / 14190)
    assert separation.share_as_low(np.arange(1.0, 46), 45 + 44 + 43, 3) == 1
    assert separation.share_as_low(np.array([1.5, 1.5, 3]), 3, 2) == pytest.approx(1 / 3)


def test_separation_needs_a_related_pair_and_known_similarities() -> None:
    similarities = np.ones((2, 3, 3))
    assert separation.separate(similarities, ["Lightning2", "Crop", "FordA"]) is None
    result = separation.separate(similarities, ["Lightning2", "Crop", "Lightning7"])
    assert result is not None and (result.ranks, result.p) == ((2,), 1)
    similarities[0, 0, 1] = np.nan
    assert separation.separate(similarities, ["Lightning2", "Crop", "Lightning7"]) is None
