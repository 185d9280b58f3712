"""What each part of MTCS does: variants of it, paired with it seed by seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtcs.reports.analysis.paired import Paired, over_seeds, pair, seeds_by_tasks
from mtcs.reports.analysis.parameters import differences
from mtcs.reports.analysis.significance import REFERENCE

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
    accuracy: over the variant's seeds that have all these tasks, see `over_seeds`.
    paired: variant minus reference; of the reference itself, only its seeds.
    printed: the difference that the paper prints, NaN where there is none; `elsewhere` where that is over the 15 tasks
        of its Table 1 and not over these.
    """

    method: str
    differs: str
    accuracy: tuple[float, float]
    paired: Paired
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
    by_method = seeds_by_tasks(frame)
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
                differs = differences(parameters.get(method, {}), parameters.get(REFERENCE, {}))
                paired = pair((theirs.loc[seeds] - ours.loc[seeds]).to_numpy())
                printed = _printed(method, list(tasks), published)
                rows.append(Variant(method, differs, over_seeds(theirs.to_numpy()), paired, *printed))
    if not rows:
        return []
    complete = reference.dropna().to_numpy()
    return [Variant(REFERENCE, "", over_seeds(complete), Paired(len(complete))), *rows]


def improvement(variants: Sequence[Variant], methods: Sequence[str]) -> Variant | None:
    """The best of the variants that improve on the reference and are none of these methods."""
    better = [
        variant
        for variant in variants
        if variant.differs
        and variant.method not in methods
        and variant.paired.difference[0] > max(LEAST_GAIN, float(np.nan_to_num(variant.paired.difference[1])))
    ]
    return max(better, key=lambda variant: variant.paired.difference[0], default=None)


def _printed(method: str, tasks: list[str], published: pd.DataFrame) -> tuple[float, bool]:
    """The paper's difference of method and reference, and whether it is over other tasks than these."""
    by_task = {(row["task"], row["method"]): row["accuracy"] for row in published.to_dict("records")}
    ours, theirs = ([by_task.get((task, name), math.nan) for task in tasks] for name in (REFERENCE, method))
    here = float(np.mean(theirs) - np.mean(ours))
    if math.isnan(here) and method in PRINTED and "table1" in set(published["table"]):
        return PRINTED[method] - PRINTED[REFERENCE], True
    return here, False
