"""One run of the pipeline: stages in DVC's order, each as soon as those it needs are up to date."""

from __future__ import annotations

import logging
import os
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Container, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
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
from flows.command import in_words
from flows.graph import Graph, Stage
from flows.refetch import bring_all_back, set_aside
from flows.request import Request, check_request
from flows.runners import Slots, runner_for
from flows.server import server_faults
from flows.stage import StageContext, StageFailed, log_name, task_for
from flows.workspace import STATE, claimed, release_dead
from mtcs.config.device_names import DeviceName
from mtcs.config.experiment_file import read_experiment
from mtcs.config.machine import read_machine
from mtcs.data.address import without_secrets
from mtcs.errors import InputError, MtcsError, WorkError
from mtcs.layout import Layout

POLL_SECONDS = 5.0
"""Between two questions to the server whether the run was cancelled."""
INTERRUPTED = "Interrupted"
"""Name of the state of a run that was ended by Ctrl-C."""
MAX_SHOWN = 3
"""Failed stages that a run's message tells about; each has a page and a log of its own."""


class _NoTraceback(logging.Filter):
    """Drops what Prefect logs about a failure that is our own message: it is the run's state, and has been logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], MtcsError))


for _logger in ("prefect.flow_runs", "prefect.engine"):
    logging.getLogger(_logger).addFilter(_NoTraceback())


def final_state(work: Callable[[], None]) -> State | None:
    """The state in which `work` leaves its flow run; None is success. Mistakes and failures are one message each."""
    try:
        work()
    except _CancelRequested:
        return Cancelled(message="Cancelled; the next run continues where this one ended.")
    except KeyboardInterrupt:
        return Cancelled(name=INTERRUPTED, message="Ctrl-C; the next run continues where this one ended.")
    except MtcsError as error:
        return Failed(message=str(error), data=error)
    except OSError as error:
        failure = WorkError(f"{in_words(error)}; make room or make it writable, and start the same run again.")
        return Failed(message=str(failure), data=failure)
    return None


def bring_up_to_date(root: Path, request: Request, fetched: Callable[[str, str], None] = lambda *_: None) -> None:
    """Bring a workspace up to date and show its reports; must be called in a flow run.

    `fetched` is called with each suite and task of `request.refetch` as soon as its raw data have been downloaded.

    Raises:
        InputError: before any stage, if params.yaml or the request is wrong, or another flow works in this workspace.
        WorkError: at the end, if a stage failed; the stages that do not need it have been brought up to date.
    """
    check_request(root, request)
    graph = Graph(root)
    stages = graph.select(request.suites, request.methods, request.seeds)
    forced = set() if isinstance(request.force, bool) else set(request.force)
    if unknown := sorted(forced - set(stages)):
        raise InputError(f"force: there is no stage {unknown[0]} in this run; it has {', '.join(stages)}.")
    with ExitStack() as stack:
        runner = stack.enter_context(runner_for(request.workers, request.dask))
        on_this_machine = request.dask in (None, "local")
        device = request.device or read_machine().device
        slots = Slots.of(runner, device, request.workers if on_this_machine else len(stages))
        name = str(flow_run.get_name())
        stack.enter_context(claimed(root, name))  # released first, which ends the stages that `runner` waits for
        bring_all_back(root)
        for command in release_dead(graph.repo):
            get_run_logger().info("Released what a killed process held: %s", command)
        writers = {wanted: graph.writers(Layout().raw(*wanted).parent) for wanted in request.refetch}
        forced.update(*writers.values())
        finished = stack.enter_context(set_aside(root, writers, fetched))
        threads = max(1, joblib.cpu_count() // request.workers) if on_this_machine else None
        variables = _variables(device, request.dask, threads)
        context = StageContext(root, root / STATE / "logs" / name, variables, request.stage_seconds)
        forced = set(stages) if request.force is True else forced
        progress = _run_all(graph, stages, context, runner, slots, forced, finished)
        failures = [_failure_message(progress, stages)] if progress.failures else []
        if progress.finished and graph.repo.config["core"].get("remote"):
            try:
                push(sorted(progress.finished))
            except WorkError as error:
                failures.append(str(error))
    if failures:
        raise WorkError(" ".join(failures))
    if not request.methods and not request.seeds:
        for suite in request.suites or read_experiment(Layout(root).params).suites:
            if Layout(root).report(suite).exists():
                _show(root, suite)


def _show(root: Path, suite: str) -> None:
    """Show a suite's report if that is possible: what has been done does not depend on it."""
    try:
        with server_faults():
            show_report(root, suite)
    except FileNotFoundError as error:
        get_run_logger().warning("%s is gone; run 'mtcs report %s', and the same run again.", error.filename, suite)
    except MtcsError as error:
        get_run_logger().warning("The report of %s is not on this run's page: %s", suite, error)


@task(retries=2, retry_delay_seconds=[30, 120], persist_result=False)
def push(stages: Sequence[str]) -> None:
    """Send what these stages made to DVC's default remote.

    Raises:
        WorkError: with the last line of `dvc push`, if it fails.
    """
    command = [sys.executable, "-m", "dvc", "push", "--run-cache", *stages]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = without_secrets(process.stdout.strip())
    get_run_logger().info("%s", output)
    if process.returncode:
        lines = output.splitlines() or ["it printed nothing"]
        raise WorkError(f"dvc push failed: {lines[-1]}")


def _variables(device: DeviceName, dask: str | None, threads: int | None) -> dict[str, str]:
    """What stages find in their environment, on whichever machine."""
    variables = {name: value for name, value in os.environ.items() if name.startswith("MTCS_")}
    variables["MTCS_DEVICE"] = device
    if dask is not None:
        variables["MTCS_DASK"] = ""  # a stage that waits for its parts on its own cluster would occupy their place
    return variables if threads is None else {"MTCS_WORKERS": str(threads), **variables}


@dataclass
class _Progress:
    """What has become of the stages of a run."""

    finished: set[str] = field(default_factory=set)
    failures: list[StageFailed] = field(default_factory=list)


class _CancelRequested(Exception):
    """Somebody cancelled the run, and there is no worker that would end its process."""


def _run_all(
    graph: Graph,
    stages: dict[str, Stage],
    context: StageContext,
    runner: TaskRunner[Any],
    slots: Slots,
    forced: Container[str],
    finished: Callable[[str], None],
) -> _Progress:
    """Bring stages up to date, each as soon as those it needs are; a failure stops only the stages that need it.

    `finished` is called with the name of each that is up to date.
    """
    progress, waiting = _Progress(), dict(stages)
    running: dict[PrefectFuture[Any], tuple[Stage, str | None]] = {}
    futures: dict[str, PrefectFuture[Any]] = {}
    done: queue.SimpleQueue[PrefectFuture[Any]] = queue.SimpleQueue()
    last_poll = time.monotonic()
    while True:
        if time.monotonic() - last_poll >= POLL_SECONDS:
            if _cancel_requested():
                raise _CancelRequested
            last_poll = time.monotonic()
        for stage in [stage for stage in waiting.values() if progress.finished.issuperset(stage.needs)]:
            if not slots.has_room(stage):
                continue
            del waiting[stage.name]
            arguments: dict[str, Any] = {"stage": stage, "context": context, "force": stage.name in forced}
            arguments["up_to_date"] = not arguments["force"] and graph.is_up_to_date(stage.name)
            arguments["device"] = gpu = slots.take(stage)
            with slots.annotation(stage):
                future = runner.submit(task_for(stage), arguments, wait_for=[futures[name] for name in stage.needs])
            futures[stage.name] = future
            running[future] = (stage, gpu)
            future.add_done_callback(done.put)
        if not running:
            return progress
        try:
            future = done.get(timeout=POLL_SECONDS)
        except queue.Empty:
            continue
        stage, gpu = running.pop(future)
        slots.give(gpu)
        future.wait()
        assert isinstance(future, PrefectWrappedFuture)
        if future.state.is_completed():
            progress.finished.add(stage.name)
            finished(stage.name)
        else:
            error = future.result(raise_on_failure=False)
            if not isinstance(error, StageFailed):  # raised by Prefect or Dask, such as the death of a worker
                error = StageFailed(stage.name, stage.command, "crash", str(error), context.logs / log_name(stage))
            progress.failures.append(error)


def _cancel_requested() -> bool:
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(flow_run.get_id())).state
    except httpx.HTTPError as error:  # work goes on without a server, which may be back at the next poll
        get_run_logger().warning("The server does not say whether this run is cancelled: %s", error)
        return False
    return state is not None and state.is_cancelling()


def _failure_message(progress: _Progress, stages: dict[str, Stage]) -> str:
    """In one line: which stages failed, with their last line and where their log is, and what to do."""
    shown, n_more = progress.failures[:MAX_SHOWN], len(progress.failures[MAX_SHOWN:])
    parts = [
        f"{failure.stage} failed ({failure.reason}): {shorten(failure.last_line, 200, placeholder='...')} "
        f"[{failure.command}; log: {failure.log}]"
        for failure in shown
    ]
    if n_more:
        parts.append(f"{n_more} more failed.")
    if n_skipped := len(stages) - len(progress.finished) - len(progress.failures):
        parts.append(f"{n_skipped} that need {'it' if len(progress.failures) == 1 else 'them'} did not run.")
    parts.append("Correct the cause and start the same run again: it continues where this one ended.")
    return " ".join(parts)
