from __future__ import annotations

import pytest
from pants.backend.cc.target_types import CCSourcesGeneratorTarget
from pants.core.target_types import FileTarget
from pants.engine.rules import QueryRule
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    DependenciesRequest,
    SingleSourceField,
    Target,
    Targets,
)
from pants.testutil.rule_runner import RuleRunner

from baremetal.cc import rules as cc_rules
from baremetal.cc.headers import GeneratedHeaderSourceField, HeaderClosure, HeaderClosureRequest
from baremetal.cc.testutil import address, set_options


class TableTarget(Target):
    alias = "table"
    core_fields = (*COMMON_TARGET_FIELDS, Dependencies, GeneratedHeaderSourceField)
    help = "A table."


@pytest.fixture
def rule_runner() -> RuleRunner:
    rule_runner = RuleRunner(
        rules=[
            *cc_rules.rules(),
            QueryRule(HeaderClosure, (HeaderClosureRequest,)),
            QueryRule(Targets, (DependenciesRequest,)),
        ],
        target_types=[CCSourcesGeneratorTarget, FileTarget, TableTarget],
    )
    set_options(rule_runner)
    return rule_runner


def closure(rule_runner: RuleRunner, path: str) -> list[str]:
    target = rule_runner.get_target(address(path))
    found = rule_runner.request(HeaderClosure, [HeaderClosureRequest(target)])
    return [source.file_path for source in found.sources if isinstance(source, SingleSourceField)]


def test_headers_are_followed_and_may_include_each_other(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "a/BUILD": "cc_sources()",
            "a/x.c": '#include "a/x.h" // why\n#include <stdint.h>\n',
            "a/x.h": '#include "b/y.h"\n',
            "b/BUILD": "cc_sources()",
            "b/y.h": '#include "a/x.h"\n',
            "b/unrelated.h": "",
        }
    )
    assert closure(rule_runner, "a/x.c") == ["a/x.h", "b/y.h"]


def test_what_a_target_lists_is_no_header_of_it(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "a/BUILD": "cc_sources(dependencies=['b'])",
            "a/x.c": "",
            "b/BUILD": "cc_sources()",
            "b/y.h": "",
        }
    )
    assert closure(rule_runner, "a/x.c") == []


def test_a_generated_header_is_inferred_with_what_it_includes(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "a/BUILD": "cc_sources()",
            "a/x.c": '#include "b/t.gen.h"\n',
            "b/BUILD": "cc_sources()\ntable(name='t', source='t.toml', dependencies=['./y.h'])",
            "b/t.toml": "",
            "b/y.h": '#include "b/z.h"\n',
            "b/z.h": "",
        }
    )
    assert closure(rule_runner, "a/x.c") == ["b/t.toml", "b/y.h", "b/z.h"]
    source = rule_runner.get_target(address("a/x.c"))
    listed = rule_runner.request(Targets, [DependenciesRequest(source[Dependencies])])
    assert [target.address for target in listed] == [address("b:t")]
