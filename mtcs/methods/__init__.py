"""Methods: an encoder with the objective that trains it, one file each; none imports another."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from mtcs.config.methods import Spec
from mtcs.data.task import Task, TaskInfo
from mtcs.methods.base import Method


def build_method(spec: Spec, tasks: Sequence[TaskInfo]) -> Method:
    """The method of these parameters for these tasks, with fresh weights from torch's global generator."""
    module, _, name = spec.implementation.partition(".")
    implementation = getattr(import_module(f"{__name__}.{module}"), name)
    if spec.members == 1:
        return implementation(tasks, **spec.arguments())
    from mtcs.methods.ensemble import Ensemble

    return Ensemble([implementation(tasks, **spec.arguments()) for _ in range(spec.members)])


def prepared_method(spec: Spec, tasks: Sequence[Task]) -> Method:
    """As `build_method`, and ready to be trained on the series of these tasks."""
    method = build_method(spec, [task.info for task in tasks])
    method.prepare(tasks)
    return method
