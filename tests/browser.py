"""A headless Chromium, driven through its pipe, for tests of pages."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_WAIT_S = 30
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe"),
)


def find_chromium() -> str | None:
    """The program, where there is one."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page of a browser. `events` holds what it reported, such as console messages and requests."""

    def __init__(self, program: str, profile: Path) -> None:
        # Chromium reads at descriptor 3 and writes at 4; ours lie above, so that neither is overwritten.
        (ask, self._out), (self._in, answer) = _pipe(), _pipe()
        command = ["bash", "-c", f'exec "$@" 3<&{ask} 4>&{answer}', "bash", program, *_FLAGS]
        self._process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(ask, answer),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ask)
        os.close(answer)
        self._number, self._rest, self._session = 0, b"", ""
        self.events: list[dict[str, Any]] = []
        targets = self.ask("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def open(self, address: str) -> None:
        """Go to a page and wait until it is loaded; what was reported before is forgotten."""
        self.ask("Page.navigate", url="about:blank")
        self.evaluate("1")
        self.events.clear()
        self.ask("Page.navigate", url=address)
        self._wait_for("Page.loadEventFired")

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page, which waits for a promise."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def of(self, method: str) -> list[dict[str, Any]]:
        """What was reported under a name since the page was opened."""
        self.evaluate("1")  # what is on its way arrives before the answer
        return [event["params"] for event in self.events if event.get("method") == method]

    def ask(self, method: str, **params: Any) -> Any:
        """Call the browser and wait for its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def close(self) -> None:
        """End the browser."""
        self._process.kill()
        self._process.wait(_WAIT_S)
        os.close(self._out)
        os.close(self._in)

    def _wait_for(self, method: str) -> None:
        while not any(event.get("method") == method for event in self.events):
            self._read()

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + _WAIT_S
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            came = os.read(self._in, 1 << 20)
            assert came, "the browser ended"
            self._rest += came
        raw, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(raw)
        if "method" in message:
            self.events.append(message)
        return message


def _pipe() -> tuple[int, int]:
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]
    for end in low:
        os.close(end)
    return high[0], high[1]
