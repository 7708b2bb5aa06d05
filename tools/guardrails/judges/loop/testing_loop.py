"""A closed loop for tests: runs of a guest with the organism on, judged by m9 to m12 and recorded in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.loop import curriculum, quality, selfheal
from tools.guardrails.judges.speed import latency
from tools.guardrails.judges.testing import Booted, Said, Scene, boot, evidence, said, scene
from tools.guardrails.ledger.chain import Head
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.ledger.store import append, read
from tools.guardrails.verdict import Judgement

PREPARE_MS = 3000.0
LARGE, MEDIUM, TINY = 134_515_008, 109_529_856, 15_191_712
"""Parameters of SmolLM2-135M, stories110M and stories15M."""

JUDGES = (latency.judge, quality.judge, selfheal.judge, curriculum.judge)


def guest(
    *lines: Said | str,
    count: int | None = 1,
    memory_mib: int = 2048,
    parameters: int = LARGE,
    prepare: float = PREPARE_MS,
    policy: bool = False,
) -> Booted:
    """One boot: what was measured, applied and simulated in it is said by `lines`."""
    start = [
        said("model_loaded", parameters=parameters),
        said("obs_startup", model_select=100.0, model_prepare=prepare),
    ]
    organism = [] if count is None else [said("oo_boot", boot_count=count)]
    under = [said("policy", reason_id="POLICY_APPLIED")] if policy else []
    return boot(*organism, *under, *start, *lines, given={"memory_mib": memory_mib})


def outcomes(*labels: str, action: str = "reduce_ctx") -> tuple[Said, ...]:
    """Measured effects."""
    return tuple(said("oo_outcome", label=label, action=action) for label in labels)


def simulated(*labels: str, action: str = "reduce_ctx") -> tuple[Said, ...]:
    """Simulated actions, by the effect that the guest estimates."""
    return tuple(said("oo_simulated", estimate=label, action=action) for label in labels)


def applied(action: str = "reduce_ctx") -> Said:
    return said("oo_applied", action=action)


def failed(action: str = "reduce_ctx") -> Said:
    return said("oo_apply_failed", action=action)


def run(*boots: Booted, number: int = 0, name: str = "loop") -> Scene:
    """A run of the scenario; those of other numbers are other runs."""
    return scene(name, *boots, image_sha256=f"{number:064x}")


@dataclass
class Loop:
    """A ledger that grows by a run at a time."""

    folder: Path
    settings: tuple[str, ...] = ()
    runs: int = 0

    def look(self, made: Scene) -> Evidence:
        """A run's evidence, with the ledger as it is."""
        self.runs += 1
        ledger = read(self.folder / "ledger")
        return evidence(self.folder / str(self.runs), made, settings=self.settings, ledger=ledger)

    def record(self, made: Scene) -> Mapping[str, Judgement]:
        """Judges a run and appends it."""
        seen = self.look(made)
        judgements = {each.guardrail: each for each in (judge(seen) for judge in JUDGES)}
        append(self.folder / "ledger", lambda head: _record(head, seen, judgements))
        return judgements

    def fresh(self, *boots: Booted) -> Mapping[str, Judgement]:
        """A run that no other is like, judged and appended."""
        return self.record(run(*boots, number=self.runs + 1))

    @contextmanager
    def under(self, *settings: str) -> Iterator[None]:
        """Runs in which a person sets something."""
        before, self.settings = self.settings, (*self.settings, *settings)
        yield
        self.settings = before


def _record(head: Head, seen: Evidence, judgements: Mapping[str, Judgement]) -> RunRecord:
    states: dict[str, Any] = {name: each.state for name, each in judgements.items() if name != "m9"}
    return RunRecord(
        previous=head.sha256,
        schema_version=1,
        sequence=head.lines + 1,
        recorded_at=datetime(2025, 1, 1, tzinfo=timezone.utc),
        commit="0" * 40,
        dirty=False,
        captures=tuple(seen.facts.values()),
        verdicts={name: each.status for name, each in judgements.items()},
        states=states,
    )
