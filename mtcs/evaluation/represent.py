"""Series through a trained encoder."""

from __future__ import annotations

import numpy as np
import torch

from mtcs.data.task import Task
from mtcs.evaluation.representations import Representations
from mtcs.methods.base import Method
from mtcs.ops.memory import keep_freed_memory
from mtcs.progress import Advance
from mtcs.training.hardware import Hardware


def represent(
    method: Method,
    series: np.ndarray,
    hardware: Hardware,
    task: str | None = None,
    advance: Advance = lambda done, text: None,
) -> np.ndarray:
    """Representations of series (n, T) of a task, NaN where padded or missing -> (n, D) float32.

    Of several channels (n, channels, T), each is represented by itself -> (n, channels * D). `advance` is called with
    how many of all n * channels are done.
    """
    keep_freed_memory()
    rows = series.reshape(-1, series.shape[-1])  # (n * channels, T)
    method.to(hardware.device).eval()
    # About 16,000 time steps at once: activations of a few layers fit the cache of a CPU.
    size = max(1, (16_384 if hardware.device.type == "cpu" else 1 << 20) // rows.shape[1])
    chunks = []
    with torch.inference_mode(), hardware.autocast():
        for start in range(0, len(rows), size):
            chunk = torch.from_numpy(rows[start : start + size]).to(hardware.device)
            chunks.append(method.represent(chunk, task).cpu())
            advance(start + len(chunk), "")
    return torch.cat(chunks).numpy().reshape(len(series), -1)


def represent_task(method: Method, task: Task, hardware: Hardware) -> Representations:
    """The representations of both splits of a task, and the weights of its head where it has one."""
    head = method.head(task.name)
    return Representations(
        represent(method, task.train.series, hardware, task.name),
        represent(method, task.test.series, hardware, task.name),
        None if head is None else head.float().cpu().numpy(),
    )
