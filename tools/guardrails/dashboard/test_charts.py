"""Charts: everything measured is inside of them, and only what is alike is joined."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails.dashboard.charts import (
    BOTTOM,
    HEIGHT,
    LABELS,
    LEFT,
    RANKED,
    RIGHT,
    TOP,
    WIDTH,
    line_chart,
    reason_chart,
    shown,
)
from tools.guardrails.dashboard.trends import QUANTITIES, Point, Trend
from tools.guardrails.judges.speed.slo_weeks import Reasons, WeekReasons, week_of
from tools.guardrails.judges.speed.testing_slo import at

VALUES = st.floats(min_value=0.001, max_value=1e12)


def _trend(*points: Point | None) -> Trend:
    return Trend(QUANTITIES[0], "chat", points)


def _point(number: int, *values: float, stratum: str = "S1") -> Point:
    least, median, most = sorted(values) if len(values) == 3 else values * 3
    return Point(f"run {number}", stratum, len(values), least, median, most)


POINTS = st.lists(
    st.tuples(VALUES, VALUES, VALUES, st.sampled_from(["S1", "S2"])), min_size=1, max_size=40
)


@given(POINTS)
def test_all_that_was_measured_is_inside(rows: list[tuple[float, float, float, str]]) -> None:
    points = [_point(n, a, b, c, stratum=name) for n, (a, b, c, name) in enumerate(rows)]
    chart = line_chart(_trend(*points))
    marks = [mark for segment in chart.segments for mark in segment.marks]
    assert len(marks) == len(points)
    for mark in marks:
        assert LEFT <= float(mark.x) <= WIDTH - RIGHT
        assert TOP <= float(mark.most) <= float(mark.median) <= float(mark.least) <= HEIGHT - BOTTOM
    assert 1 <= len(chart.labels) <= LABELS
    assert len({tick.text for tick in chart.ticks}) == len(chart.ticks) >= 2


@given(POINTS)
def test_only_neighbours_of_one_stratum_are_joined(
    rows: list[tuple[float, float, float, str]],
) -> None:
    points = [_point(n, a, b, c, stratum=name) for n, (a, b, c, name) in enumerate(rows)]
    segments = line_chart(_trend(*points)).segments
    for before, after in zip(segments, segments[1:]):
        assert before.stratum != after.stratum
    told = [(segment.stratum, mark.says) for segment in segments for mark in segment.marks]
    assert [name for name, _ in told] == [point.stratum for point in points]


def test_a_run_without_a_measurement_breaks_the_line() -> None:
    chart = line_chart(_trend(_point(1, 5.0), _point(2, 5.0), None, _point(4, 5.0)))
    assert [len(segment.marks) for segment in chart.segments] == [2, 1]
    assert [label.text for label in chart.labels] == ["1", "2", "4"]
    assert chart.changes == ()


def test_a_change_of_stratum_is_marked() -> None:
    chart = line_chart(_trend(_point(1, 5.0), _point(2, 5.0, stratum="S2")))
    assert [change.text for change in chart.changes] == ["S1", "S2"]


def test_noise_does_not_look_like_a_change() -> None:
    """A millionth more is no slope: an axis spans a tenth of its values at least."""
    chart = line_chart(_trend(_point(1, 2224.2401), _point(2, 2224.2423)))
    heights = {mark.median for segment in chart.segments for mark in segment.marks}
    assert len(heights) == 1


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (42.84, "42.8"), (0.5, "0.500"), (9.9996, "10.000")]
)
def test_measurements_have_about_four_digits(value: float, text: str) -> None:
    assert shown(value) == text


def _week(day: str, counts: dict[str, int]) -> WeekReasons:
    return WeekReasons(week_of(at(day)), 1, counts)


def test_shares_of_a_week_fill_its_column() -> None:
    counts = {f"R{n}": n for n in range(1, 10)}
    chart = reason_chart(Reasons((_week("2026-11-25", counts),), {}))
    assert chart is not None
    (column,) = chart.columns
    assert [part.rank for part in column.parts] == [1, 2, 3, 4, 5, 0]
    assert sum(float(part.height) for part in column.parts) == pytest.approx(
        HEIGHT - TOP - BOTTOM, abs=0.4
    )
    assert chart.legend[0] == (1, "R9") and chart.legend[-1] == (0, "4 others")
    assert column.parts[0].says == "2026-W48, R9: 9 of 45, 20.0%"


def test_weeks_stand_from_the_oldest_to_this_run() -> None:
    days = [at("2026-11-25") - timedelta(days=7 * n) for n in range(3)]
    weeks = tuple(WeekReasons(week_of(day), 1, {"R": 1}) for day in days)
    chart = reason_chart(Reasons(weeks, {"R": 2}))
    assert chart is not None
    assert [label.text for label in chart.labels] == [
        "2026-W46",
        "2026-W47",
        "2026-W48",
        "this run",
    ]


def test_without_decisions_there_is_no_chart() -> None:
    assert reason_chart(Reasons((_week("2026-11-25", {}),), {})) is None
    assert RANKED == 5  # shades of style.css.jinja
