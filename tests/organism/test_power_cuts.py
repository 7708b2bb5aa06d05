"""Boots of one volume whose power fails (firmware/scenarios/power_cuts.toml), judged after each; the last is whole.

A sample: the soak of docs/power-cuts.md makes hundreds.
"""

from __future__ import annotations

import pytest

from tests.captures import Boot, boots
from tests.organism.judge import SCENARIO, judge_chain
from tools.boot.scenario import load

BOOTS = boots("power_cuts")
CUT = BOOTS[:-1]


def _volume(boot: Boot, path: str) -> bytes | None:
    return boot.file(path) if path in boot.row["files"] else None


def test_power_fails_in_every_boot_but_the_last() -> None:
    assert [boot.row["outcome"] for boot in BOOTS] == ["power_cut"] * 7 + ["debug_exit"]
    assert BOOTS[-1].row["exit_code"] == 0
    assert BOOTS[-1].markers.of("power")


def test_the_cuts_take_something_that_was_being_written() -> None:
    at_stake = [boot.row["disk"]["sectors_at_stake"] for boot in CUT]
    assert all(sectors > 0 for sectors in at_stake), at_stake
    lost = [boot.row["disk"]["sectors_lost"] for boot in CUT]
    assert sum(sectors > 0 for sectors in lost) >= 4, lost


@pytest.mark.parametrize("place", range(1, len(BOOTS) + 1))
def test_what_was_said_to_be_kept_is_there_after_boot(place: int) -> None:
    boot = BOOTS[place - 1]
    assert boot.row["volume_problem"] is None
    logs = [each.serial for each in BOOTS[:place]]
    assert judge_chain(load(SCENARIO), lambda path: _volume(boot, path), logs) == []
