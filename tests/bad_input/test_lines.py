"""Lines nobody should type: the session answers each and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.session import Session, talk
from tools.testmodels.kinds import make


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume with one small model of 256 positions."""
    folder = tmp_path_factory.mktemp("volume")
    make("llama-q8_0", folder / "models")
    return folder


def turns(session: Session) -> int:
    return len(session.log.of("gen_end"))


def test_defect_06_an_empty_line_is_no_turn(volume: Path) -> None:
    session = talk(volume, ["hello", "", "   ", "hello again", ""])
    assert turns(session) == 2
    assert session.went_on


def test_a_prompt_longer_than_the_context_is_refused(volume: Path) -> None:
    session = talk(volume, ["word " * 2000, "hello"])
    assert turns(session) == 1
    assert "context" in session.text
    assert session.went_on


def test_a_conversation_that_fills_the_context_goes_on(volume: Path) -> None:
    session = talk(volume, ["one two three four five six seven"] * 30)
    assert turns(session) == 30
    assert session.went_on


@pytest.mark.parametrize("byte", [b"x", b"/", b"\xff", b"\xe2", b"\x01"])
def test_a_line_of_a_hundred_kilobytes(volume: Path, byte: bytes) -> None:
    assert talk(volume, [byte * 100_000, "hello"]).went_on


def test_bytes_that_are_no_text(volume: Path) -> None:
    noise = bytes(range(256)) * 8
    assert talk(volume, [noise.replace(b"\n", b"").replace(b"\x04", b"")]).went_on


@pytest.mark.parametrize(
    "line", ["/temp abc", "/top_p 5", "/seed -1", "/frobnicate", "/", "/model_info nowhere.gguf"]
)
def test_a_wrong_command_is_explained_not_sent_to_the_model(volume: Path, line: str) -> None:
    session = talk(volume, [line])
    assert "error: " in session.text
    assert turns(session) == 0
    assert session.went_on
