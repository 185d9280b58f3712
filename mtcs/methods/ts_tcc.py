"""TS-TCC: two views of a series predict each other's future and find each other (Eldele et al., IJCAI 2021).

As in the published column for the UCR archive, TS2Vec's encoder takes the place of the publication's, which halves time
three times before a transformer reads what is left. Here the transformer reads the encoder's output at every 2^k-th
step from a random one on, which `mtcs.encoders.strided` computes at a fraction of the cost of all steps.

Where the publication is silent: missing values stay missing in both views; a step that is not observed is neither read
by the transformer nor predicted, though its series still is among the negatives.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, pad, scaled_dot_product_attention

from mtcs.data.task import TaskInfo
from mtcs.encoders.dilated import DilatedEncoder
from mtcs.encoders.strided import encode_every
from mtcs.methods.base import Batch, Method

_ROWS = 32768  # time steps of a batch that a CPU takes through the encoder at once, so that they stay in its cache


class TsTcc(Method):
    """Temporal contrast of a weak and a strong view in both directions, plus their contextual contrast.

    Parameters are those of `TsTccSpec`.
    """

    def __init__(
        self,
        tasks: Sequence[TaskInfo],
        *,
        depth: int,
        hidden: int,
        output: int,
        positions: int,
        horizon: int,
        scale: float,
        scale_spread: float,
        segments: int,
        jitter: float,
        width: int,
        layers: int,
        heads: int,
        feedforward: int,
        dropout: float,
        temperature: float,
        contextual_weight: float,
    ) -> None:
        super().__init__()
        self.encoder = DilatedEncoder(depth, hidden, output)
        self.summary = Summary(output, width, layers, heads, feedforward, dropout)
        # Without a bias, which would add the same to all logits of a softmax.
        self.predictions = nn.ModuleList(nn.Linear(width, output, bias=False) for _ in range(horizon))
        self.projection = nn.Sequential(
            nn.Linear(width, output // 2, bias=False),  # batch normalisation would take its bias away
            nn.BatchNorm1d(output // 2, track_running_stats=False),
            nn.ReLU(),
            nn.Linear(output // 2, output // 4),
        )
        self.positions, self.segments = positions, segments
        self.scale, self.scale_spread, self.jitter = scale, scale_spread, jitter
        self.temperature, self.contextual_weight = temperature, contextual_weight

    def loss(self, batch: Batch) -> Tensor:
        """Temporal contrast in both directions plus weighted contextual contrast on one mini-batch, a scalar."""
        series = without_padding(batch.series)
        views = torch.cat((self._weak(series), self._strong(series)))  # (2 B, T)
        stride = stride_leaving(self.positions, series.shape[1], len(self.encoder.blocks))
        start = int(torch.randint(stride, ()))
        x = normalize(self._encode(views, start, stride), dim=2)  # (P, 2 B, D)
        weak, strong = x.chunk(2, 1)
        weak_seen, strong_seen = (~views[:, start::stride].isnan().T).chunk(2, 1)  # (P, B)
        forth, weak_context = self._temporal(weak, weak_seen, strong, strong_seen)
        back, strong_context = self._temporal(strong, strong_seen, weak, weak_seen)
        if len(series) == 1:
            return forth + back  # 0: a single series has nothing to be told from, and no variance to be normalised by
        with torch.autocast(x.device.type, enabled=False):
            both = self.projection(weak_context), self.projection(strong_context)
            return forth + back + self.contextual_weight * contextual_loss(*both, self.temperature)

    def represent(self, series: Tensor, task: str | None = None) -> Tensor:
        return self.encoder(series)

    def _weak(self, series: Tensor) -> Tensor:
        return series * (self.scale + self.scale_spread * torch.randn_like(series))

    def _strong(self, series: Tensor) -> Tensor:
        return permuted(series, self.segments) + self.jitter * torch.randn_like(series)

    def _encode(self, views: Tensor, start: int, stride: int) -> Tensor:
        size = max(1, _ROWS // views.shape[1]) if views.device.type == "cpu" else len(views)
        return torch.cat([encode_every(self.encoder, chunk, start, stride) for chunk in views.split(size)], 1)

    def _temporal(self, past: Tensor, past_seen: Tensor, future: Tensor, future_seen: Tensor) -> tuple[Tensor, Tensor]:
        """Sum one view up to a random step t, predict the other's next steps.

        past, future: (P, B, D), and whether their steps are observed (P, B).
        Returns the contrastive loss of the predictions, a scalar, and the contexts (B, W).
        """
        horizon = min(len(self.predictions), len(past) - 1)
        end = int(torch.randint(1, len(past) - horizon + 1, ()))  # t + 1
        context = self.summary(past[:end], past_seen[:end])  # (B, W)
        with torch.autocast(past.device.type, enabled=False):
            context = context.float()
            predicted = [predict(context) for predict in self.predictions[:horizon]]  # K times (B, D)
            targets = slice(end, end + horizon)
            return temporal_loss(predicted, future[targets].float(), future_seen[targets]), context


class Summary(nn.Module):
    """A transformer that reads what is known of the past and returns the output of a token put before it.

    As in the publication's code: normalisation before each part and none at the end, no encoding of positions, scores
    divided by the square root of the whole width.
    """

    def __init__(self, output: int, width: int, layers: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.projection = nn.Linear(output, width)
        self.token = nn.Parameter(torch.randn(width))
        self.attention = nn.ModuleList(Attention(width, heads, dropout) for _ in range(layers))
        self.feedforward = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, feedforward),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(feedforward, width),
                nn.Dropout(dropout),
            )
            for _ in range(layers)
        )

    def forward(self, past: Tensor, seen: Tensor) -> Tensor:
        """From a past (t, B, D) and whether its steps are observed (t, B) -> (B, W)."""
        x = self.projection(past.transpose(0, 1))  # (B, t, W)
        x = torch.cat((self.token.to(x.dtype).expand(len(x), 1, -1), x), 1)
        seen = pad(seen.T, (1, 0), value=True)  # (B, 1 + t)
        for attend, feed in zip(self.attention, self.feedforward, strict=True):
            x = x + attend(x, seen)
            x = x + feed(x)
        return x[:, 0]


class Attention(nn.Module):
    """Layer normalisation and self-attention to the steps that are observed: (B, L, W), (B, L) -> (B, L, W)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.inputs = nn.Linear(width, 3 * width, bias=False)
        self.outputs = nn.Sequential(nn.Linear(width, width), nn.Dropout(dropout))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        width = x.shape[2]
        inputs = self.inputs(self.norm(x)).unflatten(2, (3, self.heads, -1))  # (B, L, 3, H, W / H)
        queries, keys, values = inputs.permute(2, 0, 3, 1, 4)  # (B, H, L, W / H)
        mask = seen[:, None, None]  # (B, 1, 1, L)
        attended = scaled_dot_product_attention(queries, keys, values, mask, scale=width**-0.5)
        return self.outputs(attended.transpose(1, 2).flatten(2))


def temporal_loss(predicted: list[Tensor], targets: Tensor, seen: Tensor) -> Tensor:
    """InfoNCE: whose prediction of a future step is it? A scalar, the mean over the observed steps of all series.

    predicted: K times (B, D); targets: (K, B, D); seen: (K, B), whether a target is observed.
    """
    if not predicted:
        return targets.sum()  # of nothing: a series of one step has no future
    logits = targets @ torch.stack(predicted).mT  # (K, B, B)
    right = logits.log_softmax(2).diagonal(dim1=1, dim2=2)  # (K, B)
    return -(right * seen).sum() / seen.sum().clamp(min=1)


def contextual_loss(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """NT-Xent: the cross entropy of finding a series' other view among all other views, a scalar.

    first, second: (B, C), the two views of the same series; similarity is the cosine over `temperature`.
    """
    both = normalize(torch.cat((first, second)), dim=1)  # (2 B, C)
    similarity = both @ both.T / temperature
    similarity = similarity.masked_fill(torch.eye(len(both), dtype=torch.bool, device=both.device), -torch.inf)
    return cross_entropy(similarity, torch.arange(len(both), device=both.device).roll(len(first)))


def stride_leaving(positions: int, length: int, depth: int) -> int:
    """The largest power of two, at most 2^depth, that leaves at least `positions` of `length` steps; else 1."""
    return 1 << min(max(length // positions, 1).bit_length() - 1, depth)


def permuted(series: Tensor, segments: int) -> Tensor:
    """Each series (B, T) cut at random steps into 1 to `segments` segments and these in random order.

    A series ends at its last observed step: padding stays behind it. Missing values move with their segment.
    """
    batch, steps = series.shape
    time = torch.arange(steps, device=series.device)
    length = steps - (~series.isnan()).flip(1).int().argmax(1, keepdim=True)  # (B, 1)
    inside = (time > 0) & (time < length)  # (B, T), where a segment may begin
    chance, places = torch.rand_like(series).where(inside, -1.0).topk(min(segments - 1, steps), 1)
    number = torch.randint(segments, (batch, 1), device=series.device)  # of cuts, where the series has room for them
    cut = (torch.arange(chance.shape[1], device=series.device) < number) & (chance >= 0)
    segment = torch.zeros_like(inside).scatter(1, places, cut).cumsum(1)  # (B, T)
    rank = torch.rand(batch, segments, device=series.device).argsort(1)  # (B, segments)
    order = rank.gather(1, segment).where(time < length, segments).argsort(stable=True)
    return series.gather(1, order)


def without_padding(series: Tensor) -> Tensor:
    """(B, T) up to the last step at which a series is observed."""
    return series[:, : int((~series.isnan()).any(0).nonzero().max()) + 1]
