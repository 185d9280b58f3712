"""A workspace of one suite: `params.yaml` and `dvc.yaml` of this project with that suite and some methods alone.

In a folder of its own beside others DVC sees all of them as one pipeline, but keeps a `dvc.lock` for each, and so the
time that a record takes does not grow with the number of suites.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from typing import Any

import yaml
from pydantic import ValidationError

from mtcs.config.experiment import Experiment
from mtcs.config.parameter_file import read_yaml
from mtcs.errors import InputError, fault


def new_workspace(
    name: str,
    suite: Mapping[str, Any],
    methods: Collection[str] | None = None,
    labels: Sequence[int] = (),
    draws: int = 1,
) -> dict[str, str]:
    """The files of a workspace, text by name.

    Args:
        name: of the suite.
        suite: its entry in `params.yaml`; its methods and seeds become those of the whole workspace.
        methods: of `joint`, `single_task` and mixtures, those to run; the suite's, else all of them if None.
        labels: for each number a suite that keeps so many training series of each label, for a curve in the report;
            all are then run with one seed.
        draws: how often they are drawn, each time for a suite of its own.

    Raises:
        InputError: with the known names, if a method is not run in this project; or with what is wrong of the suite.
    """
    params, stages = (_packaged(file) for file in ("params.yaml", "pipeline.yaml"))
    known = Experiment.model_validate(read_yaml(params))
    runnable = (*known.joint, *known.single_task, *known.mixtures)
    if unknown := sorted(set(methods or ()) - set(runnable)):
        raise InputError(f"Unknown method {unknown[0]}; a workspace runs {', '.join(runnable)}.")
    kept = set(runnable) & set(suite.get("methods", runnable)) if methods is None else set(methods)
    seeds = list(suite.get("seeds", ()))
    kept |= {known.readings[mixture].representations_of for mixture in known.mixtures if mixture in kept}
    dropped = {
        reading
        for reading, one in known.readings.items()
        if one.representations_of not in kept or (one.held_out and reading not in kept)
    }
    own = {key: value for key, value in suite.items() if key not in ("methods", "seeds")}
    suites = {name: own} | _with_fewer_labels(name, labels, draws)
    listed = yaml.safe_dump(list(suites), default_flow_style=True, width=math.inf).strip()
    entry = yaml.safe_dump(suites, sort_keys=False, default_flow_style=None, width=110)
    params = re.sub(
        r"(?ms)^suites:\n.*?\n\n", lambda _: "suites:\n" + re.sub("(?m)^", "  ", entry).rstrip() + "\n\n", params
    )
    params = re.sub(r"(?ms)^# variants, run on .*?^ablation:.*?\]\n", "ablation: [] # variants\n", params)
    params = re.sub(r"(?m)^(joint|single_task): \[(.*?)\]", lambda m: f"{m[1]}: [{_chosen(m[2], kept)}]", params)
    params = "".join(line for line in params.splitlines(keepends=True) if not _defines(line, dropped))
    stages = re.sub(r"(?m)suite: (&suites )?\[.*?\]", lambda m: f"suite: {m[1] or ''}{listed}", stages)
    stages = re.sub(r"method: \[(.*?)\]", lambda m: f"method: [{_chosen(m[1], kept)}]", stages)
    stages = stages.replace(
        "    deps: [mtcs]\n", "    always_changed: true # the package lies elsewhere; takes a second\n"
    )
    if labels:
        seeds = seeds[:1] or [0]  # draws are the repetitions
        stages = stages.replace('deps: ["results/${key}"]', "deps: [results] # of fewer labels, too")
    params = re.sub(r"(?m)^readings:.*\n(?! )", "readings: {}\n", params)
    if seeds:
        params = re.sub(r"(?m)^(seeds|seeds_single_task): .*$", rf"\1: {seeds}", params)
    try:
        Experiment.model_validate(read_yaml(params))
    except ValidationError as error:
        raise InputError(f"{fault(error)}; name another suite, or other tasks.") from error
    return {"params.yaml": params, "dvc.yaml": stages}


def _with_fewer_labels(name: str, labels: Sequence[int], draws: int) -> dict[str, dict[str, Any]]:
    """Suites like that one with fewer labels."""
    first = {f"{name}_{count}": {"like": name, "labels_per_class": count} for count in labels}
    again = {f"{few}_{draw}": {"like": few, "draw": draw} for draw in range(1, draws) for few in first}
    return first | again


def _packaged(file: str) -> str:
    """The project's own; its `dvc.yaml` under another name, since DVC takes every file of that name for a pipeline."""
    return (files("mtcs") / "reference" / file).read_text(encoding="utf-8")


def _chosen(names: str, kept: Collection[str]) -> str:
    return ", ".join(name for name in names.split(", ") if name in kept)


def _defines(line: str, names: Collection[str]) -> bool:
    """Whether a line of `readings` or `titles` is the entry of one of these."""
    match = re.match(r"  (\w+): (?!\{kind|\{like)", line)
    return match is not None and match[1] in names
