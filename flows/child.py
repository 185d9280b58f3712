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
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.repo.reproduce import reproduce

from flows.workspace import GRACE, LOCK

RAN, UP_TO_DATE, RESTORED = "ran", "up to date", "restored"
BUSY = 2.0  # seconds between two looks at files that another DVC process is at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--answer", type=int, required=True, metavar="FD", help="where the outcome is written")
    given = parser.parse_args()

    # The stage's command, in the same group, dies of it; DVC then gives up the stage and its locks.
    signal.signal(signal.SIGTERM, lambda *_: None)
    watch = threading.Thread(target=_end_with_flow, daemon=True)
    watch.start()

    outcome = _reproduce(given.stage, given.force)
    with os.fdopen(given.answer, "w") as answer:
        json.dump(outcome, answer)
    if ENDING.is_set():
        watch.join()  # it kills what is left of the group, and this process


ENDING = threading.Event()


def _end_with_flow() -> None:
    """Wait until no flow holds the workspace, then end the process group."""
    with LOCK.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        ENDING.set()
        os.killpg(0, signal.SIGTERM)
        time.sleep(GRACE)  # the next flow waits for the lock as long
        os.killpg(0, signal.SIGKILL)


def _reproduce(stage: str, force: bool) -> dict[str, Any]:
    """What happened: `outcome`, or the exit `code` of the stage's command (None without one) and a `message`."""
    ran = _Ran()
    logging.getLogger("dvc.stage.run").addHandler(ran)
    waiting = False
    while True:
        try:
            with Repo(str(Path.cwd()), _wait_for_lock=True) as repo:
                repo.scm_context.quiet = True  # no advice on git after every stage
                done = reproduce(repo, targets=[stage], single_item=True, force=force)
            return {"outcome": UP_TO_DATE if not done else RAN if ran.seen else RESTORED}
        except DvcException as error:
            causes = [str(cause) for cause in _causes(error)]
            if any(isinstance(cause, LockError) for cause in _causes(error)):
                if not waiting:
                    print(f"Waiting: {' '.join(causes[-1].split())}", file=sys.stderr, flush=True)
                waiting = True
                time.sleep(BUSY)
                continue
            code = re.search(r"exited with (-?\d+)$", causes[-1])
            message = ": ".join(causes)
            print(f"ERROR: {message}", file=sys.stderr, flush=True)
            return {"code": int(code[1]) if code else None, "message": message}


def _causes(error: BaseException | None) -> list[BaseException]:
    return [] if error is None else [error, *_causes(error.__cause__)]


class _Ran(logging.Handler):
    """Notices that DVC runs the stage's command, and does not restore what an earlier run of it made."""

    seen = False

    def emit(self, record: logging.LogRecord) -> None:
        self.seen |= str(record.msg).startswith("Running stage")


if __name__ == "__main__":
    main()
