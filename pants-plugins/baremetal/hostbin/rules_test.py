from __future__ import annotations

import pytest
from pants.core.goals.package import BuiltPackage
from pants.core.goals.run import RunRequest
from pants.engine.process import FallibleProcessResult, Process
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.cc.testutil import address, cc_rule_runner, set_options
from baremetal.hostbin import rules as hostbin_rules
from baremetal.hostbin.rules import HostBinaryFieldSet
from baremetal.hostbin.target_types import HostBinaryTarget

EXITS_WITH_42 = """\
void _start(void) {
    __asm__ volatile("syscall" : : "a"(60L), "D"(42L));
    __builtin_unreachable();
}
"""


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    rule_runner = cc_rule_runner(
        [
            *hostbin_rules.rules(),
            QueryRule(BuiltPackage, (HostBinaryFieldSet,)),
            QueryRule(RunRequest, (HostBinaryFieldSet,)),
            QueryRule(FallibleProcessResult, (Process,)),
        ],
        [HostBinaryTarget],
    )
    rule_runner.write_files(
        {
            "app/BUILD": "cc_sources(name='code')\nhost_binary(name='app', dependencies=[':code'])",
            "app/start.c": EXITS_WITH_42,
        }
    )
    set_options(rule_runner)
    return rule_runner


@pytest.fixture
def field_set(rule_runner: RuleRunner) -> HostBinaryFieldSet:
    return HostBinaryFieldSet.create(rule_runner.get_target(address("app:app")))


def test_package_is_a_program_that_runs_with_nothing_around_it(
    rule_runner: RuleRunner, field_set: HostBinaryFieldSet
) -> None:
    built = rule_runner.request(BuiltPackage, [field_set])
    process = Process(["./app/app"], input_digest=built.digest, description="run")
    assert rule_runner.request(FallibleProcessResult, [process]).exit_code == 42


def test_run_starts_the_packaged_program(
    rule_runner: RuleRunner, field_set: HostBinaryFieldSet
) -> None:
    run = rule_runner.request(RunRequest, [field_set])
    assert run.args == ("{chroot}/app/app",)
    assert run.digest == rule_runner.request(BuiltPackage, [field_set]).digest
