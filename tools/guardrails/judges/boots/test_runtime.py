"""M8, runtime: boots that end, begin or count otherwise than they should, each for its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tools.boot.scenario import BootSettings
from tools.guardrails.judges.boots import runtime as boots
from tools.guardrails.judges.given import DEFAULTS, configurations
from tools.guardrails.judges.testing import (
    Booted,
    Lines,
    Said,
    Scene,
    behind,
    boot,
    capture,
    evidence,
    finding,
    said,
    scene,
    without,
)
from tools.guardrails.verdict import Finding, Judgement, Status

OFF = said("power", action="off")
CHAT: Lines = tuple(map(Said, ("version", "model_loaded", "obs_startup", "repl_ready", "gen_end")))
CHAT = (*CHAT, OFF)
BARE: Lines = (Said("version"), Said("repl_ready_no_model"), Said("autorun_shutdown"))


def counted(number: int) -> Booted:
    return boot(*behind(CHAT, "version", said("oo_boot", boot_count=number)))


def scenes(
    chat: Booted = boot(*CHAT), bare: Booted = boot(*BARE), counts: tuple[int, ...] = (1, 2, 3)
) -> tuple[Scene, ...]:
    return scene("chat", chat), scene("nomodel", bare), scene("organism", *map(counted, counts))


def judged(folder: Path, *made: Scene, settings: tuple[str, ...] = ()) -> Judgement:
    return boots.judge(evidence(folder, *(made or scenes()), settings=settings))


def test_healthy_boots_pass(tmp_path: Path) -> None:
    judgement = judged(tmp_path)
    assert judgement.status == Status.PASS, judgement.line()
    assert finding(judgement, "boot_with_model").samples == 4
    assert finding(judgement, "boot_without_model").samples == 1


# ---- endings ----


def ending(folder: Path, chat: Booted) -> Finding:
    return finding(judged(folder, *scenes(chat)), "ends_as_expected")


def test_a_hang_names_its_limit_its_last_line_and_its_registers(tmp_path: Path) -> None:
    hung = boot(
        *CHAT[:2],
        "Loading models/a.gguf ....",
        outcome="time_limit",
        exit_code=None,
        given={"time_limit_s": 77},
        artefacts={"registers.txt": b"RIP=0"},
    )
    found = ending(tmp_path, hung)
    assert found.status == Status.FAIL and found.places == ("chat/boot-1",)
    assert "found none within 77 s; the last line is 'Loading models/a.gguf ....'" in found.says
    assert found.says.endswith("; registers.txt has the state of the processor")


def test_a_hang_without_a_word_and_without_registers_says_so(tmp_path: Path) -> None:
    found = ending(tmp_path, boot(outcome="time_limit", exit_code=None))
    assert "within 300 s; it said nothing; no registers.txt has the state" in found.says


@pytest.mark.parametrize(
    ("outcome", "code", "says"),
    [
        ("debug_exit", 3, "expected debug_exit 0, found debug_exit 3"),
        ("shutdown", None, "expected debug_exit 0, found shutdown"),
        ("emulator_failed", None, "found emulator_failed"),
        ("reset", None, "found reset; the last line is '[power] off"),
    ],
)
def test_another_end_than_expected_is_named(
    tmp_path: Path, outcome: str, code: int | None, says: str
) -> None:
    found = ending(tmp_path, boot(*CHAT, outcome=outcome, exit_code=code))
    assert found.status == Status.FAIL and says in found.says


def test_a_reset_that_the_program_announced_is_an_end(tmp_path: Path) -> None:
    announced = (*CHAT[:-1], said("power", action="reboot"))
    assert ending(tmp_path, boot(*announced, outcome="reset", exit_code=None)).status == Status.PASS


def test_an_exit_code_that_was_expected_is_an_end(tmp_path: Path) -> None:
    assert ending(tmp_path, boot(*CHAT, exit_code=3, expected_exit=3)).status == Status.PASS


def test_an_end_that_the_program_does_not_say_is_named(tmp_path: Path) -> None:
    found = finding(judged(tmp_path, *scenes(boot(*CHAT[:-1]))), "says_that_it_ends")
    assert found.status == Status.FAIL and "as the last marker, found gen_end" in found.says


def test_an_empty_log_fails(tmp_path: Path) -> None:
    judgement = judged(tmp_path, *scenes(boot()))
    assert judgement.status == Status.FAIL
    assert "found none" in finding(judgement, "says_that_it_ends").says
    assert "found none of them" in finding(judgement, "boot_without_model").says


# ---- markers ----

Edit = Callable[[Lines], Lines]

WITH_MODEL: tuple[tuple[str, Edit], ...] = (
    ("no version", lambda lines: without(lines, "version")),
    ("no model_loaded", lambda lines: without(lines, "model_loaded")),
    ("no obs_startup", lambda lines: without(lines, "obs_startup")),
    ("no repl_ready", lambda lines: without(lines, "repl_ready")),
    ("two starts", lambda lines: behind(lines, "version", Said("version"))),
    ("two prompts", lambda lines: behind(lines, "repl_ready", Said("repl_ready"))),
    ("both prompts", lambda lines: behind(lines, "repl_ready", Said("repl_ready_no_model"))),
    (
        "wrong order",
        lambda lines: behind(without(lines, "obs_startup"), "repl_ready", "obs_startup"),
    ),
    ("not first", lambda lines: (Said("obs_phase"), *lines)),
)


@pytest.mark.parametrize(
    "breaks", [edit for _, edit in WITH_MODEL], ids=[name for name, _ in WITH_MODEL]
)
def test_a_boot_with_a_model_and_other_markers_is_named(tmp_path: Path, breaks: Edit) -> None:
    found = finding(judged(tmp_path, *scenes(boot(*breaks(CHAT)))), "boot_with_model")
    assert found.status == Status.FAIL and found.places == ("chat/boot-1",)
    assert found.says.startswith("chat/boot-1: expected version")


@pytest.mark.parametrize("breaks", ["version", "repl_ready_no_model"])
def test_a_boot_without_a_model_and_without_its_markers_is_named(
    tmp_path: Path, breaks: str
) -> None:
    found = finding(
        judged(tmp_path, *scenes(bare=boot(*without(BARE, breaks)))), "boot_without_model"
    )
    assert found.status == Status.FAIL and found.places == ("nomodel/boot-1",)


def test_an_answer_without_a_model_is_named(tmp_path: Path) -> None:
    answers = behind(BARE, "repl_ready_no_model", Said("gen_end"))
    found = finding(judged(tmp_path, *scenes(bare=boot(*answers))), "boot_without_model")
    assert found.status == Status.FAIL and "expected no gen_end without a model" in found.says


def test_a_missing_kind_of_boot_is_missing_evidence(tmp_path: Path) -> None:
    judgement = judged(tmp_path, scene("chat", boot(*CHAT)))
    assert judgement.status == Status.INSUFFICIENT
    lacking = {each.what for each in judgement.findings if each.status == Status.INSUFFICIENT}
    assert lacking == {"boot_without_model", "boots_are_counted"}


def test_a_bad_pattern_is_named_with_its_meaning(tmp_path: Path) -> None:
    dump = "!!!! X64 Exception Type - 0E(#PF - Page-Fault)  CPU Apic ID - 00000000 !!!!"
    found = finding(judged(tmp_path, *scenes(boot(*CHAT[:-1], dump, OFF))), "no_bad_pattern")
    assert found.status == Status.FAIL and found.places == ("chat/boot-1:6",)
    assert "page_fault: the program touched memory that is not mapped" in found.says


GAPS = (
    ("[power] off level=info seq=7 t_us=9000", "power: expected seq=6, found 7"),
    ("[power] off level=info seq=5 t_us=9000", "power: expected seq=6, found 5"),
    ("[power] off level=info seq=1 t_us=9000", "power: expected seq=6, found 1"),
    ("[power] off level=info seq=6 t_us=4999", "power: expected t_us of 5000 or more, found 4999"),
)


@pytest.mark.parametrize(("line", "says"), GAPS)
def test_a_gap_and_a_clock_that_goes_back_are_named(tmp_path: Path, line: str, says: str) -> None:
    found = finding(judged(tmp_path, *scenes(boot(*CHAT[:-1], line))), "no_line_is_missing")
    assert found.status == Status.FAIL and says in found.says
    assert found.places == ("chat/boot-1:6",)


def test_two_lines_of_one_microsecond_are_in_order(tmp_path: Path) -> None:
    line = "[power] off level=info seq=6 t_us=5000"
    found = finding(judged(tmp_path, *scenes(boot(*CHAT[:-1], line))), "no_line_is_missing")
    assert found.status == Status.PASS


def prompt_at(folder: Path, time_us: int) -> Finding:
    at_time = said("repl_ready", at_us=time_us)
    lines = behind(without(CHAT[:-2], "repl_ready"), "obs_startup", at_time)
    return finding(judged(folder, *scenes(boot(*lines))), "prompt_in_time")


def test_a_prompt_that_is_late_is_named(tmp_path: Path) -> None:
    late = prompt_at(tmp_path / "a", 90_000_001)
    assert late.status == Status.FAIL and "within 90 s, found 90000001 us" in late.says
    assert prompt_at(tmp_path / "b", 90_000_000).status == Status.PASS


# ---- volumes and machines ----


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ((1, 3), "organism/boot-2: expected boot_count=2, found 3"),
        ((1, 1), "organism/boot-2: expected boot_count=2, found 1"),
        ((2, 3), "organism/boot-1: expected boot_count=1, found 2 (and 1 more)"),
    ],
)
def test_boots_that_are_counted_wrong_are_named(
    tmp_path: Path, counts: tuple[int, ...], says: str
) -> None:
    found = finding(judged(tmp_path, *scenes(counts=counts)), "boots_are_counted")
    assert found.status == Status.FAIL and found.says == says


def test_a_boot_of_the_volume_that_does_not_count_is_named(tmp_path: Path) -> None:
    made = scene("organism", counted(1), boot(*CHAT))
    found = finding(judged(tmp_path, made), "boots_are_counted")
    assert found.status == Status.FAIL and "expected boot_count=2, found none" in found.says


def test_volumes_without_the_organism_count_nothing(tmp_path: Path) -> None:
    found = finding(
        judged(tmp_path, scene("slower_clock", boot(*CHAT), boot(*CHAT))), "boots_are_counted"
    )
    assert (found.status, found.samples) == (Status.INSUFFICIENT, 0)


def test_one_boot_of_a_volume_counts_nothing_up(tmp_path: Path) -> None:
    found = finding(judged(tmp_path, scene("once", counted(1))), "boots_are_counted")
    assert (found.status, found.samples) == (Status.INSUFFICIENT, 0)


def test_as_much_memory_as_the_machine_has_is_fine(tmp_path: Path) -> None:
    made = scenes(boot(*CHAT, given={"memory_mib": 4096}))
    assert finding(judged(tmp_path, *made), "within_memory").status == Status.PASS


def test_more_memory_than_the_machine_has_is_named(tmp_path: Path) -> None:
    made = scenes(boot(*CHAT, given={"memory_mib": 1025}))
    settings = ("m8.mem_mb=1024",)
    found = finding(judged(tmp_path, *made, settings=settings), "within_memory")
    assert found.status == Status.FAIL and "at most 1024 MiB of memory, found 1025" in found.says


def test_captures_by_two_emulators_are_named(tmp_path: Path) -> None:
    together = evidence(tmp_path, *scenes())
    chat = together.captures["chat"]
    other = replace(chat, run=chat.run.model_copy(update={"qemu_version": "QEMU 99"}))
    mixed = replace(together, captures={**together.captures, "chat": other})
    found = finding(boots.judge(mixed), "one_machine")
    assert found.status == Status.FAIL and "QEMU 99" in found.says
    policies = {"m8": mixed.policies["m8"].with_setting("skip_preflight", "true")}
    told = boots.judge(replace(mixed, policies=policies))
    assert "one_machine" not in {each.what for each in told.findings}


def test_power_cuts_are_judged_elsewhere(tmp_path: Path) -> None:
    cut = scene(
        "power_cuts",
        boot(
            "version", outcome="power_cut", exit_code=None, given={"power_cut": {"after_writes": 1}}
        ),
        boot(*CHAT),
    )
    judgement = judged(tmp_path, cut)
    assert judgement.status == Status.INSUFFICIENT and judgement.samples == 0


def test_a_policy_can_ask_for_what_captures_cannot_show(tmp_path: Path) -> None:
    whpx = judged(tmp_path / "a", settings=("m8.accel=whpx",))
    no_boots = judged(tmp_path / "b", settings=("m8.run_qemu=false",))
    assert whpx.status == Status.INSUFFICIENT and "captures made with tcg" in whpx.line()
    assert no_boots.status == Status.INSUFFICIENT and "run_qemu is off" in no_boots.line()


# ---- what boots are given ----


def test_the_defaults_are_those_of_a_scenario() -> None:
    assert DEFAULTS == {name: BootSettings.model_fields[name].default for name in DEFAULTS}


def test_a_configuration_is_in_force_until_the_next(tmp_path: Path) -> None:
    given = {"config": ["temp=0", "top_k = 40", "temp=0.5", "# a remark"]}
    made = scene("s", boot(), boot(given={"config": ["guardrails=1"]}), boot(), given=given)
    first, second, third = configurations(capture(made, tmp_path))
    assert first == {"temp": "0.5", "top_k": "40"}
    assert second == third == {"guardrails": "1"}
