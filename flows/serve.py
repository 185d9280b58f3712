"""Schedules without a worker: `python -m flows.serve` offers `nightly`, `on-demand` and `watch` while it runs."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from typing import Any

import httpx
from prefect import serve
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from flows.command import Parser, exit_code
from flows.flow import reproduce
from flows.heartbeat import notice_dead_runs
from flows.server import LOCAL_SERVER, UNREACHABLE
from flows.watch import watch
from mtcs.data.address import without_secrets
from mtcs.errors import WorkError

NIGHTLY = "0 2 * * *"
"""Two in the morning, UTC."""
AS_SHIPPED = {"suites": ["demo"], "workers": 2}
"""Parameters of the deployments; more than the demo is days of computing, and for the user to ask for. Two stages side
by side, with half of the cores each, take less time than one after the other, above all beside a busy server."""
WATCH_SECONDS = 900.0
"""Between two runs of `watch`."""
CONNECT_TIMEOUT = 60.0
"""Seconds that a server which has just been started has to answer."""


def deployments() -> list[RunnerDeployment]:
    """Those of `prefect.yaml`, for a process that serves them itself."""
    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    common: dict[str, Any] = {"concurrency_limit": one_at_a_time, "parameters": AS_SHIPPED}
    served = [
        reproduce.to_deployment("nightly", cron=NIGHTLY, **common),
        reproduce.to_deployment("on-demand", **common),
        watch.to_deployment("watch", interval=WATCH_SECONDS, **common),
    ]
    return [deployment for deployment in served if isinstance(deployment, RunnerDeployment)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted, one run at a time; other runs wait. A server that goes away is waited for.

    Returns 1 if no server answers at first, and 2 if it wants another password. Without a server Prefect would start
    a temporary one, which runs no schedules.
    """
    Parser("serve", "Offer the deployments nightly, on-demand and watch while this runs.").parse_args(arguments)
    return exit_code("serve", _serve)


def _serve() -> int:
    server = get_current_settings().api.url or LOCAL_SERVER
    with temporary_settings({PREFECT_API_URL: server}):
        if not _answers(server, CONNECT_TIMEOUT):
            raise WorkError(f"no Prefect server answers at {server}; run 'prefect server start' first.")
        notice_dead_runs()  # a refused password ends the command here
        while True:
            try:
                serve(*deployments(), limit=1)
                return 0
            except Exception as error:
                if not _of_server(error):
                    raise
                _say(f"the Prefect server at {server} is gone; it is waited for.")
            time.sleep(1)
            _answers(server)


def _of_server(error: BaseException) -> bool:
    """Whether Prefect raises that when its server does not answer; it gives up after some attempts."""
    if isinstance(error, BaseExceptionGroup):
        return all(_of_server(one) for one in error.exceptions)
    if isinstance(error, RuntimeError):
        return str(error).startswith((UNREACHABLE, "Service exceeded error threshold"))
    return isinstance(error, httpx.HTTPError)


def _answers(server: str, seconds: float = math.inf) -> bool:
    """Whether the configured server answers within that time."""
    began, announced = time.monotonic(), seconds == math.inf
    with get_client(sync_client=True) as client:
        while client.api_healthcheck() is not None:
            if not announced:
                announced = True
                _say(f"waiting up to {seconds:g} s for {server} to answer.")
            if time.monotonic() > began + seconds:
                return False
            time.sleep(1)
    return True


def _say(line: str) -> None:
    print(without_secrets(f"serve: {line}"), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
