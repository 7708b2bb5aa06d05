"""Captures as evidence: what is none, or is not whole, is said; whatever a guest said can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.guardrails.captures import find_captures, read_capture
from tools.guardrails.errors import CaptureError
from tools.guardrails.facts import capture_facts
from tools.guardrails.judges.testing import boot, capture, metrics, said, scene, table, write_scene

CHAT = scene(
    "chat",
    boot(
        "version",
        said("obs_startup", model_select=42.804, model_prepare=2997.658, format="gguf"),
        said("oo_boot", boot_count=4, mode="NORMAL", reason_id="OO_MODE_LIFTED"),
        said("oo_applied", action="reduce_ctx", reason_id="OO_APPLY_OK"),
        said("oo_apply_failed", action="reduce_seq", reason_id="OO_APPLY_VERIFY_FAILED"),
        said("oo_simulated", action="reduce_seq", estimate="neutral", reason_id="OO_SIMULATED"),
        said("oo_outcome", action="reduce_ctx", label="helpful", reason_id="OO_OUTCOME_BETTER"),
        "metrics_written",
        files={"LLMK_METRICS.LOG": metrics([{"tokens": 3, "decode_cycles": 900}])},
    ),
    given={"memory_mib": 900},
)


def test_facts_are_what_the_boot_said(tmp_path: Path) -> None:
    facts = capture_facts(capture(CHAT, tmp_path))
    (made,) = facts.boots
    assert (made.select_us, made.prepare_us) == (42_804, 2_997_658)
    assert (made.boot_count, made.mode, made.memory_mib) == (4, "NORMAL", 900)
    assert made.actions == {"reduce_ctx": 1, "reduce_seq": 2}
    assert made.applies == (True, False)
    assert made.outcomes == ("helpful",) and made.estimates == ("neutral",)
    assert made.reasons["OO_APPLY_OK"] == 1 and sum(made.reasons.values()) == 5
    assert made.generations[0].decode_cycles == 900
    assert facts.stratum.model == "00000000/1"


def test_the_same_evidence_has_one_identity_wherever_it_lies(tmp_path: Path) -> None:
    one = capture_facts(capture(CHAT, tmp_path / "one"))
    assert capture_facts(capture(CHAT, tmp_path / "two")).identity == one.identity
    other = scene("chat", boot("version"), given={"memory_mib": 900})
    assert capture_facts(capture(other, tmp_path / "three")).identity != one.identity


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("schema", 1, "expected schema 2, found 1"),
        ("image_sha256", "short", "image_sha256"),
        ("boots", [], "boots"),
        ("scenario", {"name": "../up", "sha256": "0" * 64, "given": {}}, "scenario.name"),
    ],
)
def test_a_run_that_is_none_is_said(tmp_path: Path, key: str, value: object, says: str) -> None:
    run = write_scene(CHAT, tmp_path) / "run.json"
    run.write_text(json.dumps({**json.loads(run.read_text()), key: value}))
    with pytest.raises(CaptureError, match=r"run\.json") as caught:
        read_capture(run.parent, table())
    assert says in str(caught.value)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../secret", "a/../../b"])
def test_files_stay_inside_of_the_capture(tmp_path: Path, path: str) -> None:
    run = write_scene(CHAT, tmp_path) / "run.json"
    content = json.loads(run.read_text())
    content["boots"][0]["files"] = [path]
    run.write_text(json.dumps(content))
    with pytest.raises(CaptureError, match="expected paths on the volume"):
        read_capture(run.parent, table())


@pytest.mark.parametrize("name", ["serial.log", "files/LLMK_METRICS.LOG"])
def test_a_missing_file_is_said(tmp_path: Path, name: str) -> None:
    folder = write_scene(CHAT, tmp_path)
    (folder / "boot-1" / name).unlink()
    with pytest.raises(CaptureError, match="make the capture again"):
        read_capture(folder, table())


def test_a_folder_that_is_no_capture_is_said(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"expected a capture, which has a run\.json"):
        read_capture(tmp_path, table())
    assert find_captures(tmp_path, table()) == {}


def test_two_captures_of_a_scenario_are_refused(tmp_path: Path) -> None:
    write_scene(CHAT, tmp_path)
    write_scene(CHAT, tmp_path).rename(tmp_path / "again")
    write_scene(CHAT, tmp_path)
    with pytest.raises(CaptureError, match="two captures of chat"):
        find_captures(tmp_path, table())


def test_captures_are_found_by_the_name_of_their_scenario(tmp_path: Path) -> None:
    write_scene(CHAT, tmp_path / "there")
    write_scene(scene("organism", boot("version")), tmp_path).rename(tmp_path / "there" / "x")
    found = find_captures(tmp_path / "there", table())
    assert {name: each.run.scenario.name for name, each in found.items()} == {
        "chat": "chat",
        "organism": "organism",
    }


def test_metrics_that_are_none_are_said(tmp_path: Path) -> None:
    broken = scene("chat", boot("metrics_written", files={"LLMK_METRICS.LOG": b'{"schema": 9}'}))
    with pytest.raises(CaptureError, match=r"chat/boot-1: LLMK_METRICS\.LOG"):
        capture_facts(capture(broken, tmp_path))


@given(serial=st.binary(max_size=400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_of_a_guest_can_be_read(serial: bytes, tmp_path: Path) -> None:
    made = capture(scene("chat", boot(serial=serial)), tmp_path)
    assert capture_facts(made).boots[0].ended_as_expected


_marker_like = st.lists(
    st.sampled_from(
        ["[obs]", "OK: OO ", "[m18] autotune=", "reason_id=", "OO_APPLY_OK", " seq=1", " t_us=5"]
        + ['"', "\\", "\r", "\n", " event=1", " level=info", "\x1b[2J", "\x00", "é"]
    ),
    max_size=30,
).map("".join)


@given(text=_marker_like)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_only_looks_like_a_marker_is_a_problem_and_no_error(text: str, tmp_path: Path) -> None:
    made = capture(scene("chat", boot(serial=text.encode())), tmp_path).boots[0]
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    leads = sum(line.startswith(table().leads) for line in lines)
    assert len(made.log.records) + len(made.log.problems) >= leads
