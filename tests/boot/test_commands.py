"""Every command of the table, with its example, in a real boot (firmware/scenarios/commands.toml)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.captures import MARKERS, boots
from tests.programs import bundled_model, host_program
from tools.boot.scenario import load
from tools.markers.parse import parse_log

ALL, STOPPED, REBOOTED = boots("commands")
SCENARIO = load(Path("firmware/scenarios/commands.toml"))


def examples() -> list[str]:
    """One line a command, as the program itself gives them."""
    command = [str(host_program()), "--command-examples"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def lines_run() -> list[str]:
    """What the boots were told, by script or by hand."""
    texts = [file.text for file in SCENARIO.files]
    for row in SCENARIO.boot:
        texts += [file.text for file in row.files or ()] + [typed.text for typed in row.typed or ()]
    return [line.strip() for text in texts for line in text.splitlines()]


def test_every_example_is_run() -> None:
    assert set(examples()) <= set(lines_run())


def test_none_of_them_is_an_error() -> None:
    for boot in (ALL, STOPPED, REBOOTED):
        complaints = [line for line in boot.serial.splitlines() if line.startswith("error:")]
        assert complaints == []
        echoed = [line for line in boot.serial.splitlines() if line.startswith("You (autorun): ")]
        assert echoed


def test_a_session_ends_as_the_last_command_says() -> None:
    endings = [boot.markers.records[-1]["action"] for boot in (ALL, STOPPED, REBOOTED)]
    assert endings == ["off", "exit", "reboot"]


def test_a_script_takes_the_place_of_the_one_that_starts_it() -> None:
    assert [row["file"] for row in ALL.markers.of("autorun_loaded")] == [
        "all.txt",
        "llmk-autorun.txt",
    ]


def test_after_a_failed_check_nothing_is_answered_until_the_reset() -> None:
    (tripped,), (reset,) = ALL.markers.of("sentinel_tripped"), ALL.markers.of("sentinel_reset")
    reasons = [turn["reason"] for turn in ALL.markers.of("gen_end") if turn.seq > tripped.seq]
    assert reasons == ["sentinel", "max_tokens"] and reset.seq > tripped.seq


def test_a_consult_changes_nothing_in_the_conversation(tmp_path: Path) -> None:
    """The same two prompts on the host, without the consult between them: the same tokens."""
    assert SCENARIO.config is not None
    assert ALL.serial.index("/oo_consult\n") < ALL.serial.index("You (autorun): The sea is")
    consulted, first, second = ALL.only("oo_consult_start"), *ALL.markers.of("gen_end")[:2]
    assert first.seq < consulted.seq < second.seq
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / bundled_model().name).symlink_to(bundled_model())
    (tmp_path / "repl.cfg").write_text("\n".join(SCENARIO.config) + "\n")
    (tmp_path / "all.txt").write_text("Once upon a time\nThe sea is\n/poweroff\n")
    command = [str(host_program()), "--volume", str(tmp_path), "--kernels", "avx2"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    turns = parse_log(done.stdout, MARKERS).of("gen_end")
    assert [turn["ids"] for turn in turns] == [first["ids"], second["ids"]]
    assert [turn["pos"] for turn in turns] == [first["pos"], second["pos"]]
