"""What each boot of a scenario gets, of what the scenario says and of what its own row says."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from tools.boot.plan import Plan, plans
from tools.boot.scenario import Boot, ExtraFile, Fault, PowerCut, Scenario, Typed


def _plans(rows: list[Boot], **scenario: Any) -> list[Plan]:
    made = Scenario(description="x", boot=tuple(rows), **scenario)
    return list(islice(plans(made), len(rows)))


def test_equal_boots_are_given_the_same_and_touch_the_volume_once() -> None:
    scenario = Scenario(description="x", boots=3, config=("a=1",), memory_mib=256)
    first, second, third = islice(plans(scenario), 3)
    assert first.changes == (scenario,)
    assert second.changes == third.changes == ()
    assert {plan.settings for plan in (first, second, third)} == {first.settings}
    assert first.settings.memory_mib == 256


def test_a_boot_inherits_what_its_row_does_not_say() -> None:
    typed = (Typed(after="a", text="b"),)
    plain, special = _plans(
        [
            Boot(),
            Boot(
                cpu="qemu64",
                icount_shift=8,
                typed=(),
                faults=("read_only_volume",),
                time_limit_s=9,
                expected_exit=2,
            ),
        ],
        typed=typed,
        memory_mib=300,
    )
    assert (plain.settings.cpu, plain.settings.icount_shift) == ("max", 5)
    assert (plain.settings.typed, plain.settings.expected_exit) == (typed, 0)
    assert (special.settings.cpu, special.settings.icount_shift) == ("qemu64", 8)
    assert special.settings.typed == ()
    assert special.settings.faults == ("read_only_volume",)
    assert (special.settings.time_limit_s, special.settings.expected_exit) == (9, 2)
    assert special.settings.memory_mib == 300


def test_what_a_row_says_equals_the_default_and_still_overrides() -> None:
    (plan,) = _plans([Boot(memory_mib=1024)], memory_mib=300)
    assert plan.settings.memory_mib == 1024


def test_files_are_touched_by_the_rows_that_name_some() -> None:
    rows = [
        Boot(files=(ExtraFile(path="a", text="1"),)),
        Boot(memory_mib=300, power_cut=PowerCut(after_writes=1)),
        Boot(autorun=()),
        Boot(remove=("a",)),
    ]
    first, second, third, fourth = _plans(rows, config=("a=1",))
    assert [type(change) for change in first.changes] == [
        Scenario,
        Boot,
    ]  # the row has the last word
    assert second.changes == ()
    assert third.changes == (rows[2],)
    assert fourth.changes == (rows[3],)


FULL: tuple[Fault, ...] = ("full_volume",)


@pytest.mark.parametrize(
    ("rows", "made_room", "filled"),
    [
        ([Boot(faults=FULL), Boot(faults=FULL)], [False, False], [True, False]),
        ([Boot(), Boot(faults=FULL), Boot()], [False, False, True], [False, True, False]),
        ([Boot(faults=FULL), Boot(faults=FULL, config=())], [False, True], [True, True]),
    ],
)
def test_a_volume_is_full_for_the_boots_that_say_so(
    rows: list[Boot], made_room: list[bool], filled: list[bool]
) -> None:
    made = _plans(rows)
    assert [plan.make_room for plan in made] == made_room
    assert [plan.fill for plan in made] == filled


def test_after_the_last_row_comes_the_first_again_without_the_scenarios_files() -> None:
    scenario = Scenario(description="x", config=(), boot=(Boot(cpu="a"), Boot(cpu="b")))
    made = list(islice(plans(scenario), 5))
    assert [plan.settings.cpu for plan in made] == ["a", "b", "a", "b", "a"]
    assert [plan.number for plan in made] == [1, 2, 3, 4, 5]
    assert [bool(plan.changes) for plan in made] == [True, False, False, False, False]
