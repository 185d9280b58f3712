"""The command that starts the flow `reproduce`: `make flow`, or `python -m flows.reproduce`.

Names and params.yaml are checked before Prefect is imported, which takes seconds.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from flows.command import Parser, exit_code
from flows.request import check_request, parse_request
from flows.server import prefect_api, server_fault, server_faults
from mtcs.errors import MtcsError, WorkError


def __getattr__(name: str) -> Any:
    """The flow itself, for callers from Python: `from flows.reproduce import reproduce`."""
    if name != "reproduce":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from flows.flow import reproduce

    return reproduce


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 2 for a user's mistake and 1 for failed work."""
    parser = Parser("reproduce", "Bring suites up to date.")
    parser.add_argument("--suites", nargs="+", metavar="SUITE", help="of params.yaml; default: all of dvc.yaml")
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help="their results only, and no report")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="their results only, and no report")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], help="default: MTCS_DEVICE, or auto")
    parser.add_argument("--workers", type=int, default=1, help="stages side by side")
    parser.add_argument("--force", nargs="*", metavar="STAGE", help="run what is up to date, too: these, or all")
    parser.add_argument(
        "--dask", nargs="?", const="local", metavar="ADDRESS", help="a scheduler; default: one started here"
    )
    parser.add_argument("--stage-seconds", type=float, metavar="S", help="after which a stage is ended")
    parameters = vars(parser.parse_args(arguments))
    parameters["force"] = parameters["force"] == [] or parameters["force"] or False

    def work() -> int:
        check_request(Path.cwd(), parse_request(**parameters))
        with prefect_api(temporary=parameters["dask"] in (None, "local")):
            return _exit_code(parameters)

    return exit_code("reproduce", work)


def _exit_code(parameters: dict[str, Any]) -> int:
    """Of the flow run with those parameters; its messages are in its log."""
    from flows.flow import reproduce
    from flows.pipeline import INTERRUPTED

    with server_faults():
        try:
            state = reproduce(**parameters, return_state=True)
        except httpx.HTTPError as error:  # the server was there when the run began, or refuses it
            raise server_fault(error, _left_to_do(parameters)) from error
    if state.is_completed():
        return 0
    if state.name == INTERRUPTED:
        return 128 + signal.SIGINT
    error = state.result(raise_on_failure=False)
    return error.exit_code if isinstance(error, MtcsError) else WorkError.exit_code


def _left_to_do(parameters: dict[str, Any]) -> str:
    """How far stages have come, for a run that has lost its server."""
    from flows.graph import Graph

    request, graph = parse_request(**parameters), Graph(Path.cwd())
    stages = graph.select(request.suites, request.methods, request.seeds)
    left = [name for name in stages if not graph.is_up_to_date(name)]
    if left:
        return f"{len(left)} of {len(stages)} stages are left to do: start the server, and the same run again."
    return f"all {len(stages)} stages are done; start the server, and the same run again, to see them on its page."


if __name__ == "__main__":
    sys.exit(main())
