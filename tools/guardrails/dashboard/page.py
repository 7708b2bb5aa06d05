"""The page: what is shown, in which order, with which words. Templates only say how."""

from __future__ import annotations

from dataclasses import dataclass

from tools.guardrails.dashboard import charts, tables
from tools.guardrails.dashboard.charts import BudgetBar, LineChart, StackedChart
from tools.guardrails.dashboard.model import Dashboard
from tools.guardrails.dashboard.tables import Table
from tools.guardrails.dashboard.trends import Trend
from tools.guardrails.judges.speed.slo import Level

_ALERTS = {
    "no_m15_history": "No recorded run has a verdict of M15 yet, so nothing is known about drift of reasons.",
    "no_recent_reason_events": "No recorded run has decisions, so there are no shares by week.",
}


@dataclass(frozen=True)
class Objective:
    """One objective with its bar."""

    promise: str
    state: str
    mood: str
    says: str
    bar: BudgetBar | None


@dataclass(frozen=True)
class Drawn:
    """A trend as chart and table."""

    title: str
    unit: str
    about: str
    chart: LineChart
    table: Table


@dataclass(frozen=True)
class Page:
    """Everything that a template needs."""

    lead: str
    alerts: tuple[str, ...]
    objectives: tuple[Objective, ...]
    objectives_about: str
    objectives_table: Table
    verdicts: Table
    startups: tuple[Drawn, ...]
    costs: tuple[Drawn, ...]
    reasons: StackedChart | None
    weeks_about: str
    weeks: Table
    moves: Table
    benchmark: Table | None
    benchmark_about: str
    runs: Table
    strata: Table


def page_of(dashboard: Dashboard) -> Page:
    """The page of a dashboard."""
    policy, matrix = dashboard.service.policy, dashboard.benchmark
    drawn = [(trend, _drawn(trend)) for trend in dashboard.trends]
    return Page(
        lead=_lead(dashboard),
        alerts=tuple(_alert(dashboard, alert) for alert in dashboard.service.alerts),
        objectives=tuple(_objective(level) for level in dashboard.service.levels),
        objectives_about=(
            f"Over the newest {policy.integer('window_runs')} runs. An objective is missed when so many bad "
            f"samples are no chance (exact binomial test), and unclear before. The burn rate is of the newest "
            f"{policy.integer('burn_window_runs')} runs: at 1 the budget lasts as long as the window."
        ),
        objectives_table=tables.objectives(dashboard),
        verdicts=tables.verdicts(dashboard),
        startups=tuple(each for trend, each in drawn if trend.quantity.sample == "boots"),
        costs=tuple(each for trend, each in drawn if trend.quantity.sample == "answers"),
        reasons=charts.reason_chart(dashboard.service.reasons),
        weeks_about=_weeks_about(dashboard),
        weeks=tables.weeks(dashboard),
        moves=tables.moves(dashboard),
        benchmark=tables.benchmark(matrix) if matrix else None,
        benchmark_about=(
            f"Changes from {matrix.threshold:.0%} on count; the model is {matrix.current.model}, on "
            f"{matrix.current.emulator}."
            if matrix
            else ""
        ),
        runs=tables.runs(dashboard),
        strata=tables.strata(dashboard),
    )


def _lead(dashboard: Dashboard) -> str:
    if not dashboard.runs:
        return "No run is recorded, and none was given: there is no data."
    newest = dashboard.runs[0]
    count = len(dashboard.runs)
    told = f"The newest of {count} runs is " if count > 1 else "The only run is "
    if newest.record is None:
        return f"{told}this one, which is not recorded."
    return f"{told}{newest.label}: {tables.recorded(newest)}, commit {tables.commit(newest)}."


def _alert(dashboard: Dashboard, alert: str) -> str:
    if alert in _ALERTS:
        return _ALERTS[alert]
    level = next(
        level for level in dashboard.service.levels if f"missed_{level.objective.name}" == alert
    )
    return f"{level.objective.promise}: {level.says()}."


def _objective(level: Level) -> Objective:
    return Objective(
        level.objective.promise,
        str(level.state),
        tables.mood_of(level.state),
        level.says(),
        charts.budget_bar(level),
    )


def _drawn(trend: Trend) -> Drawn:
    about = (
        f"Median of each run's {trend.quantity.sample}, and the band from the least to the most."
    )
    chart, table = charts.line_chart(trend), tables.trend(trend)
    return Drawn(trend.title, trend.quantity.unit, about, chart, table)


def _weeks_about(dashboard: Dashboard) -> str:
    days = dashboard.service.policy.integer("weekly_window_days")
    reasons = dashboard.service.reasons
    runs = sum(week.runs for week in reasons.weeks)
    return (
        f"{reasons.decisions:,} decisions of {runs} runs, recorded in the {days} days up to the latest of them; ISO "
        "weeks of UTC. A run that is not recorded is in no week."
    )
