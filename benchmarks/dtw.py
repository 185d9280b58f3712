"""Exact one-nearest-neighbor DTW against the whole distance matrix of aeon and, where installed, of other libraries.

    python benchmarks/dtw.py [--tasks GunPoint OSULeaf noise] [--references 50] [--queries 10] [--threads 1 2]

The tasks come with aeon, z-normalised; `noise` is white noise of `--length` values. Every side finds the same nearest
distances, which is checked, after one call that is not timed, for compilation. Prints the least wall-clock seconds of
`--repeat` runs and how many times sooner ours is done. dtaidistance and tslearn are no dependencies: install either to
compare with it.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable

import joblib
import numpy as np
from aeon.datasets import load_classification
from aeon.distances import dtw_pairwise_distance

from mtcs.ops.dtw import nearest_blocks

Search = Callable[[np.ndarray, np.ndarray, int], np.ndarray]  # references, queries, threads -> nearest distances


def ours(references: np.ndarray, queries: np.ndarray, threads: int) -> np.ndarray:
    """The search of `mtcs`."""
    return np.concatenate([distances for _, distances in nearest_blocks(references, queries, threads)])


def aeon(references: np.ndarray, queries: np.ndarray, threads: int) -> np.ndarray:
    """The minimum of aeon's pairwise distances."""
    return dtw_pairwise_distance(queries[:, None], references[:, None], n_jobs=threads).min(axis=1)


def tslearn(references: np.ndarray, queries: np.ndarray, threads: int) -> np.ndarray:
    """The minimum of tslearn's pairwise distances, which are square roots."""
    from tslearn.metrics import cdist_dtw  # pyright: ignore[reportMissingImports]  # where it is installed

    return cdist_dtw(queries, references, n_jobs=threads).min(axis=1) ** 2


def dtaidistance(references: np.ndarray, queries: np.ndarray, threads: int) -> np.ndarray:
    """The minimum of dtaidistance's pairwise distances in C, which are square roots."""
    from dtaidistance import dtw  # pyright: ignore[reportMissingImports]  # where it is installed

    m, both = len(queries), np.vstack([queries, references])
    block = ((0, m), (m, len(both)))
    matrix = dtw.distance_matrix(both, block=block, use_c=True, parallel=threads > 1)
    return matrix[:m, m:].min(axis=1) ** 2


def series(task: str, length: int, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """The first n training and m test series of a task, z-normalised."""
    if task == "noise":
        rng = np.random.default_rng(0)
        parts = [rng.normal(size=(n, length)), rng.normal(size=(m, length))]
    else:
        parts = [
            np.asarray(load_classification(task, split=split)[0])[:k, 0] for split, k in (("train", n), ("test", m))
        ]
    references, queries = ((x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True) for x in parts)
    return references, queries


def seconds(search: Search, references: np.ndarray, queries: np.ndarray, threads: int, repeat: int) -> float:
    """Least wall-clock time of `repeat` runs."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        search(references, queries, threads)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Time all on the same series, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["GunPoint", "ArrowHead", "OSULeaf", "ACSF1", "noise"])
    parser.add_argument("--references", type=int, default=100, help="at most so many training series (default: 100)")
    parser.add_argument("--queries", type=int, default=10, help="at most so many test series (default: 10)")
    parser.add_argument("--length", type=int, default=300, help="of white noise (default: 300)")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, joblib.cpu_count()}))
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()

    others: dict[str, Search] = {"aeon": aeon}
    for name, search in (("dtaidistance", dtaidistance), ("tslearn", tslearn)):
        if importlib.util.find_spec(name):
            others[name] = search
        else:
            print(f"{name} is not installed: left out.")

    for task in arguments.tasks:
        references, queries = series(task, arguments.length, arguments.references, arguments.queries)
        expected = ours(references, queries, 1)
        for name, search in others.items():
            np.testing.assert_allclose(search(references, queries, 1), expected, rtol=1e-6, err_msg=f"{name}, {task}")
        for threads in arguments.threads:
            own = seconds(ours, references, queries, threads, arguments.repeat)
            line = f"{task} {len(references)} x {len(queries)}, T {references.shape[1]}, {threads} threads: "
            line += f"mtcs {own:.3f} s"
            for name, search in others.items():
                other = seconds(search, references, queries, threads, arguments.repeat)
                line += f"; {name} {other:.3f} s, {other / own:.1f} times ours"
            print(line, flush=True)


if __name__ == "__main__":
    main()
