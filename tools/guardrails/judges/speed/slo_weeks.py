"""Shares of reason ids by ISO week. Weeks come of when runs were recorded, never of a clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from tools.guardrails.judges.speed.slo_runs import Run


@dataclass(frozen=True, order=True)
class Week:
    """A week of ISO 8601, from Monday on: that of the year its Thursday is in."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04}-W{self.number:02}"

    @property
    def previous(self) -> Week | None:
        """None before the first week that dates have."""
        monday = date.fromisocalendar(self.year, self.number, 1)
        return week_of(monday - timedelta(days=7)) if monday > date.min else None


def week_of(day: date) -> Week:
    """The week of a day, or of a time, which is in UTC."""
    year, number, _ = day.isocalendar()
    return Week(year, number)


@dataclass(frozen=True)
class WeekReasons:
    """The decisions of the runs that were recorded in a week."""

    week: Week
    runs: int
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def share(self, reason: str) -> float:
        """0 in a week without decisions."""
        return self.counts.get(reason, 0) / max(1, self.total)

    def top(self, limit: int) -> tuple[str, ...]:
        """The most frequent reasons; of equally frequent ones the first by name."""
        return tuple(sorted(self.counts, key=lambda name: (-self.counts[name], name))[:limit])


@dataclass(frozen=True)
class Move:
    """The share of a reason in the week of the latest recording, and in the calendar week before it."""

    reason: str
    now: float
    before: float

    @property
    def points(self) -> float:
        """Percentage points."""
        return 100 * (self.now - self.before)


@dataclass(frozen=True)
class Reasons:
    """The weeks with runs, newest first, and what the run that is judged decided, which is of no week yet."""

    weeks: tuple[WeekReasons, ...]
    this_run: Mapping[str, int]

    @property
    def current(self) -> WeekReasons | None:
        return self.weeks[0] if self.weeks else None

    @property
    def previous(self) -> WeekReasons | None:
        """The calendar week before the current one; None when no run was recorded in it."""
        if self.current is None:
            return None
        wanted = self.current.week.previous
        return next((each for each in self.weeks if each.week == wanted), None)

    @property
    def decisions(self) -> int:
        return sum(week.total for week in self.weeks)

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """From the previous week to the current one, largest first; none where either has no decisions."""
        now, before = self.current, self.previous
        if now is None or before is None or not now.total or not before.total:
            return ()
        names = sorted(set(now.counts) | set(before.counts))
        moves = [Move(name, now.share(name), before.share(name)) for name in names]
        return tuple(sorted(moves, key=lambda move: (-round(abs(move.points), 9), move.reason)))


def reasons_of(runs: Sequence[Run], days: int) -> Reasons:
    """Of the runs that were recorded less than `days` before the latest of them."""
    times = [run.recorded_at for run in runs if run.recorded_at is not None]
    window = timedelta(days=days)
    recent = [run for run in runs if run.recorded_at and max(times) - run.recorded_at < window]
    unrecorded = [run for run in runs if run.recorded_at is None]
    return Reasons(_by_week(recent), _counts(unrecorded))


def _by_week(runs: Iterable[Run]) -> tuple[WeekReasons, ...]:
    weeks: dict[Week, list[Run]] = {}
    for run in runs:
        if run.recorded_at is not None:
            weeks.setdefault(week_of(run.recorded_at), []).append(run)
    return tuple(
        WeekReasons(week, len(weeks[week]), _counts(weeks[week]))
        for week in sorted(weeks, reverse=True)
    )


def _counts(runs: Iterable[Run]) -> dict[str, int]:
    return dict(sorted(sum((run.reasons for run in runs), Counter()).items()))
