"""A module for each task, whatever the tasks are called."""

from __future__ import annotations

from torch import nn


class ByTask(nn.ModuleDict):
    """As `nn.ModuleDict`, which refuses names with a dot and those of its own attributes, as `train` or `type`."""

    def __getitem__(self, task: str) -> nn.Module:
        module = self._modules[_key(task)]
        assert module is not None
        return module

    def __setitem__(self, task: str, module: nn.Module) -> None:
        self._modules[_key(task)] = module

    def __contains__(self, task: str) -> bool:
        return _key(task) in self._modules


def _key(task: str) -> str:
    """A task's name without dots, which part the names of weights."""
    return task.replace("%", "%25").replace(".", "%2E")
