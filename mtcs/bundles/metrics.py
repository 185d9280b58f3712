"""How well series are labelled that a model has not seen: in folds of cross-validation, or as a test part."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mtcs.bundles.bundle import Bundle
from mtcs.bundles.cross_validation import Validation
from mtcs.classifiers.calibration import calibration_error, log_loss
from mtcs.classifiers.classify import Encoded, predict

Scores = dict[str, dict[str, float]]
"""Of each task, by name."""

SCORES = ("accuracy", "balanced_accuracy", "f1", "log_loss")


def scores(truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None) -> dict[str, float]:
    """Scores of predicted indices (n,) of labels, and of their probabilities (n, C), where there are some.

    Returns:
        accuracy; balanced_accuracy, the mean of recall over the labels that occur; f1, the mean over labels that occur
        in truth or prediction; log_loss in nats, NaN without probabilities.
    """
    from sklearn.metrics import f1_score, recall_score

    return {
        "accuracy": float((predicted == truth).mean()),
        "balanced_accuracy": float(recall_score(truth, predicted, labels=np.unique(truth), average="macro")),
        "f1": float(f1_score(truth, predicted, average="macro")),
        "log_loss": np.nan if probabilities is None else log_loss(probabilities, truth),
    }


def all_scores(truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None) -> dict[str, float]:
    """`scores` and calibration_error, NaN without probabilities; of a few series it comes out too large."""
    error = np.nan if probabilities is None else calibration_error(probabilities, truth)
    return scores(truth, predicted, probabilities) | {"calibration_error": error}


def fold_scores(validations: Mapping[str, Validation]) -> pd.DataFrame:
    """One row a task and fold: task, fold and `scores`, of probabilities as the fold's model gives them."""
    rows = []
    for name, one in validations.items():
        for fold in np.unique(one.fold).tolist():
            of = one.fold == fold
            probabilities = None if one.probabilities is None else one.probabilities[of]
            rows.append({"task": name, "fold": fold, **scores(one.truth[of], one.predicted[of], probabilities)})
    return pd.DataFrame(rows, columns=["task", "fold", *SCORES])


def left_out_scores(validations: Mapping[str, Validation]) -> Scores:
    """`all_scores` of each task's left-out series together, of probabilities as other folds calibrate them."""
    return {name: all_scores(one.truth, one.predicted, one.recalibrated()) for name, one in validations.items()}


def scores_by_task(measured: Mapping[str, Scores]) -> dict[str, dict[str, float]]:
    """What was measured in several ways, each with a name that goes before its scores: `5-fold accuracy`."""
    by_task: dict[str, dict[str, float]] = {}
    for way, tasks in measured.items():
        for task, values in tasks.items():
            by_task.setdefault(task, {}).update({f"{way} {name}": value for name, value in values.items()})
    return by_task


def score_table(scores: Scores, title: str = "") -> str:
    """As text, a row a task."""
    return pd.DataFrame.from_dict(scores, "index").rename_axis(columns=title or None).to_string(float_format="%.3f")


def split_scores(bundle: Bundle, task: str, encoded: Encoded, y: np.ndarray) -> dict[str, float]:
    """`all_scores` of n series with labels (n,) as they were given, all known ones."""
    known = bundle.task(task)
    place = {label: c for c, label in enumerate(known.labels.tolist())}
    truth = np.array([place[label] for label in y.tolist()])
    probabilities = None if known.calibration is None else bundle.predict_proba(task, encoded)
    return all_scores(truth, predict(known.reader, encoded), probabilities)
