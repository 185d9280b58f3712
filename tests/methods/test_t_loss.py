"""T-Loss: its loss against plain loops, its subseries against what may be drawn."""

import copy
import math
from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor

from mtcs.config.methods import TLossSpec
from mtcs.config.schedule import Schedule
from mtcs.data.task import Split, Task
from mtcs.encoders.causal import CausalEncoder
from mtcs.methods import prepared_method
from mtcs.methods.t_loss import TLoss, draw_triplets, subseries
from tests.encoders.two_routes import assert_close, gradients, make_series
from tests.methods.batches import batch_of

NAN = math.nan
SCHEDULE = Schedule(steps=1500, batch_size=10, optimizer="adam", learning_rate=0.001, weight_decay=0)


def make_task(series: Tensor, name: str = "some") -> Task:
    split = Split(series.numpy(), np.zeros(len(series), dtype=np.int64))
    return Task(name, split, split, ("1",))


def make_spec(**changes) -> TLossSpec:
    return TLossSpec(kind="t_loss", schedule=SCHEDULE, classifier="svm", **changes)


def prepared(spec: TLossSpec, *tasks: Task) -> TLoss:
    torch.manual_seed(0)
    method = prepared_method(spec, tasks)
    assert isinstance(method, TLoss)
    return method


def make(series: Tensor, shared: bool = False) -> TLoss:
    spec = make_spec(depth=3, hidden=6, pooled=10, output=12, negatives=3, shared=shared)
    return prepared(spec, make_task(series))


def plain_loss(encoder: CausalEncoder, anchors: Tensor, positives: Tensor, negatives: Tensor, k: int) -> Tensor:
    """The publication's formula with loops over the batch and the negatives: k by k, or k of them for all anchors."""
    a, p, n = ([encoder(one.unsqueeze(0))[0] for one in several] for several in (anchors, positives, negatives))
    total = torch.zeros((), dtype=anchors.dtype)
    for b in range(len(a)):
        total = total - (1 / (1 + (-(a[b] @ p[b])).exp())).log()
        for i in range(k):
            total = total - (1 / (1 + (a[b] @ (n[i] if len(n) == k else n[i * len(a) + b])).exp())).log() / k
    return total / len(a)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("missing", ["none", "inside", "at the end"])
def test_the_loss_and_all_gradients_equal_plain_loops(missing, shared):
    """Two routes to the loss.

    Once, the authors' implementation (encoder and loss for equally long series) was given the same weights and the same
    subseries in double precision, published sizes, B = 10, K = 10, T = 150, three draws: losses of 24.5 to 36.0
    differed by at most 7.1e-15, each parameter's gradient by at most 2.0e-15 of its largest entry, representations by
    1.2e-15.
    """
    series = make_series(4, 30, missing)
    method, series = make(series, shared).double(), series.double()
    other = copy.deepcopy(method.encoder)
    torch.manual_seed(5)
    loss = method.loss(batch_of(series, "some"))
    torch.manual_seed(5)
    plain = plain_loss(other, *draw_triplets(series, method.banks["some"].series, 3 if shared else 12), k=3)
    loss.backward()
    plain.backward()
    assert loss.item() == pytest.approx(plain.item(), rel=1e-10)
    assert_close(gradients(method.encoder), gradients(other), tolerance=1e-10)


def test_subseries_are_counted_in_observed_values():
    series = torch.tensor([[0.0, 1, 2, 3, 4, 5], [NAN, 1, NAN, NAN, 4, 5], [0, 1, 2, NAN, NAN, NAN]])
    result = subseries(series, torch.tensor([2, 0, 1]), torch.tensor([3, 2, 1]))
    expected = torch.tensor([[2.0, 3, 4, NAN], [1, NAN, NAN, 4], [1, NAN, NAN, NAN]])
    torch.testing.assert_close(result, expected, rtol=0, atol=0, equal_nan=True)
    assert subseries(series, torch.tensor([5, 2, 2]), torch.tensor([1, 1, 1])).tolist() == [[5], [5], [2]]


def observed_parts(drawn: Tensor) -> list[list[int]]:
    return [[int(value) for value in row[~row.isnan()]] for row in drawn]


def test_subseries_lie_where_they_should():
    """Each value tells its series and its rank among that series' observed values."""
    generator = torch.Generator().manual_seed(0)
    bank = torch.full((5, 24), NAN)
    for i, count in enumerate((1, 2, 7, 12, 24)):
        places = torch.randperm(24, generator=generator)[:count].sort().values
        bank[i, places] = 100.0 * i + torch.arange(count)
    counts = (~bank.isnan()).sum(1).tolist()
    torch.manual_seed(0)
    drawn_from = Counter()
    for _ in range(200):
        anchors, positives, negatives = draw_triplets(bank, bank, 20)
        assert len(anchors) == len(positives) == 5
        assert len(negatives) == 20
        for drawn in (anchors, positives, negatives):
            assert not drawn[:, 0].isnan().any()  # begins with an observed value
            assert not drawn[:, -1].isnan().all()  # no longer than need be
        runs = [observed_parts(drawn) for drawn in (anchors, positives, negatives)]
        for i, (anchor, positive) in enumerate(zip(runs[0], runs[1], strict=True)):
            assert anchor == list(range(anchor[0], anchor[0] + len(anchor)))
            assert 100 * i <= anchor[0]
            assert anchor[-1] < 100 * i + counts[i]
            assert positive == list(range(positive[0], positive[0] + len(positive)))
            assert set(positive) <= set(anchor)
        # A negative has the positives' share of its own series: as long as the positive of that series.
        for negative in runs[2]:
            source = negative[0] // 100
            drawn_from[source] += 1
            assert negative == list(range(negative[0], negative[0] + len(negative)))
            assert negative[-1] < 100 * source + counts[source]
            assert len(negative) == len(runs[1][source])
    assert drawn_from.keys() == set(range(5))


def test_lengths_and_places_have_the_published_probabilities():
    """Of every (positive's length, anchor's length, anchor's start, positive's start in the anchor), T = 3."""
    expected = {}
    for length in (1, 2, 3):
        for longer in range(length, 4):
            for start in range(4 - longer):
                for inner in range(longer - length + 1):
                    chance = 1 / 3 / (4 - length) / (4 - longer) / (longer - length + 1)
                    expected[length, longer, start, inner] = chance
    assert sum(expected.values()) == pytest.approx(1)
    torch.manual_seed(0)
    series, n = torch.arange(3.0).unsqueeze(0), 1500
    result, negative_places = Counter(), Counter()
    for _ in range(n):
        anchor, positive, negative = (observed_parts(drawn)[0] for drawn in draw_triplets(series, series, 1))
        assert len(negative) == len(positive)
        result[len(positive), len(anchor), anchor[0], positive[0] - anchor[0]] += 1
        negative_places[len(negative), negative[0]] += 1
    assert result.keys() == expected.keys()
    for draw, chance in expected.items():
        assert result[draw] / n == pytest.approx(chance, abs=5 * math.sqrt(chance * (1 - chance) / n)), draw
    for (length, _), times in negative_places.items():
        chance = 1 / 3 / (4 - length)
        assert times / n == pytest.approx(chance, abs=5 * math.sqrt(chance * (1 - chance) / n))


def test_equally_long_series_of_a_batch_share_one_length():
    torch.manual_seed(0)
    lengths = set()
    for _ in range(30):
        for drawn in draw_triplets(make_series(4, 20), make_series(6, 20), 2):
            assert not drawn.isnan().any()
        lengths.add(drawn.shape[1])
    assert len(lengths) > 5


def test_padding_at_either_end_changes_no_representation():
    series = make_series(5, 20, "inside")
    method = make(series).eval()
    pad = torch.full((5, 7), NAN)
    with torch.inference_mode():
        expected = method.represent(series)
        for padded in (torch.cat((series, pad), 1), torch.cat((pad, series), 1), torch.cat((pad, series, pad), 1)):
            torch.testing.assert_close(method.represent(padded), expected, rtol=1e-5, atol=1e-6)
        filled = method.represent(series.nan_to_num(0.0))  # a zero is observed, and may win the maximum
    assert not torch.allclose(filled[0], expected[0])


@pytest.mark.parametrize(
    "series",
    [
        torch.randn(1, 12, generator=torch.Generator().manual_seed(0)),
        torch.ones(3, 1),
        torch.ones(3, 9),
        torch.tensor([[NAN, NAN, 2.0, NAN], [1.0, NAN, NAN, NAN]]),
    ],
    ids=["one series", "one step", "constant", "one observed value"],
)
def test_extreme_series_are_accepted(series):
    method = make(series)
    for _ in range(5):
        loss = method.loss(batch_of(series, "some"))
        loss.backward()
        assert loss.isfinite()
    assert all(parameter.grad.isfinite().all() for parameter in method.parameters())
    with torch.inference_mode():
        assert method.eval().represent(series).isfinite().all()


def test_a_batch_may_be_padded_otherwise_than_its_bank():
    series = make_series(4, 20)
    method, batch = make(series), torch.cat((series, torch.full((4, 9), NAN)), 1)
    losses = []
    for several in (series, batch):
        torch.manual_seed(3)
        losses.append(method.loss(batch_of(several, "some")).item())
    assert losses[0] == losses[1]


def test_negatives_come_from_the_task_of_the_batch():
    banks = {"some": torch.zeros(3, 8), "other": torch.full((3, 8), 5.0)}
    spec = make_spec(depth=1, hidden=4, pooled=4, output=4, negatives=2)
    method = prepared(spec, *(make_task(series, name) for name, series in banks.items()))
    seen = []
    method.encoder.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].unique().tolist()))
    for task in banks:
        method.loss(batch_of(torch.ones(2, 8), task))
    assert seen == [[1.0], [0.0, 1.0], [1.0], [1.0, 5.0]]  # anchors, then positives and negatives together


def test_the_bank_is_not_among_the_weights_and_shares_the_memory_of_its_task():
    series = make_series(4, 20)
    method = make(series)
    assert not any("bank" in name for name in method.state_dict())
    assert method.banks["some"].series.data_ptr() == series.data_ptr()


def test_the_loss_is_fp32_under_autocast_and_close_to_it():
    series = make_series(6, 30)
    method, losses = make(series), []
    for bf16 in (False, True):
        torch.manual_seed(4)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            losses.append(method.loss(batch_of(series, "some")))
            assert method.represent(series).dtype == torch.float32
    losses[1].backward()
    assert losses[1].dtype == torch.float32
    assert losses[0].item() != losses[1].item()
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=0.02)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


def test_the_spec_builds_the_published_encoder():
    """247,720 weights: the same number as in the publication's implementation."""
    method = prepared(make_spec(), make_task(make_series(4, 20)))
    assert sum(parameter.numel() for parameter in method.parameters()) == 247_720
    assert method.negatives == 10
