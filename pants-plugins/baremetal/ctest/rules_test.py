from __future__ import annotations

import pytest
from pants.backend.cc.target_types import CCSourcesGeneratorTarget
from pants.core.goals import package
from pants.core.goals import test as test_goal
from pants.core.goals.test import TestResult
from pants.core.target_types import FileTarget
from pants.engine.addresses import Address
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal.cc.testutil import set_options
from baremetal.ctest import rules as ctest_rules
from baremetal.ctest.rules import CFuzzFieldSet, CFuzzRequest, CTestFieldSet, CTestRequest
from baremetal.ctest.target_types import CFuzzTarget, CTestsTarget, CTestTarget

BUILD = """\
cc_sources(sources=["*.c", "*.h", "!*_test.c", "!*_fuzz.c"])
c_tests(name="tests", dependencies=[":lib", ":data"])
file(name="data", source="data.txt")
c_fuzz(name="fuzz", source="at_fuzz.c", dependencies=[":lib", ":data"])
"""
FILES = {
    "lib/BUILD": BUILD,
    "lib/data.txt": "three",
    "lib/at.h": "int at(const int *values, int index);\n",
    "lib/at.c": '#include "lib/at.h"\nint at(const int *values, int index) { return values[index]; }\n',
    "lib/good_test.c": """\
#include "lib/at.h"
#include <stdio.h>

int main(void) {
    int values[3] = {1, 2, 3};
    printf("the last is %d\\n", at(values, 2));
    return fopen("lib/data.txt", "r") == NULL;
}
""",
    "lib/bad_test.c": """\
#include <stdio.h>

int main(void) {
    fputs("expected 4\\n", stderr);
    return 3;
}
""",
    "lib/wild_test.c": """\
#include "lib/at.h"

int main(void) {
    int values[3] = {1, 2, 3};
    return at(values, 3);
}
""",
    "lib/at_fuzz.c": """\
#include "lib/at.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int values[3] = {1, 2, 3};
    at(values, size == 5 && data[0] == 't' && data[1] == 'h' ? LIMIT : 0);
    return 0;
}
""",
}


@pytest.fixture
def rule_runner() -> RuleRunner:
    rule_runner = RuleRunner(
        rules=[
            *ctest_rules.rules(),
            *test_goal.rules(),
            *package.rules(),
            QueryRule(TestResult, (CTestRequest.Batch,)),
            QueryRule(TestResult, (CFuzzRequest.Batch,)),
        ],
        target_types=[CCSourcesGeneratorTarget, FileTarget, CTestTarget, CTestsTarget, CFuzzTarget],
        isolated_local_store=True,
    )
    rule_runner.write_files(FILES)
    set_options(rule_runner)
    return rule_runner


def run_test(rule_runner: RuleRunner, file: str) -> TestResult:
    test = rule_runner.get_target(Address("lib", target_name="tests", relative_file_path=file))
    batch = CTestRequest.Batch("", (CTestFieldSet.create(test),), None)  # type: ignore[type-var]
    return rule_runner.request(TestResult, [batch])


def run_fuzz(rule_runner: RuleRunner, *, limit: int) -> TestResult:
    source = FILES["lib/at_fuzz.c"].replace("LIMIT", str(limit))
    rule_runner.write_files({"lib/at_fuzz.c": source})
    fuzzer = rule_runner.get_target(Address("lib", target_name="fuzz"))
    batch = CFuzzRequest.Batch("", (CFuzzFieldSet.create(fuzzer),), None)  # type: ignore[type-var]
    return rule_runner.request(TestResult, [batch])


def test_a_test_passes_with_the_files_it_lists(rule_runner: RuleRunner) -> None:
    result = run_test(rule_runner, "good_test.c")
    assert (result.exit_code, result.stdout) == (0, "the last is 3\n")


def test_a_failing_test_shows_what_it_said(rule_runner: RuleRunner) -> None:
    result = run_test(rule_runner, "bad_test.c")
    assert (result.exit_code, result.stderr) == (3, "expected 4\n")


def test_a_read_past_the_end_is_caught_and_placed(rule_runner: RuleRunner) -> None:
    result = run_test(rule_runner, "wild_test.c")
    assert result.exit_code != 0
    assert "stack-buffer-overflow" in result.stderr
    assert "lib/at.c:2" in result.stderr


def test_a_fuzzer_that_finds_nothing_passes(rule_runner: RuleRunner) -> None:
    result = run_fuzz(rule_runner, limit=2)
    assert result.exit_code == 0
    assert "number_of_executed_units: 20000" in result.stderr
    assert result.extra_output is not None and result.extra_output.files == ()


def test_what_a_fuzzer_finds_is_kept(rule_runner: RuleRunner) -> None:
    result = run_fuzz(rule_runner, limit=3)  # the seed file "three" gets there
    assert result.exit_code != 0
    assert result.extra_output is not None
    assert [file.startswith("findings/crash-") for file in result.extra_output.files] == [True]
