"""Cross-validation: what models say of each series that they have not seen, and how well that agrees with its label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from mtcs.bundles.bundle import Bundle, TaskClassifier
from mtcs.bundles.fit import fit_task
from mtcs.classifiers.calibration import fit_temperature
from mtcs.classifiers.classify import Encoded, decisions, predict
from mtcs.classifiers.mixture import FittedMixture
from mtcs.errors import InputError, counted
from mtcs.progress import progress, silence
from mtcs.training.hardware import Hardware

SHARES = (0.125, 0.25, 0.5, 1.0)
"""Of the training series of a fold, for the learning curve."""

FEWEST = 2
"""Series of each label that a classifier of the learning curve has at least."""

Train = Callable[[Mapping[str, tuple[Any, Any]]], Bundle]
"""Trains on {task: (X, y)}."""


@dataclass(frozen=True)
class LabelledTask:
    """A task's n series (T_i,), its labels (C,) as they were given, and of each series the index of its own (n,)."""

    series: list[np.ndarray]
    labels: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class CurvePoint:
    """What share of a fold's labels a classifier had, how many series these are, and how many others are right."""

    share: float
    n_labelled: int
    accuracy: float


@dataclass(frozen=True)
class Validation:
    """What is said of a task's n series by models that have not seen them.

    labels: (C,) as they were given; truth, predicted: (n,) indices of labels.
    fold: (n,) in which each was left out; group: (n,) what it comes from, where that was given.
    decisions: (n, C) of the classifiers, and their probabilities (n, C); None where they have none.
    alone: (n,) indices, by models that learned this task alone; None where that was not measured.
    curve: of classifiers that had fewer labels, on the representation that all of a fold's labels trained.
    """

    labels: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    fold: np.ndarray
    decisions: np.ndarray | None
    probabilities: np.ndarray | None
    group: np.ndarray | None = None
    alone: np.ndarray | None = None
    curve: tuple[CurvePoint, ...] = ()

    def recalibrated(self) -> np.ndarray | None:
        """Probabilities (n, C), of each fold by decisions of the others, for series of which no encoder knew labels."""
        if self.decisions is None:
            return None
        result = np.empty_like(self.decisions)
        for fold in np.unique(self.fold):
            rows = self.fold == fold
            result[rows] = fit_temperature(self.decisions[~rows], self.truth[~rows])(self.decisions[rows])
        return result


def validate(
    tasks: Mapping[str, LabelledTask],
    train: Train,
    hardware: Hardware,
    folds: int,
    groups: Mapping[str, Any] | None = None,
    alone: bool = False,
    curve: bool = False,
    workers: int = -1,
) -> dict[str, Validation]:
    """Leave out one fold after the other; each trains on the rest of all tasks together.

    Args:
        tasks: those that are learned together.
        train: of labels that are indices.
        hardware: where representations are computed.
        folds: parts of each task, stratified by label.
        groups: {task: (n,)} what series come from, as a machine or a patient: all of one are in the same fold.
        alone: train on each task alone, too, which takes as long again.
        curve: fit classifiers to shares of the labels, too, which takes seconds.
        workers: threads; -1 is one for every core.

    Raises:
        InputError: if a label has fewer series than there are folds, or groups seem to be of a task named otherwise.
    """
    groups = {} if groups is None else groups
    _check_groups(tasks, groups)
    splits = {name: _splits(name, task, folds, groups.get(name)) for name, task in tasks.items()}
    alone = alone and len(tasks) > 1
    said = {name: _LeftOut(task, alone) for name, task in tasks.items()}
    total = folds * (1 + alone * len(tasks))
    with progress("cross-validate", total, "trainings") as advance:
        done = 0
        advance(done, "")
        for fold in range(folds):
            part = {name: _rows(task, splits[name][fold][0]) for name, task in tasks.items()}
            with silence():
                bundle = train(part)
            advance(done := done + 1, f"fold {fold + 1}/{folds}")
            for name, task in tasks.items():
                kept, left_out = splits[name][fold]
                series, truth = _rows(task, left_out)
                with silence():
                    encoded = bundle.encode(name, series, hardware)
                said[name].fold[left_out] = fold
                said[name].read(bundle.task(name), encoded, left_out, workers)
                if curve:
                    with silence():
                        known = bundle.encode(name, part[name][0], hardware), task.truth[kept]
                    said[name].curve += _curve(bundle, name, *known, encoded, truth, workers)
                if (own := said[name].alone) is not None:
                    with silence():
                        single = train({name: part[name]})
                        own[left_out] = single.predict(name, single.encode(name, series, hardware), workers)
                    advance(done := done + 1, f"{name} alone, fold {fold + 1}/{folds}")
    return {name: one.validation(groups.get(name)) for name, one in said.items()}


def recalibrate(bundle: Bundle, validations: Mapping[str, Validation]) -> Bundle:
    """The bundle with probabilities that are calibrated by decisions for series of which no encoder knew the labels."""
    tasks = dict(bundle.tasks)
    for name, one in validations.items():
        if one.decisions is not None:
            tasks[name] = replace(tasks[name], calibration=fit_temperature(one.decisions, one.truth))
    return replace(bundle, tasks=tasks)


class _LeftOut:
    """What is said of a task's series so far."""

    def __init__(self, task: LabelledTask, alone: bool) -> None:
        n = len(task.truth)
        self.task = task
        self.predicted, self.fold = np.zeros((2, n), dtype=np.int64)
        self.decisions, self.probabilities = np.full((2, n, len(task.labels)), np.nan)
        self.alone = np.zeros(n, dtype=np.int64) if alone else None
        self.curve: list[CurvePoint] = []

    def read(self, known: TaskClassifier, encoded: Encoded, rows: np.ndarray, workers: int) -> None:
        """By a classifier of labels that are indices."""
        self.predicted[rows] = known.labels[predict(known.reader, encoded, workers)]
        values = decisions(known.reader, encoded, workers)
        if values is not None and known.calibration is not None:
            self.decisions[rows], self.probabilities[rows] = values, known.calibration(values)

    def validation(self, group: Any) -> Validation:
        with_decisions = not np.isnan(self.probabilities).any()
        return Validation(
            labels=self.task.labels,
            truth=self.task.truth,
            predicted=self.predicted,
            fold=self.fold,
            decisions=self.decisions if with_decisions else None,
            probabilities=self.probabilities if with_decisions else None,
            group=None if group is None else np.asarray(group),
            alone=self.alone,
            curve=tuple(self.curve),
        )


def _rows(task: LabelledTask, rows: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    return [task.series[i] for i in rows], task.truth[rows]


def _curve(
    bundle: Bundle,
    name: str,
    known: Encoded,
    truth: np.ndarray,
    left_out: Encoded,
    expected: np.ndarray,
    workers: int,
) -> list[CurvePoint]:
    """Classifiers of shares of a task's series `known` with labels `truth` (n,), on those that are `left_out`."""
    points, reader = [], bundle.task(name).reader
    choice, seed = reader.choice if isinstance(reader, FittedMixture) else None, bundle.model.seed
    for share in SHARES:
        rows = _share(truth, share)
        if np.bincount(truth[rows]).min() >= FEWEST or share == 1:
            part = Encoded(known.representations[rows], known.series[rows])
            fitted = fit_task(bundle.classifier, part, truth[rows], choice, seed, workers)
            points.append(CurvePoint(share, len(rows), float((predict(fitted, left_out, workers) == expected).mean())))
    return points


def _share(truth: np.ndarray, share: float) -> np.ndarray:
    """A share of the series of each label, drawn at random; larger shares hold the smaller ones."""
    place, rng = np.zeros(len(truth), dtype=np.int64), np.random.default_rng(0)
    for label in np.unique(truth):
        place[truth == label] = rng.permutation((truth == label).sum())
    return np.flatnonzero(place < np.maximum(1, np.round(share * np.bincount(truth)))[truth])


def _check_groups(tasks: Mapping[str, LabelledTask], groups: Mapping[str, Any]) -> None:
    """Raise where groups of no task fit one of a like name without any; others may be of tasks that were left out."""
    if not isinstance(groups, Mapping):
        raise InputError(f"groups is a {type(groups).__name__}, expected {{task: (n,)}}.")
    for key in groups.keys() - tasks.keys():
        n = np.size(groups[key])
        fitting = [str(name) for name, task in tasks.items() if name not in groups and len(task.truth) == n]
        if alike := get_close_matches(str(key), fitting, 1):
            raise InputError(
                f"groups has {key!r:.80}, which is no task, and task {alike[0]:.80}, of as many series, has none; name "
                "them alike, or leave them out."
            )


def _splits(name: str, task: LabelledTask, folds: int, groups: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels, indices = task.labels, task.truth
    if not isinstance(folds, int | np.integer) or folds < 2:
        raise InputError(f"folds is {folds!r}, expected a whole number of at least 2.")
    counts = np.bincount(indices)
    if counts.min() < folds:
        raise InputError(
            f"{name}: label {labels[counts.argmin()]} has {counts.min()} series, fewer than the {folds} folds; take "
            "fewer folds, or leave the label out."
        )
    if groups is None:
        return list(StratifiedKFold(folds, shuffle=True, random_state=0).split(indices, indices))
    groups = np.asarray(groups)
    if unknown := [i for i, group in enumerate(groups.ravel().tolist()) if group in (None, "") or group != group]:
        raise InputError(f"{name}: series {unknown[0]} has no group; name what it comes from, or leave it out.")
    if groups.shape != (len(indices),) or len(np.unique(groups)) < folds:
        raise InputError(
            f"{name}: {len(np.unique(groups))} groups of shape {groups.shape}, expected ({len(indices)},) with at "
            f"least {folds} different ones; take fewer folds."
        )
    splits = list(StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(indices, indices, groups))
    for train, _ in splits:
        if unseen := sorted(set(range(len(labels))).difference(indices[train].tolist())):
            n_groups = len(np.unique(groups[indices == unseen[0]]))
            raise InputError(
                f"{name}: all series of label {labels[unseen[0]]!s:.40}, from {counted(n_groups, 'group')}, are in one "
                "fold, so that nothing is left to learn it from; take fewer folds, or label series of other groups."
            )
    return splits
