"""A Dask cluster takes independent pieces of work, twice as many at a time as its workers have threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from itertools import islice
from typing import Any, TypeVar

from mtcs.data.address import shown, without_secrets
from mtcs.errors import InputError, WorkError

Result = TypeVar("Result")

NO_DASK = "dask needs packages that are not installed; run 'make install'."

CONNECT_TIMEOUT = 10
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
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise InputError(NO_DASK) from None
    where = shown(address)
    try:
        client: Any = Client(address, timeout=CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"dask: no scheduler answers at {where} ({without_secrets(str(error)).rstrip('.')}); start one with 'dask "
            "scheduler', or correct --dask or MTCS_DASK."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_TIMEOUT)
        except TimeoutError as error:
            raise WorkError(f"The cluster at {where} has no worker; start one: 'dask worker {where}'.") from error
        try:
            waiting = enumerate(pieces)
            # Pure functions of equal arguments would be computed once, and two pieces may be equal.
            submitted = ((client.submit(work, *piece, pure=False), i) for i, piece in waiting)
            places = dict(islice(submitted, 2 * sum(client.nthreads().values())))
            completed, results = as_completed(list(places), loop=client.loop), {}
            advance(0)
            for future in completed:
                results[places.pop(future)] = future.result()
                advance(len(results))
                for another, place in islice(submitted, 1):
                    places[another] = place
                    completed.add(another)
        except KilledWorker as error:
            raise WorkError(
                f"Workers of the cluster at {where} died at this work, most likely of memory; give them more, or "
                "leave out --dask and MTCS_DASK."
            ) from error
        except CancelledError as error:
            raise WorkError(
                f"The scheduler at {where} was lost at this work; repeat the command once it is back, or leave out "
                "--dask and MTCS_DASK."
            ) from error
    return [results[i] for i in range(len(results))]
