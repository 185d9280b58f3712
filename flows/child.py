"""Bring one DVC stage up to date, in a process group that ends when its flow does: `python -m flows.child STAGE`."""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import re
import signal
import sys
import threading
import time
from io import StringIO
from pathlib import Path
from typing import Any

from dvc.dependency.param import ParamsDependency
from dvc.exceptions import DvcException, ReproductionError
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.utils import parse_target
from dvc.utils.serialize import _common

from flows import GRACE_SECONDS
from flows.workspace import LOCK
from mtcs.config.experiment_file import read_experiment
from mtcs.errors import InputError
from mtcs.files import write_text
from mtcs.layout import Layout
from mtcs.provenance import stage_digests

RAN, UP_TO_DATE, RESTORED = "ran", "up to date", "restored"
RETRY_SECONDS = 2.0
"""Between two attempts while another DVC process holds the stage's files."""
ENDING = threading.Event()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--answer", type=int, required=True, metavar="FD", help="where the outcome is written")
    arguments = parser.parse_args()

    # SIGTERM to the group ends the stage's command; DVC then gives up the stage and releases its locks.
    signal.signal(signal.SIGTERM, lambda *_: None)
    threading.Thread(target=_end_with_flow, daemon=True).start()

    outcome = _reproduce(arguments.stage, arguments.force)
    with os.fdopen(arguments.answer, "w") as answer:
        json.dump(outcome, answer)
    if ENDING.is_set():
        os.killpg(0, signal.SIGKILL)  # what the command has left behind, and this process


def _end_with_flow() -> None:
    """Wait until no flow holds the workspace, then end the process group."""
    with LOCK.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        ENDING.set()
        os.killpg(0, signal.SIGTERM)
        time.sleep(GRACE_SECONDS)  # the next flow waits at least that long for the lock
        os.killpg(0, signal.SIGKILL)


def _reproduce(stage: str, force: bool) -> dict[str, Any]:
    """The `outcome`, or the exit `code` of the stage's command (None if it was not reached) and a `message`."""
    command_log = _CommandLog()
    logging.getLogger("dvc.stage.run").addHandler(command_log)
    waiting = False
    while True:
        try:
            with Repo(str(Path.cwd()), _wait_for_lock=True) as repo:
                repo.scm_context.quiet = True  # no advice on git after every stage
                if changed := _changed_since(repo, stage):
                    message = f"params.yaml has changed since the run began ({changed}); start the same run again."
                    print(f"mtcs: {message}", file=sys.stderr, flush=True)
                    return {"code": InputError.exit_code, "message": message}
                reproduced = _bring_up_to_date(repo, stage, force)
            return {"outcome": UP_TO_DATE if not reproduced else RAN if command_log.has_run else RESTORED}
        except DvcException as error:
            causes = [str(cause) for cause in _causes(error)]
            if any(isinstance(cause, LockError) for cause in _causes(error)):
                if not waiting:
                    print(f"Waiting: {' '.join(causes[-1].split())}", file=sys.stderr, flush=True)
                waiting = True
                time.sleep(RETRY_SECONDS)
                continue
            code = re.search(r"exited with (-?\d+)$", causes[-1])
            message = ": ".join(causes)
            if not ENDING.is_set():
                print(f"ERROR: {message}", file=sys.stderr, flush=True)
            return {"code": int(code[1]) if code else None, "message": message}
        except Exception as error:  # DVC's database on a full disk, a file that is not as it was written
            message = f"{type(error).__name__}: {' '.join(str(error).split())}"
            print(f"ERROR: {message}", file=sys.stderr, flush=True)
            return {"code": None, "message": message}


def _write_whole(path: str, data: Any, dumper: Any, fs: Any = None, **options: Any) -> None:
    """As DVC's writer of dvc.lock, but whole or not at all.

    DVC writes over the file there is, which takes seconds; a kill or a full disk in between leaves a part of it, which
    lacks the records of other stages.
    """
    text = StringIO()
    dumper(data, text, **options)
    write_text(Path(path), text.getvalue())


_common._dump_data = _write_whole


def _bring_up_to_date(repo: Repo, name: str, force: bool) -> bool:
    """As `dvc repro --single-item`, but only this stage of `dvc.yaml` is read: all of them take seconds each time.

    Returns whether the stage was not up to date.
    """
    path, name_there = parse_target(name)[:2]
    with repo.lock:
        stage = repo.stage.load_one(path=path, name=name_there)
        try:
            if stage.reproduce(force=force) is None:
                return False
            stage.dump(update_pipeline=False)
        except LockError:
            raise
        except Exception as error:
            raise ReproductionError(stage.addressing) from error
    return True


def _changed_since(repo: Repo, name: str) -> str:
    """Of the digests that the stage is recorded with, those that it would not have any more; empty as a rule.

    Stages read params.yaml, and DVC compares digests that were written at the beginning of the run: what an edited file
    has made would count as made by the file before.
    """
    params, code = Layout().params, Layout().code
    if not params.exists() or not code.exists() or params.stat().st_mtime <= code.stat().st_mtime:
        return ""
    path, name_there = parse_target(name)[:2]
    deps = repo.stage.load_one(path=path, name=name_there).deps
    read = [dep for dep in deps if isinstance(dep, ParamsDependency) and Path(dep.fs_path) == code.resolve()]
    try:
        before, now = json.loads(code.read_text()), stage_digests(read_experiment(params))
    except InputError:
        return ""  # the stage's command says what is wrong
    names = [one for dep in read for one in dep.params]
    return ", ".join(one for one in names if _entry(before, one) != _entry(now, one))


def _entry(digests: Any, name: str) -> Any:
    """The entry `train.mtcs` of nested mappings; None where there is none."""
    for key in name.split("."):
        digests = digests.get(key) if isinstance(digests, dict) else None
    return digests


def _causes(error: BaseException | None) -> list[BaseException]:
    return [] if error is None else [error, *_causes(error.__cause__)]


class _CommandLog(logging.Handler):
    """Notices that DVC runs the stage's command instead of restoring what an earlier run of it made."""

    has_run = False

    def emit(self, record: logging.LogRecord) -> None:
        self.has_run |= str(record.msg).startswith("Running stage")


if __name__ == "__main__":
    main()
