"""Several encoders as one, whose representations stand side by side; what a mixture reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mtcs.errors import InputError
from mtcs.evaluation.records import ClassifierRecord
from mtcs.files import digest
from mtcs.layout import Run
from mtcs.methods.base import Method
from mtcs.methods.ensemble import Ensemble
from mtcs.training.model import Model, load_model


def joined(models: Sequence[Model]) -> Model:
    """An ensemble of models of the same parameters and tasks; the first one's seed.

    Its representations are theirs, as `mtcs.classifiers.mixture.beside` puts them together.
    """
    first = models[0]
    if len(models) == 1:
        return first
    members: list[Method] = []
    for model in models:
        members += model.method.of if isinstance(model.method, Ensemble) else [model.method]
    spec = first.spec.model_copy(update={"members": len(members)})
    return replace(first, method=Ensemble(members).eval(), spec=spec)


def load_encoder(run: Run, scope: str | None) -> Model:
    """The model of a run, or both of a mixture as one.

    scope: the task that the model is for, None for one of all tasks.

    Raises:
        InputError: with what to run, if a file is missing or is no model.
    """
    return joined([load_model(one.model(scope), one.remedy("train")) for one in run.encoders])


def check_encoder(run: Run, scope: str | None, record: ClassifierRecord, what: str) -> None:
    """Raises InputError if classifiers of a run were fitted to other models than `load_encoder` reads.

    record: of these classifiers; what: they, as a message begins.
    """
    for one, known in zip(run.encoders, (record.weights, record.held_out_weights), strict=False):
        if known.get(scope or "joint") != digest(one.model(scope)):
            remedy = one.remedy("represent", "classify")
            raise InputError(f"{what} fitted to another model's representations; {remedy}.")
