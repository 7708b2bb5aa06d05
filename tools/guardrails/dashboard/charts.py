"""Charts as coordinates, for templates that draw them: the same digits on every machine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.guardrails.dashboard.trends import Point, Trend
from tools.guardrails.judges.speed.slo import Level
from tools.guardrails.judges.speed.slo_weeks import Reasons

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 50, 10, 18, 28
TICKS = 4
LEAST_SPAN = 0.1
"""Of the values: an axis spans at least so much, so that noise does not look like a change."""
LABELS = 7
"""The most labels below an axis."""
RANKED = 5
"""Reasons that have a shade of their own."""


def _px(value: float) -> str:
    return f"{value:.1f}"


@dataclass(frozen=True)
class Label:
    """A word at a place."""

    x: str
    y: str
    text: str


@dataclass(frozen=True)
class Mark:
    """One run: its median, and from its least to its most."""

    x: str
    median: str
    least: str
    most: str
    says: str


@dataclass(frozen=True)
class Segment:
    """Runs of one stratum that follow each other."""

    stratum: str
    marks: tuple[Mark, ...]

    @property
    def line(self) -> str:
        return " ".join(f"{mark.x},{mark.median}" for mark in self.marks)

    @property
    def band(self) -> str:
        above = [f"{mark.x},{mark.most}" for mark in self.marks]
        below = [f"{mark.x},{mark.least}" for mark in reversed(self.marks)]
        return " ".join(above + below)


@dataclass(frozen=True)
class LineChart:
    """A trend: a line of medians in a band from least to most; broken where runs are not alike."""

    segments: tuple[Segment, ...]
    ticks: tuple[Label, ...]
    labels: tuple[Label, ...]
    changes: tuple[Label, ...]
    """Where the runs of a stratum begin; only when there are several."""


def line_chart(trend: Trend) -> LineChart:
    """A trend that has at least one measurement."""
    ticks = _ticks(trend.measured)
    low, high = ticks[0], ticks[-1]

    def y(value: float) -> str:
        return _px(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low))

    xs = _places(len(trend.points))
    segments = tuple(_segments(trend, xs, y))
    digits = _digits(ticks[1] - ticks[0])
    return LineChart(
        segments,
        tuple(Label(_px(LEFT - 6), y(tick), f"{tick:,.{digits}f}") for tick in ticks),
        tuple(_labels(xs, [_run_label(point) for point in trend.points])),
        tuple(_changes(segments)),
    )


def _run_label(point: Point | None) -> str:
    return "" if point is None else point.label.removeprefix("run ").replace("this run", "now")


def _places(count: int) -> list[float]:
    width = (WIDTH - LEFT - RIGHT) / count
    return [LEFT + width * (at + 0.5) for at in range(count)]


def _segments(trend: Trend, xs: list[float], y: Callable[[float], str]) -> Iterator[Segment]:
    marks: list[Mark] = []
    last: Point | None = None
    for x, point in zip(xs, trend.points):
        if last and (point is None or point.stratum != last.stratum):
            yield Segment(last.stratum, tuple(marks))
            marks = []
        if point:
            marks.append(
                Mark(_px(x), y(point.median), y(point.least), y(point.most), says(point, trend))
            )
        last = point
    if last:
        yield Segment(last.stratum, tuple(marks))


def says(point: Point, trend: Trend) -> str:
    """A measurement in words."""
    unit, sample = trend.quantity.unit, trend.quantity.sample
    span = f"{shown(point.least)} to {shown(point.most)}"
    return f"{point.label}: median {shown(point.median)} {unit}, {span}, {point.samples} {sample}"


def shown(value: float) -> str:
    """A measurement with about four digits."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.1f}" if value >= 10 else f"{value:.3f}"


def _changes(segments: Sequence[Segment]) -> Iterator[Label]:
    if len({segment.stratum for segment in segments}) > 1:
        for segment in segments:
            yield Label(segment.marks[0].x, _px(TOP - 6), segment.stratum)


def _labels(xs: list[float], texts: list[str]) -> Iterator[Label]:
    """As many as have room, counted from the newest."""
    stride = math.ceil(len(xs) / LABELS)
    for at, (x, text) in enumerate(zip(xs, texts)):
        if text and (len(xs) - 1 - at) % stride == 0:
            yield Label(_px(x), _px(HEIGHT - BOTTOM + 15), text)


def _ticks(points: Sequence[Point]) -> list[float]:
    """Round values around all that was measured."""
    low, high = min(point.least for point in points), max(point.most for point in points)
    room = max(0.0, LEAST_SPAN * (high + low) / 2 - (high - low)) / 2
    low, high = max(0.0, low - room), high + room
    step = _round_step((high - low) / TICKS)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [at * step for at in range(first, last + 1)]


def _round_step(least: float) -> float:
    """The next of 1, 2, 5, 10, ... Measurements are above 0, so the span is too."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= least * 0.999)


def _digits(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))


@dataclass(frozen=True)
class Part:
    """One reason's part of a column."""

    rank: int
    """From 1 on, the most frequent first; 0 of all the others."""
    y: str
    height: str
    digit: Label | None
    """Its rank, where there is room."""
    says: str


@dataclass(frozen=True)
class Column:
    """The decisions of one week, or of the run that is judged."""

    x: str
    width: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class StackedChart:
    """Shares of reasons, oldest week first."""

    columns: tuple[Column, ...]
    labels: tuple[Label, ...]
    legend: tuple[tuple[int, str], ...]
    """Rank and reason."""


def reason_chart(reasons: Reasons) -> StackedChart | None:
    """None without any decision."""
    counts: list[tuple[str, Mapping[str, int]]]
    counts = [(str(week.week), week.counts) for week in reversed(reasons.weeks) if week.total]
    if reasons.this_run:
        counts.append(("this run", reasons.this_run))
    if not counts:
        return None
    total = sum((Counter(each) for _, each in counts), Counter())
    ranked = sorted(total, key=lambda name: (-total[name], name))[:RANKED]
    xs = _places(len(counts))
    width = min(44.0, 0.7 * (WIDTH - LEFT - RIGHT) / len(counts))
    columns = tuple(
        Column(_px(x - width / 2), _px(width), tuple(_parts(label, each, ranked, x)))
        for x, (label, each) in zip(xs, counts)
    )
    legend = [(rank, name) for rank, name in enumerate(ranked, start=1)]
    others = [(0, f"{len(total) - len(ranked)} others")] if len(total) > len(ranked) else []
    labels = tuple(_labels(xs, [label for label, _ in counts]))
    return StackedChart(columns, labels, tuple(legend + others))


def _parts(label: str, counts: Mapping[str, int], ranked: list[str], x: float) -> Iterator[Part]:
    total, height = sum(counts.values()), HEIGHT - TOP - BOTTOM
    rest = total - sum(counts.get(name, 0) for name in ranked)
    amounts = [(n, name, counts.get(name, 0)) for n, name in enumerate(ranked, start=1)]
    top = 0.0
    for rank, name, amount in (*amounts, (0, "others", rest)):
        part = height * amount / total
        if amount:
            digit = Label(_px(x), _px(TOP + top + part / 2 + 4), str(rank))
            told = f"{label}, {name}: {amount} of {total}, {amount / total:.1%}"
            has_room = rank > 0 and part >= 13
            yield Part(rank, _px(TOP + top), _px(part), digit if has_room else None, told)
        top += part


@dataclass(frozen=True)
class BudgetBar:
    """What of an error budget is spent, in hundredths of the bar, and what is left in words."""

    spent: str
    is_over: bool
    says: str


def budget_bar(level: Level) -> BudgetBar | None:
    """None without samples: there is no budget to spend."""
    if level.budget_left is None:
        return None
    spent = 1 - level.budget_left
    bad, unit = level.window.bad, level.objective.unit
    words = f"{bad} bad of {level.budget:.2f} {unit} allowed"
    return BudgetBar(_px(100 * min(1.0, spent)), spent > 1, words)
