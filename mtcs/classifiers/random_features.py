"""Features of series by random convolutional kernels, in pieces that fit memory: aeon's transforms.

MultiRocket (Tan et al., DMKD 2022), MiniRocket (Dempster et al., KDD 2021) and Hydra (Dempster et al., DMKD 2023), each
with the number of kernels of its publication. Of Hydra's counts the square roots are taken, as in its publication.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mtcs.classifiers.fixed_length import MIN_LENGTH, fixed_length
from mtcs.config.classifiers import RandomTransform
from mtcs.errors import InputError

PIECE_BYTES = 128 << 20
"""Of the features of a task's training series that are there at once, about."""
KERNELS = 84
"""Of MiniRocket and MultiRocket: all whose nine weights are six times -1 and three times 2."""
FITTED = {"multirocket": ("parameter", "parameter1"), "minirocket": ("parameters",), "hydra": ()}
"""Attributes of aeon's transforms that end with biases, which are all that they take from the training series."""

Piece = Callable[[np.ndarray], np.ndarray]
"""Some of the features, (n, f) float32, of series (n, channels, T)."""


@dataclass(frozen=True)
class RandomFeatures:
    """Transforms that know a task's training series.

    seed: of the kernels; length, channels: of the series; biases: (B,) float32, quantiles of what kernels give.
    width: how many of MultiRocket's features of a kernel are in a piece.
    """

    transforms: tuple[RandomTransform, ...]
    seed: int
    length: int
    channels: int
    biases: np.ndarray
    width: int

    def prepared(self, series: np.ndarray) -> np.ndarray:
        """Series (n, T') or (n, channels, T') as the pieces take them, (n, channels, T) float32."""
        return fixed_length(series, self.length)

    def pieces(self, workers: int) -> Iterator[Piece]:
        """All features, some of them a piece; workers: threads, -1 is one for every core.

        Raises:
            InputError: if there are more or fewer biases than the transforms take.
        """
        nothing = np.zeros((2, self.channels, self.length), np.float32)
        transforms = [(name, _fit(name, nothing, self.seed, workers)) for name in self.transforms]
        start = 0
        for name, transform in transforms:
            for attribute in FITTED[name]:
                *parameters, biases = getattr(transform, attribute)
                end = start + len(biases)
                setattr(transform, attribute, (*parameters, self.biases[start:end]))
                start = end
        if start != len(self.biases):  # compiled code would read beyond the array
            raise InputError(f"The classifier has {len(self.biases)} biases, expected {start}; fit it again.")
        for name, transform in transforms:
            if name == "hydra":
                yield partial(_hydra, transform)
            elif name == "multirocket" and self.channels == 1:
                yield from _multirocket(transform, self.width)
            else:
                yield transform.transform


def fit_features(
    transforms: Sequence[RandomTransform], series: np.ndarray, seed: int, workers: int = -1
) -> RandomFeatures:
    """Transforms of a task's training series, (n, T) or (n, channels, T), n >= 2."""
    length = max(series.shape[-1], MIN_LENGTH)
    known = fixed_length(series, length)
    fitted = [(name, _fit(name, known, seed, workers)) for name in transforms]
    biases = [getattr(transform, attribute)[-1] for name, transform in fitted for attribute in FITTED[name]]
    return RandomFeatures(
        transforms=tuple(transforms),
        seed=seed,
        length=length,
        channels=known.shape[1],
        biases=np.concatenate([*biases, np.empty(0, np.float32)]),
        width=max(1, PIECE_BYTES // (len(known) * 8 * KERNELS * 4)),  # four values of a series and four of its steps
    )


def _fit(name: RandomTransform, series: np.ndarray, seed: int, workers: int) -> Any:
    """Aeon's transform, which sets the global state of torch's and numpy's generators and torch's threads."""
    import torch
    from aeon.transformations.collection import convolution_based as aeon  # numba: it takes seconds to import
    from numba import config

    from mtcs.ops.random_numbers import own_random_numbers

    most: int = config.NUMBA_NUM_THREADS  # pyright: ignore[reportAttributeAccessIssue]  # set when it is imported
    classes = {"multirocket": aeon.MultiRocket, "minirocket": aeon.MiniRocket, "hydra": aeon.HydraTransformer}
    threads, state = torch.get_num_threads(), np.random.get_state()  # noqa: NPY002  # it is aeon that uses it
    try:
        with own_random_numbers(torch.device("cpu")):
            # Fewer than cores where OMP_NUM_THREADS says so; aeon would ask for more, and fail.
            return classes[name](random_state=seed, n_jobs=most if workers == -1 else min(workers, most)).fit(series)
    finally:
        torch.set_num_threads(threads)
        np.random.set_state(state)  # noqa: NPY002


def _multirocket(transform: Any, width: int) -> Iterator[Piece]:
    """Copies of a transform of one channel with `width` features each of every kernel, on series and on steps."""
    for start in range(0, int(transform.parameter[1].sum()), width):
        part = copy(transform)
        for attribute in FITTED["multirocket"]:
            setattr(part, attribute, _some(getattr(transform, attribute), start, start + width))
        yield part.transform


def _some(parameters: tuple[np.ndarray, np.ndarray, np.ndarray], start: int, end: int) -> tuple[np.ndarray, ...]:
    """Of dilations (d,), how many features of a kernel each has (d,), and biases: those features of every kernel."""
    dilations, counts, biases = parameters
    ends = counts.cumsum()
    first, last = np.clip(start - (ends - counts), 0, counts), np.clip(end - (ends - counts), 0, counts)
    blocks = np.split(biases, KERNELS * ends[:-1])
    chosen = [block.reshape(KERNELS, -1)[:, a:b].ravel() for block, a, b in zip(blocks, first, last, strict=True)]
    used = np.flatnonzero(last > first)
    # Whether a kernel is padded alternates with the place of its dilation: an even number of them is left out.
    kept = slice(used[0] // 2 * 2, used[-1] + 1)
    return dilations[kept], (last - first)[kept], np.concatenate(chosen)


def _hydra(transform: Any, series: np.ndarray) -> np.ndarray:
    """Square roots of Hydra's counts; a few series at a time, as it computes all kernels' outputs at once."""
    import torch

    rows = max(1, (1 << 16) // series.shape[-1])
    with torch.inference_mode():
        counts = [transform.transform(series[i : i + rows]).clamp_(min=0) for i in range(0, len(series), rows)]
        return torch.cat(counts).sqrt_().numpy()
