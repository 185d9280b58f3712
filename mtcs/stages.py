"""The stages: each reads, calls one computing function, and writes. A stage's signature is its command line."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from pydantic import ValidationError

from mtcs.errors import InputError
from mtcs.layout import Layout, write_whole
from mtcs.machine import DeviceName, Machine, PrecisionName
from mtcs.progress import progress

if TYPE_CHECKING:  # heavy modules are imported by the stage that needs them, so that `mtcs --help` is quick
    import numpy as np

    from mtcs.classifiers import SVM
    from mtcs.experiment import Experiment
    from mtcs.methods.base import Method
    from mtcs.tasks import Task
    from mtcs.training import Hardware

WORKSPACE = Layout()


def _names(section: str) -> Callable[[], list[str]]:
    """For shell completion: read without validation, and never fail."""

    def complete() -> list[str]:
        try:
            return [str(name) for name in yaml.safe_load(WORKSPACE.params.read_text())[section]]
        except (OSError, yaml.YAMLError, KeyError, TypeError):
            return []

    return complete


SuiteName = Annotated[
    str,
    typer.Argument(metavar="SUITE", help="Suite of params.yaml; see 'mtcs suites'.", autocompletion=_names("suites")),
]
MethodName = Annotated[
    str,
    typer.Argument(
        metavar="METHOD", help="Method of params.yaml; see 'mtcs methods'.", autocompletion=_names("methods")
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="Seed of weights, order and chance.")]
DeviceOption = Annotated[
    DeviceName | None,
    typer.Option("--device", help="Where to compute; auto takes CUDA where there is one. [env: MTCS_DEVICE]"),
]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option(
        "--precision",
        help="Of the encoder's products; auto takes bf16 where the hardware is faster with it. [env: MTCS_PRECISION]",
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=0, help="Threads for CPU work; 0 is one a core. [env: MTCS_WORKERS]")
]


def download(
    suite: SuiteName,
    archive: Annotated[
        str | None,
        typer.Option("--archive", help="Folder, or URL template with {name}, that holds the zips. [env: MTCS_ARCHIVE]"),
    ] = None,
) -> None:
    """Bring a suite's data sets into data/raw, checked against the archive's published sizes."""
    from mtcs.archive import fetch_task

    wanted = _experiment().suite(suite)
    source = "aeon" if wanted.source == "aeon" else archive or _machine().archive
    total = len(wanted.tasks)
    with progress(f"download {suite}", total, "tasks") as advance:
        for done, name in enumerate(wanted.tasks):

            def show(what: str, received: int, size: int | None, done: int = done) -> None:
                advance(done, f"{what}: {received / 1e6:.1f} of {'?' if size is None else f'{size / 1e6:.1f}'} MB")

            fetched = fetch_task(name, WORKSPACE.raw(suite, name), source, show)
            advance(done + 1, f"{name} {'fetched' if fetched else 'there already'}")
    print(f"{suite}: {total} tasks in {WORKSPACE.raw(suite, wanted.tasks[0]).parent}")


def normalize(suite: SuiteName) -> None:
    """Z-normalise a suite's tasks by their training statistics, into data/normalized."""
    from mtcs.archive import read_raw
    from mtcs.normalize import normalize as normalized
    from mtcs.tasks import write_task

    tasks = _experiment().suite(suite).tasks
    with progress(f"normalize {suite}", len(tasks), "tasks") as advance:
        for done, name in enumerate(tasks, 1):
            write_task(WORKSPACE.normalized(suite, name), normalized(read_raw(WORKSPACE.raw(suite, name), name)))
            advance(done, name)
    print(f"{suite}: {len(tasks)} tasks in {WORKSPACE.normalized(suite, tasks[0]).parent}")


def train(
    method: MethodName,
    suite: SuiteName,
    task: Annotated[
        str | None, typer.Option("--task", help="Only this task, of a method that trains one model for each task.")
    ] = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
) -> None:
    """Train a method's encoder on a suite, into data/models; killed, the same command continues."""
    import torch

    from mtcs import training

    experiment = _experiment()
    spec, tasks = experiment.method(method), _tasks(experiment, suite)
    on, commit = _hardware(device, precision), _commit()
    for name, scope in _scopes(experiment, method, tasks, task):
        run = f"{suite}-{method}-{seed}-{name or 'joint'}"
        checkpoint = WORKSPACE.checkpoints / f"{run}-{training.run_key(spec, scope, seed, on)}.safetensors"
        torch.manual_seed(seed)
        model, schedule = spec.build(scope), spec.schedule_for(scope)
        curves, seconds = training.fit(model, scope, schedule, seed, on, checkpoint)
        training.save_weights(WORKSPACE.model(suite, method, seed, name), model)
        with write_whole(WORKSPACE.curves(suite, method, seed, name)) as part:
            curves.to_csv(part, index=False)
        series = schedule.epochs * sum(len(one.train) for one in scope)
        record = {
            "method": method,
            "suite": suite,
            "task": name,
            "seed": seed,
            "device": str(on),
            "precision": on.precision,
            "seconds": round(seconds, 1),
            "steps": len(curves),
            "series_per_second": round(series / seconds, 1),
            "peak_memory_mb": round(training.peak_memory(on), 1),
            "parameters": sum(weight.numel() for weight in model.parameters()),
            "versions": training.versions(),
            "commit": commit,
        }
        with write_whole(WORKSPACE.record(suite, method, seed, name)) as part:
            part.write_text(json.dumps(record, indent=2) + "\n")
        for stale in WORKSPACE.checkpoints.glob(f"{run}-*"):  # this run's, and those of earlier parameters or code
            stale.unlink(missing_ok=True)
        print(
            f"{method} on {name or suite}, seed {seed}: {len(curves)} steps in {seconds:.0f} s, "
            f"{series / seconds:.0f} series/s, {on.precision} on {on}"
        )


def represent(
    method: MethodName,
    suite: SuiteName,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
) -> None:
    """Extract the representations of a suite's series with a trained encoder, into data/representations."""
    from mtcs import training

    experiment = _experiment()
    spec, tasks = experiment.method(method), _tasks(experiment, suite)
    on = _hardware(device, precision)
    with progress(f"represent {suite}", len(tasks), "tasks") as advance:
        done = 0
        for name, scope in _scopes(experiment, method, tasks):
            model = spec.build(scope)
            training.load_weights(WORKSPACE.model(suite, method, seed, name), model)
            for task in scope:
                _write_arrays(
                    WORKSPACE.representation(suite, method, seed, task.name), _representation(model, task, on)
                )
                done += 1
                advance(done, task.name)
    print(f"{method} on {suite}, seed {seed}: {done} tasks represented, {on.precision} on {on}")


def classify(method: MethodName, suite: SuiteName, seed: SeedOption = 0, workers: WorkersOption = None) -> None:
    """Fit each task's classifier on frozen representations and predict the test series, into data/predictions."""
    import numpy as np
    import pandas as pd

    from mtcs.classifiers import save_classifier

    experiment = _experiment()
    classifier = experiment.classifiers[experiment.method(method).classifier]
    names = experiment.suite(suite).tasks
    fits = classifier.folds * len(classifier.costs) + 1
    lines = []
    with progress(f"classify {suite}", fits * len(names), "fits") as advance:
        for done, name in enumerate(names):
            task = _task(suite, name)
            found = _read_arrays(
                WORKSPACE.representation(suite, method, seed, name), f"mtcs represent {method} {suite} --seed {seed}"
            )

            def show(fit: int, of: int, done: int = done, name: str = name) -> None:
                advance(done * fits + fit + fits - of, name)

            svm, predicted = _classified(classifier, task, found, workers, show)
            classes = np.array(task.classes)
            table = pd.DataFrame({"label": classes[task.test.labels], "predicted": classes[predicted]})
            with write_whole(WORKSPACE.prediction(suite, method, seed, name)) as part:
                table.to_csv(part, index=False)
            save_classifier(WORKSPACE.classifier(suite, method, seed, name), svm.svc)
            lines.append((name, predicted == task.test.labels, _head_right(task, found)))
    heads = "" if lines[0][2] is None else " (of the trained head)"
    print(f"{method} on {suite}, seed {seed}: accuracy of the SVM{heads}")
    for name, right, head in lines:
        print(f"  {name:32} {right.mean():.4f}{'' if head is None else f'  ({head.mean():.4f})'}")
    print(f"  {'mean':32} {np.mean([right.mean() for _, right, _ in lines]):.4f}")


def validate(
    method: MethodName,
    suite: SuiteName,
    seed: SeedOption = 0,
    share: Annotated[
        float, typer.Option("--share", min=0.05, max=0.5, help="Share of each task's training series to hold out.")
    ] = 0.25,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
) -> None:
    """Measure parameters on held-out training series, into data/validation; no test series is looked at."""
    import numpy as np
    import pandas as pd
    import torch

    from mtcs import training
    from mtcs.validation import hold_out

    experiment = _experiment()
    spec = experiment.method(method)
    classifier = experiment.classifiers[spec.classifier]
    tasks = [hold_out(task, share, seed) for task in _tasks(experiment, suite)]
    on = _hardware(device, precision)
    rows = []
    for _, scope in _scopes(experiment, method, tasks):
        torch.manual_seed(seed)
        model = spec.build(scope)
        training.fit(model, scope, spec.schedule_for(scope), seed, on)
        for task in scope:
            found = _representation(model, task, on)
            _, predicted = _classified(classifier, task, found, workers, None)
            head = _head_right(task, found)
            rows.append(
                {
                    "task": task.name,
                    "held_out": len(task.test),
                    "accuracy": (predicted == task.test.labels).mean(),
                    "head_accuracy": np.nan if head is None else head.mean(),
                }
            )
    table = pd.DataFrame(rows)
    with write_whole(WORKSPACE.validation(suite, method, seed)) as part:
        table.to_csv(part, index=False)
    print(table.to_string(index=False, float_format="%.4f"))
    print(f"mean {table['accuracy'].mean():.4f}, of the heads {table['head_accuracy'].mean():.4f}")


def report(suite: SuiteName) -> None:
    """Render a suite's accuracy and affinity reports into reports/, one self-contained page among them."""
    from mtcs.reports.page import write_report

    experiment = _experiment()
    parameters = {}
    for name in experiment.runs:
        spec = experiment.methods[name]
        classifier = experiment.classifiers[spec.classifier]
        parameters[name] = spec.model_dump(mode="json") | {"classifier": classifier.model_dump(mode="json")}
    seeds = {name: experiment.seeds for name in experiment.runs}
    table = write_report(WORKSPACE, suite, experiment.suite(suite).tasks, experiment.runs, seeds, parameters)
    print(table.to_string())
    print(f"\n{WORKSPACE.report(suite) / 'report.html'}")


STAGES: tuple[Callable[..., None], ...] = (download, normalize, train, represent, classify, validate, report)


def _experiment() -> Experiment:
    from mtcs.experiment import read_experiment

    return read_experiment(WORKSPACE.params)


def _machine() -> Machine:
    try:
        return Machine()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"MTCS_{first['loc'][0]}".upper()
        raise InputError(f"{name}: {first['msg']} (is {first['input']!r}); correct or unset that variable.") from error


def _hardware(device: DeviceName | None, precision: PrecisionName | None) -> Hardware:
    import torch

    from mtcs.training import hardware

    machine = _machine()
    if machine.workers:
        torch.set_num_threads(machine.workers)
    return hardware(device or machine.device, precision or machine.precision)


def _task(suite: str, name: str) -> Task:
    from mtcs.tasks import read_task

    return read_task(WORKSPACE.normalized(suite, name))


def _tasks(experiment: Experiment, suite: str) -> list[Task]:
    return [_task(suite, name) for name in experiment.suite(suite).tasks]


def _scopes(
    experiment: Experiment, method: str, tasks: list[Task], only: str | None = None
) -> list[tuple[str | None, list[Task]]]:
    """What a method trains one model for, by the name in the model's file: a suite (None), or each task."""
    if method in experiment.joint:
        if only is not None:
            raise InputError(f"{method} trains one model for the whole suite; leave out --task {only}.")
        return [(None, tasks)]
    names = [task.name for task in tasks]
    if only is not None and only not in names:
        raise InputError(f"Unknown task {only}; the suite has {', '.join(names)}.")
    return [(task.name, [task]) for task in tasks if only in (None, task.name)]


def _representation(model: Method, task: Task, on: Hardware) -> dict[str, np.ndarray]:
    """`train` (n, D), `test` (n, D), and `head` (C, D) where the method has heads."""
    from mtcs import training

    found = {
        part: training.represent(model, split.series, on)
        for part, split in (("train", task.train), ("test", task.test))
    }
    head = model.head(task.name)
    return found if head is None else {**found, "head": head.float().cpu().numpy()}


def _classified(
    classifier: SVM,
    task: Task,
    found: dict[str, np.ndarray],
    workers: int | None,
    show: Callable[[int, int], None] | None,
) -> tuple[Any, np.ndarray]:
    """The fitted classifier, and its predictions (n,) for the test series."""
    from mtcs.classifiers import fit_svm, predict

    threads = (_machine().workers if workers is None else workers) or -1
    svm = fit_svm(found["train"], task.train.labels, classifier, threads, show)
    return svm, predict(svm.svc, found["test"], threads)


def _head_right(task: Task, found: dict[str, np.ndarray]) -> np.ndarray | None:
    """Which test series (n,) the trained head gets right."""
    return (found["test"] @ found["head"].T).argmax(1) == task.test.labels if "head" in found else None


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    import numpy as np

    with write_whole(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]  # numpy's stub takes them for allow_pickle


def _read_arrays(path: Path, remedy: str) -> dict[str, np.ndarray]:
    """What `_write_arrays` wrote of a representation."""
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = dict(arrays)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run '{remedy}'.") from None
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        what = "it is no .npz file" if not zipfile.is_zipfile(path) else " ".join(str(error).split())
        raise InputError(f"{path} does not hold representations ({what}); run '{remedy}'.") from error
    missing = {"train", "test"} - set(found)
    if missing:
        raise InputError(f"{path} lacks {' and '.join(sorted(missing))}; run '{remedy}'.")
    return found


def _commit() -> str | None:
    """The commit of the code, marked where tracked files differ from it."""
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        print("No git commit to record: this folder is not a git checkout.", file=sys.stderr)
        return None
