"""The report of your own data: one page on how well labels of new recordings are predicted, and on which to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from mtcs.bundles.bundle import Bundle
from mtcs.bundles.cross_validation import Validation
from mtcs.data.arrays import as_series
from mtcs.files import write_text
from mtcs.reports.analysis.affinity import THRESHOLD, LabelAffinity
from mtcs.reports.analysis.examples import Series, typical
from mtcs.reports.analysis.own import Case, OwnTask, own_task
from mtcs.reports.figures.drawing import Drawing
from mtcs.reports.figures.maps import label_pairs
from mtcs.reports.figures.own import learning_curves, own_overview
from mtcs.reports.figures.series import classified
from mtcs.reports.template import template
from mtcs.reports.writing import DASH, number, percent, probability, signed

MATRIX = 20
"""Labels up to which a confusion matrix is shown whole; of more, the most frequent confusions."""

SENTENCES = 6
"""Tasks up to which each has a sentence at the top."""


@dataclass(frozen=True)
class Settings:
    """How a model was made and measured: what is fitted, by which command, in how many folds and in which time."""

    name: str
    method: str
    classifier: str
    folds: int
    seconds: float


def write_own_report(
    path: Path,
    data: Mapping[str, tuple[Sequence[np.ndarray], np.ndarray]],
    validations: Mapping[str, Validation],
    bundle: Bundle,
    settings: Settings,
    ids: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Write the page, self-contained, whole or not at all; it shows series of the data.

    Args:
        path: the file, `.html`.
        data: series (T_i,) and labels by task, in the order of the validations' rows.
        validations: what was said of each series by models that had not seen it.
        bundle: the model of all series.
        settings: what the page says of how it was made.
        ids: names of the series by task; of a task without, series are called by their number from 0.

    Raises:
        OSError: if the file cannot be written.
    """
    tasks = [own_task(name, validation) for name, validation in validations.items()]
    series = {name: as_series(data[name][0], name, bundle.task(name).info.missing) for name in validations}
    examples = _examples(series, validations)
    threshold = getattr(bundle.model.spec, "threshold", THRESHOLD)
    pairs = _label_pairs(bundle, examples, threshold)
    page = template("own.html.jinja").render(
        eyebrow=settings.name,
        heading="How well new recordings are labelled",
        left=(),  # the precision of this page is a share of series, and not how products round
        tasks=tasks,
        settings=settings,
        overview=own_overview(tasks),
        pairs=pairs,
        threshold=threshold,
        alike=bundle.affinity is not None and len(tasks) > 1,
        learning=learning_curves(tasks),
        sections={},
        orders={},
        scores=scores_table(tasks),
        calibration=calibration_table(tasks),
        together=together_table(tasks),
        curves=curve_table(tasks),
        recall=recall_table,
        confusion=confusion_table,
        matrix=MATRIX,
        sentences=SENTENCES,
        gallery_of=lambda task, cases: _gallery(task, cases, series[task.name], examples, (ids or {}).get(task.name)),
        versions=", ".join(f"{name} {version}" for name, version in bundle.versions.items()),
    )
    write_text(path, page)


def _by_task(rows: dict[str, dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("task")


def scores_table(tasks: Sequence[OwnTask]) -> pd.DataFrame:
    """A row a task."""
    rows = {
        task.name: {
            "series": task.n,
            "labels": len(task.labels),
            "right": percent(task.accuracy),
            "95 % interval": f"{100 * task.low:.0f} to {100 * task.high:.0f}",
            "always most frequent": percent(task.majority),
            "mean recall": percent(float(task.by_label["recall"].to_numpy().mean())),
        }
        for task in tasks
    }
    return _by_task(rows)


def calibration_table(tasks: Sequence[OwnTask]) -> pd.DataFrame:
    """A row a task with probabilities."""
    rows = {
        task.name: {name: number(value) for name, value in task.calibration.items()}
        for task in tasks
        if task.calibration
    }
    return _by_task(rows)


def recall_table(task: OwnTask) -> pd.DataFrame:
    """A row a label: series, recall and precision."""
    shown = task.by_label.copy().astype({"series": str})
    for column in ("recall", "precision"):
        shown[column] = [DASH if np.isnan(value) else percent(value) for value in task.by_label[column]]
    return shown


def confusion_table(task: OwnTask) -> pd.DataFrame:
    """Series by label (row) and prediction (column), tinted by share of the row; of many labels the worst pairs."""
    shares = task.confusion / task.confusion.sum(axis=1, keepdims=True)
    if len(task.labels) <= MATRIX:
        cell = Markup('<span class="heat" style="--share: {:.2f}">{}</span>')
        cells = [
            [cell.format(share, count) if count else "" for share, count in zip(*row, strict=True)]
            for row in zip(shares, task.confusion, strict=True)
        ]
        return pd.DataFrame(cells, list(task.labels), list(task.labels), dtype=object).rename_axis(
            "labelled ↓ predicted →"
        )
    errors = task.confusion * (1 - np.eye(len(task.labels), dtype=np.int64))
    order = np.argsort(-errors, axis=None, kind="stable")[:MATRIX]
    rows = [divmod(int(i), len(task.labels)) for i in order if errors.flat[i]]
    return pd.DataFrame(
        {"predicted": [task.labels[q] for _, q in rows], "series": [int(errors[pair]) for pair in rows]},
        [task.labels[p] for p, _ in rows],
    ).rename_axis("labelled")


def together_table(tasks: Sequence[OwnTask]) -> pd.DataFrame:
    """A row a task: accuracy of both ways to learn, and whether the difference may be chance."""
    rows = {
        task.name: {
            "together": percent(task.accuracy),
            "alone": percent(one.alone),
            "difference": signed(task.accuracy - one.alone),
            "right only together": one.gained,
            "right only alone": one.lost,
            "p": probability(one.p),
        }
        for task in tasks
        if (one := task.together)
    }
    return _by_task(rows)


def curve_table(tasks: Sequence[OwnTask]) -> pd.DataFrame:
    """A row a task: accuracy with shares of its labels, and what the last doubling brought."""
    rows = {}
    for task in tasks:
        points = list(task.curve.items())
        if len(points) > 1:
            shown = ", ".join(f"{n}: {percent(accuracy)}" for n, accuracy in points)
            rows[task.name] = {"labelled series: right": shown, "last step": signed(points[-1][1] - points[-2][1])}
    return _by_task(rows)


def _examples(series: Mapping[str, Sequence[np.ndarray]], validations: Mapping[str, Validation]) -> Series:
    """A typical series of each label, by task and label as text."""
    drawn: dict[tuple[str, str | int], np.ndarray] = {}
    for name, one in validations.items():
        for c, label in enumerate(one.labels.tolist()):
            drawn[name, str(label)] = typical([series[name][i] for i in np.flatnonzero(one.truth == c)])
    return drawn


def _label_pairs(bundle: Bundle, examples: Series, threshold: float) -> Drawing | None:
    if bundle.affinity is None or len(bundle.model.tasks) < 2:
        return None
    names = [(task.name, label) for task in bundle.model.tasks for label in task.classes]
    tasks, labels = zip(*names, strict=True)
    affinity = LabelAffinity(bundle.affinity, tasks, labels, threshold)
    return label_pairs(affinity, examples, "alike", "Labels of different tasks that are alike")


def _gallery(
    task: OwnTask,
    cases: Sequence[Case],
    series: Sequence[np.ndarray],
    examples: Series,
    ids: Sequence[str] | None,
) -> list[dict[str, str]]:
    """Series in front of a typical one of their label (grey) and of what was predicted (dashed)."""
    return [
        classified(
            series[case.row],
            f"series {case.row}" if ids is None else f"{ids[case.row]:.60}",
            task.name,
            case.label,
            case.predicted,
            examples,
            "" if np.isnan(case.probability) else f" ({percent(case.probability)})",
        )
        for case in cases
    ]
