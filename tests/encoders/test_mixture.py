"""The mixture of encoders against its definition: a sum of its experts, weighted by the gate of the task."""

import pytest
import torch

from mtcs.encoders.mixture import MixtureEncoder
from tests.encoders.two_routes import make_series


def make_mixture(experts: int = 3) -> MixtureEncoder:
    torch.manual_seed(0)
    return MixtureEncoder(["a", "b"], experts, depth=2, hidden=6, output=10)


@pytest.mark.parametrize("missing", ["none", "inside", "at the end"])
def test_a_mixture_is_the_gated_sum_of_its_experts(missing):
    mixture, series = make_mixture(), make_series(5, 14, missing)
    for task in ("a", "b"):
        result = mixture(series, task)
        for i, row in enumerate(series):
            values = row[~row.isnan()]
            summary = torch.stack([mixture.projection(value.view(1)) for value in values]).mean(0)
            share = mixture.gates[task](summary).exp() / mixture.gates[task](summary).exp().sum()
            expected = sum(g * expert(row[None])[0] for g, expert in zip(share, mixture.experts, strict=True))
            torch.testing.assert_close(result[i], expected, rtol=1e-4, atol=1e-5)


def test_series_of_no_task_are_mixed_by_the_mean_of_the_gates():
    mixture, series = make_mixture(), make_series(4, 14)
    expected = (mixture(series, "a") + mixture(series, "b")) / 2  # the sum is linear in the gates
    torch.testing.assert_close(mixture(series), expected)
    assert not torch.allclose(mixture(series, "a"), mixture(series, "b"))


def test_a_mixture_of_one_is_its_expert():
    mixture, series = make_mixture(experts=1), make_series(4, 14)
    torch.testing.assert_close(mixture(series, "b"), mixture.experts[0](series))


def test_every_expert_and_the_gate_of_the_task_learn():
    mixture = make_mixture()
    mixture(make_series(4, 14), "a").square().sum().backward()
    still = {name for name, p in mixture.named_parameters() if p.grad is None or not p.grad.any()}
    assert still == {"gates.b.weight", "gates.b.bias"}
