"""The stages: each reads, calls one computing function, and writes. A stage's signature is its command line."""

from __future__ import annotations

from collections.abc import Callable

from mtcs.stages.classify import classify
from mtcs.stages.code import code
from mtcs.stages.cost import cost
from mtcs.stages.download import download
from mtcs.stages.export import export
from mtcs.stages.fit import fit
from mtcs.stages.init import init
from mtcs.stages.inspect import inspect
from mtcs.stages.measure import measure
from mtcs.stages.methods import methods
from mtcs.stages.normalize import normalize
from mtcs.stages.predict import predict
from mtcs.stages.report import report
from mtcs.stages.represent import represent
from mtcs.stages.suites import suites
from mtcs.stages.train import train
from mtcs.stages.validate import validate

OWN: tuple[Callable[..., None], ...] = (fit, predict, inspect, export)
"""Of series far from any params.yaml, though `predict` takes a run of it, too."""

STAGES: tuple[Callable[..., None], ...] = (
    *OWN,
    code,
    download,
    normalize,
    train,
    represent,
    classify,
    measure,
    report,
    cost,
    validate,
    init,
    suites,
    methods,
)
"""In the order in which `mtcs --help` lists them: after `OWN` those of `dvc.yaml`, then what uses what these leave;
one that begins, and two that list."""
