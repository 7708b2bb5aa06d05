"""M17: what has drifted, on one page for a CI job: rows with a state each, and the state of all for machines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tools.guardrails.errors import PolicyError
from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.speed import latency, metrics
from tools.guardrails.judges.speed.comparison import Comparison
from tools.guardrails.policy import Policy
from tools.guardrails.statistics import Move, median
from tools.guardrails.verdict import Finding, Judgement, Status


class State(StrEnum):
    """Of one comparison, and of the report, which has the last of its rows' here."""

    PASS = "PASS"
    NO_BASELINE = "NO_BASELINE"
    """Too little to compare with: no good news."""
    WARN = "WARN"
    FAIL = "FAIL"


_ORDER = tuple(State)


@dataclass(frozen=True)
class Row:
    """One comparison on the page."""

    guardrail: str
    quantity: str
    scenario: str
    unit: str
    state: State
    samples: int
    runs: int
    least_runs: int
    median: float | None
    """In the unit; None without a measurement."""
    relative: float | None
    """Change of the median; None without a comparison."""
    p: float | None
    says: str


@dataclass(frozen=True)
class Report:
    """The page."""

    rows: tuple[Row, ...]
    warn: float
    fail: float

    @property
    def state(self) -> State:
        return max((row.state for row in self.rows), key=_ORDER.index, default=State.NO_BASELINE)


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError, LedgerError, PolicyError."""
    page = report(evidence)
    gates = evidence.policies["m17"].switch("fail_on_drift")
    findings = tuple(_finding(row, gates) for row in page.rows)
    return Judgement("m17", findings, _state(page))


def report(evidence: Evidence) -> Report:
    """The page. Raises CaptureError, LedgerError, PolicyError: thresholds in the wrong order."""
    warn, fail = _thresholds(evidence.policies["m17"])
    compared = (*latency.comparisons(evidence), *metrics.comparisons(evidence))
    return Report(tuple(_row(each, warn, fail) for each in compared), warn, fail)


def _thresholds(policy: Policy) -> tuple[float, float]:
    warn, fail = policy.number("warn_threshold"), policy.number("fail_threshold")
    if fail < warn:
        raise PolicyError(
            f"m17: expected fail_threshold at or above warn_threshold {warn}, found {fail}"
        )
    return warn, fail


def _row(compared: Comparison, warn: float, fail: float) -> Row:
    drift = compared.drift
    state, says = _judged(compared, warn, fail)
    return Row(
        compared.guardrail,
        compared.quantity,
        compared.scenario,
        compared.unit,
        state,
        len(compared.now),
        len(compared.runs),
        compared.rule.least_runs,
        median(list(compared.now.values())) if compared.now else None,
        drift.relative if drift else None,
        drift.p if drift else None,
        says,
    )


def _judged(compared: Comparison, warn: float, fail: float) -> tuple[State, str]:
    if compared.lost:
        return State.FAIL, f"{compared.lost[0]} is lost"
    if compared.drift is None:
        return State.NO_BASELINE, compared.lacking
    if compared.move(fail) == Move.HIGHER:
        return State.FAIL, "slower"
    if compared.move(warn) == Move.HIGHER:
        return State.WARN, "slower"
    return State.PASS, "faster" if compared.move(warn) == Move.LOWER else "steady"


def _finding(row: Row, gates: bool) -> Finding:
    change = "" if row.relative is None else f" {_percent(row.relative)}"
    statuses = {State.NO_BASELINE: Status.INSUFFICIENT, State.FAIL: Status.FAIL}
    status = statuses.get(row.state, Status.PASS)
    if status == Status.FAIL and not gates:
        status = Status.PASS
    what = f"{row.guardrail}_{row.quantity}_of_{row.scenario}"
    says = f"{row.state}:{change} {row.says}"
    return Finding(what, status, row.runs, row.least_runs, says)


def _state(page: Report) -> dict[str, object]:
    rows = [
        {
            "guardrail": row.guardrail,
            "quantity": row.quantity,
            "scenario": row.scenario,
            "unit": row.unit,
            "state": row.state,
            "samples": row.samples,
            "runs": row.runs,
            "median": row.median,
            "relative": row.relative,
            "p": row.p,
            "says": row.says,
        }
        for row in page.rows
    ]
    return {"state": page.state, "warn": page.warn, "fail": page.fail, "rows": rows}


def _percent(share: float) -> str:
    return f"{share:+.1%}"
