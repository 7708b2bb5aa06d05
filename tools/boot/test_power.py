"""Boots of the probe that differ from each other, and boots whose power fails."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.boot.__main__ import app
from tools.boot.bench import Workbench, boot_once, set_up
from tools.boot.conftest import Boot, inputs, said
from tools.boot.disk import SECTOR
from tools.boot.plan import plans
from tools.boot.scenario import load
from tools.boot.soak import BootReport, Soak, soak
from tools.boot.volume import VolumeReader

ROWS = """
read_back = ['a.txt']
[[boot]]
power_cut = { after_writes = 100000 }
[[boot]]
icount_shift = 7
expected_exit = 3
remove = ['gone.txt']
[[boot.files]]
path = 'probe.txt'
text = '''count 1000000
read a.txt
read gone.txt
power_off 3
'''
"""
SCRIPT = "count 1000000\nwrite a.txt one\nwrite gone.txt two\npower_off 0\n"


def test_each_boot_is_given_what_its_row_says(image: Path, tmp_path: Path) -> None:
    boot = Boot(image, tmp_path, SCRIPT, ROWS)
    first, second = boot.run["boots"]
    assert [boot.outcome(1), boot.outcome(2)] == [("debug_exit", 0), ("debug_exit", 3)]
    assert [first["expected_exit"], second["expected_exit"]] == [0, 3]
    assert first["given"] == {"power_cut": {"after_writes": 100000}}
    assert (second["given"]["icount_shift"], second["given"]["remove"]) == (7, ["gone.txt"])
    lines = said((boot.folder / "boot-2/serial.log").read_text())
    assert lines[1] == 'read "one"'
    assert lines[2].startswith("open failed not_found: gone.txt")
    # 2^7 ns an instruction, after 2^5; and the firmware's timer, which is as fast as ever, takes more of them.
    fast, slow = (int(re.findall(r"(\d+) us", said_[0])[0]) for said_ in (boot.lines, lines))
    assert 4 <= slow / fast < 4.5
    # What the guest flushes reaches the disk as a flush, and a cut that does not come takes nothing.
    assert first["disk"]["writes"] > 4 and first["disk"]["flushes"] > 4
    assert (first["disk"]["cut_came"], first["disk"]["sectors_lost"]) == (False, 0)
    assert (boot.folder / "boot-1/files/a.txt").read_bytes() == b"one"
    assert second["disk"] is None


# The write of a file of 400000 bytes is cut short when its first 320 KiB are written and their FAT is being written.
CUT = """
description = "power fails"
read_back = ["kept.txt"]

[[files]]
path = "probe.txt"
text = '''write kept.txt kept
say now
fill big.txt 400000
say later
'''

[[boot]]
power_cut = { after_writes = 4, after = "now", seed = 5 }

[[boot]]
[[boot.files]]
path = "probe.txt"
text = '''read kept.txt
read big.txt
power_off 0
'''
"""


@pytest.fixture
def bench(image: Path, tmp_path: Path) -> Iterator[Workbench]:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(CUT)
    with tempfile.TemporaryDirectory(prefix="llmb-") as folder:
        yield set_up(Path(folder), inputs(image, scenario), Path(folder) / "disk.img")


def _sectors_of_x(image: Path) -> int:
    content = image.read_bytes()
    return sum(content.startswith(b"x" * SECTOR, at) for at in range(0, len(content), SECTOR))


def test_power_takes_part_of_what_was_not_flushed_and_nothing_else(
    bench: Workbench, tmp_path: Path
) -> None:
    scenario = load(tmp_path / "scenario.toml")
    first, second = islice(plans(scenario), 2)
    cut = boot_once(bench, scenario, first, tmp_path / "1")
    assert (cut.ending.outcome, cut.ending.exit_code) == ("power_cut", None)
    assert said((tmp_path / "1/serial.log").read_text()) == ["wrote 4", "now"]
    assert cut.disk is not None and cut.disk.cut_came
    assert 100 < cut.disk.sectors_lost < cut.disk.sectors_at_stake - 100
    # The medium has what the report says, but for the few sectors that are not the file's own.
    kept = cut.disk.sectors_at_stake - cut.disk.sectors_lost
    assert abs(_sectors_of_x(bench.image) - kept) < 20
    assert (tmp_path / "1/files/kept.txt").read_bytes() == b"kept"

    after = boot_once(bench, scenario, second, tmp_path / "2")
    assert (after.ending.outcome, after.ending.exit_code) == ("debug_exit", 0)
    kept_line, big_line = said((tmp_path / "2/serial.log").read_text())
    assert kept_line == 'read "kept"'
    assert big_line.startswith("open failed not_found: big.txt")


def complain_at_the_second(volume: VolumeReader, logs: Sequence[str], boot: int) -> Sequence[str]:
    """A judge that knows what the volume must hold, and ends the chain."""
    assert len(logs) == boot
    assert said(logs[-1])[-1] == "now"
    if volume.read("kept.txt") != b"kept" or "probe.txt" not in volume.paths():
        return ["kept.txt is lost"]
    return [f"boot {boot} is bad enough"] if boot == 2 else []


def test_a_soak_cuts_each_boot_and_ends_a_chain_at_its_problem(image: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    once = CUT[: CUT.rindex("[[boot]]")]
    scenario.write_text(once.replace("after_writes = 4", "after_writes = { min = 1, max = 5 }"))
    output = tmp_path / "soak"
    told: list[BootReport] = []
    job = Soak(inputs(image, scenario), 3, 7, 1, output, complain_at_the_second)
    summary = soak(job, told.append)
    assert [(report.chain, report.boot) for report in told] == [(1, 1), (1, 2)]
    assert [report.outcome for report in told] == ["power_cut"] * 2
    assert [report.problems for report in told] == [(), ("boot 2 is bad enough",)]
    assert len({report.cut_seed for report in told}) == 2
    assert (summary.boots, summary.cuts) == (2, 2)
    assert summary.sectors_lost == sum(r.disk.sectors_lost for r in told if r.disk is not None)
    assert summary.problems == ("chain 1, boot 2: boot 2 is bad enough",)
    assert VolumeReader(output / "chain-1/disk.img").read("kept.txt") == b"kept"
    assert said((output / "chain-1/boot-1/serial.log").read_text())[-1] == "now"


def test_a_soak_whose_boots_fail_ends_with_1_and_says_so(image: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text("cpu = 'no-such-processor'\n" + CUT)
    output = tmp_path / "soak"
    arguments = ["soak", "--image", image, "--scenario", scenario, "--output", output]
    arguments += ["--boots", 5, "--jobs", 2]
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 1
    *boots, summary = map(json.loads, done.stdout.splitlines())
    assert sorted(boot["chain"] for boot in boots) == [1, 2]
    assert all(boot["problems"] == ["the boot ended by emulator_failed"] for boot in boots)
    assert summary["boots"] == 2 and len(summary["problems"]) == 3
    assert summary["problems"][-1].startswith("no power cut came")
