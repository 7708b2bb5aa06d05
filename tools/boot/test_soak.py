"""What a soak is asked for, and how its boots add up."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.boot.bench import Inputs
from tools.boot.disk import DiskReport
from tools.boot.qemu import Firmware
from tools.boot.soak import (
    BootReport,
    Soak,
    SoakError,
    Summary,
    find_judge,
    no_judge,
    share_out,
    soak,
)

DISK = DiskReport(
    writes=9, flushes=2, cut_at_write=9, cut_came=True, sectors_at_stake=4, sectors_lost=3
)


def _report(disk: DiskReport | None, *problems: str) -> BootReport:
    return BootReport(
        chain=2,
        boot=7,
        outcome="power_cut",
        exit_code=None,
        wall_seconds=1.0,
        cut_seed=1,
        disk=disk,
        problems=problems,
    )


def test_boots_add_up() -> None:
    calm = DiskReport(
        writes=5, flushes=5, cut_at_write=5, cut_came=True, sectors_at_stake=1, sectors_lost=0
    )
    summary = Summary()
    for report in (_report(DISK), _report(None), _report(calm), _report(DISK, "a", "b")):
        summary = summary.and_boot(report)
    assert summary == Summary(
        boots=4,
        cuts=3,
        cuts_with_losses=2,
        sectors_lost=6,
        problems=("chain 2, boot 7: a", "chain 2, boot 7: b"),
    )


@given(boots=st.integers(1, 300), jobs=st.integers(1, 20))
def test_every_boot_is_made_by_one_chain(boots: int, jobs: int) -> None:
    shares = share_out(boots, jobs)
    assert sum(shares) == boots
    assert len(shares) == min(boots, jobs)
    assert max(shares) - min(shares) <= 1


def test_a_judge_is_found_by_its_name() -> None:
    assert find_judge("tools.boot.soak:no_judge") is no_judge


@pytest.mark.parametrize("name", ["", "tools.boot.soak", "tools.boot.soak:none", "no.module:x"])
def test_a_name_without_a_judge_is_refused(name: str) -> None:
    with pytest.raises(SoakError, match=r"MODULE:NAME"):
        find_judge(name)


def test_a_scenario_without_a_power_cut_is_no_soak(tmp_path: Path) -> None:
    scenario = tmp_path / "x.toml"
    scenario.write_text('description = "x"\nboots = 3')
    nothing = tmp_path / "nothing"
    job = Soak(
        Inputs(nothing, scenario, nothing, Firmware(nothing, nothing)), 2, 1, 1, tmp_path / "out"
    )
    with pytest.raises(SoakError, match="has a power_cut"):
        soak(job, lambda _: None)
    assert not (tmp_path / "out").exists()


def test_a_chain_that_cannot_go_on_is_a_problem(tmp_path: Path) -> None:
    scenario = tmp_path / "x.toml"
    scenario.write_text('description = "x"\n[[boot]]\npower_cut = { after_writes = 1 }')
    nothing = tmp_path / "nothing"
    job = Soak(
        Inputs(nothing, scenario, nothing, Firmware(nothing, nothing)), 2, 1, 1, tmp_path / "out"
    )
    summary = soak(job, lambda _: None)
    assert summary.boots == 0
    (problem,) = summary.problems
    assert problem.startswith("chain 1: FileNotFoundError: ")
