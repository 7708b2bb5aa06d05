"""Options of the `c_test` and `c_fuzz` targets."""

from __future__ import annotations

from pants.option.option_types import IntOption, SkipOption
from pants.option.subsystem import Subsystem


class CTestSubsystem(Subsystem):
    options_scope = "baremetal-test"
    name = "C tests"
    help = "C unit tests, run under the address and undefined-behaviour sanitizers."

    skip: SkipOption = SkipOption("test")


class CFuzzSubsystem(Subsystem):
    options_scope = "baremetal-fuzz"
    name = "C fuzzers"
    help = "libFuzzer programs, run for a bounded number of inputs under the sanitizers."

    skip: SkipOption = SkipOption("test")
    runs = IntOption(default=20_000, help="How many inputs each fuzzer tries.")
    seed = IntOption(default=1, help="Seed of the mutations; the same seed tries the same inputs.")
