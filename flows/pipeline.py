"""One run of the pipeline: stages in DVC's order, each as soon as those it needs are up to date."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Container, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import joblib
from prefect import task
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, PrefectWrappedFuture
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Failed
from prefect.task_runners import TaskRunner

from flows.artifacts import show_report
from flows.graph import Graph, Stage
from flows.request import Request, check
from flows.runners import Slots, runner_for
from flows.stage import How, StageFailed, log_name, task_for
from flows.workspace import STATE, claimed, release_dead
from mtcs.config.experiment import read_experiment
from mtcs.config.machine import DeviceName, read_machine
from mtcs.errors import InputError, MtcsError, WorkError
from mtcs.layout import Layout

LOOK = 5.0
"""Seconds between two looks whether the run was cancelled."""


def ended(work: Callable[[], None]) -> State | None:
    """The state in which `work` leaves its flow run; None is success. Mistakes and failures are told, not traced."""
    try:
        work()
    except _CancelRequested:
        return Cancelled(message="Cancelled; the next run continues where this one ended.")
    except MtcsError as error:
        for line in str(error).splitlines():
            get_run_logger().error("%s", line)
        return Failed(message=str(error), data=error)
    return None


def bring_up_to_date(root: Path, asked: Request) -> None:
    """Bring a workspace up to date and show its reports; must be called in a flow run.

    Raises:
        InputError: before any stage, if params.yaml or the request is wrong, or another flow is at work here.
        WorkError: at the end, if a stage failed; those that do not need it have been brought up to date.
    """
    check(root, asked)
    graph = Graph(root)
    stages = graph.select(asked.suites, asked.methods, asked.seeds)
    named = set() if isinstance(asked.force, bool) else set(asked.force)
    if unknown := sorted(named - set(stages)):
        raise InputError(f"force: there is no stage {unknown[0]} in this run; it has {', '.join(stages)}.")
    with ExitStack() as stack:
        runner = stack.enter_context(runner_for(asked.workers, asked.dask))
        here = asked.dask in (None, "local")
        device = asked.device or read_machine().device
        slots = Slots.of(runner, device, asked.workers if here else len(stages))
        name = str(flow_run.get_name())
        stack.enter_context(claimed(root, name))  # given up first: its end ends the stages that `runner` waits for
        for command in release_dead(graph.repo):
            get_run_logger().info("Released what a killed process held: %s", command)
        for suite, one in asked.refetch:
            raw = Layout().raw(suite, one)
            named.update(graph.writers(raw.parent))
            shutil.rmtree(root / raw, ignore_errors=True)
        variables = _variables(device, asked.dask, max(1, joblib.cpu_count() // asked.workers) if here else None)
        how = How(root, root / STATE / "logs" / name, variables, asked.stage_seconds)
        result = _bring_all(graph, stages, how, runner, slots, stages if asked.force is True else named)
        failed = [_told(result, stages)] if result.failures else []
        if result.finished and graph.repo.config["core"].get("remote"):
            try:
                push(sorted(result.finished))
            except WorkError as error:
                failed.append(str(error))
    if failed:
        raise WorkError("\n".join(failed))
    if not asked.methods and not asked.seeds:
        for suite in asked.suites or read_experiment(Layout(root).params).suites:
            if Layout(root).report(suite).exists():
                show_report(root, suite)


@task(retries=2, retry_delay_seconds=[30, 120], persist_result=False)
def push(stages: Sequence[str]) -> None:
    """Send what these stages made to DVC's default remote."""
    command = [sys.executable, "-m", "dvc", "push", "--run-cache", *stages]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    get_run_logger().info("%s", done.stdout.strip())
    if done.returncode:
        said = done.stdout.strip().splitlines() or ["it said nothing"]
        raise WorkError(f"dvc push failed: {said[-1]}")


def _variables(device: DeviceName, dask: str | None, threads: int | None) -> dict[str, str]:
    """What stages find in their environment, on whichever machine."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("MTCS_")}
    ours["MTCS_DEVICE"] = device
    if dask is not None:
        ours["MTCS_DASK"] = ""  # a stage that waited for pieces of it on its own cluster would hold the place they need
    return ours if threads is None else {"MTCS_WORKERS": str(threads), **ours}


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
    slots: Slots,
    forced: Container[str],
) -> _Result:
    """Bring stages up to date, each as soon as those it needs are; a failure holds up only those that need it."""
    result, waiting = _Result(), dict(stages)
    running: dict[PrefectFuture[Any], tuple[Stage, str | None]] = {}
    futures: dict[str, PrefectFuture[Any]] = {}
    ended: queue.SimpleQueue[PrefectFuture[Any]] = queue.SimpleQueue()
    looked = time.monotonic()
    while True:
        if time.monotonic() - looked >= LOOK:
            if _cancel_requested():
                raise _CancelRequested
            looked = time.monotonic()
        for stage in [stage for stage in waiting.values() if result.finished.issuperset(stage.needs)]:
            if not slots.has_room(stage):
                continue
            del waiting[stage.name]
            arguments: dict[str, Any] = {"stage": stage, "how": how, "force": stage.name in forced}
            arguments["up_to_date"] = not arguments["force"] and graph.is_up_to_date(stage.name)
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
                error = StageFailed(stage.name, stage.command, "crash", str(error), how.logs / log_name(stage))
            result.failures.append(error)


def _cancel_requested() -> bool:
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(flow_run.get_id())).state
    except httpx.HTTPError as error:  # work goes on without a server; the next look may find it
        get_run_logger().warning("The server does not say whether this run is cancelled: %s", error)
        return False
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
