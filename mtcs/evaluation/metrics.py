"""How well new series are labelled: what cross-validation measures of a bundle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtcs.evaluation.bundle import Bundle
from mtcs.evaluation.kernel_ridge import FittedKernelRidge

SCORES = ("accuracy", "balanced_accuracy", "f1", "log_loss")


def score(
    bundle: Bundle, task: str, representations: np.ndarray, truth: np.ndarray, n_classes: int
) -> dict[str, float]:
    """Scores of a task's classifier on representations (n, D) of known labels.

    Args:
        bundle: fitted to labels that are indices below `n_classes`, not necessarily all of them.
        task: a task of the bundle.
        representations: of series that it was not fitted to.
        truth: (n,) int64.
        n_classes: how many there are.

    Returns:
        accuracy; balanced_accuracy, the mean of recall over the labels that occur; f1, the mean over labels that occur
        in truth or prediction; log_loss in nats, NaN where the classifier gives no probabilities.
    """
    from sklearn.metrics import f1_score, log_loss, recall_score

    predicted = bundle.predict(task, representations)
    known = bundle.task(task)
    loss = np.nan
    if isinstance(known.reader, FittedKernelRidge):
        probabilities = np.zeros((len(truth), n_classes))
        probabilities[:, known.labels] = bundle.predict_proba(task, representations)
        loss = log_loss(truth, probabilities, labels=np.arange(n_classes))
    return {
        "accuracy": float((predicted == truth).mean()),
        "balanced_accuracy": float(recall_score(truth, predicted, labels=np.unique(truth), average="macro")),
        "f1": float(f1_score(truth, predicted, average="macro")),
        "log_loss": float(loss),
    }


def score_labels(bundle: Bundle, task: str, representations: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """As `score`, of labels (n,) as they were given, each of them a label of the task."""
    known = bundle.task(task)
    place = {label: c for c, label in enumerate(known.labels.tolist())}
    truth = np.array([place[label] for label in y.tolist()])
    by_index = replace(bundle, tasks={task: replace(known, labels=np.arange(len(place)))})
    return score(by_index, task, representations, truth, len(place))
