"""The training loop: what a batch holds, determinism, kill and resume, curves, weights on disk, and its errors."""

import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from mtcs.config.methods import MethodSpec, MultiTaskSpec
from mtcs.config.schedule import Schedule
from mtcs.data.task import Split, Task, fingerprint, write_index, write_task
from mtcs.errors import InputError, WorkError
from mtcs.evaluation.represent import represent
from mtcs.files import atomic_write
from mtcs.layout import Layout, Run
from mtcs.methods import prepared_method
from mtcs.methods.base import Batch, Method
from mtcs.training.checkpoint import checkpoint_key, discard_checkpoints
from mtcs.training.hardware import Hardware, choose_hardware
from mtcs.training.loop import COLUMNS, count_steps, fit

CPU = Hardware(torch.device("cpu"), bf16=False)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


def make_task(name: str, length: int = 12, n: int = 10, n_classes: int = 2, seed: int = 0) -> Task:
    """The first value of a training series is its row number."""
    generator = np.random.default_rng(seed)
    splits = []
    for size in (n, 6):
        series = generator.normal(size=(size, length)).astype(np.float32)
        series[:, 0] = np.arange(size)
        splits.append(Split(series, np.arange(size) % n_classes))
    return Task(name, *splits, tuple(str(c) for c in range(n_classes)))


TASKS = (make_task("a", n=10), make_task("b", n=7, n_classes=3, seed=1), make_task("c", length=30, n=4, seed=2))


def make_spec(epochs: int = 3, **changes) -> MultiTaskSpec:
    schedule = Schedule(epochs=epochs, batch_size=4, learning_rate=changes.pop("learning_rate", 0.01))
    fields = {"depth": 2, "hidden": 4, "output": 8, "sharing_weight": 0.1, "threshold": 1.0, **changes}
    return MultiTaskSpec(kind="multitask", schedule=schedule, classifier="svm", **fields)


def train(spec: MethodSpec, seed: int = 0, checkpoint: Path | None = None, on: Hardware = CPU):
    torch.manual_seed(seed)
    method = prepared_method(spec, TASKS)
    trained = fit(method, TASKS, spec.schedule_for(TASKS), seed, on, checkpoint)
    return method, trained.curves, trained.seconds


def weights_of(method: Method) -> bytes:
    return b"".join(name.encode() + t.cpu().numpy().tobytes() for name, t in method.state_dict().items())


class Spy(Method):
    """Records what it is given; its loss is not finite from the step `broken` on."""

    def __init__(self, broken: int | None = None, value: float = math.nan) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.batches: list[Batch] = []
        self.broken, self.value = broken, value

    def loss(self, batch: Batch) -> torch.Tensor:
        self.batches.append(batch)
        broken = self.broken is not None and len(self.batches) >= self.broken
        return self.weight * self.value + self.value if broken else (self.weight - 1) ** 2

    def represent(self, series: torch.Tensor, task: str | None = None) -> torch.Tensor:
        return series[:, :1]


# What a batch holds


def test_every_series_is_seen_once_an_epoch_in_batches_of_one_task():
    spy = Spy()
    fit(spy, TASKS, Schedule(epochs=2, batch_size=4, learning_rate=0.1), seed=0, hardware=CPU)
    steps = 3 + 2 + 1  # batches of at most 4 of 10, 7 and 4 series
    assert len(spy.batches) == 2 * steps
    orders = []
    for epoch in (spy.batches[:steps], spy.batches[steps:]):
        seen = [(batch.task, int(row)) for batch in epoch for row in batch.series[:, 0]]
        assert sorted(seen) == sorted((task.name, row) for task in TASKS for row in range(len(task.train)))
        assert Counter(len(batch.series) for batch in epoch) == {4: 4, 3: 1, 2: 1}
        orders.append(seen)
    assert orders[0] != orders[1]
    tasks = {task.name: task for task in TASKS}
    for batch in spy.batches:
        rows = batch.series[:, 0].long().numpy()
        np.testing.assert_array_equal(batch.series.numpy(), tasks[batch.task].train.series[rows])
        np.testing.assert_array_equal(batch.labels.numpy(), tasks[batch.task].train.labels[rows])
    names = [batch.task for batch in spy.batches]
    assert names != sorted(names), "tasks are not shuffled together"


def test_a_pass_may_leave_out_what_does_not_fill_a_batch():
    spy = Spy()
    fit(spy, TASKS, Schedule(epochs=2, batch_size=5, learning_rate=0.1, drop_last=True), seed=0, hardware=CPU)
    sizes = Counter((batch.task, len(batch.series)) for batch in spy.batches)
    assert sizes == {("a", 5): 4, ("b", 5): 2, ("c", 4): 2}, "c has 4 series, all there is"


@pytest.mark.parametrize(
    ("schedule", "steps", "epochs"),
    [({"steps": 8}, 8, 2), ({"steps": 8, "epochs": 1}, 6, 1), ({"steps": 3, "epochs": 9}, 3, 1), ({"steps": 0}, 0, 0)],
)
def test_training_ends_with_steps_or_epochs_whichever_comes_first(schedule, steps, epochs):
    spy = Spy()
    trained = fit(spy, TASKS, Schedule(**schedule, batch_size=4, learning_rate=0.1), seed=0, hardware=CPU)
    assert len(spy.batches) == len(trained.curves) == steps
    assert trained.curves["epoch"].nunique() == epochs
    assert trained.series == sum(len(batch.series) for batch in spy.batches)


def test_a_method_without_weights_is_not_trained():
    class Plain(Spy):
        def __init__(self) -> None:
            super().__init__()
            del self.weight

    trained = fit(Plain(), TASKS, Schedule(steps=0, batch_size=1, learning_rate=1), seed=0, hardware=CPU)
    assert (len(trained.curves), trained.seconds, trained.series) == (0, 0, 0)
    assert tuple(trained.curves.columns) == COLUMNS


def test_the_mean_of_the_weights_after_every_step_is_what_remains():
    class Walk(Spy):
        def loss(self, batch: Batch) -> torch.Tensor:
            self.seen = [*getattr(self, "seen", []), self.weight.item()]
            return super().loss(batch)

    schedule = Schedule(epochs=2, batch_size=4, learning_rate=0.1, average=True)
    walk, last = Walk(), Walk()
    fit(walk, TASKS, schedule, seed=0, hardware=CPU)
    fit(last, TASKS, schedule.model_copy(update={"average": False}), seed=0, hardware=CPU)
    after = [*walk.seen[1:], last.weight.item()]
    assert walk.seen == last.seen, "the mean does not enter the training"
    assert walk.weight.item() == pytest.approx(np.mean(after), rel=1e-6)


def test_long_gradients_are_scaled_down():
    class Steep(Spy):
        def loss(self, batch: Batch) -> torch.Tensor:
            return 1000 * super().loss(batch)

    moved = {}
    for clip in (None, 1e-9):
        spy = Steep()
        schedule = Schedule(steps=1, batch_size=4, learning_rate=0.1, weight_decay=0, clip_norm=clip)
        fit(spy, TASKS, schedule, seed=0, hardware=CPU)
        moved[clip] = spy.weight.item()
    assert moved[None] == pytest.approx(0.1, rel=1e-3)
    assert 0 < moved[1e-9] < 0.02, "a gradient near Adam's epsilon moves less than a whole step"


@pytest.mark.parametrize(
    ("name", "reference"),
    [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("radam", torch.optim.RAdam)],
)
def test_optimisers_are_torchs(name, reference):
    spy, twin = Spy(), Spy()
    settings = {"betas": (0.8, 0.95), "weight_decay": 0.3}
    fit(
        spy, TASKS, Schedule(steps=9, batch_size=4, learning_rate=0.1, optimizer=name, **settings), seed=0, hardware=CPU
    )
    optimizer = reference(twin.parameters(), lr=0.1, **settings)
    for batch in spy.batches:
        optimizer.zero_grad()
        twin.loss(batch).backward()
        optimizer.step()
    torch.testing.assert_close(spy.weight, twin.weight)


# Curves


def test_curves_have_one_row_a_step():
    _, curves, seconds = train(make_spec(epochs=2))
    assert tuple(curves.columns) == COLUMNS
    assert curves["step"].tolist() == list(range(1, 13))
    assert curves["epoch"].tolist() == [1] * 6 + [2] * 6
    assert curves.groupby("epoch")["task"].value_counts().to_dict() == {
        (epoch, name): count for epoch in (1, 2) for name, count in (("a", 3), ("b", 2), ("c", 1))
    }
    assert (curves["learning_rate"] == 0.01).all()
    assert (curves["series_per_second"] > 0).all()
    assert np.isfinite(curves[["loss", "sharing_loss"]]).all(axis=None)
    assert curves["relevant_share"].between(0, 1).all()
    assert seconds > 0


def test_curves_of_a_method_that_shares_nothing_leave_those_columns_empty():
    _, curves, _ = train(make_spec(sharing_weight=0))
    assert curves[["sharing_loss", "relevant_share"]].isna().all(axis=None)
    assert curves["loss"].notna().all()


# Determinism, kill and resume

AVERAGED = Schedule(steps=16, batch_size=4, learning_rate=0.01, optimizer="radam", clip_norm=1, average=True)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, again, other = (train(make_spec(), seed) for seed in (0, 0, 1))
    assert weights_of(first[0]) == weights_of(again[0])
    assert weights_of(first[0]) != weights_of(other[0])
    timeless = [curves.drop(columns="series_per_second") for _, curves, _ in (first, again)]
    pd.testing.assert_frame_equal(*timeless, check_exact=True)


def test_the_seed_of_the_order_counts_too():
    weights = []
    for seed in (0, 1):
        torch.manual_seed(0)
        method = prepared_method(make_spec(), TASKS)
        fit(method, TASKS, make_spec().schedule, seed, CPU)
        weights.append(weights_of(method))
    assert weights[0] != weights[1]


def test_training_leaves_torch_as_it_found_it():
    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    train(make_spec(epochs=1))
    assert (torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory) == before


def interrupt_at(monkeypatch, spec: MethodSpec, step: int, checkpoint: Path, on: Hardware = CPU) -> None:
    """Train until the given step, then stop as Ctrl-C does."""
    steps = 0
    loss = type(prepared_method(spec, TASKS)).loss

    def broken(self, batch):
        nonlocal steps
        steps += 1
        if steps == step:
            raise KeyboardInterrupt
        return loss(self, batch)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("mtcs.methods.multitask.MultiTask.loss", broken)
        train(spec, checkpoint=checkpoint, on=on)


def test_what_another_process_is_writing_stays(tmp_path):
    name = f"tiny-ts2vec-0-A-{32 * '0'}.safetensors"
    finished, damaged, abandoned = tmp_path / name, tmp_path / f"{name}.damaged", tmp_path / f".{name}.part-x"
    for path in (finished, damaged, abandoned):
        path.write_text("a checkpoint")
        os.utime(path, (0, 0))
    with atomic_write(finished) as part:
        part.write_text("a later one")
        os.utime(part, (0, 0))
        discard_checkpoints(tmp_path, ["tiny-ts2vec-0-A"])
        assert [*tmp_path.iterdir()] == [part]


@pytest.mark.parametrize("schedule", [make_spec(epochs=3).schedule, AVERAGED], ids=["published", "averaged"])
@pytest.mark.parametrize("step", [6, 7, 13, 16])  # of 6 an epoch: before the first checkpoint, and after one and two
def test_an_interrupted_run_ends_with_the_weights_of_an_unbroken_one(monkeypatch, tmp_path, capsys, step, schedule):
    monkeypatch.setattr("mtcs.training.loop._SAVING", math.inf)  # after every epoch, however short
    spec, checkpoint = make_spec().model_copy(update={"schedule": schedule}), tmp_path / "run.safetensors"
    unbroken, expected, _ = train(spec)
    interrupt_at(monkeypatch, spec, step, checkpoint)
    epochs = (step - 1) // 6
    assert checkpoint.exists() == (epochs > 0)
    capsys.readouterr()
    method, curves, _ = train(spec, checkpoint=checkpoint)
    if epochs:
        assert f"Continuing after epoch {epochs} from {checkpoint}." in capsys.readouterr().err
    assert weights_of(method) == weights_of(unbroken)
    columns = [name for name in COLUMNS if name != "series_per_second"]
    pd.testing.assert_frame_equal(curves[columns], expected[columns], check_exact=True)


def test_a_run_killed_before_its_result_was_saved_trains_no_further(tmp_path):
    spec, checkpoint = make_spec(epochs=2), tmp_path / "run.safetensors"
    method, curves, seconds = train(spec, checkpoint=checkpoint)
    again, same, recorded = train(spec, checkpoint=checkpoint)
    assert weights_of(again) == weights_of(method)
    pd.testing.assert_frame_equal(same, curves, check_exact=True)
    assert recorded == seconds


def flipped(content: bytes) -> bytes:
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content + b"more",
        lambda content: content[:40] + bytes(8) + content[48:],
        lambda content: b"something else",
        None,
    ],
    ids=["a bit", "empty", "half", "longer", "header", "foreign", "a folder"],
)
def test_a_checkpoint_that_is_not_as_it_was_written_is_set_aside(tmp_path, monkeypatch, capsys, damage):
    spec, checkpoint = make_spec(epochs=2), tmp_path / "run.safetensors"
    expected = weights_of(train(spec)[0])
    train(spec, checkpoint=checkpoint)
    complete = checkpoint.read_bytes()
    if damage is None:
        checkpoint.unlink()
        checkpoint.mkdir()
    else:
        checkpoint.write_bytes(damage(complete))
    capsys.readouterr()
    assert weights_of(train(spec, checkpoint=checkpoint)[0]) == expected
    said = [line for line in capsys.readouterr().err.splitlines() if "; training starts anew." in line]
    assert len(said) == 1
    assert said[0].startswith(f"{checkpoint} ")
    assert said[0].endswith(" It is kept as run.safetensors.damaged.")
    assert (tmp_path / "run.safetensors.damaged").exists()
    assert checkpoint.is_file()


def test_peak_memory_is_of_the_whole_run(tmp_path, monkeypatch):
    spec, checkpoint = make_spec(epochs=2), tmp_path / "run.safetensors"

    def peak(used: float, checkpoint: Path | None) -> float:
        monkeypatch.setattr("mtcs.training.loop.peak_memory", lambda on: used)
        return fit(prepared_method(spec, TASKS), TASKS, spec.schedule_for(TASKS), 0, CPU, checkpoint).peak

    assert [peak(700, checkpoint), peak(300, checkpoint), peak(300, None)] == [700, 700, 300]


def write_workspace(root: Path, epochs: int) -> Layout:
    """A folder in which `mtcs train mtcs tiny` takes long enough to be killed, about a fifth of a second an epoch."""
    layout = Layout(root)
    tasks = (make_task("a", length=200, n=64), make_task("b", length=150, n=48, n_classes=3))
    for task in tasks:
        write_task(layout.normalized("tiny", task.name), task)
    write_index(layout.normalized_suite("tiny"), ("a", "b"), [fingerprint(task) for task in tasks])
    spec = make_spec(epochs, depth=5, hidden=16, output=64).model_dump(mode="json")
    layout.params.write_text(
        yaml.safe_dump(
            {
                "suites": {"tiny": {"tasks": ["a", "b"]}},
                "seeds": [0],
                "seeds_single_task": [0],
                "joint": ["mtcs"],
                "single_task": [],
                "methods": {"mtcs": spec},
                "classifiers": {"svm": {"kind": "svm", "C": [1.0]}},
            }
        )
    )
    return layout


@pytest.fixture
def start_training() -> Iterator[Callable[[Path], subprocess.Popen]]:
    """Starts `mtcs train` in a folder; what still runs when the test ends is killed."""
    command = [sys.executable, "-c", "from mtcs.cli import main; main()", "train", "mtcs", "tiny", "--device", "cpu"]
    with ExitStack() as processes:

        def start(root: Path) -> subprocess.Popen:
            process = subprocess.Popen(
                command,
                cwd=root,
                env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            processes.enter_context(process)
            processes.callback(process.kill)
            return process

        yield start


def test_killed_the_same_command_continues_to_the_very_bytes_of_an_unbroken_run(tmp_path, start_training):
    killed, unbroken = (write_workspace(tmp_path / name, epochs=5) for name in ("killed", "unbroken"))
    first, complete = start_training(killed.root), start_training(unbroken.root)
    while not list(killed.checkpoints.glob("tiny-mtcs-0-joint-*.safetensors")):
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.01)
    first.kill()
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    assert not Run("tiny", "mtcs", 0, killed).model().exists()

    second = start_training(killed.root)
    (_, said), (_, calm) = second.communicate(), complete.communicate()
    assert (second.returncode, complete.returncode) == (0, 0), said + calm
    assert "Continuing after epoch" in said
    assert "Continuing after epoch" not in calm
    assert Run("tiny", "mtcs", 0, killed).model().read_bytes() == Run("tiny", "mtcs", 0, unbroken).model().read_bytes()
    columns = [name for name in COLUMNS if name != "series_per_second"]
    result, expected = (pd.read_csv(Run("tiny", "mtcs", 0, layout).curves())[columns] for layout in (killed, unbroken))
    pd.testing.assert_frame_equal(result, expected, check_exact=True)
    for layout in (killed, unbroken):
        assert not list(layout.checkpoints.glob("*.safetensors"))


# Errors


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_step_task_and_learning_rate(value):
    spy = Spy(broken=8, value=value)
    with pytest.raises(WorkError) as error:
        fit(spy, TASKS, Schedule(epochs=2, batch_size=4, learning_rate=0.125), seed=0, hardware=CPU)
    task = spy.batches[7].task
    assert str(error.value) == (
        f"The loss is {value} at step 8 (epoch 2) on {task} with learning rate 0.125; "
        "lower `schedule.learning_rate` or look at that task's data."
    )
    assert len(spy.batches) == 8


def test_a_diverging_loss_stops():
    with pytest.raises(WorkError, match=r"^The loss is (nan|inf) at step \d+ \(epoch \d\) on [abc] with learning rate"):
        train(make_spec(epochs=20, learning_rate=1e15))


def test_cuda_asked_for_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_hardware("auto").device.type == "cpu"
    with pytest.raises(InputError) as error:
        choose_hardware("cuda")
    assert str(error.value) == ("device is cuda, but no CUDA device is available here; take --device cpu or auto.")


def test_precision_is_an_option():
    assert choose_hardware("cpu", "bf16").precision == "bf16"
    assert choose_hardware("cpu", "fp32").precision == "fp32"
    assert not choose_hardware("cpu", "fp32").bf16


def test_bf16_is_for_matrix_units_and_steps_that_repeat_their_lengths(monkeypatch):
    for units in (True, False):
        flags = "flags : fpu sse2 avx512_bf16" if units else "flags : fpu sse2 avx512f"
        monkeypatch.setattr("mtcs.training.hardware._cpuinfo", lambda flags=flags: ["model name : x", flags])
        chosen = choose_hardware("cpu", fixed_length=True)
        assert chosen.bf16 == units
        assert chosen.reason == ("the processor has avx512_bf16" if units else "no bf16 units known")
        changing = choose_hardware("cpu", fixed_length=False)
        assert (changing.bf16, changing.reason) == (False, "lengths change from step to step")
        requested = choose_hardware("cpu", "bf16", fixed_length=False)
        assert (requested.bf16, requested.reason) == (True, "as asked")


# Representations


def test_representations_do_not_depend_on_how_series_are_grouped():
    method = prepared_method(make_spec(), TASKS)
    series = np.random.default_rng(0).normal(size=(9, 6000)).astype(np.float32)  # two at a time
    result = represent(method, series, CPU)
    assert result.shape == (9, 8)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, np.concatenate([represent(method, one[None], CPU) for one in series]), atol=1e-5)


# The key of a run


def test_the_key_of_a_run_changes_with_all_that_determines_it():
    spec, tasks = make_spec(), list(TASKS)

    def changed(part: str) -> Task:
        task = make_task("a", n=10)
        array = getattr(task.train, part)
        array[0] = 1 - array[0]
        return task

    keys = {
        "as it is": checkpoint_key(spec, tasks, 0, CPU),
        "parameters": checkpoint_key(make_spec(sharing_weight=0.2), tasks, 0, CPU),
        "schedule": checkpoint_key(make_spec(epochs=4), tasks, 0, CPU),
        "seed": checkpoint_key(spec, tasks, 1, CPU),
        "precision": checkpoint_key(spec, tasks, 0, Hardware(CPU.device, bf16=True)),
        "series": checkpoint_key(spec, [changed("series"), *TASKS[1:]], 0, CPU),
        "labels": checkpoint_key(spec, [changed("labels"), *TASKS[1:]], 0, CPU),
        "fewer tasks": checkpoint_key(spec, tasks[:2], 0, CPU),
        "order of tasks": checkpoint_key(spec, tasks[::-1], 0, CPU),
    }
    assert len(set(keys.values())) == len(keys), keys
    assert keys["as it is"] == checkpoint_key(make_spec(), [make_task("a", n=10), *TASKS[1:]], 0, CPU)


def test_the_key_of_a_run_does_not_look_at_test_series():
    other = Task("a", TASKS[0].train, make_task("a", seed=9).test, TASKS[0].classes)
    assert checkpoint_key(make_spec(), [other, *TASKS[1:]], 0, CPU) == checkpoint_key(make_spec(), TASKS, 0, CPU)


def test_the_key_of_a_run_changes_with_the_number_of_threads():
    """Sums over other parts round differently."""
    before, threads = checkpoint_key(make_spec(), TASKS, 0, CPU), torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        assert checkpoint_key(make_spec(), TASKS, 0, CPU) != before
    finally:
        torch.set_num_threads(threads)


# With a GPU


@pytest.mark.gpu
@needs_cuda
def test_cpu_and_cuda_represent_alike():
    torch.manual_seed(0)
    method = prepared_method(make_spec(depth=10, hidden=64, output=320), TASKS)
    series = TASKS[2].test.series
    expected = represent(method, series, CPU)
    fp32, bf16 = (represent(method, series, choose_hardware("cuda", name)) for name in ("fp32", "bf16"))
    np.testing.assert_allclose(fp32, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(bf16, expected, atol=0.02 * np.abs(expected).max())


@pytest.mark.gpu
@needs_cuda
def test_training_on_cuda_runs_and_resumes(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("mtcs.training.loop._SAVING", math.inf)  # after every epoch, however short
    spec, checkpoint, on = make_spec(epochs=3), tmp_path / "run.safetensors", choose_hardware("cuda", "fp32")
    unbroken, expected, _ = train(spec, on=on)
    interrupt_at(monkeypatch, spec, 13, checkpoint, on)
    method, curves, _ = train(spec, checkpoint=checkpoint, on=on)
    assert "Continuing after epoch 2" in capsys.readouterr().err
    np.testing.assert_allclose(curves["loss"], expected["loss"], rtol=1e-2)
    for name, tensor in unbroken.state_dict().items():
        torch.testing.assert_close(method.state_dict()[name], tensor, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(
    ("min_steps", "drop_last", "passes"), [(None, False, 2), (9, False, 2), (35, False, 4), (35, True, 5)]
)
def test_of_few_series_more_passes_are_made(min_steps, drop_last, passes):
    tasks = [make_task("a", n=10), make_task("b", n=21), make_task("c", n=2)]  # 3 + 6 + 1 mini-batches, or 2 + 5 + 1
    schedule = Schedule(epochs=2, min_steps=min_steps, batch_size=4, learning_rate=0.1, drop_last=drop_last)
    resolved = schedule.for_sizes(len(task.train) for task in tasks)
    assert (resolved.epochs, resolved.min_steps) == (passes, None)
    assert count_steps(resolved, tasks) == passes * (8 if drop_last else 10)
