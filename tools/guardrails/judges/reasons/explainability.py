"""M13: every decision can be explained. Its pack has each one, its reason, and where each of its numbers comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.reasons.changes import Change, changes
from tools.guardrails.judges.reasons.consults import consults, unaccounted, unexplained_scores
from tools.guardrails.judges.reasons.decisions import (
    out_of_sequence,
    reasons,
    unreadable,
    without_event,
    without_reason,
)
from tools.guardrails.judges.reasons.explanation import Explained, Number, Pack, pack
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, Judgement, checked
from tools.markers.table import Table

DECIDING = ("m10", "m11", "m12", "m13")
"""Milestones whose policy decides about actions, and about this pack."""


@dataclass(frozen=True)
class _Run:
    """All captures, explained."""

    captures: tuple[Capture, ...]
    packs: tuple[Pack, ...]

    @property
    def boots(self) -> tuple[Boot, ...]:
        return tuple(boot for capture in self.captures for boot in capture.boots)

    @property
    def explained(self) -> tuple[Explained, ...]:
        return tuple(each for of in self.packs for each in of.decisions)


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError."""
    policy = evidence.policies["m13"]
    captures = tuple(capture for _, capture in sorted(evidence.captures.items()))
    run = _Run(captures, tuple(map(pack, captures)))
    findings = (*_of_decisions(run, policy), *_of_consults(run, policy), *_of_changes(run, policy))
    return Judgement("m13", findings, _state(evidence, run.explained))


# ---- decisions ----


def _of_decisions(run: _Run, policy: Policy) -> Iterator[Finding]:
    least, explained = policy.integer("min_decisions"), run.explained
    yield checked(
        "every_line_can_be_read",
        len(run.boots),
        [each for boot in run.boots for each in _lost(boot)],
        fine="no line is missing, and none that begins like a marker is anything else",
    )
    yield checked(
        "every_decision_has_one_known_reason",
        len(explained),
        [each for boot in run.boots for each in without_reason(boot)],
        minimum=least,
        fine=f"{len({each.decision.reason_id for each in explained})} different reasons",
    )
    yield checked(
        "every_logged_decision_has_an_event",
        sum(each.decision.is_logged for each in explained),
        [each for of in run.captures for boot in of.boots for each in without_event(of, boot)],
        minimum=least,
        fine="each that a journal is to keep has its number there",
    )
    yield checked(
        "events_are_unique_and_rising",
        sum(each.event is not None for each in explained),
        [each for of in run.packs for each in _out_of_order(of)],
        minimum=least,
        fine="on every volume",
    )


def _lost(boot: Boot) -> Iterator[tuple[str, str]]:
    for problem in (*unreadable(boot), *out_of_sequence(boot)):
        place = f"{boot.place}:{problem.line}"
        yield place, f"{place}: {problem.reason}: {problem.text[:120]!r}"


def _out_of_order(of: Pack) -> Iterator[tuple[str, str]]:
    last = 0
    for each in of.decisions:
        if each.event is None:
            continue
        place = each.decision.place
        if each.event <= last:
            yield place, f"{place}: expected an event above {last}, found {each.event}"
        last = max(last, each.event)


# ---- consults ----


def _of_consults(run: _Run, policy: Policy) -> Iterator[Finding]:
    least = policy.integer("min_consults")
    yield checked(
        "every_consult_is_accounted_for",
        sum(len(consults(boot)) for boot in run.boots),
        [each for boot in run.boots for each in unaccounted(boot)],
        minimum=least,
        fine="each has as many decisions as it says, and one score",
    )
    yield checked(
        "every_score_is_the_sum_of_its_parts",
        sum(len(boot.of("oo_confidence")) for boot in run.boots),
        [each for boot in run.boots for each in unexplained_scores(boot)],
        minimum=least,
        fine="and passes where it reaches its threshold",
    )
    sourced = [each for each in run.explained if _sourced(each)]
    yield checked(
        "every_threshold_has_a_source",
        len(sourced),
        [found for each in sourced for found in _unexplained(each)],
        minimum=least,
        fine=_sources(sourced),
    )


def _sourced(each: Explained) -> list[Number]:
    """What a key decides."""
    return [number for number in each.numbers if number.source.kind != "firmware"]


def _unexplained(each: Explained) -> Iterator[tuple[str, str]]:
    place = each.decision.place
    for number in each.numbers:
        if number.source.kind == "unexplained":
            used = f"{each.decision.marker.id} has {number.name}={number.shown}"
            yield place, f"{place}: {used}, but {number.source.says}"


def _sources(sourced: Sequence[Explained]) -> str:
    counted = Counter(number.source.kind for each in sourced for number in _sourced(each))
    return "numbers by source: " + ", ".join(f"{kind} {n}" for kind, n in sorted(counted.items()))


# ---- changes ----


def _of_changes(run: _Run, policy: Policy) -> Iterator[Finding]:
    least = policy.integer("min_applied")
    applied = [change for capture in run.captures for change in changes(capture)]
    due = [change for change in applied if change.is_due]
    yield checked(
        "every_applied_action_has_a_checkpoint",
        len(applied),
        [(each.place, _unsafe(each)) for each in applied if not each.has_checkpoint],
        minimum=least,
        fine="before it, in its boot",
    )
    yield checked(
        "every_applied_action_is_followed_up",
        len(due),
        [(each.place, _forgotten(each)) for each in due if not each.follow_up],
        minimum=least,
        fine=f"by an outcome, a confirmation or a rollback; {len(applied) - len(due)} not due yet",
    )


def _unsafe(change: Change) -> str:
    return f"{change.place}: expected a checkpoint before {change.action}, found none in its boot"


def _forgotten(change: Change) -> str:
    wanted = f"an outcome, a confirmation or a rollback of {change.action}"
    return f"{change.place}: expected {wanted} in a later boot, found none"


# ---- state ----


def _state(evidence: Evidence, explained: Sequence[Explained]) -> dict[str, object]:
    policies = [name for name in DECIDING if name in evidence.policies]
    return {
        "decisions": [_row(each) for each in explained],
        "reasons": _summary(explained, evidence.table),
        "policies": {name: _values(evidence.policies[name]) for name in policies},
    }


def _row(each: Explained) -> dict[str, object]:
    decision = each.decision
    confidence = each.consult.confidence if each.consult else None
    return {
        "place": decision.place,
        "boot": decision.boot.number,
        "event": each.event,
        "marker": decision.marker.id,
        "action": each.action,
        "reason_id": decision.reason_id,
        "score": each.score,
        "threshold": each.threshold,
        "confidence_event": confidence.event if confidence else None,
        "numbers": [_number(number) for number in each.numbers],
        "followed_by": [boot.at(record) for boot, record in each.follow_up],
    }


def _number(number: Number) -> dict[str, object]:
    source = number.source
    return {"name": number.name, "value": number.value, "source": source.kind, "says": source.says}


def _summary(explained: Sequence[Explained], table: Table) -> dict[str, object]:
    """The most frequent first."""
    meanings = reasons(table)
    counted = Counter(each.decision.reason_id for each in explained)
    ordered = sorted(counted.items(), key=lambda row: (-row[1], row[0]))
    return {reason: {"count": count, "meaning": meanings[reason]} for reason, count in ordered}


def _values(policy: Policy) -> dict[str, object]:
    """Each value with its origin: default, policy or --set."""
    return {
        key: {
            "value": float(value) if isinstance(value, Decimal) else value,
            "origin": policy.origins[key],
        }
        for key, value in policy.values.items()
    }
