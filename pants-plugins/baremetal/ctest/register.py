"""Backend `baremetal.ctest`: C unit tests and fuzzers under sanitizers."""

from baremetal.ctest import rules as ctest_rules
from baremetal.ctest.target_types import CFuzzTarget, CTestsTarget, CTestTarget


def rules():
    return ctest_rules.rules()


def target_types():
    return [CTestTarget, CTestsTarget, CFuzzTarget]
