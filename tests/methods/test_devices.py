"""Every method on a device that is not the CPU, played on the CPU: no tensor of one meets a tensor of the other.

`Elsewhere` is a tensor that claims another device and computes on the CPU; an operation that would fail on a GPU for
mixing devices, or for multiplying matrices of whole numbers, fails here. What CUDA's own kernels do, only a GPU tells
(the tests marked `gpu`).
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from mtcs.config.experiment_file import read_experiment
from mtcs.data.task import Split, Task
from mtcs.encoders import dilated as encoder
from mtcs.evaluation.represent import represent
from mtcs.methods import prepared_method
from mtcs.ops.sharing import stacked_sharing
from mtcs.training.hardware import Hardware
from mtcs.training.loop import fit

THERE = torch.device("meta")  # of the devices that torch is always built with, the one that is not the CPU
PRODUCTS = {f"aten::{name}" for name in ("dot", "mv", "mm", "bmm", "addmv", "addmm", "baddbmm")}
MIX = {"aten::copy_", "aten::_to_copy", "aten::index"}  # copies between devices, and indices may be on the CPU


class Elsewhere(Tensor):
    """A tensor on the device THERE, its values on the CPU in `plain`."""

    plain: Tensor
    is_meta = False

    @staticmethod
    def __new__(cls, plain: Tensor):
        made = Tensor._make_wrapper_subclass(
            cls, plain.size(), plain.stride(), plain.storage_offset(), dtype=plain.dtype, device=THERE
        )
        made.plain = plain
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # pyright: ignore[reportAssignmentType]

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})

    def tolist(self):
        return self.plain.tolist()


class Placed(TorchDispatchMode):
    """While entered, new tensors are where they are asked to be."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


def compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, Elsewhere)]
    here = [tensor for tensor in tensors if not isinstance(tensor, Elsewhere) and tensor.dim()]
    if there and here and func._schema.name not in MIX:
        raise RuntimeError(f"{func}: a tensor {tuple(here[0].shape)} on the CPU meets one that is elsewhere")
    if there and func._schema.name in PRODUCTS and not all(tensor.dtype.is_floating_point for tensor in tensors):
        raise RuntimeError(f"{func}: CUDA has no products of whole numbers")
    requested = kwargs.get("device")
    if requested is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    plain_args, plain_kwargs = tree_map(lambda x: x.plain if isinstance(x, Elsewhere) else x, (args, kwargs))
    result = func(*plain_args, **plain_kwargs)
    if torch.device(requested) != THERE if requested is not None else not there:
        return result
    same = {id(tensor.plain): tensor for tensor in there}  # an operation in place returns its argument
    return tree_map(
        lambda x: same.get(id(x), x) if id(x) in same or not isinstance(x, Tensor) else Elsewhere(x), result
    )


@pytest.fixture
def elsewhere(monkeypatch):
    """Hardware on THERE, which torch's own checks of devices accept."""

    class Autocast(torch.autocast):
        def __init__(self, device: str, *args: Any, **kwargs: Any) -> None:
            super().__init__("cpu" if device == THERE.type else device, *args, **kwargs)

    enabled = torch.is_autocast_enabled
    fused = sys.modules["torch.optim.optimizer"]._get_fused_kernels_supported_devices()
    monkeypatch.setattr(torch, "autocast", Autocast)
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda device: enabled("cpu"))
    monkeypatch.setattr(torch, "inference_mode", torch.no_grad)  # which takes no tensors of other classes
    for name in ("adam", "adamw", "optimizer"):
        module = sys.modules[f"torch.optim.{name}"]
        if hasattr(module, "_get_fused_kernels_supported_devices"):
            monkeypatch.setattr(module, "_get_fused_kernels_supported_devices", lambda: [*fused, THERE.type])
    return Hardware(THERE, bf16=False)


def make_task(name: str, length: int, n_classes: int) -> Task:
    """Series with missing values and of unequal length."""
    generator = np.random.default_rng(length)
    splits = []
    for _ in range(2):
        series = generator.normal(size=(8, length)).astype(np.float32)
        series[0, length // 2] = series[1, -length // 4 :] = np.nan
        splits.append(Split(series, np.arange(8, dtype=np.int64) % n_classes))
    return Task(name, splits[0], splits[1], tuple(str(c) for c in range(n_classes)))


TASKS = make_task("short", 9, 2), make_task("long", 40, 3)
SMALL = {"depth": 3, "hidden": 8, "output": 16}
METHODS = read_experiment(Path(__file__).parents[2] / "params.yaml").methods
KINDS = {
    (type(spec), getattr(spec, "experts", 0)): name
    for name, spec in reversed(METHODS.items())
    if spec.schedule_for(TASKS).steps != 0
}


@pytest.mark.parametrize("name", KINDS.values())
def test_a_method_trains_resumes_and_represents_elsewhere_as_on_the_cpu(elsewhere, monkeypatch, name, tmp_path):
    monkeypatch.setattr(encoder, "_SHORT", 20)  # one task is above it
    spec = METHODS[name]
    spec = spec.model_copy(update={name: value for name, value in SMALL.items() if name in type(spec).model_fields})
    one = spec.schedule_for(TASKS).model_copy(update={"batch_size": 4, "epochs": 1, "steps": None})

    def train(on: Hardware):
        checkpoint = tmp_path / on.device.type
        torch.manual_seed(0)
        method = prepared_method(spec, TASKS)
        fit(method, TASKS, one, 0, on, checkpoint)
        torch.manual_seed(1)
        method = prepared_method(spec, TASKS)
        curves = fit(method, TASKS, one.model_copy(update={"epochs": 2}), 0, on, checkpoint).curves
        assert all(isinstance(p, Elsewhere) == (on.device == THERE) for p in method.parameters())
        return curves["loss"].to_numpy(), represent(method, TASKS[1].test.series, on, "long")

    losses, representations = train(Hardware(torch.device("cpu"), bf16=False))
    with Placed():
        found_losses, found_representations = train(elsewhere)
    np.testing.assert_allclose(found_losses, losses, rtol=1e-3)
    np.testing.assert_allclose(found_representations, representations, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("tasks", [3, 600])
def test_sharing_is_computed_where_the_heads_are(tasks):
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(2 * tasks, 8, generator=generator)
    probabilities = torch.randn(4, tasks, 2, generator=generator).mul(3).softmax(2).flatten(1)
    classes = torch.full((tasks,), 2)
    expected, share = stacked_sharing(weights, probabilities, classes)
    with Placed():
        result = stacked_sharing(Elsewhere(weights), Elsewhere(probabilities), classes)
    assert result[0].item() == pytest.approx(expected.item(), rel=1e-5)
    assert result[1].item() == pytest.approx(share.item())


def test_devices_that_are_mixed_are_told():
    there = Elsewhere(torch.ones(3))
    assert torch.add(there, torch.ones(())).tolist() == [2.0, 2.0, 2.0], "a number may be anywhere"
    with pytest.raises(RuntimeError, match=r"aten.add.Tensor: a tensor \(3,\) on the CPU meets one"):
        torch.add(there, torch.ones(3))
    with Placed():
        assert isinstance(torch.ones(3, device=THERE), Elsewhere)
        assert not isinstance(torch.ones(3), Elsewhere)
        assert not isinstance(there.cpu(), Elsewhere)
