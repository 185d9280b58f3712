"""An experiment as `params.yaml` says it, typed and cross-checked: everything that can change a result."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from mtcs.config.classifiers import ClassifierSpec
from mtcs.config.methods import MethodSpec, SeriesSpec
from mtcs.config.schedule import renamed
from mtcs.config.suite import Name, Seed, Suite
from mtcs.errors import InputError
from mtcs.layout import Layout, Run

Title = Annotated[str, StringConstraints(min_length=1, max_length=40)]

COLUMNS = ("task", "tasks", "method", "type of data", "most frequent label", "never predicted")
"""Columns of a report's tables beside those of methods."""


class Reading(BaseModel, frozen=True, extra="forbid"):
    """A method's representations under another classifier than the method's own."""

    representations_of: Name
    """The method whose models and representations are taken."""
    classifier: Name
    """What reads them."""
    held_out: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of each task's training series on which a mixture chooses its weights, by a model trained without them. It
    then reads the representations of both models."""


class Experiment(BaseModel, frozen=True, extra="forbid"):
    """What is run: every method of `joint` and `single_task`, and every reading, on every suite, with every seed."""

    suites: dict[Name, Suite]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    """Of joint methods."""
    seeds_single_task: Annotated[tuple[Seed, ...], Field(min_length=1)] | None = None
    """Of methods that train one model for each task, where these are not `seeds`."""
    joint: tuple[Name, ...]
    """Methods that train one model for a suite."""
    single_task: tuple[Name, ...]
    """Methods that train one model for each task."""
    ablation: tuple[Name, ...] = ()
    """Variants of joint methods, for a table of their own; `dvc.yaml` says on which suite they are run."""
    readings: dict[Name, Reading] = {}
    """Columns that take the models of another method (a mixture trains one more), with its seeds, where that is run."""
    methods: dict[Name, MethodSpec]
    """In params.yaml, `like: NAME` takes over all parameters of another method, or suite, but those beside it."""
    titles: dict[Name, Title] = {}
    """What reports call a method, where that is not its name."""
    classifiers: dict[Name, ClassifierSpec]

    @model_validator(mode="before")
    @classmethod
    def _earlier_names(cls, values: Any) -> Any:
        """Files of version 0.1 say `alone`."""
        return renamed(values, {"alone": "single_task", "seeds_alone": "seeds_single_task"})

    @field_validator("methods", "suites", mode="before")
    @classmethod
    def _variants(cls, entries: Any, info: ValidationInfo) -> Any:
        """Each `like: NAME` replaced by the parameters it stands for."""
        if not isinstance(entries, dict):
            return entries
        return {name: _resolved(entries, name, info.field_name) for name in entries}

    @model_validator(mode="after")
    def _names_stand_once(self) -> Experiment:
        everywhere: dict[str, tuple[object, ...]] = {
            "seeds": self.seeds,
            "seeds_single_task": self.seeds_single_task or (),
            "joint, single_task, ablation and readings": self.known,
        }
        for name, suite in self.suites.items():
            everywhere[f"suites.{name}.tasks"] = suite.tasks
            everywhere[f"suites.{name}.methods"] = suite.methods or ()
            everywhere[f"suites.{name}.seeds"] = suite.seeds or ()
        for what, names in everywhere.items():
            if twice := sorted({str(name) for name in names if names.count(name) > 1}):
                raise ValueError(f"{what}: {', '.join(twice)} stands there twice")
        return self

    @model_validator(mode="after")
    def _files_are_told_apart(self) -> Experiment:
        """Capitals do not tell files apart on macOS, nor methods in reports."""
        folders = {"suites": self.suites, **{f"suites.{name}.tasks": one.tasks for name, one in self.suites.items()}}
        for what, names in folders.items():
            for name, other in pairwise(sorted(names, key=str.lower)):
                if name.lower() == other.lower() and name != other:
                    raise ValueError(f"{what}: {name} and {other} differ in capitals alone, one file on macOS")
        same_file: dict[str, str] = {}
        for name in self.known:
            if (other := same_file.setdefault(name.lower().replace("-", "_"), name)) != name:
                raise ValueError(
                    f"joint, single_task, ablation and readings: {other} and {name} differ in capitals or dashes alone"
                )
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Experiment:
        for name in self.trained:
            if name not in self.methods:
                known = ", ".join(self.methods)
                raise ValueError(f"joint, single_task and ablation: {name} is not among methods ({known})")
            if (classifier := self.methods[name].classifier) not in self.classifiers:
                raise ValueError(
                    f"methods.{name}.classifier: {classifier} is not among classifiers ({', '.join(self.classifiers)})"
                )
        if not self.suites:
            raise ValueError("suites: is empty, expected at least one suite")
        if not (self.joint or self.single_task):
            raise ValueError("joint and single_task: both are empty, expected at least one method")
        if unknown := sorted(set(self.titles) - {*self.methods, *self.readings}):
            raise ValueError(f"titles: {unknown[0]} is not among methods ({', '.join(self.methods)}) or readings")
        for suite, entry in self.suites.items():
            if unknown := sorted(set(entry.methods or ()) - set(self.known)):
                raise ValueError(f"suites.{suite}.methods: {unknown[0]} is not run (which are {', '.join(self.known)})")
        return self

    @model_validator(mode="after")
    def _titles_are_told_apart(self) -> Experiment:
        shown: dict[str, str] = {title.lower(): "a column of reports" for title in COLUMNS}
        for name in self.known:
            if (other := shown.setdefault(self.title(name).lower(), name)) != name:
                raise ValueError(f"titles.{name}: {self.title(name)} is what reports call {other}; take another title")
        return self

    @model_validator(mode="after")
    def _readings_have_representations(self) -> Experiment:
        for name, reading in self.readings.items():
            of, classifier = reading.representations_of, reading.classifier
            if of not in self.methods:
                raise ValueError(
                    f"readings.{name}.representations_of: {of} is not among methods ({', '.join(self.methods)})"
                )
            if classifier not in self.classifiers:
                known = ", ".join(self.classifiers)
                raise ValueError(f"readings.{name}.classifier: {classifier} is not among classifiers ({known})")
            if (reading.held_out > 0) != (self.classifiers[classifier].kind == "mixture"):
                raise ValueError(
                    f"readings.{name}.held_out: is {reading.held_out:g} with a classifier of kind "
                    f"{self.classifiers[classifier].kind}; a share above 0 and kind mixture go together only"
                )
        for name in self.trained:
            if self.classifiers[self.methods[name].classifier].kind == "mixture":
                raise ValueError(f"methods.{name}.classifier: a mixture is for readings, which hold series out for it")
        return self

    @model_validator(mode="after")
    def _classifiers_read_what_there_is(self) -> Experiment:
        """Without an encoder there is no model that tasks could share, and no vector for an SVM."""
        for name in self.known:
            spec = self._spec(name)
            of_series, reader = isinstance(spec, SeriesSpec), self.classifiers[spec.classifier]
            if of_series and self._encoder(name) not in self.single_task:
                raise ValueError(
                    f"methods.{name}.kind: {spec.kind} trains no model that tasks share; list {name} under single_task"
                )
            if of_series != reader.reads_series:
                where = "readings" if name in self.readings else "methods"
                raise ValueError(
                    f"{where}.{name}.classifier: {spec.classifier} is of kind {reader.kind}, expected one that reads "
                    f"{'series' if of_series else 'representations'} with {spec.kind}"
                )
        return self

    @property
    def trained(self) -> tuple[str, ...]:
        """Every method with models of its own, in the order of columns: joint ones, single-task ones, variants."""
        return (*self.joint, *self.single_task, *self.ablation)

    @property
    def known(self) -> tuple[str, ...]:
        """Every method that can be run: those that are trained, and readings of these."""
        return (*self.trained, *self.active_readings)

    @property
    def active_readings(self) -> tuple[str, ...]:
        """Readings of methods that are run."""
        return tuple(name for name, one in self.readings.items() if one.representations_of in self.trained)

    @property
    def mixtures(self) -> tuple[str, ...]:
        """Readings with models of their own, trained without the series that they hold out."""
        return tuple(name for name in self.active_readings if self.readings[name].held_out)

    def methods_of(self, suite: str) -> tuple[str, ...]:
        """The methods that a complete report of a suite has, in the order of columns.

        As a rule without variants and readings, which have tables of their own, but with mixtures.
        """
        chosen = self.suite(suite).methods or (*self.joint, *self.single_task, *self.mixtures)
        return tuple(name for name in self.known if name in chosen)

    def seeds_of(self, method: str, suite: str | None = None) -> tuple[int, ...]:
        """The seeds that a complete report has of a method, on a suite that may have seeds of its own."""
        if suite is not None and (seeds := self.suite(suite).seeds):
            return seeds
        return (self.seeds_single_task or self.seeds) if self._encoder(method) in self.single_task else self.seeds

    def run(self, suite: str, method: str, seed: int, layout: Layout | None = None) -> Run:
        """A run with its parameters and tasks.

        Raises:
            InputError: with the known names, if there is no such suite, or no method of that name is run.
        """
        spec, tasks, encoder = self.method(method), self.suite(suite).tasks, self._encoder(method)
        joint, reads = encoder not in self.single_task, None if encoder == method else encoder
        held_out = self.readings[method].held_out if reads else 0.0
        return Run(suite, method, seed, layout or Layout(), spec, tasks, joint, reads, held_out)

    def title(self, method: str) -> str:
        """What reports call a method."""
        return self.titles.get(method, method.replace("_", " "))

    def classifier(self, method: str) -> ClassifierSpec:
        """What reads the representations of a known method."""
        return self.classifiers[self._spec(method).classifier]

    def with_fewer_labels(self, name: str) -> dict[str, int]:
        """Suites that are this one but keep fewer training series: by name, how many of each label, each draw once."""
        ours, found = self.suite(name), dict[tuple[int, int], str]()
        for other, one in self.suites.items():
            same = (one.source, one.missing, sorted(one.tasks)) == (ours.source, ours.missing, sorted(ours.tasks))
            if same and one.few_labels and one.few_labels[0] < (ours.labels_per_class or math.inf):
                found.setdefault(one.few_labels, other)
        return {other: count for (count, _), other in found.items()}

    def parameters(self, method: str) -> dict[str, Any]:
        """The parameters of a known method as plain values, those of its classifier in place of its name."""
        parameters = plain_values(self._spec(method)) | {"classifier": plain_values(self.classifier(method))}
        return parameters | ({"held_out": self.readings[method].held_out} if method in self.mixtures else {})

    def suite(self, name: str) -> Suite:
        """Raises InputError, with the known names, if there is no such suite."""
        if name not in self.suites:
            raise InputError(f"Unknown suite {name}; params.yaml has {', '.join(self.suites)}.")
        return self.suites[name]

    def method(self, name: str) -> MethodSpec:
        """The parameters of a method; of a reading those of what it reads, with its own classifier.

        Raises:
            InputError: with the known names, if no method of that name is run.
        """
        if name not in self.known:
            if name in self.methods:
                raise InputError(f"{name} is under methods, but not in joint, single_task or ablation; add it to one.")
            raise InputError(f"Unknown method {name}; params.yaml runs {', '.join(self.known)}.")
        return self._spec(name)

    def _spec(self, name: str) -> MethodSpec:
        spec, reading = self.methods[self._encoder(name)], self.readings.get(name)
        return spec if reading is None else spec.model_copy(update={"classifier": reading.classifier})

    def _encoder(self, name: str) -> str:
        """The method whose models represent the series of a known method."""
        return self.readings[name].representations_of if name in self.readings else name


def plain_values(parameters: BaseModel) -> dict[str, Any]:
    """Parameters as JSON has them; infinity, which JSON lacks, as a word."""
    return json.loads(json.dumps(parameters.model_dump()), parse_constant=str)


def _resolved(entries: dict[Any, Any], name: Any, section: str | None, above: tuple[Any, ...] = ()) -> Any:
    """The parameters of a method or suite, those of the one it is `like` among them."""
    entry = entries[name]
    if not isinstance(entry, dict) or "like" not in entry:
        return entry
    other = entry["like"]
    if not isinstance(other, str) or other not in entries:
        raise ValueError(f"{name}.like: {other!r} is not among {section} ({', '.join(map(str, entries))})")
    if other in (name, *above):
        raise ValueError(f"{name}.like: {other} is itself like {name}")
    base = _resolved(entries, other, section, (*above, name))
    return merged(base, {key: value for key, value in entry.items() if key != "like"})


def merged(base: Any, changes: Any) -> Any:
    """`base` with `changes`, key by key where both are mappings."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return base | {key: merged(base.get(key), value) for key, value in changes.items()}
