"""The `reliability` command, as a person types it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tools.guardrails.__main__ import app
from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.judges.testing import boot, said, scene, write_scene
from tools.guardrails.ledger import store
from tools.guardrails.session import Exit

SCENARIOS = sorted({name for guardrail in GUARDRAILS.values() for name in guardrail.scenarios})


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """A small capture of each scenario that is judged."""
    for name in SCENARIOS:
        boots = (boot("version", said("obs_startup", model_select=150, model_prepare=3100)),) * 6
        write_scene(scene(name, *boots), tmp_path / "captures")
    return tmp_path / "captures"


def reliability(*arguments: object) -> Result:
    wide = CliRunner(env={"COLUMNS": "200"})
    return wide.invoke(app, [str(argument) for argument in arguments])


def at(captures: Path) -> tuple[object, ...]:
    return ("--captures", captures, "--ledger", captures.parent / "ledger")


def test_check_ends_by_the_verdict(captures: Path) -> None:
    fine = reliability("check", "m9", *at(captures))
    assert fine.exit_code == Exit.PASS and "insufficient" in fine.stdout
    slow = reliability("check", "m9", *at(captures), "--set", "m9.max_model_select_ms=149")
    assert slow.exit_code == Exit.FAIL and "select_within_budget" in slow.stdout
    wanted = reliability("check", "m9", *at(captures), "--set", "m9.insufficient_fails=true")
    assert wanted.exit_code == Exit.INSUFFICIENT


def test_check_for_machines_has_every_finding(captures: Path) -> None:
    (verdict,) = json.loads(reliability("check", "m9", *at(captures), "--json").stdout)
    assert verdict["guardrail"] == "m9" and verdict["status"] == "insufficient"
    assert {"what", "status", "samples", "minimum", "says", "places"} == set(verdict["findings"][0])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("check", "m99"), "no guardrail 'm99'"),
        (("check", "m9", "--set", "m9.max_model=1"), "did you mean max_model_select_ms?"),
        (("check", "m9", "--captures", "nowhere"), "expected a capture of chat, found none"),
    ],
)
def test_what_cannot_run_is_said_on_one_line(
    captures: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = reliability(*arguments)
    assert done.exit_code == Exit.COULD_NOT_RUN
    assert says in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_ledger_without_runs_is_not_verified(tmp_path: Path) -> None:
    done = reliability("ledger", "verify", "--ledger", tmp_path)
    assert done.exit_code == Exit.INSUFFICIENT and "no run is recorded" in done.stderr


def test_a_call_that_is_none_is_usage() -> None:
    assert reliability("chekc").exit_code == Exit.USAGE


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout with the marker table, to be in."""
    folder = tmp_path / "checkout"
    table = Path("firmware/events/markers.toml")
    (folder / table).parent.mkdir(parents=True)
    (folder / table).write_bytes(table.read_bytes())
    monkeypatch.chdir(folder)
    for variable in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{variable}_NAME", "a")
        monkeypatch.setenv(f"GIT_{variable}_EMAIL", "a@example.org")
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "all"]):
        subprocess.run(["git", *arguments], check=True)
    return folder


def test_record_keeps_the_run_with_its_verdicts(captures: Path, checkout: Path) -> None:
    done = reliability("record", *at(captures))
    assert done.exit_code == Exit.FAIL  # most markers are not in captures as small as these
    assert "recorded as run 1" in done.stdout
    ledger = captures.parent / "ledger"
    (run,) = store.read(ledger).newest_first()
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    assert run.commit == head.strip() and not run.dirty
    assert set(run.verdicts) == set(GUARDRAILS) and not run.passed
    assert set(run.states) == {name for name, row in GUARDRAILS.items() if row.is_remembered}
    assert [each.stratum.scenario for each in run.captures] == ["chat", "organism"]
    assert reliability("ledger", "verify", "--ledger", ledger).stdout == "1 runs, none edited\n"
    assert run.commit[:12] in reliability("ledger", "show", "--ledger", ledger).stdout


def test_a_run_recorded_for_some_needs_only_their_captures(captures: Path, checkout: Path) -> None:
    shutil.rmtree(captures / "commands")
    assert "expected a capture of commands" in reliability("record", *at(captures)).stderr
    assert "recorded as run 1" in reliability("record", "m9", *at(captures)).stdout
    (run,) = store.read(captures.parent / "ledger").newest_first()
    assert set(run.verdicts) == {"m9", "m10", "m11", "m12"}  # the last three have a memory
    assert [each.stratum.scenario for each in run.captures] == ["chat", "organism"]


def test_an_image_of_another_checkout_is_recorded_with_its_commit(
    captures: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = checkout.parent / "other"
    subprocess.run(["git", "clone", "--quiet", checkout, other], check=True)
    (checkout / "new.txt").write_text("")  # which the other one has not
    assert "recorded as run 1" in reliability("record", *at(captures), "--checkout", other).stdout
    nowhere = reliability("record", *at(captures), "--checkout", checkout.parent)
    assert nowhere.exit_code == Exit.COULD_NOT_RUN and "git does not say" in nowhere.stderr


def test_the_newest_run_s_states_are_a_policy_for_the_guest(
    captures: Path, checkout: Path, tmp_path: Path
) -> None:
    ledger, output = ("--ledger", captures.parent / "ledger"), tmp_path / "policy.cfg"
    refused = reliability("policy", "file", "--output", output, *ledger)
    assert refused.exit_code == Exit.COULD_NOT_RUN and not output.exists()
    reliability("record", *at(captures))
    done = reliability("policy", "file", "--output", output, *ledger)
    assert done.exit_code == Exit.PASS and done.stdout == output.read_text()
    assert output.read_text().splitlines()[-1].startswith("crc32c=")


def test_a_decision_is_explained(tmp_path: Path) -> None:
    lifted = said("oo_boot", boot_count=3, mode="DEGRADED", reason_id="OO_MODE_LIFTED", event=7)
    write_scene(scene("organism", boot("version", lifted)), tmp_path)
    done = reliability("explain", "organism", 7, "--captures", tmp_path)
    assert done.exit_code == Exit.PASS
    assert "OO_MODE_LIFTED: the two boots before were healthy" in done.stdout
    missing = reliability("explain", "organism", 8, "--captures", tmp_path)
    assert missing.exit_code == Exit.COULD_NOT_RUN and "there are 7 to 7" in missing.stderr


def test_changed_files_are_recorded_only_when_asked(captures: Path, checkout: Path) -> None:
    (checkout / "new.txt").write_text("")
    refused = reliability("record", *at(captures))
    assert refused.exit_code == Exit.COULD_NOT_RUN and "files differ" in refused.stderr
    assert not (captures.parent / "ledger").exists()
    assert "recorded as run 1" in reliability("record", *at(captures), "--dirty").stdout
    (run,) = store.read(captures.parent / "ledger").newest_first()
    assert run.dirty


def test_an_edited_ledger_is_never_a_pass(captures: Path, checkout: Path) -> None:
    reliability("record", *at(captures))
    runs = captures.parent / "ledger" / store.RUNS
    runs.write_bytes(runs.read_bytes().replace(b"insufficient", b"pass", 1))
    for command in (("check", "m9", *at(captures)), ("ledger", "verify", *at(captures)[2:])):
        done = reliability(*command)
        assert done.exit_code == Exit.COULD_NOT_RUN
        assert "version control" in done.stderr


def test_replay_gives_the_same_bytes_elsewhere(
    captures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    moved = elsewhere / "stored"
    outputs = [tmp_path / "one", elsewhere / "two"]
    ledger = ("--ledger", tmp_path / "ledger")
    reliability("replay", captures, "--output", outputs[0], *ledger)
    captures.rename(moved)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    reliability("replay", moved, "--output", outputs[1], *ledger)
    files = sorted(path.relative_to(outputs[0]) for path in outputs[0].rglob("*.*"))
    assert len(files) == 3 * len(GUARDRAILS)
    for file in files:
        assert (outputs[0] / file).read_bytes() == (outputs[1] / file).read_bytes()


def test_the_policy_says_what_is_not_the_default_and_why() -> None:
    assert "instruction-counted" in reliability("policy", "diff").stdout
    shown = json.loads(reliability("policy", "show", "--json", "--set", "m9.drift_window=9").stdout)
    assert shown["m9.drift_window"] == {"value": 9, "origin": "--set"}
    assert shown["m9.max_model_select_ms"] == {"value": 2000, "origin": "default"}
