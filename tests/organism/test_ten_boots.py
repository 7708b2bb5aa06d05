"""Ten real boots of one volume (firmware/scenarios/organism.toml)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from tests.captures import MARKERS, Boot, boots
from tools.markers.parse import LineParser, Record
from tools.oo.slots import newest

BOOTS = boots("organism")
ALL = range(1, 11)


def boot(number: int) -> Boot:
    return BOOTS[number - 1]


def fields(records: Iterable[Record], *names: str) -> list[tuple[object, ...]]:
    return [tuple(record[name] for name in names) for record in records]


def outcomes(number: int) -> list[tuple[object, ...]]:
    return fields(boot(number).markers.of("oo_outcome"), "action", "label", "improved", "reason_id")


def test_every_boot_leaves_in_good_order() -> None:
    assert [(b.row["outcome"], b.row["exit_code"]) for b in BOOTS] == [("debug_exit", 0)] * 10
    for number in ALL:
        assert not boot(number).markers.problems


def test_modes_are_lifted_by_two_healthy_boots_and_lowered_by_one_that_is_not() -> None:
    rows = [b.only("oo_boot") for b in BOOTS]
    assert fields(rows, "boot_count", "mode", "previous", "reason_id") == [
        (1, "SAFE", "none", "OO_MODE_INIT"),
        (2, "SAFE", "healthy", "OO_MODE_HEALTHY_ONCE"),
        (3, "DEGRADED", "healthy", "OO_MODE_LIFTED"),
        (4, "DEGRADED", "healthy", "OO_MODE_HEALTHY_ONCE"),
        (5, "NORMAL", "healthy", "OO_MODE_LIFTED"),
        (6, "NORMAL", "healthy", "OO_MODE_AT_TOP"),
        (7, "DEGRADED", "unhealthy", "OO_MODE_LOWERED"),
        (8, "DEGRADED", "healthy", "OO_MODE_HEALTHY_ONCE"),
        (9, "NORMAL", "healthy", "OO_MODE_LIFTED"),
        (10, "NORMAL", "healthy", "OO_MODE_AT_TOP"),
    ]


def test_each_boot_runs_with_what_was_applied_before_and_not_undone() -> None:
    contexts = [int(b.text("model_loaded", "context")) for b in BOOTS]
    assert contexts == [256, 128, 128, 128, 128, 256, 128, 128, 128, 256]


def test_reductions_and_an_increase_are_applied_and_verified() -> None:
    applied = {n: fields(boot(n).markers.of("oo_applied"), "action", "old", "new") for n in ALL}
    assert {n: rows for n, rows in applied.items() if rows} == {
        1: [("reduce_ctx", 256, 128), ("reduce_seq", 256, 128)],
        5: [("increase_ctx", 128, 256)],
        9: [("increase_ctx", 128, 256)],
    }
    assert not any(b.markers.of("oo_apply_failed") for b in BOOTS)
    for number in (1, 5, 9):
        (checkpoint,) = boot(number).markers.of("oo_checkpoint")
        assert checkpoint.seq < boot(number).markers.of("oo_applied")[0].seq


def test_a_change_stays_when_its_boot_answers_and_goes_when_it_fails() -> None:
    confirmed = {n: fields(boot(n).markers.of("oo_trial"), "key", "value") for n in ALL}
    assert {n: rows for n, rows in confirmed.items() if rows} == {
        2: [("ctx_len", 128), ("seq_len", 128)],
        10: [("ctx_len", 256)],
    }
    undone = {n: fields(boot(n).markers.of("oo_rollback"), "key", "from", "to") for n in ALL}
    assert {n: rows for n, rows in undone.items() if rows} == {7: [("ctx_len", 256, 128)]}


def test_outcomes_are_what_was_measured() -> None:
    assert {n: outcomes(n) for n in ALL if outcomes(n)} == {
        2: [
            ("reduce_ctx", "helpful", 1, "OO_OUTCOME_BETTER"),
            ("reduce_seq", "neutral", 0, "OO_OUTCOME_SAME"),
        ],
        7: [("increase_ctx", "harmful", -1, "OO_OUTCOME_UNHEALTHY")],
        10: [("increase_ctx", "helpful", 1, "OO_OUTCOME_BETTER")],
    }


def test_the_memory_that_a_smaller_context_frees_is_that_of_its_cache() -> None:
    """30 layers, 3 heads, keys and values of 64 float32: 46,080 bytes a token; pages are of 4 KiB, chunks of 1 MiB."""
    (row, _) = boot(2).markers.of("oo_outcome")
    freed = int(str(row["after"])) - int(str(row["before"]))
    assert freed == pytest.approx(128 * 46080 / 1024, abs=1024)


def test_overflows_are_counted_a_thousand_turns() -> None:
    cleared = [len(b.markers.of("chat_cleared")) for b in BOOTS]
    assert cleared == [0, 0, 0, 0, 1, 0, 0, 0, 1, 0]
    (row,) = boot(10).markers.of("oo_outcome")
    assert (row["before"], row["after"]) == (500, 0)  # one of two turns; none of two


def test_a_harmful_outcome_lowers_the_confidence_in_such_an_action() -> None:
    before, after = boot(5).only("oo_confidence"), boot(9).only("oo_confidence")
    assert (before["feedback"], after["feedback"]) == (0, -4)
    assert int(str(after["score"])) == int(str(before["score"])) - 4


def test_the_score_is_the_sum_of_its_parts() -> None:
    parts = ("base", "mode", "ram", "ctx", "seq", "advice", "strength", "feedback")
    for number in (1, 5, 9):
        row = boot(number).only("oo_confidence")
        assert row["score"] == sum(int(str(row[part])) for part in parts)


# ---- log and journal ----

_TAIL = re.compile(r"( event=(\d+))? level=\w+ seq=\d+ t_us=\d+$")


def shown(log: str) -> dict[int, str]:
    """What the consoles of all boots showed with an event number that `log` keeps: number -> "boot=N TEXT"."""
    kept: dict[int, str] = {}
    parser = LineParser.of(MARKERS)
    logs = {marker.id: marker.logs for marker in MARKERS.marker}
    for number in ALL:
        for at, line in enumerate(boot(number).serial.split("\n")):
            record = parser.parse(at, line)
            if isinstance(record, Record) and record.event and log in logs[record.id]:
                assert record.event not in kept
                kept[record.event] = f"boot={number} {_TAIL.sub('', line)}"
    return kept


@pytest.mark.parametrize("name", ["journal", "consult", "outcome"])
def test_console_and_volume_agree_event_by_event(name: str) -> None:
    kept = boot(10).log(name)
    assert kept.torn == ()
    assert {line.number: line.text for line in kept.lines} == shown(name)
    assert kept.lines


def test_every_decision_has_one_reason_and_every_event_its_own_number() -> None:
    lines = boot(10).log("journal").lines
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    reasons = {word.name for word in MARKERS.words["reason_id"].values}
    for line in lines:
        found = re.findall(r"reason_id=(\w+)", line.text)
        assert len(found) == 1 and found[0] in reasons, line


def test_an_older_journal_is_the_beginning_of_a_newer_one() -> None:
    for number in range(1, 10):
        before, after = boot(number).log("journal").lines, boot(number + 1).log("journal").lines
        assert after[: len(before)] == before and len(after) > len(before)


def test_the_state_on_the_volume_is_that_of_the_last_boot() -> None:
    slot = newest(boot(10).file("OOSTATE.BIN"), boot(10).file("OORECOV.BIN"))
    state = dict(line.split("=", 1) for line in slot.payload.decode().splitlines())
    expected = {
        "boot_count": "10",
        "mode": "NORMAL",
        "stage": "healthy",
        "trial_boot": "0",
        "confirmed.ctx_len": "256",
        "confirmed.seq_len": "128",
        "operator.ctx_len": "256",
    }
    assert {key: state[key] for key in expected} == expected
