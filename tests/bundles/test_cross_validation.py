"""Cross-validation: what shares of labels a learning curve has."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mtcs.bundles.cross_validation import SHARES, _share


@pytest.fixture
def truth() -> np.ndarray:
    """Of 96 and 32 series of two labels, in the order of a file."""
    return np.repeat([0, 1], [96, 32])


def test_shares_are_of_each_label_and_hold_one_another(truth):
    parts = [_share(truth, share) for share in SHARES]
    assert [np.bincount(truth[part]).tolist() for part in parts] == [[12, 4], [24, 8], [48, 16], [96, 32]]
    for smaller, larger in pairwise(parts):
        assert set(smaller) < set(larger)


def test_shares_are_not_the_first_lines_of_a_file(truth):
    """Which may all be of one machine."""
    half = _share(truth, 0.5)
    assert 12 < (half[truth[half] == 0] >= 48).sum() < 36
