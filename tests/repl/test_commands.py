"""Every command of the table works with its example; what is not in the table names the nearest."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.programs import host_program
from tools.testmodels.kinds import make

CONFIG = (
    "oo_enable=1",
    "oo_auto_apply=1",
    "max_tokens=4",
    "temp=0",
    "autorun_file=llmk-autorun.txt",
)


def examples() -> list[str]:
    command = [str(host_program()), "--command-examples"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("llama-q8_0", tmp_path_factory.mktemp("model"))[0]


@pytest.fixture
def volume(tmp_path: Path, model: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / model.name).symlink_to(model)
    (tmp_path / "repl.cfg").write_text("".join(f"{line}\n" for line in CONFIG))
    (tmp_path / "llmk-autorun.txt").write_text("/version\n")
    return tmp_path


def session(volume: Path, lines: Iterable[str]) -> subprocess.CompletedProcess[str]:
    typed = "".join(f"{line}\n" for line in lines)
    command = [str(host_program()), "--volume", str(volume)]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=120)


def errors(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("error:")]


@pytest.mark.parametrize("example", examples())
def test_defect_22_every_command_works_with_its_example(volume: Path, example: str) -> None:
    done = session(volume, ["Hello", example])
    assert errors(done.stdout) == []
    assert done.returncode == (10 if example == "/reboot" else 0)
    assert f"You: {example}\n" in done.stdout


def test_every_command_of_the_help_has_an_example(volume: Path) -> None:
    listed = set(re.findall(r"^  (/\w+)", session(volume, ["/help"]).stdout, re.MULTILINE))
    assert listed == {example.split()[0] for example in examples()}
    assert len(listed) > 35


def test_aliases_do_the_same(volume: Path) -> None:
    shown = session(volume, ["/help"]).stdout
    aliases = re.findall(r"^  (/\w+) .* Also: (/\w+)$", shown, re.MULTILINE)
    assert ("/oo_jour", "/oo_journal") in aliases
    for _, alias in aliases:
        assert "unknown command" not in session(volume, [alias]).stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/hepl", "/help"),
        ("/metrcs", "/metrics"),
        ("/guard_staus", "/guard_status"),
        ("/oo_expain 3", "/oo_explain"),
        ("/oo_consultmock x", "/oo_consult_mock"),
        ("/tmep 1", "/temp"),
    ],
)
def test_an_unknown_command_names_the_nearest(volume: Path, typed: str, meant: str) -> None:
    (error,) = errors(session(volume, [typed]).stdout)
    assert error.endswith(f"unknown command; did you mean {meant}?")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("/oo_explain 0", "expected a number from 1 to"),
        ("/oo_jour many", "expected a number from 1 to 1000"),
        ("/metrics now", "takes nothing behind it"),
        ("/test_delay -1", "expected a number from 0 to"),
        ("/reset please", "takes nothing behind it"),
    ],
)
def test_a_wrong_argument_is_refused(volume: Path, typed: str, message: str) -> None:
    (error,) = errors(session(volume, [typed]).stdout)
    assert message in error
