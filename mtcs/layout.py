"""Where every artefact lies, and what a run is called."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mtcs.errors import InputError


@dataclass(frozen=True)
class Layout:
    """The paths of a workspace, relative to its `root`; `dvc.yaml` repeats them and a test compares the two."""

    root: Path = Path()

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def checkpoints(self) -> Path:
        """Unfinished work; outside `data/`, where DVC deletes a stage's outputs before it starts."""
        return self.root / ".checkpoints"

    def raw(self, suite: str, task: str) -> Path:
        return self.root / "data/raw" / suite / task

    def normalized(self, suite: str, task: str) -> Path:
        return self.root / "data/normalized" / suite / f"{task}.npz"

    @property
    def code(self) -> Path:
        """Digests of the code and the parameters behind every stage."""
        return self.root / "data/code.json"

    def normalized_suite(self, suite: str) -> Path:
        return self.root / "data/normalized" / suite

    def results(self, suite: str) -> Path:
        """What the runs of a suite amount to, and what its methods cost; kept in git."""
        return self.root / "results" / suite

    def costs(self, suite: str) -> Path:
        """What all methods cost, measured in one run on one machine."""
        return self.results(suite) / "cost.json"

    def report(self, suite: str) -> Path:
        return self.root / "reports" / suite


@dataclass(frozen=True)
class Run:
    """One method on one suite with one seed: where all that it leaves lies, and how its stages are called."""

    suite: str
    method: str
    seed: int
    layout: Layout = Layout()
    spec: Any = field(default=None, compare=False)
    """The method's parameters, a spec of `mtcs.config.methods`, where params.yaml has been read."""
    tasks: tuple[str, ...] = field(default=(), compare=False)
    """Those of the suite, in its order, likewise."""
    joint: bool = field(default=True, compare=False)
    """Whether one model serves all tasks, likewise."""
    reads: str | None = field(default=None, compare=False)
    """The method whose models and representations are read, where it is another one, likewise."""
    held_out: float = field(default=0.0, compare=False)
    """Share of each task's training series that models of the run's own are trained without, to weigh what it reads,
    likewise. The paths of models and representations are then those of these; `reading` has the others."""

    def __str__(self) -> str:
        return f"{self.method} on {self.suite}, seed {self.seed}"

    @property
    def name(self) -> str:
        """As part of a file's name."""
        return f"{self.suite}-{self.method}-{self.seed}"

    def owner(self, stage: str) -> str:
        """The run, in words, to which what a stage leaves belongs: of a reading, the one that it reads."""
        return f"{self._method_of(stage)} on {self.suite}, seed {self.seed}"

    def command(self, stage: str) -> str:
        """The command line of one of the run's stages."""
        return f"mtcs {stage} {self._method_of(stage)} {self.suite} --seed {self.seed}"

    def _method_of(self, stage: str) -> str:
        return self.encoder if stage in ("train", "represent") else self.method

    def remedy(self, *stages: str) -> str:
        """What to run when something of a stage is missing or wrong: "run 'mtcs train ...', then represent"."""
        first, *then = stages
        words = [f"'{self.command(stage)}'" if self.reads else stage for stage in then]
        return f"run '{self.command(first)}'" + (f", then {' and '.join(words)}" if then else "")

    @property
    def encoder(self) -> str:
        """The method whose folders hold the run's models and representations."""
        return self.method if self.held_out else self.reads or self.method

    @property
    def reading(self) -> Run:
        """The run as one that has no models of its own where it reads another method's."""
        return replace(self, held_out=0.0)

    @property
    def encoders(self) -> tuple[Run, ...]:
        """The run, once for each encoder whose representations its classifiers read, side by side in this order."""
        return (self.reading, self) if self.held_out else (self,)

    @property
    def scopes(self) -> tuple[str | None, ...]:
        """What the method trains one model for: the suite (None), or each task."""
        return (None,) if self.joint else self.tasks

    def scope(self, task: str) -> str:
        """The task, as the one that a model is trained for.

        Raises:
            InputError: if the method trains one model for the whole suite, or the suite has no such task.
        """
        if self.joint:
            raise InputError(f"{self.method} trains one model for the whole suite; leave out --task {task}.")
        if task not in self.tasks:
            raise InputError(f"Unknown task {task}; the suite has {', '.join(self.tasks)}.")
        return task

    @property
    def models(self) -> Path:
        return self._folder("data/models", self.encoder)

    def model(self, task: str | None = None) -> Path:
        """The joint model, or the model of one task."""
        return self.models / f"{task or 'joint'}.safetensors"

    @property
    def training(self) -> Path:
        """How models were trained; apart from them, so that these are the same when a run is repeated."""
        return self._folder("data/training", self.encoder)

    def curves(self, task: str | None = None) -> Path:
        """Training curves, one row a step."""
        return self.training / f"{task or 'joint'}.csv"

    def record(self, task: str | None = None) -> Path:
        """How a model was trained: device, precision, versions, seconds. Not an input of any later number."""
        return self.training / f"{task or 'joint'}.json"

    @property
    def representations(self) -> Path:
        return self._folder("data/representations", self.encoder)

    def representation(self, task: str) -> Path:
        return self.representations / f"{task}.npz"

    @property
    def represented(self) -> Path:
        """What the representations are of, by digests."""
        return self.representations / "sources.json"

    @property
    def representation_cost(self) -> Path:
        """How long the representations took, and where. Not an input of any later number."""
        return self._folder("data/costs", self.encoder).with_suffix(".json")

    @property
    def predictions(self) -> Path:
        return self._folder("data/predictions")

    def prediction(self, task: str) -> Path:
        return self.predictions / f"{task}.csv"

    @property
    def classified(self) -> Path:
        """What the predictions are of: the classifier's parameters, and digests of what it read."""
        return self.predictions / "classifier.json"

    @property
    def classifiers(self) -> Path:
        return self._folder("data/classifiers")

    def classifier(self, task: str) -> Path:
        """What was fitted to a task's representations, for later prediction."""
        return self.classifiers / f"{task}.safetensors"

    @property
    def unfinished_search(self) -> Path:
        """Where the searches for nearest neighbours of a killed `mtcs classify` continue."""
        return self.layout.checkpoints / f"{self.name}-nearest"

    @property
    def result(self) -> Path:
        """What the run amounts to; kept in git, so that a report can be made where its data is not."""
        return self.layout.results(self.suite) / self.method / f"seed{self.seed}.json"

    def validation(self, share: float) -> Path:
        """Accuracy on a held-out share of the training series, for choosing settings."""
        return self._folder("data/validation").with_name(f"seed{self.seed}-share{share:g}.csv")

    def _folder(self, kind: str, method: str | None = None) -> Path:
        return self.layout.root / kind / self.suite / (method or self.method) / f"seed{self.seed}"
