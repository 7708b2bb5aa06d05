from __future__ import annotations

from pathlib import Path

import pytest
from pants.core.goals import package
from pants.core.goals.package import BuiltPackage
from pants.core.target_types import FileTarget
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.capture import rules as capture_rules
from baremetal.capture.rules import BootCaptureFieldSet
from baremetal.capture.target_types import BootCaptureTarget
from baremetal.cc.testutil import address, contents, set_options
from baremetal.emulator.testutil import install
from baremetal.image import rules as image_rules
from baremetal.image.target_types import BootImageTarget
from baremetal.testutil import with_recorded_tools

BUILD = """\
file(name="program", source="program.efi")
boot_image(
    name="img", dependencies=[":program"], layout={"EFI/BOOT/BOOTX64.EFI": "fw/program.efi"}
)
boot_capture(name="chat", image=[":img"], scenario="chat.toml")
boot_capture(name="slow", image=[":img"], scenario="exit-3.toml")
boot_capture(name="broken", image=[":img"], scenario="exit-1.toml")
boot_capture(name="wrong", image=[":program"], scenario="chat.toml")
"""


@pytest.fixture
def rule_runner(tmp_path: Path) -> RuleRunner:
    rule_runner = RuleRunner(
        rules=[
            *with_recorded_tools([*image_rules.rules(), *capture_rules.rules()]),
            *package.rules(),
            QueryRule(BuiltPackage, (BootCaptureFieldSet,)),
        ],
        target_types=[FileTarget, BootImageTarget, BootCaptureTarget],
    )
    scenarios = {f"fw/{name}.toml": "" for name in ("chat", "exit-1", "exit-3")}
    rule_runner.write_files({"fw/BUILD": BUILD, "fw/program.efi": "MZ", **scenarios})
    set_options(rule_runner, *install(tmp_path))
    return rule_runner


def capture(rule_runner: RuleRunner, name: str) -> BuiltPackage:
    target = rule_runner.get_target(address(f"fw:{name}"))
    return rule_runner.request(BuiltPackage, [BootCaptureFieldSet.create(target)])


def test_the_runner_gets_image_scenario_and_machine(
    rule_runner: RuleRunner, tmp_path: Path
) -> None:
    built = capture(rule_runner, "chat")
    record = contents(rule_runner, built)["fw/chat/record"].decode().splitlines()
    assert [line.split(" ", 1)[1] for line in record if line.startswith("argument")] == [
        *("tools.boot", "capture"),
        *("--image", "fw/img.img"),
        *("--scenario", "fw/chat.toml"),
        *("--qemu", f"{tmp_path}/qemu"),
        *("--ovmf-code", "ovmf/code.fd"),
        *("--ovmf-vars", "ovmf/vars.fd"),
        *("--output", "fw/chat"),
    ]
    assert [line for line in record if line.startswith("input")] == [
        "input ./fw/chat.toml",
        "input ./fw/img.img",
        "input ./ovmf/code.fd",
        "input ./ovmf/vars.fd",
    ]
    assert any(line.startswith("env QEMU_FINGERPRINT=") for line in record)
    assert [artifact.relpath for artifact in built.artifacts] == ["fw/chat"]


def test_only_an_image_can_be_booted(rule_runner: RuleRunner) -> None:
    with pytest.raises(ExecutionError, match="fw:wrong: `image` must be a list with the address"):
        capture(rule_runner, "wrong")


def test_a_boot_that_reached_its_limit_is_a_capture_too(rule_runner: RuleRunner) -> None:
    assert "fw/slow/record" in contents(rule_runner, capture(rule_runner, "slow"))


def test_without_a_capture_nothing_is_built(rule_runner: RuleRunner) -> None:
    with pytest.raises(ExecutionError, match="fw:broken: no capture could be made"):
        capture(rule_runner, "broken")
