"""How well series are labelled that a model has not seen: in folds of cross-validation, or as a test part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def fold_scores(validations: Mapping[str, Validation], recalibrated: bool = False) -> pd.DataFrame:
    """One row a task and fold: task, fold and `scores`, of probabilities as the fold's model gives them, or as other
    folds calibrate them.
    """
    rows = []
    for name, one in validations.items():
        probabilities = one.recalibrated() if recalibrated else one.probabilities
        for fold in np.unique(one.fold).tolist():
            of = one.fold == fold
            known = None if probabilities is None else probabilities[of]
            rows.append({"task": name, "fold": fold, **scores(one.truth[of], one.predicted[of], known)})
    return pd.DataFrame(rows, columns=["task", "fold", *SCORES])


def mean_scores(validations: Mapping[str, Validation]) -> Scores:
    """Of each task the mean of `fold_scores` over its folds, of probabilities as other folds calibrate them.

    The last, calibration_error, is of all its series at once: of a few it comes out too large.
    """
    means: Any = fold_scores(validations, recalibrated=True).groupby("task", sort=False)[list(SCORES)].mean()
    return {
        str(task): values | _calibration(validations[str(task)].truth, validations[str(task)].recalibrated())
        for task, values in means.to_dict("index").items()
    }


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
    """`scores` and calibration_error of n series with labels (n,) as they were given, all known ones."""
    known = bundle.task(task)
    place = {label: c for c, label in enumerate(known.labels.tolist())}
    truth = np.array([place[label] for label in y.tolist()])
    probabilities = None if known.calibration is None else bundle.predict_proba(task, encoded)
    predicted = predict(known.reader, encoded)
    return scores(truth, predicted, probabilities) | _calibration(truth, probabilities)


def _calibration(truth: np.ndarray, probabilities: np.ndarray | None) -> dict[str, float]:
    return {"calibration_error": np.nan if probabilities is None else calibration_error(probabilities, truth)}
