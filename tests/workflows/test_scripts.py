"""The scripts of .github, as the workflow's steps call them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.workflows.workflow import parse

SCRIPTS = ("collect", "set-up", "settings")


def call(*command: object, settings: str | None = None) -> subprocess.CompletedProcess[str]:
    given = {} if settings is None else {"SETTINGS": settings}
    words = [str(word) for word in command]
    environment = {"PATH": os.environ["PATH"], **given}
    return subprocess.run(words, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("settings", "arguments"),
    [
        (None, []),
        ("", []),
        (" m9.drift_window=9 ", ["--set", "m9.drift_window=9"]),
        ("m9.a_b=1 m16.c=fast", ["--set", "m9.a_b=1", "--set", "m16.c=fast"]),
        ("m9.a=1.5\nm10.b=x", ["--set", "m9.a=1.5", "--set", "m10.b=x"]),
    ],
)
def test_settings_are_arguments(settings: str | None, arguments: list[str]) -> None:
    done = call(".github/settings", settings=settings)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == arguments


@pytest.mark.parametrize(
    "settings",
    [
        "m9.a=$(id)",
        "m9.a=`id`",
        "m9.a=1; id",
        "m9.a=1\n::error::x",
        "--ledger=/tmp",
        "m9.a=../x",
        "m9=1",
        "*",
        "m9.a=é",
    ],
)
def test_anything_else_is_refused(settings: str) -> None:
    done = call(".github/settings", settings=settings)
    assert done.returncode == 2 and "expected words like" in done.stderr
    assert "::error::x" not in done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".github").mkdir()
    shutil.copy(".github/collect", tmp_path / ".github")
    return tmp_path


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_job_s_files_are_gathered_with_their_sums(checkout: Path) -> None:
    for name in ("m17", "m9"):
        put(checkout / f"dist/test/tools.guardrails.{name}/report.md", f"# {name}\n")
        put(checkout / f"dist/test/tools.guardrails.{name}/state.json", "{}")
    put(checkout / "dist/ci/verdicts.txt", "m9  pass\n```\n<b>")
    put(checkout / "dist/ci/dashboard/dashboard.md", "# Dashboard\n")
    done = call(checkout / ".github/collect")
    assert done.returncode == 0, done.stderr
    assert "\n    m9  pass\n    ```\n    <b>\n" in done.stdout
    assert "# m17" in done.stdout and "# Dashboard" in done.stdout and "# m9" not in done.stdout
    check = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=checkout / "dist/ci", capture_output=True
    )
    assert check.returncode == 0 and check.stdout.count(b": OK") == 6
    again = call(checkout / ".github/collect")
    assert again.stdout == done.stdout


def test_a_job_without_a_verdict_says_so(checkout: Path) -> None:
    done = call(checkout / ".github/collect")
    assert done.returncode == 0 and "No guardrail has left a verdict" in done.stdout
    assert (checkout / "dist/ci/SHA256SUMS").exists()


def test_the_step_with_verdicts_ends_as_the_check_does(checkout: Path) -> None:
    """Also behind the pipe that keeps its table; and the settings are words of its command line."""
    shutil.copy(".github/settings", checkout / ".github")
    put(checkout / "pants", '#!/bin/sh\nprintf "<%s>" "$@"\nexit 1\n')
    (checkout / "pants").chmod(0o755)
    workflow = parse(Path(".github/workflows/reliability.yml").read_text())
    (script,) = (step.run for step in workflow.steps if ".github/settings)" in step.run)
    for settings, ends in (("m9.a=1", 1), ("m9.a=1;", 2)):
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            env={"PATH": os.environ["PATH"], "SETTINGS": settings},
            cwd=checkout,
            capture_output=True,
            text=True,
        )
        assert done.returncode == ends, done.stderr
    assert "<check><--set><m9.a=1>" in (checkout / "dist/ci/verdicts.txt").read_text()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_bash(name: str) -> None:
    path = Path(".github", name)
    assert os.access(path, os.X_OK)
    assert call("bash", "-n", path).returncode == 0


@pytest.mark.parametrize("script", [".github/set-up", ".ci/run"])
def test_packages_are_read_from_their_table(script: str) -> None:
    """With the line that the script has for it."""
    (line,) = (each for each in Path(script).read_text().splitlines() if "mapfile" in each)
    done = call("bash", "-c", line + ' && printf "%s\\n" "${packages[@]}"')
    assert {"git", "python3-venv", "qemu-system-x86", "ovmf"} <= set(done.stdout.split())
