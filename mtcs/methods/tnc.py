"""Temporal neighbourhood coding (TNC: Tonekaboni, Eytan and Goldenberg, ICLR 2021) with TS2Vec's encoder.

A discriminator tells whether two windows of one series are neighbours in time. The publication asks a Dickey-Fuller
test how far a neighbourhood reaches; here that is a fixed number of windows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from mtcs.data.task import Task, TaskInfo
from mtcs.encoders.dilated import DilatedEncoder
from mtcs.methods.base import Batch, Method


class Tnc(Method):
    """Neighbours of a window look like it, distant windows may: positive-unlabelled classification of pairs.

    Parameters are those of `TncSpec`.
    """

    def __init__(
        self,
        tasks: Sequence[TaskInfo],
        *,
        depth: int,
        hidden: int,
        output: int,
        windows_per_series: int,
        min_window: int,
        max_window: int,
        samples: int,
        epsilon: float,
        positive_weight: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.encoder = DilatedEncoder(depth, hidden, output)
        self.discriminator = nn.Sequential(
            nn.Linear(2 * output, 4 * output), nn.ReLU(), nn.Dropout(dropout), nn.Linear(4 * output, 1)
        )
        for layer in self.discriminator:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
        self.windows_per_series, self.min_window, self.max_window = windows_per_series, min_window, max_window
        self.samples, self.epsilon, self.positive_weight = samples, epsilon, positive_weight
        self.windows: dict[str, int] = {}

    def prepare(self, tasks: Sequence[Task]) -> None:
        """Set W, the steps of a task's windows, by the median extent of its training series."""
        self.windows = {task.name: self._window(task) for task in tasks}

    def _window(self, task: Task) -> int:
        observed = ~np.isnan(task.train.by_channel)
        steps = observed.shape[1]
        extents = steps - observed.argmax(1) - observed[:, ::-1].argmax(1)  # (n,)
        return int(np.clip(np.median(extents) // self.windows_per_series, self.min_window, self.max_window))

    def loss(self, batch: Batch) -> Tensor:
        """The publication's objective on one anchor of every series, a scalar."""
        window = self.windows[batch.task]
        starts = draw_windows(batch.series, window, self.samples, self.epsilon)  # (B, 1 + 2 S)
        x = self._encode(batch.series, starts, window)  # (B, 1 + 2 S, D)
        anchor, other = x[:, :1].expand(-1, 2 * self.samples, -1), x[:, 1:]
        logits = self.discriminator(torch.cat((anchor, other), 2)).squeeze(2).float()  # (B, 2 S)
        return neighbourhood_loss(logits[:, : self.samples], logits[:, self.samples :], self.positive_weight)

    def _encode(self, series: Tensor, starts: Tensor, window: int) -> Tensor:
        """Representations (B, N, D) of the windows at `starts` (B, N); one that was drawn twice is computed once."""
        steps = series.shape[1]
        rows = torch.arange(len(series), device=series.device).unsqueeze(1)  # (B, 1)
        places, index = (rows * steps + starts).unique(return_inverse=True)  # (U,), (B, N)
        windows = pad(series, (0, window - 1), value=torch.nan).unfold(1, window, 1)  # (B, T, W)
        x = self.encoder(windows[places // steps, places % steps])  # (U, D)
        return x.index_select(0, index.flatten()).view(*index.shape, -1)

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        return self.encoder(series)


def neighbourhood_loss(near: Tensor, distant: Tensor, positive_weight: float) -> Tensor:
    """Mean of two cross entropies: of neighbours, and of distant windows of which the share w are neighbours, too.

    near, distant: logits of a pair's being neighbours, any shape.
    """
    mixed = positive_weight * softplus(-distant) + (1 - positive_weight) * softplus(distant)
    return (softplus(-near).mean() + mixed.mean()) / 2


def draw_windows(series: Tensor, window: int, samples: int, epsilon: float) -> Tensor:
    """Where an anchor of each series, its neighbours and windows distant from it start: (B, T) -> (B, 1 + 2 samples).

    Between the first and the last observed value of a series, its extent, windows of `window` steps have starts
    0 .. R; a shorter extent has the start 0 alone, and its window hangs over the end. Counted like this,

    - the anchor is uniform at least 3/2 windows from both ends of 0 .. R, in the middle where R is too small;
    - a neighbour's distance from the anchor is normal with standard deviation `epsilon` windows, cut off at 0 and R;
    - a distant window is on the anchor's longer side, uniform over what is at least 5 `epsilon` windows away. The
      publication takes an outermost window where nothing is; here it is one of the outermost half window on either
      side.

    A window in a gap, which would hold no observed value, is moved on until its last step does.
    """
    observed = ~series.isnan()
    steps = series.shape[1]
    following = _next_observed(observed)  # (B, T)
    first = following[:, :1]  # (B, 1)
    last = steps - 1 - observed.flip(1).int().argmax(1, keepdim=True)  # (B, 1)
    room = (last - first + 1 - window).clamp(min=0)  # (B, 1), R

    margin = (room // 2).clamp(max=3 * window // 2)
    anchor = _uniform(margin, room - margin, 1)  # (B, 1)
    noise = torch.randn(len(series), samples, device=series.device) * (epsilon * window)
    near = (anchor + noise.round().long()).clamp(min=0).minimum(room)  # (B, S)
    far, half = round(5 * epsilon * window), room.clamp(max=window // 2)
    left = anchor > room // 2
    lowest = torch.where(left, 0, (anchor + far).minimum(room - half))
    highest = torch.where(left, (anchor - far).maximum(half), room)
    distant = _uniform(lowest, highest, samples)  # (B, S)

    starts = first + torch.cat((anchor, near, distant), 1)
    return starts.maximum(following.gather(1, starts) - window + 1)


def _next_observed(observed: Tensor) -> Tensor:
    """The first observed step at or after each step, T where there is none: (B, T) bool -> (B, T)."""
    steps = observed.shape[1]
    times = torch.arange(steps, device=observed.device).where(observed, steps)
    return times.flip(1).cummin(1).values.flip(1)


def _uniform(lowest: Tensor, highest: Tensor, samples: int) -> Tensor:
    """Whole numbers from `lowest` to `highest` (B, 1), both included: (B, samples)."""
    count = highest - lowest + 1
    share = torch.rand(len(lowest), samples, device=lowest.device)
    # float32 may round the product up to `count`
    return lowest + (share * count).long().minimum(count - 1)
