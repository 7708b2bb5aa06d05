"""The dashboard: everything that its pages show, made of the ledger and, where there is one, of a run not yet in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tools.guardrails.benchmark import compare
from tools.guardrails.benchmark.compare import Matrix
from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.dashboard.trends import Trend, strata_of, trends_of
from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import Stratum
from tools.guardrails.judges.speed import slo
from tools.guardrails.judges.speed.slo import Service
from tools.guardrails.judges.speed.slo_runs import Run
from tools.guardrails.verdict import Status

NEWEST = 8
"""Runs whose verdicts stand side by side."""


@dataclass(frozen=True)
class Milestone:
    """The verdicts of one guardrail."""

    name: str
    question: str
    """Empty of a guardrail that there is no more."""
    said: tuple[Status | None, ...]
    """Of each of the newest runs; None of one that it did not judge."""


@dataclass(frozen=True)
class Dashboard:
    """All of it. Runs are newest first."""

    service: Service
    verdicts: tuple[Mapping[str, Status], ...]
    """Of each run in the window."""
    milestones: tuple[Milestone, ...]
    strata: Mapping[str, Stratum]
    trends: tuple[Trend, ...]
    benchmark: Matrix | None

    @property
    def runs(self) -> tuple[Run, ...]:
        return self.service.runs


def build(
    evidence: Evidence,
    scenarios: Collection[str],
    *,
    now: Mapping[str, Status] | None = None,
    benchmark: Matrix | None = None,
) -> Dashboard:
    """Of runs of these scenarios; `now` is what is said of the run that is judged. Raises CaptureError, LedgerError."""
    service = slo.measure(evidence, scenarios)
    runs = service.runs
    verdicts = tuple(now if run.is_now and now is not None else run.verdicts for run in runs)
    strata = strata_of(runs, scenarios)
    return Dashboard(
        service=service,
        verdicts=verdicts,
        milestones=_milestones(verdicts[:NEWEST]),
        strata=strata,
        trends=trends_of(runs, scenarios, strata),
        benchmark=benchmark,
    )


def _milestones(verdicts: tuple[Mapping[str, Status], ...]) -> tuple[Milestone, ...]:
    """In the order of the catalogue; then those that only the ledger knows."""
    said = {name for each in verdicts for name in each}
    names = [name for name in GUARDRAILS if name in said] + sorted(said - set(GUARDRAILS))
    return tuple(
        Milestone(
            name,
            GUARDRAILS[name].question if name in GUARDRAILS else "",
            tuple(each.get(name) for each in verdicts),
        )
        for name in names
    )


def to_state(dashboard: Dashboard) -> dict[str, object]:
    """Plain JSON: the state of m15_dashboard, and what else the pages show."""
    return {
        **slo.to_state(dashboard.service),
        "runs": [
            _run_state(run, verdicts) for run, verdicts in zip(dashboard.runs, dashboard.verdicts)
        ],
        "strata": {name: each.model_dump() for name, each in dashboard.strata.items()},
        "trends": [_trend_state(trend) for trend in dashboard.trends],
        "benchmark": compare.to_state(dashboard.benchmark) if dashboard.benchmark else None,
    }


def _run_state(run: Run, verdicts: Mapping[str, Status]) -> dict[str, object]:
    record = run.record
    return {
        "label": run.label,
        "is_now": run.is_now,
        "recorded_at": record.recorded_at.isoformat() if record else None,
        "commit": record.commit if record else None,
        "dirty": record.dirty if record else None,
        "verdicts": dict(verdicts),
    }


def _trend_state(trend: Trend) -> dict[str, object]:
    return {
        "quantity": trend.quantity.name,
        "scenario": trend.scenario,
        "unit": trend.quantity.unit,
        "points": [
            {
                "run": point.label,
                "stratum": point.stratum,
                "samples": point.samples,
                "least": point.least,
                "median": point.median,
                "most": point.most,
            }
            for point in trend.measured
        ],
    }
