"""The flow `reproduce`: DVC's stages as tasks of Prefect, with retries, logs and the report as artifacts."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State

from flows.command import no_command
from flows.pipeline import bring_up_to_date, final_state
from flows.request import Seconds, Workers, parse_request
from mtcs.config.device_names import DeviceName


@flow(name="reproduce", persist_result=False)
def reproduce(
    suites: list[str] | None = None,
    methods: list[str] | None = None,
    seeds: list[int] | None = None,
    device: DeviceName | None = None,
    workers: Workers = 1,
    force: bool | list[str] = False,
    dask: str | None = None,
    stage_seconds: Seconds | None = None,
) -> State | None:
    """Bring suites up to date, as `dvc repro` does, and show the progress.

    Args:
        suites: of params.yaml; None is all that dvc.yaml has.
        methods: results of these methods only, and no reports, since a report compares all methods.
        seeds: results with these seeds only, likewise.
        device: where stages compute; None is `MTCS_DEVICE`.
        workers: how many stages run side by side.
        force: run all stages, or those named, even if they are up to date.
        dask: address of a Dask scheduler, or "local" for a cluster of `workers` processes; None is threads.
        stage_seconds: time limit of a stage; None is no limit.

    A mistake in params.yaml or a parameter ends the run before any stage. A failed stage stops only the stages that
    need it; the run fails once nothing else is left to do.
    """
    request = parse_request(
        suites=suites,
        methods=methods,
        seeds=seeds,
        device=device,
        workers=workers,
        force=force,
        dask=dask,
        stage_seconds=stage_seconds,
    )
    return final_state(lambda: bring_up_to_date(Path.cwd(), request))


if __name__ == "__main__":
    no_command("flow", "run 'python -m flows.reproduce'")
