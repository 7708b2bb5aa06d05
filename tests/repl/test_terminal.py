"""Keys on a terminal do what people expect of them."""

from __future__ import annotations

import signal
import termios
from pathlib import Path

import pytest

from tests.repl.terminal import session
from tools.testmodels.kinds import make

UP, DOWN, ESCAPE, CTRL_C, CTRL_D, RUBOUT = "\x1b[A", "\x1b[B", "\x1b", "\x03", "\x04", "\x7f"


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("volume")
    make("llama-q8_0", folder / "models")
    return folder


def test_a_question_is_answered(volume: Path) -> None:
    with session(volume, ["--max-tokens", "5"]) as terminal:
        terminal.wait_for("OK: REPL ready (/help)")
        terminal.wait_for("You: ")
        terminal.answer("Hello\r", "AI: ")
        terminal.wait_for("[stats] tokens=")
        terminal.press("/exit\r")
        assert terminal.wait() == 0


def test_a_slip_is_taken_back(tmp_path: Path) -> None:
    with session(tmp_path) as terminal:
        terminal.wait_for("llmk> ")
        terminal.answer("/verß€x" + RUBOUT * 3 + "sion\r", "llm-baremetal build")


def test_older_lines_come_back(tmp_path: Path) -> None:
    with session(tmp_path) as terminal:
        terminal.wait_for("llmk> ")
        terminal.answer("/version\r", "llm-baremetal build")
        terminal.answer("/sampling\r", "stop_nl")
        terminal.wait_for("llmk> ")
        terminal.answer(UP + UP + UP + "\r", "llm-baremetal build")
        terminal.answer(UP + UP + DOWN + DOWN + "/ram\r", "free")


def test_tab_completes_commands(tmp_path: Path) -> None:
    with session(tmp_path) as terminal:
        terminal.wait_for("llmk> ")
        terminal.answer("/vers\t\r", "llm-baremetal build")
        terminal.answer("/mod\t", "/model")
        terminal.answer("\t", "/model_info")
        terminal.answer("s\r", "summary: total=0")


def test_a_line_goes_on_behind_a_backslash(volume: Path) -> None:
    with session(volume, ["--max-tokens", "2"]) as terminal:
        terminal.wait_for("You: ")
        terminal.answer("one\\\r", "... ")
        terminal.answer("two\r", "AI: ")


@pytest.mark.parametrize("key", [ESCAPE, CTRL_C])
def test_an_answer_can_be_stopped(volume: Path, key: str) -> None:
    with session(volume, ["--max-tokens", "100000", "--ctx", "256", "--temp", "0"]) as terminal:
        terminal.wait_for("You: ")
        terminal.press("Hello\r" + key)
        terminal.wait_for("reason=user")
        terminal.wait_for("You: ")


def test_ctrl_c_drops_the_line_and_ctrl_d_leaves(tmp_path: Path) -> None:
    with session(tmp_path) as terminal:
        terminal.wait_for("llmk> ")
        terminal.answer("/versio" + CTRL_C, "llmk> ")
        terminal.press(CTRL_D)
        assert terminal.wait() == 0


@pytest.mark.parametrize("end", ["/poweroff\r", "/exit\r", signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back(tmp_path: Path, end: str | signal.Signals) -> None:
    with session(tmp_path) as terminal:
        terminal.wait_for("llmk> ")
        assert not terminal.modes() & termios.ECHO
        if isinstance(end, str):
            terminal.press(end)
        else:
            terminal.send_signal(end)
        code = terminal.wait()
        assert code == (0 if isinstance(end, str) else 128 + end)
        assert terminal.modes() == terminal.modes_before


def test_reboot_has_a_code_of_its_own(tmp_path: Path) -> None:
    with session(tmp_path) as terminal:
        terminal.wait_for("llmk> ")
        terminal.press("/reboot\r")
        assert terminal.wait() == 10


def test_the_menu_of_models(volume: Path, tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes((volume / "models" / "llama-q8_0.gguf").read_bytes())
    with session(tmp_path, ["--model-picker-seconds", "60"]) as terminal:
        terminal.wait_for("Several models:")
        terminal.wait_for("otherwise the first is loaded.")
        terminal.answer("2", "Model number [1]: 2")
        terminal.answer("\r", "OK: Model loaded: b.gguf")
    with session(tmp_path, ["--model-picker-seconds", "0"]) as terminal:
        terminal.wait_for("OK: Model loaded: a.gguf")
