"""A Dask cluster takes independent pieces of work through joblib, as many at a time as its workers have threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, TypeVar

from joblib import Parallel, delayed, parallel_config

from mtcs.errors import InputError, WorkError

Result = TypeVar("Result")

PATIENCE = 10
"""Seconds for the scheduler to answer, and then for a first worker to come."""


def on_cluster(
    address: str, work: Callable[..., Result], pieces: Iterable[tuple[Any, ...]], advance: Callable[[int], None]
) -> list[Result]:
    """Results of `work(*piece)` for every piece, in their order, computed by the cluster's workers.

    Args:
        address: of Dask's scheduler, such as `tcp://HOST:8786`.
        work: a function of a module that the workers can import.
        pieces: its arguments; drawn as workers come free, so that few wait in memory.
        advance: called with the number of pieces done so far.

    Raises:
        InputError: if Dask is not installed, or no scheduler answers at `address`.
        WorkError: if the cluster has no worker, they die at the work, or the scheduler is lost.
        Exception: what `work` raises.
    """
    try:
        from distributed import Client, KilledWorker
        from joblib._dask import DaskDistributedBackend
    except ImportError:
        raise InputError("dask needs packages that are not installed; run 'make install'.") from None

    class Backend(DaskDistributedBackend):
        """Joblib's waits forever for a job that is lost with its workers, and computes here if there is one thread."""

        def configure(self, *arguments: Any, **settings: Any) -> int:
            return max(2, super().configure(*arguments, **settings))

        def submit(self, func: Any, callback: Any = None) -> Any:
            job = super().submit(func, callback)
            job.add_done_callback(lambda done: callback(done.exception()) if done.exception() else None)
            return job

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, BaseException):
                raise out
            return super().retrieve_result_callback(out)

    class Shown(Parallel):
        def print_progress(self) -> None:
            with suppress(OSError):  # joblib would wait forever if this raised, as it does where nobody reads any more
                advance(self.n_completed_tasks)

    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"dask: no scheduler answers at {address} ({str(error).rstrip('.')}); start one with 'dask scheduler', or "
            "correct --dask or MTCS_DASK."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise WorkError(f"The cluster at {address} has no worker; start one: 'dask worker {address}'.") from error
        try:
            with parallel_config(Backend(client=client)):
                results: Any = Shown(n_jobs=-1)(delayed(work)(*piece) for piece in pieces)
        except KilledWorker as error:
            raise WorkError(
                f"Workers of the cluster at {address} died at this work, most likely of memory; give them more, or "
                "leave out --dask and MTCS_DASK."
            ) from error
        except CancelledError as error:
            raise WorkError(
                f"The scheduler at {address} was lost at this work; repeat the command once it is back, or leave out "
                "--dask and MTCS_DASK."
            ) from error
    return list(results)
