"""Runs that die without a word: the server calls them crashed once their heartbeat has been missing for a while.

A run whose machine loses power, or that is killed with its worker, would otherwise be shown as running for ever, and
hold the only slot of its work pool. Prefect's runs send heartbeats; the automation that listens for them is made here,
or by `python -m flows.heartbeat`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from flows.command import Parser, exit_code
from flows.server import LOCAL_SERVER, server_faults

NAME = "Runs of mtcs without a heartbeat have crashed"
SILENCE = timedelta(minutes=3)
"""Six heartbeats; on a busy machine one or two of them are late."""


def notice_dead_runs(silence: timedelta = SILENCE) -> None:
    """Have the server set runs of this project that have been silent for so long to Crashed; once is enough.

    Raises:
        InputError: if the server wants another password.
        WorkError: if it does not answer, or not as it should.
    """
    automation = AutomationCore(
        name=NAME,
        description="Made by flows.heartbeat. A dead run gives its slot of the work pool back.",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(
                {"prefect.resource.role": "flow", "prefect.resource.name": ["reproduce", "watch"]}
            ),
            for_each={"prefect.resource.id"},
            after={f"prefect.flow-run.{event}" for event in ("Pending", "Running", "Cancelling", "heartbeat")},
            expect={"prefect.flow-run.*"},  # a heartbeat, or the next state
            posture=Posture.Proactive,
            threshold=1,
            within=silence,
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                state=StateType.CRASHED,
                message=f"No heartbeat for {silence.total_seconds():g} s: its process or its machine has died.",
                force=False,
            )
        ],
    )
    with server_faults(), get_client(sync_client=True) as client:
        if existing := client.read_automations_by_name(NAME):
            client.update_automation(existing[0].id, automation)
        else:
            client.create_automation(automation)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 2 if the server wants another password, and 1 if none answers."""
    Parser("heartbeat", "Have the server notice runs that died without a word.").parse_args(arguments)

    def work() -> int:
        with temporary_settings({PREFECT_API_URL: get_current_settings().api.url or LOCAL_SERVER}):
            notice_dead_runs()
        return 0

    return exit_code("heartbeat", work)


if __name__ == "__main__":
    sys.exit(main())
