"""The flow `reproduce`: DVC's stages in DVC's order, side by side, each as a Prefect task: `make flow`."""

from __future__ import annotations

import argparse
import os
import queue
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.error import URLError
from urllib.request import urlopen
from uuid import UUID

import joblib
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, PrefectWrappedFuture
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings
from prefect.states import Cancelled
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from pydantic import Field

from flows.artifacts import show_report
from flows.graph import Graph, Stage
from flows.stage import How, StageFailed, computes, task_for
from flows.workspace import STATE, claimed, release_dead
from mtcs.errors import InputError, WorkError
from mtcs.experiment import read_experiment
from mtcs.layout import Layout
from mtcs.machine import DeviceName

LOCAL_SERVER = "http://127.0.0.1:4200/api"
"""Where `prefect server start` listens."""
LOOK = 5.0
"""Seconds between two looks whether the run was cancelled."""


@flow(name="reproduce", persist_result=False)
def reproduce(
    suites: list[str] | None = None,
    methods: list[str] | None = None,
    seeds: list[int] | None = None,
    device: DeviceName = "auto",
    workers: Annotated[int, Field(ge=1, le=1024)] = 1,
    force: bool | list[str] = False,
    dask: str | None = None,
    stage_seconds: Annotated[float, Field(gt=0)] | None = None,
) -> State | None:
    """Bring suites up to date, as `dvc repro` does, and show how it goes.

    Args:
        suites: of params.yaml; None is all that dvc.yaml has.
        methods: predictions of these methods only, and no reports, since those compare all.
        seeds: predictions with these seeds only, likewise.
        device: where stages compute (`MTCS_DEVICE`).
        workers: how many stages run side by side.
        force: run all stages, or those named, even if they are up to date.
        dask: address of a Dask scheduler, or "local" for a cluster of `workers` processes; None is threads.
        stage_seconds: after which a stage is ended; None is never.

    Raises:
        InputError: before any stage, if params.yaml or a parameter is wrong, or another flow is at work here.
        WorkError: at the end, if a stage failed; stages that do not need it have been brought up to date.
    """
    root, log = Path.cwd(), get_run_logger()
    _check(root, suites or [], methods or [])
    graph = Graph(root)
    stages = graph.select(suites or [], methods or [], seeds or [])
    if unknown := sorted(set(force if isinstance(force, list) else []) - set(stages)):
        raise InputError(f"force: there is no stage {unknown[0]} in this run; it has {', '.join(stages)}.")
    try:
        with ExitStack() as stack:
            runner = stack.enter_context(_runner(workers, dask))
            name = str(flow_run.get_name())
            stack.enter_context(claimed(root, name))  # given up first: its end ends the stages that `runner` waits for
            for command in release_dead(graph.repo):
                log.info("Released what a killed process held: %s", command)
            threads = None if dask not in (None, "local") else max(1, joblib.cpu_count() // workers)
            how = How(root, root / STATE / "logs" / name, _variables(device, threads), stage_seconds)
            slots = _Slots.of(runner, device, len(stages) if threads is None else workers)
            result = _bring_all(graph, stages, how, runner, slots, force)
            if result.finished and graph.repo.config["core"].get("remote"):
                push(sorted(result.finished))
    except _CancelRequested:
        return Cancelled(message="Cancelled; the next run continues where this one ended.")
    if result.failures:
        raise WorkError(_told(result, stages))
    if not methods and not seeds:
        for suite in suites or read_experiment(Layout(root).params).suites:
            if Layout(root).report(suite).exists():
                show_report(root, suite)
    return None


@task(retries=2, retry_delay_seconds=[30, 120], persist_result=False)
def push(stages: Sequence[str]) -> None:
    """Send what these stages made to DVC's default remote."""
    command = [sys.executable, "-m", "dvc", "push", "--run-cache", *stages]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    get_run_logger().info("%s", done.stdout.strip())
    if done.returncode:
        raise WorkError(f"dvc push failed: {done.stdout.strip().splitlines()[-1]}")


def _check(root: Path, suites: Sequence[str], methods: Sequence[str]) -> None:
    """Raises InputError if params.yaml or a name is wrong."""
    experiment = read_experiment(Layout(root).params)
    for suite in suites:
        experiment.suite(suite)
    for method in methods:
        experiment.method(method)


def _runner(workers: int, dask: str | None) -> TaskRunner[Any]:
    if dask is None:
        return ThreadPoolTaskRunner(workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise InputError("dask needs packages that are not installed; run pip install 'mtcs[cluster]'.") from None
    if get_current_settings().api.url is None:
        raise InputError(
            "Dask's workers cannot reach this run; run 'prefect server start' and, from another machine, set "
            "PREFECT_API_URL."
        )
    if dask == "local":
        return DaskTaskRunner(cluster_kwargs={"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None})
    return DaskTaskRunner(address=dask)


def _variables(device: DeviceName, threads: int | None) -> dict[str, str]:
    """What stages find in their environment, on whichever machine."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("MTCS_")}
    ours["MTCS_DEVICE"] = device
    return ours if threads is None else {"MTCS_WORKERS": str(threads), **ours}


@dataclass
class _Slots:
    """How many stages may run side by side, and on which GPUs of this machine, one at a time each.

    shared: GPUs are Dask's to give, as the resource `GPU` of its workers.
    """

    free: int
    gpus: list[str] | None
    shared: bool = False

    @classmethod
    def of(cls, runner: TaskRunner[Any], device: DeviceName, free: int) -> _Slots:
        import torch

        client = getattr(runner, "client", None)
        if client is not None:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            if any("GPU" in worker["resources"] for worker in workers):
                return cls(free, None, shared=device != "cpu")
        if device == "cpu" or not torch.cuda.is_available():
            return cls(free, None)
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        return cls(free, visible.split(",") if visible else [str(gpu) for gpu in range(torch.cuda.device_count())])

    def has_room(self, stage: Stage) -> bool:
        return self.free > 0 and (self.gpus is None or bool(self.gpus) or not computes(stage))

    def take(self, stage: Stage) -> str | None:
        self.free -= 1
        return self.gpus.pop(0) if self.gpus and computes(stage) else None

    def give(self, gpu: str | None) -> None:
        self.free += 1
        if gpu is not None and self.gpus is not None:
            self.gpus.append(gpu)

    def annotation(self, stage: Stage) -> AbstractContextManager[Any]:
        if not (self.shared and computes(stage)):
            return nullcontext()
        from dask.base import annotate

        return annotate(resources={"GPU": 1})


@dataclass
class _Result:
    """What became of the stages of a run."""

    finished: set[str] = field(default_factory=set)
    failures: list[StageFailed] = field(default_factory=list)


class _CancelRequested(Exception):
    """Somebody cancelled the run, and no worker is there to end its process."""


def _bring_all(
    graph: Graph,
    stages: dict[str, Stage],
    how: How,
    runner: TaskRunner[Any],
    slots: _Slots,
    force: bool | Sequence[str],
) -> _Result:
    """Bring stages up to date, each as soon as those it needs are; a failure holds up only those that need it."""
    result, waiting = _Result(), dict(stages)
    running: dict[PrefectFuture[Any], tuple[Stage, str | None]] = {}
    futures: dict[str, PrefectFuture[Any]] = {}
    ended: queue.SimpleQueue[PrefectFuture[Any]] = queue.SimpleQueue()
    while True:
        for stage in [stage for stage in waiting.values() if result.finished.issuperset(stage.needs)]:
            if not slots.has_room(stage):
                continue
            del waiting[stage.name]
            forced = force if isinstance(force, bool) else stage.name in force
            arguments = {"stage": stage, "how": how, "force": forced}
            arguments["up_to_date"] = not forced and graph.is_up_to_date(stage.name)
            arguments["device"] = gpu = slots.take(stage)
            with slots.annotation(stage):
                future = runner.submit(task_for(stage), arguments, wait_for=[futures[name] for name in stage.needs])
            futures[stage.name] = future
            running[future] = (stage, gpu)
            future.add_done_callback(ended.put)
        if not running:
            return result
        try:
            future = ended.get(timeout=LOOK)
        except queue.Empty:
            if _cancel_requested():
                raise _CancelRequested from None
            continue
        stage, gpu = running.pop(future)
        slots.give(gpu)
        future.wait()
        assert isinstance(future, PrefectWrappedFuture)
        if future.state.is_completed():
            result.finished.add(stage.name)
        else:
            error = future.result(raise_on_failure=False)
            if not isinstance(error, StageFailed):  # of Prefect or of Dask, such as the death of a worker
                error = StageFailed(stage.name, stage.command, "crash", str(error), how.logs / f"{stage.name}.log")
            result.failures.append(error)


def _cancel_requested() -> bool:
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(UUID(flow_run.get_id())).state
    return state is not None and state.is_cancelling()


def _told(result: _Result, stages: dict[str, Stage]) -> str:
    """Which stages failed, what they said, where it is written, and what to do."""
    lines = []
    for failure in result.failures:
        lines += [str(failure), f"  command: {failure.command}", f"  log: {failure.log}"]
    left = len(stages) - len(result.finished) - len(result.failures)
    if left:
        lines.append(f"{left} stages that need {'it' if len(result.failures) == 1 else 'them'} were not reached.")
    lines.append("Correct what it says and start the same run again: what is done stays done, training continues.")
    return "\n".join(lines)


@contextmanager
def watched() -> Iterator[None]:
    """Runs within go to the server that `prefect server start` started here, if none is configured and one answers."""
    if get_current_settings().api.url is not None or not _answers(LOCAL_SERVER):
        yield
        return
    with temporary_settings({PREFECT_API_URL: LOCAL_SERVER}):
        yield


def _answers(server: str) -> bool:
    try:
        with urlopen(f"{server}/health", timeout=1) as response:
            return response.status == 200
    except (URLError, OSError):
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 2 for a user's mistake and 1 for failed work."""
    parser = argparse.ArgumentParser(prog="python -m flows.reproduce", description="Bring suites up to date.")
    parser.add_argument("--suites", nargs="+", metavar="SUITE", help="of params.yaml; default: all of dvc.yaml")
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help="their predictions only, and no report")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="their predictions only, and no report")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--workers", type=int, default=1, help="stages side by side")
    parser.add_argument("--force", nargs="*", metavar="STAGE", help="run what is up to date, too: these, or all")
    parser.add_argument(
        "--dask", nargs="?", const="local", metavar="ADDRESS", help="a scheduler; default: one started here"
    )
    parser.add_argument("--stage-seconds", type=float, metavar="S", help="after which a stage is ended")
    given = vars(parser.parse_args(arguments))
    given["force"] = given["force"] == [] or given["force"] or False
    try:
        reproduce.validate_parameters(given)
        _check(Path.cwd(), given["suites"] or [], given["methods"] or [])
        with watched():
            reproduce(**given)
    except InputError as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return 2
    except WorkError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
