"""Recorded runs for tests, as facts: a ledger of them with times, verdicts and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from types import MappingProxyType

from tools.guardrails import policy
from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import BootFacts, CaptureFacts, Generation, Stratum
from tools.guardrails.judges.testing import SHA256, table
from tools.guardrails.ledger.chain import Head
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.ledger.store import NONE, Ledger, append, read
from tools.guardrails.verdict import Status

SCENARIOS = ("chat", "organism")


def at(text: str) -> datetime:
    """A time of UTC, as `2025-12-29` or `2025-12-29 23:59`."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def answer(decode_mcycles: float, tokens: int = 11) -> Generation:
    """An answer whose tokens cost so many million cycles."""
    cycles = round(decode_mcycles * 1e6)
    return Generation(
        prompt_tokens=4,
        tokens=tokens,
        decode_calls=tokens - 1,
        prefill_cycles=4 * cycles // 2,
        decode_cycles=(tokens - 1) * cycles,
        loop_cycles=1,
        first_token_cycles=1,
        overruns=0,
        reason="eos",
    )


def booted(**changes: object) -> BootFacts:
    """A boot that started well; `changes` are fields of its facts."""
    plain: dict[str, object] = {
        "ended_as_expected": True,
        "memory_mib": 1024,
        "select_us": 150_000,
        "prepare_us": 3_000_000,
    }
    return BootFacts.model_validate({**plain, **changes})


def captured(
    identity: str, *boots: BootFacts, scenario: str = "organism", **stratum: str
) -> CaptureFacts:
    """A capture; captures of one identity are one run, made again. `stratum` changes what must be alike."""
    plain = {
        "scenario": scenario,
        "scenario_sha256": SHA256,
        "model": "00000000/1",
        "kernels": "avx2",
        "emulator": "QEMU",
    }
    alike = Stratum.model_validate({**plain, **stratum})
    return CaptureFacts(identity=identity, image_sha256=SHA256, stratum=alike, boots=boots)


@dataclass(frozen=True)
class Recorded:
    """A run that is to be recorded."""

    captures: Sequence[CaptureFacts]
    at: datetime = at("2026-11-25 16:04")
    verdicts: Mapping[str, Status] = field(default_factory=lambda: MappingProxyType({}))


def ledger(folder: Path, *runs: Recorded) -> Ledger:
    """A ledger of these runs, oldest first."""

    def record(head: Head, run: Recorded) -> RunRecord:
        return RunRecord(
            previous=head.sha256,
            schema_version=1,
            sequence=head.lines + 1,
            recorded_at=run.at,
            commit=f"{head.lines + 1:040x}",
            dirty=False,
            captures=tuple(run.captures),
            verdicts=run.verdicts,
        )

    for run in runs:
        append(folder, partial(record, run=run))
    return read(folder) if runs else NONE


def recorded_only(of: Ledger, *settings: str) -> Evidence:
    """Evidence without captures: what a dashboard of the ledger alone is made of."""
    return Evidence(table(), MappingProxyType({}), policy.load_all(settings=settings), of)
