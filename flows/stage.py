"""The Prefect task that brings one DVC stage up to date: its process, its log, its end, and what is worth a retry."""

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
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging import get_run_logger
from prefect.states import Completed
from prefect.tasks import exponential_backoff

from flows.child import RAN, RESTORED, UP_TO_DATE
from flows.graph import Stage
from flows.workspace import GRACE, is_abandoned
from mtcs.stages import STAGES

Why = Literal["mistake", "network", "crash", "timeout", "ended", "work"]
"""What ended a stage: the user's mistake, a transfer, a killed process, its time, its flow, or its own finding."""


class StageFailed(Exception):
    """A stage that could not be brought up to date; `log` holds all it said, `said` its last words."""

    def __init__(self, stage: str, command: str, why: Why, said: str, log: Path) -> None:
        super().__init__(stage, command, why, said, log)  # all of them, so that it can be sent between processes
        self.stage, self.command, self.why, self.said, self.log = stage, command, why, said, log

    def __str__(self) -> str:
        return f"{self.stage} failed ({self.why}): {self.said}"

    __repr__ = __str__  # as Prefect's log has it


class Policy(NamedTuple):
    """When a stage is tried again: how often, after how many seconds, and after which ends."""

    retries: int
    delays: Callable[[int], list[float]]
    after: Why


POLICIES = {
    # `mtcs download` itself tries each transfer five times within half a minute; these are for longer outages.
    "download": Policy(4, exponential_backoff(20), "network"),
    "train": Policy(1, exponential_backoff(5), "crash"),  # continues from its checkpoint
}
"""By command of `mtcs`. Nothing else is tried again: it would fail again."""
_ON_DEVICE = {stage.__name__ for stage in STAGES if "device" in signature(stage).parameters}
JITTER = 0.5  # of a delay, so that stages which failed together do not come back together

_TRANSFER = re.compile(r"mtcs: .* failed \d+ times \(at last: .*\); try again later")
_PROGRESS = re.compile(r"^(?P<what>.+): (?P<done>\d+)/(?P<total>\d+) \w+")
_NAMES: Mapping[str, str] = {UP_TO_DATE: "Cached", RESTORED: "Restored", RAN: "Completed"}


@dataclass(frozen=True)
class How:
    """What holds for every stage of a flow run.

    root: the workspace.
    logs: folder of the stages' logs.
    variables: set for the stages' commands.
    seconds: after which a stage is ended; None is never.
    """

    root: Path
    logs: Path
    variables: dict[str, str]
    seconds: float | None = None


@task(cache_policy=NO_CACHE, persist_result=False)
def bring(stage: Stage, how: How, force: bool = False, up_to_date: bool = False, device: str | None = None) -> State:
    """Bring one stage up to date; `up_to_date` says that it is known to be, `device` which GPU it may use.

    Raises:
        StageFailed: if the stage's command fails, is killed, or takes too long.
    """
    if up_to_date:
        return Completed(name="Cached", message=f"{stage.name} is up to date")
    variables = how.variables if device is None else {**how.variables, "CUDA_VISIBLE_DEVICES": device}
    outcome = _run(stage, how, variables, force)
    return Completed(name=_NAMES[outcome], message=f"{stage.name}: {outcome}")


def task_for(stage: Stage) -> Task[Any, Any]:
    """`bring` under the stage's name, with its policy."""
    named = bring.with_options(name=stage.group, task_run_name=stage.name.replace("{", "{{").replace("}", "}}"))
    policy = POLICIES.get(stage.words[1]) if stage.words[:1] == ("mtcs",) and len(stage.words) > 1 else None
    if policy is None:
        return named
    return named.with_options(
        retries=policy.retries,
        retry_delay_seconds=policy.delays,
        retry_jitter_factor=JITTER,
        retry_condition_fn=_worth_it,
    )


def log_name(stage: Stage) -> str:
    """Of the file that keeps what a stage says; a stage of a `dvc.yaml` in a folder has a path in its name."""
    return f"{stage.name.replace('/', '_')}.log"


def computes(stage: Stage) -> bool:
    """Whether the stage's command can use a GPU: it has the option --device."""
    return stage.words[:1] == ("mtcs",) and stage.words[1] in _ON_DEVICE


def _worth_it(_: Task[Any, Any], run: TaskRun, state: State) -> bool:
    failure = state.data
    return isinstance(failure, StageFailed) and failure.why == POLICIES[failure.command.split()[1]].after


def _run(stage: Stage, how: How, variables: dict[str, str], force: bool) -> str:
    """The outcome of the stage's process; every line that it says goes to the log of the run and to its file."""
    logger = get_run_logger()
    how.logs.mkdir(parents=True, exist_ok=True)
    path = how.logs / log_name(stage)
    deadline = None if how.seconds is None else time.monotonic() + how.seconds
    show = _Progress(stage.name)
    lines: deque[str] = deque(maxlen=100)
    late = False
    with path.open("a", encoding="utf-8") as log, _started(stage, how.root, variables, force) as (process, answer):
        for line in _lines(process, deadline):
            if line is None:
                late = True
                continue
            log.write(f"{line}\n")
            log.flush()
            logger.info("%s", line)
            show(line)
            lines.append(line)
        said = answer.read()
    outcome = json.loads(said) if said else {"code": process.returncode}
    if "outcome" in outcome:
        return str(outcome["outcome"])
    if late:
        why, last = "timeout", f"ended after {how.seconds:g} s"
    elif is_abandoned(how.root):
        why, last = "ended", "its flow has ended"
    else:
        why, last = _judge(outcome, lines)
    raise StageFailed(stage.name, stage.command, why, last, path)


def _judge(outcome: dict[str, Any], lines: Iterable[str]) -> tuple[Why, str]:
    """Why a stage failed, and the line that tells it best."""
    code = outcome["code"]
    ours = [line for line in lines if line.startswith("mtcs: ")]
    last = ours[-1].removeprefix("mtcs: ") if ours else outcome.get("message") or "it said nothing"
    if code is not None and (code < 0 or 128 < code != 130):
        return "crash", f"killed by signal {-code if code < 0 else code - 128}"
    if code == 2:
        return "mistake", last
    if ours and _TRANSFER.match(ours[-1]):
        return "network", last
    return "work", last


@contextmanager
def _started(
    stage: Stage, root: Path, variables: dict[str, str], force: bool
) -> Iterator[tuple[subprocess.Popen[bytes], TextIO]]:
    """A process, head of a session and group, and where its outcome is read; the group ends with the block."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as answer:
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
            yield process, answer
        finally:
            _kill(process.pid)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _lines(process: subprocess.Popen[bytes], deadline: float | None) -> Iterator[str | None]:
    """Lines of a process group until its head has ended; None once, when it is told to end because time is up."""
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    rest, ended, killing = b"", False, float("inf")
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
                _kill(process.pid)  # whoever of the group is left holds the pipe open
            if deadline is not None and time.monotonic() > deadline:
                deadline, killing = None, time.monotonic() + GRACE
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                yield None
            if time.monotonic() > killing:
                killing = float("inf")
                _kill(process.pid)
    if rest:
        yield rest.decode("utf-8", "replace")
    process.wait()


def _path() -> str:
    """PATH, on which DVC finds `mtcs`: as for `dvc repro`, else the one of this Python's environment."""
    path = os.environ.get("PATH", os.defpath)
    return path if shutil.which("mtcs") else f"{Path(sys.executable).parent}{os.pathsep}{path}"


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


class _Progress:
    """Shows the progress lines of a long stage as one artifact of the task run.

    A server that does not take it is told of once, and ends no stage.
    """

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.artifact: Any = None
        self.refused = False

    def __call__(self, line: str) -> None:
        found = _PROGRESS.match(line)
        if found is None or int(found["total"]) == 0:
            return
        try:
            self._show(100 * int(found["done"]) / int(found["total"]), line)
        except Exception as error:
            if not self.refused:
                get_run_logger().warning("Progress of %s is not shown: %s", self.stage, error)
            self.refused = True

    def _show(self, percent: float, line: str) -> None:
        if self.artifact is not None:
            update_progress_artifact(self.artifact, percent, line)
        elif percent < 100:
            key = re.sub(r"[^a-z0-9]+", "-", f"progress-{self.stage}".lower())
            self.artifact = create_progress_artifact(percent, key, line)
