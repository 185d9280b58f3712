"""Schedules without a worker: `python -m flows.serve` offers `nightly`, `on-demand` and `watch` while it runs."""

from __future__ import annotations

import sys
import time
from typing import Any

from prefect import serve
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from flows.flow import LOCAL_SERVER, reproduce
from flows.watch import watch
from mtcs.errors import WorkError

NIGHTLY = "0 2 * * *"
"""Two in the morning, UTC."""
EVERY = 900.0
"""Seconds between two looks of `watch`."""
PATIENCE = 60.0
"""Seconds for a server that has just been started to answer."""


def deployments() -> list[RunnerDeployment]:
    """Those of `prefect.yaml`, for a process that serves them itself."""
    one = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    common: dict[str, Any] = {"concurrency_limit": one}
    made = [
        reproduce.to_deployment("nightly", cron=NIGHTLY, **common),
        reproduce.to_deployment("on-demand", **common),
        watch.to_deployment("watch", interval=EVERY, **common),
    ]
    return [one for one in made if isinstance(one, RunnerDeployment)]


def main() -> int:
    """Serve until interrupted, one run at a time: another one waits for it. Returns 1 where no server answers.

    Prefect would take a temporary server then, which starts no schedule.
    """
    server = get_current_settings().api.url or LOCAL_SERVER
    with temporary_settings({PREFECT_API_URL: server}):
        if not _answers(server):
            print(f"serve: no Prefect server answers at {server}; run 'prefect server start' first.", file=sys.stderr)
            return WorkError.exit_code
        serve(*deployments(), limit=1)
    return 0


def _answers(server: str) -> bool:
    """Whether the server of the settings answers before patience ends."""
    began, told = time.monotonic(), False
    with get_client(sync_client=True) as client:
        while client.api_healthcheck() is not None:
            if not told:
                told = True
                print(f"serve: waiting up to {PATIENCE:g} s for {server} to answer.", file=sys.stderr)
            if time.monotonic() > began + PATIENCE:
                return False
            time.sleep(1)
    return True


if __name__ == "__main__":
    sys.exit(main())
