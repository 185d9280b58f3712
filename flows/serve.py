"""Schedules without a worker: `python -m flows.serve` offers `nightly`, `on-demand` and `watch` while it runs."""

from __future__ import annotations

from typing import Any

from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment

from flows.flow import reproduce, watched
from flows.watch import watch

NIGHTLY = "0 2 * * *"
"""Two in the morning, UTC."""
EVERY = 900.0
"""Seconds between two looks of `watch`."""


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


def main() -> None:
    """One run at a time: another one waits for it."""
    with watched():
        serve(*deployments(), limit=1)


if __name__ == "__main__":
    main()
