"""What sharing does where labels are few: trained heads and readers of representations, with 5 to all labels a class.

    python benchmarks/sharing_few_labels.py SUITE [--labels 5 20 all] [--draws 5] [--readers ridge] [--out FILE]
    python benchmarks/sharing_few_labels.py SUITE --out FILE --table

In a workspace where `mtcs download SUITE` was run. For every draw of labelled series (also the seed of the training),
every number of them and every method: a training of as many epochs as make 500 steps, at least five, and the mean
accuracy over tasks, on all test series, of the heads, of kernel ridge and of the SVM of the paper's protocol. The file
has the accuracy on each task, too.

`mtl_rest` is MTL with a sharing weight of 1e-9, so that every head takes part in every step, as with sharing.
`mtcs_names` shares between labels of one name alone, `mtcs_names_sum` by the sum over coordinates, 320 times as hard:
for suites where these mean the same, such as the axes of UWave's gestures. `alone` is MTL with a model for each task;
`minirocket` has no encoder. One line of JSON each; killed, the same command continues. Curves of
ordinary runs are in the report of a folder of `mtcs init --labels`.
"""

import argparse
import json
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtcs.classifiers.classify import classify
from mtcs.config.experiment import Experiment
from mtcs.config.experiment_file import read_experiment
from mtcs.config.methods import MethodSpec
from mtcs.data.few_labels import with_few_labels
from mtcs.data.formats import read_raw
from mtcs.data.normalize import z_normalize
from mtcs.data.task import Task
from mtcs.evaluation.represent import represent_task
from mtcs.layout import Layout
from mtcs.training.hardware import Hardware, choose_hardware
from mtcs.training.loop import count_steps, train_method

METHODS = (
    "mtl",
    "mtcs_alpha_001",
    "mtcs",
    "mtcs_alpha_1",
    "mtcs_sum",
    "mtcs_random_pairs",
    "mtcs_covariance",
)
CHANGED: dict[str, tuple[str, dict[str, Any]]] = {
    "mtl_rest": ("mtl", {"sharing_weight": 1e-9}),
    "mtcs_names": ("mtcs", {"relevance": "names"}),
    "mtcs_names_sum": ("mtcs", {"relevance": "names", "reduction": "sum"}),
    "alone": ("mtl", {}),
}
METHODS += (*CHANGED, "minirocket")
LEAST_STEPS, LEAST_EPOCHS = 500, 5
READERS = ("ridge", "svm")


def drawn(layout: Layout, suite: str, names: tuple[str, ...], labels: int | None, draw: int) -> list[Task]:
    """The tasks with so many series of each label."""
    raw = [read_raw(layout.raw(suite, name), name) for name in names]
    return [z_normalize(one if labels is None else with_few_labels(one, labels, draw)) for one in raw]


def trained_long_enough(spec: MethodSpec, tasks: list[Task]) -> MethodSpec:
    """The parameters with as many epochs as make `LEAST_STEPS` steps."""
    epoch = count_steps(spec.schedule.model_copy(update={"epochs": 1}), tasks)
    epochs = max(LEAST_EPOCHS, ceil(LEAST_STEPS / epoch))
    return spec.model_copy(update={"schedule": spec.schedule.model_copy(update={"epochs": epochs})})


def scores(
    known: Experiment, method: str, readers: list[str], tasks: list[Task], seed: int, where: Hardware, part: Path
) -> Iterator[dict]:
    """Accuracies of a method on each task."""
    if method == "minirocket":
        for task in tasks:
            spec = known.classifier(method)
            _, predicted = classify(spec, task.train.series, task.train.labels, task.test.series, 1, seed=seed)
            yield {"task": task.name, "rocket": (predicted == task.test.labels).mean()}
        return
    like, changes = CHANGED.get(method, (method, {}))
    spec = known.methods[like].model_copy(update=changes)
    for scope in [[task] for task in tasks] if method == "alone" else [tasks]:
        model, _ = train_method(trained_long_enough(spec, scope), scope, seed, where, part)
        part.unlink(missing_ok=True)
        for task in scope:
            represented = represent_task(model, task, where)
            head = represented.head_predictions()
            accuracies = {"heads": np.nan if head is None else (head == task.test.labels).mean()}
            for reader in readers:
                fitted = known.classifiers[reader], represented.train, task.train.labels, represented.test
                accuracies[reader] = (classify(*fitted, 1, seed=seed)[1] == task.test.labels).mean()
            yield {"task": task.name, **accuracies}


def _count(line: dict) -> float:
    return np.inf if line["labels"] == "all" else int(line["labels"])


def table(lines: list[dict]) -> str:
    """Mean over draws and its standard deviation over them, by number of labels, method and reader."""
    frame = pd.DataFrame([{**line, **line["mean"]} for line in sorted(lines, key=_count)])
    columns = [name for name in ("heads", *READERS, "rocket") if name in frame]
    groups: Any = frame.groupby(["labels", "method"], sort=False)[columns]
    text = groups.mean().map("{:.3f}".format) + " ± " + groups.std().map("{:.3f}".format)
    return text.assign(draws=groups.size()).to_string()


def main() -> None:
    """Run what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite")
    parser.add_argument("--labels", nargs="+", default=["5", "10", "20", "50", "all"])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--readers", nargs="+", default=READERS, choices=READERS)
    parser.add_argument("--out", type=Path, default=Path("few_labels.jsonl"))
    parser.add_argument("--table", action="store_true", help="only show what is in the file")
    arguments = parser.parse_args()
    layout, out = Layout(), arguments.out
    done = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    done = [line for line in done if line["suite"] == arguments.suite]
    if not arguments.table:
        known = read_experiment(layout.params)
        where = choose_hardware("cpu", "auto", True, 1)
        for draw in range(arguments.draws):
            for labels in arguments.labels:
                tasks = drawn(
                    layout,
                    arguments.suite,
                    known.suite(arguments.suite).tasks,
                    int(labels) if labels != "all" else None,
                    draw,
                )
                for method in arguments.methods:
                    key = {"suite": arguments.suite, "labels": labels, "draw": draw, "method": method}
                    if any(key.items() <= line.items() for line in done):
                        continue
                    part = out.with_suffix(".safetensors")
                    by_task = pd.DataFrame(scores(known, method, arguments.readers, tasks, draw, where, part))
                    by_task = by_task.set_index("task")
                    line = {**key, "precision": where.precision, "mean": by_task.mean().round(5).to_dict()}
                    done.append(line | {"tasks": by_task.round(4).to_dict("index")})
                    with out.open("a") as file:
                        file.write(json.dumps(done[-1]) + "\n")
    print(table(done))


if __name__ == "__main__":
    main()
