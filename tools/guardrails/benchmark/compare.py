"""M19: a benchmark pack of one commit against that of another, case by case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from tools.guardrails.benchmark.results import (
    Answered,
    Failed,
    Header,
    Results,
    check_alike,
)
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, Judgement, Status, checked

QUANTITIES = ("latency", "prefill", "decode")


class Outcome(StrEnum):
    """What became of a case."""

    SAME = "same"
    IMPROVED = "improved"
    REGRESSED = "regressed"
    CHANGED = "changed"
    """Another answer: its time is of other work."""
    REPAIRED = "repaired"
    """Answered now, and not in the baseline."""
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True)
class Row:
    """One case in both packs."""

    case_id: str
    outcome: Outcome
    changes: Mapping[str, float]
    """Of each quantity that both have: 0.1 is a tenth slower."""
    regressed: tuple[str, ...] = ()
    """Quantities beyond the threshold."""
    improved: tuple[str, ...] = ()
    says: str = ""


@dataclass(frozen=True)
class Matrix:
    """All cases, in the order of the corpus."""

    baseline: Header
    current: Header
    threshold: float
    rows: tuple[Row, ...]

    def of(self, *outcomes: Outcome) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.outcome in outcomes)


@dataclass(frozen=True)
class Compared:
    """The verdict, and what it rests on."""

    judgement: Judgement
    matrix: Matrix


def compare(baseline: Results, current: Results, policy: Policy) -> Compared:
    """Raises BenchmarkError: packs that are not alike."""
    check_alike(baseline.header, current.header)
    threshold = policy.number("regression_threshold")
    rows = tuple(
        _row(case_id, baseline.cases.get(case_id), current.cases.get(case_id), threshold)
        for case_id in current.header.cases
    )
    matrix = Matrix(baseline.header, current.header, threshold, rows)
    return Compared(Judgement("m19", _findings(matrix, policy), to_state(matrix)), matrix)


def _row(
    case_id: str, before: Answered | Failed | None, now: Answered | Failed | None, threshold: float
) -> Row:
    if now is None:
        return Row(case_id, Outcome.MISSING, _NONE, says=f"{case_id} has no result")
    if isinstance(now, Failed):
        return Row(case_id, Outcome.FAILED, _NONE, says=f"{case_id} failed: {now.why}")
    if not isinstance(before, Answered):
        return Row(
            case_id, Outcome.REPAIRED, _NONE, says=f"{case_id} has no answer in the baseline"
        )
    if (problem := _answer_problem(before, now)) is not None:
        return Row(case_id, Outcome.CHANGED, _NONE, says=f"{case_id}: {problem}")
    return _timed(case_id, before, now, threshold)


_NONE: Mapping[str, float] = MappingProxyType({})


def _answer_problem(before: Answered, now: Answered) -> str | None:
    """How the work of two answers differs."""
    for name in ("ids", "prefill_tokens", "decode_tokens"):
        was, found = getattr(before, name), getattr(now, name)
        if was != found:
            return f"expected the answer of the baseline, {name}={was}, found {found}"
    return None


def _timed(case_id: str, before: Answered, now: Answered, threshold: float) -> Row:
    changes = _changes(before, now)
    regressed = tuple(name for name, change in changes.items() if change > threshold)
    improved = tuple(name for name, change in changes.items() if change < -threshold)
    outcome = Outcome.IMPROVED if improved else Outcome.SAME
    if regressed:
        outcome = Outcome.REGRESSED
    told = ", ".join(f"{name} {change:+.1%}" for name, change in changes.items())
    return Row(case_id, outcome, changes, regressed, improved, f"{case_id}: {told}")


def _changes(before: Answered, now: Answered) -> Mapping[str, float]:
    pairs = {
        "latency": (before.latency_ms, now.latency_ms),
        "prefill": (before.cycles_per_token("prefill"), now.cycles_per_token("prefill")),
        "decode": (before.cycles_per_token("decode"), now.cycles_per_token("decode")),
    }
    return {
        name: found / was - 1
        for name, (was, found) in pairs.items()
        if was is not None and found is not None
    }


def _findings(matrix: Matrix, policy: Policy) -> tuple[Finding, ...]:
    total = len(matrix.rows)
    lost = matrix.of(Outcome.MISSING, Outcome.FAILED)
    return (
        checked("cases_answered", total, _said(lost), fine=f"all of {total} cases"),
        _answers_finding(matrix, must_match=policy.switch("fail_on_changed_answer")),
        _speed_finding(matrix, policy),
    )


def _said(rows: tuple[Row, ...]) -> list[tuple[str, str]]:
    return [(row.case_id, row.says) for row in rows]


def _answers_finding(matrix: Matrix, *, must_match: bool) -> Finding:
    changed = matrix.of(Outcome.CHANGED)
    both = len(changed) + len(_compared(matrix))
    fine = f"{both - len(changed)} of {both} answers are those of the baseline"
    return checked("answers_match", both, _said(changed) if must_match else [], fine=fine)


def _compared(matrix: Matrix) -> tuple[Row, ...]:
    return matrix.of(Outcome.SAME, Outcome.IMPROVED, Outcome.REGRESSED)


def _speed_finding(matrix: Matrix, policy: Policy) -> Finding:
    what, minimum = "no_case_slower", policy.integer("min_cases")
    regressed, improved = matrix.of(Outcome.REGRESSED), matrix.of(Outcome.IMPROVED)
    samples = len(_compared(matrix))
    told = f"{len(regressed)} slower, {len(improved)} faster by more than {matrix.threshold:.0%}"
    problems = _said(regressed) if policy.switch("fail_on_regression") else []
    unmeasured = [name for name in QUANTITIES if not _is_measured(matrix, name)]
    if unmeasured and samples and not problems:
        says = f"no case has a measurement of {unmeasured[0]} in both packs"
        return Finding(what, Status.INSUFFICIENT, 0, minimum, says)
    return checked(what, samples, problems, minimum=minimum, fine=f"of {samples} cases, {told}")


def _is_measured(matrix: Matrix, quantity: str) -> bool:
    return any(quantity in row.changes for row in matrix.rows)


def to_state(matrix: Matrix) -> dict[str, object]:
    """Plain JSON."""
    return {
        "baseline": matrix.baseline.commit,
        "current": matrix.current.commit,
        "dirty": [matrix.baseline.dirty, matrix.current.dirty],
        "threshold": matrix.threshold,
        "cases": [
            {
                "case_id": row.case_id,
                "outcome": row.outcome,
                "changes": dict(row.changes),
                "regressed": row.regressed,
                "improved": row.improved,
            }
            for row in matrix.rows
        ],
    }


def matrix_md(matrix: Matrix) -> str:
    """The matrix for people. The same in every locale."""
    before, now = matrix.baseline, matrix.current
    lines = [
        f"# Benchmark: {_commit(now)} against {_commit(before)}",
        "",
        f"Seed {now.seed}, corpus {now.corpus_sha256[:12]}, model {now.model}, {now.emulator}.",
        f"Slower and faster count from {matrix.threshold:.0%} on.",
        "",
        f"| case | outcome | {' | '.join(QUANTITIES)} |",
        f"| --- | --- | {' | '.join('---' for _ in QUANTITIES)} |",
        *(f"| {' | '.join(_cells(row))} |" for row in matrix.rows),
        "",
        ", ".join(f"{len(matrix.of(each))} {each}" for each in Outcome if matrix.of(each)) + ".",
    ]
    return "\n".join(lines) + "\n"


def _commit(header: Header) -> str:
    return header.commit[:12] + (" with changes" if header.dirty else "")


def _cells(row: Row) -> tuple[str, ...]:
    return (row.case_id, row.outcome, *(_change(row, name) for name in QUANTITIES))


def _change(row: Row, quantity: str) -> str:
    if quantity not in row.changes:
        return "-"
    text = f"{row.changes[quantity]:+.1%}"
    return f"**{text}**" if quantity in (*row.regressed, *row.improved) else text
