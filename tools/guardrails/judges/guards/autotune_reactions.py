"""What autotune must do: lower the knobs of a machine that became slow, and raise them when it is fast again.

Judged where a turn's own time leaves no doubt, for the firmware judges by cycles of single tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.guardrails.judges.guards.tuned import Tuned
from tools.guardrails.judges.guards.turns import Turn, turn_of, usual_ms, whole
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, checked


@dataclass(frozen=True)
class Scale:
    """A boot's turns beside what a token took while it was calibrated."""

    usual_ms: float
    slow_ms: float
    """Above it, tokens cost more than hi for certain."""
    fast_ms: float
    """Below it, they cost less than lo for certain."""
    turns: tuple[Turn, ...]
    """Behind the calibration, long enough to be judged."""


def _scale(each: Tuned, policy: Policy) -> Scale | None:
    """None where autotune is off or nothing was calibrated."""
    said = each.boot.of("m18_calibrated")
    if not each.is_on or not said:
        return None
    done = turn_of(said[0], each.turns)
    usual, clear = usual_ms(each.turns[: done + 1]), policy.integer("clear_milli") / 1000
    hi, lo, cost = (whole(said[0], field) for field in ("hi", "lo", "decode_cpt"))
    judged = [t for t in each.turns[done + 1 :] if t.tokens > policy.integer("least_tokens")]
    near = tuple(turn for turn in judged if turn.is_near(policy))
    return Scale(usual, usual * hi / cost * clear, usual * lo / cost / clear, near)


def reacts(boots: list[Tuned], policy: Policy) -> Finding:
    """The first turn that is slow for certain is followed by a step down at once: nothing stands against it."""
    slow = [(each, turn) for each in boots if (turn := _first_slow(each, policy)) is not None]
    problems = [
        (each.boot.at(turn.end), _unmoved("tighten", turn))
        for each, turn in slow
        if not any(move["action"] == "tighten" for move in turn.of("m18_autotune"))
    ]
    fine = f"{len(slow)} machines that became slow: a step down at once"
    return checked("tightens_when_slow", len(slow), problems, fine=fine)


def _unmoved(action: str, turn: Turn) -> str:
    return f"expected {action} after a turn of {turn.ms_a_token:.0f} ms a token, found none"


def _first_slow(each: Tuned, policy: Policy) -> Turn | None:
    scale = _scale(each, policy)
    slow = [turn for turn in scale.turns if turn.ms_a_token > scale.slow_ms] if scale else []
    return slow[0] if slow else None


def gives_back(boots: list[Tuned], policy: Policy) -> Finding:
    """Once tokens are cheap for certain, and the last step down was long enough ago, a step up follows at once."""
    fast = [(each, turn) for each in boots for turn in _fast_again(each, policy)]
    problems = [
        (each.boot.at(turn.end), _unmoved("relax", turn))
        for each, turn in fast
        if not turn.of("m18_autotune")
    ]
    fine = f"{len(fast)} times that a machine became fast again: a step up at once"
    return checked("gives_back_when_fast", len(fast), problems, fine=fine)


def _fast_again(each: Tuned, policy: Policy) -> Iterator[Turn]:
    """For each step down, the first turn at which the dwell is over, when it is fast and nothing moved before."""
    scale, dwell = _scale(each, policy), policy.integer("dwell_turns")
    judged = {turn.number: turn for turn in scale.turns} if scale else {}
    for move in each.moves if scale else ():
        first = turn_of(move, each.turns)
        waited = [judged.get(first + number) for number in range(1, dwell + 2)]
        last = waited[-1]
        if move["action"] != "tighten" or None in waited or last is None or scale is None:
            continue
        if last.ms_a_token < scale.fast_ms:
            yield last
