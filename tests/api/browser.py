"""Chromium without a screen, driven over a pipe by the DevTools protocol."""

from __future__ import annotations

import json
import os
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
SECONDS = 120


class Browser:
    """A page of a browser."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._rest = b""
        self._number = 0
        self.asked: list[str] = []
        """Every address that the page asked for."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Network"):
            self.call(f"{domain}.enable")

    _session = ""

    def call(self, method: str, **given: Any) -> Any:
        """Call a method of the protocol. Raises AssertionError where it fails."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": given}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("method") == "Network.requestWillBeSent":
                self.asked.append(answer["params"]["request"]["url"])
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _next(self) -> Any:
        while b"\0" not in self._rest:
            piece = os.read(self._reader, 1 << 20)
            assert piece, "the browser has ended"
            self._rest += piece
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)

    def width(self, pixels: int, height: int, *, phone: bool = False) -> None:
        """Set the size of the window."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=pixels, height=height, deviceScaleFactor=1, mobile=phone,
        )  # fmt: skip

    def open(self, url: str) -> None:
        """Go to an address, and wait for the page."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if self.value(expression):
                return
            time.sleep(0.1)
        text = self.value("document.body.innerText")
        raise AssertionError(f"{expression} never came true; the page shows: {text[:2000]}")

    def drop(self, selector: str, *paths: Path) -> None:
        """Drop files on an element, as a person does from a file manager."""
        place = self.value(
            f"(e => {{ e.scrollIntoView(); const r = e.getBoundingClientRect(); "
            f"return [r.x + r.width / 2, r.y + 10]; }})(document.querySelector({selector!r}))"
        )
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=place[0], y=place[1], data=data)

    def click(self, selector: str) -> None:
        """Click on an element."""
        self.value(f"document.querySelector({selector!r}).click()")

    def picture(self, path: Path) -> None:
        """Write a screenshot."""
        path.write_bytes(b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own, in this folder."""
    assert CHROMIUM is not None
    theirs, writer = os.pipe()
    reader, mine = os.pipe()
    command = (
        f'exec "{CHROMIUM}" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage '
        f'--no-first-run --disable-background-networking --user-data-dir="{folder}/profile" '
        f"--remote-debugging-pipe about:blank 3<&{theirs} 4>&{mine}"
    )
    with subprocess.Popen(
        ["bash", "-c", command],
        pass_fds=(theirs, mine),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(theirs)
        os.close(mine)
        try:
            yield Browser(reader, writer)
        finally:
            process.terminate()
            process.wait(30)
            os.close(reader)
            os.close(writer)
