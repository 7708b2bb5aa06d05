"""One session of the host program: what is typed, what comes back."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.programs import host_program
from tools.markers.parse import Log, parse_log
from tools.markers.table import load as load_table

_MARKERS = Path("firmware/events/markers.toml")
_SECONDS = 60


@dataclass(frozen=True)
class Session:
    """How a session ended: its exit code, everything it printed, and the marker lines in that."""

    code: int
    text: str
    log: Log

    @property
    def went_on(self) -> bool:
        """True when the lines `talk` adds at the end of every session were answered."""
        return self.code == 0 and "llm-baremetal build" in self.text


def talk(
    volume: Path, lines: Sequence[str | bytes], *arguments: str, memory: int | None = None
) -> Session:
    """Types `lines`, then /version and /poweroff; `memory` limits the address space, in bytes."""
    typed = [line.encode() if isinstance(line, str) else line for line in lines]

    def limit() -> None:
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    done = subprocess.run(
        [host_program(), "--volume", str(volume), "--max-tokens", "4", *arguments],
        input=b"\n".join([*typed, b"/version", b"/poweroff", b""]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SECONDS,
        preexec_fn=limit,
    )
    text = done.stdout.decode(errors="replace")
    return Session(done.returncode, text, parse_log(text, load_table(_MARKERS)))
