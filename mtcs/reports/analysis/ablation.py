"""What each part of MTCS does: variants of it, paired with it seed by seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtcs.config.parameters import differences
from mtcs.reports.analysis.significance import DIGITS, REFERENCE

COLUMNS_COMPARED = ("mtl", "mmoe", "ts2vec_joint")
"""Columns of the main table that are ablations of MTCS as well: no sharing, mixed encoders, no labels."""

LEAST_GAIN = 0.005
"""A variant is an improvement if it is better by more than this, and by more than one standard deviation."""

PRINTED = {REFERENCE: 0.882, "mmoe": 0.881, "ts2vec_joint": 0.812}
"""Mean accuracies over the 15 tasks of the paper's Table 1 that its ablations (Section 4.4) name; the methods'
accuracies by task are not printed."""


@dataclass(frozen=True)
class Variant:
    """A variant beside the reference, over the tasks that both have.

    differs: its parameters that are not the reference's, in words; empty for the reference itself.
    mean, std: accuracy over the variant's seeds that have all these tasks; std with ddof = 1.
    seeds: how many seeds both have with all these tasks; the fields below are over these.
    difference, difference_std: variant minus reference by seed, mean and std with ddof = 1.
    better, equal, worse: tasks, by the mean over these seeds.
    printed: the difference that the paper prints, NaN where there is none; `elsewhere` where that is over the 15 tasks
        of its Table 1 and not over these.
    """

    method: str
    differs: str
    mean: float
    std: float
    seeds: int
    difference: float = math.nan
    difference_std: float = math.nan
    better: int = 0
    equal: int = 0
    worse: int = 0
    printed: float = math.nan
    elsewhere: bool = False


def ablate(
    frame: pd.DataFrame,
    variants: Sequence[str],
    parameters: Mapping[str, Mapping[str, object]],
    published: pd.DataFrame,
) -> list[Variant]:
    """The reference and then each variant that has a seed in common with it; empty where there is none.

    Args:
        frame: accuracies in long form.
        variants: in the order of the rows.
        parameters: by method, as plain values.
        published: the paper's accuracies of the suite's tasks in long form.
    """
    by_method = {
        str(method): group.pivot_table(index="seed", columns="task", values="accuracy")
        for method, group in frame.groupby("method")
    }
    reference = by_method.get(REFERENCE)
    if reference is None:
        return []
    rows = []
    for method in variants:
        if method in by_method:
            tasks = reference.columns.intersection(by_method[method].columns)
            ours, theirs = reference[tasks].dropna(), by_method[method][tasks].dropna()
            seeds = ours.index.intersection(theirs.index)
            if len(tasks) and len(seeds):
                gaps = (theirs.loc[seeds] - ours.loc[seeds]).to_numpy()  # (seeds, tasks)
                by_task = gaps.mean(0).round(DIGITS)
                mean, std = _over_seeds(theirs.to_numpy())
                difference, difference_std = _over_seeds(gaps)
                printed, elsewhere = _printed(method, list(tasks), published)
                rows.append(
                    Variant(
                        method=method,
                        differs=differences(parameters.get(method, {}), parameters.get(REFERENCE, {})),
                        mean=mean,
                        std=std,
                        seeds=len(seeds),
                        difference=difference,
                        difference_std=difference_std,
                        better=int((by_task > 0).sum()),
                        equal=int((by_task == 0).sum()),
                        worse=int((by_task < 0).sum()),
                        printed=printed,
                        elsewhere=elsewhere,
                    )
                )
    if not rows:
        return []
    complete = reference.dropna().to_numpy()
    return [Variant(REFERENCE, "", *_over_seeds(complete), len(complete)), *rows]


def improvement(variants: Sequence[Variant], methods: Sequence[str]) -> Variant | None:
    """The best of the variants that improve on the reference and are none of these methods."""
    better = [
        variant
        for variant in variants
        if variant.differs
        and variant.method not in methods
        and variant.difference > max(LEAST_GAIN, float(np.nan_to_num(variant.difference_std)))
    ]
    return max(better, key=lambda variant: variant.difference, default=None)


def _over_seeds(values: np.ndarray) -> tuple[float, float]:
    """Mean over tasks and seeds, and the standard deviation over seeds of the former; (seeds, tasks)."""
    by_seed = values.mean(1)
    return float(by_seed.mean()), float(by_seed.std(ddof=1)) if len(by_seed) > 1 else math.nan


def _printed(method: str, tasks: list[str], published: pd.DataFrame) -> tuple[float, bool]:
    """The paper's difference of method and reference, and whether it is over other tasks than these."""
    by_task = {(row["task"], row["method"]): row["accuracy"] for row in published.to_dict("records")}
    ours, theirs = ([by_task.get((task, name), math.nan) for task in tasks] for name in (REFERENCE, method))
    here = float(np.mean(theirs) - np.mean(ours))
    if math.isnan(here) and method in PRINTED and not np.isnan(ours).any():
        return PRINTED[method] - PRINTED[REFERENCE], True
    return here, False
