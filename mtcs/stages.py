"""The stages: each reads, calls one computing function, and writes. A stage's signature is its command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
import yaml

from mtcs.config.machine import DeviceName, PrecisionName, read_machine
from mtcs.errors import InputError, WorkError
from mtcs.layout import Layout, atomic_write, digest
from mtcs.progress import progress

if TYPE_CHECKING:  # heavy modules are imported by the stage that needs them, so that `mtcs --help` is quick
    import numpy as np
    from sklearn.svm import SVC

    from mtcs.config.classifiers import ClassifierSpec
    from mtcs.config.experiment import Experiment
    from mtcs.data.task import Task
    from mtcs.evaluation.cost import MethodCost
    from mtcs.evaluation.representations import Representations
    from mtcs.methods.base import Method
    from mtcs.specs import MethodSpec
    from mtcs.training.loop import Hardware

WORKSPACE = Layout()

QUIET = 0.5
"""Busy processes, in the mean over a minute, up to which a machine is quiet enough for `cost`."""

Run = tuple[str, str, int]
"""Suite, method and seed."""

_Found = TypeVar("_Found")


def _names(section: str) -> Callable[[], list[str]]:
    """For shell completion: read without validation, and never fail."""

    def complete() -> list[str]:
        try:
            return [str(name) for name in yaml.safe_load(WORKSPACE.params.read_text("utf-8"))[section]]
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):  # ValueError: as of `read_experiment`
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
    int | None,
    typer.Option("--workers", min=0, max=4096, help="Threads for CPU work; 0 is all cores. [env: MTCS_WORKERS]"),
]


def download(
    suite: SuiteName,
    archive: Annotated[
        str | None,
        typer.Option("--archive", help="Folder of zip, .ts or .tsv files, or URL with {name}. [env: MTCS_ARCHIVE]"),
    ] = None,
) -> None:
    """Bring a suite's data sets into data/raw, checked; those of the UCR archive against its published sizes."""
    from mtcs.data.archive import fetch_task

    wanted = _experiment().suite(suite)
    source = "aeon" if wanted.source == "aeon" else archive or read_machine().archive
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
    from mtcs.data.archive import read_raw
    from mtcs.data.normalize import normalize as normalized
    from mtcs.data.task import write_task

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
    workers: WorkersOption = None,
) -> None:
    """Train a method's encoder on a suite, into data/models; killed, the same command continues."""
    import torch

    from mtcs.data.task import fingerprint
    from mtcs.training import loop as training

    experiment = _experiment()
    spec, tasks = experiment.method(method), _tasks(experiment, suite)
    on, commit = _hardware(spec, device, precision, workers), _commit()
    settings = {name: value for name, value in experiment.parameters(method).items() if name != "classifier"}
    finished = []
    for name, scope in _scopes(experiment, method, tasks, task):
        run = f"{suite}-{method}-{seed}-{name or 'joint'}"
        checkpoint = _checkpoint(run, training.run_key(spec, scope, seed, on))
        torch.manual_seed(seed)
        model, schedule = spec.build(scope), spec.schedule_for(scope)
        trained = training.fit(model, scope, schedule, seed, on, checkpoint)
        training.save_weights(WORKSPACE.model(suite, method, seed, name), model)
        with atomic_write(WORKSPACE.curves(suite, method, seed, name)) as part:
            trained.curves.to_csv(part, index=False)
        speed = trained.series / trained.seconds if trained.seconds else 0.0
        record = {
            "method": method,
            "suite": suite,
            "task": name,
            "seed": seed,
            "device": str(on),
            "precision": on.precision,
            "seconds": round(trained.seconds, 1),
            "steps": len(trained.curves),
            "series_per_second": round(speed, 1),
            "peak_memory_mb": round(trained.peak, 1),
            "parameters": sum(weight.numel() for weight in model.parameters()),
            "versions": training.versions(),
            "commit": commit,
            "settings": settings,
            "tasks": {one.name: fingerprint(one) for one in scope},
            "weights": digest(WORKSPACE.model(suite, method, seed, name)),
        }
        with atomic_write(WORKSPACE.record(suite, method, seed, name)) as part:
            part.write_text(json.dumps(record, indent=2) + "\n")
        finished.append(run)
        print(
            f"{method} on {name or suite}, seed {seed}: {len(trained.curves)} steps in {trained.seconds:.0f} s, "
            f"{speed:.0f} series/s, {on.precision} on {on}"
        )
    # Only now: DVC deletes what a killed stage has written, and finished tasks are then read from their checkpoints.
    _discard(finished)


def represent(
    method: MethodName,
    suite: SuiteName,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
) -> None:
    """Extract the representations of a suite's series with a trained encoder, into data/representations."""
    from mtcs.evaluation.representations import write_representations
    from mtcs.training import loop as training

    experiment = _experiment()
    spec, tasks = experiment.method(method), _tasks(experiment, suite)
    on = _hardware(spec, device, precision, workers)
    with progress(f"represent {suite}", len(tasks), "tasks") as advance:
        done, series, weights, start = 0, 0, {}, time.perf_counter()
        for name, scope in _scopes(experiment, method, tasks):
            model, path = spec.build(scope), WORKSPACE.model(suite, method, seed, name)
            training.load_weights(path, model)
            weights[name or "joint"] = digest(path)
            for task in scope:
                found = _represented(model, task, on)
                write_representations(WORKSPACE.representation(suite, method, seed, task.name), found)
                done, series = done + 1, series + len(task.train) + len(task.test)
                advance(done, task.name)
    spent = {"series": series, "seconds": round(time.perf_counter() - start, 1), "device": str(on)}
    with atomic_write(WORKSPACE.representation_cost(suite, method, seed)) as part:
        part.write_text(json.dumps({**spent, "precision": on.precision, "weights": weights}, indent=2) + "\n")
    print(f"{method} on {suite}, seed {seed}: {done} tasks represented, {on.precision} on {on}")


def classify(
    method: MethodName,
    suite: SuiteName,
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    dask: Annotated[
        str | None,
        typer.Option(
            "--dask",
            metavar="ADDRESS",
            help="Scheduler of a Dask cluster whose workers take a task each. [env: MTCS_DASK]",
        ),
    ] = None,
) -> None:
    """Classify the test series by their frozen representations, into data/predictions; keep what was fitted."""
    import numpy as np

    from mtcs.data.task import fingerprint

    experiment = _experiment()
    classifier = experiment.classifiers[experiment.method(method).classifier]
    tasks = _tasks(experiment, suite)
    run, address = (suite, method, seed), read_machine().dask if dask is None else dask
    WORKSPACE.classified(*run).unlink(missing_ok=True)
    if address:
        found = _classify_on_cluster(address, run, classifier, tasks, workers)
    else:
        found = _classify_here(run, classifier, tasks, workers)
    record = {
        "classifier": experiment.parameters(method)["classifier"],
        "tasks": {task.name: fingerprint(task) for task in tasks},
        "representations": {task.name: digest(WORKSPACE.representation(*run, task.name)) for task in tasks},
    }
    with atomic_write(WORKSPACE.classified(*run)) as part:
        part.write_text(json.dumps(record, indent=2) + "\n")
    shutil.rmtree(_unfinished(WORKSPACE, run), ignore_errors=True)
    heads = "" if found[0][1] is None else " (of the trained head)"
    reader = "SVM" if classifier.kind == "svm" else "nearest neighbour"
    print(f"{method} on {suite}, seed {seed}: accuracy of the {reader}{heads}")
    for task, (right, head) in zip(tasks, found, strict=True):
        print(f"  {task.name:32} {right.mean():.4f}{'' if head is None else f'  ({head.mean():.4f})'}")
    print(f"  {'mean':32} {np.mean([right.mean() for right, _ in found]):.4f}")


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
    """Measure parameters on held-out training series, into data/validation; killed, the same command continues."""
    import numpy as np
    import pandas as pd
    import torch

    from mtcs.data.splits import hold_out
    from mtcs.training import loop as training

    experiment = _experiment()
    spec = experiment.method(method)
    classifier = experiment.classifiers[spec.classifier]
    tasks = [hold_out(task, share, seed) for task in _tasks(experiment, suite)]
    on = _hardware(spec, device, precision, workers)
    validation = f"validate{share:g}-{suite}"
    unfinished = _unfinished(WORKSPACE, (validation, method, seed))
    rows, finished = [], []
    for name, scope in _scopes(experiment, method, tasks):
        run = f"{validation}-{method}-{seed}-{name or 'joint'}"
        torch.manual_seed(seed)
        model = spec.build(scope)
        checkpoint = _checkpoint(run, training.run_key(spec, scope, seed, on))
        training.fit(model, scope, spec.schedule_for(scope), seed, on, checkpoint)
        finished.append(run)
        for task in scope:
            found = _represented(model, task, on)
            predicted, _ = _classified(classifier, task, found, workers, unfinished=unfinished)
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
    with atomic_write(WORKSPACE.validation(suite, method, seed, share)) as part:
        table.to_csv(part, index=False)
    _discard(finished)
    shutil.rmtree(unfinished, ignore_errors=True)
    print(table.to_string(index=False, float_format="%.4f"))
    heads = table["head_accuracy"].mean()
    print(f"mean {table['accuracy'].mean():.4f}" + ("" if np.isnan(heads) else f", of the heads {heads:.4f}"))


def predict(
    method: MethodName,
    suite: SuiteName,
    task: Annotated[str, typer.Argument(metavar="TASK", help="Task of the suite that the series belong to.")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="New series, .ts or .tsv; labels may be missing or '?'.")
    ],
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="CSV", help="Where predictions go, one row a series; default: stdout."),
    ] = None,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
) -> None:
    """Predict the labels of new series, with the model and the classifier that a suite's run has left."""
    import numpy as np
    import pandas as pd
    import torch

    from mtcs.data.archive import read_raw
    from mtcs.data.normalize import normalize as normalized
    from mtcs.data.task import fingerprint
    from mtcs.evaluation.measure import check_classified, read_classified
    from mtcs.evaluation.nearest import predict_nearest, read_neighbours
    from mtcs.evaluation.prediction import CHECKED, alike, read_new
    from mtcs.evaluation.svm import fitted_rows, load_classifier
    from mtcs.evaluation.svm import predict as predicted_by
    from mtcs.training import loop as training

    if out is not None and out.is_dir():
        raise InputError(f"--out {out} is a folder; name a file in it.")
    if out is not None and out.exists() and file.exists() and out.samefile(file):
        raise InputError(f"--out {out} is the file of the new series itself; name another.")
    experiment = _experiment()
    spec, tasks = experiment.method(method), _tasks(experiment, suite)
    by_name = {one.name: one for one in tasks}
    if task not in by_name:
        raise InputError(f"Unknown task {task}; {suite} has {', '.join(by_name)}.")
    if classified := read_classified(WORKSPACE, (suite, method, seed)):
        check_classified(classified, by_name[task], (suite, method, seed))
    raw = read_raw(WORKSPACE.raw(suite, task), task)
    if fingerprint(normalized(raw)) != fingerprint(by_name[task]):
        raise InputError(
            f"{task} has other series or labels in {WORKSPACE.raw(suite, task)} than when it was normalised; run 'mtcs "
            f"normalize {suite}', then train, represent and classify."
        )
    series, labels = read_new(file, raw)
    on = _hardware(spec, device, precision, workers)
    ((name, scope),) = _scopes(experiment, method, tasks, task if method in experiment.alone else None)
    torch.manual_seed(seed)
    model = spec.build(scope)
    training.load_weights(WORKSPACE.model(suite, method, seed, name), model)
    found = training.represent(model, series, on, task)
    trained_on, threads = by_name[task].train, _threads(workers)
    if experiment.classifiers[spec.classifier].kind == "svm":
        svc = load_classifier(WORKSPACE.classifier(suite, method, seed, task))
        fitted, of = svc.support_vectors_[:CHECKED], fitted_rows(svc, trained_on.labels)[svc.support_[:CHECKED]]
        answer = partial(predicted_by, svc, found, threads)
    else:
        neighbours, their_labels = read_neighbours(WORKSPACE.neighbours(suite, method, seed, task))
        fitted, of = neighbours[:CHECKED], np.arange(len(neighbours))[:CHECKED]
        answer = partial(predict_nearest, neighbours, their_labels, found, threads)
    again = training.represent(model, trained_on.series[of[of < len(trained_on)]], on, task)
    if not alike(fitted, again):
        raise InputError(
            f"The classifier of {task} was fitted on other representations than this model's; run 'mtcs represent "
            f"{method} {suite} --seed {seed}' and 'mtcs classify {method} {suite} --seed {seed}' again."
        )
    answers = answer()
    table = pd.DataFrame({"label": labels, "predicted": np.array(by_name[task].classes)[answers]})
    known = table.dropna()
    if known.empty:
        table = table[["predicted"]]
    if out is None:
        print(table.to_csv(index=False, lineterminator="\n"), end="")
    elif out.exists() and not out.is_file():  # a device or a pipe: no file that could be replaced by a whole one
        with out.open("w") as stream:
            table.to_csv(stream, index=False)
    else:
        with atomic_write(out.resolve()) as part:  # of a link what it leads to
            table.to_csv(part, index=False)
    right = f"accuracy {(known['label'] == known['predicted']).mean():.4f} on {len(known)} with a label"
    where = "" if out is None else f" in {out}"
    print(f"{task}: {len(table)} series predicted{where}{'' if known.empty else f', {right}'}", file=sys.stderr)


def measure(method: MethodName, suite: SuiteName, seed: SeedOption = 0) -> None:
    """Measure a classified run: its accuracies, affinities, cost and curves in one small file in results, for git."""
    from mtcs.evaluation.measure import measure as measured
    from mtcs.evaluation.results import write_result

    experiment = _experiment()
    experiment.method(method)
    tasks, joint = experiment.suite(suite).tasks, method not in experiment.alone
    result = measured(WORKSPACE, suite, method, seed, tasks, experiment.parameters(method), joint)
    path = WORKSPACE.result(suite, method, seed)
    write_result(path, result)
    mean = sum(task.accuracy for task in result.tasks) / len(tasks)
    print(f"{method} on {suite}, seed {seed}: mean accuracy {mean:.4f}, in {path}")


def cost(
    suite: SuiteName, device: DeviceOption = None, precision: PrecisionOption = None, workers: WorkersOption = None
) -> None:
    """Measure what every method of a suite costs on this machine, in one run, for the report; leave it quiet meanwhile.

    Training is projected from a few steps on each task, inference from some of its series. Killed, it starts anew.
    """
    from mtcs.evaluation.cost import SuiteCosts, write_costs
    from mtcs.evaluation.timing import SERIES, STEPS
    from mtcs.reports.analysis.cost import Costs, measured
    from mtcs.reports.text import cost_table
    from mtcs.training.loop import versions

    experiment = _experiment()
    tasks, methods = experiment.suite(suite).tasks, tuple(experiment.runs(suite))
    load, commit, found = os.getloadavg()[0], _commit(), []
    if load > QUIET:
        print(f"{load:.1f} processes were busy here in the last minute: times will be too long.", file=sys.stderr)
    with progress(f"cost {suite}", len(methods), "methods") as advance:
        for done, method in enumerate(methods):
            advance(done, method)
            found.append(_in_fresh_process(_method_cost, suite, method, device, precision, workers))
        advance(len(methods), "")
    costs = SuiteCosts(
        suite=suite,
        tasks=tasks,
        steps=STEPS,
        series=SERIES,
        load=round(load, 1),
        versions=versions(),
        commit=commit,
        methods=tuple(found),
    )
    write_costs(path := WORKSPACE.costs(suite), costs)
    print(cost_table(Costs(tuple(measured(costs)), costs)).to_string())
    print(f"\n{path}")


def report(suite: SuiteName) -> None:
    """Render a suite's report from results: accuracies, ablations, costs, affinities, and a page with all of it."""
    from mtcs.reports.page import write_report

    experiment = _experiment()
    parameters = {name: experiment.parameters(name) for name in experiment.known}
    runs = experiment.runs(suite)
    variants = tuple(name for name in experiment.ablation if name not in runs)
    seeds = runs | dict.fromkeys(variants, experiment.seeds)
    tasks = experiment.suite(suite).tasks
    table = write_report(WORKSPACE, suite, tasks, tuple(runs), seeds, parameters, variants)
    print(table.to_string())
    print(f"\n{WORKSPACE.report(suite) / 'report.html'}")


STAGES: tuple[Callable[..., None], ...] = (
    download,
    normalize,
    train,
    represent,
    classify,
    measure,
    report,
    cost,
    validate,
    predict,
)


def _experiment() -> Experiment:
    from mtcs.config.experiment import read_experiment

    return read_experiment(WORKSPACE.params)


def _in_fresh_process(function: Callable[..., _Found], *arguments: object) -> _Found:
    """What a function of this module returns or raises; no memory is held from before."""
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_end_with_parent) as fresh:
            return fresh.submit(function, *arguments).result()
    except BrokenProcessPool as error:
        raise WorkError(
            f"A process was killed while it worked on {', '.join(map(str, filter(None, arguments)))}, perhaps for lack "
            "of memory; see the system's log."
        ) from error


def _end_with_parent() -> None:
    """Let this process end when its parent is gone, killed perhaps, and nobody waits for what it does."""

    def watch() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _method_cost(
    suite: str, method: str, device: DeviceName | None, precision: PrecisionName | None, workers: int | None
) -> MethodCost:
    """What one method costs; for a fresh process, of which the progress of each training is left out."""
    from mtcs.evaluation.timing import time_method

    experiment = _experiment()
    spec, tasks = experiment.method(method), _tasks(experiment, suite)
    on = _hardware(spec, device, precision, workers)
    joint, parameters = method not in experiment.alone, experiment.parameters(method)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        return time_method(method, spec, tasks, joint, parameters, on)


def _hardware(
    spec: MethodSpec, device: DeviceName | None, precision: PrecisionName | None, workers: int | None
) -> Hardware:
    import torch

    from mtcs.training.loop import hardware

    machine = read_machine()
    if threads := machine.workers if workers is None else workers:
        torch.set_num_threads(threads)
    return hardware(device or machine.device, precision or machine.precision, spec.steady)


def _threads(workers: int | None) -> int:
    """How many threads CPU work takes; -1 is all cores."""
    return (read_machine().workers if workers is None else workers) or -1


def _task(suite: str, name: str) -> Task:
    from mtcs.data.task import read_task

    return read_task(WORKSPACE.normalized(suite, name))


def _tasks(experiment: Experiment, suite: str) -> list[Task]:
    return [_task(suite, name) for name in experiment.suite(suite).tasks]


def _scopes(
    experiment: Experiment, method: str, tasks: list[Task], only: str | None = None
) -> list[tuple[str | None, list[Task]]]:
    """What a method trains one model for, by the name in the model's file: a suite (None), or each task."""
    if method not in experiment.alone:
        if only is not None:
            raise InputError(f"{method} trains one model for the whole suite; leave out --task {only}.")
        return [(None, tasks)]
    names = [task.name for task in tasks]
    if only is not None and only not in names:
        raise InputError(f"Unknown task {only}; the suite has {', '.join(names)}.")
    return [(task.name, [task]) for task in tasks if only in (None, task.name)]


def _checkpoint(run: str, key: str) -> Path:
    """Where unfinished training of a run is kept; the key is a digest of all that determines it."""
    return WORKSPACE.checkpoints / f"{run}-{key}.safetensors"


def _discard(runs: Sequence[str]) -> None:
    """Remove the checkpoints of finished runs: these, those of earlier parameters or code, and half-written ones."""
    ours = re.compile(rf"\.?({'|'.join(map(re.escape, runs))})-[0-9a-f]{{32}}\.safetensors.*")
    for path in WORKSPACE.checkpoints.glob("*"):
        if ours.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _represented(model: Method, task: Task, on: Hardware) -> Representations:
    from mtcs.evaluation.representations import Representations
    from mtcs.training.loop import represent

    head = model.head(task.name)
    return Representations(
        represent(model, task.train.series, on, task.name),
        represent(model, task.test.series, on, task.name),
        None if head is None else head.float().cpu().numpy(),
    )


def _classify_here(
    run: Run, classifier: ClassifierSpec, tasks: list[Task], workers: int | None
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """`_classify_task` of one task after the other; progress is counted in fits, or in series searched."""
    fits = classifier.folds * len(classifier.costs) + 1 if classifier.kind == "svm" else None
    work = [fits or len(task.test) for task in tasks]
    found = []
    with progress(f"classify {run[0]}", sum(work), "fits" if fits else "series") as advance:
        for i, task in enumerate(tasks):

            def show(done: int, of: int, after: int = sum(work[: i + 1]), name: str = task.name) -> None:
                advance(after + done - of, name)

            advance(sum(work[:i]), task.name)
            found.append(_classify_task(WORKSPACE, run, classifier, task, workers, show))
    return found


def _classify_on_cluster(
    address: str, run: Run, classifier: ClassifierSpec, tasks: list[Task], workers: int | None
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """`_classify_task` of every task by a worker of Dask, which sees this workspace under the same path."""
    from mtcs.evaluation.cluster import on_cluster

    workspace = Layout(WORKSPACE.root.absolute())
    pieces = ((workspace, run, classifier, task, workers) for task in tasks)
    with progress(f"classify {run[0]}", len(tasks), "tasks") as advance:
        return on_cluster(address, _classify_task, pieces, lambda done: advance(done, ""))


def _classify_task(
    workspace: Layout,
    run: Run,
    classifier: ClassifierSpec,
    task: Task,
    workers: int | None,
    show: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Write predictions and what was fitted; which test series (n,) are right, so and by the trained head."""
    import numpy as np
    import pandas as pd

    from mtcs.evaluation.nearest import save_neighbours
    from mtcs.evaluation.representations import read_representations
    from mtcs.evaluation.svm import save_classifier

    suite, method, seed = run
    found = read_representations(path := workspace.representation(*run, task.name))
    way_out = f"run 'mtcs represent {method} {suite} --seed {seed}'"
    for rows, split, what in ((found.train, task.train, "training"), (found.test, task.test, "test")):
        if len(rows) != len(split):
            raise InputError(f"{path} has {len(rows)} {what} representations, expected {len(split)}; {way_out}.")
        if classifier.kind == "svm" and not (finite := np.isfinite(rows).all(1)).all():
            raise InputError(f"{path} has no finite representation of {what} series {finite.argmin()}; {way_out}.")
    predicted, svc = _classified(classifier, task, found, workers, show, _unfinished(workspace, run))
    classes = np.array(task.classes)
    table = pd.DataFrame({"label": classes[task.test.labels], "predicted": classes[predicted]})
    with atomic_write(workspace.prediction(*run, task.name)) as part:
        table.to_csv(part, index=False)
    if svc is None:
        save_neighbours(workspace.neighbours(*run, task.name), found.train, task.train.labels)
    else:
        save_classifier(workspace.classifier(*run, task.name), svc)
    return predicted == task.test.labels, _head_right(task, found)


def _unfinished(workspace: Layout, run: Run) -> Path:
    """Where the searches for nearest neighbours of a run continue."""
    return workspace.checkpoints / f"{'-'.join(map(str, run))}-nearest"


def _classified(
    classifier: ClassifierSpec,
    task: Task,
    found: Representations,
    workers: int | None,
    show: Callable[[int, int], None] | None = None,
    unfinished: Path | None = None,
) -> tuple[np.ndarray, SVC | None]:
    """Predictions (n,) for the test series, and the fitted SVM where it is one."""
    from mtcs.evaluation.nearest import predict_nearest
    from mtcs.evaluation.svm import fit_svm
    from mtcs.evaluation.svm import predict as predicted_by

    threads = _threads(workers)
    if classifier.kind == "nearest_neighbour":
        return predict_nearest(found.train, task.train.labels, found.test, threads, show, unfinished), None
    svc = fit_svm(found.train, task.train.labels, classifier, threads, show).svc
    return predicted_by(svc, found.test, threads), svc


def _head_right(task: Task, found: Representations) -> np.ndarray | None:
    """Which test series (n,) the trained head gets right."""
    predicted = found.head_predictions()
    return None if predicted is None else predicted == task.test.labels


def _commit() -> str | None:
    """The commit of the code, marked where tracked files other than results differ from it."""
    git = ["git", "describe", "--always", "--abbrev=12", "--exclude=*"]
    results = [":!dvc.lock", ":!reports", ":!results"]
    changes = ["git", "status", "--porcelain", "--untracked-files=no", "--", ".", *results]
    try:
        commit, changed = (
            subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
            for command in (git, changes)
        )
    except (OSError, subprocess.SubprocessError):
        print("No git commit to record: this folder is not a git checkout.", file=sys.stderr)
        return None
    return f"{commit}-dirty" if changed else commit
