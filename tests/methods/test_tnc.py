"""Temporal neighbourhood coding: the loss against plain loops, and where windows may lie."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mtcs.config.methods import TncSpec
from mtcs.data.task import Split, Task
from mtcs.methods import prepared_method
from mtcs.methods.tnc import Tnc, draw_windows
from tests.methods.batches import batch_of

WIDTH = 16
NAN = math.nan


def make_spec(**fields) -> TncSpec:
    schedule = {"steps": 1, "batch_size": 10, "learning_rate": 0.001}
    return TncSpec.model_validate(
        {"kind": "tnc", "depth": 3, "hidden": 8, "output": WIDTH, "schedule": schedule, "classifier": "svm", **fields}
    )


def make_tnc(window: int, samples: int = 3, dropout: float = 0.0) -> Tnc:
    """For a task whose windows have so many steps."""
    torch.manual_seed(0)
    spec = make_spec(samples=samples, dropout=dropout, min_window=window, max_window=window)
    return prepared(spec, np.ones((1, window)))


def prepared(spec: TncSpec, series: np.ndarray) -> Tnc:
    split = Split(series.astype(np.float32), np.arange(len(series)) % 2)
    method = prepared_method(spec, [Task("task", split, split, ("1", "2"))])
    assert isinstance(method, Tnc)
    return method


def window_of(series: np.ndarray, **fields) -> int:
    return prepared(make_spec(**fields), series).windows["task"]


def plain_loss(method: Tnc, series: torch.Tensor, starts: torch.Tensor, window: int) -> torch.Tensor:
    """The publication's objective, one window, one pair and one hidden unit after the other, without dropout."""
    first, last = method.discriminator[0], method.discriminator[3]

    def encode(row: int, start: int) -> torch.Tensor:
        inside = series[row, start : start + window]
        return method.encoder(torch.cat((inside, torch.full((window - len(inside),), NAN)))[None])[0]

    def probability(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        pair = torch.cat((a, b))
        hidden = [(w * pair).sum() + bias for w, bias in zip(first.weight, first.bias, strict=True)]
        positive = [h if h > 0 else 0 * h for h in hidden]
        logit = last.bias[0] + sum(w * h for w, h in zip(last.weight[0], positive, strict=True))
        return 1 / (1 + (-logit).exp())

    near, distant, share = [], [], method.positive_weight
    for row, drawn in enumerate(starts.tolist()):
        anchor = encode(row, drawn[0])
        near += [-probability(anchor, encode(row, start)).log() for start in drawn[1 : 1 + method.samples]]
        for start in drawn[1 + method.samples :]:
            p = probability(anchor, encode(row, start))
            distant.append(-share * p.log() - (1 - share) * (1 - p).log())
    return (sum(near) / len(near) + sum(distant) / len(distant)) / 2


def gappy_series() -> torch.Tensor:
    """Six series of 60 steps: whole, with gaps, padded on either side, with one and with few observed values."""
    series = torch.randn(6, 60, generator=torch.Generator().manual_seed(1))
    series[1, 20:45] = NAN
    series[2, 35:] = NAN
    series[3, :31] = NAN
    series[4, :59] = NAN
    series[5, 3:40] = NAN
    series[5, 42:] = NAN
    return series


@pytest.mark.parametrize("window", [4, 6, 70])
def test_the_loss_is_that_of_plain_loops(window):
    """Compared with the publication's implementation outside this repository, too: its discriminator and its
    `epoch_run` on equal windows and weights (D = 320, W = 20, 20 samples, 10 series of 200 steps, five seeds) differ
    from this loss by at most 1.2e-7; its draws of anchors, neighbours and distant windows fill the ranges of
    `draw_windows` but for single steps at their ends and, where no window is far enough, for the half window at the
    start of a series, of which it takes the first position alone.
    """
    method, series = make_tnc(window), gappy_series()
    torch.manual_seed(3)
    loss = method.loss(batch_of(series))
    loss.backward()
    result = {name: p.grad for name, p in method.named_parameters()}

    method.zero_grad()
    torch.manual_seed(3)
    starts = draw_windows(series, window, method.samples, method.epsilon)
    expected = plain_loss(method, series, starts, window)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)
    expected.backward()
    for name, parameter in method.named_parameters():
        torch.testing.assert_close(result[name], parameter.grad, rtol=1e-4, atol=1e-6, msg=name)


def draw_many(steps: int, window: int, epsilon: float = 3.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    starts = draw_windows(torch.zeros(3000, steps), window, 20, epsilon)
    assert starts.shape == (3000, 41)
    return starts[:, :1], starts[:, 1:21], starts[:, 21:]


def test_windows_of_a_long_series_lie_where_the_publication_says():
    steps, window = 1000, 10
    anchor, near, distant = draw_many(steps, window)
    assert anchor.min() < 20 and anchor.max() > 970
    assert anchor.min() >= 15 and anchor.max() <= 975
    offsets = (near - anchor)[(anchor > 200).squeeze(1) & (anchor < 800).squeeze(1)].double()
    assert offsets.mean().item() == pytest.approx(0, abs=0.5)
    assert offsets.std().item() == pytest.approx(30, rel=0.02)
    assert near.min() == 0 and near.max() == steps - window
    assert (distant - anchor).abs().min() == 150
    assert distant.min() == 0 and distant.max() == steps - window
    assert ((distant < anchor) == (anchor > 495)).all()


def test_where_no_window_is_far_enough_the_outermost_half_window_is_distant():
    steps, window = 100, 10
    anchor, _, distant = draw_many(steps, window)
    assert set(anchor.unique().tolist()) == set(range(15, 76))
    left = (anchor > 45).squeeze(1)
    assert set(distant[left].unique().tolist()) == set(range(6))
    assert set(distant[~left].unique().tolist()) == set(range(85, 91))


@pytest.mark.parametrize(
    ("steps", "anchors", "left", "right"),
    [(17, {6, 7}, {0, 1, 2}, {11, 12, 13}), (9, {2, 3}, {0, 1, 2}, {3, 4, 5}), (5, {0, 1}, {0, 1}, {0, 1})],
)
def test_a_series_of_few_windows_has_anchors_in_its_middle(steps, anchors, left, right):
    anchor, near, distant = draw_many(steps, 4)
    assert set(anchor.unique().tolist()) == anchors
    assert near.min() == 0 and near.max() == steps - 4
    side = (anchor > (steps - 4) // 2).squeeze(1)
    assert set(distant[side].unique().tolist()) == left
    assert set(distant[~side].unique().tolist()) == right


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_a_series_no_longer_than_a_window_has_one(steps):
    starts = draw_windows(torch.randn(2, steps), 4, 5, 3.0)
    assert starts.tolist() == [[0] * 11] * 2


@pytest.mark.parametrize("window", [1, 4, 7, 30, 60, 90])
def test_every_window_holds_an_observed_value_and_lies_in_the_extent(window):
    torch.manual_seed(0)
    series = gappy_series()
    starts = draw_windows(series, window, 200, 3.0)
    for row, drawn in zip(series, starts.tolist(), strict=True):
        times = row.isnan().logical_not().nonzero().squeeze(1)
        first, last = times[0].item(), times[-1].item()
        for start in drawn:
            assert not row[start : start + window].isnan().all()
            assert first <= start <= max(first, last + 1 - window)


def test_a_window_in_a_gap_moves_on_until_its_last_step_is_observed():
    torch.manual_seed(0)
    series = torch.zeros(200, 40)
    series[:, 10:30] = NAN
    result = draw_windows(series, 4, 50, 3.0).unique().tolist()
    assert result == [*range(10), *range(27, 37)]


def test_a_padded_series_is_drawn_from_as_if_it_were_not():
    series = gappy_series()
    padded = torch.cat((torch.full((6, 9), NAN), series, torch.full((6, 100), NAN)), 1)
    torch.manual_seed(0)
    expected = draw_windows(series, 4, 20, 3.0) + 9
    torch.manual_seed(0)
    assert draw_windows(padded, 4, 20, 3.0).equal(expected)


def test_windows_follow_torchs_generator_alone():
    torch.manual_seed(0)
    first = draw_windows(torch.zeros(4, 50), 5, 20, 3.0)
    np.random.default_rng(0).random()
    torch.manual_seed(0)
    assert draw_windows(torch.zeros(4, 50), 5, 20, 3.0).equal(first)
    assert not draw_windows(torch.zeros(4, 50), 5, 20, 3.0).equal(first)


@pytest.mark.parametrize(("length", "window"), [(24, 4), (49, 4), (50, 5), (500, 50), (1250, 100)])
def test_a_window_is_a_tenth_of_a_series_within_bounds(length, window):
    assert window_of(np.ones((4, length))) == window


def test_a_window_is_of_the_median_extent_where_lengths_differ():
    series = np.ones((3, 300))
    series[0, 10:] = NAN
    series[1, :40] = NAN
    series[1, 190:] = NAN
    assert window_of(series) == 15
    assert window_of(series, windows_per_series=2) == 75
    assert window_of(series, windows_per_series=2, max_window=20) == 20
    assert window_of(series, min_window=16) == 16


def test_bounds_of_the_window_that_cross_are_refused():
    with pytest.raises(ValidationError, match="min_window = 9 exceeds max_window = 8"):
        make_spec(min_window=9, max_window=8)


def test_a_window_drawn_twice_is_encoded_once(monkeypatch):
    method, seen = make_tnc(4, samples=50), []
    forward = method.encoder.forward
    monkeypatch.setattr(method.encoder, "forward", lambda windows: seen.append(windows) or forward(windows))
    series = torch.randn(5, 30)
    method.loss(batch_of(series))
    (windows,) = seen
    assert len(windows) <= 5 * 27 < 5 * 101
    assert len(windows.unique(dim=0)) == len(windows)


@pytest.mark.parametrize("series", [torch.zeros(1, 1), torch.ones(3, 30), torch.full((2, 30), -5.0)])
def test_degenerate_series_give_a_finite_loss_and_gradient(series):
    method = make_tnc(4, dropout=0.5)
    loss = method.loss(batch_of(series))
    loss.backward()
    assert math.isfinite(loss.item())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


def test_only_training_drops_hidden_units_of_the_discriminator():
    method, series = make_tnc(4, dropout=0.5), torch.randn(2, 4)  # one window: no other randomness

    def losses() -> set[float]:
        return {method.loss(batch_of(series)).item() for _ in range(5)}

    assert len(losses()) == 5
    method.eval()
    assert len(losses()) == 1


def test_the_loss_is_in_fp32_under_autocast():
    method, series = make_tnc(4), torch.randn(4, 30)
    torch.manual_seed(0)
    expected = method.loss(batch_of(series))
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        loss = method.loss(batch_of(series))
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), abs=0.02)


@pytest.mark.gpu
def test_loss_and_gradient_on_cuda():
    method, series = make_tnc(6).cuda(), gappy_series().cuda()
    method.loss(batch_of(series)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


def test_a_series_is_represented_by_its_maximum_over_all_steps():
    method, series = make_tnc(4), torch.randn(3, 30)
    with torch.inference_mode():
        assert method.represent(series, "task").equal(method.encoder(series))
