"""Supervised training on all tasks together: MTCS, MTL as MTCS without sharing, MMoE as MTCS with several encoders.

Choices where the paper is silent: every training series is seen once an epoch; the affinity of Equation 4 is
estimated on the current mini-batch, one task's series, for all pairs of heads (with MMoE through that task's gate);
supervised training masks nothing, drops nothing out and averages no weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mtcs.data.task import Task, TaskInfo
from mtcs.encoders.by_task import ByTask
from mtcs.encoders.dilated import DilatedEncoder
from mtcs.encoders.mixture import MixtureEncoder
from mtcs.errors import InputError
from mtcs.methods.base import Batch, Method
from mtcs.ops.sharing import covariance_sharing, named_sharing, stacked_sharing
from mtcs.sharing import Reduction, total_loss

RECENT = 8
"""Representations of each label, the latest, that covariance similarity compares."""
LOOKED_AT = 32
"""Training series of each task, at most, by which the tasks nearest to it are found."""


class MultiTask(Method):
    """Cross entropy of the batch's task plus `sharing_weight` times the sharing loss of all heads (Equation 6).

    Parameters are those of `mtcs.config.methods.MultiTaskSpec`; the encoder maps (B, T) to (B, D), and a mixture is
    given the task too. Of several channels, which the encoder reads one by one, heads read the mean of what it says.
    """

    def __init__(
        self,
        tasks: Sequence[TaskInfo],
        *,
        depth: int,
        hidden: int,
        output: int,
        experts: int,
        sharing_weight: float,
        threshold: float,
        reduction: Reduction,
        difference: bool = False,
        relevance: Literal["probabilities", "covariance", "random", "names"] = "probabilities",
        partners: int | None = None,
    ) -> None:
        super().__init__()
        classes = {task.name: task.n_classes for task in tasks}
        self.encoder = (
            DilatedEncoder(depth, hidden, output, difference)
            if experts == 1
            else MixtureEncoder(list(classes), experts, depth, hidden, output, difference)
        )
        self.heads = ByTask({name: nn.Linear(output, count, bias=False) for name, count in classes.items()})
        self.sharing_weight, self.threshold = sharing_weight, threshold
        self.reduction: Reduction = reduction
        self.classes, self.relevance, self.partners = classes, relevance, partners
        self.by_count = _by_count(classes)
        self.nearest: dict[str, list[str]] = {}
        if relevance == "names":
            names = sorted({label for task in tasks for label in task.classes})
            self.names = {task.name: torch.tensor([names.index(label) for label in task.classes]) for task in tasks}
        if relevance == "covariance":
            self.recent = ByTask({name: _Recent(count, output) for name, count in classes.items()})

    def prepare(self, tasks: Sequence[Task]) -> None:
        """Find the partners of every task, by the mean representations of its first series before any training.

        Raises:
            InputError: if labels share by their names, and no name is in two tasks.
        """
        if self.relevance == "names" and max(Counter(name for task in tasks for name in task.classes).values()) == 1:
            raise InputError(
                "relevance is names, and no two tasks have a label of one name; "
                "give labels that mean the same one name, or leave relevance out."
            )
        if self.partners is None or self.partners >= len(tasks) - 1:
            return
        with torch.no_grad():
            looked_at = [torch.from_numpy(task.train.series[:LOOKED_AT]).flatten(0, -2) for task in tasks]
            means = torch.stack(
                [self.represent(rows, task.name).mean(0) for rows, task in zip(looked_at, tasks, strict=True)]
            )
            means = (means - means.mean(0)) / means.std(0).clamp(min=1e-6)  # (K, D)
            for k, task in enumerate(tasks):
                distances = (means - means[k]).square().sum(1)  # (K,)
                distances[k] = -1  # itself the first, beside tasks of the same series too
                near = distances.topk(self.partners + 1, largest=False).indices
                self.nearest[task.name] = [tasks[place].name for place in near.tolist()]

    def loss(self, batch: Batch) -> Tensor:
        """Equations 2 and 6 on one mini-batch, a scalar."""
        x = self.represent(batch.series, batch.task)  # (B * channels, D)
        if batch.channels > 1:
            x = x.unflatten(0, (-1, batch.channels)).mean(1)  # (B, D)
        with torch.autocast(x.device.type, enabled=False):
            loss = cross_entropy(x @ self._head(batch.task).T, batch.labels)
            if self.sharing_weight:
                loss = total_loss(loss, self._sharing(x, batch), self.sharing_weight)
        return loss

    def _sharing(self, x: Tensor, batch: Batch) -> Tensor:
        """`mtcs.sharing.sharing_loss` of all heads on the representations of one mini-batch (B, D), a scalar.

        With partners, of the heads of the batch's task and of those nearest to it.
        """
        near = self.nearest.get(batch.task)
        by_count = self.by_count if near is None else _by_count({name: self.classes[name] for name in near})
        groups = by_count.items()  # tasks of as many labels side by side, for one softmax
        weights = torch.cat([self._head(name) for _, names in groups for name in names])  # (S, D)
        classes = torch.tensor([count for count, names in groups for _ in names])
        if self.relevance == "covariance":
            self._recent(batch.task).add(x.detach(), batch.labels)
            rows = torch.cat([self._recent(name).rows for _, names in groups for name in names])  # (S, RECENT, D)
            loss, share = covariance_sharing(weights, _centered(rows), classes, self.threshold, self.reduction)
        elif self.relevance == "names":
            named = torch.cat([self.names[name] for _, names in groups for name in names]).to(x.device)  # (S,)
            loss, share = named_sharing(weights, named, classes, self.reduction)
        else:
            with torch.no_grad():
                logits = (x @ weights.T).split([count * len(names) for count, names in groups], 1)
                parts = [part.unflatten(1, (-1, count)) for part, count in zip(logits, by_count, strict=True)]
                if self.relevance == "random":  # labels of a task change places
                    parts = [part.gather(2, _shuffled(part)) for part in parts]
                probabilities = torch.cat([part.softmax(2).flatten(1) for part in parts], 1)  # (B, S)
            loss, share = stacked_sharing(weights, probabilities, classes, self.threshold, self.reduction)
        self.metrics = {"sharing_loss": loss.detach(), "relevant_share": share}
        return loss

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        return self.encoder(series, task) if isinstance(self.encoder, MixtureEncoder) else self.encoder(series)

    def head(self, task: str) -> Tensor:
        return self._head(task).detach()

    def _head(self, task: str) -> Tensor:
        head = self.heads[task]
        assert isinstance(head, nn.Linear)
        return head.weight

    def _recent(self, task: str) -> _Recent:
        recent = self.recent[task]
        assert isinstance(recent, _Recent)
        return recent


class _Recent(nn.Module):
    """The latest representations of each label of a task, (C, RECENT, D); zeros where there are none yet."""

    rows: Tensor

    def __init__(self, count: int, output: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(count, RECENT, output))

    def add(self, x: Tensor, labels: Tensor) -> None:
        """Representations (B, D) of series with labels (B,)."""
        for label in labels.unique().tolist():
            self.rows[label] = torch.cat([x[labels == label].flip(0), self.rows[label]])[:RECENT]


def _by_count(classes: Mapping[str, int]) -> dict[int, list[str]]:
    """Tasks by their number of labels."""
    return {count: [name for name in classes if classes[name] == count] for count in sorted(set(classes.values()))}


def _centered(rows: Tensor) -> Tensor:
    """Rows (S, m, D) less the mean of those that are not zero, which stay zero: a common mean would make all alike."""
    known = rows.any(2, keepdim=True)
    return (rows - rows.sum((0, 1)) / known.sum().clamp(min=1)) * known


def _shuffled(part: Tensor) -> Tensor:
    """For every task another order of its labels, the same for all series: (B, K, C) -> (B, K, C) int64."""
    return torch.rand(part.shape[1:], device=part.device).argsort(1).expand_as(part)
