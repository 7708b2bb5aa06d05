"""M18.1: a turn whose tokens come too late ends when the configuration says, and as many careful turns follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.given import Booted, configurations
from tools.guardrails.judges.guards.deadline import late_tokens, steady_machines, wrong_deadlines
from tools.guardrails.judges.guards.guarded import Guarded
from tools.guardrails.judges.guards.safe_mode import values_back, wrong_caps, wrong_spans
from tools.guardrails.judges.guards.turns import turn_of, whole
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, Judgement, checked
from tools.markers.parse import Record

Problem = tuple[str, str]


def judge(evidence: Evidence) -> Judgement:
    """Judges every boot that a scenario turned the guard on in, and that it does nothing in the others."""
    policy = evidence.policies["m18"]
    boots = [
        Guarded(Booted(capture, boot), config, policy)
        for capture in evidence.captures.values()
        for boot, config in zip(capture.boots, configurations(capture))
    ]
    on = [each for each in boots if each.is_on]
    off = [each for each in boots if not each.is_on]
    findings = (*_findings(on, policy), _off(off))
    return Judgement("m18_1", findings, {"trips": _trips(on)})


def _trips(boots: list[Guarded]) -> list[dict[str, object]]:
    return [
        {"place": each.boot.at(stop), **{name: str(value) for name, value in stop.fields.items()}}
        for each in boots
        for stop in each.stops
    ]


def _findings(boots: list[Guarded], policy: Policy) -> Iterator[Finding]:
    least, trips = policy.integer("least_trips"), sum(len(each.stops) for each in boots)
    for what, samples, check, fine in _QUESTIONS:
        lines = trips if samples is None else sum(len(each.boot.of(samples)) for each in boots)
        problems = [problem for each in boots for problem in check(each)]
        minimum = least if samples is None else 1
        yield checked(what, lines, problems, minimum=minimum, fine=f"{lines} times: {fine}")
    yield late_tokens(boots, policy)
    yield steady_machines(boots, policy)
    yield values_back(boots)


# ---- hard stops ----


def _wrong_stops(each: Guarded) -> Iterator[Problem]:
    for stop in each.stops:
        told, found, threshold = each.hard_stop, whole(stop, "overruns"), whole(stop, "threshold")
        if not found == threshold == told:
            says = f"expected a hard stop at {told} overruns, found one at {found} of {threshold}"
            yield each.boot.at(stop), says
        if whole(stop, "cycles") <= whole(stop, "deadline"):
            says = f"expected a token beyond {stop['deadline']} cycles, found {stop['cycles']}"
            yield each.boot.at(stop), says
    for turn in each.turns:
        if turn.overruns >= each.hard_stop and not turn.of("m181_hard_stop"):
            says = (
                f"expected a hard stop at {each.hard_stop} overruns, found {turn.overruns} and none"
            )
            yield each.boot.at(turn.end), says


def _wrong_ends(each: Guarded) -> Iterator[Problem]:
    for turn in each.turns:
        stops, is_guard = turn.of("m181_hard_stop"), turn.reason == "budget_guard"
        if len(stops) != is_guard:
            says = f"expected a hard stop behind budget_guard alone, found {len(stops)} behind {turn.reason}"
            yield each.boot.at(turn.end), says
        for stop in stops:
            yield from _differences(each, turn.end, stop)
    first = [stop for stop in each.stops if turn_of(stop, each.turns) < 0]
    yield from ((each.boot.at(stop), "expected a turn before a hard stop") for stop in first)


def _differences(each: Guarded, end: Record, stop: Record) -> Iterator[Problem]:
    for field in ("overruns", "step"):
        if end[field] != stop[field]:
            says = f"expected {field}={stop[field]} in the turn too, found {end[field]}"
            yield each.boot.at(end), says


def _wrong_resets(each: Guarded) -> Iterator[Problem]:
    for turn in each.turns:
        resets = bool(turn.of("m181_kv_reset"))
        if resets != (each.resets_conversation and bool(turn.of("m181_hard_stop"))):
            asked = "asked for" if each.resets_conversation else "not asked for"
            found = "found it" if resets else "found none"
            yield each.boot.at(turn.end), f"the conversation's reset is {asked}: {found}"


# ---- what the guard says of itself ----


def _wrong_status(each: Guarded) -> Iterator[Problem]:
    for watched in each.watched:
        active = watched.left_after
        for record in watched.turn.of("sentinel_reset", "m181_status"):
            active = 0 if record.id == "sentinel_reset" else active
            expected = (
                ("hard_stop", each.hard_stop),
                ("safe_turns", each.safe_turns),
                ("active", active),
                ("trips", watched.trips),
                ("deadline", each.deadline_before(record)),
            )
            for field, value in expected if record.id == "m181_status" else ():
                if record[field] != value:
                    yield each.boot.at(record), f"expected {field}={value}, found {record[field]}"


def _off(boots: list[Guarded]) -> Finding:
    off = [each for each in boots if each.turns]
    kinds = ("m181_hard_stop", "m181_safe_mode", "m181_safe_mode_off", "m181_kv_reset")
    problems = [
        (each.boot.at(record), f"expected nothing of a guard that is off, found {record.id}")
        for each in off
        for record in each.boot.of(*kinds)
    ]
    return checked("off_does_nothing", len(off), problems, fine=f"{len(off)} boots")


_QUESTIONS: tuple[tuple[str, str | None, Callable[[Guarded], Iterator[Problem]], str], ...] = (
    ("trips_when_told", None, _wrong_stops, "at the configured overrun, not before and not after"),
    ("tripped_turns_end", None, _wrong_ends, "the turn ended with budget_guard"),
    ("caps_apply", "m181_safe_mode", wrong_caps, "no value and no answer above the caps"),
    ("caps_last_as_told", "m181_safe_mode", wrong_spans, "for the configured number of turns"),
    ("deadline_is_fixed", "m181_deadline", wrong_deadlines, "once, before it was needed"),
    ("conversation_kept_as_told", None, _wrong_resets, "forgotten only where that is configured"),
    ("status_is_true", "m181_status", _wrong_status, "as the turns before say"),
)
"""Name, the marker whose lines are its samples (None: hard stops), check, and what is fine."""
