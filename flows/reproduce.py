"""The flow `reproduce`: DVC's stages as tasks of Prefect, with retries, logs and pictures: `make flow`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.error import URLError
from urllib.request import urlopen

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import ParameterTypeError
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings
from pydantic import Field

from flows.pipeline import Request, bring_up_to_date, check, ended
from mtcs.errors import InputError, MtcsError, WorkError
from mtcs.machine import DeviceName

LOCAL_SERVER = "http://127.0.0.1:4200/api"
"""Where `prefect server start` listens."""


@flow(name="reproduce", persist_result=False)
def reproduce(
    suites: list[str] | None = None,
    methods: list[str] | None = None,
    seeds: list[int] | None = None,
    device: DeviceName = "auto",
    workers: Annotated[int, Field(ge=1, le=1024)] = 1,
    force: bool | list[str] = False,
    dask: str | None = None,
    stage_seconds: Annotated[float, Field(gt=0)] | None = None,
) -> State | None:
    """Bring suites up to date, as `dvc repro` does, and show how it goes.

    Args:
        suites: of params.yaml; None is all that dvc.yaml has.
        methods: predictions of these methods only, and no reports, since those compare all.
        seeds: predictions with these seeds only, likewise.
        device: where stages compute (`MTCS_DEVICE`).
        workers: how many stages run side by side.
        force: run all stages, or those named, even if they are up to date.
        dask: address of a Dask scheduler, or "local" for a cluster of `workers` processes; None is threads.
        stage_seconds: after which a stage is ended; None is never.

    A mistake in params.yaml or a parameter ends the run before any stage. A failed stage holds up those that need it
    and no others, and ends the run when nothing is left to do.
    """
    asked = Request(suites or [], methods or [], seeds or [], device, workers, force, dask, stage_seconds)
    return ended(lambda: bring_up_to_date(Path.cwd(), asked))


@contextmanager
def watched() -> Iterator[None]:
    """Runs within go to the server that `prefect server start` started here, if none is configured and one answers."""
    if get_current_settings().api.url is not None or not _answers(LOCAL_SERVER):
        yield
        return
    with temporary_settings({PREFECT_API_URL: LOCAL_SERVER}):
        yield


def _answers(server: str) -> bool:
    try:
        with urlopen(f"{server}/health", timeout=1) as response:
            return response.status == 200
    except (URLError, OSError):
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 2 for a user's mistake and 1 for failed work."""
    parser = argparse.ArgumentParser(prog="python -m flows.reproduce", description="Bring suites up to date.")
    parser.add_argument("--suites", nargs="+", metavar="SUITE", help="of params.yaml; default: all of dvc.yaml")
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help="their predictions only, and no report")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="their predictions only, and no report")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--workers", type=int, default=1, help="stages side by side")
    parser.add_argument("--force", nargs="*", metavar="STAGE", help="run what is up to date, too: these, or all")
    parser.add_argument(
        "--dask", nargs="?", const="local", metavar="ADDRESS", help="a scheduler; default: one started here"
    )
    parser.add_argument("--stage-seconds", type=float, metavar="S", help="after which a stage is ended")
    given = vars(parser.parse_args(arguments))
    given["force"] = given["force"] == [] or given["force"] or False
    try:
        reproduce.validate_parameters(given)
        check(Path.cwd(), Request(given["suites"] or [], given["methods"] or []))
    except (MtcsError, ParameterTypeError) as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return InputError.exit_code
    with watched():
        state = reproduce(**given, return_state=True)
    if state.is_completed():
        return 0
    error = state.result(raise_on_failure=False)
    return error.exit_code if isinstance(error, MtcsError) else WorkError.exit_code


if __name__ == "__main__":
    sys.exit(main())
