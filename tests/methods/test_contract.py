"""The contract that every method keeps, over every entry of params.yaml and every kind of the registry."""

import math
from pathlib import Path
from typing import Annotated, get_args, get_origin

import numpy as np
import pytest
import torch

from mtcs.config.experiment_file import read_experiment
from mtcs.config.methods import MethodSpec
from mtcs.data.task import Split, Task
from mtcs.methods import prepared_method
from mtcs.methods.base import Batch
from mtcs.methods.multitask import MultiTask
from mtcs.training.model import load_model, save_model
from tests.methods.batches import training_batch
from tests.plain_sharing import plain_sharing

ROOT = Path(__file__).parents[2]
METHODS = read_experiment(ROOT / "params.yaml").methods
SMALL = {"depth": 3, "hidden": 8, "output": 16}
WIDTH = SMALL["output"]


def kinds() -> tuple[type, ...]:
    registry = get_args(MethodSpec)[0] if get_origin(MethodSpec) is Annotated else MethodSpec
    return get_args(registry) or (registry,)


def make_task(name: str, length: int, n_classes: int, seed: int, n: int = 12) -> Task:
    """Classes that differ in frequency, and missing values here and there."""
    generator = np.random.default_rng(seed)
    steps = np.linspace(0, 1, length)
    splits = []
    for _ in range(2):
        labels = np.arange(n) % n_classes
        series = np.sin(2 * np.pi * (labels[:, None] + 1) * steps) + 0.3 * generator.normal(size=(n, length))
        series[0, length // 2] = np.nan
        series[1, -length // 4 :] = np.nan
        splits.append(Split(series.astype(np.float32), labels.astype(np.int64)))
    return Task(name, *splits, tuple(str(c + 1) for c in range(n_classes)))


TASKS = (make_task("short", 9, 3, seed=0), make_task("long", 40, 2, seed=1), make_task("middle", 17, 3, seed=2))


TRAINED = [name for name, spec in METHODS.items() if spec.schedule_for(TASKS).steps != 0]


@pytest.fixture(params=TRAINED)
def spec(request):
    spec = METHODS[request.param]
    return spec.model_copy(update={name: value for name, value in SMALL.items() if name in type(spec).model_fields})


@pytest.fixture
def method(spec):
    torch.manual_seed(0)
    return prepared_method(spec, TASKS)


OF_SERIES = ["dtw", "multirocket_hydra", "minirocket", "hydra", "quant"]


def test_only_methods_without_encoder_are_not_trained():
    assert [name for name in METHODS if name not in TRAINED] == OF_SERIES


@pytest.mark.parametrize("name", OF_SERIES)
def test_without_encoder_series_represent_themselves(name):
    method = prepared_method(METHODS[name], TASKS)
    for task in TASKS:
        series = torch.from_numpy(task.test.series)
        assert not list(method.parameters())
        assert method.loss(training_batch(task)).item() == 0
        result = method.represent(series)
        torch.testing.assert_close(result, series, rtol=0, atol=0, equal_nan=True)
        result.zero_()
        assert series.any(), "nothing is written into the input"


def test_every_kind_of_the_registry_is_in_params_yaml():
    assert {type(spec) for spec in METHODS.values()} == set(kinds())


def test_the_loss_is_a_finite_scalar(method):
    for task in TASKS:
        loss = method.loss(training_batch(task))
        assert loss.shape == ()
        assert loss.dtype == torch.float32
        assert math.isfinite(loss.item())
        assert all(part.shape == () and not part.requires_grad for part in method.metrics.values())


def test_every_parameter_has_a_gradient(method):
    for task in TASKS:
        method.loss(training_batch(task)).backward()
    for name, parameter in method.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_the_loss_falls_on_a_fixed_batch(method):
    optimizer = torch.optim.AdamW(method.parameters(), lr=0.01)
    batch, losses = training_batch(TASKS[1]), []
    for _ in range(40):
        torch.manual_seed(0)  # self-supervised methods: the same views each time
        loss = method.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_representations_are_one_row_a_series_and_finite(method):
    for task in TASKS:
        with torch.inference_mode():
            result = method.eval().represent(torch.from_numpy(task.test.series))
        assert result.shape == (len(task.test), WIDTH)
        assert result.dtype == torch.float32
        assert result.isfinite().all()


def test_a_series_is_represented_the_same_alone_or_in_a_batch(method):
    method.eval()
    for task in TASKS:
        series = torch.from_numpy(task.test.series)
        with torch.inference_mode():
            alone = torch.cat([method.represent(one.unsqueeze(0)) for one in series])
            torch.testing.assert_close(method.represent(series), alone, rtol=1e-5, atol=1e-5)


def test_padding_and_companions_change_no_representation(method):
    """Series of one file may differ in length: none is seen by its neighbours, padded before or behind."""
    series = torch.from_numpy(TASKS[2].test.series[:4]).clone()
    lengths = (30, 29, 17, 6)
    missing = torch.nan
    for row, length in zip(series, lengths, strict=True):
        row[length:] = missing
    series[1, 4:6] = missing  # inside: part of the series
    longer = torch.cat((series, torch.full((4, 45), missing)), 1)
    with torch.inference_mode():
        alone = [
            method.eval().represent(row[None, :length], TASKS[2].name)
            for row, length in zip(series, lengths, strict=True)
        ]
        for batch in (series, longer):
            for row, one in zip(method.represent(batch, TASKS[2].name), alone, strict=True):
                torch.testing.assert_close(row[: one.shape[1]], one[0], rtol=1e-5, atol=1e-5, equal_nan=True)


def test_a_mostly_padded_batch_is_accepted(method):
    batch = training_batch(TASKS[1])
    padded = torch.cat((batch.series, torch.full((len(batch.series), 100), torch.nan)), 1)
    method.loss(Batch(batch.task, padded, batch.labels)).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())
    with torch.inference_mode():
        assert method.eval().represent(padded).isfinite().all()


def test_nothing_is_written_into_the_input(method):
    batch = training_batch(TASKS[0])
    series, labels = batch.series.clone(), batch.labels.clone()
    method.loss(batch).backward()
    method.eval().represent(batch.series)
    torch.testing.assert_close(batch.series, series, rtol=0, atol=0, equal_nan=True)
    assert batch.labels.equal(labels)


def test_weights_survive_save_and_load(method, spec, tmp_path):
    save_model(tmp_path / "model.safetensors", method, spec, [task.info for task in TASKS], 0)
    other = load_model(tmp_path / "model.safetensors").method
    series = torch.from_numpy(TASKS[1].test.series)
    with torch.inference_mode():
        assert other.eval().represent(series).equal(method.eval().represent(series))
    for task in TASKS:
        head, expected = other.head(task.name), method.head(task.name)
        assert (head is None) == (expected is None)
        if head is not None:
            assert head.shape == (task.n_classes, WIDTH)
            assert head.equal(expected)
            assert not head.requires_grad


def test_the_same_seed_gives_the_same_weights_and_loss(spec):
    def once(seed: int):
        torch.manual_seed(seed)
        method = prepared_method(spec, TASKS)
        method.loss(training_batch(TASKS[2])).backward()
        return [gradient for p in method.parameters() for gradient in (p.detach(), p.grad) if gradient is not None]

    first, again, other = once(0), once(0), once(1)
    assert all(a.equal(b) for a, b in zip(first, again, strict=True))
    assert not all(a.equal(b) for a, b in zip(first, other, strict=True))


def plain_cross_entropy(x, weight, labels):
    """Equations 1 and 2, one series at a time."""
    total = 0.0
    for i, label in enumerate(labels.tolist()):
        logits = [sum(weight[c, d] * x[i, d] for d in range(x.shape[1])) for c in range(len(weight))]
        total = total - (logits[label] - torch.stack(logits).exp().sum().log())
    return total / len(labels)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weight", [0.0, 0.1, 3.0])
def test_multitask_loss_is_equation_6_by_plain_loops(weight, reduction):
    torch.manual_seed(0)
    spec = METHODS["mtcs"].model_copy(update={**SMALL, "sharing_weight": weight, "reduction": reduction})
    ours = prepared_method(spec, TASKS)
    with torch.no_grad():
        for task in TASKS:
            ours.heads[task.name].weight *= 8  # confident enough to make some labels relevant
    batch = training_batch(TASKS[1])
    ours.loss(batch).backward()
    result = {name: p.grad for name, p in ours.named_parameters() if p.grad is not None}

    ours.zero_grad()
    x = ours.encoder(batch.series)
    heads = [ours.heads[task.name].weight for task in TASKS]
    probabilities = [(x @ head.T).exp() / (x @ head.T).exp().sum(1, keepdim=True) for head in heads]
    sharing = plain_sharing(heads, [p.detach() for p in probabilities], 2.0, reduction)
    expected = plain_cross_entropy(x, heads[1], batch.labels) + weight * sharing
    torch.testing.assert_close(ours.loss(batch), expected)
    expected.backward()
    for name, gradient in result.items():
        torch.testing.assert_close(gradient, dict(ours.named_parameters())[name].grad, rtol=1e-4, atol=1e-5)
    if weight:
        assert ours.metrics["sharing_loss"].item() == pytest.approx(sharing.item(), rel=1e-5)
        assert ours.metrics["sharing_loss"] > 0
        assert 0 < ours.metrics["relevant_share"] < 1
    else:
        assert ours.metrics == {}


def test_the_loss_of_the_head_is_computed_in_fp32_under_autocast():
    torch.manual_seed(0)
    method = prepared_method(METHODS["mtcs"].model_copy(update=SMALL), TASKS)
    batch = training_batch(TASKS[1])
    with torch.autocast("cpu", torch.bfloat16):
        x = method.represent(batch.series)
        loss = method.loss(batch)
    assert isinstance(method, MultiTask)
    expected = torch.nn.functional.cross_entropy(x @ method.heads["long"].weight.T, batch.labels)
    assert loss.dtype == torch.float32
    assert loss.item() - 0.1 * method.metrics["sharing_loss"].item() == pytest.approx(expected.item(), abs=1e-6)
