"""The file of a bundle, `.mtcs`: arrays as safetensors, all else as JSON in its metadata, with a card in words.

Reading it runs no code of the file. No training series are in it, unless the classifier needs them: a nearest neighbor
and QUANT keep series, kernel ridge, a mixture and the SVM representations, random kernels neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

import mtcs
from mtcs.bundles.bundle import Bundle, TaskClassifier
from mtcs.bundles.card import model_card
from mtcs.bundles.contents import FORMAT, REMEDY, WHAT, Contents, Entry, decoded, described, encoded
from mtcs.classifiers.calibration import Calibration
from mtcs.classifiers.classify import KINDS, kind_of
from mtcs.classifiers.fitted import FORMAT as READER_FORMAT
from mtcs.classifiers.fitted import from_arrays, to_arrays
from mtcs.classifiers.fixed_length import MIN_LENGTH
from mtcs.classifiers.kernel_ridge import FittedKernelRidge
from mtcs.classifiers.mixture import FittedMixture
from mtcs.classifiers.nearest import FittedNearestNeighbor
from mtcs.classifiers.quant import FittedQuant
from mtcs.classifiers.random_kernels import RandomFeatureWeights
from mtcs.classifiers.svm import FittedSVM
from mtcs.errors import InputError
from mtcs.training.model import build_described, describe
from mtcs.training.tensor_file import read_tensors, remedy_of, write_tensors


def save_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle to `path`, whole or not at all; the same bundle gives the same bytes.

    Raises:
        InputError: if there is no task, a folder is there, or a label is of a type that the file has no form for.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, where a file is to be written; name another.")
    if not bundle.tasks:
        raise InputError(f"{path} would hold an encoder without a task; learn one with add_task() before save().")
    tensors = {f"model.{name}": tensor for name, tensor in bundle.model.method.state_dict().items()}
    tensors["similarity"] = torch.from_numpy(bundle.similarity)
    if bundle.affinity is not None:
        tensors["affinity"] = torch.from_numpy(bundle.affinity)
    entries = []
    for i, (name, task) in enumerate(bundle.tasks.items()):
        tensors |= {f"reader.{i}.{key}": torch.tensor(array) for key, array in to_arrays(task.reader).items()}
        entry = Entry(
            info=task.info,
            labels=encoded(task.labels, name),
            reader=f"{kind_of(task.reader)} {READER_FORMAT}",
            n_series=task.n_series,
            lengths=task.lengths,
            channel_names=task.channel_names,
            columns=task.columns,
            **({} if task.calibration is None else asdict(task.calibration)),
        )
        entries.append(entry)
    contents = Contents(
        classifier=bundle.classifier,
        precision=bundle.precision,
        tasks=tuple(entries),
        scores={task: dict(values) for task, values in bundle.scores.items()},
        versions=dict(bundle.versions),
    )
    model = bundle.model
    metadata = {
        "format": FORMAT,
        "mtcs": mtcs.__version__,
        "description": describe(model.spec, model.tasks, model.seed),
        "contents": contents.model_dump_json(),
        "README": model_card(bundle),
    }
    write_tensors(path.resolve(), tensors, metadata)  # of a link what it leads to


def load_bundle(path: Path) -> Bundle:
    """Read what `save_bundle` wrote.

    Raises:
        InputError: in one line, if there is no such file, or it is corrupt, of another kind or another format.
    """
    metadata, tensors = read_tensors(path, FORMAT, WHAT, REMEDY)
    remedy = remedy_of(metadata, REMEDY)
    parts = _by_part(tensors)
    model = build_described(path, metadata, parts.pop("model", {}), remedy)
    with described(path, remedy):
        contents = Contents.model_validate_json(metadata.get("contents", "{}"))
        tasks, width = {}, getattr(model.spec, "output", None)
        for i, entry in enumerate(contents.tasks):
            info, arrays = entry.info, parts.pop(f"reader.{i}", {})
            reader = from_arrays(entry.reader, {key: tensor.numpy() for key, tensor in arrays.items()}, KINDS)
            calibration = None if entry.sharpness is None else Calibration(entry.sharpness, entry.floor)
            tasks[info.name] = TaskClassifier(
                info,
                decoded(entry.labels),
                reader,
                entry.n_series,
                entry.lengths,
                calibration,
                entry.channel_names,
                entry.columns,
            )
            _check_task(tasks[info.name], width and width * model.spec.members)
        learned = tuple(task.info for task in tasks.values())[: len(model.tasks)]
        if learned != model.tasks or len(tasks) != len(contents.tasks):
            raise ValueError("its tasks are not those of its model")
        extra = {name: tensor.numpy() for name, tensor in parts.pop("", {}).items()}
        similarity, affinity = extra.pop("similarity", None), extra.pop("affinity", None)
        sides = len(model.tasks), sum(task.n_classes for task in model.tasks)
        wrong = [
            one
            for one, n in zip((similarity, affinity), sides, strict=True)
            if one is not None and (one.shape != (n, n) or one.dtype.kind != "f")
        ]
        if similarity is None or wrong or parts or extra:
            raise ValueError("its arrays are not those it describes")
    return Bundle(
        model=model,
        tasks=tasks,
        similarity=similarity,
        affinity=affinity,
        classifier=contents.classifier,
        precision=contents.precision,
        scores=contents.scores,
        versions=contents.versions,
    )


def _by_part(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors by what they belong to: `model`, `reader.0`, ..., and "" for the others."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"(model|reader\.\d+)\.(.+)", name, re.DOTALL)
        part, key = match.groups() if match else ("", name)
        parts.setdefault(part, {})[key] = tensor
    return parts


def _check_task(task: TaskClassifier, width: int | None) -> None:
    """Raises ValueError if labels, classes and the width of representations do not belong together."""
    match task.reader:
        case (
            FittedSVM(vectors=support, classes=classes)
            | FittedKernelRidge(series=support, classes=classes)
            | FittedMixture(representations=support, classes=classes)
        ):
            if width is not None and support.shape[1] != (expected := width * task.info.channels):
                support_width = f"representations of {support.shape[1]}, expected {expected}"
                raise ValueError(f"{task.info.name:.40} reads {support_width}")
        case FittedNearestNeighbor(labels=classes) | FittedQuant(labels=classes):
            pass
        case reader:
            classes = reader.classes
    if len(task.labels) != task.info.n_classes or classes.min() < 0 or classes.max() >= task.info.n_classes:
        raise ValueError(f"{task.info.name:.40} has labels that its classifier does not know")
    if not task.lengths[0] <= task.lengths[1]:
        raise ValueError(f"{task.info.name:.40} has lengths {task.lengths}")
    if isinstance(task.reader, RandomFeatureWeights) and (
        task.reader.channels != task.info.channels or task.reader.length > max(task.lengths[1], MIN_LENGTH)
    ):
        raise ValueError(f"{task.info.name:.40} has series of other sizes than its classifier reads")
