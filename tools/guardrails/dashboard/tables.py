"""The tables of the dashboard: the same rows in Markdown and in HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.guardrails.benchmark.compare import QUANTITIES, Matrix, Outcome
from tools.guardrails.benchmark.compare import Row as BenchmarkRow
from tools.guardrails.dashboard.charts import shown
from tools.guardrails.dashboard.model import NEWEST, Dashboard, Milestone
from tools.guardrails.dashboard.trends import Trend
from tools.guardrails.judges.speed.slo import Level, State
from tools.guardrails.judges.speed.slo_runs import Run
from tools.guardrails.judges.speed.slo_weeks import Move, WeekReasons
from tools.guardrails.verdict import Status

NONE = "–"
_MOODS: Mapping[object, str] = {
    Status.PASS: "good",
    Status.FAIL: "bad",
    Status.INSUFFICIENT: "open",
    State.MET: "good",
    State.MISSED: "bad",
    State.RECOVERING: "open",
    State.UNCLEAR: "open",
    State.TOO_FEW: "open",
    State.NO_DATA: "open",
    Outcome.REGRESSED: "bad",
    Outcome.FAILED: "bad",
    Outcome.MISSING: "bad",
    Outcome.CHANGED: "open",
    Outcome.IMPROVED: "good",
    Outcome.REPAIRED: "good",
}


@dataclass(frozen=True)
class Cell:
    """What stands in a table."""

    text: str
    order: float | None = None
    """What a column of numbers is sorted by."""
    mood: str = ""
    """good, bad or open, of a verdict."""


@dataclass(frozen=True)
class Column:
    """One of a table."""

    name: str
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """What stands under each other is of one kind."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def _columns(*names: str, numbers: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """In this order, those of numbers last."""
    words = tuple(Column(name) for name in names)
    return words + tuple(Column(name, is_number=True) for name in numbers)


def mood_of(word: State | Status | Outcome) -> str:
    return _MOODS.get(word, "")


def _word(word: State | Status | Outcome | None) -> Cell:
    return Cell(NONE) if word is None else Cell(str(word), mood=mood_of(word))


def _count(value: int) -> Cell:
    return Cell(f"{value:,}", value)


def _percent(share: float | None) -> Cell:
    return Cell(NONE) if share is None else Cell(f"{100 * share:.1f} %", share)


def _measured(value: float) -> Cell:
    return Cell(shown(value), value)


def objectives(dashboard: Dashboard) -> Table:
    columns = _columns(
        "objective",
        "state",
        "counted",
        "burning now",
        numbers=("target", "good", "budget left", "burn rate"),
    )
    rows = tuple(_objective(level) for level in dashboard.service.levels)
    return Table("Objectives", columns, rows)


def _objective(level: Level) -> tuple[Cell, ...]:
    unit, window, recent = level.objective.unit, level.window, level.recent
    left, rate = level.budget_left, level.burn_rate
    runs = "" if unit == "runs" else f" in {level.runs} runs"
    return (
        Cell(level.objective.promise),
        _word(level.state),
        Cell(
            f"{window.bad} bad of {level.samples} {unit}{runs}; at least {level.objective.minimum} are needed"
        ),
        Cell(f"{recent.bad} bad of {recent.total} {unit}"),
        Cell(f"{100 * level.objective.target:g} %", level.objective.target),
        _percent(level.share),
        Cell(NONE) if left is None else Cell(f"{100 * left:.0f} %", left),
        Cell(NONE) if rate is None else Cell(f"{rate:.2f}", rate),
    )


def verdicts(dashboard: Dashboard) -> Table:
    """The newest runs side by side."""
    runs = [run.label for run in dashboard.runs[:NEWEST]]
    rows = tuple(_milestone(each) for each in dashboard.milestones)
    columns = _columns("milestone", "asks", *runs)
    return Table("Verdicts of the newest runs, newest first", columns, rows)


def _milestone(milestone: Milestone) -> tuple[Cell, ...]:
    return (Cell(milestone.name), Cell(milestone.question), *map(_word, milestone.said))


def runs(dashboard: Dashboard) -> Table:
    columns = _columns("run", "recorded", "commit", numbers=tuple(Status))
    pairs = zip(dashboard.runs, dashboard.verdicts)
    return Table("Runs in the window", columns, tuple(_run(*pair) for pair in pairs))


def _run(run: Run, said: Mapping[str, Status]) -> tuple[Cell, ...]:
    statuses = list(said.values())
    counts = (_count(statuses.count(status)) for status in Status)
    label = f"{run.label} (this run)" if run.is_now and run.record else run.label
    return (Cell(label), Cell(recorded(run)), Cell(commit(run)), *counts)


def recorded(run: Run) -> str:
    return f"{run.recorded_at:%Y-%m-%d %H:%M} UTC" if run.recorded_at else "not recorded"


def commit(run: Run) -> str:
    if run.record is None:
        return NONE
    return run.record.commit[:12] + (" with changes" if run.record.dirty else "")


def trend(of: Trend) -> Table:
    """Newest first."""
    numbers = (of.quantity.sample, "least", "median", "most")
    columns = _columns("run", "stratum", numbers=numbers)
    rows = tuple(
        (
            Cell(point.label),
            Cell(point.stratum),
            _count(point.samples),
            _measured(point.least),
            _measured(point.median),
            _measured(point.most),
        )
        for point in reversed(of.measured)
    )
    return Table(f"{of.title}: {of.quantity.unit}", columns, rows)


def strata(dashboard: Dashboard) -> Table:
    columns = _columns(
        "stratum", "scenario", "scenario file", "model", "kernels", "emulator and its firmware"
    )
    rows = tuple(
        (
            Cell(name),
            Cell(each.scenario),
            Cell(each.scenario_sha256[:12]),
            Cell(each.model),
            Cell(each.kernels or NONE),
            Cell(each.emulator),
        )
        for name, each in dashboard.strata.items()
    )
    return Table("Strata: only runs of one stratum are alike", columns, rows)


def weeks(dashboard: Dashboard) -> Table:
    """The most frequent reasons of each week, newest week first."""
    reasons, limit = dashboard.service.reasons, _limit(dashboard)
    rows = [row for week in reasons.weeks for row in _week(week, str(week.week), limit)]
    return Table(
        f"The {limit} most frequent reasons a week",
        _columns("week", "reason", numbers=("decisions", "of all", "share")),
        tuple(rows),
    )


def _week(week: WeekReasons, label: str, limit: int) -> list[tuple[Cell, ...]]:
    total = _count(week.total)
    if not week.total:
        return [(Cell(label), Cell("no decisions"), _count(0), total, Cell(NONE))]
    return [
        (Cell(label), Cell(name), _count(week.counts[name]), total, _percent(week.share(name)))
        for name in week.top(limit)
    ]


def moves(dashboard: Dashboard) -> Table:
    reasons = dashboard.service.reasons
    now, before = reasons.current, reasons.previous
    shares = (str(each.week) if each else NONE for each in (before, now))
    columns = _columns("reason", numbers=(*shares, "points"))
    rows = tuple(_move(move) for move in reasons.moves[: _limit(dashboard)])
    return Table("Week over week, largest moves", columns, rows)


def _move(move: Move) -> tuple[Cell, ...]:
    points = Cell(f"{move.points:+.1f}", move.points)
    return (Cell(move.reason), _percent(move.before), _percent(move.now), points)


def _limit(dashboard: Dashboard) -> int:
    return dashboard.service.policy.integer("top_reason_ids")


def benchmark(matrix: Matrix) -> Table:
    before, now = matrix.baseline, matrix.current
    caption = f"Benchmark: {now.commit[:12]} against {before.commit[:12]}, seed {now.seed}"
    columns = _columns("case", "outcome", numbers=QUANTITIES)
    return Table(caption, columns, tuple(_case(row) for row in matrix.rows))


def _case(row: BenchmarkRow) -> tuple[Cell, ...]:
    changes = [row.changes.get(name) for name in QUANTITIES]
    cells = [Cell(NONE) if each is None else Cell(f"{each:+.1%}", each) for each in changes]
    return (Cell(row.case_id), _word(row.outcome), *cells)
