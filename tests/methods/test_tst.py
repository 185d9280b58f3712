"""TST: its loss by plain loops, its steps, masks and normalisation."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import gelu

from mtcs.config.methods import TstSpec
from mtcs.data.task import Split, Task, TaskInfo
from mtcs.methods import build_method, prepared_method
from mtcs.methods.tst import Tst, segment_mask
from mtcs.ops.dropout import Dropout
from tests.methods.batches import batch_of

NAN = math.nan
SPEC = {
    "kind": "tst",
    "max_length": 128,
    "budget": 1000,
    "schedule": {"steps": 1, "batch_size": 4, "learning_rate": 0.001},
    "classifier": "svm",
}


def make(length: int = 9, **changes) -> Tst:
    """For a task of training series of that length."""
    torch.manual_seed(0)
    sizes = {"max_length": 16, "depth": 2, "heads": 2, "hidden": 5, "output": 6, "dropout": 0.0}
    method = build_method(TstSpec(**SPEC | sizes | changes), [TaskInfo("task", ("1", "2"), length)])
    assert isinstance(method, Tst)
    return method


def make_series(*shape: int) -> torch.Tensor:
    series = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    series[0, -1] = series[1, 2] = series[1, 3] = series[-1, 0] = NAN
    return series


def make_task(name: str, length: int, width: int | None = None) -> Task:
    series = np.zeros((4, length), dtype=np.float32)
    split = Split(series, np.arange(4) % 2)
    return Task(name, split, Split(np.zeros((4, width or length), dtype=np.float32), np.arange(4) % 2), ("1", "2"))


TASKS = make_task("long", 300), make_task("short", 24)


def plain_normalize(rows, norm, training):
    """Ioffe and Szegedy (2015) over all (series, step) of a dictionary of vectors."""
    stacked = torch.stack(list(rows.values()))
    mean, variance = norm.running_mean, norm.running_var
    if training:
        mean = sum(stacked) / len(stacked)
        variance = sum((row - mean) ** 2 for row in stacked) / len(stacked)
    return {key: (row - mean) / (variance + 1e-5).sqrt() * norm.weight + norm.bias for key, row in rows.items()}


def plain_encode(method: Tst, series, hidden=()):
    """The transformer, one step and one head at a time: {(series, step): vector} of observed steps."""
    width, training = method.positions.shape[1], method.training
    rows = {}
    for b, one in enumerate(series.tolist()):
        for t, value in enumerate(one):
            if not math.isnan(value):
                shown = torch.tensor([0.0 if (b, t) in hidden else value])
                rows[b, t] = method.projection(shown) * width**0.5 + method.positions[t]
    for layer in method.layers:
        size = width // layer.heads
        joined = {key: layer.attend(row) for key, row in rows.items()}
        summed = {}
        for b, t in rows:
            result = []
            for head in range(layer.heads):
                at = slice(head * size, (head + 1) * size)
                query = joined[b, t][:width][at]
                keys = {key: row[width : 2 * width][at] for key, row in joined.items() if key[0] == b}
                weights = {key: (query @ one / size**0.5).exp() for key, one in keys.items()}
                values = [weights[key] * joined[key][2 * width :][at] for key in keys]
                result.append(sum(values) / sum(weights.values()))
            summed[b, t] = rows[b, t] + layer.merge(torch.cat(result))
        rows = plain_normalize(summed, layer.first, training)
        rows = {key: row + layer.narrow(gelu(layer.widen(row))) for key, row in rows.items()}
        rows = plain_normalize(rows, layer.second, training)
    return {key: gelu(row) for key, row in rows.items()}


def test_loss_by_plain_loops():
    """Value and gradients, masks and padding included.

    Outside the repository, the publication's code (gzerveas/mvts_transformer) was given the same weights, masks and 12
    series of 50 steps, D = 320, without dropout: on full series the losses are equal (difference 0, of 1.088), the
    gradients to 1e-5 of the largest; on padded series in evaluation the representations to 4e-5 of 29.5. On padded
    series in training the losses differ (1.095, theirs 1.102), since theirs counts padding in its normalisation.
    """
    method, series = make(mask_ratio=0.4), make_series(4, 9)
    torch.manual_seed(5)
    mask = segment_mask(4, 9, 0.4, 3.0)
    torch.manual_seed(5)
    loss = method.loss(batch_of(series))
    loss.backward()
    result = {name: p.grad for name, p in method.named_parameters()}

    method.zero_grad()
    hidden = {(b, t) for b in range(4) for t in range(9) if mask[b, t] and not series[b, t].isnan()}
    rows = plain_encode(method, series, hidden)
    expected = sum((method.reconstruction(rows[key]).squeeze() - series[key]) ** 2 for key in hidden) / len(hidden)
    assert 2 < len(hidden) < 30
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)
    expected.backward()
    for name, gradient in result.items():
        torch.testing.assert_close(gradient, dict(method.named_parameters())[name].grad, rtol=1e-4, atol=1e-5)


def test_representation_by_plain_loops():
    method, series = make(), make_series(4, 9)
    for _ in range(3):
        method.loss(batch_of(series))  # running statistics of their own
    method.eval()
    rows = plain_encode(method, series)
    expected = torch.stack(
        [torch.stack([row for key, row in rows.items() if key[0] == b]).amax(0) for b in range(len(series))]
    )
    torch.testing.assert_close(method.represent(series, "task"), expected, rtol=1e-5, atol=1e-5)


def test_scores_far_apart_are_attended_to_as_by_softmax():
    """The floor below the largest score changes nothing, in values and gradients."""
    method, series = make(mask_ratio=0.4, depth=1), make_series(4, 9)
    with torch.no_grad():
        method.layers[0].attend.weight *= 6
    x = (torch.randn(9, 6) * 5).requires_grad_()
    observed = torch.ones(1, 9, dtype=torch.bool)
    result = method.layers[0]._attention(x, observed)
    queries, keys, values = method.layers[0].attend(x).unflatten(1, (3, 2, 3)).permute(1, 2, 0, 3)  # (H, S, D / H)
    scores = queries @ keys.transpose(1, 2) / 3**0.5
    assert scores.amax() - scores.amin() > 200
    expected = method.layers[0].merge((scores.softmax(2) @ values).transpose(0, 1).flatten(1))
    torch.testing.assert_close(result, expected)
    target = torch.randn(9, 6)
    for ours, theirs in zip(
        torch.autograd.grad((result * target).sum(), [x, *method.layers[0].attend.parameters()]),
        torch.autograd.grad((expected * target).sum(), [x, *method.layers[0].attend.parameters()]),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    assert method.loss(batch_of(series)).isfinite()


def test_a_step_is_the_mean_of_what_is_observed():
    method = make(length=7, max_length=3)
    assert method.strides == {"task": 3}
    series = torch.tensor([[1.0, 2, 6, NAN, 4, 5, 7], [NAN, NAN, NAN, 1, 2, 3, NAN]])
    values, observed = method._steps(series, "task")
    assert observed.tolist() == [[True, True, True], [False, True, False]]
    assert values.tolist() == [[3, 4.5, 7], [0, 2, 0]]


def test_strides_come_from_the_training_series():
    tasks = make_task("long", 300, 400), make_task("short", 24), make_task("even", 256)
    method = prepared_method(TstSpec(**SPEC), tasks)
    assert isinstance(method, Tst)
    assert method.strides == {"long": 3, "short": 1, "even": 2}
    assert method.positions.shape == (128, 320)
    assert method._steps(torch.zeros(1, 400), "long")[0].shape == (1, 134)  # as in training, though longer
    assert method._steps(torch.zeros(1, 400), None)[0].shape == (1, 100)  # of no known task: at most max_length


def test_training_ends_with_the_budget():
    """Four series a mini-batch: 4 x 100 steps of `long`, 4 x 24 of `short`."""
    spec, long, short = TstSpec(**SPEC | {"schedule": {**SPEC["schedule"], "steps": None, "epochs": 700}}), *TASKS
    assert spec.schedule_for([long]).steps == 3
    assert spec.schedule_for([short]).steps == 11
    assert spec.schedule_for([long, short]).steps == 9  # 2000 steps, 248 a mini-batch
    assert spec.schedule_for([long]).epochs == 700  # whichever comes first
    assert TstSpec(**SPEC).schedule_for([short]).steps == 1  # so the schedule says
    assert TstSpec(**SPEC | {"budget": None}).schedule_for([short]).steps == 1


def test_missing_steps_and_padding_take_no_part():
    method, series = make(mask_ratio=0.4), make_series(5, 9)
    padded = torch.cat((series, torch.full((5, 20), NAN)), 1)
    torch.testing.assert_close(method.eval().represent(padded, "task"), method.represent(series, "task"))
    changed = series.clone()
    changed[2, 4:] = NAN
    ours = method.represent(changed, "task")
    torch.testing.assert_close(ours[2:3], method.represent(series[2:3, :4], "task"), rtol=1e-5, atol=1e-5)
    method.train().represent(series, "task")
    alone, method = method.layers[0].first.running_mean.clone(), make(mask_ratio=0.4)
    method.represent(padded, "task")
    torch.testing.assert_close(method.layers[0].first.running_mean, alone)  # padding is not counted


def test_series_longer_than_all_training_series_share_the_last_position():
    method = make(length=5).eval()
    series = make_series(3, 9)
    before = method.represent(series, "task")
    assert before.isfinite().all()
    with torch.no_grad():
        method.positions[-1] += 1
    assert not method.represent(series, "task").allclose(before)
    longer = make(length=9).eval()
    longer.load_state_dict(
        method.state_dict() | {"positions": torch.cat((method.positions, method.positions[-1:].expand(4, -1)))}
    )
    torch.testing.assert_close(longer.represent(series, "task"), method.represent(series, "task"))


@pytest.mark.parametrize("series", [torch.tensor([[2.0]]), torch.tensor([[NAN, 3.0, NAN]]), torch.ones(3, 5)])
def test_degenerate_batches(series):
    method = make(dropout=0.1, mask_ratio=0.5)
    for _ in range(5):  # with and without anything masked
        method.loss(batch_of(series)).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())
    assert method.eval().represent(series, "task").isfinite().all()


def test_nothing_masked_is_a_loss_of_zero_with_gradients():
    method = make(mask_ratio=1e-9)
    loss = method.loss(batch_of(make_series(3, 9)))
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is not None and not p.grad.any() for p in method.parameters())


@pytest.mark.parametrize(("ratio", "mean"), [(0.15, 3.0), (0.5, 1.5), (0.3, 5.0)])
def test_masks_are_the_publications_markov_chain(ratio, mean):
    """Share, lengths and beginnings, against the chain over steps drawn one by one."""
    torch.manual_seed(0)
    mask = segment_mask(3000, 60, ratio, mean).numpy()
    generator = np.random.default_rng(0)
    state = generator.random(3000) < ratio
    chain = np.empty((3000, 60), dtype=bool)
    stop, start = 1 / mean, ratio / (1 - ratio) / mean
    for t in range(60):
        chain[:, t] = state
        state = state ^ (generator.random(3000) < np.where(state, stop, start))

    def facts(mask):
        ends = (mask[:, :-1] & ~mask[:, 1:]).sum() / mask[:, :-1].sum()  # probability of a segment to end
        starts = (~mask[:, :-1] & mask[:, 1:]).sum() / (~mask[:, :-1]).sum()
        return mask.mean(), mask[:, 0].mean(), mask[:, -1].mean(), ends, starts

    expected = (ratio, ratio, ratio, stop, start)
    np.testing.assert_allclose(facts(mask), expected, rtol=0.12)
    np.testing.assert_allclose(facts(chain), expected, rtol=0.12)


def test_a_masked_value_is_not_seen():
    """Only the target knows the values under the mask."""
    method, series = make(mask_ratio=0.4).eval(), torch.randn(4, 9)
    torch.manual_seed(5)
    mask = segment_mask(4, 9, 0.4, 3.0)
    seen = []
    encode = method._encode
    method._encode = lambda values, observed: seen.append(values.clone()) or encode(values, observed)
    torch.manual_seed(5)
    method.loss(batch_of(series))
    torch.testing.assert_close(seen[0], series.where(~mask, 0.0))


def test_dropout_keeps_its_share_and_the_mean():
    torch.manual_seed(0)
    drop, x = Dropout(0.1), torch.ones(1001, 333, requires_grad=True)
    result = drop(x)
    assert (result == 0).float().mean().item() == pytest.approx(0.1, abs=0.003)
    assert result[result != 0].unique().tolist() == [pytest.approx(1 / 0.9)]
    result.sum().backward()
    assert x.grad is not None
    assert x.grad.equal(result)
    assert drop.eval()(x) is x
    zeros = (result == 0).float().view(-1)
    assert (zeros[1:] * zeros[:-1]).mean().item() == pytest.approx(0.01, abs=0.001)  # neighbours are independent


def test_what_is_dropped_while_training(monkeypatch):
    """Embeddings, attention, both parts of each layer and the units between, and the input of the reconstruction."""
    dropped = []
    monkeypatch.setattr(Dropout, "forward", lambda self, x: dropped.append(tuple(x.shape)) or x)
    method = make(dropout=0.1, depth=2)
    series = torch.randn(3, 9)
    result = method.loss(batch_of(series))
    assert result.isfinite()
    embedded, layer, read = (27, 6), [(3, 2, 9, 9), (27, 6), (27, 5), (27, 6)], dropped[-1]
    assert dropped == [embedded, *layer, *layer, read]
    assert read[1] == 6
    assert {module.share for module in method.modules() if isinstance(module, Dropout)} == {0.1}


def test_projections_of_attention_begin_as_xaviers():
    weight = make(output=64, heads=2).layers[0].attend.weight
    bound = math.sqrt(6 / (64 + 3 * 64))
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_the_loss_is_fp32_under_autocast():
    method, series = make(mask_ratio=0.4), make_series(4, 9)
    torch.manual_seed(5)
    expected = method.loss(batch_of(series)).item()
    torch.manual_seed(5)
    with torch.autocast("cpu", torch.bfloat16):
        loss = method.loss(batch_of(series))
        result = method.eval().represent(series, "task")
    assert loss.dtype == result.dtype == torch.float32
    assert loss.item() == pytest.approx(expected, rel=0.1)
    loss.backward()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_gives_the_same_representations_and_a_loss():
    method, series = make().eval(), make_series(4, 9)
    expected = method.represent(series, "task")
    method.cuda()
    torch.testing.assert_close(method.represent(series.cuda(), "task").cpu(), expected, rtol=1e-4, atol=1e-4)
    loss = method.train().loss(batch_of(series.cuda()))
    loss.backward()
    assert loss.isfinite()


def test_heads_divide_the_width():
    with pytest.raises(ValidationError, match="output 320 is no multiple of heads 7"):
        TstSpec(**SPEC, heads=7)
