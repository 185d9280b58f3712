"""TS-TCC's loss against plain loops, its two views, and the encoder's output at every 2^k-th step."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mtcs.config.methods import TsTccSpec
from mtcs.config.schedule import Schedule
from mtcs.data.task import TaskInfo
from mtcs.encoders.dilated import DilatedEncoder
from mtcs.encoders.strided import encode_every
from mtcs.methods import build_method
from mtcs.methods.ts_tcc import (
    Summary,
    TsTcc,
    contextual_loss,
    permuted,
    stride_leaving,
    temporal_loss,
    without_padding,
)
from tests.methods.batches import batch_of

SCHEDULE = Schedule(epochs=40, batch_size=128, drop_last=True, optimizer="adam", learning_rate=3e-4)


def make_spec(**changes) -> TsTccSpec:
    sizes = {"depth": 5, "hidden": 8, "output": 16}
    return TsTccSpec(kind="ts_tcc", schedule=SCHEDULE, classifier="svm", **(sizes | changes))


def make(**changes) -> TsTcc:
    method = build_method(make_spec(**changes), [TaskInfo("task", ("1", "2"), 40)])
    assert isinstance(method, TsTcc)
    return method


def small(**changes) -> TsTcc:
    torch.manual_seed(0)
    return make(**changes)


def waves(batch: int, steps: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(batch + steps)
    return torch.randn(batch, steps, generator=generator).cumsum(1) / math.sqrt(steps)


def ragged() -> torch.Tensor:
    """Lengths 30, 40, 12 and 35 of 40, with missing values inside."""
    series = waves(4, 40)
    for row, end in enumerate((30, 40, 12, 35)):
        series[row, end:] = torch.nan
    series[0, 3] = series[1, 20:25] = torch.nan
    return series


# The loss by plain loops.


def plain_norm(layer, x):
    """Layer normalisation of one vector."""
    mean = sum(x) / len(x)
    variance = sum((value - mean) ** 2 for value in x) / len(x)
    return layer.weight * (x - mean) / (variance + 1e-5).sqrt() + layer.bias


def plain_summary(summary, past, seen):
    """The transformer on one series: past (t, D), seen (t,) -> (W,)."""
    rows = [summary.token] + [summary.projection.weight @ step + summary.projection.bias for step in past]
    visible = [True, *seen.tolist()]
    for attend, feed in zip(summary.attention, summary.feedforward, strict=True):
        width = len(rows[0])
        size = width // attend.heads
        triples = [attend.inputs.weight @ plain_norm(attend.norm, row) for row in rows]
        attended = []
        for row, triple in zip(rows, triples, strict=True):
            result = []
            for head in range(attend.heads):
                part = slice(head * size, (head + 1) * size)
                query = triple[:width][part]
                shares = [
                    (query @ other[width : 2 * width][part] / math.sqrt(width)).exp() if shown else torch.tensor(0.0)
                    for other, shown in zip(triples, visible, strict=True)
                ]
                values = [other[2 * width :][part] for other in triples]
                result.append(sum(s * v for s, v in zip(shares, values, strict=True)) / sum(shares))
            output = attend.outputs[0]
            attended.append(row + output.weight @ torch.cat(result) + output.bias)
        rows = [
            row + feed[4].weight @ (feed[1].weight @ plain_norm(feed[0], row) + feed[1].bias).relu() + feed[4].bias
            for row in attended
        ]
    return rows[0]


def plain_temporal(method, past, past_seen, future, future_seen, end):
    """Contrast of the predictions after `end` steps; past, future: (B, P, D); seen: (B, P)."""
    contexts = [plain_summary(method.summary, x[:end], s[:end]) for x, s in zip(past, past_seen, strict=True)]
    terms = []
    for k in range(min(len(method.predictions), past.shape[1] - 1)):
        for b in range(len(past)):
            if not future_seen[b, end + k]:
                continue
            logits = [future[b, end + k] @ (method.predictions[k].weight @ context) for context in contexts]
            terms.append(sum(logit.exp() for logit in logits).log() - logits[b])
    return sum(terms) / len(terms), contexts


def plain_projection(head, contexts):
    """Linear, batch normalisation, ReLU, linear on a list of vectors."""
    hidden = torch.stack([head[0].weight @ context for context in contexts])
    columns = []
    for c in range(hidden.shape[1]):
        mean = sum(hidden[:, c]) / len(hidden)
        variance = sum((hidden[:, c] - mean) ** 2) / len(hidden)
        columns.append(head[1].weight[c] * (hidden[:, c] - mean) / (variance + 1e-5).sqrt() + head[1].bias[c])
    return [head[3].weight @ row.relu() + head[3].bias for row in torch.stack(columns, 1)]


def plain_contextual(first, second, temperature):
    views = [*first, *second]
    total = 0.0
    for i, view in enumerate(views):
        similar = [view @ other / (view.norm() * other.norm()) / temperature for other in views]
        partner = (i + len(first)) % len(views)
        total = total + sum(s.exp() for j, s in enumerate(similar) if j != i).log() - similar[partner]
    return total / len(views)


@pytest.mark.parametrize("series", [waves(3, 21), ragged()], ids=["complete", "ragged"])
def test_the_loss_is_the_publications_by_plain_loops(series, monkeypatch):
    """Against the publication's code (emadeldeen24/TS-TCC, `TC` and `NTXentLoss`, dropout off) outside the repository.

    Same encoded views, weights and draws of t, 16 series, five lengths from 45 to 333: losses around 7.5 differ by at
    most 1e-6, gradients of the encoder by at most 1.1e-5 of the largest entry of their tensor.
    """
    method = small(positions=8, horizon=4, dropout=0.0, width=12, heads=3, layers=2, feedforward=10)
    weak, strong = method._weak(series), method._strong(series)
    monkeypatch.setattr(method, "_weak", lambda _: weak)
    monkeypatch.setattr(method, "_strong", lambda _: strong)
    torch.manual_seed(5)
    loss = method.loss(batch_of(series))

    torch.manual_seed(5)  # the same draws in the same order: the first step, then one t for each direction
    stride = {21: 2, 40: 4}[series.shape[1]]
    start = int(torch.randint(stride, ()))
    views = [method.encoder.per_step(view)[:, start::stride] for view in (weak, strong)]
    views = [x / x.norm(dim=2, keepdim=True) for x in views]
    seen = [~view[:, start::stride].isnan() for view in (weak, strong)]
    positions = views[0].shape[1]
    ends = [1 + int(torch.randint(positions - 4, ())) for _ in range(2)]
    forth, weak_contexts = plain_temporal(method, views[0], seen[0], views[1], seen[1], ends[0])
    back, strong_contexts = plain_temporal(method, views[1], seen[1], views[0], seen[0], ends[1])
    heads = [plain_projection(method.projection, contexts) for contexts in (weak_contexts, strong_contexts)]
    expected = forth + back + 0.7 * plain_contextual(*heads, 0.2)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)


def test_an_unobserved_target_is_nobodys_prediction():
    predicted, targets = list(torch.randn(2, 3, 4)), torch.randn(2, 3, 4)
    seen = torch.tensor([[True, True, False], [True, False, True]])
    expected = temporal_loss(predicted, targets, seen)
    targets[~seen] = 100.0
    assert temporal_loss(predicted, targets, seen) == expected
    assert temporal_loss(predicted, targets, torch.zeros_like(seen)) == 0


def test_views_that_agree_cost_less_than_views_that_do_not():
    x = torch.randn(8, 4)
    alike, separate = contextual_loss(x, x, 0.2), contextual_loss(x, x.roll(1, 0), 0.2)
    assert alike < 2 < separate
    assert contextual_loss(x[:1], x[1:2], 0.2) == 0  # nothing else to be taken for


def test_a_summary_does_not_read_what_is_not_observed():
    torch.manual_seed(0)
    summary, past, seen = Summary(16, 12, 2, 3, 10, 0.0), torch.randn(5, 2, 16), torch.rand(5, 2) < 0.5
    expected = summary(past, seen)
    past[~seen] += 10
    torch.testing.assert_close(summary(past, seen), expected)
    past[seen] += 10
    assert not torch.allclose(summary(past, seen), expected)


# The encoder's output at some steps.


@pytest.mark.parametrize(("steps", "stride"), [(1, 1), (3, 2), (40, 1), (40, 2), (41, 4), (77, 16), (200, 32)])
def test_every_few_steps_are_those_of_all_steps(steps, stride):
    torch.manual_seed(0)
    encoder = DilatedEncoder(5, 8, 16)
    series = waves(3, steps)
    series[1, steps - steps // 3 :] = torch.nan
    series[2, steps // 2] = torch.nan if steps > 1 else 0
    seen = ~series.isnan().unsqueeze(2)  # the output at other steps means nothing
    expected = encoder.per_step(series) * seen
    expected.square().sum().backward()
    everywhere = {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}
    encoder.zero_grad()
    for start in range(min(stride, steps)):
        result = encode_every(encoder, series, start, stride) * seen[:, start::stride].transpose(0, 1)
        torch.testing.assert_close(result.transpose(0, 1), expected[:, start::stride], rtol=1e-5, atol=1e-5)
        result.square().sum().backward()
    for name, p in encoder.named_parameters():
        torch.testing.assert_close(p.grad, everywhere[name], rtol=1e-4, atol=1e-4)


def test_the_stride_leaves_the_fewest_steps_that_are_enough():
    assert [stride_leaving(18, length, 10) for length in (1, 24, 35, 36, 71, 72, 500, 2000)] == [
        1,
        1,
        1,
        2,
        2,
        4,
        16,
        64,
    ]
    assert stride_leaving(18, 2000, 3) == 8
    for length in range(1, 300):
        stride = stride_leaving(18, length, 10)
        counts = {len(range(start, length, stride)) for start in range(stride)}
        assert stride == 1 or 18 <= min(counts) <= max(counts) <= 36


def test_each_start_is_drawn(monkeypatch):
    method, starts = small(), set()
    encode = method._encode
    monkeypatch.setattr(
        method, "_encode", lambda views, start, stride: starts.add(start) or encode(views, start, stride)
    )
    for _ in range(20):
        method.loss(batch_of(waves(2, 80)))
    assert starts == {0, 1, 2, 3}


def test_every_split_into_past_and_future_is_drawn(monkeypatch):
    method, ends = small(), set()
    summary = method.summary.forward
    monkeypatch.setattr(method.summary, "forward", lambda past, seen: ends.add(len(past)) or summary(past, seen))
    for _ in range(20):
        method.loss(batch_of(waves(2, 10)))
    assert ends == {1, 2, 3, 4}  # t + 1, at most P - K


# The views.


def test_the_weak_view_scales_every_step_by_a_factor_of_its_own():
    factors = small()._weak(torch.ones(50, 400))
    assert factors.mean() == pytest.approx(2.0, abs=0.04)
    assert factors.std() == pytest.approx(1.1, abs=0.04)
    assert abs(np.corrcoef(factors[:, :-1].flatten(), factors[:, 1:].flatten())[0, 1]) < 0.04


def test_the_strong_view_is_a_permutation_and_noise():
    noise = small()._strong(torch.zeros(50, 400))
    assert noise.mean() == pytest.approx(0.0, abs=0.03)
    assert noise.std() == pytest.approx(0.8, abs=0.03)
    series = waves(5, 60)
    torch.manual_seed(1)
    expected = permuted(series, 7)
    torch.manual_seed(1)
    torch.testing.assert_close(small_without_reseeding(jitter=0.0)._strong(series), expected)


def small_without_reseeding(**changes) -> TsTcc:
    state = torch.get_rng_state()
    method = make(depth=2, **changes)
    torch.set_rng_state(state)
    return method


def test_missing_values_are_missing_in_both_views():
    series = ragged()
    missing = series.isnan()
    method = small()
    assert method._weak(series).isnan().equal(missing)
    assert method._strong(series).isnan().sum(1).equal(missing.sum(1))
    for row, end in enumerate((30, 40, 12, 35)):
        assert method._strong(series)[row, end:].isnan().all()
    assert series.isnan().equal(missing)


def segments_of(order: list[int]) -> list[list[int]]:
    """Runs of consecutive numbers."""
    runs: list[list[int]] = []
    for number in order:
        if runs and runs[-1][-1] + 1 == number:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def test_a_permutation_keeps_segments_whole_and_uses_every_number_of_them():
    torch.manual_seed(0)
    time = torch.arange(50.0).expand(2000, -1)
    result = [segments_of([int(t) for t in row]) for row in permuted(time, 4)]
    assert all(sorted(step for run in runs for step in run) == list(range(50)) for runs in result)
    counts = np.bincount([len(runs) for runs in result], minlength=5)
    # Of m segments in random order all stay apart in 1, 1, 3, 11 of 1, 2, 6, 24 orders; fewer runs are seen else.
    chance = {1: [1], 2: [1 / 2, 1 / 2], 3: [1 / 6, 2 / 6, 3 / 6], 4: [1 / 24, 3 / 24, 9 / 24, 11 / 24]}
    for runs in range(1, 5):
        expected = sum(shares[runs - 1] for shares in chance.values() if len(shares) >= runs) / 4
        assert counts[runs] / 2000 == pytest.approx(expected, abs=0.04), runs
    firsts = [int(row[0]) for row in permuted(time, 2)]
    assert set(firsts) == set(range(50))  # a cut may be anywhere


def test_a_permutation_stays_within_the_series_and_accepts_short_ones():
    series = torch.full((6, 9), torch.nan)
    for row, end in enumerate((1, 2, 3, 5, 8, 9)):
        series[row, :end] = torch.arange(float(end))
    for _ in range(20):
        result = permuted(series, 7)
        assert result.isnan().equal(series.isnan())
        assert result.nan_to_num(-1).sort(1).values.equal(series.nan_to_num(-1).sort(1).values)
    assert permuted(series[:1, :1], 7).equal(series[:1, :1])
    torch.testing.assert_close(permuted(series, 1), series, rtol=0, atol=0, equal_nan=True)


def test_padding_common_to_all_series_changes_nothing():
    series = ragged()
    padded = torch.cat((series, torch.full((4, 100), torch.nan)), 1)
    torch.testing.assert_close(without_padding(padded), series, rtol=0, atol=0, equal_nan=True)
    losses = []
    for several in (series, padded):
        method = small()
        losses.append(method.loss(batch_of(several)).item())
    assert losses[0] == losses[1]


# Corners.


def test_a_batch_of_one_series_has_nothing_to_contrast():
    method = small()
    loss = method.loss(batch_of(waves(1, 40)))
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())


@pytest.mark.parametrize(
    "series", [torch.randn(5, 1), torch.zeros(5, 40), torch.randn(5, 2)], ids=["step", "flat", "two"]
)
def test_short_and_constant_series_have_a_finite_loss_and_gradient(series):
    method = small()
    loss = method.loss(batch_of(series))
    loss.backward()
    assert loss.isfinite()
    assert loss > 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())


def test_a_series_with_one_observed_value_is_accepted():
    series = waves(3, 40)
    series[0], series[0, 30] = torch.nan, 1.0
    for _ in range(5):
        method = small_without_reseeding()
        loss = method.loss(batch_of(series))
        loss.backward()
        assert loss.isfinite()
        assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())


def test_under_autocast_the_losses_are_fp32_and_close():
    full = small(dropout=0.0).loss(batch_of(waves(6, 60)))
    with torch.autocast("cpu", torch.bfloat16):
        half = small(dropout=0.0).loss(batch_of(waves(6, 60)))
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(full.item(), rel=0.05)


def test_training_makes_views_find_each_other():
    """Gentle views of eight sine waves, always with the same draws: the loss falls far below that of guessing."""
    steps = torch.linspace(0, 1, 40)
    series = torch.stack([torch.sin(2 * math.pi * frequency * steps) for frequency in range(1, 9)])
    method = small(scale_spread=0.0, jitter=0.0, segments=1, dropout=0.0)
    optimizer = torch.optim.Adam(method.parameters(), lr=0.005)
    losses = []
    for _ in range(80):
        torch.manual_seed(0)
        loss = method.loss(batch_of(series))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    guessing = 2 * math.log(8) + 0.7 * math.log(15)  # one of 8 futures, twice, and one of 15 other views
    assert losses[0] > 0.7 * guessing
    assert min(losses) < 0.5 * guessing


def test_a_representation_is_the_encoders():
    method, series = small().eval(), ragged()
    torch.testing.assert_close(method.represent(series), method.encoder(series), rtol=0, atol=0)


def test_parameters_reach_the_method():
    kept = {"positions": 9, "scale": 1.5, "scale_spread": 0.2, "segments": 3, "jitter": 0.1, "temperature": 0.5}
    kept["contextual_weight"] = 0.4
    method = make(depth=2, horizon=3, width=12, layers=2, heads=3, feedforward=7, dropout=0.3, **kept)
    assert {name: getattr(method, name) for name in kept} == kept
    assert len(method.predictions) == 3
    assert len(method.encoder.blocks) == 2
    assert len(method.summary.attention) == len(method.summary.feedforward) == 2
    assert method.summary.attention[0].heads == 3
    assert method.summary.feedforward[0][1].weight.shape == (7, 12)
    assert [m.p for m in method.modules() if isinstance(m, torch.nn.Dropout)] == [0.3] * 6
    with pytest.raises(ValidationError, match="width = 12 is not a multiple of heads = 5"):
        make_spec(width=12, heads=5)
