"""Comparisons of a run with like runs before it: what M9 and M16 reject a drift by, and M17 reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tools.guardrails.policy import Policy
from tools.guardrails.statistics import Block, Drift, Move, median
from tools.guardrails.verdict import Finding, Status

Series = Mapping[str, float]
"""Measurements above 0 by place, as `boot-2` or `boot-2/answer-1`: at one place each run does the same work."""


@dataclass(frozen=True)
class Rule:
    """When there is a comparison, and when a change counts."""

    limit: float
    """Of the change of the median: 0.15 is 15 %."""
    alpha: float
    """Level of the rank test."""
    beta: float
    """How often a change of just the limit may be missed."""
    least_runs: int
    least_samples: int


def rule(policy: Policy, limit: float, samples: str) -> Rule:
    """The rule of a policy; `samples` names its row of the least samples."""
    return Rule(
        limit,
        policy.number("drift_alpha"),
        policy.number("drift_beta"),
        policy.integer("min_baseline_runs"),
        policy.integer(samples),
    )


@dataclass(frozen=True)
class Comparison:
    """One quantity of one scenario, in this run and in those before it."""

    guardrail: str
    quantity: str
    unit: str
    scenario: str
    now: Series
    runs: tuple[Series, ...]
    rule: Rule

    @property
    def what(self) -> str:
        return f"{self.quantity}_drift_of_{self.scenario}"

    @property
    def lost(self) -> tuple[str, ...]:
        """Places that each run before has, and this one has not; none where there are too few runs."""
        if len(self.runs) < self.rule.least_runs:
            return ()
        kept = set.intersection(*map(set, self.runs))
        return tuple(sorted(kept - set(self.now)))

    @property
    def lacking(self) -> str:
        """What there is too little of for a comparison; empty when there is enough."""
        runs, samples = self.rule.least_runs, self.rule.least_samples
        if len(self.runs) < runs:
            return f"expected at least {runs} earlier runs like this one that passed, found {len(self.runs)}"
        if len(self._blocks) < samples:
            return f"expected at least {samples} measurements as in earlier runs, found {len(self._blocks)}"
        least = self._all.least_p
        if least >= self.rule.alpha:
            count = f"{len(self._blocks)} measurements against {len(self.runs)} runs"
            return f"{count} cannot be told from chance: their p is at least {least:.2g}"
        return ""

    @property
    def drift(self) -> Drift | None:
        """None when something is lacking."""
        return None if self.lacking else self._all

    @cached_property
    def _blocks(self) -> tuple[Block, ...]:
        pairs = (
            (value, tuple(run[place] for run in self.runs if place in run))
            for place, value in sorted(self.now.items())
        )
        return tuple(Block(value, before) for value, before in pairs if before)

    @cached_property
    def _all(self) -> Drift:
        return Drift(self._blocks)

    def move(self, limit: float) -> Move:
        """Where the quantity has moved to by more than a limit. Steady too when something is lacking."""
        if self.drift is None:
            return Move.STEADY
        return self.drift.move(limit, alpha=self.rule.alpha, beta=self.rule.beta)

    def to_state(self) -> dict[str, object]:
        """Plain JSON."""
        found = self.drift
        return {
            "guardrail": self.guardrail,
            "quantity": self.quantity,
            "unit": self.unit,
            "scenario": self.scenario,
            "samples": len(self.now),
            "runs": len(self.runs),
            "median": median(list(self.now.values())) if self.now else None,
            "relative": found.relative if found else None,
            "p": found.p if found else None,
            "limit": self.rule.limit,
            "move": self.move(self.rule.limit) if found else None,
            "lacking": self.lacking,
        }


def finding(compared: Comparison, *, rejects: bool) -> Finding:
    """What a comparison says. Without `rejects` a change is told and passes."""
    runs, least = len(compared.runs), compared.rule.least_runs
    places = tuple(f"{compared.scenario}/{place}" for place in compared.lost)
    if places:
        says = f"each of {runs} earlier runs has {places[0]}, this one has not: what is lost is not faster"
        return Finding(compared.what, Status.FAIL, runs, least, says, places)
    if compared.drift is None:
        return Finding(compared.what, Status.INSUFFICIENT, runs, least, compared.lacking)
    is_bad = rejects and compared.move(compared.rule.limit) == Move.HIGHER
    status = Status.FAIL if is_bad else Status.PASS
    return Finding(compared.what, status, runs, least, _says(compared, compared.drift))


def _says(compared: Comparison, drift: Drift) -> str:
    limit = compared.rule.limit
    move = {Move.HIGHER: "slower", Move.LOWER: "faster", Move.STEADY: "steady"}[
        compared.move(limit)
    ]
    within = drift.p_within(limit)
    return (
        f"{move}: the median moved by {drift.relative:+.1%} (by chance: p={drift.p:.2g}; "
        f"within the limit of {limit:.0%}: p={within:.2g})"
    )
