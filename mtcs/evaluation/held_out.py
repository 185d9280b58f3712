"""Accuracy on training series that are held out, so that no test series chooses anything."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

import numpy as np
import pandas as pd

from mtcs.classifiers.classify import classify
from mtcs.config.classifiers import ClassifierSpec
from mtcs.data.task import Task
from mtcs.evaluation.represent import represent_task
from mtcs.layout import Run
from mtcs.training.checkpoint import checkpoint_key
from mtcs.training.hardware import Hardware
from mtcs.training.loop import train_method


def held_out_accuracy(
    run: Run, tasks: Mapping[str, Task], share: float, classifier: ClassifierSpec, where: Hardware, workers: int = -1
) -> tuple[pd.DataFrame, list[str]]:
    """Train a run on what is left of the training parts, and label what is held out.

    A killed search continues, and its checkpoints are named so that `discard_checkpoints` finds them.

    Args:
        run: its parameters and seed.
        tasks: by name, with the held-out series in place of the test part.
        share: that is held out, for the name of the checkpoints.
        classifier: of the representations.
        where: to train.
        workers: threads of the classifier; -1 is one for every core.

    Returns:
        `task`, `held_out` (series), `accuracy` and `head_accuracy` (NaN without heads), and the checkpoints by name.
    """
    assert run.spec is not None
    prefix = f"validate{share:g}-{run.name}"
    unfinished = run.layout.checkpoints / f"{prefix}-nearest"
    rows, names = [], []
    for scope in run.scopes:
        scoped = list(tasks.values()) if scope is None else [tasks[scope]]
        names.append(f"{prefix}-{scope or 'joint'}")
        key = checkpoint_key(run.spec, scoped, run.seed, where)
        checkpoint = run.layout.checkpoints / f"{names[-1]}-{key}.safetensors"
        model, _ = train_method(run.spec, scoped, run.seed, where, checkpoint)
        for task in scoped:
            representations, labels = represent_task(model, task, where), task.train.labels
            known, new = representations.train, representations.test
            _, predicted = classify(classifier, known, labels, new, workers, unfinished=unfinished, seed=run.seed)
            head = representations.head_predictions()
            by_head = np.nan if head is None else (head == task.test.labels).mean()
            rows.append((task.name, len(task.test), (predicted == task.test.labels).mean(), by_head))
    shutil.rmtree(unfinished, ignore_errors=True)
    return pd.DataFrame(rows, columns=["task", "held_out", "accuracy", "head_accuracy"]), names
