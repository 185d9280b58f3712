"""The sharing loss on stacked heads against loops over pairs of tasks, and the memory that it promises not to take."""

from itertools import accumulate, permutations, product

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from mtcs.ops.sharing import covariance_sharing, named_sharing, stacked_sharing
from mtcs.sharing import affinity, covariance_affinity, relevant_pairs, sharing_loss
from tests.plain_sharing import heads, plain_sharing


def stack(weights, probabilities):
    return torch.cat(weights), torch.cat(probabilities, 1), torch.tensor([len(weight) for weight in weights])


@pytest.mark.parametrize("plain", [plain_sharing, sharing_loss])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("threshold", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("classes", [(2, 3), (4, 2, 5), (24, 2, 7), (3,)])
def test_the_loss_and_its_gradient_are_those_of_a_loop_over_pairs(classes, threshold, reduction, plain):
    weights, probabilities = heads(classes)
    ours, theirs = ([w.clone().requires_grad_() for w in weights] for _ in range(2))
    loss, _ = stacked_sharing(*stack(ours, probabilities), threshold, reduction)
    expected = plain(theirs, probabilities, threshold, reduction)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    if expected.requires_grad:
        expected.backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, torch.zeros_like(a) if b.grad is None else b.grad)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("threshold", [0.5, 1.0, 1.3])
@pytest.mark.parametrize("classes", [(2, 3), (4, 2, 5), (3,)])
def test_sharing_by_covariances_and_its_gradient_are_those_of_a_loop_over_pairs(classes, threshold, reduction):
    weights, _ = heads(classes)
    generator = torch.Generator().manual_seed(1)
    rows = [torch.randn(count, 3, 4, generator=generator, dtype=torch.float64) for count in classes]
    rows[0][1] = 0  # a label that has not been seen
    ours, theirs = ([w.clone().requires_grad_() for w in weights] for _ in range(2))
    loss, share = covariance_sharing(torch.cat(ours), torch.cat(rows), torch.tensor(classes), threshold, reduction)
    expected = sharing_loss(theirs, rows, threshold, reduction, covariance_affinity)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    if expected.requires_grad:
        expected.backward()
        assert 0 < share < 1
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, torch.zeros_like(a) if b.grad is None else b.grad)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_sharing_by_names_and_its_gradient_are_those_of_a_loop_over_pairs(reduction):
    names = [(0, 1), (1, 2, 0), (3,), (1, 4)]
    weights, _ = heads([len(of) for of in names])
    ours, theirs = ([w.clone().requires_grad_() for w in weights] for _ in range(2))
    stacked = torch.tensor([name for of in names for name in of])
    loss, share = named_sharing(torch.cat(ours), stacked, torch.tensor([len(of) for of in names]), reduction)
    expected, pairs = torch.zeros((), dtype=weights[0].dtype), 0
    for k, j in permutations(range(4), 2):
        for p, q in product(range(len(names[j])), range(len(names[k]))):
            if names[j][p] == names[k][q]:
                squares = (theirs[j][p] - theirs[k][q]).square()
                expected = expected + getattr(squares, reduction)() / (len(names[j]) * len(names[k]))
                pairs += 1
    torch.testing.assert_close(loss, expected)
    assert pairs == 8 and share == pytest.approx(8 / 46)
    loss.backward()
    expected.backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, torch.zeros_like(a) if b.grad is None else b.grad)


def test_rows_that_do_not_sum_to_one_are_measured_against_their_own_mean():
    weights, probabilities = heads((3, 4, 2))
    probabilities = [p * scale for p, scale in zip(probabilities, (0.2, 3.0, 1.0), strict=True)]
    loss, _ = stacked_sharing(*stack(weights, probabilities))
    assert loss > 0
    torch.testing.assert_close(loss, plain_sharing(weights, probabilities, 2.0, "mean"))
    torch.testing.assert_close(loss, sharing_loss(weights, probabilities))


def test_no_gradient_passes_through_the_indicator():
    weights, probabilities = heads((3, 4))
    weights, probabilities, classes = stack(weights, probabilities)
    loss, _ = stacked_sharing(weights.requires_grad_(), probabilities.requires_grad_(), classes)
    loss.backward()
    assert probabilities.grad is None
    assert weights.grad is not None
    assert weights.grad.any()


def test_uniform_predictions_share_nothing():
    weights, _ = heads((3, 4))
    loss, share = stacked_sharing(torch.cat(weights), torch.full((5, 7), 0.25), torch.tensor([3, 4]))
    assert loss.item() == 0.0
    assert share.item() == 0.0


def test_the_share_counts_pairs_of_different_tasks():
    classes = (4, 2, 5, 6)
    weights, probabilities = heads(classes)
    relevant = pairs = 0
    for k in range(4):
        for j in range(4):
            if j != k:
                actual = relevant_pairs(affinity(probabilities[j], probabilities[k]))
                relevant, pairs = relevant + int(actual.sum()), pairs + actual.numel()
    assert relevant > 0
    for block in (1, 2, 256):
        share = stacked_sharing(torch.cat(weights), torch.cat(probabilities, 1), torch.tensor(classes), block=block)[1]
        assert share.item() == pytest.approx(relevant / pairs)


def similar(classes, width=7, batch=5, separate=0.3):
    """Heads on series that resemble each other, so that blocks of labels agree on their partners."""
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(count, width, generator=generator, dtype=torch.float64) for count in classes]
    x = torch.randn(1, width, generator=generator, dtype=torch.float64)
    x = x + separate * torch.randn(batch, width, generator=generator, dtype=torch.float64)
    return weights, [(x @ weight.T).softmax(1) for weight in weights]


@pytest.mark.parametrize("block", [1, 2, 3, 5])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("given", [heads, similar])
def test_blocks_equal_plain_loops(given, reduction, threshold, block):
    classes = (4, 2, 5, 3, 6, 2)
    weights, probabilities = given(classes)
    ours, plain = ([w.clone().requires_grad_() for w in weights] for _ in range(2))
    stacked = torch.cat(ours), torch.cat(probabilities, 1), torch.tensor(classes)
    loss, _ = stacked_sharing(*stacked, threshold, reduction, block=block)
    expected = plain_sharing(plain, probabilities, threshold, reduction)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    for a, b in zip(ours, plain, strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize("block", [1, 2])
def test_blocks_measure_rows_that_do_not_sum_to_one_against_their_own_mean(block):
    classes = (3, 4, 2, 4)
    weights, probabilities = heads(classes)
    probabilities = [p * scale for p, scale in zip(probabilities, (0.2, 3.0, 1.0, 0.0), strict=True)]
    loss, _ = stacked_sharing(
        torch.cat(weights), torch.cat(probabilities, 1), torch.tensor(classes), threshold=0.5, block=block
    )
    expected = torch.zeros((), dtype=torch.float64)
    for k in range(3):  # the mean affinity with a task of zeros is 0, and no pair exceeds it
        for j in range(3):
            if j != k:
                relevant = relevant_pairs(affinity(probabilities[j], probabilities[k]), 0.5)
                expected += ((weights[j].unsqueeze(1) - weights[k]).square().mean(2) * relevant).mean()
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("block", [1, 256])
@pytest.mark.parametrize("threshold", [0.0, 2.0])
def test_nothing_predicted_or_a_single_task_shares_nothing(threshold, block):
    weights = torch.randn(9, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    zeros, several = torch.zeros(5, 9), torch.rand(5, 9, generator=torch.Generator().manual_seed(1))
    for probabilities, classes in ((zeros, [4, 5]), (zeros, [1] * 9), (several, [9])):
        loss, share = stacked_sharing(weights, probabilities, torch.tensor(classes), threshold, block=block)
        (gradient,) = torch.autograd.grad(loss, weights)
        assert loss.item() == share.item() == 0.0
        assert not gradient.any()


def test_a_single_label_shares_nothing():
    loss, share = stacked_sharing(torch.ones(1, 7), torch.ones(5, 1), torch.tensor([1]), 0.0)
    assert loss.item() == share.item() == 0.0


def test_more_labels_than_a_block_holds_equal_fewer_and_larger_blocks():
    """1,200 labels, as single precision and the default block meet them, against all of them at once."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(1200, 8, generator=generator)
    x = torch.randn(1, 8, generator=generator) + 0.3 * torch.randn(6, 8, generator=generator)
    probabilities = (x @ weights.T).view(6, 240, 5).softmax(2).flatten(1)
    results = []
    for block in (40, 256, 300):
        rows = weights.clone().requires_grad_()
        loss, share = stacked_sharing(rows, probabilities, torch.full((240,), 5), block=block)
        loss.backward()
        results.append((loss.detach(), share, rows.grad))
    for result in results[:2]:
        for a, b in zip(result, results[2], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("given", "expected"), [(similar, 5 * 2000 * (64 + 32)), (heads, 2000 * 2000)])
def test_labels_by_labels_are_never_held(given, expected):
    """Memory, in numbers of four bytes: a few (S, D) and (S, B) where series are alike, else less than one (S, S)."""
    weights, probabilities = given((10,) * 200, width=64, batch=32)
    rows = torch.cat(weights).float().requires_grad_()
    stacked = rows, torch.cat(probabilities, 1).float(), torch.full((200,), 10)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        loss, _ = stacked_sharing(*stacked)
        loss.backward()
    events = [event for event in record.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = max(accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())))
    assert 4 * rows.numel() < held < 4 * expected
