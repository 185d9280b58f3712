"""The commands of `flows`: a mistake, and a server that is gone or refuses a password, are one line each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import heartbeat, reproduce, serve
from flows.server import server_fault

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:9/api"


def status(code: int) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", f"{URL}/flows/")
    response = httpx.Response(code, json={"exception_message": "Unauthorized"}, request=request)
    return PrefectHTTPStatusError(f"{code} for {URL}\nFor more information check", request=request, response=response)


class Raises:
    """In the place of a function or of a client of Prefect: raises one error each time, then is done."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self, *_: Any, **__: Any) -> None:
        if self.errors:
            raise self.errors.pop(0)


@pytest.fixture(autouse=True)
def _server(monkeypatch):
    monkeypatch.setattr(serve, "_answers", lambda *_: True)
    with temporary_settings({PREFECT_API_URL: URL}):
        yield


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (
            status(401),
            2,
            "the Prefect server at http://127.0.0.1:9/api refuses the password (401); set PREFECT_API_AUTH_STRING.",
        ),
        (
            httpx.ConnectError("All connection attempts failed"),
            1,
            "the Prefect server at http://127.0.0.1:9/api does not answer as it should (All connection attempts "
            "failed); start the server, or name another: PREFECT_API_URL is a variable of the environment, or a "
            "setting that 'prefect config unset PREFECT_API_URL' removes.",
        ),
        (
            RuntimeError("Failed to reach API at http://127.0.0.1:9/api"),
            1,
            "Failed to reach API at http://127.0.0.1:9/api; start the server, or name another: PREFECT_API_URL is a "
            "variable of the environment, or a setting that 'prefect config unset PREFECT_API_URL' removes.",
        ),
    ],
)
def test_a_fault_of_the_server_is_one_line(monkeypatch, capsys, error, code, says):
    monkeypatch.setattr(heartbeat, "get_client", Raises(error, error))
    for name, command in (("heartbeat", heartbeat.main), ("serve", serve.main)):
        assert command([]) == code
        assert capsys.readouterr().err == f"{name}: {says}\n"


def test_an_error_without_words_is_named():
    assert "(ReadTimeout)" in str(server_fault(httpx.ReadTimeout("")))


def test_a_server_that_goes_away_is_waited_for_by_what_it_serves(monkeypatch, capsys):
    gave_up = ExceptionGroup("", [RuntimeError("Service exceeded error threshold.")])
    monkeypatch.setattr(serve, "notice_dead_runs", Raises())
    monkeypatch.setattr(serve, "deployments", list)
    monkeypatch.setattr(serve, "serve", Raises(gave_up, httpx.ConnectError("gone")))
    monkeypatch.setattr(serve.time, "sleep", lambda _: None)
    assert serve.main([]) == 0
    line = f"serve: the Prefect server at {URL} is gone; it is waited for."
    assert capsys.readouterr().err.splitlines() == [line, line]
    monkeypatch.setattr(serve, "serve", Raises(RuntimeError("another fault")))
    with pytest.raises(RuntimeError, match="another fault"):
        serve.main([])


@pytest.mark.parametrize("command", [reproduce.main, serve.main, heartbeat.main])
def test_wrong_options_are_one_line(capsys, command):
    with pytest.raises(SystemExit) as ended:
        command(["--port", "3"])
    assert ended.value.code == 2
    name = command.__module__.removeprefix("flows.")
    assert capsys.readouterr().err == f"{name}: unrecognized arguments: --port 3; see --help.\n"


@pytest.mark.parametrize(("module", "instead"), [("flow", "flows.reproduce"), ("watch", "flows.serve")])
def test_what_is_no_command_says_what_is(module, instead):
    done = subprocess.run([sys.executable, "-m", f"flows.{module}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"flows.{module} is no command; run 'python -m {instead}'" in done.stderr
