"""Labels of new series, column by column, by a bundle: a file of `mtcs fit`, or what a run of a suite has left."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from mtcs.bundles.bundle import Bundle
from mtcs.data.labels import is_missing, same_label
from mtcs.data.new_series import far_values, names_of, odd_series
from mtcs.data.recordings import Recordings, other_channels, other_order
from mtcs.errors import InputError, listed
from mtcs.training.hardware import Hardware


@dataclass(frozen=True)
class NewLabels:
    """What is said of n new series.

    columns: of n texts each, by name: `id` and `label` where the series have them ("" for a missing label),
        `predicted`, and what is known of probabilities.
    notes: sentences on how the series were read, and on those of which little can be said.
    """

    columns: dict[str, list[str]]
    notes: tuple[str, ...] = ()

    def csv(self) -> str:
        """A header, and a row a series."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(zip(*self.columns.values(), strict=True))
        return text.getvalue()

    @property
    def accuracy(self) -> tuple[float, int] | None:
        """The share of right labels among series that come with one, and how many these are; None without any."""
        pairs = zip(self.columns.get("label", ()), self.columns["predicted"], strict=False)
        right = [label == predicted for label, predicted in pairs if label]
        return (sum(right) / len(right), len(right)) if right else None


def label_by_bundle(
    bundle: Bundle, task: str, recordings: Recordings, file: Path, proba: bool, hardware: Hardware, threads: int
) -> NewLabels:
    """What a bundle says of the series of a task, in their order.

    file: where they come from, for messages.

    Raises:
        InputError: if they have other channels or labels than the task.
    """
    known = bundle.task(task)
    names = known.label_names
    if other := other_channels(recordings.channel_names, known.channel_names):
        raise InputError(
            f"{file} {other} as {task:.60} was trained on; write the same, or name them with --values "
            f"{','.join(known.channel_names)[:60]}."
        )
    if other := other_order(recordings.columns, known.columns):
        raise InputError(f"{file} {other} as {task:.60} was trained on; write the same, or name them with --values.")
    try:
        encoded = bundle.encode(task, recordings.series, hardware, names_of(recordings))
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    columns: dict[str, list[str]] = {} if recordings.ids is None else {"id": recordings.ids}
    if recordings.labels is not None:
        columns["label"] = _known_labels(file, task, recordings, names)
    columns["predicted"] = [str(one) for one in bundle.predict(task, encoded, threads).tolist()]
    if proba or known.calibration is not None:
        probabilities = bundle.predict_proba(task, encoded, threads)
        ordered = probabilities.copy()
        ordered.sort(axis=1)
        columns["margin"] = [f"{value:.6f}" for value in ordered[:, -1] - ordered[:, -2]]
        if proba:
            by_label = zip(names, probabilities.T, strict=True)
            columns |= {f"p_{name}": [f"{p:.6f}" for p in row] for name, row in by_label}
    sentences = _unlike_names(task, recordings.channel_names, known.channel_names)
    sentences += odd_series(recordings, known.lengths) + far_values(encoded.series, names_of(recordings))
    notes = [f"{file}: {sentence}" for sentence in sentences]
    message = [recordings.note] if recordings.note and recordings.labels is not None else []
    if message := [*message, *recordings.written]:
        notes.append(f"{file}: {'; '.join(message)}")
    return NewLabels(columns, tuple(notes))


def _unlike_names(task: str, names: Sequence[str], expected: Sequence[str]) -> list[str]:
    """A sentence, if any, on channels without names in training, and on a single one that is called otherwise there."""
    if len(names) > 1 and not expected:
        return [f"channels {listed(names, 100)}, where {task:.60} was trained without names; check that order."]
    if not len(names) == len(expected) == 1 or names == expected:
        return []
    return [f"column {names[0]:.40}, where {task:.60} was trained on {expected[0]:.40}; check that both are the same."]


def _known_labels(file: Path, task: str, recordings: Recordings, names: Sequence[str]) -> list[str]:
    """The labels that the series come with, each one of the task's, or "" where a word stands for a missing one."""
    assert recordings.labels is not None
    labels = []
    for name, given in zip(names_of(recordings), map(str, recordings.labels.tolist()), strict=True):
        label = same_label(given, names)
        if label is None and not is_missing(given):
            raise InputError(
                f"{file}: series {name:.60} has label {given:.40}, expected one of {task}'s ({listed(names)}) "
                "or '?'; --label says in which column labels are, or 'none'."
            )
        labels.append(label or "")
    return labels
