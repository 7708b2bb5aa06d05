from __future__ import annotations

from pathlib import Path

import pytest
from pants.engine.fs import DigestContents
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.cc.testutil import set_options
from baremetal.emulator import rules as emulator_rules
from baremetal.emulator.rules import Emulator
from baremetal.emulator.testutil import install


@pytest.fixture
def rule_runner() -> RuleRunner:
    return RuleRunner(rules=[*emulator_rules.rules(), QueryRule(Emulator, ())])


def test_the_firmware_is_copied_and_the_options_name_it(
    rule_runner: RuleRunner, tmp_path: Path
) -> None:
    set_options(rule_runner, *install(tmp_path))
    emulator = rule_runner.request(Emulator, [])
    files = rule_runner.request(DigestContents, [emulator.firmware])
    assert {file.path: file.content for file in files} == {
        "ovmf/code.fd": b"code",
        "ovmf/vars.fd": b"vars",
    }
    assert emulator.arguments("{chroot}/") == (
        *("--qemu", f"{tmp_path}/qemu"),
        *("--ovmf-code", "{chroot}/ovmf/code.fd"),
        *("--ovmf-vars", "{chroot}/ovmf/vars.fd"),
    )


def test_another_version_is_another_key(rule_runner: RuleRunner, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    set_options(rule_runner, *install(tmp_path / "old", version="1"))
    old = rule_runner.request(Emulator, []).env
    set_options(rule_runner, *install(tmp_path / "new", version="2"))
    assert rule_runner.request(Emulator, []).env != old


@pytest.mark.parametrize(
    "lost, message", [("qemu", "qemu is not in any of"), ("code.fd", r"\(OVMF\) is not in any of")]
)
def test_what_is_missing_is_named_with_its_remedy(
    lost: str, message: str, rule_runner: RuleRunner, tmp_path: Path
) -> None:
    set_options(rule_runner, *install(tmp_path))
    (tmp_path / lost).unlink()
    with pytest.raises(ExecutionError, match=f"{message}.*apt install qemu-system-x86 ovmf"):
        rule_runner.request(Emulator, [])
