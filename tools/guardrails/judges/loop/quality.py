"""M10, M10.1: do applied actions harm, measured over this run and those like it; and is a quarantine needed?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import BootFacts, CaptureFacts, Label
from tools.guardrails.judges.loop.history import runs_like
from tools.guardrails.judges.loop.limits import Limits, base_limits, limits_of
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.policy import Policy
from tools.guardrails.statistics import share_bounds
from tools.guardrails.verdict import Finding, Judgement, Status

STOPPED = ("QUARANTINED", "HELD")
"""States of m11 in which actions are only simulated."""


def effects(boot: BootFacts) -> tuple[Label, ...]:
    """What came of actions, in order: measured effects, then writes that failed their verification, which are harm."""
    failed: tuple[Label, ...] = tuple("harmful" for was_kept in boot.applies if not was_kept)
    return boot.outcomes + failed


def effects_of(facts: CaptureFacts) -> tuple[Label, ...]:
    """What came of a capture's actions, in the order of its boots."""
    return tuple(label for boot in facts.boots for label in effects(boot))


def has_organism(facts: CaptureFacts) -> bool:
    return any(boot.boot_count is not None for boot in facts.boots)


def streak(now: Sequence[Label], earlier: Sequence[Label] = ()) -> int:
    """The most harmful effects in a row that end among `now`; a row may have begun `earlier`."""
    longest = 0
    current = sum(1 for _ in takewhile(lambda label: label == "harmful", reversed(earlier)))
    for label in now:
        current = current + 1 if label == "harmful" else 0
        longest = max(longest, current)
    return longest


@dataclass(frozen=True)
class Quality:
    """What is known of the harm that one capture's actions do."""

    scenario: str
    now: tuple[Label, ...]
    earlier: tuple[Label, ...]
    """Of like runs, oldest first."""
    runs: int
    """Like runs that `earlier` comes from."""
    simulated: int
    """Actions of this capture that were not applied, but whose effect was estimated."""
    limits: Limits
    alpha: float

    @property
    def samples(self) -> int:
        return len(self.now) + len(self.earlier)

    @property
    def harmful(self) -> int:
        return (self.now + self.earlier).count("harmful")

    @property
    def share(self) -> float:
        return self.harmful / self.samples if self.samples else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        return share_bounds(self.harmful, self.samples, 1 - self.alpha)

    @property
    def streak(self) -> int:
        return streak(self.now, self.earlier)


def measure(evidence: Evidence, facts: CaptureFacts) -> Quality:
    """The effects in one capture and in like runs since the last quarantine. Raises LedgerError.

    A quarantine was the answer to the harm before it: that harm is not held against what was done since.
    """
    policy = evidence.policies["m10"]
    like = takewhile(
        lambda pair: not _left_stopped(pair[0]),
        runs_like(evidence, facts, policy.integer("harm_reach")),
    )
    earlier = [capture for _, capture in islice(like, policy.integer("harm_window"))]
    return quality_of(facts, earlier, policy)


def _left_stopped(record: RunRecord) -> bool:
    return record.states.get("m11", {}).get("mode") in STOPPED


def quality_of(facts: CaptureFacts, earlier: Sequence[CaptureFacts], policy: Policy) -> Quality:
    """The effects in one capture and in `earlier` ones, newest first."""
    acting = [boot for boot in facts.boots if effects(boot)]
    guests = [boot for boot in facts.boots if boot.boot_count is not None]
    return Quality(
        scenario=facts.stratum.scenario,
        now=effects_of(facts),
        earlier=tuple(label for run in reversed(earlier) for label in effects_of(run)),
        runs=len(earlier),
        simulated=sum(len(boot.estimates) for boot in facts.boots),
        limits=limits_of(acting or guests, policy),
        alpha=policy.number("harm_alpha"),
    )


def qualities(evidence: Evidence) -> tuple[Quality, ...]:
    """Of each capture in which the organism was on. Raises CaptureError, LedgerError."""
    return tuple(
        measure(evidence, facts) for facts in evidence.facts.values() if has_organism(facts)
    )


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError, LedgerError."""
    policy = evidence.policies["m10"]
    found = qualities(evidence)
    findings = tuple(
        finding
        for quality in found
        for finding in (share_finding(quality), streak_finding(quality))
    )
    needed = any(finding.status == Status.FAIL for finding in findings)
    state = {
        "quarantine_needed": needed,
        "captures": {quality.scenario: _summary(quality, policy) for quality in found},
    }
    return Judgement("m10", findings or (_nothing(policy),), state)


def _nothing(policy: Policy) -> Finding:
    minimum = base_limits(policy).samples
    says = "no boot had the organism on (oo_enable=1), so no action had an effect"
    return Finding("harmful_share", Status.INSUFFICIENT, 0, minimum, says)


def share_finding(quality: Quality) -> Finding:
    """Is the share of harmful effects within its limit?"""
    what = f"harmful_share_of_{quality.scenario}"
    samples, minimum = quality.samples, quality.limits.samples
    if samples < minimum:
        return Finding(what, Status.INSUFFICIENT, samples, minimum, _too_few(quality, minimum))
    return Finding(what, _share_status(quality), samples, minimum, _share_says(quality))


def _share_status(quality: Quality) -> Status:
    """Fail only when chance is no explanation; pass only when the share itself is within the limit."""
    limit = quality.limits.harmful_pct
    if quality.bounds[0] * 100 > limit:
        return Status.FAIL
    is_within = quality.harmful * 100 <= limit * quality.samples
    return Status.PASS if is_within else Status.INSUFFICIENT


def _share_says(quality: Quality) -> str:
    low, high = quality.bounds
    return (
        f"expected at most {quality.limits.harmful_pct} % harmful ({quality.limits.because}), "
        f"found {quality.harmful} of {quality.samples} in this run and {quality.runs} like it: "
        f"{quality.share:.0%}, between {low:.0%} and {high:.0%}"
    )


def _too_few(quality: Quality, minimum: int) -> str:
    only = f"; {quality.simulated} actions were only simulated" if quality.simulated else ""
    return f"expected at least {minimum} measured effects, found {quality.samples}{only}"


def streak_finding(quality: Quality) -> Finding:
    """Did harm follow harm?"""
    what = f"harmful_streak_of_{quality.scenario}"
    limit, found = quality.limits.streak, quality.streak
    minimum = limit + 1  # fewer could not go over it
    says = f"expected at most {limit} harmful effects in a row, found {found}"
    if found > limit:
        return Finding(what, Status.FAIL, quality.samples, minimum, says)
    if quality.samples < minimum:
        too_few = _too_few(quality, minimum)
        return Finding(what, Status.INSUFFICIENT, quality.samples, minimum, too_few)
    return Finding(what, Status.PASS, quality.samples, minimum, says)


def _summary(quality: Quality, policy: Policy) -> dict[str, object]:
    low, high = quality.bounds
    return {
        "samples": quality.samples,
        "harmful": quality.harmful,
        "runs_before": quality.runs,
        "simulated": quality.simulated,
        "harmful_pct": round(quality.share * 100, 2),
        "harmful_pct_from": round(low * 100, 2),
        "harmful_pct_to": round(high * 100, 2),
        "streak": quality.streak,
        "limits": _provenance(quality.limits, policy),
    }


def _provenance(limits: Limits, policy: Policy) -> dict[str, object]:
    """Each effective limit, what it was before it was adapted, and where that is written."""
    effective = {
        "max_harmful_ratio_pct": limits.harmful_pct,
        "max_consecutive_failures": limits.streak,
        "min_auto_apply_samples": limits.samples,
    }
    return {
        key: {
            "effective": value,
            "base": policy.integer(key),
            "origin": policy.origins[key],
            "because": limits.because,
        }
        for key, value in effective.items()
    }
