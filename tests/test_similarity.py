"""Covariance similarity against the printed formula, and where it saturates."""

from __future__ import annotations

import numpy as np
import pytest

from mtcs.errors import InputError
from mtcs.similarity import covariance_similarity, factor, factor_similarity


def printed_formula(a: np.ndarray, b: np.ndarray, centered: bool = False) -> float:
    """Equation 5 written out: SVD of each covariance, ranks counted one by one."""
    factors = []
    for x in (a, b):
        if centered:
            x = x - x.mean(0)
        u, d, _ = np.linalg.svd(x.T @ x)
        rank = 1
        while d[:rank].sum() < 0.99 * d.sum():
            rank += 1
        factors.append(u[:, :rank] @ np.diag(np.sqrt(d[:rank])))
    u, v = factors
    return np.linalg.norm(u.T @ v) / (np.linalg.norm(u) * np.linalg.norm(v))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize(("n1", "n2", "d"), [(50, 30, 8), (12, 40, 20), (5, 6, 64), (20, 20, 20)])
def test_equals_the_printed_formula(rng: np.random.Generator, n1: int, n2: int, d: int, centered: bool) -> None:
    a, b = rng.normal(size=(n1, d)) * rng.random(d) + 0.5, rng.normal(size=(n2, d)) * rng.random(d) - 0.1
    assert covariance_similarity(a, b, centered) == pytest.approx(printed_formula(a, b, centered), rel=1e-9)


def test_a_common_mean_saturates_the_form_of_the_paper_and_not_the_centered_one(rng: np.random.Generator) -> None:
    a, b = rng.normal(3, 1, size=(1500, 320)), rng.normal(3, 1, size=(1500, 320))
    assert covariance_similarity(a, b) == pytest.approx(0.909, abs=0.002)
    assert covariance_similarity(a, b, centered=True) == pytest.approx(0.056, abs=0.002)


def test_is_symmetric_and_bounded(rng: np.random.Generator) -> None:
    tasks = [rng.normal(rng.normal(), 1, size=(n, 16)).astype(np.float32) for n in (4, 9, 30, 100)]
    for a in tasks:
        for b in tasks:
            value = covariance_similarity(a, b)
            assert 0 <= value <= 1
            assert value == pytest.approx(covariance_similarity(b, a), rel=1e-12)


def test_similarity_with_itself_is_not_one_but_the_norm_over_the_trace(rng: np.random.Generator) -> None:
    x = rng.normal(size=(400, 12))
    c = x.T @ x
    # The rank cut drops up to 1 % of the trace and less of the norm, so that the plain ratio is slightly exceeded.
    plain = np.linalg.norm(c) / np.trace(c)
    assert plain * 0.99 <= covariance_similarity(x, x) <= plain / 0.99
    assert covariance_similarity(x, x) < 0.5


def test_one_direction_is_one_and_orthogonal_directions_are_zero() -> None:
    along, across = np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([[0.0, 1.0], [0.0, -3.0]])
    assert covariance_similarity(along, along) == pytest.approx(1)
    assert covariance_similarity(along, across) == pytest.approx(0)


@pytest.mark.parametrize("n", [10, 200])
def test_the_rank_is_the_smallest_that_holds_99_percent(rng: np.random.Generator, n: int) -> None:
    x = rng.normal(size=(n, 40))
    u = factor(x)
    c = x.T @ x
    spectrum = np.linalg.eigvalsh(c)[::-1]
    rank = u.shape[1]
    assert spectrum[:rank].sum() >= 0.99 * np.trace(c) > spectrum[: rank - 1].sum()
    assert np.linalg.norm(u @ u.T - c) <= np.sqrt((spectrum[rank:] ** 2).sum()) + 1e-8


def test_says_nothing_of_a_task_without_spectrum() -> None:
    constant, other = np.full((3, 4), 0.1), np.eye(4)
    assert np.isnan(covariance_similarity(constant, other, centered=True))
    assert not np.isnan(covariance_similarity(constant, other))
    assert np.isnan(factor_similarity(factor(np.zeros((2, 4))), factor(other)))


def test_input_is_not_changed(rng: np.random.Generator) -> None:
    x = rng.normal(size=(9, 5))
    before = x.copy()
    covariance_similarity(x, x, centered=True)
    assert np.array_equal(x, before)


def test_refuses_what_is_not_a_pair_of_finite_matrices() -> None:
    with pytest.raises(
        InputError, match=r"^Representations of 3 and 4 dimensions: expected the same D on both sides\.$"
    ):
        covariance_similarity(np.eye(3), np.eye(4))
    for bad in (np.full((2, 3), np.nan), np.ones(3), np.empty((0, 3))):
        with pytest.raises(InputError, match=r"^Representations of shape .*: expected \(n, D\), n and D at least 1"):
            covariance_similarity(bad, np.eye(3))
