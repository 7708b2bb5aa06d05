"""The booted machine and the Linux program are the same core: the same prompts get the same tokens from both."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.programs import bundled_model, host_program
from tools.boot.scenario import Scenario, load
from tools.markers.parse import Log, parse_log
from tools.markers.table import load as load_table

SCENARIO = Path("firmware/scenarios/chat.toml")
CAPTURE = Path("firmware.scenarios/chat/boot-1/serial.log")
MARKERS = load_table(Path("firmware/events/markers.toml"))
PROMPTS = 3
TOKENS = 24


def _volume(folder: Path, scenario: Scenario) -> Path:
    """A folder that holds what the scenario puts on the boot volume."""
    assert scenario.config is not None
    (folder / "models").mkdir()
    (folder / "models" / bundled_model().name).symlink_to(bundled_model())
    (folder / "repl.cfg").write_text("\n".join(scenario.config) + "\n")
    (folder / "llmk-autorun.txt").write_text("\n".join(scenario.autorun) + "\n")
    return folder


def _answers(log: str) -> list[str]:
    """What the model said after each prompt."""
    answers = [line.removeprefix("AI: ") for line in log.splitlines() if line.startswith("AI: ")]
    return answers


@pytest.fixture(scope="module")
def booted() -> str:
    return CAPTURE.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> str:
    volume = _volume(tmp_path_factory.mktemp("volume"), load(SCENARIO))
    command = [str(host_program()), "--volume", str(volume), "--kernels", "avx2"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _turns(log: Log) -> list[tuple[object, ...]]:
    """Number of tokens and the hash of their ids, a turn."""
    return [(r["prompt_tokens"], r["tokens"], r["ids"], r["reason"]) for r in log.of("gen_end")]


def test_both_answer_every_prompt_in_words(booted: str, hosted: str) -> None:
    for log in (booted, hosted):
        answers = _answers(log)
        assert len(answers) == PROMPTS
        assert all(len(answer.split()) >= 3 for answer in answers), answers
    assert "Paris" in _answers(booted)[0]  # the first prompt asks about it


def test_the_tokens_are_the_same(booted: str, hosted: str) -> None:
    turns = _turns(parse_log(booted, MARKERS))
    assert turns == _turns(parse_log(hosted, MARKERS))
    assert len(turns) == PROMPTS
    assert max(int(str(turn[1])) for turn in turns) == TOKENS


def test_every_marker_line_of_both_is_well_formed(booted: str, hosted: str) -> None:
    for text in (booted, hosted):
        log = parse_log(text, MARKERS)
        assert not log.problems
        assert len(log.of("repl_ready")) == 1
