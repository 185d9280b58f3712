"""Equations 3 to 6 against plain loops, and where gradients go."""

import pytest
import torch

from mtcs.sharing import affinity, covariance_affinity, pair_loss, relevant_pairs, sharing_loss, total_loss
from mtcs.similarity import covariance_similarity
from tests.plain_sharing import heads, plain_affinity, plain_pair, plain_sharing


def test_affinity_is_the_mean_outer_product_and_sums_to_one():
    _, (p, q) = heads((3, 4))
    torch.testing.assert_close(affinity(p, q), plain_affinity(p, q))
    assert affinity(p, q).sum().item() == pytest.approx(1.0)


def test_covariance_affinity_is_the_similarity_of_two_covariances():
    generator = torch.Generator().manual_seed(0)
    p, q = (torch.randn(count, 4, 6, generator=generator, dtype=torch.float64) for count in (2, 3))
    result = covariance_affinity(p, q)
    for m in range(2):
        for n in range(3):
            a, b = p[m].T @ p[m], q[n].T @ q[n]
            expected = ((a @ b).trace() / (a.trace() * b.trace())) ** 0.5
            assert result[m, n].item() == pytest.approx(expected.item())
            one, other = (x.numpy() for x in (p[m], q[n]))
            assert result[m, n].item() == pytest.approx(covariance_similarity(one, other), abs=0.02)  # of 99 % of each
    assert covariance_affinity(torch.zeros(1, 4, 6), torch.randn(2, 4, 6)).tolist() == [[0, 0]]


def test_relevant_pairs_exceed_a_multiple_of_the_mean():
    a = torch.tensor([[0.5, 0.1], [0.1, 0.3]])
    assert relevant_pairs(a).tolist() == [[False, False], [False, False]]
    assert relevant_pairs(a, threshold=1.1).tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_loss_of_a_pair_is_the_mean_over_all_pairs_of_labels(reduction):
    (weights_j, weights_k), _ = heads((3, 4))
    relevant = torch.tensor([[True, False, False, True], [False, False, True, False], [False] * 4])
    result = pair_loss(weights_j, weights_k, relevant, reduction)
    torch.testing.assert_close(result, plain_pair(weights_j, weights_k, relevant, reduction))
    torch.testing.assert_close(result, pair_loss(weights_k, weights_j, relevant.T, reduction))
    assert result > 0
    assert pair_loss(weights_j, weights_k, torch.zeros_like(relevant), reduction) == 0


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("threshold", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("classes", [(2, 3), (4, 2, 5), (24, 2, 7), (3,)])
def test_sharing_loss_and_its_gradient_equal_plain_loops(classes, threshold, reduction):
    weights, probabilities = heads(classes)
    ours, plain = ([w.clone().requires_grad_() for w in weights] for _ in range(2))
    loss = sharing_loss(ours, probabilities, threshold, reduction)
    expected = plain_sharing(plain, probabilities, threshold, reduction)
    torch.testing.assert_close(loss, expected)
    if expected.requires_grad:
        loss.backward()
        expected.backward()
        for a, b in zip(ours, plain, strict=True):
            torch.testing.assert_close(a.grad, torch.zeros_like(a) if b.grad is None else b.grad)


def test_rows_that_do_not_sum_to_one_are_measured_against_their_own_mean():
    weights, probabilities = heads((3, 4, 2))
    probabilities = [p * scale for p, scale in zip(probabilities, (0.2, 3.0, 1.0), strict=True)]
    torch.testing.assert_close(sharing_loss(weights, probabilities), plain_sharing(weights, probabilities, 2.0, "mean"))


def test_no_gradient_passes_through_the_indicator():
    weights, probabilities = heads((3, 4))
    probabilities = [p.requires_grad_() for p in probabilities]
    loss = sharing_loss([w.requires_grad_() for w in weights], probabilities)
    loss.backward()
    assert all(p.grad is None for p in probabilities)
    assert any(w.grad.abs().sum() > 0 for w in weights)


def test_the_total_weighs_sharing_by_alpha():
    cross_entropy, sharing = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    loss = total_loss(cross_entropy, sharing, 0.1)
    loss.backward()
    assert loss.item() == pytest.approx(2.3)
    assert cross_entropy.grad is not None and cross_entropy.grad.item() == 1
    assert sharing.grad is not None and sharing.grad.item() == pytest.approx(0.1)
