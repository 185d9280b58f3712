"""Which tasks and labels share, where it is not all of them by Equation 4."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
import torch

from mtcs.config.experiment_file import read_experiment
from mtcs.config.methods import MultiTaskSpec
from mtcs.data.task import Split, Task
from mtcs.errors import InputError
from mtcs.methods import prepared_method
from mtcs.methods.multitask import RECENT, MultiTask
from mtcs.sharing import covariance_affinity, sharing_loss
from tests.methods.batches import training_batch

MTCS = read_experiment(Path(__file__).parents[2] / "params.yaml").methods["mtcs"]


def make_task(name: str, frequency: float, n_classes: int, seed: int) -> Task:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(12) % n_classes
    waves = (1 + 0.2 * labels[:, None]) * torch.sin(frequency * torch.linspace(0, 6, 30))
    series = (waves + 0.1 * torch.randn(12, 30, generator=generator)).float()
    split = Split((series / series.std()).numpy(), labels.numpy())
    return Task(name, split, split, tuple(map(str, range(n_classes))))


TASKS = [
    make_task("slow", 1, 2, 0),
    make_task("fast", 9, 3, 1),
    make_task("slow too", 1, 3, 2),
    make_task("f", 9, 2, 3),
]


def make(**changes: object) -> MultiTask:
    torch.manual_seed(0)
    assert isinstance(MTCS, MultiTaskSpec)
    small = {"depth": 2, "hidden": 8, "output": 16, "sharing_weight": 1.0, "threshold": 1.0}
    method = prepared_method(MTCS.model_copy(update=small | changes), TASKS)
    assert isinstance(method, MultiTask)
    return method


def gradients(method: MultiTask, task: Task) -> dict[str, torch.Tensor]:
    method.zero_grad()
    method.loss(training_batch(task)).backward()
    return {name: weight.grad.clone() for name, weight in method.named_parameters() if weight.grad is not None}


def test_the_nearest_tasks_are_those_with_series_alike():
    method = make(partners=1)
    assert method.nearest == {
        "slow": ["slow", "slow too"],
        "fast": ["fast", "f"],
        "slow too": ["slow too", "slow"],
        "f": ["f", "fast"],
    }


@pytest.mark.parametrize("partners", [3, 100])
def test_partners_that_cover_all_tasks_change_nothing(partners):
    ours, theirs = gradients(make(partners=partners), TASKS[1]), gradients(make(), TASKS[1])
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_sharing_among_partners_is_the_sharing_loss_of_their_heads():
    method, batch = make(partners=1), training_batch(TASKS[1])
    method.loss(batch)
    x = method.represent(batch.series)
    heads = [method.head(name) for name in ("fast", "f")]
    expected = sharing_loss(heads, [(x @ head.T).softmax(1) for head in heads], 1.0)
    assert method.metrics["sharing_loss"].item() == pytest.approx(expected.item(), rel=1e-4)
    assert not any("slow" in name for name in gradients(method, TASKS[1])), "other heads are no part of the step"


def test_relevance_by_covariance_compares_the_latest_representations_of_labels():
    method = make(relevance="covariance")
    seen = {}
    for task in TASKS:
        batch = training_batch(task)
        method.loss(batch)
        x = method.represent(batch.series).detach()
        seen[task.name] = [x[batch.labels == label] for label in range(task.n_classes)]
    rows = {name: torch.zeros(len(of), RECENT, 16) for name, of in seen.items()}
    everything = torch.cat([part[-RECENT:] for of in seen.values() for part in of])
    for name, of in seen.items():
        for label, part in enumerate(of):
            latest = part[-RECENT:].flip(0)
            rows[name][label, : len(latest)] = latest - everything.mean(0)
    heads = [method.head(task.name) for task in TASKS]
    expected = sharing_loss(heads, [rows[task.name] for task in TASKS], 1.0, affinity=covariance_affinity)
    assert expected > 0
    assert method.metrics["sharing_loss"].item() == pytest.approx(expected.item(), rel=1e-3)


def test_relevance_by_chance_takes_as_many_pairs_of_other_labels():
    method, plain = make(relevance="random"), make()
    assert method.state_dict().keys() == plain.state_dict().keys()
    plain.loss(training_batch(TASKS[1]))
    losses = set()
    for seed in range(5):
        torch.manual_seed(seed)
        method.loss(training_batch(TASKS[1]))
        assert method.metrics["relevant_share"] == plain.metrics["relevant_share"]
        losses.add(round(method.metrics["sharing_loss"].item(), 6))
    assert len(losses) > 1


def test_relevance_by_names_shares_between_labels_of_one_name_alone():
    method, batch = make(relevance="names"), training_batch(TASKS[1])
    method.loss(batch)
    heads = [method.head(task.name) for task in TASKS]
    expected = torch.zeros(())
    for (one, a), (other, b) in permutations(zip(TASKS, heads, strict=True), 2):
        same = set(one.classes) & set(other.classes)
        squares = sum((a[one.classes.index(name)] - b[other.classes.index(name)]).square().mean() for name in same)
        expected += squares / (one.n_classes * other.n_classes)
    assert method.metrics["sharing_loss"].item() == pytest.approx(expected.item(), rel=1e-4)


def test_relevance_by_names_needs_a_name_in_two_tasks():
    tasks = [replace(task, classes=tuple(f"{task.name} {name}" for name in task.classes)) for task in TASKS]
    spec = MTCS.model_copy(update={"relevance": "names"})
    with pytest.raises(InputError, match="relevance is names, and no two tasks have a label of one name"):
        prepared_method(spec, tasks)
