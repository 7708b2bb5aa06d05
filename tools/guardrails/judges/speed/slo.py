"""M15.1: service levels over the ledger: objectives with a window, an error budget and a burn rate; reasons by week.

An objective promises that a share of samples (runs, boots, effects, answers) is good. What it leaves is its error
budget: a target of 95 % lets 1 of 20 be bad. The budget is spent over the newest `window_runs` runs; the burn rate is
the bad share of the newest `burn_window_runs` of them, in budgets: at 1 the budget lasts just as long as the window.

Samples are few, so a share alone says little. An objective is met when the share is within the budget. It is missed
when so many bad samples would be rare (`miss_alpha`) if just the budget were the true share, by the exact binomial
test; it is unclear between. The test takes samples for independent; where a whole run goes wrong at once, those of that
run are not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from scipy import stats

from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.loop.quality import effects
from tools.guardrails.judges.speed.latency import PHASES
from tools.guardrails.judges.speed.metrics import cycles_per_token
from tools.guardrails.judges.speed.slo_runs import Run, runs_of
from tools.guardrails.judges.speed.slo_weeks import Move, Reasons, WeekReasons, reasons_of
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, Judgement, Status

NAME = "m15_dashboard"


class State(StrEnum):
    """Where an objective stands."""

    MET = "met"
    MISSED = "missed"
    RECOVERING = "recovering"
    """Missed over the window, while the newest runs are within the budget."""
    UNCLEAR = "unclear"
    """Below the target by no more than chance may be."""
    TOO_FEW = "too few"
    NO_DATA = "no data"


@dataclass(frozen=True)
class Tally:
    """Samples of an objective."""

    good: int
    bad: int

    @property
    def total(self) -> int:
        return self.good + self.bad


def _tally(samples: Iterable[bool]) -> Tally:
    found = list(samples)
    return Tally(found.count(True), found.count(False))


@dataclass(frozen=True)
class Objective:
    """One row of the table of objectives."""

    name: str
    promise: str
    unit: str
    samples_of: Callable[[Run], Iterable[bool]]
    """Of a run, for each sample whether it is good. A run that says nothing has none."""
    target: float
    minimum: int
    """Samples without which nothing is said."""


@dataclass(frozen=True)
class Level:
    """How an objective is kept."""

    objective: Objective
    tallies: tuple[tuple[Run, Tally], ...]
    """Of each run in the window, newest first."""
    burn_runs: int
    alpha: float

    @property
    def window(self) -> Tally:
        return _sum(self.tallies)

    @property
    def recent(self) -> Tally:
        return _sum(self.tallies[: self.burn_runs])

    @property
    def samples(self) -> int:
        return self.window.total

    @property
    def runs(self) -> int:
        """Those that have samples."""
        return sum(tally.total > 0 for _, tally in self.tallies)

    @property
    def share(self) -> float | None:
        """Of good samples; None without any."""
        return self.window.good / self.samples if self.samples else None

    @property
    def allowed(self) -> float:
        """The share that may be bad."""
        return round(1 - self.objective.target, 9)

    @property
    def budget(self) -> float:
        """How many of the samples there are may be bad. Few samples have a budget of less than one."""
        return round(self.allowed * self.samples, 9)

    @property
    def budget_left(self) -> float | None:
        """Share of the budget: below 0 when more is spent than there was. None without samples."""
        return 1 - self.window.bad / self.budget if self.samples else None

    @property
    def burn_rate(self) -> float | None:
        """Budgets that the newest runs spend a window; None when they have no sample."""
        recent = self.recent
        return recent.bad / recent.total / self.allowed if recent.total else None

    @property
    def p(self) -> float:
        """How likely so many bad samples, or more, are when just the budget is the true share of them."""
        if not self.samples:
            return 1.0
        test = stats.binomtest(self.window.bad, self.samples, self.allowed, alternative="greater")
        return float(f"{test.pvalue:.6g}")  # the same on machines that add in another order

    @property
    def state(self) -> State:
        if not self.samples:
            return State.NO_DATA
        if self.p < self.alpha:
            burns = self.burn_rate is None or self.burn_rate > 1
            return State.MISSED if burns else State.RECOVERING
        if self.samples < self.objective.minimum:
            return State.TOO_FEW
        return State.MET if self.window.bad <= self.budget else State.UNCLEAR

    def says(self) -> str:
        """Target, share, budget and burn rate, each with its counts."""
        unit, target = self.objective.unit, f"{100 * self.objective.target:g} %"
        if self.share is None:
            return f"no data: expected {target} good, found 0 {unit} that count in a window of {len(self.tallies)}"
        return (
            f"{self.state}: expected {target} good, found {self.share:.1%}: {self.window.bad} of {self.samples} {unit} "
            f"in {self.runs} runs are bad, the budget is {self.budget:g} (by chance: p={self.p:.2g}); "
            f"{self._burning()}"
        )

    def _burning(self) -> str:
        runs, recent = min(self.burn_runs, len(self.tallies)), self.recent
        if self.burn_rate is None:
            return f"the newest {runs} runs have no {self.objective.unit}"
        return f"burn rate {self.burn_rate:.2f} ({recent.bad} of {recent.total} in the newest {runs} runs)"


def _sum(tallies: Sequence[tuple[Run, Tally]]) -> Tally:
    return Tally(sum(each.good for _, each in tallies), sum(each.bad for _, each in tallies))


@dataclass(frozen=True)
class Service:
    """All of it: what the verdict, and the dashboard, are made of."""

    policy: Policy
    runs: tuple[Run, ...]
    """In the window, newest first."""
    levels: tuple[Level, ...]
    reasons: Reasons

    @property
    def alerts(self) -> tuple[str, ...]:
        """What a person should look at, as words_with_underscores."""
        drift = next(level for level in self.levels if level.objective.name == "drift_free_runs")
        missed = [f"missed_{level.objective.name}" for level in self.levels if _is_missed(level)]
        no_history = [] if drift.samples else ["no_m15_history"]
        no_events = [] if self.reasons.decisions else ["no_recent_reason_events"]
        return (*missed, *no_history, *no_events)


def _is_missed(level: Level) -> bool:
    return level.state in (State.MISSED, State.RECOVERING)


# ---- the objectives ----


def _drift_verdict(run: Run) -> Iterable[bool]:
    """Of a recorded run that M15 could judge."""
    said = run.verdicts.get("m15")
    return [] if said in (None, Status.INSUFFICIENT) else [said == Status.PASS]


def _endings(run: Run) -> Iterable[bool]:
    return [boot.ended_as_expected for boot in run.boots]


def _startups(run: Run, budgets: Sequence[int]) -> Iterable[bool]:
    """Of boots with a model: both phases within their budgets."""
    timed = [[phase.of(boot) for phase in PHASES] for boot in run.boots]
    return [
        all(time is not None and time <= most for time, most in zip(times, budgets))
        for times in timed
        if any(time is not None for time in times)
    ]


def _effects(run: Run) -> Iterable[bool]:
    return [label != "harmful" for boot in run.boots for label in effects(boot)]


def _answers(run: Run, most_cycles: int) -> Iterable[bool]:
    costs = [
        cycles_per_token(answer, "decode") for boot in run.boots for answer in boot.generations
    ]
    return [cost <= most_cycles for cost in costs if cost is not None]


def objectives(evidence: Evidence) -> tuple[Objective, ...]:
    """The table, with its targets."""
    policy, m9 = evidence.policies[NAME], evidence.policies["m9"]
    budgets = [m9.integer(phase.budget) for phase in PHASES]
    most = policy.integer("max_decode_mcycles")
    shown = " and ".join(f"{budget:,} ms" for budget in budgets)
    rows: tuple[tuple[str, str, str, Callable[[Run], Iterable[bool]]], ...] = (
        ("drift_free_runs", "Decisions are made for the same reasons", "runs", _drift_verdict),
        ("boots_ended", "Boots end as their scenario expects", "boots", _endings),
        (
            "startups_in_budget",
            f"Models are chosen and prepared within {shown}",
            "boots",
            partial(_startups, budgets=budgets),
        ),
        ("harmless_effects", "Effects of actions are not harmful", "effects", _effects),
        (
            "answers_in_time",
            f"Tokens of answers cost at most {most:,} M cycles",
            "answers",
            partial(_answers, most_cycles=most * 1_000_000),
        ),
    )
    return tuple(_objective(policy, *row) for row in rows)


def _objective(
    policy: Policy, name: str, promise: str, unit: str, samples_of: Callable[[Run], Iterable[bool]]
) -> Objective:
    minimum = policy.integer("min_runs" if unit == "runs" else "min_samples")
    target = policy.number(f"{name}_pct") / 100
    return Objective(name, promise, unit, samples_of, target, minimum)


# ---- the verdict ----


def measure(evidence: Evidence, scenarios: Collection[str]) -> Service:
    """The levels that runs of these scenarios keep. Raises CaptureError, LedgerError."""
    policy = evidence.policies[NAME]
    window = policy.integer("window_runs")
    runs = runs_of(evidence, scenarios, max(window, policy.integer("weekly_reach")))
    burn, alpha = policy.integer("burn_window_runs"), policy.number("miss_alpha")
    levels = tuple(
        Level(
            each, tuple((run, _tally(each.samples_of(run))) for run in runs[:window]), burn, alpha
        )
        for each in objectives(evidence)
    )
    reasons = reasons_of(runs, policy.integer("weekly_window_days"))
    return Service(policy, runs[:window], levels, reasons)


def judge(evidence: Evidence) -> Judgement:
    """Over the scenarios of the evidence. Raises CaptureError, LedgerError."""
    service = measure(evidence, evidence.facts.keys())
    fails = service.policy.switch("missed_fails")
    findings = tuple(_finding(level, fails) for level in service.levels)
    return Judgement(NAME, findings, to_state(service))


def _finding(level: Level, fails: bool) -> Finding:
    statuses = {State.MET: Status.PASS, State.MISSED: Status.FAIL if fails else Status.PASS}
    status = statuses.get(level.state, Status.INSUFFICIENT)
    objective = level.objective
    places = tuple(run.label for run, tally in level.tallies if tally.bad)
    return Finding(objective.name, status, level.samples, objective.minimum, level.says(), places)


# ---- state ----


def to_state(service: Service) -> dict[str, object]:
    """Plain JSON; the names of the former dashboard where they still mean something."""
    policy, reasons = service.policy, service.reasons
    drift = next(each for each in service.levels if each.objective.name == "drift_free_runs")
    top = policy.integer("top_reason_ids")
    return {
        "window_runs": policy.integer("window_runs"),
        "weekly_window_days": policy.integer("weekly_window_days"),
        "runs_analyzed": len(service.runs),
        "drift_runs_analyzed": drift.samples,
        "drift_pass_rate_pct": None if drift.share is None else round(100 * drift.share, 2),
        "objectives": [_level_state(level) for level in service.levels],
        "recent_reason_event_count": reasons.decisions,
        "current_week": str(reasons.current.week) if reasons.current else None,
        "previous_week": str(reasons.previous.week) if reasons.previous else None,
        "top_current_week": _top(reasons.current, top),
        "top_previous_week": _top(reasons.previous, top),
        "week_over_week_delta_top": [_delta(move) for move in reasons.moves[:top]],
        "weekly_snapshots": [
            {
                "week": str(week.week),
                "runs": week.runs,
                "event_count": week.total,
                "top_reason_ids": _top(week, top),
            }
            for week in reasons.weeks
        ],
        "alerts": list(service.alerts),
    }


def _level_state(level: Level) -> dict[str, object]:
    return {
        "name": level.objective.name,
        "state": level.state,
        "unit": level.objective.unit,
        "target_pct": round(100 * level.objective.target, 3),
        "good": level.window.good,
        "bad": level.window.bad,
        "samples": level.samples,
        "minimum": level.objective.minimum,
        "runs": level.runs,
        "share_pct": _pct(level.share),
        "p": level.p,
        "budget": level.budget,
        "budget_left_pct": _pct(level.budget_left),
        "burn_rate": None if level.burn_rate is None else round(level.burn_rate, 3),
        "burn_samples": level.recent.total,
        "burn_bad": level.recent.bad,
    }


def _pct(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)


def _top(week: WeekReasons | None, limit: int) -> list[dict[str, object]]:
    if week is None:
        return []
    return [
        {"reason_id": name, "count": week.counts[name], "share_pct": _pct(week.share(name))}
        for name in week.top(limit)
    ]


def _delta(move: Move) -> dict[str, object]:
    return {
        "reason_id": move.reason,
        "current_week_share_pct": _pct(move.now),
        "previous_week_share_pct": _pct(move.before),
        "delta_share_pct": round(move.points, 2),
        "abs_delta_share_pct": round(abs(move.points), 2),
    }
