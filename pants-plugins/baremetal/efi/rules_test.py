from __future__ import annotations

import pytest
from pants.core.goals.package import BuiltPackage
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.cc.testutil import address, cc_rule_runner, contents, set_options
from baremetal.efi import rules as efi_rules
from baremetal.efi.rules import EfiApplicationFieldSet
from baremetal.efi.target_types import EfiApplicationTarget

SUBSYSTEM_EFI_APPLICATION = 10


@pytest.fixture
def rule_runner() -> RuleRunner:
    rule_runner = cc_rule_runner(
        [*efi_rules.rules(), QueryRule(BuiltPackage, (EfiApplicationFieldSet,))],
        [EfiApplicationTarget],
    )
    set_options(rule_runner)
    return rule_runner


def test_package_is_an_efi_application(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "app/BUILD": "cc_sources(name='code')\nefi_application(name='app', dependencies=[':code'])",
            "app/main.c": "int _fltused;\nunsigned long long efi_main(void) { return 0; }\n",
        }
    )
    field_set = EfiApplicationFieldSet.create(rule_runner.get_target(address("app:app")))
    built = rule_runner.request(BuiltPackage, [field_set])
    (program,) = contents(rule_runner, built).values()
    assert [artifact.relpath for artifact in built.artifacts] == ["app/app.efi"]
    header = int.from_bytes(program[0x3C:0x40], "little")
    assert program[:2] == b"MZ" and program[header : header + 4] == b"PE\0\0"
    assert int.from_bytes(program[header + 92 : header + 94], "little") == SUBSYSTEM_EFI_APPLICATION
