"""What a method costs: what is projected from what is timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mtcs.config.classifiers import SVM, KernelRidge, Mixture, NearestNeighbor, Quant, RandomKernels
from mtcs.config.methods import MultiTaskSpec, SeriesSpec, Spec
from mtcs.config.schedule import Schedule
from mtcs.data.task import Split, Task
from mtcs.evaluation import timing
from mtcs.evaluation.cost import MethodCost
from mtcs.evaluation.timing import Column
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
SERIES = SeriesSpec(kind="series", classifier="any")
CPU = choose_hardware("cpu", "fp32")


def make_task(name: str, train: int, test: int) -> Task:
    rng = np.random.default_rng(0)
    splits = [
        Split(rng.normal(size=(n, 12)).astype(np.float32), np.arange(n, dtype=np.int64) % 2) for n in (train, test)
    ]
    return Task(name, *splits, ("no", "yes"))


TASKS = [make_task("small", 10, 20), make_task("large", 70, 300)]  # 2 and 9 batches an epoch
SECONDS = {"small": 1.0, "large": 10.0}
FIT, LABEL = 3.0, 0.125  # seconds for a fit to ten series, which grow with their square, and for the label of a series


class Reader:
    def __init__(self, predict: Callable[..., None]) -> None:
        self.predict = predict


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

    def represent(model: Method, series: np.ndarray, *_: object) -> np.ndarray:
        now[0] += len(series) * (0.25 if len(series) == 20 else 0.5)
        return series

    def search(reader: object, series: np.ndarray, threads: int) -> None:
        now[0] += len(series) * (0.25 if len(series) == 20 else 0.5)

    def fit_reader(spec: object, series: np.ndarray, labels: np.ndarray, threads: int) -> Reader:
        assert len(series) == len(labels)
        now[0] += FIT * (len(series) / 10) ** 2

        def predict(new: np.ndarray, threads: int) -> None:
            now[0] += LABEL * len(new)

        return Reader(predict)

    monkeypatch.setattr(timing, "fit", fit)
    monkeypatch.setattr(timing, "represent", represent)
    monkeypatch.setattr(timing, "fit_reader", fit_reader)
    monkeypatch.setattr(timing.FittedNearestNeighbor, "predict", search)
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    return fitted


def time_one(spec: Spec, classifier: object, joint: bool = True, hardware: Hardware = CPU) -> MethodCost:
    column = Column("mtcs", classifier, {"depth": 1})  # pyright: ignore[reportArgumentType]
    (cost,) = timing.time_method(spec, TASKS, joint, [column], hardware)
    return cost


REPRESENTING = 30 * 0.5 + 370 * 0.5 - 30 * 0.25


def test_a_joint_model_is_projected_from_each_tasks_share_of_an_epoch(clocks: list[tuple[str, int]]) -> None:
    cost = time_one(SPEC, SVM(C=(1.0,)))
    assert clocks == [("small", 1), ("small", timing.STEPS), ("large", 1), ("large", timing.STEPS)]
    assert cost.training_seconds == 3 * (2 * 1 + 9 * 10)
    assert cost.series_per_second == pytest.approx(400 / REPRESENTING, abs=0.1)
    assert (cost.models, cost.method, cost.parameters, cost.precision) == (1, "mtcs", {"depth": 1}, "fp32")
    assert cost.weights == sum(weight.numel() for weight in prepared_method(SPEC, TASKS).parameters())
    assert cost.peak_memory_mb is not None
    assert cost.peak_memory_mb > 10


def test_a_search_is_said_to_run_on_the_processor_beside_a_gpu() -> None:
    spec = SeriesSpec(kind="dtw", classifier="nearest")
    cost = time_one(spec, NearestNeighbor(kind="nearest_neighbour"), False, Hardware(torch.device("cuda"), True))
    assert cost.device.startswith("cpu")
    assert cost.precision == "fp32"
    assert cost.peak_memory_mb is not None
    assert cost.peak_memory_mb > 10


def test_models_of_single_tasks_add_up(clocks: list[tuple[str, int]]) -> None:
    spec = SPEC.model_copy(update={"schedule": SPEC.schedule.model_copy(update={"steps": 4, "epochs": None})})
    cost = time_one(spec, SVM(C=(1.0,)), joint=False)
    assert cost.training_seconds == 4 * 1 + 4 * 10
    assert cost.models == 2
    assert cost.weights == max(sum(w.numel() for w in prepared_method(spec, [task]).parameters()) for task in TASKS)


def test_a_method_that_trains_nothing_searches_test_series(clocks: list[tuple[str, int]]) -> None:
    cost = time_one(SeriesSpec(kind="dtw", classifier="nearest"), NearestNeighbor(kind="nearest_neighbour"), False)
    assert not clocks
    assert (cost.models, cost.training_seconds, cost.weights) == (0, None, 0)
    assert cost.series_per_second == pytest.approx(320 / (20 * 0.25 + 300 * 0.5), abs=0.1)
    assert cost.reading_seconds == 20 * 0.25 + 300 * 0.5


@pytest.mark.parametrize("classifier", [SVM(C=(1.0,)), KernelRidge(kind="kernel_ridge")])
def test_reading_is_representing_fitting_and_labelling(classifier: object) -> None:
    cost = time_one(SPEC, classifier)
    expected = REPRESENTING + FIT * (1 + 49) + LABEL * (1 + 20 + 1 + 300)  # a call for one series counts as fit
    assert cost.reading_seconds == pytest.approx(expected)


@pytest.mark.parametrize(
    "classifier", [Quant(kind="quant"), RandomKernels(kind="random_kernels", transforms=("hydra",))]
)
def test_what_reads_series_itself_takes_the_same_and_represents_nothing(classifier: object) -> None:
    cost = time_one(SERIES, classifier, joint=False)
    assert cost.reading_seconds == pytest.approx(FIT * (1 + 49) + LABEL * 322)
    assert (cost.series_per_second, cost.peak_memory_mb, cost.training_seconds) == (None, None, None)


def test_of_a_large_task_a_fit_is_projected_by_how_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "FITTED", 40)
    cost = time_one(SERIES, Quant(kind="quant"), joint=False)
    assert cost.reading_seconds == pytest.approx(FIT * (1 + 49) + LABEL * 322, rel=0.01)


def test_a_reading_has_the_training_of_its_method_and_a_mixture_another(monkeypatch: pytest.MonkeyPatch) -> None:
    mixture = Mixture(kind="mixture", transforms=("hydra",), weights=(0, 1))
    columns = [
        Column("mtcs", SVM(C=(1.0,)), {}),
        Column("mtcs_ridge", KernelRidge(kind="kernel_ridge"), {}),
        Column("mtcs_rocket", mixture, {}, held_out=0.5),
    ]
    monkeypatch.setattr(timing, "_classifying", lambda *_: (1.0, 0.0))
    own, ridge, rocket = timing.time_method(SPEC, TASKS, True, columns, CPU)
    assert own.training_seconds == ridge.training_seconds
    assert rocket.training_seconds == pytest.approx(
        own.training_seconds * (1 + 6 / 11), abs=0.05
    )  # 1 and 5 batches an epoch
    assert (own.models, ridge.models, rocket.models) == (1, 1, 2)
    assert own.weights == rocket.weights, "of one model, as the report says"
    assert rocket.reading_seconds == pytest.approx(2 * (own.reading_seconds or 0) - 2, abs=0.1)
    assert (ridge.peak_memory_mb, rocket.peak_memory_mb) == (None, None)


def test_few_series_are_passed_over_as_often_as_least_steps_ask_for() -> None:
    spec = SPEC.model_copy(update={"schedule": SPEC.schedule.model_copy(update={"min_steps": 66})})
    assert timing._held_out_share(spec, TASKS, 0.5) == pytest.approx(1), "6 and 11 batches a pass, 11 and 6 passes"
