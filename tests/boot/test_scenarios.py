"""What each scenario of firmware/scenarios/ must have shown: one clear line for what is wrong, and on it goes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.captures import Boot, boots

MODEL = "models/SmolLM2-135M-Instruct.Q4_1.gguf"


def captured(name: str) -> Boot:
    """The only boot of a capture among this test's inputs."""
    (boot,) = boots(name)
    return boot


# Scenarios whose power fails have a judge of their own (tests/organism).
NAMES = sorted(
    path.stem
    for path in Path("firmware/scenarios").glob("*.toml")
    if "power_cut" not in path.read_text(encoding="utf-8")
)
ENDS = {"commands": ["debug_exit", "debug_exit", "reset"]}  # its last boot is told to start again


@pytest.mark.parametrize("name", NAMES)
def test_every_boot_ends_by_itself_as_it_should(name: str) -> None:
    rows = [boot.row for boot in boots(name)]
    assert [row["outcome"] for row in rows] == ENDS.get(name, ["debug_exit"] * len(rows))
    for row in rows:
        assert row["exit_code"] == (
            row["expected_exit"] if row["outcome"] == "debug_exit" else None
        )


@pytest.mark.parametrize("name", NAMES)
def test_defect_24_every_line_ends_in_lf_and_every_marker_is_well_formed(name: str) -> None:
    for boot in boots(name):
        assert not boot.markers.problems
        assert "\r" not in boot.serial[boot.serial.index("OK: Version:") :]
        assert [record.id for record in boot.markers.records][0] == "version"
        assert boot.markers.records[-1].id in ("power", "autorun_shutdown")


def test_three_prompts_are_answered_in_words() -> None:
    boot = captured("chat")
    turns = boot.markers.of("gen_end")
    assert [turn["tokens"] for turn in turns] == [24, 24, 24]
    answers = re.findall(r"^AI: (.*)$", boot.serial, re.MULTILINE)
    assert len(answers) == 3
    assert f"{MODEL}  llama 134.5M Q4_1 ctx=8192  (loaded)" in boot.serial
    assert "pre-tokenizer smollm" in boot.serial


def test_without_a_model_commands_work_and_prompts_say_what_to_do() -> None:
    boot = captured("nomodel")
    assert boot.markers.of("repl_ready_no_model")
    assert "put a .gguf file into the models folder" in boot.serial
    assert "error: there is no model to talk to" in boot.serial


def test_the_machine_is_switched_off_when_the_script_ends() -> None:
    assert captured("no_autorun_end").markers.of("autorun_shutdown")


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("corrupt_model", "corrupt", "the header claims 9223372036854775807 tensors in a file of"),
        ("truncated_model", "corrupt", "but the file holds 48214336 bytes of data"),
        ("little_memory", "out_of_memory", "choose a smaller model"),
    ],
)
def test_a_model_that_cannot_be_used_is_one_clear_line(name: str, code: str, message: str) -> None:
    boot = captured(name)
    assert boot.text("model_failed", "code") == code
    error = boot.text("model_failed", "error")
    assert error.startswith(f"{MODEL}: ") and message in error
    assert boot.markers.of("repl_ready_no_model")


def test_of_two_models_the_bad_one_is_passed_over() -> None:
    boot = captured("two_models")
    assert boot.text("model_failed", "path") == "models/Another.gguf"
    assert boot.text("model_fallback", "used") == MODEL
    assert len(boot.markers.of("gen_end")) == 1


def test_mistakes_in_the_configuration_are_named_with_their_line() -> None:
    warnings = captured("bad_config").markers.of("cfg_warning")
    assert [warning["line"] for warning in warnings] == [2, 3, 4, 5]
    problems = [str(warning["problem"]) for warning in warnings]
    assert "did you mean temperature?" in problems[0]
    assert 'found "7"' in problems[1]
    assert 'found "many"' in problems[2]
    assert "no '='" in problems[3]


def test_an_empty_configuration_leaves_a_prompt_that_takes_what_is_typed() -> None:
    boot = captured("no_config")
    assert re.search(
        r"^llmk> /version\nllm-baremetal build [0-9a-f]{8} on uefi, version [0-9.]+$",
        boot.serial,
        re.M,
    )


def test_lines_that_are_too_long_or_empty_are_one_clear_line_and_on_it_goes() -> None:
    boot = captured("long_prompt")
    refusals = re.findall(
        r"^error: the prompt is longer than the context of 64 tokens", boot.serial, re.M
    )
    assert len(refusals) == 2
    assert boot.text("autorun_done", "lines") == "3"
    assert "You: \nYou: /poweroff" in boot.serial


@pytest.mark.parametrize("name", ["read_only_volume", "full_volume"])
def test_a_volume_that_cannot_be_written_is_as_good_as_any(name: str) -> None:
    boot = captured(name)
    assert boot.markers.of("autorun_loaded") and not boot.markers.of("model_failed")
    assert re.search(
        r"^llm-baremetal build [0-9a-f]{8} on uefi, version [0-9.]+$", boot.serial, re.M
    )


def test_without_avx_the_scalar_kernels_answer() -> None:
    boot = captured("no_avx")
    assert re.search(r"kernels +scalar", boot.serial)
    assert boot.text("gen_end", "tokens") == "4"
