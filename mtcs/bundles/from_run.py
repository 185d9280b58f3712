"""A run of the pipeline as a bundle: its model with the classifiers that `mtcs classify` fitted to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mtcs.bundles.bundle import Bundle, TaskClassifier
from mtcs.classifiers.classify import known_calibration, load_reader
from mtcs.config.methods import SeriesSpec
from mtcs.config.packaged import packaged_classifier
from mtcs.data.task import TaskInfo
from mtcs.errors import InputError
from mtcs.evaluation.affinity import label_affinity, task_similarity
from mtcs.evaluation.measure import check_file
from mtcs.evaluation.records import ClassifierRecord, read_record
from mtcs.evaluation.representations import channel_mean, read_representations
from mtcs.evaluation.side_by_side import check_encoder, load_encoder
from mtcs.layout import Layout, Run
from mtcs.training.model import Model


def load_run(path: Path) -> Bundle:
    """The bundle of a run whose stages train, represent and classify are done.

    An SVM of the pipeline has no probabilities; ridge regression has. Similarity and affinity are those of the tasks'
    training representations, where these are still there; of a mixture those by the encoder that saw all series.

    Args:
        path: its model, `data/models/<suite>/<method>/seed<N>/joint.safetensors`, or that of one task. A method that
            reads the representations of another, as `mtcs_ridge`, is named like the others; the model is then the
            other's; of a mixture, as `mtcs_rocket`, both models as one.

    Raises:
        InputError: if it is no such file, or the classifiers are missing or were fitted to another model.
    """
    run = _run_of(path)
    record = read_record(run.classified, ClassifierRecord, run, "classify")
    run = replace(run, reads=record.reads, held_out=record.held_out)
    scope = None if path.stem == "joint" else path.stem
    file = run.model(scope)
    if not file.exists() and (others := sorted(run.models.glob("*.safetensors"))):
        names = ", ".join(one.stem for one in others)
        raise InputError(f"{file} does not exist; {run} has a model for each of {names:.200}: name one of these files.")
    model = load_encoder(run, scope)
    check_encoder(run, scope, record, f"The classifiers of {run} were")
    tasks = {info.name: _classifier(run, record, info) for info in model.tasks}
    similarity, affinity = _relations(run.reading, model, record)
    return Bundle(model, tasks, similarity, affinity, packaged_classifier(record.classifier))


def load_run_task(run: Run, task: str) -> Bundle:
    """The bundle of a run with the classifier of one task alone, and without what tasks have in common.

    Raises:
        InputError: with the run's tasks if there is none of that name, or with what to run.
    """
    joint = any(one.model().exists() for one in run.encoders) or (run.spec is not None and run.joint)
    scope = None if joint else task
    if scope and not run.model(scope).exists() and (others := sorted(run.models.glob("*.safetensors"))):
        raise InputError(f"Unknown task {task}; {run} has {', '.join(path.stem for path in others)}.")
    model = load_encoder(run, scope)
    info = model.task(task)
    record = read_record(run.classified, ClassifierRecord, run, "classify")
    check_encoder(run, scope, record, f"The classifier of {task} was")
    unknown = np.full((len(model.tasks), len(model.tasks)), np.nan)
    classifier = packaged_classifier(record.classifier)
    return Bundle(model, {task: _classifier(run, record, info)}, unknown, None, classifier)


def _classifier(run: Run, record: ClassifierRecord, task: TaskInfo) -> TaskClassifier:
    file = run.classifier(task.name)
    check_file(file, record.fitted.get(task.name), f"than was fitted; {run.remedy('classify')}")
    reader = load_reader(file)
    calibration = known_calibration(reader, record.decisions.get(task.name, 0))
    return TaskClassifier(task, np.array(task.classes), reader, 0, (1, task.length), calibration)


def _run_of(path: Path) -> Run:
    absolute = path.absolute()
    seed = absolute.parent.name.removeprefix("seed")
    if len(absolute.parts) < 7 or absolute.parts[-6:-4] != ("data", "models") or not seed.isdecimal():
        raise InputError(
            f"{path} is no model of a run; name data/models/SUITE/METHOD/seedN/joint.safetensors, or an .mtcs file."
        )
    return Run(absolute.parts[-4], absolute.parts[-3], int(seed), Layout(absolute.parents[5]))


def _relations(run: Run, model: Model, record: ClassifierRecord) -> tuple[np.ndarray, np.ndarray | None]:
    """Similarity (K, K) of the model's tasks, NaN where it is not known, and the affinity (S, S) of their labels."""
    files = {task.name: run.representation(task.name) for task in model.tasks}
    if isinstance(model.spec, SeriesSpec) or not all(file.exists() for file in files.values()):
        return np.full((len(files), len(files)), np.nan), None
    pooled, heads = {}, {}
    for task in model.tasks:
        check_file(
            files[task.name],
            record.representations.get(task.name),
            f"than was classified; {run.remedy('represent', 'classify')}",
        )
        representations = read_representations(run, task.name)
        pooled[task.name] = channel_mean(representations.train, task.channels)
        if representations.head is not None:
            heads[task.name] = representations.head
    return task_similarity(pooled), label_affinity(pooled, heads) if heads else None
