"""Labels of new series, column by column: by a file of `mtcs fit`, or by what a run of a suite has left."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from mtcs.data.new_series import far_values, names_of, odd_series, read_new_series
from mtcs.data.recordings import Recordings, other_channels
from mtcs.data.table_options import TableOptions
from mtcs.errors import InputError
from mtcs.evaluation.bundle import Bundle
from mtcs.evaluation.side_by_side import check_encoder, load_encoder
from mtcs.layout import Run
from mtcs.training.hardware import Hardware
from mtcs.training.model import Model

UNLABELLED = (None, "", "?")


@dataclass(frozen=True)
class NewLabels:
    """What is said of n new series.

    columns: of n texts each, by name: `id` and `label` where the series have them, `predicted`, and what is known of
        probabilities.
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
        right = [label == predicted for label, predicted in pairs if label not in UNLABELLED]
        return (sum(right) / len(right), len(right)) if right else None


def label_by_bundle(
    bundle: Bundle, task: str, file: Path, options: TableOptions, proba: bool, hardware: Hardware, threads: int
) -> NewLabels:
    """What a bundle says of the series of a task in a file of any format, in their order.

    Raises:
        InputError: if the file cannot be read so, or its labels are none of the task's.
    """
    known = bundle.task(task)
    names = [str(one) for one in known.labels.tolist()]
    recordings = read_new_series(file, task, options, frozenset(names))
    if other := other_channels(recordings.channel_names, known.channel_names):
        raise InputError(
            f"{file} {other} as {task:.60} was trained on; write the same, or name them with --values "
            f"{','.join(known.channel_names)[:60]}."
        )
    encoded = bundle.encode(task, recordings.series, hardware, names_of(recordings))
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
    sentences = odd_series(recordings, known.lengths) + far_values(encoded.series, names_of(recordings))
    notes = [f"{file}: {sentence}" for sentence in sentences]
    message = [recordings.note] * (recordings.labels is not None)
    message += [f"read with {recordings.written}"] * bool(recordings.written)
    if message:
        notes.append(f"{file}: {'; '.join(message)}")
    return NewLabels(columns, tuple(notes))


def load_trained(run: Run, task: str) -> Model:
    """The model of a run that serves a task.

    Raises:
        InputError: with the run's tasks if there is none of that name, or with what to run.
    """
    scope = _scope(run, task)
    if scope and not run.model(scope).exists() and (others := sorted(run.models.glob("*.safetensors"))):
        raise InputError(f"Unknown task {task}; {run} has {', '.join(path.stem for path in others)}.")
    model = load_encoder(run, scope)
    model.task(task)
    return model


def label_by_run(run: Run, model: Model, task: str, file: Path, hardware: Hardware, threads: int) -> NewLabels:
    """What the classifier that a run has fitted to a task says of the series of a `.ts` or `.tsv` file.

    Raises:
        InputError: if the classifier was fitted to another model's representations, or the file cannot be read.
    """
    from mtcs.evaluation.classify import load_reader, predict
    from mtcs.evaluation.measure import check_file
    from mtcs.evaluation.prediction import read_new
    from mtcs.evaluation.records import ClassifierRecord, read_record
    from mtcs.evaluation.represent import represent
    from mtcs.evaluation.representations import Encoded

    scope, info = _scope(run, task), model.task(task)
    classified = read_record(run.classified, ClassifierRecord, run, "classify")
    check_encoder(run, scope, classified, f"The classifier of {task} was")
    check_file(run.classifier(task), classified.fitted.get(task), f"than was fitted; {run.remedy('classify')}")
    reader = load_reader(run.classifier(task))
    series, labels = read_new(file, info)
    predicted = predict(reader, Encoded(represent(model.method, series, hardware, task), series), threads)
    with_labels = any(label is not None for label in labels)
    columns = {"label": ["" if label is None else label for label in labels]} if with_labels else {}
    return NewLabels({**columns, "predicted": [info.classes[index] for index in predicted]})


def _scope(run: Run, task: str) -> str | None:
    """What the run's model that serves a task is of: all tasks (None), or that task."""
    joint = any(one.model().exists() for one in run.encoders) or (run.spec is not None and run.joint)
    return None if joint else task


def _known_labels(file: Path, task: str, recordings: Recordings, names: Sequence[str]) -> list[str]:
    """The labels that the series come with, each one of the task's or none."""
    assert recordings.labels is not None
    labels = [str(one) for one in recordings.labels.tolist()]
    for name, label in zip(names_of(recordings), labels, strict=True):
        if label not in (*UNLABELLED, *names):
            raise InputError(
                f"{file}: series {name:.60} has label {label:.40}, expected one of {task}'s ({', '.join(names)[:150]}) "
                "or '?'; --label says in which column labels are, or 'none'."
            )
    return labels
