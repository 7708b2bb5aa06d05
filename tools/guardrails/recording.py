"""Recording a run: the one place that appends to the ledger, and that asks a clock what to write beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.checkout import Checkout
from tools.guardrails.evidence import Evidence
from tools.guardrails.ledger import store
from tools.guardrails.ledger.chain import Head
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.verdict import Judgement


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
