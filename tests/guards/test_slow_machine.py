"""M18.1 and M18 in boots of a machine that becomes slow (slow_machine), or always was (slower_clock)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.captures import Boot, boots
from tools.markers.parse import Record

ALONE, BESIDE_AUTOTUNE = boots("slow_machine")
STEADY, USUAL, SLOWER = boots("slower_clock")
HARD_STOP, SAFE_TURNS = 4, 2
KNOBS = ("temp", "top_p", "top_k", "max_tokens")
OPERATOR = {"temp": Decimal("0.9"), "top_p": Decimal("0.95"), "top_k": 60, "max_tokens": 10}
CAPS = {"temp": Decimal("0.7"), "top_p": Decimal("0.88"), "top_k": 40, "max_tokens": 5}

slow_machine = pytest.mark.parametrize("boot", [ALONE, BESIDE_AUTOTUNE], ids=["alone", "autotune"])


def knobs_behind(boot: Boot, seq: int) -> dict[str, Record]:
    """The first report of all four knobs behind a line."""
    rows = [record for record in boot.markers.of("knob") if record.seq > seq][: len(KNOBS)]
    return {str(row["knob"]): row for row in rows}


@slow_machine
def test_a_turn_ends_at_the_overrun_that_is_one_too_many(boot: Boot) -> None:
    (stop,) = boot.markers.of("m181_hard_stop")
    assert stop["overruns"] == stop["threshold"] == HARD_STOP
    assert int(str(stop["cycles"])) > int(str(stop["deadline"]))
    turns = boot.markers.of("gen_end")
    assert [turn["reason"] == "budget_guard" for turn in turns] == [False, False, True] + [
        False
    ] * 3
    assert [turn["overruns"] for turn in turns] == [0, 0, HARD_STOP, 0, 0, 0]


@slow_machine
def test_the_deadline_is_fixed_before_and_does_not_follow_the_fault(boot: Boot) -> None:
    (deadline,) = boot.markers.of("m181_deadline")
    assert deadline["reason_id"] == "M181_DEADLINE_CALIBRATED"
    (calibrated,) = boot.markers.of("m18_calibrated")
    assert deadline["cycles"] == 4 * int(str(calibrated["decode_cpt"]))
    assert {row["deadline"] for row in boot.markers.of("m181_status")} == {deadline["cycles"]}


@slow_machine
def test_caps_hold_for_the_turns_of_the_safe_mode(boot: Boot) -> None:
    (on,) = boot.markers.of("m181_safe_mode")
    assert {knob: on[knob] for knob in KNOBS} == CAPS
    assert on["turns_left"] == SAFE_TURNS
    assert all(row["owner"] == "safety" for row in knobs_behind(boot, on.seq).values())
    tokens = [turn["tokens"] for turn in boot.markers.of("gen_end") if turn.seq > on.seq]
    assert tokens == [CAPS["max_tokens"]] * SAFE_TURNS + [OPERATOR["max_tokens"]]


def test_after_as_many_clean_turns_the_operators_values_are_back() -> None:
    (off,) = ALONE.markers.of("m181_safe_mode_off")
    assert {knob: off[knob] for knob in KNOBS} == OPERATOR
    turns = [turn for turn in ALONE.markers.of("gen_end") if turn.seq < off.seq]
    assert len(turns) == 3 + SAFE_TURNS
    for row in knobs_behind(ALONE, off.seq).values():
        assert row["owner"] == "operator" and row["value"] == row["operator"]


def test_autotune_lowers_while_tokens_cost_too_much_and_gives_everything_back() -> None:
    moves = BESIDE_AUTOTUNE.markers.of("m18_autotune")
    assert [(move["action"], move["reason_id"]) for move in moves] == [
        ("tighten", "M18_TIGHTEN_SLOW"),
        ("relax", "M18_RELAX_FAST"),
    ]
    tighten, relax = moves
    assert int(str(tighten["top_k"])) < 60 and {k: relax[k] for k in KNOBS} == OPERATOR
    # The safe mode ended between them: what autotune holds then is in force, not what the operator has.
    (off,) = BESIDE_AUTOTUNE.markers.of("m181_safe_mode_off")
    assert {knob: off[knob] for knob in KNOBS} == {knob: tighten[knob] for knob in KNOBS}
    last = knobs_behind(BESIDE_AUTOTUNE, relax.seq)
    assert all(row["owner"] == "operator" for row in last.values())


@slow_machine
def test_trips_are_in_the_journal(boot: Boot) -> None:
    texts = [line.text for line in boot.log("journal").lines]
    for record in (*boot.markers.of("m181_hard_stop"), *boot.markers.of("m181_safe_mode_off")):
        assert record.event is not None
        assert any(f"reason_id={record['reason_id']}" in text for text in texts)


def test_a_machine_that_was_always_slow_trips_nothing() -> None:
    (calibrated,), (usual,) = STEADY.markers.of("m181_deadline"), ALONE.markers.of("m181_deadline")
    assert int(str(calibrated["cycles"])) > 3.5 * int(str(usual["cycles"]))
    turns = STEADY.markers.of("gen_end")
    assert len(turns) == 3 and all(turn["overruns"] == 0 for turn in turns)
    assert not STEADY.markers.of("m181_hard_stop")


def test_a_deadline_that_was_set_holds_on_any_machine() -> None:
    for boot in (USUAL, SLOWER):
        assert boot.only("m181_deadline")["reason_id"] == "M181_DEADLINE_KEY"
        assert boot.only("m181_deadline")["time"] == Decimal("6000.000")
    assert not USUAL.markers.of("m181_hard_stop")
    assert USUAL.text("gen_end", "reason") == "max_tokens"
    assert SLOWER.only("m181_hard_stop")["overruns"] == 3
    assert SLOWER.text("gen_end", "reason") == "budget_guard"
