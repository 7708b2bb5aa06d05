"""M15: the reasons of a run's decisions beside those of like runs before it.

A boot, not a decision, is what is compared: the decisions of one boot follow from each other (a consult gives a
confidence, a plan and a sum), so counting them one by one would take one cause for many and alarm far too often. The
boots of a scenario differ from each other on purpose, but boot 3 of this run and boot 3 of an earlier one are the same
work. When nothing has changed, any of the runs could therefore have had any of the boots that are seen at its place:
the test draws, at each place, whose boot is taken for this run's. The level then holds however the decisions of a boot
hang together. It takes that boots of one run vary by themselves; what moves all of them at once is not chance but a
change of the program, for runs of another emulator, model or scenario are not compared.

A drift is a reason whose share moved so far that chance would show it in few runs (drift_alpha, over all reasons of the
scenario together), and by more than the limits that the policy sets.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tools.guardrails.captures import Capture
from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import CaptureFacts
from tools.guardrails.judges.reasons.decisions import without_reason
from tools.guardrails.policy import Policy
from tools.guardrails.statistics import shift_p_values
from tools.guardrails.verdict import Finding, Judgement, Status

RESAMPLES = 10_000
SEED = 15


@dataclass(frozen=True)
class Rule:
    """When shares are compared, and when a move of one is a drift."""

    alpha: float
    least_runs: int
    least_decisions: int
    least_boots: int
    relative: float
    """Of the share before: 0.8 is 80 %."""
    points: float
    """Of all decisions: 0.05 is five points."""


@dataclass(frozen=True)
class Move:
    """The share of one reason, before and now."""

    reason: str
    now: float
    before: float
    p: float

    @property
    def relative(self) -> float:
        """Infinite for a reason that is new."""
        return abs(self.now - self.before) / self.before if self.before else math.inf

    def is_drift(self, rule: Rule) -> bool:
        is_large = self.relative > rule.relative and abs(self.now - self.before) > rule.points
        return is_large and self.p < rule.alpha

    def __str__(self) -> str:
        return f"{self.reason} from {self.before:.1%} to {self.now:.1%} (p={self.p:.3g})"


@dataclass(frozen=True)
class Shares:
    """The reasons of one scenario's boots, in this run and in those before it. All have as many boots."""

    now: tuple[Counter[str], ...]
    runs: tuple[tuple[Counter[str], ...], ...]
    resamples: int = RESAMPLES

    @property
    def total(self) -> Counter[str]:
        return _sum(self.now)

    @property
    def baseline(self) -> Counter[str]:
        return _sum([boot for run in self.runs for boot in run])

    @property
    def new(self) -> tuple[str, ...]:
        """Reasons that no run before gave."""
        return tuple(sorted(set(self.total) - set(self.baseline)))

    @property
    def vanished(self) -> tuple[str, ...]:
        """Reasons that each run before gave, and this one does not."""
        always = [set(_sum(run)) for run in self.runs]
        return tuple(sorted(set.intersection(*always) - set(self.total))) if always else ()

    @property
    def least_p(self) -> float:
        """The least p that so many boots and runs can give."""
        deciding = sum(any(at_place) for at_place in zip(self.now, *self.runs))
        return float((len(self.runs) + 1) ** -deciding)

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """Of each reason; the least likely first."""
        reasons = sorted(set(self.total) | set(self.baseline))
        places = zip(self.now, *self.runs)
        counts = [[[boot[name] for name in reasons] for boot in at_place] for at_place in places]
        found = shift_p_values(counts, resamples=self.resamples, seed=SEED)
        moves = [self._move(name, p) for name, p in zip(reasons, found)]
        return tuple(sorted(moves, key=lambda move: (move.p, move.reason)))

    def _move(self, reason: str, p: float) -> Move:
        return Move(reason, _share(self.total, reason), _share(self.baseline, reason), p)

    @property
    def total_variation(self) -> float:
        """Of all decisions, the part that would have to have other reasons for the shares to be alike."""
        names = set(self.total) | set(self.baseline)
        return sum(abs(_share(self.total, n) - _share(self.baseline, n)) for n in names) / 2

    def drifts(self, rule: Rule) -> tuple[Move, ...]:
        return tuple(move for move in self.moves if move.is_drift(rule))


def _sum(boots: Sequence[Counter[str]]) -> Counter[str]:
    return sum(boots, Counter())


def _share(counts: Counter[str], reason: str) -> float:
    return counts[reason] / max(1, counts.total())


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError, LedgerError."""
    policy = evidence.policies["m15"]
    shares = {name: _shares(evidence, facts, policy) for name, facts in evidence.facts.items()}
    findings = [
        finding
        for name, each in shares.items()
        for finding in _findings(evidence, policy, name, each)
    ]
    state = {name: _state(each, rule(policy)) for name, each in shares.items()}
    return Judgement("m15", tuple(findings), {"reasons": state})


def rule(policy: Policy) -> Rule:
    return Rule(
        policy.number("drift_alpha"),
        policy.integer("min_baseline_runs"),
        policy.integer("min_samples_for_drift"),
        policy.integer("min_boots"),
        policy.integer("max_share_drift_pct") / 100,
        policy.integer("min_share_change_points") / 100,
    )


def _shares(evidence: Evidence, facts: CaptureFacts, policy: Policy) -> Shares:
    runs = evidence.baseline(facts, policy.integer("baseline_window"))
    like = [run for run in runs if len(run.boots) == len(facts.boots)]
    return Shares(_boots(facts), tuple(_boots(run) for run in like))


def _boots(facts: CaptureFacts) -> tuple[Counter[str], ...]:
    return tuple(Counter(boot.reasons) for boot in facts.boots)


def _findings(evidence: Evidence, policy: Policy, name: str, shares: Shares) -> Iterator[Finding]:
    yield _unknown(evidence.captures[name], policy, shares.total.total())
    yield drift(name, shares, rule(policy))
    yield _anomalies(name, shares, policy)


# ---- unknown reasons ----


def _unknown(capture: Capture, policy: Policy, known: int) -> Finding:
    what, limit = f"unknown_reasons_of_{capture.name}", policy.integer("max_unknown_share_pct")
    unknown = [each for boot in capture.boots for each in without_reason(boot)]
    total, least = known + len(unknown), policy.integer("min_samples_for_drift")
    share = 100 * len(unknown) / max(1, total)
    says = f"{len(unknown)} of {total} decisions have no known reason, {share:.1f} % of at most {limit} %"
    if share > limit:
        places = tuple(place for place, _ in unknown)
        return Finding(what, Status.FAIL, total, least, f"{says}; {unknown[0][1]}", places)
    return Finding(what, Status.INSUFFICIENT if total < least else Status.PASS, total, least, says)


# ---- drift ----


def drift(name: str, shares: Shares, limits: Rule) -> Finding:
    """Whether the share of a reason moved."""
    what, decisions = f"reason_drift_of_{name}", shares.total.total()
    if problem := _too_little(shares, limits):
        return Finding(what, Status.INSUFFICIENT, len(shares.runs), limits.least_runs, problem)
    found = shares.drifts(limits)
    many = f"{decisions} decisions beside {len(shares.runs)} runs"
    if found:
        says = f"{many}: {', '.join(map(str, found))}"
        return Finding(what, Status.FAIL, len(shares.runs), limits.least_runs, says)
    least = f"the least likely move is {shares.moves[0]}" if shares.moves else "none moved"
    says = f"{many}: {shares.total_variation:.1%} differ; {least}"
    return Finding(what, Status.PASS, len(shares.runs), limits.least_runs, says)


def _too_little(shares: Shares, limits: Rule) -> str | None:
    runs, decisions = len(shares.runs), shares.total.total()
    if runs < limits.least_runs:
        return f"learning: {runs} of the {limits.least_runs} like runs that passed, before anything is compared"
    if decisions < limits.least_decisions:
        return f"expected at least {limits.least_decisions} decisions, found {decisions}"
    if len(shares.now) < limits.least_boots:
        return f"expected at least {limits.least_boots} boots to compare, found {len(shares.now)}"
    if shares.least_p >= limits.alpha:
        boots = f"{len(shares.now)} boots beside {runs} earlier runs"
        return f"{boots}: no move could be told from chance at p<{limits.alpha} (least p {shares.least_p:.3g})"
    return None


def _anomalies(name: str, shares: Shares, policy: Policy) -> Finding:
    """Reasons that came or went: told of each run, a failure only where the policy asks for it."""
    what, runs = f"new_and_vanished_reasons_of_{name}", len(shares.runs)
    least = policy.integer("min_baseline_runs")
    new = ", ".join(f"{reason} ({shares.total[reason]} times)" for reason in shares.new)
    says = f"new: {new or 'none'}; vanished: {', '.join(shares.vanished) or 'none'}"
    if runs < least:
        return Finding(what, Status.INSUFFICIENT, runs, least, f"learning: {runs} of {least} runs")
    fails = policy.switch("anomalies_fail") and bool(shares.new or shares.vanished)
    return Finding(what, Status.FAIL if fails else Status.PASS, runs, least, says)


# ---- state ----


def _state(shares: Shares, limits: Rule) -> dict[str, object]:
    is_compared = _too_little(shares, limits) is None
    total = shares.total
    return {
        "decisions": total.total(),
        "shares": {reason: _share(total, reason) for reason in sorted(total)},
        "baseline_runs": len(shares.runs),
        "baseline_decisions": shares.baseline.total(),
        "moves": [_row(move, limits) for move in shares.moves] if is_compared else [],
        "total_variation": shares.total_variation if is_compared else None,
        "new": list(shares.new) if is_compared else [],
        "vanished": list(shares.vanished) if is_compared else [],
    }


def _row(move: Move, limits: Rule) -> dict[str, object]:
    return {
        "reason": move.reason,
        "before": move.before,
        "now": move.now,
        "p": move.p,
        "is_drift": move.is_drift(limits),
    }
