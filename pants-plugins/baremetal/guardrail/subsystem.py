"""Options of the `guardrail` target."""

from __future__ import annotations

from pants.option.option_types import SkipOption
from pants.option.subsystem import Subsystem


class GuardrailSubsystem(Subsystem):
    options_scope = "baremetal-guardrail"
    name = "guardrails"
    help = "Verdicts of milestones over captures of boots and the ledger of runs."

    skip: SkipOption = SkipOption("test")
