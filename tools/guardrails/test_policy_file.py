"""policy.cfg as firmware/repl/policy.c reads it: each key one owner, in the fixed order of power, and a checksum."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails.policy_file import Owner, policy_file, seal, settings, threshold_in_force
from tools.oo.crc32c import crc32c

LEARNT: dict[str, Any] = {"effective_threshold": 58, "gate": True}
CANARY: dict[str, Any] = {"mode": "CANARY", "canary_conf_threshold": 70}
STOPPED: dict[str, Any] = {"mode": "QUARANTINED", "canary_conf_threshold": 0}
NORMAL: dict[str, Any] = {"mode": "NORMAL", "canary_conf_threshold": 0}

STATES = st.fixed_dictionaries(
    {},
    optional={
        "m10": st.fixed_dictionaries({"quarantine_needed": st.booleans()}),
        "m11": st.fixed_dictionaries(
            {
                "mode": st.sampled_from(("NORMAL", "QUARANTINED", "CANARY", "HELD")),
                "canary_conf_threshold": st.integers(0, 100),
            }
        ),
        "m12": st.one_of(
            st.just({}),
            st.fixed_dictionaries(
                {"effective_threshold": st.integers(0, 100), "gate": st.booleans()}
            ),
        ),
    },
)


def _asked(states: dict[str, dict[str, Any]]) -> dict[str, tuple[str, int]]:
    return {key: (str(each.owner), each.value) for key, each in settings(states).items()}


def test_the_bytes_are_those_that_the_firmware_takes() -> None:
    """As policy_test.c seals them; this very file was accepted by dist/firmware/llm_host."""
    assert policy_file({"m11": STOPPED, "m12": LEARNT}) == (
        b"# Written by the guardrails m10, m11 and m12.\n"
        b"quarantine.oo_auto_apply=0\n"
        b"quarantine.oo_conf_gate=1\n"
        b"curriculum.oo_conf_threshold=58\n"
        b"crc32c=d265bea8\n"
    )


def test_the_checksum_is_castagnolis() -> None:
    assert seal("canary.oo_auto_apply=2\n").endswith(
        b"\ncrc32c=%08x\n" % crc32c(b"canary.oo_auto_apply=2\n")
    )
    assert crc32c(b"123456789") == 0xE3069283
    assert seal("") == b"crc32c=00000000\n"


def test_a_normal_guest_without_lessons_is_the_operators() -> None:
    assert _asked({"m10": {"quarantine_needed": False}, "m11": NORMAL, "m12": {}}) == {}
    assert policy_file({}).decode().count("\n") == 2


def test_the_curriculum_speaks_where_nobody_more_powerful_does() -> None:
    assert _asked({"m11": NORMAL, "m12": LEARNT}) == {
        "oo_conf_gate": ("curriculum", 1),
        "oo_conf_threshold": ("curriculum", 58),
    }
    assert _asked({"m12": {**LEARNT, "gate": False}}) == {"oo_conf_threshold": ("curriculum", 58)}


@pytest.mark.parametrize(("learnt", "threshold"), [(58, 70), (70, 70), (78, 78)])
def test_a_canary_overrules_the_curriculum_and_is_never_freer(learnt: int, threshold: int) -> None:
    states = {"m11": CANARY, "m12": {**LEARNT, "effective_threshold": learnt}}
    assert _asked(states) == {
        "oo_auto_apply": ("canary", 1),
        "oo_conf_gate": ("canary", 1),
        "oo_conf_threshold": ("canary", threshold),
    }


@pytest.mark.parametrize(
    "states",
    [
        {"m11": STOPPED},
        {"m11": {**STOPPED, "mode": "HELD"}},
        {"m10": {"quarantine_needed": True}},
        {"m10": {"quarantine_needed": True}, "m11": CANARY},
    ],
)
def test_a_quarantine_overrules_all(states: dict[str, dict[str, Any]]) -> None:
    asked = _asked({**states, "m12": LEARNT})
    assert asked["oo_auto_apply"] == ("quarantine", 0)
    assert asked["oo_conf_gate"] == ("quarantine", 1)


def test_simulated_actions_meet_the_threshold_that_was_learnt() -> None:
    assert threshold_in_force({"m11": STOPPED, "m12": LEARNT}) == 58
    assert threshold_in_force({"m11": CANARY, "m12": LEARNT}) == 70
    assert threshold_in_force({"m12": {**LEARNT, "gate": False}}) is None
    assert threshold_in_force({"m11": STOPPED}) is None
    assert threshold_in_force({}) is None


@given(STATES)
def test_any_state_makes_a_file_that_the_firmware_takes(states: dict[str, dict[str, Any]]) -> None:
    content = policy_file(states)
    body, _, checksum = content.rstrip(b"\n").rpartition(b"\n")
    assert checksum == b"crc32c=%08x" % crc32c(body + b"\n")
    lines = body.decode("ascii").split("\n")[1:]
    keys = []
    for line in lines:
        match = re.fullmatch(
            r"(curriculum|canary|quarantine)\.(oo_auto_apply|oo_conf_gate|oo_conf_threshold)=(\d+)",
            line,
        )
        assert match, line
        keys.append(match[2])
        assert int(match[3]) <= {"oo_auto_apply": 2, "oo_conf_gate": 1}.get(match[2], 100)
    assert len(set(keys)) == len(keys)
    assert policy_file(states) == content


@given(STATES)
def test_less_powerful_owners_never_free_what_a_quarantine_binds(
    states: dict[str, dict[str, Any]],
) -> None:
    bound = {**states, "m10": {"quarantine_needed": True}}
    assert _asked(bound)["oo_auto_apply"] == ("quarantine", 0)


def test_owners_stand_in_the_firmwares_order() -> None:
    assert list(Owner) == ["curriculum", "canary", "quarantine"]
