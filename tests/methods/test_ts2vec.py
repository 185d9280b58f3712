"""TS2Vec: its loss against plain loops, its crops, masks and schedule.

The publication's code (its losses, encoder and centering) was run beside ours with the same weights, crops and masks,
without dropout, on 8 series of 24, 150 and 1250 steps, complete, of unequal length, and with missing values. Largest
relative differences in double: of the loss 9e-8 (that code adds its scales up in single precision), of the gradient of
any parameter 2e-8, of representations of complete series 1e-15; in single precision 4e-7, 7e-6 and 8e-7.
"""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor

from mtcs.config.methods import Ts2VecSpec
from mtcs.config.schedule import Schedule
from mtcs.data.task import Split, Task, TaskInfo
from mtcs.encoders.dilated import DilatedEncoder
from mtcs.methods import build_method
from mtcs.methods.ts2vec import Ts2Vec, centered, crop_bounds, hierarchical_loss, window
from tests.methods.batches import batch_of

NAN = math.nan
SCHEDULE = Schedule(steps=600, batch_size=8, learning_rate=0.001, average=True)


def plain_contrast(items: list[Tensor], partners: list[Tensor]) -> Tensor:
    """Items (N of D) and their partners, each told from all other items and partners."""
    everything, losses = items + partners, []
    for i, one in enumerate(everything):
        partner = everything[(i + len(items)) % len(everything)]
        others = [one @ other for j, other in enumerate(everything) if j != i]
        losses.append(torch.stack(others).exp().sum().log() - one @ partner)
    return torch.stack(losses).mean()


def plain_loss(first: Tensor, second: Tensor) -> Tensor:
    scales = []
    while True:
        series, steps = first.shape[:2]
        instances = [plain_contrast(list(first[:, t]), list(second[:, t])) for t in range(steps)]
        times = [plain_contrast(list(first[i]), list(second[i])) for i in range(series)]
        scales.append(torch.stack(instances).mean() / 2 + torch.stack(times).mean() / 2)
        if steps == 1:
            return torch.stack(scales).mean()
        first, second = (
            torch.stack([torch.maximum(x[:, 2 * t], x[:, 2 * t + 1]) for t in range(steps // 2)], 1)
            for x in (first, second)
        )


def value_and_gradients(loss, *inputs: Tensor) -> tuple[Tensor, ...]:
    inputs = tuple(x.clone().requires_grad_() for x in inputs)
    value = loss(*inputs)
    return value.detach(), *torch.autograd.grad(value, inputs)


def make_spec(schedule: Schedule = SCHEDULE, **changes) -> Ts2VecSpec:
    sizes = {"depth": 3, "hidden": 8, "output": 16}
    return Ts2VecSpec(kind="ts2vec", schedule=schedule, classifier="svm", **(sizes | changes))


def make_method(**changes) -> Ts2Vec:
    torch.manual_seed(0)
    method = build_method(make_spec(**changes), [TaskInfo("task", ("a", "b"), 30)])
    assert isinstance(method, Ts2Vec)
    return method


def make_series(batch: int, length: int) -> Tensor:
    return torch.randn(batch, length, generator=torch.Generator().manual_seed(1))


class Recorder(DilatedEncoder):
    """Stands for the encoder: keeps what it is given, and encodes a step as its value and a constant."""

    def __init__(self) -> None:
        super().__init__(1, 1, 1)
        self.seen: list[tuple[Tensor, Tensor | None, Tensor]] = []

    def per_step(self, series: Tensor, keep: Tensor | None = None, steps: slice = slice(None)) -> Tensor:
        self.seen.append((series, keep, series[:, steps]))
        return torch.stack((series, torch.ones_like(series)), 2)[:, steps]


def recorded(**changes) -> tuple[Ts2Vec, Recorder]:
    method = make_method(**changes)
    method.encoder = recorder = Recorder()
    return method, recorder


@pytest.mark.parametrize(("batch", "steps"), [(1, 1), (1, 2), (1, 7), (2, 1), (3, 2), (4, 9), (5, 16)])
def test_the_loss_and_its_gradients_are_those_of_plain_loops(batch, steps):
    first, second = torch.randn(2, batch, steps, 6, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    expected = value_and_gradients(plain_loss, first, second)
    for ours, plain in zip(value_and_gradients(hierarchical_loss, first, second), expected, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-9)


def test_the_loss_in_fp32_is_as_good_where_similarities_are_large():
    first, second = 3 * torch.randn(2, 4, 9, 20, generator=torch.Generator().manual_seed(0))
    expected = value_and_gradients(plain_loss, first.double(), second.double())
    for ours, plain in zip(value_and_gradients(hierarchical_loss, first, second), expected, strict=True):
        torch.testing.assert_close(ours.double(), plain, rtol=1e-4, atol=1e-4)


def test_a_single_series_at_a_single_step_has_nothing_to_learn():
    first, second = make_series(2, 6).view(2, 1, 1, 6)
    value, *gradients = value_and_gradients(hierarchical_loss, first, second)
    assert value == 0
    assert not torch.stack(gradients).any()


@pytest.mark.parametrize("length", [1, 2, 5])
def test_all_crops_occur_and_every_overlap_as_often(length):
    torch.manual_seed(0)
    drawn = Counter(crop_bounds(length) for _ in range(3000))
    shortest = min(2, length)
    assert set(drawn) == {
        (start, left, right, end)
        for left in range(length)
        for right in range(left + shortest, length + 1)
        for start in range(left + 1)
        for end in range(right, length + 1)
    }
    overlaps = Counter()
    for (_, left, right, _), count in drawn.items():
        overlaps[right - left] += count
    expected = 3000 / (length - shortest + 1)
    assert all(abs(count - expected) < 5 * expected**0.5 for count in overlaps.values())


def test_both_views_are_of_the_same_steps_with_an_offset_for_each_series():
    length, moved = 12, set()
    steps = torch.arange(length, dtype=torch.float32)
    for seed in range(200):
        method, encoder = recorded()
        torch.manual_seed(seed)
        method.loss(batch_of(steps.expand(6, -1)))
        (first, keep, overlap), (second, other_keep, other_overlap) = encoder.seen
        assert keep is not None
        assert other_keep is not None
        assert overlap.equal(other_overlap)
        assert overlap.shape[1] >= 2
        for crop in (first, second):
            assert crop.diff(dim=1).eq(1).all()  # whole stretches of steps
        assert first[:, -overlap.shape[1] :].equal(overlap)
        assert second[:, : overlap.shape[1]].equal(overlap)
        assert keep.shape == first.shape
        assert other_keep.shape == second.shape
        moved |= {tuple((first[:, 0] - first[0, 0]).tolist())}
    assert len(moved) > 50


def test_every_step_of_a_crop_may_be_masked_while_training_only():
    method, encoder = recorded(masked=0.3)
    torch.manual_seed(0)
    for _ in range(50):
        method.loss(batch_of(make_series(8, 60)))
    kept = torch.cat([keep.flatten() for _, keep, _ in encoder.seen if keep is not None])
    assert kept.float().mean() == pytest.approx(0.7, abs=0.01)
    encoder.seen.clear()
    method.eval().loss(batch_of(make_series(8, 60)))
    assert [keep for _, keep, _ in encoder.seen] == [None, None]


def test_missing_steps_are_no_zeros_in_the_loss():
    method, series = make_method(depth=2, hidden=4, output=6), torch.randn(4, 12) + 3.0
    series[:, 5:9] = NAN

    def loss(of: Tensor) -> float:
        torch.manual_seed(1)
        return method.loss(batch_of(of)).item()

    assert loss(series) == loss(series)
    assert loss(series) != pytest.approx(loss(series.nan_to_num(0.0)), rel=1e-3)


def test_outputs_are_dropped_while_training_only():
    def loss(dropout: float, training: bool) -> float:
        method = make_method(masked=0.0, dropout=dropout).train(training)
        torch.manual_seed(3)
        return method.loss(batch_of(make_series(4, 30))).item()

    assert loss(0.5, training=False) == loss(0.0, training=False) == pytest.approx(loss(0.0, training=True), rel=1e-5)
    assert loss(0.5, training=True) != loss(0.0, training=True)


@pytest.mark.parametrize("length", [5, 8, 9, 30])  # below and above the last dilation
@pytest.mark.parametrize("steps", [slice(None), slice(3, None), slice(0, 4)])
def test_outputs_at_some_steps_are_those_of_all_steps(length, steps):
    encoder, series = make_method().encoder, make_series(4, length)
    keep = torch.rand(4, length) < 0.5
    result, expected = encoder.per_step(series, keep, steps), encoder.per_step(series, keep)[:, steps]
    torch.testing.assert_close(result, expected)
    for ours, complete in zip(
        torch.autograd.grad(result.square().sum(), list(encoder.parameters())),
        torch.autograd.grad(expected.square().sum(), list(encoder.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(ours, complete, rtol=1e-5, atol=1e-5)


def test_padding_is_split_before_and_behind_a_series():
    series = torch.tensor([[1, 2, 3, 4, 5], [1, NAN, 3, NAN, NAN], [NAN, 2, 3, 4, NAN], [NAN, NAN, NAN, NAN, 5]])
    expected = [[1, 2, 3, 4, 5], [NAN, 1, NAN, 3, NAN], [NAN, 2, 3, 4, NAN], [NAN, NAN, 5, NAN, NAN]]
    torch.testing.assert_close(centered(series), torch.tensor(expected), rtol=0, atol=0, equal_nan=True)


def test_a_long_series_is_seen_through_random_windows():
    torch.manual_seed(0)
    series = torch.arange(10.0).expand(3, -1)
    starts = Counter(int(window(series, 8)[0, 0]) for _ in range(300))
    assert set(starts) == {0, 1, 2}
    assert min(starts.values()) > 60
    assert window(series, 8).diff(dim=1).eq(1).all()
    assert window(series, 10).equal(series)
    method, encoder = recorded(max_train_length=8)
    for _ in range(100):
        method.loss(batch_of(series))
    assert max(crop.shape[1] for crop, _, _ in encoder.seen) == 8


@pytest.mark.parametrize(
    "series",
    [
        torch.tensor([[1.0]]),
        torch.tensor([[1.0], [2.0]]),
        torch.tensor([[1.0, NAN]]),
        torch.zeros(3, 20),
        torch.full((2, 20), NAN).index_fill(1, torch.tensor([19]), 1.0),
        make_series(1, 20),
    ],
    ids=["one value", "one step", "one value and padding", "constant", "one value observed", "one series"],
)
def test_odd_batches_train_and_are_represented(series):
    method = make_method()
    for _ in range(5):
        loss = method.loss(batch_of(series))
        assert loss.isfinite()
        loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())
    assert method.represent(series).isfinite().all()


def test_under_bf16_the_loss_is_fp32_and_near():
    method, losses = make_method(dropout=0.0), []
    for enabled in (False, True):
        torch.manual_seed(5)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            losses.append(method.loss(batch_of(make_series(8, 40))))
    assert losses[1].dtype == torch.float32
    torch.testing.assert_close(losses[1], losses[0], rtol=0.01, atol=0)
    assert losses[1] != losses[0]


def make_task(series: int, length: int) -> Task:
    split = Split(np.zeros((series, length), np.float32), np.arange(series) % 2)
    return Task("task", split, split, ("a", "b"))


def test_small_tasks_train_shorter_and_a_suite_as_long_as_its_tasks_alone():
    spec, small, large = make_spec(small_values=1000, small_steps=200), make_task(10, 100), make_task(11, 91)
    assert spec.schedule_for([small]) == spec.schedule.model_copy(update={"steps": 200})
    assert spec.schedule_for([large]) == spec.schedule
    assert spec.schedule_for([small, large, small]).steps == 1000


def test_a_schedule_without_steps_goes_by_passes():
    spec = make_spec(Schedule(epochs=3, batch_size=8, learning_rate=0.001))
    assert spec.schedule_for([make_task(10, 100), make_task(11, 91)]) == spec.schedule


def test_parameters_reach_the_method():
    method = make_method(depth=2, hidden=4, output=6, masked=0.2, dropout=0.3, max_train_length=50)
    assert (method.masked, method.dropout, method.max_train_length) == (0.2, 0.3, 50)
    assert len(method.encoder.blocks) == 2
    assert method.represent(make_series(3, 9)).shape == (3, 6)
    assert method.encoder.projection.weight.shape == (4, 1)
