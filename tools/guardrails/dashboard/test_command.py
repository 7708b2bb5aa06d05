"""The `dashboard` command: three files, or one line that says why not, and then nothing has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tools.guardrails.commands.dashboard import dashboard
from tools.guardrails.dashboard.testing_dashboard import recorded
from tools.guardrails.judges.speed.testing_slo import ledger
from tools.guardrails.judges.testing import boot, said, scene, write_scene
from tools.guardrails.session import Exit

app = typer.Typer(add_completion=False)
app.command()(dashboard)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def history(tmp_path: Path) -> Path:
    ledger(tmp_path / "ledger", recorded(1), recorded(2))
    return tmp_path / "ledger"


def _captures(folder: Path, *names: str) -> Path:
    started = said("obs_startup", model_select=150, model_prepare=3100)
    for name in names:
        write_scene(scene(name, boot(started)), folder)
    return folder


def test_it_writes_three_files(history: Path, tmp_path: Path) -> None:
    done = _run("--output", tmp_path / "out", "--ledger", history)
    assert done.exit_code == Exit.PASS, done.output
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["dashboard.html", "dashboard.json", "dashboard.md"]
    assert "boots_ended: met" in done.stdout


def test_for_machines_it_prints_the_json_that_it_writes(history: Path, tmp_path: Path) -> None:
    done = _run("--output", tmp_path, "--ledger", history, "--json")
    assert json.loads(done.stdout) == json.loads((tmp_path / "dashboard.json").read_text())


def test_captures_count_as_the_newest_run(history: Path, tmp_path: Path) -> None:
    captures = _captures(tmp_path / "captures", "chat", "organism")
    done = _run("--output", tmp_path, "--ledger", history, "--captures", captures, "--json")
    newest = json.loads(done.stdout)["runs"][0]
    assert newest["label"] == "this run" and newest["recorded_at"] is None
    assert newest["verdicts"]["m9"] == "insufficient"
    assert "m8_runtime" not in newest["verdicts"]  # its captures are not all there


def test_a_missing_capture_is_said_and_nothing_is_lost(history: Path, tmp_path: Path) -> None:
    (tmp_path / "dashboard.md").write_text("before")
    captures = _captures(tmp_path / "captures", "chat")
    done = _run("--output", tmp_path, "--ledger", history, "--captures", captures)
    assert done.exit_code == Exit.COULD_NOT_RUN
    assert "expected a capture of organism" in done.stderr and done.stderr.count("\n") == 1
    assert (tmp_path / "dashboard.md").read_text() == "before"


def test_a_ledger_that_was_edited_is_not_shown(history: Path, tmp_path: Path) -> None:
    runs = history / "runs.jsonl"
    runs.write_bytes(runs.read_bytes().replace(b'"chat"', b'"chap"', 1))
    done = _run("--output", tmp_path / "out", "--ledger", history)
    assert done.exit_code == Exit.COULD_NOT_RUN
    assert not (tmp_path / "out").exists()


def test_a_pack_that_is_not_there_is_said(history: Path, tmp_path: Path) -> None:
    missing = tmp_path / "results.jsonl"
    done = _run("--output", tmp_path / "out", "--ledger", history, "--benchmark", missing, missing)
    assert done.exit_code == Exit.COULD_NOT_RUN and "results.jsonl" in done.stderr
