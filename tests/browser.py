"""A headless browser, driven through its debugging protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.request import urlopen

import pytest

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="there is no chromium (Debian: apt install chromium)"
)


class Browser:
    """One page of it."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.numbers = socket, count(1)

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv(timeout=600))
            if answer.get("id") == number:
                return answer["result"]

    def value(self, expression: str) -> Any:
        done = self.do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return done["result"].get("value")

    def size(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.do("Emulation.setDeviceMetricsOverride", **size)

    def photograph(self, **options: Any) -> bytes:
        return base64.b64decode(self.do("Page.captureScreenshot", **options)["data"])


@contextmanager
def opened(home: Path) -> Iterator[Browser]:
    """An empty page of a browser that keeps its things in a folder, and works beside it: parts may outlive a test."""
    from websockets.sync.client import connect

    options = ["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-sync"]
    options += ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]
    command = ["chromium", *options, "--remote-debugging-port=0", f"--user-data-dir={home}", "about:blank"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=home.parent, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            port, end = home / "DevToolsActivePort", monotonic() + 60
            while not (port.exists() and port.read_text().strip()):
                assert monotonic() < end
                sleep(0.05)
            with urlopen(f"http://127.0.0.1:{port.read_text().split()[0]}/json") as answer:
                address = next(one["webSocketDebuggerUrl"] for one in json.load(answer) if one["type"] == "page")
            with connect(address, max_size=None) as socket:
                yield Browser(socket)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
