"""TST (Zerveas et al., KDD 2021): a transformer trained to fill in masked segments of a series."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, gelu, mse_loss, pad

from mtcs.data.task import TaskInfo
from mtcs.methods.base import Batch, Method
from mtcs.ops.dropout import Dropout


class Tst(Method):
    """Transformer encoder over time steps, with a linear layer that reads masked values off its output.

    A step is the mean of `strides[task]` neighbouring values, those that are observed. Steps without an observed value
    (padding, gaps) take no part: they are not attended to, not counted by the batch normalisation, not reconstructed,
    and not in the maximum that makes a representation. Inside, the others of a batch are the rows of a matrix (N, D).
    The published code counts padding in its normalisation and starts all layers from the same weights; not so here.

    Parameters are those of `TstSpec`; steps beyond the learned positions, in series longer than all training series,
    share the last one.

    strides: values in a step, by task; a series of an unknown task has the stride that its length asks for.
    """

    def __init__(
        self,
        tasks: Sequence[TaskInfo],
        *,
        depth: int,
        heads: int,
        hidden: int,
        output: int,
        dropout: float,
        mask_ratio: float,
        mask_mean: float,
        max_length: int,
    ) -> None:
        super().__init__()
        self.strides, self.max_length = {task.name: math.ceil(task.length / max_length) for task in tasks}, max_length
        self.mask_ratio, self.mask_mean = mask_ratio, mask_mean
        steps = max(math.ceil(task.length / self.strides[task.name]) for task in tasks)
        self.projection = nn.Linear(1, output)
        self.positions = nn.Parameter(torch.empty(steps, output).uniform_(-0.02, 0.02))
        self.layers = nn.ModuleList(Layer(output, heads, hidden, dropout) for _ in range(depth))
        self.drop = Dropout(dropout)
        self.reconstruction = nn.Linear(output, 1)

    def loss(self, batch: Batch) -> Tensor:
        """Mean squared error over the masked steps, a scalar; 0 where the masks happen to hide none."""
        values, observed = self._steps(batch.series, batch.task)  # (B, S)
        masked = segment_mask(len(values), values.shape[1], self.mask_ratio, self.mask_mean, values.device)  # (B, S)
        x = self._encode(values.masked_fill(masked, 0.0), observed)[masked[observed]]  # (M, D)
        predicted = self.reconstruction(self.drop(x)).squeeze(1)  # (M,)
        with torch.autocast(values.device.type, enabled=False):
            return mse_loss(predicted.float(), values[masked & observed], reduction="sum") / max(1, len(predicted))

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        """Maximum over time of the last layer after its GELU: (B, T), NaN where padded or missing -> (B, D).

        Every series has an observed value.
        """
        values, observed = self._steps(series, task)  # (B, S)
        x = self._encode(values, observed).float()  # (N, D)
        return _scatter(x, observed, -torch.inf).amax(1)  # (B, D)

    def _steps(self, series: Tensor, task: str | None) -> tuple[Tensor, Tensor]:
        """Means of neighbouring values, 0 where none is observed, and where one is: (B, T) -> twice (B, S)."""
        length = series.shape[1]
        stride = self.strides.get(task or "", math.ceil(length / self.max_length))
        series = pad(series, (0, -length % stride), value=torch.nan).unflatten(1, (-1, stride))  # (B, S, stride)
        values = series.nanmean(2)  # (B, S)
        return values.nan_to_num(0.0), ~values.isnan()

    def _encode(self, values: Tensor, observed: Tensor) -> Tensor:
        """(B, S) and which of them take part -> (N, D), one row for each of those, series by series."""
        weight, bias = self.projection.weight.squeeze(1), self.projection.bias
        x = (values[observed].unsqueeze(1) * weight + bias) * math.sqrt(len(bias))  # (N, D)
        when = observed.nonzero()[:, 1].clamp(max=len(self.positions) - 1)  # (N,)
        x = self.drop(x + self.positions[when])
        for layer in self.layers:
            x = layer(x, observed)
        return gelu(x)


class Layer(nn.Module):
    """Self-attention and a feed-forward part, each added to its input and followed by batch normalisation."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.drop = Dropout(dropout)
        self.attend = nn.Linear(width, 3 * width)  # queries, keys and values
        self.merge = nn.Linear(width, width)
        self.first = nn.BatchNorm1d(width)
        self.widen = nn.Linear(width, hidden)
        self.narrow = nn.Linear(hidden, width)
        self.second = nn.BatchNorm1d(width)
        nn.init.xavier_uniform_(self.attend.weight)
        nn.init.zeros_(self.attend.bias)
        nn.init.zeros_(self.merge.bias)

    def forward(self, x: Tensor, observed: Tensor) -> Tensor:
        """(N, D), one row for each True of `observed` (B, S) -> (N, D)."""
        x = _normalize(self.first, x + self.drop(self._attention(x, observed)))
        return _normalize(self.second, x + self.drop(self.narrow(self.drop(gelu(self.widen(x))))))

    def _attention(self, x: Tensor, observed: Tensor) -> Tensor:
        parts = _scatter(self.attend(x), observed, 0.0).unflatten(2, (3, self.heads, -1))  # (B, S, 3, H, D / H)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)  # (B, H, S, D / H)
        scores = (queries / math.sqrt(queries.shape[-1])) @ keys.transpose(2, 3)  # (B, H, S, S)
        if not observed.all():
            scores = scores.masked_fill(~observed[:, None, None], -torch.inf)
        # Scores lie hundreds apart, and a CPU is many times slower where their exponentials underflow. A floor keeps
        # weights above 1e-13 of the largest, which adds nothing to a sum in fp32; values of absent steps are zero.
        # torch's scaled_dot_product_attention has no such floor, and took six times as long on such scores.
        scores = scores.clamp(min=scores.detach().amax(3, keepdim=True) - 30)
        attended = self.drop(scores.softmax(3)) @ values  # (B, H, S, D / H)
        return self.merge(attended.transpose(1, 2)[observed].flatten(1))  # (N, D)


def segment_mask(count: int, steps: int, ratio: float, mean: float, device: torch.device | None = None) -> Tensor:
    """Random masks, True where masked: (count, steps).

    Masked segments and those between have geometric lengths, of mean `mean` and `mean` (1 - ratio) / ratio, and a mask
    begins with a masked one with probability `ratio`: the publication's Markov chain over steps, drawn by segments.
    """
    masked = torch.empty(count, steps, device=device).geometric_(1 / mean)
    between = torch.empty(count, steps, device=device).geometric_(ratio / (1 - ratio) / mean)
    first = torch.rand(count, 1, device=device) < ratio  # (count, 1): which kind comes first
    odd = torch.arange(steps, device=device) % 2 == 1
    ends = torch.where(first ^ odd, masked, between).cumsum(1)  # (count, steps)
    times = torch.arange(steps, device=device, dtype=ends.dtype).expand(count, -1).contiguous()
    return (torch.searchsorted(ends, times, right=True) % 2 == 1) ^ first


def _normalize(norm: nn.BatchNorm1d, x: Tensor) -> Tensor:
    """Batch normalisation (N, D) -> (N, D); a single row has no variance, and takes the running statistics."""
    batch = norm.training and len(x) > 1
    return batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, batch)


def _scatter(rows: Tensor, where: Tensor, fill: float) -> Tensor:
    """(N, C), one row for each True of `where` (B, S) -> (B, S, C) with `fill` elsewhere."""
    if where.all():
        return rows.unflatten(0, where.shape)
    return rows.new_full((*where.shape, rows.shape[1]), fill).masked_scatter(where.unsqueeze(2), rows)
