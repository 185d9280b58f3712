"""What the earlier stages left for a report to read: data, predictions, training curves and run records."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mtcs.errors import InputError
from mtcs.layout import Layout
from mtcs.tasks import read_task

CURVE_COLUMNS = ("step", "task", "loss", "sharing_loss", "relevant_share")


def machine(device: object) -> str:
    """Where something was computed, as a run's record says it, in proper English."""
    return re.sub(r"\b1 threads$", "1 thread", str(device))


def read_data(layout: Layout, suite: str, tasks: Sequence[str]) -> list[dict[str, str]]:
    """Which data: each task's sizes, and the beginning of a SHA-256 of its normalised series and their labels.

    Raises:
        InputError: if a file is missing or does not hold a task.
    """
    rows = []
    for name in tasks:
        task, digest = read_task(layout.normalized(suite, name)), hashlib.sha256()
        for split in (task.train, task.test):
            digest.update(f"{split.series.shape} {task.classes}".encode())
            digest.update(split.series.tobytes())
            digest.update(split.labels.tobytes())
        rows.append(
            {
                "task": name,
                "training series": f"{len(task.train):,}",
                "test series": f"{len(task.test):,}",
                "length": f"{task.length:,}",
                "labels": str(task.n_classes),
                "SHA-256": digest.hexdigest()[:12],
            }
        )
    return rows


def read_predictions(path: Path) -> pd.DataFrame:
    """One row a test series: `label` and `predicted`, both the archive's label strings ("1" and "1.0" differ).

    Raises:
        InputError: if the file does not hold these two columns and at least one row.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise InputError(f"{path} does not hold predictions ({error}); delete it and run 'mtcs classify'.") from error
    if list(frame.columns) != ["label", "predicted"] or frame.empty:
        raise InputError(
            f"{path} has {len(frame)} rows and the columns {','.join(frame.columns)}, expected label,predicted and "
            "at least one row; delete it and run 'mtcs classify'."
        )
    return frame


def trained_jointly(layout: Layout, suite: str, method: str, seeds: Sequence[int]) -> bool:
    """Whether one model of the method serves all tasks, so that their representations can be compared."""
    paths = (layout.model, layout.curves, layout.record)
    return any(path(suite, method, seed).exists() for path in paths for seed in seeds)


def read_curves(layout: Layout, suite: str, method: str, tasks: Sequence[str], seeds: Sequence[int]) -> pd.DataFrame:
    """The training curves of a method, all seeds below one another: a column `seed` before `CURVE_COLUMNS`.

    Raises:
        InputError: if a file lacks one of the columns.
    """
    frames = [pd.DataFrame(columns=["seed", *CURVE_COLUMNS])]
    for seed in seeds:
        for task in (None, *tasks):
            path = layout.curves(suite, method, seed, task)
            if path.exists():
                try:
                    frame = pd.read_csv(path, usecols=list(CURVE_COLUMNS), dtype={"task": str})
                except ValueError as error:
                    raise InputError(
                        f"{path} does not hold training curves ({error}); delete it and run 'mtcs train'."
                    ) from error
                frames.append(frame[list(CURVE_COLUMNS)].assign(seed=seed))
    return pd.concat(frames[1:] or frames, ignore_index=True)


def read_records(layout: Layout, suite: str, method: str, tasks: Sequence[str], seed: int) -> list[dict[str, Any]]:
    """The run records of a method and seed: one of a joint model, or one a task.

    Raises:
        InputError: if a file does not hold a JSON object.
    """
    records = []
    for task in (None, *tasks):
        path = layout.record(suite, method, seed, task)
        if path.exists():
            try:
                record = json.loads(path.read_text("utf-8"))
            except ValueError as error:
                raise InputError(f"{path} does not hold a run record ({error}); delete it and train again.") from error
            if not isinstance(record, dict):
                raise InputError(f"{path} holds {type(record).__name__}, expected a JSON object with the run record.")
            records.append(record)
    return records
