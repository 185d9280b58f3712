"""Classifiers by their parameters, the blocks under `classifiers` in params.yaml: a union told apart by `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field

from mtcs.config.schedule import Block


class Classifier(Block, frozen=True):
    """What is known of a classifier beside its parameters."""

    implementation: ClassVar[str]
    """Its module in `mtcs.classifiers`."""
    title: ClassVar[str]
    """What tables call it."""
    reads_series: ClassVar[bool] = False
    """Whether it reads series, not representations."""
    gives_probabilities: ClassVar[bool] = True
    """Whether it has decisions, which become probabilities."""


class SVM(Classifier, frozen=True):
    """The support vector machine's block in `params.yaml`."""

    earlier_names: ClassVar[Mapping[str, str]] = {"costs": "C"}

    implementation: ClassVar[str] = "svm"
    title: ClassVar[str] = "SVM"

    kind: Literal["svm"] = "svm"
    """Which classifier this is."""

    min_series: ClassVar[int] = 50
    """Below this number of training series the protocol fits without a search."""

    C: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]
    """The grid of penalties of a margin violation; `.inf` is a hard margin."""

    folds: Annotated[int, Field(ge=2)] = 5
    """Parts of the stratified cross-validation; with fewer series a class on average, C is infinite without search."""

    max_train: Annotated[int, Field(ge=min_series)] = 10_000
    """Training series beyond this number are left out, stratified by class; it bounds time and memory."""

    max_iter: Annotated[int, Field(ge=1)] = 10_000_000
    """Steps after which libsvm gives up on a pair of classes."""


class NearestNeighbor(Classifier, frozen=True):
    """The nearest neighbor's block in `params.yaml`: full-window dynamic time warping, squared differences."""

    implementation: ClassVar[str] = "nearest"
    title: ClassVar[str] = "nearest neighbor"
    reads_series: ClassVar[bool] = True
    gives_probabilities: ClassVar[bool] = False

    kind: Literal["nearest_neighbour"]
    """Which classifier this is."""


Penalties = Annotated[tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...], Field(min_length=1)]
PENALTIES = tuple(float(f"{10 ** (step / 3 - 4):.3g}") for step in range(22))
"""From 0.0001 to 1000, three to a factor of ten."""


class KernelRidge(Classifier, frozen=True):
    """The kernel ridge classifier's block in `params.yaml`."""

    implementation: ClassVar[str] = "kernel_ridge"
    title: ClassVar[str] = "kernel ridge"

    kind: Literal["kernel_ridge"]
    """Which classifier this is."""

    penalties: Penalties = PENALTIES
    """The grid of penalties, of a kernel whose trace is n."""

    max_exact: Annotated[int, Field(ge=2)] = 5_000
    """With more training series the kernel is approximated; it bounds time, n^3, and memory, n^2."""

    landmarks: Annotated[int, Field(ge=2)] = 4_000
    """Training series, at random, on which the approximation rests."""


RandomTransform = Literal["multirocket", "minirocket", "hydra"]
RANDOM_TRANSFORMS: tuple[RandomTransform, ...] = get_args(RandomTransform)


def _once(transforms: tuple[RandomTransform, ...]) -> tuple[RandomTransform, ...]:
    if len(set(transforms)) < len(transforms):
        raise ValueError("expected each transform once")
    return transforms


RandomTransforms = Annotated[tuple[RandomTransform, ...], Field(min_length=1), AfterValidator(_once)]


class RandomKernels(Classifier, frozen=True):
    """The block in `params.yaml` of ridge classification by random convolutional features."""

    implementation: ClassVar[str] = "random_kernels"
    title: ClassVar[str] = "ridge on random kernels"
    reads_series: ClassVar[bool] = True

    kind: Literal["random_kernels"]
    """Which classifier this is."""

    transforms: RandomTransforms
    """Whose features are taken, each with as many kernels as in its publication."""

    penalties: Penalties = PENALTIES
    """The grid of penalties, of a kernel whose trace is n."""

    max_train: Annotated[int, Field(ge=2)] = 10_000
    """Training series beyond this number are left out, stratified by class; it bounds time, n^3, and memory, n^2."""


MAX_TREES = 100_000


class Quant(Classifier, frozen=True):
    """The block in `params.yaml` of QUANT: quantiles of intervals, read by extremely randomised trees."""

    implementation: ClassVar[str] = "quant"
    title: ClassVar[str] = "forest"
    reads_series: ClassVar[bool] = True
    gives_probabilities: ClassVar[bool] = False

    kind: Literal["quant"]
    """Which classifier this is."""

    trees: Annotated[int, Field(ge=1, le=MAX_TREES)] = 200
    """Of the forest."""


class Mixture(Classifier, frozen=True):
    """The block in `params.yaml` of kernel ridge on representations and random convolutional features together.

    The kernel is w times that of the representations and 1 - w times that of the features, each of trace n. Weight and
    penalty of each task are those of least squared error on held-out training series, whose representations are by an
    encoder that was trained without them. In the end these stand side by side with those of an encoder that saw all.
    """

    implementation: ClassVar[str] = "mixture"
    title: ClassVar[str] = "kernel ridge on both"

    kind: Literal["mixture"]
    """Which classifier this is."""

    transforms: RandomTransforms
    """Whose features are taken, each with as many kernels as in its publication."""

    weights: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)]
    """The values of w to choose from."""

    penalties: Penalties = PENALTIES
    """The grid of penalties, of a kernel whose trace is n."""

    prior: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 100
    """So many held-out series' worth of the mean error over the suite's tasks count beside a task's own."""

    max_choose: Annotated[int, Field(ge=2)] = 2_000
    """Training series of a task, stratified, on which weight and penalty are chosen; it bounds time."""

    max_train: Annotated[int, Field(ge=2)] = 10_000
    """Training series beyond this number are left out, stratified by class; it bounds time, n^3, and memory, n^2."""


ClassifierSpec = Annotated[
    SVM | NearestNeighbor | KernelRidge | RandomKernels | Quant | Mixture, Field(discriminator="kind")
]
