"""The Prefect task that brings one DVC stage up to date: its process, its log, how it ends, and when it is retried."""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Completed
from prefect.tasks import exponential_backoff

from flows import GRACE_SECONDS
from flows.child import RAN, RESTORED, UP_TO_DATE
from flows.command import in_words
from flows.graph import Stage
from flows.workspace import is_abandoned
from mtcs.data.address import without_secrets
from mtcs.stages import STAGES

FailureReason = Literal["mistake", "network", "crash", "timeout", "work"]
"""Why a stage failed: a user's mistake, a transfer, a killed process, its time limit, or the work itself."""
FLOW_ENDED = "flow ended"
"""The outcome of a stage whose flow ended before it."""


class StageFailed(Exception):
    """A stage that could not be brought up to date.

    last_line: of what it printed, the line that explains the failure best.
    log: the file that holds everything it printed.
    """

    def __init__(self, stage: str, command: str, reason: FailureReason, last_line: str, log: Path) -> None:
        super().__init__(stage, command, reason, last_line, log)  # so that it can be sent between processes
        self.stage, self.command, self.reason, self.last_line, self.log = stage, command, reason, last_line, log

    def __str__(self) -> str:
        return f"{self.stage} failed ({self.reason}): {self.last_line}"

    __repr__ = __str__  # for Prefect's log


class Policy(NamedTuple):
    """When a stage is tried again: how often, after how many seconds, and after which kind of failure."""

    retries: int
    delays: Callable[[int], list[float]]
    after: FailureReason


POLICIES = {
    # `mtcs download` itself tries each transfer five times within half a minute; these retries cover longer outages.
    "download": Policy(4, exponential_backoff(20), "network"),
    "train": Policy(1, exponential_backoff(5), "crash"),  # continues from its checkpoint
}
"""By command of `mtcs`. Nothing else is tried again: it would fail again."""
JITTER = 0.5
"""Share of a delay by which it varies, so that stages which failed together do not come back together."""
_ON_DEVICE = {stage.__name__ for stage in STAGES if "device" in signature(stage).parameters}
_TRANSFER_FAILED = re.compile(r"mtcs: .* failed \d+ times \(at last: .*\); try again later")
_STATE_NAMES: Mapping[str, str] = {UP_TO_DATE: "Cached", RESTORED: "Restored", RAN: "Completed"}


@dataclass(frozen=True)
class StageContext:
    """What all stages of a flow run share.

    root: the workspace.
    logs: folder of the stages' logs.
    variables: set in the environment of the stages' commands.
    seconds: time limit of a stage; None is no limit.
    """

    root: Path
    logs: Path
    variables: dict[str, str]
    seconds: float | None = None


@task(cache_policy=NO_CACHE, persist_result=False)
def run_stage(
    stage: Stage, context: StageContext, force: bool = False, up_to_date: bool = False, device: str | None = None
) -> State:
    """Bring one stage up to date; `up_to_date` says that it already is, `device` names the GPU that it may use.

    Raises:
        StageFailed: if the stage's command fails, is killed, or takes too long, or its log cannot be written.
    """
    if up_to_date:
        return Completed(name="Cached", message=f"{stage.name} is up to date")
    variables = context.variables if device is None else {**context.variables, "CUDA_VISIBLE_DEVICES": device}
    try:
        outcome = _run(stage, context, variables, force)
    except OSError as error:  # of the log, or of a process that cannot be started
        log = context.logs / log_name(stage)
        raise StageFailed(stage.name, stage.command, "work", in_words(error), log) from error
    if outcome == FLOW_ENDED:
        return Cancelled(message=f"{stage.name}: {outcome}")
    return Completed(name=_STATE_NAMES[outcome], message=f"{stage.name}: {outcome}")


def task_for(stage: Stage) -> Task[Any, Any]:
    """`run_stage` under the stage's name, with its policy."""
    named = run_stage.with_options(name=stage.group, task_run_name=stage.name.replace("{", "{{").replace("}", "}}"))
    policy = POLICIES.get(stage.words[1]) if stage.words[:1] == ("mtcs",) and len(stage.words) > 1 else None
    if policy is None:
        return named
    return named.with_options(
        retries=policy.retries,
        retry_delay_seconds=policy.delays,
        retry_jitter_factor=JITTER,
        retry_condition_fn=_worth_a_retry,
    )


def log_name(stage: Stage) -> str:
    """Name of the file that keeps a stage's output; stages of a `dvc.yaml` in a folder have a path in their name."""
    return f"{stage.name.replace('/', '_')}.log"


def computes(stage: Stage) -> bool:
    """Whether the stage's command can use a GPU: it has the option --device."""
    return stage.words[:1] == ("mtcs",) and stage.words[1] in _ON_DEVICE


def _worth_a_retry(_: Task[Any, Any], run: TaskRun, state: State) -> bool:
    failure = state.data
    return isinstance(failure, StageFailed) and failure.reason == POLICIES[failure.command.split()[1]].after


def _run(stage: Stage, context: StageContext, variables: dict[str, str], force: bool) -> str:
    """The outcome of the stage's process; every line that it prints goes to the run's log and to the stage's file."""
    logger = get_run_logger()
    context.logs.mkdir(parents=True, exist_ok=True)
    path = context.logs / log_name(stage)
    deadline = None if context.seconds is None else time.monotonic() + context.seconds
    last_lines: deque[str] = deque(maxlen=100)
    timed_out = False
    with path.open("a", encoding="utf-8") as log, _started(stage, context.root, variables, force) as (process, pipe):
        for line in _lines(process, deadline):
            if line is None:
                timed_out = True
                continue
            line = without_secrets(line)
            log.write(f"{line}\n")
            log.flush()
            logger.info("%s", line)
            last_lines.append(line)
        answer = pipe.read()
    outcome = json.loads(answer) if answer else {"code": process.returncode}
    if "outcome" in outcome:
        return str(outcome["outcome"])
    if is_abandoned(context.root):
        return FLOW_ENDED
    if timed_out:
        reason, last_line = "timeout", f"ended after {context.seconds:g} s"
    else:
        reason, last_line = _diagnose(outcome, last_lines)
    raise StageFailed(stage.name, stage.command, reason, without_secrets(last_line), path)


def _diagnose(outcome: dict[str, Any], lines: Iterable[str]) -> tuple[FailureReason, str]:
    """Why a stage failed, and the line that explains it best."""
    code = outcome["code"]
    said = [line for line in lines if line.strip()]
    messages = [line for line in said if line.startswith("mtcs: ")]
    if messages:
        last = messages[-1].removeprefix("mtcs: ")
    else:
        last = outcome.get("message") or (said[-1].strip() if said else "it printed nothing")
    if code is not None and (code < 0 or 128 < code != 130):
        return "crash", f"killed by signal {-code if code < 0 else code - 128}"
    if code == 2:
        return "mistake", last
    if messages and _TRANSFER_FAILED.match(messages[-1]):
        return "network", last
    return "work", last


@contextmanager
def _started(
    stage: Stage, root: Path, variables: dict[str, str], force: bool
) -> Iterator[tuple[subprocess.Popen[bytes], TextIO]]:
    """The process, head of a group of its own, and the pipe from which its outcome is read; both end with the block."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.child", stage.name, *(["--force"] * force), "--answer", str(writing)],
            cwd=root,
            env={**os.environ, "PATH": _path(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            start_new_session=True,
        )
        os.close(writing)
        try:
            yield process, pipe
        finally:
            _kill(process.pid)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _lines(process: subprocess.Popen[bytes], deadline: float | None) -> Iterator[str | None]:
    """Lines that a process group prints until its head has ended; None once, when it must end because time is up."""
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    rest, ended, kill_time = b"", False, float("inf")
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if selector.select(0.2):
                chunk = os.read(pipe, 2**16)
                *lines, rest = (rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
                yield from (line.decode("utf-8", "replace") for line in lines)
                if not chunk:
                    break
            elif ended:
                break
            if process.poll() is not None and not ended:
                ended = True
                _kill(process.pid)  # what is left of the group holds the pipe open
            if deadline is not None and time.monotonic() > deadline:
                deadline, kill_time = None, time.monotonic() + GRACE_SECONDS
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                yield None
            if time.monotonic() > kill_time:
                kill_time = float("inf")
                _kill(process.pid)
    if rest:
        yield rest.decode("utf-8", "replace")
    process.wait()


def _path() -> str:
    """A PATH on which DVC finds `mtcs`: the user's own, or else with this Python's environment in front."""
    path = os.environ.get("PATH", os.defpath)
    return path if shutil.which("mtcs") else f"{Path(sys.executable).parent}{os.pathsep}{path}"


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
