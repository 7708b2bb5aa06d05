"""What autotune's moves must give, replayed beside what they gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.guardrails.captures import Boot
from tools.guardrails.judges.guards.knobs import (
    KNOBS,
    OFF,
    Knobs,
    in_line,
    least,
    minima,
    operators,
    safe_caps,
    shown,
    steps,
    thousandths,
)
from tools.guardrails.judges.guards.tuned import Tuned
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, checked
from tools.markers.parse import Record

Problem = tuple[str, str]


def tightened(now: Knobs, minimum: Knobs, step: Knobs) -> Knobs:
    """A step down. A knob at or below its minimum stays; so does a top_k that is off, from which no step leads down."""

    def down(knob: str) -> int:
        is_fixed = now[knob] == OFF or now[knob] <= minimum[knob]
        return now[knob] if is_fixed else max(minimum[knob], now[knob] - step[knob])

    return _each(down)


def relaxed(now: Knobs, operator: Knobs, step: Knobs) -> Knobs:
    """A step up, never above the operator's value."""
    return _each(lambda knob: min(operator[knob], now[knob] + step[knob]))


def _each(value: Callable[[str], int]) -> Knobs:
    return {knob: value(knob) for knob in KNOBS}


def one_step(boots: list[Tuned], policy: Policy) -> Finding:
    """Boots that do not show the operator's values give no samples."""
    known = [(each, operator) for each in boots if (operator := operators(each.boot)) is not None]
    moves = sum(len(each.moves) for each, _ in known)
    problems = [found for each, operator in known for found in _wrong_steps(each, policy, operator)]
    minimum = policy.integer("least_moves")
    fine = f"{moves} moves, each as far as its step and within its bounds"
    return checked("moves_are_one_step", moves, problems, minimum=minimum, fine=fine)


def _wrong_steps(tuned: Tuned, policy: Policy, operator: Knobs) -> Iterator[Problem]:
    for move, expected in _replayed(tuned, policy, operator):
        if (found := in_line(move)) != expected:
            yield tuned.boot.at(
                move
            ), f"{move['action']}: expected {shown(expected)}, found {shown(found)}"


def _replayed(tuned: Tuned, policy: Policy, operator: Knobs) -> Iterator[tuple[Record, Knobs]]:
    """Each move with the values that are in force after it: autotune's, and under a safe mode its caps too."""
    minimum, step = minima(policy), steps(tuned.config, policy)
    caps = safe_caps(tuned.config, policy)
    now, is_safe = operator, False
    kinds = ("m18_autotune", "m181_safe_mode", "m181_safe_mode_off", "sentinel_reset")
    for record in tuned.boot.of(*kinds):
        if record.id == "m18_autotune":
            now = _moved(str(record["action"]), now, operator, minimum, step)
            yield record, least(now, caps) if is_safe else now
        elif record.id == "sentinel_reset":
            now, is_safe = operator, False
        else:
            is_safe = record.id == "m181_safe_mode"


def _moved(action: str, now: Knobs, operator: Knobs, minimum: Knobs, step: Knobs) -> Knobs:
    if action == "tighten":
        return tightened(now, minimum, step)
    return relaxed(now, operator, step) if action == "relax" else operator


def wrong_values_in_force(boot: Boot, policy: Policy) -> Iterator[Problem]:
    """Values of /autotune_status and /guard_status that no layer may give."""
    minimum = minima(policy)
    for record in boot.of("knob"):
        knob, owner = str(record["knob"]), str(record["owner"])
        value, operator = (thousandths(knob, record[field]) for field in ("value", "operator"))
        if value > operator or (owner == "operator" and value != operator):
            yield boot.at(
                record
            ), f"{knob} of {owner}: expected the operator's {record['operator']}, found {record['value']}"
        elif owner == "autotune" and value < minimum[knob]:
            yield boot.at(
                record
            ), f"{knob} of autotune: expected at least {minimum[knob] / 1000:g}, found {record['value']}"
