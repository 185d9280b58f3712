"""Prefect's own page in a browser: the run, its tasks by DVC's names, the table and the picture."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.flow import reproduce

BUILD = Path(__file__).parents[2] / "build"
PICTURE = "[...document.images].some(one => one.src.startsWith('data:image/svg') && one.naturalWidth > 0)"
TASK_RUNS = """
    (tab => tab ? (tab.click(), true) : false)
    ([...document.querySelectorAll('*')].find(one => !one.children.length && one.textContent.trim() === 'Task Runs'))
"""
REPORT_LINK = "[...document.querySelectorAll('a')].find(one => one.textContent.trim() === 'The whole report').href"
WIDTHS = {"desktop": (1440, 1000), "phone": (390, 844)}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning"),  # DVC's, of pygtrie
    pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium (Debian: apt install chromium)"),
]


class Browser:
    """A page of a headless browser, driven through its debugging protocol."""

    def __init__(self, address: str) -> None:
        from websockets.sync.client import connect

        self.socket = connect(address, max_size=None)
        self.numbers = count(1)

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self.socket.recv(timeout=60))
            if said.get("id") == number:
                return said["result"]

    def value(self, expression: str) -> Any:
        return self.do("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def text(self) -> str:
        return str(self.value("document.body ? document.body.innerText : ''"))

    def size(self, width: int, height: int) -> None:
        self.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def photograph(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(base64.b64decode(self.do("Page.captureScreenshot")["data"]))


@pytest.fixture
def browser(tmp_path: Path, until) -> Iterator[Browser]:
    home = tmp_path / "browser"
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += ["--disable-background-networking", "--no-first-run", "--remote-debugging-port=0"]
    with subprocess.Popen(
        [*command, f"--user-data-dir={home}", "about:blank"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            until((home / "DevToolsActivePort").exists, 60)
            port = (home / "DevToolsActivePort").read_text().split()[0]
            page = until(
                lambda: [one for one in httpx.get(f"http://127.0.0.1:{port}/json").json() if one["type"] == "page"], 60
            )[0]
            opened = Browser(page["webSocketDebuggerUrl"])
            with opened.socket:
                yield opened
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_the_run_is_shown(workspace, server, browser, until):
    state = reproduce(suites=["one"], return_state=True)
    run = state.state_details.flow_run_id
    wanted = {"artifacts": {"flow_run_id": {"any_": [str(run)]}}}
    made = {one["key"]: one["id"] for one in httpx.post(f"{server}/artifacts/filter", json=wanted).json()}
    page = server.removesuffix("/api")
    for name, size in WIDTHS.items():
        browser.size(*size)
        browser.do("Page.navigate", url=f"{page}/runs/flow-run/{run}")
        until(lambda: "Completed" in browser.text(), 90)
        if name == "desktop":  # on a phone the tabs are a menu
            until(lambda: "> mtcs download one" in browser.text(), 90)
            browser.photograph(BUILD / f"prefect-run-{name}.png")
            until(lambda: browser.value(TASK_RUNS), 90)
            until(lambda: {"download@one", "report@one"} <= set(browser.text().split()), 90)
        browser.photograph(BUILD / f"prefect-tasks-{name}.png")
        browser.do("Page.navigate", url=f"{page}/artifacts/artifact/{made['accuracy-one']}")
        until(lambda: "The whole report" in browser.text() and browser.value(PICTURE), 90)
        browser.photograph(BUILD / f"prefect-table-{name}.png")
        browser.do("Page.navigate", url=browser.value(REPORT_LINK))
        until(lambda: "Report of one" in browser.text() and browser.value(PICTURE), 90)
        browser.photograph(BUILD / f"prefect-report-{name}.png")
