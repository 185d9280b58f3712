"""Where every artefact lies, what a run is called, and how a file is written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal


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

    def raw_part(self, suite: str, task: str, part: Literal["TRAIN", "TEST"]) -> Path:
        return self.raw(suite, task) / f"{task}_{part}.ts"

    def normalized(self, suite: str, task: str) -> Path:
        return self.root / "data/normalized" / suite / f"{task}.npz"

    def models(self, suite: str, method: str, seed: int) -> Path:
        return self.root / "data/models" / suite / method / f"seed{seed}"

    def model(self, suite: str, method: str, seed: int, task: str | None = None) -> Path:
        """Weights of a joint model, or of the model of one task."""
        return self.models(suite, method, seed) / f"{task or 'joint'}.safetensors"

    def training(self, suite: str, method: str, seed: int) -> Path:
        """How models were trained; apart from their weights, so that these are the same when a run is repeated."""
        return self.root / "data/training" / suite / method / f"seed{seed}"

    def curves(self, suite: str, method: str, seed: int, task: str | None = None) -> Path:
        """Training curves, one row a logged step."""
        return self.training(suite, method, seed) / f"{task or 'joint'}.csv"

    def record(self, suite: str, method: str, seed: int, task: str | None = None) -> Path:
        """How a model was trained: device, precision, versions, seconds. Not an input of any later number."""
        return self.training(suite, method, seed) / f"{task or 'joint'}.json"

    def representation(self, suite: str, method: str, seed: int, task: str) -> Path:
        return self.root / "data/representations" / suite / method / f"seed{seed}" / f"{task}.npz"

    def representation_cost(self, suite: str, method: str, seed: int) -> Path:
        """How long the representations took, and where. Not an input of any later number."""
        return self.root / "data/costs" / suite / method / f"seed{seed}.json"

    def prediction(self, suite: str, method: str, seed: int, task: str) -> Path:
        return self.root / "data/predictions" / suite / method / f"seed{seed}" / f"{task}.csv"

    def classified(self, suite: str, method: str, seed: int) -> Path:
        """The parameters of the classifier that the predictions are of."""
        return self.root / "data/predictions" / suite / method / f"seed{seed}" / "classifier.json"

    def classifier(self, suite: str, method: str, seed: int, task: str) -> Path:
        """The fitted classifier, for later prediction."""
        return self.root / "data/classifiers" / suite / method / f"seed{seed}" / f"{task}.skops"

    def neighbours(self, suite: str, method: str, seed: int, task: str) -> Path:
        """The labelled series among which a nearest neighbour is searched later."""
        return self.root / "data/classifiers" / suite / method / f"seed{seed}" / f"{task}.npz"

    def result(self, suite: str, method: str, seed: int) -> Path:
        """What a run amounts to; kept in git, so that a report can be made where its data is not."""
        return self.root / "results" / suite / method / f"seed{seed}.json"

    def validation(self, suite: str, method: str, seed: int, share: float) -> Path:
        """Accuracy on a held-out share of the training series, for choosing settings."""
        return self.root / "data/validation" / suite / method / f"seed{seed}-share{share:g}.csv"

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

    def __str__(self) -> str:
        return f"{self.method} on {self.suite}, seed {self.seed}"

    @property
    def name(self) -> str:
        """As part of a file's name."""
        return f"{self.suite}-{self.method}-{self.seed}"

    def command(self, stage: str) -> str:
        """The command line of one of the run's stages."""
        return f"mtcs {stage} {self.method} {self.suite} --seed {self.seed}"

    def remedy(self, *stages: str) -> str:
        """What to run when something of a stage is missing or wrong: "run 'mtcs train ...', then represent"."""
        first, *then = stages
        return f"run '{self.command(first)}'" + (f", then {' and '.join(then)}" if then else "")

    @property
    def models(self) -> Path:
        return self._folder("data/models")

    def model(self, task: str | None = None) -> Path:
        """The joint model, or the model of one task."""
        return self.models / f"{task or 'joint'}.safetensors"

    @property
    def training(self) -> Path:
        """How models were trained; apart from them, so that these are the same when a run is repeated."""
        return self._folder("data/training")

    def curves(self, task: str | None = None) -> Path:
        """Training curves, one row a step."""
        return self.training / f"{task or 'joint'}.csv"

    def record(self, task: str | None = None) -> Path:
        """How a model was trained: device, precision, versions, seconds. Not an input of any later number."""
        return self.training / f"{task or 'joint'}.json"

    @property
    def representations(self) -> Path:
        return self._folder("data/representations")

    def representation(self, task: str) -> Path:
        return self.representations / f"{task}.npz"

    @property
    def representation_cost(self) -> Path:
        """How long the representations took, and where. Not an input of any later number."""
        return self._folder("data/costs").with_suffix(".json")

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
        """The fitted classifier, for later prediction."""
        return self.classifiers / f"{task}.skops"

    def neighbors(self, task: str) -> Path:
        """The labelled series among which a nearest neighbour is searched later."""
        return self.classifiers / f"{task}.npz"

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

    def _folder(self, kind: str) -> Path:
        return self.layout.root / kind / self.suite / self.method / f"seed{self.seed}"


def digest(path: Path) -> str:
    """The beginning of the SHA-256 of a file.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


_umask = Lock()  # it is read by setting it, and another thread would find that value


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that becomes `path` when the block ends well, and is removed if not.

    Raises:
        OSError: if the folder cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with _umask:
            umask = os.umask(0o077)
            os.umask(umask)
        part.chmod(0o666 & ~umask)
        part.replace(path)
    except OSError as error:
        if error.filename is None:  # of a write to an open file: a full disk
            error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)
