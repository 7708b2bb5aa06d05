"""Each thing that a machine can lack ends set-up with one clear line; nothing is left half done."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from pathlib import Path

import pytest

SYSTEM = "/usr/bin:/bin"

# The commands that the launcher calls before it has found its interpreters.
TOOLS = (
    *("bash", "cat", "df", "flock", "ln", "mkdir", "rm"),
    *("readlink", "sed", "sh", "sha256sum", "sort", "tail", "uname"),
)


def run_pants(**environment: str) -> subprocess.CompletedProcess[str]:
    """`./pants --version` of this sandbox, with this environment and no other."""
    return subprocess.run(
        ["./pants", "--version"],
        env={"PATH": SYSTEM, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def last_line(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode != 0
    return result.stderr.splitlines()[-1]


@pytest.fixture
def interpreters() -> str:
    """A folder with the CPythons that the outer launcher found."""
    return os.environ["LLM_BAREMETAL_CACHE"] + "/pythons"


def write_shim(path: Path) -> None:
    """A command that exists and does not run, as a pyenv shim of a version that is not switched on."""
    path.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    path.chmod(0o755)


def test_no_home_and_no_cache() -> None:
    assert "HOME" in last_line(run_pants())


@pytest.mark.parametrize("cache", ["relative", "/tmp/with space", "/tmp/ümlaut", "/tmp/100%"])
def test_a_cache_path_that_tools_would_misread(cache: str) -> None:
    line = last_line(run_pants(LLM_BAREMETAL_CACHE=cache))
    assert cache in line and "LLM_BAREMETAL_CACHE" in line


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = last_line(run_pants(LLM_BAREMETAL_CACHE=f"{tmp_path}/file/cache"))
    assert "cannot write to the cache" in line


@pytest.mark.parametrize(("broken", "working"), [("3.9", "3.11"), ("3.11", "3.9")])
def test_an_interpreter_that_does_not_run_is_none(
    broken: str, working: str, tmp_path: Path, interpreters: str
) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    for tool in TOOLS:
        (commands / tool).symlink_to(f"/usr/bin/{tool}")
    (commands / f"python{working}").symlink_to(f"{interpreters}/python{working}")
    write_shim(commands / f"python{broken}")
    cache = tmp_path / "cache"
    result = run_pants(HOME=str(tmp_path), LLM_BAREMETAL_CACHE=str(cache), PATH=str(commands))
    assert f"CPython {broken} not found" in last_line(result)


def test_no_package_index(tmp_path: Path, interpreters: str) -> None:
    result = run_pants(
        HOME=str(tmp_path),
        LLM_BAREMETAL_CACHE=str(tmp_path / "cache"),
        PATH=f"{interpreters}:{SYSTEM}",
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_INDEX="1",
    )
    assert "pip could not fetch the wheels of 3rdparty/" in last_line(result)
    assert not list((tmp_path / "cache" / "wheelhouse").iterdir())


def test_a_second_set_up_waits_for_the_first(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen(
            ["./pants", "--version"],
            env={"PATH": SYSTEM, "HOME": str(tmp_path), "LLM_BAREMETAL_CACHE": str(tmp_path)},
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert second.stderr is not None
        assert "waiting for another set-up" in second.stderr.readline()
        assert second.poll() is None
        os.killpg(second.pid, signal.SIGKILL)
        second.communicate()
