"""What a run is asked to do, and whether it can be done; light to import, so that a mistake is reported at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass

from mtcs.config.device_names import DeviceName
from mtcs.config.experiment_file import read_experiment
from mtcs.errors import InputError
from mtcs.layout import Layout

Workers = Annotated[int, Field(ge=1, le=1024)]
Seconds = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class Request:
    """What a run is asked to do; the flow `reproduce` explains each parameter.

    refetch: (suite, task) whose raw data are downloaded again, whatever is there.
    """

    suites: Sequence[str] = ()
    methods: Sequence[str] = ()
    seeds: Sequence[int] = ()
    device: DeviceName | None = None
    workers: Workers = 1
    force: bool | Sequence[str] = False
    dask: str | None = None
    stage_seconds: Seconds | None = None
    refetch: Sequence[tuple[str, str]] = ()


def parse_request(**parameters: Any) -> Request:
    """A request from its parameters; None stands for the default.

    Raises:
        InputError: if a value is out of bounds.
    """
    try:
        return Request(**{name: value for name, value in parameters.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{first['loc'][0]}: {first['msg']} (is {first['input']!r}).") from error


def check_request(root: Path, request: Request) -> None:
    """Raises InputError if params.yaml, a name or a seed is wrong."""
    experiment = read_experiment(Layout(root).params)
    for suite in request.suites:
        experiment.suite(suite)
    for method in request.methods:
        experiment.method(method)
    seeds = [experiment.seeds, experiment.seeds_single_task or ()]
    seeds += [experiment.suite(suite).seeds or () for suite in request.suites or experiment.suites]
    known = dict.fromkeys(chain.from_iterable(seeds))
    for seed in request.seeds:
        if seed not in known:
            raise InputError(f"Unknown seed {seed}; params.yaml has {', '.join(map(str, known))}.")
