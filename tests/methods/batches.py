"""Mini-batches: of series whose labels do not matter, and of all that a task is trained on."""

import torch
from torch import Tensor

from mtcs.data.task import Task
from mtcs.methods.base import Batch


def batch_of(series: Tensor, task: str = "task") -> Batch:
    return Batch(task, series, torch.zeros(len(series), dtype=torch.int64))


def training_batch(task: Task) -> Batch:
    return Batch(task.name, torch.from_numpy(task.train.series.copy()), torch.from_numpy(task.train.labels.copy()))
