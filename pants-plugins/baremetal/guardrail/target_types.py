"""The `guardrail` target."""

from __future__ import annotations

from pants.core.goals.test import RuntimePackageDependenciesField, TestTimeoutField
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.target import COMMON_TARGET_FIELDS, Dependencies, MultipleSourcesField, Target
from pants.util.strutil import help_text


class GuardrailDependenciesField(Dependencies):
    help = "The `files` that the judge reads: the marker table."


class GuardrailCapturesField(RuntimePackageDependenciesField):
    alias = "captures"
    required = True
    help = "The `boot_capture` targets whose evidence is judged."


class GuardrailLedgerField(MultipleSourcesField):
    alias = "ledger"
    required = True
    help = "The files of the ledger, all in one folder: the runs that this one is compared with."


class GuardrailTimeoutField(TestTimeoutField):
    pass


class GuardrailTarget(Target):
    alias = "guardrail"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        GuardrailDependenciesField,
        GuardrailCapturesField,
        GuardrailLedgerField,
        GuardrailTimeoutField,
        EnvironmentField,
    )
    help = help_text(
        """
        One milestone's verdict over captures and the ledger: pass, fail or insufficient, with sample counts. The name
        is that of a row of tools/guardrails/catalogue.py. `state.json`, `report.md` and `junit.xml` are written below
        `dist/test/`.
        """
    )
