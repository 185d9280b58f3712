"""How training ended: whether the loss still fell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtcs.reports.analysis.contents import Report

POINTS = 40
"""Points of a curve, each the mean over the steps between two of them; the last fifth is eight of them."""

FALL = 0.1
"""Least fall of the loss over the last fifth of training that is worth a sentence."""


def smoothed(frame: pd.DataFrame) -> np.ndarray:
    """Mean cross entropy in each of `POINTS` parts of training (POINTS,), all tasks and seeds; each step counts once.

    Empty where there are not as many steps.
    """
    points = frame[["step", "loss", "steps"]].astype(np.float64).dropna().to_numpy()
    if not len(points):
        return np.array([])
    part = np.minimum(POINTS * points[:, 0] // (points[:, 0].max() + 1), POINTS - 1).astype(int)
    steps = np.bincount(part, points[:, 2], POINTS)
    if (steps == 0).any():
        return np.array([])
    return np.bincount(part, points[:, 1] * points[:, 2], POINTS) / steps


def falling(report: Report) -> dict[str, float]:
    """By method with heads: the share by which the loss falls from the last fifth but one of training to the last.

    Empty where none falls by as much as `FALL`; methods whose loss does not fall are left out.
    """
    fall = {}
    for method in report.methods:
        losses = smoothed(report.curves[method]) if report.table.has_heads(method) else np.array([])
        if len(losses):
            before, after = losses[-2 * POINTS // 5 : -POINTS // 5].mean(), losses[-POINTS // 5 :].mean()
            fall[method] = float(1 - after / before)
    return (
        {method: share for method, share in fall.items() if share > 0} if max(fall.values(), default=0) >= FALL else {}
    )
