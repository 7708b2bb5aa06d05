from __future__ import annotations

import pytest
from pants.core.goals.package import OutputPathField
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import QueryRule
from pants.engine.target import COMMON_TARGET_FIELDS, Dependencies, Target
from pants.testutil.rule_runner import RuleRunner

from baremetal.cc import rules as cc_rules
from baremetal.cc.flags import EFI
from baremetal.cc.link import LinkedProgram, LinkRequest, LinkSources, LinkSourcesRequest
from baremetal.cc.testutil import address, cc_rule_runner, set_options


class ProgramTarget(Target):
    alias = "program"
    core_fields = (*COMMON_TARGET_FIELDS, Dependencies, OutputPathField)
    help = "A program."


FILES = {
    "lib/BUILD": "cc_sources(dependencies=['base'])",
    "lib/z.h": "const char *built(void);\n",
    "lib/z.c": "const char *built(void) { return __DATE__ __TIME__ __FILE__; }\n",
    "base/BUILD": "cc_sources()",
    "base/b.c": "int b(void) { return 2; }\n",
    "unlisted/BUILD": "cc_sources()",
    "unlisted/u.h": "int u(void);\n",
    "unlisted/u.c": "int u(void) { return 3; }\n",
    "app/BUILD": (
        "cc_sources(name='code')\n"
        "program(name='app', dependencies=[':code', 'lib'])\n"
        "program(name='none')\n"
    ),
    "app/a.c": (
        '#include "lib/z.h"\n#include "unlisted/u.h"\n'
        "int _fltused;\n"
        "unsigned long long efi_main(void) { return (unsigned long long)built(); }\n"
    ),
}


def new_rule_runner() -> RuleRunner:
    rule_runner = cc_rule_runner(
        [
            *cc_rules.rules(),
            QueryRule(LinkSources, (LinkSourcesRequest,)),
            QueryRule(LinkedProgram, (LinkRequest,)),
        ],
        [ProgramTarget],
    )
    rule_runner.write_files(FILES)
    set_options(rule_runner)
    return rule_runner


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_rule_runner()


def link(rule_runner: RuleRunner, spec: str) -> LinkedProgram:
    return rule_runner.request(LinkedProgram, [LinkRequest(address(spec), EFI, "app.efi")])


def test_what_is_listed_is_linked_and_a_header_brings_no_code(rule_runner: RuleRunner) -> None:
    sources = rule_runner.request(LinkSources, [LinkSourcesRequest(address("app:app"))])
    assert [str(target.address) for target in sources.targets] == [
        "app/a.c:code",
        "base/b.c",
        "lib/z.c",
    ]


def test_the_same_program_comes_out_of_another_folder_and_an_empty_store(
    rule_runner: RuleRunner,
) -> None:
    other = new_rule_runner()
    assert other.build_root != rule_runner.build_root
    assert link(other, "app:app") == link(rule_runner, "app:app")


def test_a_program_without_code_says_what_to_list(rule_runner: RuleRunner) -> None:
    with pytest.raises(ExecutionError, match="app:none depends on no `.c` file: list the"):
        link(rule_runner, "app:none")
