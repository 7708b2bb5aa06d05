from __future__ import annotations

from pathlib import Path

import pytest
from pants.core.goals import package
from pants.core.goals import test as test_goal
from pants.core.goals.test import TestResult
from pants.core.target_types import FileTarget
from pants.engine.fs import DigestContents
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.capture import rules as capture_rules
from baremetal.capture.target_types import BootCaptureTarget
from baremetal.cc.testutil import address, set_options
from baremetal.emulator.testutil import install
from baremetal.guardrail import rules as guardrail_rules
from baremetal.guardrail.rules import GuardrailFieldSet, GuardrailRequest
from baremetal.guardrail.target_types import GuardrailTarget
from baremetal.image import rules as image_rules
from baremetal.image.target_types import BootImageTarget
from baremetal.testutil import with_recorded_tools

BUILD = """\
file(name="program", source="program.efi")
boot_image(
    name="img", dependencies=[":program"], layout={"EFI/BOOT/BOOTX64.EFI": "fw/program.efi"}
)
boot_capture(name="chat", image=[":img"], scenario="chat.toml")
boot_capture(name="organism", image=[":img"], scenario="organism.toml")
boot_capture(name="exit-3.toml", image=[":img"], scenario="chat.toml")
guardrail(
    name="m9", dependencies=[":program"], captures=[":organism", ":chat"], ledger=["runs/*"]
)
guardrail(name="m10", captures=[":exit-3.toml"], ledger=["runs/*"])
guardrail(name="scattered", captures=[":chat"], ledger=["runs/*", "chat.toml"])
"""
FILES = {
    "fw/BUILD": BUILD,
    "fw/program.efi": "MZ",
    "fw/chat.toml": "",
    "fw/organism.toml": "",
    "fw/runs/HEAD": "",
    "fw/runs/runs.jsonl": "",
}


@pytest.fixture
def rule_runner(tmp_path: Path) -> RuleRunner:
    rules = [*image_rules.rules(), *capture_rules.rules(), *guardrail_rules.rules()]
    rule_runner = RuleRunner(
        rules=[
            *with_recorded_tools(rules),
            *package.rules(),
            *test_goal.rules(),
            QueryRule(TestResult, (GuardrailRequest.Batch,)),
        ],
        target_types=[FileTarget, BootImageTarget, BootCaptureTarget, GuardrailTarget],
    )
    rule_runner.write_files(FILES)
    set_options(rule_runner, *install(tmp_path))
    return rule_runner


def judge(rule_runner: RuleRunner, name: str) -> TestResult:
    target = rule_runner.get_target(address(f"fw:{name}"))
    field_set = GuardrailFieldSet.create(target)
    batch = GuardrailRequest.Batch("", (field_set,), None)  # type: ignore[type-var] # as Pants does
    return rule_runner.request(TestResult, [batch])


def test_the_judge_gets_its_captures_and_the_ledger(rule_runner: RuleRunner) -> None:
    result = judge(rule_runner, "m9")
    assert result.exit_code == 0
    assert result.extra_output is not None and result.extra_output.files == ("record", "state.json")
    (record, _) = rule_runner.request(DigestContents, [result.extra_output.digest])
    lines = record.content.decode().splitlines()
    assert [line.split(" ", 1)[1] for line in lines if line.startswith("argument")] == [
        *("tools.guardrails", "judge", "m9"),
        *("--capture", "fw/chat"),
        *("--capture", "fw/organism"),
        *("--ledger", "fw/runs"),
        *("--output", "verdict"),
    ]
    assert [line for line in lines if line.startswith("input")] == [
        "input ./fw/chat/record",
        "input ./fw/chat/run.json",
        "input ./fw/organism/record",
        "input ./fw/organism/run.json",
        "input ./fw/program.efi",
        "input ./fw/runs/HEAD",
        "input ./fw/runs/runs.jsonl",
    ]


def test_a_verdict_that_is_no_pass_fails_the_test(rule_runner: RuleRunner) -> None:
    assert judge(rule_runner, "m10").exit_code == 3


def test_a_ledger_is_one_folder(rule_runner: RuleRunner) -> None:
    with pytest.raises(ExecutionError, match="fw:scattered: `ledger` must be files of one folder"):
        judge(rule_runner, "scattered")
