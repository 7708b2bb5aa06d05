"""Steps end with the first failure, and what was not run is no success."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.release.__main__ import app
from tools.release.flow.run import State, Step, Told, command, run
from tools.release.flow.steps import Place, steps


def step(name: str, passed: bool) -> Step:
    return Step(name, "", lambda: Told(passed, f"{name} says"))


def test_the_first_failure_ends_it() -> None:
    results = list(run([step("a", True), step("b", False), step("c", True), step("d", True)]))
    assert [(each.name, each.state) for each in results] == [
        ("a", State.PASSED),
        ("b", State.FAILED),
        ("c", State.NOT_RUN),
        ("d", State.NOT_RUN),
    ]
    assert results[1].says == "b says" and results[3].says == "b failed"


@pytest.mark.parametrize(
    "program, passed, says",
    [
        ("print('one'); print('two  '); print()", True, "two"),
        ("pass", True, "it said nothing"),
        ("import sys; sys.stderr.write('why'); sys.exit(3)", False, "status 3: why (see {log})"),
    ],
)
def test_a_command_says_its_last_line(
    program: str, passed: bool, says: str, tmp_path: Path
) -> None:
    log = tmp_path / "logs/step.log"
    told = command((sys.executable, "-c", program), log, cwd=tmp_path)
    assert told == Told(passed, says.format(log=log)) and log.is_file()


def test_a_command_that_is_missing(tmp_path: Path) -> None:
    told = command(("./absent",), tmp_path / "log", cwd=tmp_path)
    assert told == Told(False, "./absent: No such file or directory")


def test_the_steps_in_their_order() -> None:
    assert [each.name for each in steps(Place(Path("a"), Path("b")))] == [
        *("preflight", "package", "boot", "bundle", "verify")
    ]


def test_what_pants_says_has_no_time_of_day(tmp_path: Path) -> None:
    launcher = tmp_path / "pants"
    launcher.write_text("#!/bin/sh\necho '08:28:52.13 [INFO] Wrote' \"$4\"\n")
    launcher.chmod(0o755)
    package = steps(Place(tmp_path, tmp_path))[1]
    assert package.act() == Told(True, "Wrote firmware:boot_img")


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    arguments = ["verify-flow", f"--checkout={tmp_path}", f"--logs={tmp_path}/logs", "--json"]
    done = CliRunner().invoke(app, arguments)
    results = json.loads(done.stdout)
    assert done.exit_code == 1
    assert {each["state"] for each in results} <= {"passed", "failed", "not run"}
    assert results[-1] == {**results[-1], "name": "verify", "state": "not run"}
    assert sum(each["state"] == "failed" for each in results) == 1
