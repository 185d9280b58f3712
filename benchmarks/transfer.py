"""What the encoder `ucr` is worth for a new task, beside learning from scratch, TS2Vec and MiniRocket.

    python benchmarks/transfer.py ARCHIVE [--out FILE.json] [--draws 3] [--ways pretrained mixed ...]

ARCHIVE is a folder of the UCR archive's data sets, as MTCS_ARCHIVE. Tasks are data sets that the encoder has not seen:
one of each family with series of at most 170 steps. A draw takes 5, 10 or 20 training series a label (all where a label
has fewer); all of them are taken once. At most 500 test series, stratified, are labelled. Each way to learn gets the
same series:

    pretrained     mtcs.load("ucr").add_task: kernel ridge on the encoder as it is
    mixed          the same encoder, its kernel and that of random features together: with_random_kernels
    minirocket     MiniRocket with ridge, of aeon
    features       these random features alone: multirocket_hydra
    together       MTCS on all of these tasks at once, as `mtcs fit` does: five epochs, kernel ridge
    rocket         MTCS with differences on all of these tasks at once, and random features: mtcs_rocket, five epochs
    alone          the same on each task alone
    ts2vec         TS2Vec on each task alone, 200 steps (600 with more than 100,000 values), kernel ridge

Each result is written as soon as it is there, and a run that is started again goes on. Prints tables as Markdown, of
the draws that all their columns have.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from aeon.classification.convolution_based import MiniRocketClassifier
from sklearn.model_selection import train_test_split

import mtcs
from mtcs.data.formats import load_task
from mtcs.data.sources import fetch_task
from mtcs.files import atomic_write

TASKS = (
    "ChlorineConcentration",
    "DistalPhalanxTW",
    "ECG200",
    "ECG5000",
    "SonyAIBORobotSurface2",
    "TwoPatterns",
    "Wafer",
)
LABELS = (5, 10, 20, 0)
"""Series a label; 0 is all of them."""

MAX_TEST = 500

Labelled = tuple[np.ndarray, np.ndarray]
"""Series (n, T) and labels (n,)."""

Predict = Callable[[str, np.ndarray], np.ndarray]
"""Labels (n,) of a task's series (n, T)."""


def read(name: str, archive: str, folder: Path) -> tuple[Labelled, Labelled]:
    """Training part, and at most `MAX_TEST` test series."""
    fetch_task(name, folder / name, archive)
    task = load_task(folder / name, name)
    train, test = ((np.stack(part.series), np.array(part.labels)) for part in (task.train, task.test))
    if len(test[1]) > MAX_TEST:
        rows, _ = train_test_split(np.arange(len(test[1])), train_size=MAX_TEST, stratify=test[1], random_state=0)
        test = test[0][rows], test[1][rows]
    return train, test


def draw(data: Labelled, n: int, seed: int) -> Labelled:
    """`n` series of each label at random, all where it has fewer; of 0 all series."""
    X, y = data
    if not n:
        return data
    order = np.random.default_rng(seed).permutation(len(y))
    rows = np.concatenate([order[y[order] == label][:n] for label in np.unique(y)])
    return X[rows], y[rows]


def pretrained(data: dict[str, Labelled], seed: int, classifier: str = "ridge") -> Predict:
    """Of an encoder that is not trained; kernel ridge draws nothing."""
    model = mtcs.load("ucr").set_params(classifier=classifier)
    for name, (X, y) in data.items():
        model.add_task(name, X, y)
    return model.predict


def trained(data: dict[str, Labelled], seed: int, method: str = "mtcs", epochs: int | None = None) -> Predict:
    """With the settings of its publication."""
    return mtcs.MultiTaskClassifier(method, random_state=seed, epochs=epochs).fit(data).predict


def minirocket(data: dict[str, Labelled], seed: int) -> Predict:
    """Of one task."""
    ((X, y),) = data.values()
    model: Any = MiniRocketClassifier(random_state=seed).fit(X[:, np.newaxis], y)
    return lambda name, X: model.predict(X[:, np.newaxis])


WAYS: dict[str, Callable[[dict[str, Labelled], int], Predict]] = {
    "pretrained": pretrained,
    "mixed": partial(pretrained, classifier="with_random_kernels"),
    "minirocket": minirocket,
    "features": partial(trained, method="multirocket_hydra"),
    "together": trained,
    "rocket": partial(trained, method="mtcs_rocket", epochs=5),
    "alone": trained,
    "ts2vec": partial(trained, method="ts2vec"),
}
"""By name, the quick ones first."""

TOGETHER = ("together", "rocket")


def rows_of(
    way: str, data: dict[str, Labelled], test: dict[str, Labelled], n: int, seed: int
) -> Iterator[dict[str, object]]:
    """Accuracy of each task of `data`, learned together, and the seconds that learning took."""
    start = time.perf_counter()
    predict = WAYS[way](data, seed)
    seconds = time.perf_counter() - start
    for name, (_, y) in data.items():
        X, truth = test[name]
        accuracy = float((predict(name, X) == truth).mean())
        yield {
            "way": way,
            "task": name,
            "labels": n,
            "draw": seed,
            "series": len(y),
            "accuracy": round(accuracy, 4),
            "seconds": round(seconds, 2),
        }


def measure(archive: str, out: Path, n_draws: int, ways: Sequence[str]) -> pd.DataFrame:
    """All results, those that `out` has among them: the quick ways first, and of each one draw after another."""
    folder = out.with_suffix(".series")
    read_tasks = {name: read(name, archive, folder) for name in TASKS}
    train, test = ({name: parts[i] for name, parts in read_tasks.items()} for i in range(2))
    rows: list[dict[str, object]] = json.loads(out.read_text()) if out.exists() else []
    done = {(row["way"], row["task"], row["labels"], row["draw"]) for row in rows}
    for way, seed in product(ways, range(n_draws)):
        for n in LABELS if seed == 0 else LABELS[:-1]:
            drawn = {name: draw(data, n, seed) for name, data in train.items()}
            for names in [TASKS] if way in TOGETHER else [(name,) for name in TASKS]:
                if (way, names[0], n, seed) not in done:
                    rows += rows_of(way, {name: drawn[name] for name in names}, test, n, seed)
                    with atomic_write(out) as part:
                        part.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    return pd.DataFrame(rows)


def table(results: pd.DataFrame, ways: Sequence[str]) -> str:
    """Mean accuracy over tasks and over the draws that all `ways` have, by labelled series a label, as Markdown."""
    lines = [f"| series a label | draws | {' | '.join(ways)} |", "| --- | ---: |" + " ---: |" * len(ways)]
    for n in LABELS:
        cells: Any = results[results["labels"] == n].pivot_table("accuracy", ["draw", "task"], "way")
        complete = (
            cells.reindex(columns=list(ways)).dropna().groupby("draw").filter(lambda draw: len(draw) == len(TASKS))
        )
        values = [f"{value:.3f}" for value in complete.mean()]
        lines.append(f"| {n or 'all'} | {len(complete) // len(TASKS)} | {' | '.join(values)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="folder with the archive's data sets")
    parser.add_argument("--out", type=Path, default=Path("build/transfer.json"))
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS), help="those of the table")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    print(table(measure(options.archive, options.out, options.draws, options.ways), options.ways))


if __name__ == "__main__":
    main()
