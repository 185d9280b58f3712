"""The contrast in one pass against cross entropy as torch computes it."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mtcs.ops import contrast as module
from mtcs.ops.contrast import contrast


def plain_contrast(views: Tensor) -> Tensor:
    items = views.shape[1]
    similarity = (views @ views.mT).masked_fill(torch.eye(items, dtype=torch.bool), -torch.inf)
    other_view = torch.arange(items).roll(items // 2)
    return cross_entropy(similarity.flatten(0, 1), other_view.repeat(len(views)))


def value_and_gradient(loss, views: Tensor) -> tuple[Tensor, Tensor]:
    views = views.clone().requires_grad_()
    value = loss(views)
    (gradient,) = torch.autograd.grad(3 * value, views)
    return value.detach(), gradient


@pytest.mark.parametrize("pairs", [1, 40, 1 << 20])  # a group, a few groups, all groups at once
@pytest.mark.parametrize(("groups", "items"), [(1, 1), (5, 1), (1, 2), (7, 2), (9, 4), (3, 16)])
def test_the_loss_and_its_gradient_are_those_of_cross_entropy(monkeypatch, groups, items, pairs):
    monkeypatch.setattr(module, "_PAIRS", pairs)
    views = torch.randn(groups, 2 * items, 6, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    for ours, plain in zip(*(value_and_gradient(loss, views) for loss in (contrast, plain_contrast)), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-9)


def test_fp32_is_as_good_where_similarities_are_large():
    views = 3 * torch.randn(9, 8, 20, generator=torch.Generator().manual_seed(0))
    expected = value_and_gradient(plain_contrast, views.double())
    assert (views @ views.mT).amax() > 200
    for ours, plain in zip(value_and_gradient(contrast, views), expected, strict=True):
        torch.testing.assert_close(ours.double(), plain, rtol=1e-4, atol=1e-4)


def test_a_single_item_has_nothing_to_be_told_from():
    value, gradient = value_and_gradient(contrast, torch.randn(4, 2, 6))
    assert abs(value) < 1e-6  # sums in another order than the terms that cancel
    assert not gradient.any()


def test_nothing_is_written_into_the_views_and_without_gradients_the_loss_is_the_same():
    views = torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(0))
    before = views.clone()
    with torch.inference_mode():
        result = contrast(views)
    assert result == contrast(views.requires_grad_())
    assert views.equal(before)
