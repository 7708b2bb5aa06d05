"""`reliability baseline`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tools.guardrails.__main__ import app
from tools.guardrails.benchmark.corpus import SCENARIO, load_corpus
from tools.guardrails.facts import capture_facts
from tools.guardrails.judges.testing import (
    boot,
    capture,
    ledger_of,
    metrics,
    said,
    scene,
    write_scene,
)
from tools.guardrails.ledger.promotion import PROMOTION, RESULTS
from tools.guardrails.ledger.testing_ledger import content, filled
from tools.guardrails.session import Exit

IMAGE = "1" * 64
CASES = load_corpus().cases


def write_pack(folder: Path, *, image: str = IMAGE, cases: int = len(CASES)) -> None:
    """A benchmark's capture, of so many answers."""
    end = said("gen_end", tokens=5, total=100.0, ids=0xCAFE, reason="eos")
    turns = [(f"You (autorun): {case.prompt}", "AI: well.", end) for case in CASES[:cases]]
    generation = {"tokens": 5, "decode_calls": 4, "decode_cycles": 4000}
    generations = [{**generation, "prompt_tokens": 9, "prefill_cycles": 900}] * cases
    files = {"LLMK_METRICS.LOG": metrics(generations)}
    booted = boot(*(line for turn in turns for line in turn), "metrics_written", files=files)
    write_scene(scene(SCENARIO, booted, image_sha256=image), folder)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A ledger of one run, and captures of its image."""
    chat = capture(scene("chat", boot("version"), image_sha256=IMAGE), tmp_path / "recorded")
    ledger_of(tmp_path / "ledger", [capture_facts(chat)])
    write_pack(tmp_path / "captures")
    return tmp_path


def baseline(place: Path, *arguments: object) -> Result:
    wide = CliRunner(env={"COLUMNS": "200"})
    given = ("baseline", *arguments, "--ledger", place / "ledger")
    return wide.invoke(app, [str(each) for each in given])


def promote(place: Path, *arguments: object) -> Result:
    return baseline(place, "promote", "--why", "v1", "--captures", place / "captures", *arguments)


def test_a_run_is_promoted_with_the_results_of_its_image(place: Path) -> None:
    done = promote(place)
    assert done.exit_code == Exit.PASS, done.stderr
    assert done.stdout == "run 1 of 000000000000 is the baseline\n"
    shown = json.loads(baseline(place, "show", "--json").stdout)
    assert (shown["promoted"]["run"], shown["promoted"]["why"]) == (1, "v1")
    assert shown["benchmark"]["cases"] == [case.id for case in CASES]
    assert shown["benchmark"]["commit"] == shown["promoted"]["commit"]
    people = baseline(place, "show").stdout
    assert "run 1 of 000000000000: v1" in people and f"{len(CASES)} cases" in people


def test_the_target_is_judged_by_what_was_promoted(place: Path) -> None:
    at = ("--captures", place / "captures", "--ledger", place / "ledger")
    command = [str(each) for each in ("check", "m19", "--json", *at)]
    (before,) = json.loads(CliRunner().invoke(app, command).stdout)
    promote(place)
    (after,) = json.loads(CliRunner().invoke(app, command).stdout)
    assert (before["status"], after["status"]) == ("insufficient", "pass")


def test_without_a_promoted_run_that_is_said(place: Path) -> None:
    done = baseline(place, "show", "--json")
    assert done.exit_code == Exit.INSUFFICIENT and done.stdout == ""
    assert "no run is promoted" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--run", 9), "expected run 9 in the ledger; the newest is run 1"),
        (("--why", " "), "expected why this run is promoted"),
        (("--captures", "nowhere"), "nowhere/benchmark: expected a capture"),
    ],
)
def test_what_cannot_be_promoted_leaves_the_baseline_there_is(
    place: Path, arguments: tuple[object, ...], says: str
) -> None:
    promote(place)
    before = content(place / "ledger")
    done = promote(place, *arguments)
    assert done.exit_code == Exit.COULD_NOT_RUN and says in done.stderr
    assert content(place / "ledger") == before and {PROMOTION, RESULTS} < set(before)


def test_results_of_another_image_are_not_promoted(place: Path) -> None:
    write_pack(place / "captures", image="2" * 64)
    done = promote(place)
    assert done.exit_code == Exit.COULD_NOT_RUN
    assert "expected a boot of an image of run 1, found 222222222222…" in done.stderr


def test_a_pack_with_a_case_that_failed_is_not_promoted(place: Path) -> None:
    write_pack(place / "captures", cases=len(CASES) - 1)
    done = promote(place)
    assert done.exit_code == Exit.COULD_NOT_RUN and CASES[-1].id in done.stderr


def test_a_baseline_that_is_not_of_the_ledger_stops_every_verdict(place: Path) -> None:
    promote(place)
    other = filled(place / "other", 1)
    for name in (PROMOTION, RESULTS):
        (other / name).write_bytes((place / "ledger" / name).read_bytes())
    at = ("--captures", place / "captures", "--ledger", other)
    done = CliRunner().invoke(app, [str(each) for each in ("check", "m19", *at)])
    assert done.exit_code == Exit.COULD_NOT_RUN and "expected run 1 to be" in done.stderr
