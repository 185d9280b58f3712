"""Where stages run: in threads of this process or on Dask workers, how many at a time, and on which GPU."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from prefect.settings import get_current_settings
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.graph import Stage
from flows.server import NO_SERVER
from flows.stage import computes
from mtcs.config.device_names import DeviceName
from mtcs.data.address import without_secrets
from mtcs.errors import InputError
from mtcs.evaluation.cluster import NO_DASK


def runner_for(workers: int, dask: str | None) -> TaskRunner[Any]:
    """Threads; or a Dask cluster: the one at an address, or one of `workers` processes started for this run.

    Raises:
        InputError: if Dask is asked for and not installed, or its workers have no Prefect server to report to.
    """
    if dask is None:
        return ThreadPoolTaskRunner(workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise InputError(NO_DASK) from None
    if get_current_settings().api.url is None:
        raise InputError(NO_SERVER)
    if dask == "local":
        return DaskTaskRunner(cluster_kwargs={"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None})
    return DaskTaskRunner(address=dask)


@dataclass
class Slots:
    """How many stages may run side by side, and on which GPUs of this machine; each GPU has one stage at a time.

    free: how many more stages may start now.
    gpus: those of this machine that are free; None if stages need none, or if Dask assigns them.
    dask_gpus: Dask assigns GPUs, as the resource `GPU` of its workers.
    """

    free: int
    gpus: list[str] | None
    dask_gpus: bool = False

    @classmethod
    def of(cls, runner: TaskRunner[Any], device: DeviceName, free: int) -> Slots:
        """Raises InputError if the runner's cluster does not answer."""
        import torch

        try:
            client = getattr(runner, "client", None)
        except (OSError, ValueError) as error:
            raise InputError(
                without_secrets(f"dask: no scheduler answers at {getattr(runner, 'address', None)} ({error}); ")
                + "start one with 'dask scheduler', or correct --dask."
            ) from error
        if client is not None:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            if any("GPU" in worker["resources"] for worker in workers):
                return cls(free, None, dask_gpus=device != "cpu")
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
        if not (self.dask_gpus and computes(stage)):
            return nullcontext()
        from dask.base import annotate

        return annotate(resources={"GPU": 1})
