"""`mtcs cost`: what every method of a suite costs on this machine, measured in one run."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

from mtcs.config.device_names import DeviceName, PrecisionName
from mtcs.progress import progress
from mtcs.stages.options import (
    WORKSPACE,
    DeviceOption,
    PrecisionOption,
    SuiteName,
    WorkersOption,
    experiment,
    hardware,
)

if TYPE_CHECKING:
    from mtcs.evaluation.cost import MethodCost

MAX_LOAD = 0.5
"""Busy processes, in the mean over a minute, up to which a machine is quiet enough."""


def cost(
    suite: SuiteName, device: DeviceOption = None, precision: PrecisionOption = None, workers: WorkersOption = None
) -> None:
    """Measure what every method of a suite costs on this machine, in one run, for the report; leave it quiet meanwhile.

    Training is projected from a few steps on each task, representing and reading from some of its series. Killed, it
    starts anew.
    """
    from mtcs.evaluation.cost import SuiteCosts, write_costs
    from mtcs.evaluation.fresh_process import in_fresh_process
    from mtcs.evaluation.timing import FITTED, SERIES, STEPS
    from mtcs.provenance import commit, versions
    from mtcs.reports.analysis.cost import Costs, measured
    from mtcs.reports.tables import cost_table
    from mtcs.reports.writing import Titles

    known = experiment()
    methods, tasks = (*known.joint, *known.single_task), known.suite(suite).tasks
    load, revision, costs = os.getloadavg()[0], commit(), []
    if load > MAX_LOAD:
        print(f"{load:.1f} processes were busy here in the last minute: times will be too long.", file=sys.stderr)
    with progress(f"cost {suite}", len(methods), "methods") as advance:
        for done, method in enumerate(methods):
            advance(done, method)
            costs += in_fresh_process(_method_costs, suite, method, device, precision, workers)
        advance(len(methods), "")
    result = SuiteCosts(
        suite=suite,
        tasks=tasks,
        steps=STEPS,
        series=SERIES,
        fitted=FITTED,
        load=round(load, 1),
        versions=versions(),
        commit=revision,
        methods=tuple(costs),
    )
    write_costs(path := WORKSPACE.costs(suite), result)
    print(cost_table(Costs(tuple(measured(result)), result), Titles(known.titles)).to_string())
    print(f"\n{path}")


def _method_costs(
    suite: str, method: str, device: DeviceName | None, precision: PrecisionName | None, workers: int | None
) -> list[MethodCost]:
    """What a method and its readings cost; for a fresh process, of which the progress of each training is left out."""
    from mtcs.data.task import read_suite
    from mtcs.evaluation.timing import Column, time_method

    known = experiment()
    run, spec = known.run(suite, method, 0, WORKSPACE), known.method(method)
    tasks = read_suite(WORKSPACE.normalized_suite(suite), run.tasks)
    readings = [name for name, reading in known.readings.items() if reading.representations_of == method]
    columns = [
        Column(name, known.classifier(name), known.parameters(name), known.run(suite, name, 0).held_out)
        for name in (method, *readings)
    ]
    where = hardware(spec, device, precision, workers)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        return time_method(spec, tasks, run.joint, columns, where)
