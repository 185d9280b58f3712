"""The flow `watch`: brings suites up to date when params.yaml or the archive has changed since its last good run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import httpx
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed
from pydantic import TypeAdapter, ValidationError

from flows.command import no_command
from flows.pipeline import bring_up_to_date, final_state
from flows.request import Request, Workers
from flows.workspace import STATE
from mtcs.config.device_names import DeviceName
from mtcs.config.experiment import Experiment
from mtcs.config.experiment_file import read_experiment
from mtcs.config.machine import read_machine
from mtcs.data.address import without_secrets
from mtcs.data.sources import local_folder, task_url
from mtcs.errors import fault
from mtcs.files import regular, write_text
from mtcs.layout import Layout

SEEN = STATE / "seen.json"
"""What the last good run of each suite saw of params.yaml, and the last good download of each task of the archive, as
digests; an empty one is work that has yet to be done."""
ANSWER_SECONDS = 30.0
"""That the archive has for an answer."""


@flow(name="watch", persist_result=False)
def watch(
    suites: list[str] | None = None,
    device: DeviceName | None = None,
    workers: Workers = 1,
) -> State | None:
    """Bring suites up to date if params.yaml or their tasks' files in the archive changed since the last good run.

    Args:
        suites: of params.yaml; None is all.
        device: where stages compute; None is `MTCS_DEVICE`.
        workers: how many stages run side by side.
    """
    root = Path.cwd()
    unchanged = False

    def work() -> None:
        nonlocal unchanged
        experiment = read_experiment(Layout(root).params)
        before = _seen(root)
        seen = fingerprints(root, experiment, suites or list(experiment.suites), read_machine().archive, before)
        unchanged = seen == before
        if unchanged:
            return
        changed = [name for name in seen if seen[name] != before.get(name)]
        get_run_logger().info("Changed: %s", ", ".join(changed) if before else "nothing is known from earlier runs")
        refetch = [(suite, task) for suite, _, task in (name.partition("/") for name in changed) if task]
        # Forgotten first, their suites too: if the run is refused or fails, the next one tries again.
        remembered = before | dict.fromkeys([*changed, *(_parameters(suite) for suite, _ in refetch)], "")
        if refetch:
            _remember(root, remembered)

        def fetched(suite: str, task: str) -> None:
            remembered[f"{suite}/{task}"] = seen[f"{suite}/{task}"]
            _remember(root, remembered)

        request = Request(suites or [], device=device, workers=workers, refetch=refetch)
        bring_up_to_date(root, request, fetched)
        _remember(root, seen)

    return final_state(work) or (Completed(name="Unchanged", message="Nothing has changed") if unchanged else None)


def _seen(root: Path) -> dict[str, str]:
    """What the last good runs saw; nothing where the file is damaged, so that suites are looked at anew."""
    try:
        return TypeAdapter(dict[str, str]).validate_json(regular(root / SEEN).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        get_run_logger().warning("%s is not as it was written (%s); nothing is known.", SEEN, fault(error))
        return {}


def _remember(root: Path, seen: dict[str, str]) -> None:
    write_text(root / SEEN, json.dumps(seen, indent=2))


def _parameters(suite: str) -> str:
    return f"params.yaml of {suite}"


def fingerprints(
    root: Path, experiment: Experiment, suites: Sequence[str], archive: str, before: dict[str, str]
) -> dict[str, str]:
    """Digests by `params.yaml of SUITE` and `SUITE/TASK`; what cannot be reached now keeps its earlier one.

    Raises:
        InputError: if `archive` is no folder, and no address with the task's name in it.
    """
    seen = dict(before)
    parameters = hashlib.sha256(regular(Layout(root).params).read_bytes()).hexdigest()
    seen |= {_parameters(suite): parameters for suite in suites}
    fetched = {suite: experiment.suite(suite) for suite in suites if experiment.suite(suite).source == "archive"}
    found = _archived(archive, dict.fromkeys(task for suite in fetched.values() for task in suite.tasks))
    for name, suite in fetched.items():
        seen |= {f"{name}/{task}": found[task] for task in suite.tasks if task in found}
    return seen


def _archived(archive: str, tasks: Iterable[str]) -> dict[str, str]:
    """A digest of what the archive says of each task's files; those that it does not answer for are left out.

    Raises:
        InputError: if the archive is no folder, and no address with the task's name in it.
    """
    found, folder = {}, local_folder(archive)
    with httpx.Client(headers={"User-Agent": "mtcs"}, timeout=ANSWER_SECONDS, follow_redirects=True) as client:
        for task in tasks:
            try:
                facts = _served(client, task_url(archive, task)) if folder is None else _files(folder, task)
            except httpx.TransportError as error:  # the others would be waited for as long
                get_run_logger().warning(
                    "The archive cannot be reached (%s: %s); %s and those after it are taken to be unchanged.",
                    type(error).__name__,
                    without_secrets(str(error)).partition("\n")[0],
                    task,
                )
                break
            except (httpx.HTTPError, OSError) as error:
                reason = without_secrets(str(error)).partition("\n")[0]
                get_run_logger().warning("%s cannot be checked (%s); taken to be unchanged.", task, reason)
                continue
            found[task] = hashlib.sha256(repr(facts).encode()).hexdigest()
    return found


def _files(archive: Path, task: str) -> list[tuple[str, int, int]]:
    """Names, sizes and times of whatever the archive's folder has of a task."""
    paths = [*archive.glob(f"{task}.zip"), *archive.glob(f"{task}_T*.ts*"), *archive.glob(f"{task}/{task}_T*.ts*")]
    if not paths:
        raise FileNotFoundError(f"{archive} has no file of it")
    return sorted((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths)


def _served(client: httpx.Client, url: httpx.URL) -> list[str | None]:
    response = client.head(url)
    response.raise_for_status()
    return [response.headers.get(name) for name in ("ETag", "Last-Modified", "Content-Length")]


if __name__ == "__main__":
    no_command("watch", "run 'python -m flows.serve', which offers it")
