"""Recording a run: the one place that appends to the ledger, and that asks a clock and git what to write beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.errors import LedgerError
from tools.guardrails.evidence import Evidence
from tools.guardrails.ledger import store
from tools.guardrails.ledger.chain import Head
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.verdict import Judgement


@dataclass(frozen=True)
class Checkout:
    """What was built: a commit, and whether files differ from it."""

    commit: str
    dirty: bool


def checkout(folder: Path = Path(".")) -> Checkout:
    """Of a folder. Raises LedgerError when it is no git checkout."""
    return Checkout(_git(folder, "rev-parse", "HEAD"), bool(_git(folder, "status", "--porcelain")))


def _git(folder: Path, *arguments: str) -> str:
    command = ("git", "-C", str(folder), *arguments)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LedgerError(
            f"a run is recorded with its commit, and git does not say: {error}"
        ) from error
    return done.stdout.strip()


def states_of(judgements: Mapping[str, Judgement]) -> dict[str, Any]:
    """What guardrails with a memory leave to the next run."""
    return {
        name: judgement.state
        for name, judgement in judgements.items()
        if GUARDRAILS[name].is_remembered
    }


def record(
    folder: Path, evidence: Evidence, judgements: Mapping[str, Judgement], of: Checkout
) -> RunRecord:
    """Appends the run with the facts of the evidence's captures. Raises LedgerError; then nothing was changed."""
    now = datetime.now(timezone.utc).replace(microsecond=0)

    def make(head: Head) -> RunRecord:
        return RunRecord(
            previous=head.sha256,
            schema_version=1,
            sequence=head.lines + 1,
            recorded_at=now,
            commit=of.commit,
            dirty=of.dirty,
            captures=tuple(evidence.facts.values()),
            verdicts={name: judgement.status for name, judgement in judgements.items()},
            states=states_of(judgements),
        )

    return store.append(folder, make)
