"""The safe mode after a hard stop: how long it lasts, what it caps, and what is in force once it is over."""

from __future__ import annotations

from collections.abc import Iterator

from tools.guardrails.judges.guards.guarded import Guarded, Watched
from tools.guardrails.judges.guards.knobs import (
    Knobs,
    in_line,
    least,
    operators,
    shown,
    thousandths,
)
from tools.guardrails.verdict import Finding, checked
from tools.markers.parse import Record

Problem = tuple[str, str]


def wrong_spans(each: Guarded) -> Iterator[Problem]:
    """Safe modes that begin or end at another turn than the configuration says."""
    for watched in each.watched:
        said = [record.id for record in watched.turn.of("m181_safe_mode", "m181_safe_mode_off")]
        expected = _expected(watched)
        if said != expected:
            yield each.boot.at(watched.turn.end), (
                f"expected {' and '.join(expected) or 'no change of the safe mode'} behind this turn, "
                f"found {' and '.join(said) or 'none'}"
            )
        for on in watched.turn.of("m181_safe_mode"):
            if on["turns_left"] != each.safe_turns:
                yield each.boot.at(
                    on
                ), f"expected turns_left={each.safe_turns}, found {on['turns_left']}"


def _expected(watched: Watched) -> list[str]:
    if watched.is_stopped and watched.left_after:
        return ["m181_safe_mode"]
    return ["m181_safe_mode_off"] if watched.left_before and not watched.left_after else []


def wrong_caps(each: Guarded) -> Iterator[Problem]:
    """Values and answers of a safe mode that are above its caps."""
    below = operators(each.boot)
    for on in each.boot.of("m181_safe_mode"):
        found = in_line(on)
        if found != least(found, each.caps):
            yield each.boot.at(on), f"expected at most {shown(each.caps)}, found {shown(found)}"
        elif below is not None and not each.has_autotune and found != least(below, each.caps):
            yield each.boot.at(
                on
            ), f"expected {shown(least(below, each.caps))}, found {shown(found)}"
    for watched in each.watched:
        if watched.left_before:
            yield from _too_long(each, watched)
        if watched.left_after:
            yield from _uncapped(each, watched)


def _too_long(each: Guarded, watched: Watched) -> Iterator[Problem]:
    most = each.caps["max_tokens"] // 1000
    if watched.turn.tokens > most:
        says = f"expected at most {most} tokens in a safe mode, found {watched.turn.tokens}"
        yield each.boot.at(watched.turn.end), says


def _uncapped(each: Guarded, watched: Watched) -> Iterator[Problem]:
    """Values as /guard_status shows them, until a reset ends the safe mode."""
    for record in watched.turn.of("knob", "sentinel_reset"):
        if record.id == "sentinel_reset":
            return
        knob = str(record["knob"])
        if thousandths(knob, record["value"]) > each.caps[knob]:
            says = f"{knob}: expected at most {each.caps[knob] / 1000:g}, found {record['value']}"
            yield each.boot.at(record), says


def values_back(boots: list[Guarded]) -> Finding:
    """Safe modes of which the log does not say what is below them give no samples."""
    known = [
        (each, off, expected)
        for each in boots
        for off in each.boot.of("m181_safe_mode_off")
        if (expected := _below_safety(each, off)) is not None
    ]
    problems = [
        (each.boot.at(off), f"expected {shown(expected)} again, found {shown(in_line(off))}")
        for each, off, expected in known
        if in_line(off) != expected
    ]
    problems += [problem for each in boots for problem in _still_capped(each)]
    fine = f"{len(known)} times, as they were before"
    return checked("operators_values_come_back", len(known), problems, fine=fine)


def _below_safety(each: Guarded, off: Record) -> Knobs | None:
    """What is in force without the safe mode; None where the log does not say: moves within it show its caps."""
    moves = [move for move in each.boot.of("m18_autotune") if move.line < off.line]
    if not moves:
        return operators(each.boot)
    on = [record for record in each.boot.of("m181_safe_mode") if record.line < off.line]
    return in_line(moves[-1]) if on and moves[-1].line < on[-1].line else None


def _still_capped(each: Guarded) -> Iterator[Problem]:
    for watched in each.watched:
        for record in () if watched.left_after else watched.turn.of("knob"):
            if record["owner"] == "safety":
                says = f"{record['knob']}: expected no safe mode any more, found its cap"
                yield each.boot.at(record), says
