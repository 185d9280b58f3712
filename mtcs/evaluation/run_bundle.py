"""A run of the pipeline as a bundle: its model with the classifiers that `mtcs classify` fitted to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtcs.config.packaged import packaged_classifier
from mtcs.errors import InputError
from mtcs.evaluation.bundle import Bundle, TaskClassifier
from mtcs.evaluation.classify import kind_of, load_reader
from mtcs.evaluation.kernel_ridge import FittedKernelRidge
from mtcs.evaluation.measure import check_file, read_record
from mtcs.evaluation.mixture import FittedMixture
from mtcs.evaluation.results import ClassifierRecord
from mtcs.layout import Layout, Run, digest
from mtcs.training.model import load_model

CLASSIFIERS = {"svm": "svm", "kernel_ridge": "ridge", "nearest_neighbour": "nearest"}
"""Names of packaged parameters by kind of reader: what a task that is added is fitted with."""


def load_run(path: Path) -> Bundle:
    """The bundle of a run whose stages train, represent and classify are done.

    An SVM of the pipeline has no probabilities; kernel ridge has. Similarity and affinity are in the run's report.

    Args:
        path: its model, `data/models/<suite>/<method>/seed<N>/joint.safetensors`, or that of one task.

    Raises:
        InputError: if it is no such file, or the classifiers are missing or were fitted to another model.
    """
    absolute = path.absolute()
    seed = absolute.parent.name.removeprefix("seed")
    if len(absolute.parts) < 7 or absolute.parts[-6:-4] != ("data", "models") or not seed.isdecimal():
        raise InputError(
            f"{path} is no model of a run; name data/models/SUITE/METHOD/seedN/joint.safetensors, or an .mtcs file."
        )
    run = Run(absolute.parts[-4], absolute.parts[-3], int(seed), Layout(absolute.parents[5]))
    model = load_model(path, run.remedy("train"))
    record = read_record(run.classified, ClassifierRecord, run, "classify")
    if record.weights.get(path.stem) != digest(path):
        remedy = run.remedy("represent", "classify")
        raise InputError(f"The classifiers of {run} were fitted to another model; {remedy}.")
    tasks = {}
    for info in model.tasks:
        file = run.classifier(info.name)
        check_file(file, record.fitted.get(info.name), f"than was fitted; {run.remedy('classify')}")
        reader = load_reader(file)
        if isinstance(reader, FittedMixture) or kind_of(reader) not in CLASSIFIERS:
            raise InputError(f"{run} is classified by more than representations; use 'mtcs predict {run.method}'.")
        sharpness = float(reader.sharpness) if isinstance(reader, FittedKernelRidge) else None
        tasks[info.name] = TaskClassifier(info, np.array(info.classes), reader, 0, (1, info.length), sharpness)
    kind = kind_of(next(iter(tasks.values())).reader)
    similarity = np.full((len(tasks), len(tasks)), np.nan)
    return Bundle(model, tasks, similarity, None, packaged_classifier(CLASSIFIERS[kind]))
