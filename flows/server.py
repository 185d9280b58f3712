"""The Prefect server that a run reports to: one that is running already, or a temporary one that ends with the run.

`python -m flows.server SOCKET` is that temporary server. Its standard input is a pipe that the run's process holds
open and never writes to: it reads the end of the pipe as soon as that process has ended, even by SIGKILL, and ends too.
A session of its own keeps it from the Ctrl-C of a terminal, which is meant for the run.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import httpx

from flows import GRACE_SECONDS
from mtcs.data.address import without_secrets
from mtcs.errors import InputError, MtcsError, WorkError, one_line

LOCAL_SERVER = "http://127.0.0.1:4200/api"
"""Where `prefect server start` listens."""
START_SECONDS = 180.0
"""Until a temporary server answers; the first one creates the database."""
UNREACHABLE = "Failed to reach API"
"""How Prefect's RuntimeError begins where no server answers."""
NO_SERVER = (
    "Dask's workers cannot reach this run; run 'prefect server start' and, from another machine, set PREFECT_API_URL."
)
_START = (
    "start the server, or name another: PREFECT_API_URL is a variable of the environment, or a setting that "
    "'prefect config unset PREFECT_API_URL' removes."
)


@contextmanager
def prefect_api(temporary: bool = True) -> Iterator[None]:
    """Runs within report to the configured server, else to one on this machine, else to a temporary one.

    Args:
        temporary: whether a temporary server will do.

    Raises:
        InputError: if no server is configured or running, and a temporary one will not do.
        WorkError: if the temporary server does not start.
    """
    from prefect.settings import get_current_settings

    if get_current_settings().api.url is not None:
        yield
    elif answers(LOCAL_SERVER, seconds=1):
        with _settings(PREFECT_API_URL=LOCAL_SERVER):
            yield
    elif temporary:
        given = get_current_settings().to_environment_variables(exclude_unset=True)
        with _temporary_server(given) as url, _settings(PREFECT_API_URL=url, PREFECT_UI_URL=""):  # it has no page
            yield
    else:
        raise InputError(NO_SERVER)


def answers(url: str, seconds: float) -> bool:
    """Whether a Prefect API answers there. No proxy is asked: a server on this machine is not behind one."""
    try:
        with build_opener(ProxyHandler({})).open(f"{url}/health", timeout=seconds) as response:
            return response.status == 200
    except (URLError, HTTPException, OSError):
        return False


def server_fault(error: httpx.HTTPError | RuntimeError, then: str | None = None) -> MtcsError:
    """What a user is told of a fault of the configured server: an InputError if it wants another password.

    Args:
        error: what Prefect raised.
        then: what else is said of failed work; None is how to start a server.
    """
    from prefect.settings import get_current_settings

    server = without_secrets(get_current_settings().api.url or LOCAL_SERVER)
    code = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
    if code in (401, 403):
        return InputError(f"the Prefect server at {server} refuses the password ({code}); set PREFECT_API_AUTH_STRING.")
    reason = one_line(str(error).partition("\n")[0], 160) or type(error).__name__
    if not reason.startswith(UNREACHABLE):
        reason = f"the Prefect server at {server} does not answer as it should ({reason})"
    return WorkError(f"{reason}; {then or _START}")


@contextmanager
def server_faults() -> Iterator[None]:
    """Within, faults of the configured server are one line each.

    Raises:
        InputError: if the server wants another password.
        WorkError: if it does not answer, or not as it should.
    """
    try:
        yield
    except (httpx.HTTPError, RuntimeError) as error:
        if not isinstance(error, httpx.HTTPError) and not str(error).startswith(UNREACHABLE):
            raise
        raise server_fault(error) from error


@contextmanager
def _settings(**variables: str) -> Iterator[None]:
    """Prefect's settings in all threads and child processes; what is under way to a server arrives."""
    from prefect.context import refresh_global_settings_context
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    os.environ.update(variables)
    refresh_global_settings_context()
    try:
        yield
    finally:
        APILogWorker.drain_all(timeout=GRACE_SECONDS)
        EventsWorker.drain_all(timeout=GRACE_SECONDS)
        for name in variables:
            del os.environ[name]
        refresh_global_settings_context()


@contextmanager
def _temporary_server(settings: dict[str, str]) -> Iterator[str]:
    """The address of the API of a server that ends with the block, or with this process, however it ends."""
    with socket.socket() as listener, tempfile.TemporaryFile() as output:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.server", str(listener.fileno())],
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        listener.close()
        assert process.stdin is not None
        try:
            deadline = time.monotonic() + START_SECONDS
            while not answers(url, seconds=5):
                if process.poll() is not None:
                    output.seek(0)
                    raise WorkError(_why_it_ended(output.read().decode("utf-8", "replace")))
                if time.monotonic() > deadline:
                    raise WorkError(f"Prefect's temporary server did not answer within {START_SECONDS:g} s; {_ADVICE}.")
                time.sleep(0.05)
            yield url
        finally:
            process.stdin.close()
            try:
                process.wait(2 * GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


_ADVICE = "start 'prefect server start', which shows more, and try again"


def _why_it_ended(output: str) -> str:
    if revision := re.search(r"Can't locate revision identified by '(\w+)'", output):
        from prefect.settings import get_current_settings

        return (
            f"Prefect's database in {get_current_settings().home} was written by another version of Prefect (its "
            f"revision {revision[1]} is unknown to this one); move prefect.db away, or set PREFECT_HOME to another "
            "folder."
        )
    errors = re.findall(r"^[\w.]*(?:Error|Exception)\b.*", output, re.MULTILINE)
    error = errors[-1][:200] if errors else "it printed no error"
    return f"Prefect's temporary server did not start ({error}); {_ADVICE}."


def main() -> None:
    threading.Thread(target=_end_with_run, daemon=True).start()
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(ephemeral=True, final=True)
    config = uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=int(GRACE_SECONDS) - 1)
    uvicorn.Server(config).run([socket.socket(fileno=int(sys.argv[1]))])


def _end_with_run() -> None:
    """Wait for the end of the run's process; then ask this one to end, and make sure that it does."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
