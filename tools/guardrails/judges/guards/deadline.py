"""The deadline of a token: where it comes from, and which tokens it must catch and which it must not."""

from __future__ import annotations

from collections.abc import Iterator

from tools.guardrails.judges.guards.guarded import Guarded
from tools.guardrails.judges.guards.turns import whole
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, checked
from tools.markers.parse import Record

Problem = tuple[str, str]

AUTOMATIC = "M181_DEADLINE_CALIBRATED"


def wrong_deadlines(each: Guarded) -> Iterator[Problem]:
    said, places = each.boot.of("m181_deadline"), each.boot.place
    for again in said[1:]:
        yield each.boot.at(again), "expected one deadline for the session, found another"
    if not said and (each.stops or any(turn.overruns for turn in each.turns)):
        yield places, "expected a deadline before an overrun, found none"
    for record in said[:1]:
        yield from ((each.boot.at(record), says) for says in _wrong_deadline(each, record))


def _wrong_deadline(each: Guarded, record: Record) -> Iterator[str]:
    factor, cycles = each.policy.integer("deadline_factor"), whole(record, "cycles")
    calibrated = [r for r in each.boot.of("m18_calibrated") if r.line < record.line]
    key = each.config.get("budget_decode", "auto")
    is_automatic = record["reason_id"] == AUTOMATIC
    if is_automatic != (key == "auto"):
        yield f"expected the deadline of budget_decode={key}, found {record['reason_id']}"
    elif is_automatic and not calibrated:
        yield "expected a calibration before the deadline, found none"
    elif is_automatic and cycles != factor * whole(calibrated[-1], "decode_cpt"):
        expected = factor * whole(calibrated[-1], "decode_cpt")
        yield f"expected {factor} calibrated costs, {expected} cycles, found {cycles}"
    elif not is_automatic and key not in (f"{record['time']:f}".split(".")[0] + "ms", str(cycles)):
        yield f"expected budget_decode={key}, found {cycles} cycles, {record['time']} ms"
    if any(stop.line < record.line or whole(stop, "deadline") < cycles for stop in each.stops):
        yield "expected hard stops by this deadline or a later token's, found one before it or by less"


def late_tokens(boots: list[Guarded], policy: Policy) -> Finding:
    """A turn whose mean token is late for certain has at least one that is."""
    clear = policy.integer("clear_milli") / 1000
    late = [
        (each, turn)
        for each in boots
        for turn in each.turns
        if each.deadline is not None and each.deadline.line < turn.end.line and turn.is_near(policy)
        if turn.ms_a_token > float(str(each.deadline["time"])) * clear
    ]
    problems = [
        (
            each.boot.at(turn.end),
            f"expected overruns at {turn.ms_a_token:.0f} ms a token, found none",
        )
        for each, turn in late
        if turn.overruns == 0
    ]
    return checked("late_tokens_are_counted", len(late), problems, fine=f"in {len(late)} turns")


def steady_machines(boots: list[Guarded], policy: Policy) -> Finding:
    """What was always slow is no fault: an automatic deadline grows with it."""
    steady = [
        (each, turn)
        for each in boots
        if each.deadline is not None and each.deadline["reason_id"] == AUTOMATIC
        if not each.is_held_up
        for turn in each.turns
        if turn.end.line > each.deadline.line
    ]
    problems = [
        (
            each.boot.at(turn.end),
            f"expected no overrun of a machine that did not change, found {turn.overruns}",
        )
        for each, turn in steady
        if turn.overruns or turn.of("m181_hard_stop")
    ]
    slow = sum(each.has_slow_clock for each, _ in steady)
    minimum = policy.integer("least_steady_turns")
    fine = f"{slow} turns of a machine with a slower clock, without an overrun"
    return checked("steadily_slow_never_trips", slow, problems, minimum=minimum, fine=fine)
