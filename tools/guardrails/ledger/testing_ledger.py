"""Ledgers for tests: small records, and a folder's bytes."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from tools.guardrails.facts import BootFacts, CaptureFacts, Stratum
from tools.guardrails.ledger import store
from tools.guardrails.ledger.chain import Head
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.verdict import Status

STRATUM = Stratum(scenario="chat", scenario_sha256="0" * 64, model="none", kernels="", emulator="q")
FACTS = CaptureFacts(
    identity="1" * 64,
    image_sha256="2" * 64,
    stratum=STRATUM,
    boots=(BootFacts(ended_as_expected=True, memory_mib=1024),),
)


def run(head: Head) -> RunRecord:
    """A run that passed, after the head."""
    return RunRecord(
        previous=head.sha256,
        schema_version=1,
        sequence=head.lines + 1,
        recorded_at=datetime(2026, 1, 1, tzinfo=timezone.utc),
        commit="a" * 40,
        dirty=False,
        captures=(FACTS,),
        verdicts={"m9": Status.PASS},
    )


def filled(folder: Path, runs: int) -> Path:
    """A ledger with so many runs more."""
    for _ in range(runs):
        store.append(folder, run)
    return folder


def sequences(folder: Path) -> list[int]:
    """Of the runs that can be read, newest first."""
    return [each.sequence for each in store.read(folder).newest_first()]


def content(folder: Path) -> dict[str, bytes]:
    """Every file."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
