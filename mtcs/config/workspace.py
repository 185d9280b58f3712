"""A workspace of one suite: `params.yaml` and `dvc.yaml` of this project with that suite and some methods alone.

In a folder of its own beside others DVC sees all of them as one pipeline, but keeps a `dvc.lock` for each, and so the
time that a record takes does not grow with the number of suites.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from typing import Any

from pydantic import ValidationError

from mtcs.config.experiment import Experiment
from mtcs.config.parameter_file import read_yaml, written_yaml
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
    kept = set(suite.get("methods", runnable) if methods is None else methods)
    if unknown := sorted(kept - set(runnable)):
        if (reading := known.readings.get(method := unknown[0])) is not None:
            raise InputError(
                f"{method} reads what {reading.representations_of} represents, which a workspace runs; name that with "
                f"--methods, and after 'dvc repro' run 'mtcs classify {method} {name}' "
                f"and 'mtcs measure {method} {name}'."
            )
        raise InputError(f"A workspace does not run {method}; name others with --methods: {', '.join(runnable)}.")
    kept |= {known.readings[mixture].representations_of for mixture in known.mixtures if mixture in kept}
    dropped = {
        reading
        for reading, one in known.readings.items()
        if one.representations_of not in kept or (one.held_out and reading not in kept)
    }
    seeds = list(suite.get("seeds", ()))
    own = {key: value for key, value in suite.items() if key not in ("methods", "seeds")}
    values = read_yaml(params)
    changed = {
        "suites": {name: own} | _with_fewer_labels(name, labels, draws),
        "joint": [method for method in known.joint if method in kept],
        "single_task": [method for method in known.single_task if method in kept],
        "ablation": [],
        "readings": {key: value for key, value in values["readings"].items() if key not in dropped},
        "titles": {key: value for key, value in values["titles"].items() if key not in dropped},
    }
    if labels:
        seeds = seeds[:1] or [0]  # draws are the repetitions
    if seeds:
        changed |= {"seeds": seeds, "seeds_single_task": seeds}
    params = _with_values(params, changed)
    runs = read_yaml(stages)["vars"][0]["runs"]
    runs = {key: [one for one in runs[key] if one in kept] for key in runs} | {"suites": list(changed["suites"])}
    stages = _with_values(stages, {"vars": [{"runs": runs}]})
    stages = _replaced(stages, "deps: [mtcs]", "always_changed: true # the package lies elsewhere; takes a second")
    if labels:
        stages = _replaced(stages, 'deps: ["results/${key}"]', "deps: [results] # of fewer labels, too")
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


def _with_values(text: str, values: Mapping[str, Any]) -> str:
    """A YAML file with other values for some of its outermost keys, comments and all else as they are."""

    def entry(match: re.Match[str]) -> str:
        comments, key, comment, end = match.groups()
        if key not in values:
            return match[0]
        value = values[key]
        flow = False if isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values()) else None
        first, rest = written_yaml({key: value}, flow).split("\n", 1)
        return f"{comments}{first}{comment or ''}\n{rest}{end}"

    return re.sub(r"(?m)^((?:#.*\n)*)(\w+):.*?( #.*)?\n(?: .*\n|\n(?= ))*(\n*)", entry, text)


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)
