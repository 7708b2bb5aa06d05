"""A browser for tests: headless Chromium, driven by the DevTools protocol over two pipes (file descriptors 3 and 4).

with browser(tmp_path) as chromium:
    page = chromium.open(path_of_html, width=390)
    assert page.value("document.title") == "..."
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--force-device-scale-factor=1",
    "--remote-debugging-pipe",
)


class BrowserError(Exception):
    """The browser is missing, ended, or refused a command."""


@dataclass
class Browser:
    """A running browser."""

    commands: BinaryIO
    answers: BinaryIO
    buffered: bytes = b""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    events: list[dict[str, Any]] = field(default_factory=list)
    """Everything that it told without being asked."""

    def call(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        """One command and its answer. Raises BrowserError."""
        number = next(self.numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while True:
            answer = self._next()
            if answer.get("id") == number:
                break
            self.events.append(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(self, method: str, session: str) -> None:
        """Until the page has told of an event; one that it told of before counts."""
        while not any(_is(event, method, session) for event in self.events):
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.buffered:
            more = os.read(self.answers.fileno(), 1 << 16)
            if not more:
                raise BrowserError("chromium ended before it answered")
            self.buffered += more
        message, _, self.buffered = self.buffered.partition(b"\0")
        parsed: dict[str, Any] = json.loads(message)
        return parsed

    def open(
        self, path: Path, *, width: int = 1200, height: int = 900, scheme: str = "light"
    ) -> Page:
        """A page of a file, loaded, in a window of this size and with this colour scheme."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        page = Page(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        page.call("Emulation.setEmulatedMedia", features=[feature])
        page.call("Page.navigate", url=path.resolve().as_uri())
        self.wait_for("Page.loadEventFired", page.session)
        return page


def _is(event: Mapping[str, Any], method: str, session: str) -> bool:
    return event.get("method") == method and event.get("sessionId") == session


@dataclass(frozen=True)
class Page:
    """An open page."""

    browser: Browser
    session: str

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        return self.browser.call(method, self.session, **parameters)

    def value(self, expression: str) -> Any:
        """Of an expression of JavaScript. Raises BrowserError."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise BrowserError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def events(self, *methods: str) -> list[dict[str, Any]]:
        """What the page told of, of some kinds."""
        told = [event for event in self.browser.events if event.get("sessionId") == self.session]
        return [event["params"] for event in told if event["method"] in methods]

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """Everything on its console, and every error."""
        self.value("0")  # what was told before is read by now
        return self.events("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")

    @property
    def requests(self) -> list[str]:
        """The addresses that it asked for."""
        self.value("0")
        return [each["request"]["url"] for each in self.events("Network.requestWillBeSent")]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Chromium, with its profile in a folder. Raises BrowserError when there is none."""
    program = shutil.which("chromium")
    if program is None:
        raise BrowserError(
            "expected chromium on PATH, found none: install the Debian package chromium "
            "(apt-get install --no-install-recommends chromium)"
        )
    (ours_in, theirs_out), (theirs_in, ours_out) = _pipe(), _pipe()
    arguments = [program, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    log = os.open(folder / "chromium.log", os.O_WRONLY | os.O_CREAT, 0o600)
    process = os.posix_spawn(
        program,
        arguments,
        {**os.environ, "HOME": str(folder)},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
            (os.POSIX_SPAWN_DUP2, theirs_in, 3),
            (os.POSIX_SPAWN_DUP2, theirs_out, 4),
        ],
        setpgroup=0,
    )
    for descriptor in (log, theirs_in, theirs_out):
        os.close(descriptor)
    with os.fdopen(ours_out, "wb") as commands, os.fdopen(ours_in, "rb", buffering=0) as answers:
        try:
            yield Browser(commands, answers)
        finally:
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are no descriptors that a program expects something else of."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
