"""M18: autotune moves the knobs when tokens cost too much, by small steps, for a reason, and gives them back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.given import configurations
from tools.guardrails.judges.guards.autotune_reactions import gives_back, reacts
from tools.guardrails.judges.guards.autotune_steps import one_step, wrong_values_in_force
from tools.guardrails.judges.guards.tuned import Tuned
from tools.guardrails.judges.guards.turns import turn_of, whole
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, Judgement, checked
from tools.markers.parse import Record

Problem = tuple[str, str]

REASONS = {
    "tighten": ("M18_TIGHTEN_SLOW",),
    "relax": ("M18_RELAX_FAST",),
    "restore": ("M18_NO_GAIN", "M18_HOLD_DISABLED"),
}
"""Of each action that moves knobs. `hold` is never said in a line of its own."""


def judge(evidence: Evidence) -> Judgement:
    """Judges every boot that a scenario turned autotune on in, and that none of the others moves a knob."""
    policy = evidence.policies["m18"]
    boots = [
        Tuned(boot, config)
        for capture in evidence.captures.values()
        for boot, config in zip(capture.boots, configurations(capture))
    ]
    return Judgement("m18", tuple(_findings(boots, policy)), {"moves": _moves(boots)})


def _moves(boots: Iterable[Tuned]) -> list[dict[str, str]]:
    return [
        {"place": each.boot.at(move), "action": str(move["action"]), "why": str(move["reason_id"])}
        for each in boots
        for move in each.moves
    ]


def _findings(boots: list[Tuned], policy: Policy) -> Iterator[Finding]:
    minimum = policy.integer("least_moves")
    moves = sum(len(each.moves) for each in boots)
    yield _calibrated(boots, policy)
    for what, check, fine in (
        ("reasons_fit_actions", _wrong_reasons, "each action has one of its reasons"),
        ("moves_beyond_thresholds", _within_thresholds, "down above hi only, up below lo only"),
        ("moves_keep_their_distance", _too_soon, "none before the effect of the last was measured"),
        ("useless_moves_end", _useless_moves, "no tightening goes on that gains nothing"),
    ):
        problems = [problem for each in boots for problem in check(each, policy)]
        yield checked(what, moves, problems, minimum=minimum, fine=f"{moves} moves: {fine}")
    yield one_step(boots, policy)
    yield _in_force(boots, policy)
    yield reacts(boots, policy)
    yield gives_back(boots, policy)
    yield _off(boots)


def _thousandths_of(value: int, count: int) -> int:
    return value * count // 1000


def _calibrated(boots: list[Tuned], policy: Policy) -> Finding:
    lines = [(each, r) for each in boots for r in each.boot.of("m18_calibrated")]
    problems = [
        (each.boot.at(record), says)
        for each, record in lines
        for says in _wrong_calibration(each, record, policy)
    ]
    return checked(
        "calibrated_from_enough", len(lines), problems, fine="thresholds follow what tokens cost"
    )


def _wrong_calibration(each: Tuned, record: Record, policy: Policy) -> Iterator[str]:
    for field in ("turns", "tokens"):
        enough, found = policy.integer(f"calibration_{field}"), whole(record, field)
        if found < enough:
            yield f"expected a calibration from {enough} {field} or more, found {found}"
    if {"autotune_decode_cpt_hi", "autotune_decode_cpt_lo"} & each.config.keys():
        return
    for field in ("hi", "lo"):
        share = policy.integer(f"decode_cpt_{field}_milli")
        expected = _thousandths_of(whole(record, "decode_cpt"), share)
        if whole(record, field) != expected:
            yield f"expected {field}={expected}, {share} thousandths of decode_cpt, found {record[field]}"


def _wrong_reasons(each: Tuned, _: Policy) -> Iterator[Problem]:
    for move in each.moves:
        fitting = REASONS.get(str(move["action"]), ())
        if move["reason_id"] not in fitting:
            expected = " or ".join(fitting) or "no such line"
            yield each.boot.at(
                move
            ), f"{move['action']}: expected {expected}, found {move['reason_id']}"


def _within_thresholds(each: Tuned, _: Policy) -> Iterator[Problem]:
    for move in each.moves:
        known = each.calibration(move)
        if move["reason_id"] == "M18_HOLD_DISABLED":
            continue
        if known is None:
            yield each.boot.at(
                move
            ), f"{move['action']}: expected a calibration before it, found none"
        elif says := _wrong_side(move, whole(known, "hi"), whole(known, "lo")):
            yield each.boot.at(move), says


def _wrong_side(move: Record, hi: int, lo: int) -> str | None:
    cost, action = whole(move, "decode_cpt"), str(move["action"])
    if action == "relax":
        return None if cost < lo else f"relax: expected decode_cpt below {lo}, found {cost}"
    return None if cost > hi else f"{action}: expected decode_cpt above {hi}, found {cost}"


def _too_soon(each: Tuned, policy: Policy) -> Iterator[Problem]:
    dwell = policy.integer("dwell_turns")
    for before, move in zip(each.moves, each.moves[1:]):
        first, second = turn_of(before, each.turns), turn_of(move, each.turns)
        between = max(0, second - first - 1)
        if between < dwell and not _starts_anew(each, before, move):
            yield each.boot.at(
                move
            ), f"{move['action']}: expected {dwell} turns between it and the move before, found {between}"


def _starts_anew(each: Tuned, before: Record, move: Record) -> bool:
    resets = each.boot.of("sentinel_reset")
    return (
        before["action"] == "restore"
        or move["reason_id"] == "M18_HOLD_DISABLED"
        or any(before.line < reset.line < move.line for reset in resets)
    )


def _useless_moves(each: Tuned, policy: Policy) -> Iterator[Problem]:
    """After a trial of moves the next needs the gain of those, and begins a trial of its own."""
    trial, gain = policy.integer("trial_moves"), policy.integer("least_gain_milli")
    moves = cost_before = 0
    for move in each.moves:
        cost = whole(move, "decode_cpt")
        if move["action"] != "tighten":
            moves = 0
            continue
        if moves == trial and (cost_before - cost) * 1000 < cost_before * gain:
            yield each.boot.at(move), (
                f"tighten: expected none after {trial} that did not make tokens cheaper by {gain} thousandths: "
                f"{cost_before} cycles before, {cost} after"
            )
        if moves in (0, trial):
            moves, cost_before = 0, cost
        moves += 1


def _in_force(boots: list[Tuned], policy: Policy) -> Finding:
    tuned = [each for each in boots if each.is_on]
    lines = sum(len(each.boot.of("knob")) for each in tuned)
    problems = [problem for each in tuned for problem in wrong_values_in_force(each.boot, policy)]
    fine = f"{lines} values, none above the operator's, none below the minimum"
    return checked("knobs_within_bounds", lines, problems, fine=fine)


def _off(boots: list[Tuned]) -> Finding:
    off = [each for each in boots if not each.is_on and each.turns]
    problems = [
        (each.boot.at(move), f"expected no move with autotune off, found {move['action']}")
        for each in off
        for move in each.moves
    ]
    return checked("off_moves_nothing", len(off), problems, fine=f"{len(off)} boots")
