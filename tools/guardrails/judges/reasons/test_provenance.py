"""Where the numbers of decisions come from: the operator, policy.cfg, the firmware; or nobody, which fails M13."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tools.guardrails.errors import CaptureError
from tools.guardrails.judges.reasons.explainability import judge
from tools.guardrails.judges.reasons.explanation import pack
from tools.guardrails.judges.reasons.provenance import KEYS
from tools.guardrails.judges.reasons.testing_organism import CONFIG, FIRST, SECOND, story
from tools.guardrails.judges.testing import (
    Said,
    Scene,
    behind,
    boot,
    capture,
    changed,
    evidence,
    finding,
    said,
    scene,
)
from tools.guardrails.policy_file import seal
from tools.guardrails.verdict import Judgement, Status

SOURCE = "every_threshold_has_a_source"


def _judged(folder: Path, made: Scene) -> Judgement:
    return judge(evidence(folder, made))


def _source(folder: Path, made: Scene, marker: str, name: str) -> tuple[str, str]:
    """Kind and words of the source of a number of the first such line."""
    each = next(e for e in pack(capture(made, folder)).decisions if e.decision.marker.id == marker)
    source = next(number.source for number in each.numbers if number.name == name)
    return source.kind, source.says


def _with(*lines: str, said_before: tuple[Said, ...] = (), **given: object) -> Scene:
    told = behind(FIRST, "oo_boot", *said_before) if said_before else FIRST
    return scene("organism", boot(*told), given={"config": (*CONFIG[:3], *lines), **given})


def test_a_threshold_is_the_operators_line(tmp_path: Path) -> None:
    found = _source(tmp_path, story(), "oo_blocked", "threshold")
    assert found == ("operator", "repl.cfg: oo_conf_threshold=50")
    assert _source(tmp_path, story(), "oo_plan", "max")[0] == "default"
    assert _source(tmp_path, story(), "oo_applied", "new") == ("firmware", "value of the next boot")


@pytest.mark.parametrize(
    "line_of_it",
    [
        "oo_confidence_threshold = 50",
        "OO_CONF_THRESHOLD=50 # half",
        "oo_conf_threshold=7\noo_conf_threshold=50",
    ],
)
def test_configuration_is_read_as_the_guest_does(tmp_path: Path, line_of_it: str) -> None:
    made = _with(*line_of_it.split("\n"))
    assert _source(tmp_path, made, "oo_blocked", "threshold")[0] == "operator"


def test_a_comment_sets_nothing(tmp_path: Path) -> None:
    found = finding(_judged(tmp_path, _with(";oo_conf_threshold=50")), SOURCE)
    assert found.status == Status.FAIL
    assert "the default is 60, for oo_conf_threshold" in found.says


def test_a_threshold_that_nobody_set_fails(tmp_path: Path) -> None:
    found = finding(_judged(tmp_path, _with("oo_conf_threshold=40")), SOURCE)
    assert found.status == Status.FAIL
    assert "oo_confidence has threshold=50, but repl.cfg says 40" in found.says


def test_a_value_out_of_bounds_is_explained_by_its_warning(tmp_path: Path) -> None:
    warned = said("cfg_warning", line=4, key="oo_conf_threshold", problem="0 to 100; 50 is used")
    made = _with("oo_conf_threshold=5000", said_before=(warned,))
    kind, says = _source(tmp_path, made, "oo_blocked", "threshold")
    assert (kind, "50 is used" in says) == ("operator", True)


POLICY = said("policy", event=2, file="policy.cfg", owners="canary", reason_id="POLICY_APPLIED")


def test_a_threshold_of_policy_cfg_names_its_owner_and_milestone(tmp_path: Path) -> None:
    text = seal("curriculum.oo_conf_threshold=40\ncanary.oo_conf_threshold=50\n").decode()
    files = [{"path": "policy.cfg", "text": text}]
    made = _with("oo_conf_threshold=30", said_before=(POLICY,), files=files)
    kind, says = _source(tmp_path, made, "oo_blocked", "threshold")
    assert (kind, says) == (
        "policy.cfg",
        "policy.cfg: canary.oo_conf_threshold=50, decided by m11",
    )


def test_a_policy_that_was_read_back_counts(tmp_path: Path) -> None:
    made = _with("oo_conf_threshold=30", said_before=(POLICY,))
    files = {"policy.cfg": seal("canary.oo_conf_threshold=70\n")}
    made = replace(made, boots=(replace(made.boots[0], files=files),))
    assert _source(tmp_path, made, "oo_blocked", "threshold")[0] == "unexplained"


def test_a_policy_whose_text_is_not_there_is_named_by_its_owners(tmp_path: Path) -> None:
    made = _with("oo_conf_threshold=30", said_before=(POLICY,))
    kind, says = _source(tmp_path, made, "oo_blocked", "threshold")
    assert kind == "policy.cfg" and "of canary" in says


def test_a_spoilt_policy_is_a_quarantine_and_explains_no_threshold(tmp_path: Path) -> None:
    spoilt = said("policy", event=2, owners="quarantine", reason_id="POLICY_CORRUPT")
    made = _with("oo_conf_threshold=30", said_before=(spoilt,))
    assert _source(tmp_path, made, "oo_blocked", "threshold")[0] == "unexplained"


def test_the_configuration_of_the_image_is_not_known(tmp_path: Path) -> None:
    made = scene("organism", boot(*FIRST))
    assert _source(tmp_path, made, "oo_blocked", "threshold")[0] == "image"


def test_a_later_boot_keeps_the_configuration_until_it_is_given_another(tmp_path: Path) -> None:
    made = story(SECOND, FIRST)
    assert _source(tmp_path, made, "oo_blocked", "threshold")[0] == "operator"
    last = replace(made.boots[1], given={"config": ["oo_conf_threshold=1"]})
    other = replace(made, boots=(made.boots[0], last))
    assert _source(tmp_path, other, "oo_blocked", "threshold")[0] == "unexplained"


def test_without_a_plan_a_boot_applies_one_action(tmp_path: Path) -> None:
    one = story(changed(FIRST, "oo_plan", enabled=False, max=1))
    assert _source(tmp_path, one, "oo_plan", "max")[0] == "firmware"
    two = story(changed(FIRST, "oo_plan", enabled=False, max=2))
    assert _source(tmp_path, two, "oo_plan", "max")[0] == "unexplained"


def test_a_capture_whose_settings_make_no_sense_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="given.config"):
        _judged(tmp_path, scene("organism", boot(*FIRST), given={"config": 7}))


def test_keys_defaults_and_aliases_are_those_of_the_firmware() -> None:
    example = Path("firmware/repl/repl.cfg.example").read_text(encoding="utf-8")
    rows = re.findall(r"^# Expected: .*?\.(?: Also: (.*))?\n#(\w+)=(.*)$", example, re.MULTILINE)
    known = {key: (default, tuple(aliases.split())) for aliases, key, default in rows}
    assert {key: (row.default, row.aliases) for key, row in KEYS.items()} == {
        key: known[key] for key in KEYS
    }
