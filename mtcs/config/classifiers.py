"""Classifiers by their parameters, the blocks under `classifiers` in params.yaml: a union told apart by `kind`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

MIN_SERIES = 50
"""Below this number of training series the protocol of the SVM fits without a search."""


class SVM(BaseModel, frozen=True, extra="forbid"):
    """The support vector machine's block in `params.yaml`."""

    kind: Literal["svm"] = "svm"
    """Which classifier this is."""

    costs: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]
    """The grid of C, the penalty of a margin violation; `.inf` is a hard margin."""

    folds: Annotated[int, Field(ge=2)] = 5
    """Parts of the stratified cross-validation; with fewer series a class on average, C is infinite without search."""

    max_train: Annotated[int, Field(ge=MIN_SERIES)] = 10_000
    """Training series beyond this number are left out, stratified by class; it bounds time and memory."""

    max_iter: Annotated[int, Field(ge=1)] = 10_000_000
    """Steps after which libsvm gives up on a pair of classes."""


class NearestNeighbour(BaseModel, frozen=True, extra="forbid"):
    """The nearest neighbour's block in `params.yaml`: full-window dynamic time warping, squared differences."""

    kind: Literal["nearest_neighbour"]
    """Which classifier this is."""


ClassifierSpec = Annotated[SVM | NearestNeighbour, Field(discriminator="kind")]
