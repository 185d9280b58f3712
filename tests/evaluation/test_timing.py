"""What a method costs: what is projected from what is timed."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mtcs.config.methods import MultiTaskSpec, SeriesSpec
from mtcs.config.schedule import Schedule
from mtcs.data.task import Split, Task
from mtcs.evaluation import timing
from mtcs.methods import prepared_method
from mtcs.methods.base import Method
from mtcs.training.hardware import Hardware, choose_hardware

SPEC = MultiTaskSpec(
    kind="multitask",
    depth=1,
    hidden=4,
    output=8,
    sharing_weight=0.1,
    schedule=Schedule(epochs=3, batch_size=8, learning_rate=0.01),
    classifier="svm",
)


def make_task(name: str, train: int, test: int) -> Task:
    rng = np.random.default_rng(0)
    splits = [
        Split(rng.normal(size=(n, 12)).astype(np.float32), np.arange(n, dtype=np.int64) % 2) for n in (train, test)
    ]
    return Task(name, *splits, ("no", "yes"))


TASKS = [make_task("small", 10, 20), make_task("large", 70, 300)]  # 2 and 9 batches an epoch
SECONDS = {"small": 1.0, "large": 10.0}


@pytest.fixture(autouse=True)
def clocks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """A step on `large` takes ten seconds, on `small` one; the representation of a series a quarter and a half."""
    now, fitted = [0.0], []

    def fit(model: Method, tasks: Sequence[Task], schedule: Schedule, seed: int, on: object) -> SimpleNamespace:
        (task,) = tasks
        assert schedule.steps is not None
        assert schedule.epochs is None
        fitted.append((task.name, schedule.steps))
        return SimpleNamespace(seconds=SECONDS[task.name] * schedule.steps)

    def read(*arguments: object) -> None:
        series = next(one for one in arguments[::-1] if isinstance(one, np.ndarray))
        now[0] += len(series) * (0.25 if len(series) == 20 else 0.5)

    monkeypatch.setattr(timing, "fit", fit)
    monkeypatch.setattr(timing, "represent", read)
    monkeypatch.setattr(timing.FittedNearestNeighbor, "predict", read)
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    return fitted


def test_a_joint_model_is_projected_from_each_tasks_share_of_an_epoch(clocks: list[tuple[str, int]]) -> None:
    cost = timing.time_method("mtcs", SPEC, TASKS, True, {"depth": 1}, choose_hardware("cpu", "fp32"))
    assert clocks == [("small", 1), ("small", timing.STEPS), ("large", 1), ("large", timing.STEPS)]
    assert cost.training_seconds == 3 * (2 * 1 + 9 * 10)
    assert cost.series_per_second == pytest.approx(400 / (30 * 0.25 + 370 * 0.5), abs=0.1)
    assert (cost.models, cost.method, cost.parameters, cost.precision) == (1, "mtcs", {"depth": 1}, "fp32")
    assert cost.weights == sum(weight.numel() for weight in prepared_method(SPEC, TASKS).parameters())
    assert cost.peak_memory_mb > 10


def test_a_search_is_said_to_run_on_the_processor_beside_a_gpu() -> None:
    spec = SeriesSpec(kind="dtw", classifier="nearest")
    cost = timing.time_method("dtw", spec, TASKS, False, {}, Hardware(torch.device("cuda"), True))
    assert cost.device.startswith("cpu")
    assert cost.precision == "fp32"
    assert cost.peak_memory_mb > 10


def test_models_of_single_tasks_add_up(clocks: list[tuple[str, int]]) -> None:
    spec = SPEC.model_copy(update={"schedule": SPEC.schedule.model_copy(update={"steps": 4, "epochs": None})})
    cost = timing.time_method("alone", spec, TASKS, False, {}, choose_hardware("cpu", "fp32"))
    assert cost.training_seconds == 4 * 1 + 4 * 10
    assert cost.models == 2
    assert cost.weights == max(sum(w.numel() for w in prepared_method(spec, [task]).parameters()) for task in TASKS)


def test_a_method_that_trains_nothing_searches_test_series(clocks: list[tuple[str, int]]) -> None:
    spec = SeriesSpec(kind="dtw", classifier="nearest")
    cost = timing.time_method("dtw", spec, TASKS, False, {}, choose_hardware("cpu", "fp32"))
    assert not clocks
    assert (cost.models, cost.training_seconds, cost.weights) == (0, None, 0)
    assert cost.series_per_second == pytest.approx(320 / (20 * 0.25 + 300 * 0.5), abs=0.1)
